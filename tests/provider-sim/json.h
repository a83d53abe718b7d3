// JSON written from templates, and laid out.
#ifndef PROVIDER_SIM_JSON_H
#define PROVIDER_SIM_JSON_H

#include "tests/provider-sim/text.h"

// Appends a template in which ' stands for a double quote, and
//   %s  is a C string that is escaped
//   %j  a span that is escaped
//   %r  a span as it stands
//   %d  an int64_t
//   %t  a bool
void json_put(struct text *out, const char *template, ...);
// Appends compact JSON with line feeds and two spaces a level, as some APIs answer.
void json_pretty(struct span compact, struct text *out);
// Appends pico-USD as a decimal number of USD.
void json_usd(struct text *out, int64_t pusd);

#endif
