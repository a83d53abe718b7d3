#include "tests/unit/extractor/samples.h"

#include "common/mem.h"
#include "tests/unit/built_in.h"

#include <check.h>

void sample_open(struct sample *sample) {
    *sample = (struct sample){.catalogue = built_in_catalogue()};
    sample_api(sample, "openai", "chat");
    sample->extract = mem_new(sizeof(*sample->extract));
    extract_init(sample->extract);
    buf_init(&sample->facts, FACTS_BYTES_MAX);
}

void sample_api(struct sample *sample, const char *provider, const char *api) {
    sample->api = catalogue_api(sample->catalogue, bytes_text(provider), bytes_text(api));
    ck_assert_ptr_nonnull(sample->api);
}

void sample_close(struct sample *sample) {
    extract_release(sample->extract);
    mem_free(sample->extract);
    catalogue_free(sample->catalogue);
    buf_release(&sample->facts);
}

void sample_read(struct sample *sample, unsigned status, const char *headers, struct bytes body) {
    struct answer answer = {
        .api = sample->api,
        .status = status,
        .headers = bytes_text(headers),
        .body = body,
    };
    sample_read_answer(sample, &answer);
}

void sample_read_answer(struct sample *sample, const struct answer *answer) {
    extract_open(sample->extract, answer);
    sample->refusal = extract_refusal(sample->extract);
    ck_assert_int_eq(extract_facts(sample->extract, &sample->facts), ERR_OK);

    struct wire_message message;
    ck_assert_int_eq(wire_open(buf_bytes(&sample->facts), &message), ERR_OK);
    ck_assert_int_eq(message.kind, KIND_facts);
    ck_assert_int_eq(wire_head(&message, &sample->head), ERR_OK);
    uint32_t items = message.items;
    for (sample->count = 0; sample->count < IDENTIFIERS_MAX; sample->count++)
        if (wire_next(&message, &sample->items[sample->count]) != ERR_OK)
            break;
    ck_assert_uint_eq(sample->count, items);
}

bool sample_has(const struct sample *sample, const char *kind, const char *value,
                const char *path) {
    for (size_t i = 0; i < sample->count; i++) {
        const struct facts_item *item = &sample->items[i];
        if ((!kind || bytes_is(item->kind, kind)) && (!value || bytes_is(item->value, value)) &&
            (!path || bytes_is(item->path, path)))
            return true;
    }
    return false;
}
