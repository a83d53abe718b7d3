// Any client and any broker around one submission: blocks of any offset, size and repetition, and
// answers that are late, lost, doubled or wrong. The submission ends or goes on; it never says
// more than the client sent, and never breaks.
// The input is a list of steps, each a byte for what happens and bytes for its details.

#include "common/mem.h"
#include "tests/unit/built_in.h"
#include "workers/ingress/session.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 400 };

static const char *const pieces[] = {
    "{\"custom_id\":\"a\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"o3\"}}\n",
    "{\"conversation\":\"c\",\"model\":\"openai/o3\",\"input\":\"x\"}\n",
    "{\"conversation\":\"c\",\"input\":\"y\"}\n",
    "\n",
    "broken\n",
    "{\"custom_id\":\"",
    "\r\n",
    "\xff",
};

struct fuzz {
    struct bytes rest;
    struct session *session;
    struct moment now;
    struct digest digest; // of what the broker holds
    uint64_t through;
};

static struct catalogue *catalogue;

static void set_up(void) {
    catalogue = built_in_catalogue();
}

static uint8_t take(struct fuzz *fuzz) {
    if (fuzz->rest.size == 0)
        return 0;
    uint8_t byte = *fuzz->rest.at;
    fuzz->rest = bytes_of(fuzz->rest.at + 1, fuzz->rest.size - 1);
    return byte;
}

// A piece of a file, or bytes of the input, at an offset that is mostly right.
static void send_block(struct fuzz *fuzz) {
    uint8_t how = take(fuzz), which = take(fuzz);
    struct bytes bytes = bytes_text(pieces[which % 8]);
    if (which >= 128) {
        size_t size = which - 128u < fuzz->rest.size ? which - 128u : fuzz->rest.size;
        bytes = bytes_of(fuzz->rest.at, size);
        fuzz->rest = bytes_of(fuzz->rest.at + size, fuzz->rest.size - size);
    }
    uint64_t offset = fuzz->session->received;
    if (how % 8 == 6)
        offset += how; // a gap
    else if (how % 8 == 7)
        offset -= offset < how ? offset : how; // a repetition
    struct block_head block = {.request = 3, .offset = offset, .is_last = how % 16 == 5};
    session_block(fuzz->session, &block, bytes, fuzz->now.mono_ms);
}

static void answer_open(struct fuzz *fuzz, const struct open_head *open, uint8_t how) {
    struct opened_head opened = {.request = open->request + (how % 8 == 7),
                                 .batch = 9,
                                 .batch_id = open->batch_id,
                                 .accepted_through = fuzz->through + (how % 16 == 6),
                                 .digest = fuzz->digest,
                                 .is_known = how & 16,
                                 .is_sealed = how % 32 == 9};
    if (how % 16 == 5)
        opened.reason = bytes_text("too_many_batches");
    stream_opened(&fuzz->session->stream, &opened);
}

static void answer_put(struct fuzz *fuzz, const struct put_head *put, uint8_t how) {
    static const char *const reasons[] = {"resume_at", "file_changed",  "journal_full",
                                          "sealed",    "unknown_batch", "a word of tomorrow"};
    bool is_taken =
        how % 4 != 3 && put->first == fuzz->through + 1 && digest_equal(put->before, fuzz->digest);
    if (is_taken) {
        fuzz->through = put->last;
        fuzz->digest = put->after;
    }
    struct put_stored_head stored = {.request = put->request + (how % 16 == 15),
                                     .batch = 9,
                                     .accepted_through = fuzz->through + (how % 32 == 31),
                                     .digest = fuzz->digest};
    if (!is_taken)
        stored.reason = bytes_text(reasons[how / 4 % 6]);
    if (how % 64 == 62)
        stored.digest.at[0] ^= 1;
    stream_stored(&fuzz->session->stream, &stored, fuzz->now.mono_ms);
}

// What the stream has to say is heard, lost, or answered by a broker that errs.
static void answer_one(struct fuzz *fuzz) {
    struct stream_message message;
    struct wire_message wire;
    union {
        struct open_head open;
        struct put_head put;
        struct seal_head seal;
    } head;
    uint8_t how = take(fuzz);
    if (fuzz->session->is_validation ||
        !stream_next(&fuzz->session->stream, fuzz->now.mono_ms, &message))
        return;
    enum err e = wire_open(message.header, &wire);
    assert(e == ERR_OK);
    e = wire_head(&wire, &head);
    assert(e == ERR_OK);
    if (how == 255)
        return; // lost
    if (wire.kind == KIND_open) {
        answer_open(fuzz, &head.open, how);
    } else if (wire.kind == KIND_put) {
        assert(head.put.first <= head.put.last && wire.items <= ITEMS_MAX);
        answer_put(fuzz, &head.put, how);
    } else {
        struct put_stored_head stored = {.request = head.seal.request, .batch = 9};
        stored.reason = bytes_text(how % 4 == 3 ? "unknown_batch" : "");
        stream_stored(&fuzz->session->stream, &stored, fuzz->now.mono_ms);
    }
}

static void hear_progress(struct fuzz *fuzz) {
    struct buf header;
    struct wire_message wire;
    struct progress_head told;
    struct progress_item item;
    buf_init(&header, HEADER_BYTES_MAX);
    if (session_progress(fuzz->session, take(fuzz) & 1 ? "broker_away" : NULL, fuzz->now.mono_ms,
                         &header)) {
        enum err e = wire_open(buf_bytes(&header), &wire);
        assert(e == ERR_OK);
        e = wire_head(&wire, &told);
        assert(e == ERR_OK && told.refused <= told.lines);
        while ((e = wire_next(&wire, &item)) == ERR_OK)
            assert(item.line > 0 && item.reason.size > 0);
        assert(e == ERR_NOT_FOUND);
    }
    buf_release(&header);
}

static void step(struct fuzz *fuzz) {
    uint8_t what = take(fuzz);
    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        send_block(fuzz);
        break;
    case 3:
    case 4:
        answer_one(fuzz);
        break;
    case 5:
        (void)session_work(fuzz->session, fuzz->now);
        break;
    case 6:
        hear_progress(fuzz);
        break;
    default:
        fuzz->now.mono_ms += (uint64_t)take(fuzz) * 100;
        break;
    }
    (void)session_work(fuzz->session, fuzz->now);
    assert(fuzz->session->waiting.size <= 2ull * STREAM_BLOCK_BYTES_MAX * STREAM_BLOCKS_CREDIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    if (!catalogue)
        set_up();
    int64_t held = mem_held();
    struct submit_head submit = {
        .request = 3, .key = bytes_text("key"), .validate_only = data[0] % 4 == 3};
    struct route client = {.at = {1}, .size = 1};
    struct fuzz fuzz = {.rest = bytes_of(data + 1, size - 1),
                        .now = {.mono_ms = 5000, .wall_ms = 1795000000000},
                        .digest = digest_of(bytes_of("", 0))};
    fuzz.session = session_new(&submit, &client, (struct id){{4}}, 1, fuzz.now.mono_ms);
    session_catalogue(fuzz.session, catalogue);
    for (int i = 0; i < STEPS_MAX && fuzz.rest.size > 0; i++)
        step(&fuzz);
    session_free(fuzz.session);
    assert(mem_held() == held);
    return 0;
}
