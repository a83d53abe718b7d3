// Any bytes as a job file: every line is judged, a good one has all that a job needs and travels,
// a bad one has its reason, and the cutting does not depend on how the file came in blocks.
// The input is a byte for the size of blocks, then the file.

#include "common/json.h"
#include "common/wire.h"
#include "tests/unit/built_in.h"
#include "workers/ingress/split.h"
#include "workers/ingress/validate.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct id BATCH = {{1}};
static const struct id JOB = {{2}};
static struct catalogue *catalogue;

static void set_up(void) {
    catalogue = built_in_catalogue();
}

// What the broker would do with the item: take it in whole.
static void check_travels(const struct put_item *item) {
    struct buf out;
    struct put_item again;
    buf_init(&out, HEADER_BYTES_MAX);
    enum err e = wire_pack_item(&out, KIND_put, item);
    assert(e == ERR_OK);
    e = wire_unpack_item(buf_bytes(&out), KIND_put, &again);
    assert(e == ERR_OK);
    buf_release(&out);
}

// What the ledger may know of a conversation that is continued: something, or nothing.
static const struct resolved answers[] = {
    {.refusal = REFUSAL_conversation_unknown},
    {.conversation = {{1}},
     .origin = {{2}},
     .name = {(const uint8_t *)"then", 4},
     .turn = 7,
     .provider = {(const uint8_t *)"openai", 6},
     .api = {(const uint8_t *)"chat", 4},
     .model = {(const uint8_t *)"gpt-4o", 6}},
};

static void check_line(struct validator *validator, const struct split_line *line) {
    struct put_item item = {0};
    if (line->is_too_long) {
        validator_long_line(validator, line->number, JOB, &item);
        assert(item.refused.size > 0);
        return;
    }
    if (split_is_blank(line->raw))
        return;
    enum refusal refusal = validator_line(validator, line->number, line->raw, JOB, 0, &item);
    if (refusal == REFUSAL_unresolved) {
        assert(validator_wants(validator).size > 0);
        validator_resolved(validator, &answers[line->number % 2]);
        refusal = validator_line(validator, line->number, line->raw, JOB, 0, &item);
        assert(refusal != REFUSAL_unresolved);
    }
    assert(item.line == line->number && id_equal(item.job_id, JOB));
    assert((refusal == REFUSAL_none) == (item.refused.size == 0));
    if (refusal == REFUSAL_none) {
        assert(item.provider.size > 0 && item.api.size > 0 && item.model.size > 0);
        assert(item.turn > 0 && !id_is_none(item.conversation_id));
        assert(json_is_complete(line->raw));
    }
    check_travels(&item);
}

// Reads the file in blocks of that size; returns the number of lines.
static uint64_t read_file(struct bytes file, size_t block, bool has_judge) {
    struct split split;
    struct split_line line;
    struct validator *validator = validator_new(bytes_text(""), BATCH, false);
    validator_catalogue(validator, catalogue);
    split_init(&split);
    for (size_t at = 0; at < file.size; at += block) {
        struct bytes input =
            bytes_of(file.at + at, block < file.size - at ? block : file.size - at);
        while (split_next(&split, &input, &line))
            if (has_judge)
                check_line(validator, &line);
    }
    if (split_last(&split, &line) && has_judge)
        check_line(validator, &line);
    uint64_t lines = split.lines;
    split_release(&split);
    validator_free(validator);
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    if (!catalogue)
        set_up();
    struct bytes file = bytes_of(data + 1, size - 1);
    uint64_t lines = read_file(file, (size_t)data[0] + 1, true);
    assert(read_file(file, file.size + 1, false) == lines);
    return 0;
}
