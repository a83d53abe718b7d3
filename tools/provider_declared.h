// The places that an entry of the catalogue declares, and which of them recorded answers held.
#ifndef TOOLS_PROVIDER_DECLARED_H
#define TOOLS_PROVIDER_DECLARED_H

#include "common/catalogue.h"
#include "tools/call.h"

struct declared;

// The caller's (declared_free), good as long as the catalogue.
struct declared *declared_new(const struct provider_api *api);
// Accepts NULL.
void declared_free(struct declared *declared);

// What a place of an answer is to the entry: $.choices[*].index, header:x-request-id.
enum standing {
    STANDING_unknown,  // no entry speaks of it
    STANDING_declared, // an entry names it, or what holds it
    STANDING_idle,     // what no entry ever names: how answers travel, and what is added here
};
// Notes too that what it reaches was seen.
enum standing declared_meet(struct declared *declared, const char *place);
// What is declared and was not met, as the entry has it. A new array.
json_t *declared_unseen(const struct declared *declared);

#endif
