// What the extractor's tests share: our own catalogue, and facts read back from their message.
#ifndef TESTS_EXTRACTOR_SAMPLES_H
#define TESTS_EXTRACTOR_SAMPLES_H

#include "common/wire.h"
#include "workers/extractor/extract.h"

struct sample {
    struct catalogue *catalogue;
    const struct provider_api *api; // whose answers are read
    struct extract *extract;
    struct buf facts;
    struct facts_head head;
    struct facts_item items[IDENTIFIERS_MAX];
    size_t count;
    const char *refusal; // NULL: none
};

// Answers are read as those of OpenAI's Chat Completions, until sample_api says otherwise.
void sample_open(struct sample *sample);
void sample_api(struct sample *sample, const char *provider, const char *api);
void sample_close(struct sample *sample);
// Reads an answer; its facts are then in the sample. The texts must
// outlive that.
void sample_read(struct sample *sample, unsigned status, const char *headers, struct bytes body);
// The same with all that there is to an answer.
void sample_read_answer(struct sample *sample, const struct answer *answer);
// Whether an identifier was found; a NULL matches anything.
bool sample_has(const struct sample *sample, const char *kind, const char *value, const char *path);

#endif
