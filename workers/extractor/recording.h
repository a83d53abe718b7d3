// A recorded exchange with a provider: one JSON file, {provider, flavor, request{url, body},
// response{status, headers, stream, body}}. Its body may be parsed JSON (it is then the answer as
// it stands in the file) or a text (the answer's bytes: a stream of events, a page, nothing).
#ifndef EXTRACTOR_RECORDING_H
#define EXTRACTOR_RECORDING_H

#include "workers/extractor/extract.h"

enum { RECORDING_BYTES_MAX = 9 << 20, RECORDING_WORDS = 5 };

// The memory of one recording after another.
struct recording {
    struct buf text; // of the file
    struct json_scan scan;
    struct buf words[RECORDING_WORDS]; // texts with escapes in them
    // What it says. Empty where it says nothing; the views die with the next recording.
    struct bytes url;
    struct bytes provider;
    struct bytes flavor;
    struct bytes model; // as the request's body has it
    unsigned status;
    bool is_stream; // the recording says so
    struct bytes body;
    struct buf body_text;
    struct buf headers; // the raw block
    int64_t at_ms;      // by the answer's Date; -1: it has none
};

void recording_init(struct recording *recording);
// Accepts a zeroed one.
void recording_release(struct recording *recording);

// Reads a file ("-": stdin). EX_OK, or EX_NOINPUT or EX_DATAERR; error is then what is wrong with
// it, for people, without anything of its content.
int recording_read(struct recording *recording, const char *file, char *error, size_t error_size);

// Whose answer it is: by the request's URL, which is one of the API's endpoint (*by is "url", and
// *model the model in it, if there is one); else by the name that the recording gives the API,
// openai-chat or a provider's alone (*by is "name"). NULL: the catalogue does not have it.
const struct provider_api *recording_api(const struct recording *recording,
                                         const struct catalogue *catalogue, const char **by,
                                         struct bytes *model);
// Whether the URL is one at which the API's provider answers about a batch of its own; and whether
// it hands out nothing but results there.
bool recording_is_batch(const struct provider_api *api, struct bytes url);
bool recording_is_results(const struct provider_api *api, struct bytes url);
// What such a URL names: views of it, empty where it names none.
void recording_batch_names(const struct provider_api *api, struct bytes url, struct bytes *batch,
                           struct bytes *model);

#endif
