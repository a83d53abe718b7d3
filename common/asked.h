// What a request asks for that its price depends on, read from its own members: a native body, or
// the parameters of a turn. For upper bounds only; what was served is the answer's to say.
#ifndef COMMON_ASKED_H
#define COMMON_ASKED_H

#include "common/catalogue.h"

// The tier, and whatever else the price depends on, as rating_upper_bound_in takes it: a view into
// out. False if it is not written as a text: nobody can say what that would cost.
bool asked_tier(const struct provider_api *api, const struct json_scan *scan, uint32_t object,
                struct buf *out, struct bytes *tier);
// A native body goes out as it is; in a turn's parameters the names of other APIs are known too.
enum asked_form { ASKED_native, ASKED_turn };
// Tokens that its answer may have at most, all choices together: by its own limit where it states
// one that the API heeds (the largest, of several), else what is assumed of a call that does not.
int64_t asked_output_max(const struct provider_api *api, enum asked_form form,
                         const struct json_scan *scan, uint32_t object);
// Tokens that its input may have at most, of so many bytes: one for each, and what the API adds
// by itself and for tools. -1: nobody can say, since it does not hold text only. What an image, a
// file or audio comes to is not known, nor what a provider's own tools will fetch.
int64_t asked_input_max(const struct provider_api *api, const struct json_scan *scan,
                        uint32_t object, size_t bytes);

#endif
