#include "workers/ingress/stream.h"

#include "common/mem.h"
#include "common/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

enum { RING = STREAM_CHUNKS_MAX + 1, TEXTS_BYTES_MAX = 16 << 10 };

#define TO(state) (1u << STREAM_##state)
static const unsigned stream_may_become[STREAM_STATES] = {
    [STREAM_OPENING] = TO(TAKING) | TO(FAILED),
    [STREAM_TAKING] = TO(OPENING) | TO(SEALING) | TO(DONE) | TO(FAILED),
    [STREAM_SEALING] = TO(OPENING) | TO(DONE) | TO(FAILED),
    [STREAM_DONE] = 0,
    [STREAM_FAILED] = 0,
};
#undef TO

// The only assignment to stream->state after its start.
static void move(struct stream *stream, enum stream_state next) {
    assert(stream_may_become[stream->state] >> next & 1u);
    stream->state = next;
    stream->said_ms = 0;
    stream->went_back = stream->request;
}

__attribute__((format(printf, 4, 5))) static void
fail(struct stream *stream, int code, const char *reason, const char *format, ...) {
    va_list args;
    va_start(args, format);
    text_vprint(stream->failure.detail, sizeof(stream->failure.detail), format, args);
    va_end(args);
    (void)snprintf(stream->failure.reason, sizeof(stream->failure.reason), "%s", reason);
    stream->failure.exit = code;
    move(stream, STREAM_FAILED);
}

static void fail_changed(struct stream *stream, uint64_t line) {
    fail(stream, EX_DATAERR, "file_changed",
         "the file differs from what was submitted under this key, somewhere up to line %llu; "
         "submit it under another --idempotency-key, or give the first file again",
         (unsigned long long)line);
}

static void fail_sealed(struct stream *stream, uint64_t lines) {
    fail(stream, EX_DATAERR, "sealed",
         "the batch of this key is sealed with %llu lines (cancelled, or complete) and the file "
         "has more; submit it under another --idempotency-key",
         (unsigned long long)lines);
}

static void fail_restart(struct stream *stream) {
    fail(stream, EX_TEMPFAIL, "resume", "the broker stands elsewhere; the file must be sent again");
}

// ---- memory -------------------------------------------------------------------------------------

// Appends the head's texts to texts and lets the head view them there.
static void own_texts(struct buf *texts, struct open_head *open) {
    enum { TEXTS = 5 };
    struct bytes *const views[TEXTS] = {&open->key, &open->name, &open->tags, &open->billed,
                                        &open->unanswered};
    size_t offsets[TEXTS];
    for (size_t i = 0; i < TEXTS; i++) {
        offsets[i] = texts->size;
        buf_put(texts, views[i]->at, views[i]->size);
    }
    assert(buf_state(texts) == ERR_OK);
    for (size_t i = 0; i < TEXTS; i++)
        views[i]->at = texts->at + offsets[i];
}

void stream_init(struct stream *stream, const struct open_head *open, uint64_t request_base) {
    memset(stream, 0, sizeof(*stream));
    stream->open = *open;
    stream->request = request_base;
    stream->went_back = request_base;
    buf_init(&stream->texts, TEXTS_BYTES_MAX);
    own_texts(&stream->texts, &stream->open);
    buf_init(&stream->header, HEADER_BYTES_MAX);
    hasher_open(&stream->hasher);
    stream->ring = mem_array(RING, sizeof(*stream->ring));
    stream->building = &stream->ring[0];
    stream->building->first = 1;
    stream->building->before = hasher_peek(&stream->hasher);
}

static void empty_chunk(struct stream_chunk *chunk) {
    for (uint32_t i = 0; i < chunk->items; i++)
        mem_free(chunk->lines[i].block);
    chunk->items = 0;
    chunk->bytes = 0;
}

void stream_release(struct stream *stream) {
    for (uint32_t i = 0; stream->ring && i < RING; i++)
        empty_chunk(&stream->ring[i]);
    mem_free(stream->ring);
    stream->ring = NULL;
    hasher_close(&stream->hasher);
    buf_release(&stream->texts);
    buf_release(&stream->header);
}

static struct stream_chunk *chunk_at(struct stream *stream, uint32_t i) {
    return &stream->ring[(stream->head + i) % RING];
}

// Copies an item, its texts and its raw line into one block.
static void copy_line(struct stream_line *line, const struct put_item *item, struct bytes raw) {
    const struct shape *shape = wire_kind(KIND_put)->item;
    size_t size = raw.size;
    for (size_t i = 0; i < shape->count; i++)
        if (shape->fields[i].type == FIELD_text)
            size += ((const struct bytes *)((const char *)item + shape->fields[i].offset))->size;
    line->item = *item;
    line->block = mem_new(size);
    uint8_t *to = line->block;
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].type != FIELD_text)
            continue;
        struct bytes *text = (struct bytes *)((char *)&line->item + shape->fields[i].offset);
        if (text->size > 0)
            memcpy(to, text->at, text->size);
        text->at = to;
        to += text->size;
    }
    if (raw.size > 0)
        memcpy(to, raw.at, raw.size);
    line->raw = bytes_of(to, raw.size);
}

// ---- lines --------------------------------------------------------------------------------------

bool stream_takes(const struct stream *stream) {
    return stream->state == STREAM_TAKING && !stream->is_finished &&
           stream->count < STREAM_CHUNKS_MAX && stream->bytes < STREAM_CHUNKS_BYTES_MAX;
}

void stream_hash(struct stream *stream, struct bytes bytes) {
    hasher_add(&stream->hasher, bytes.at, bytes.size);
    stream->is_in_line = stream->is_in_line || bytes.size > 0;
}

static void start_chunk(struct stream *stream, struct digest before) {
    stream->building = chunk_at(stream, stream->count);
    empty_chunk(stream->building);
    stream->building->first = stream->lines + 1;
    stream->building->before = before;
}

// Closes the chunk that is being built: it joins the window.
static void close_chunk(struct stream *stream) {
    struct stream_chunk *chunk = stream->building;
    assert(!stream->is_in_line);
    if (chunk->first > stream->lines)
        return;
    chunk->last = stream->lines;
    chunk->after = hasher_peek(&stream->hasher);
    chunk->sent_ms = 0;
    stream->bytes += chunk->bytes;
    stream->count++;
    start_chunk(stream, chunk->after);
}

// A line that the broker has: nothing is sent, and at the last of them the digests must agree.
static void skip_line(struct stream *stream) {
    if (stream->lines < stream->skip_through)
        return;
    struct digest digest = hasher_peek(&stream->hasher);
    if (!digest_equal(digest, stream->skip_digest))
        fail_changed(stream, stream->lines);
    else
        start_chunk(stream, digest);
}

void stream_line(struct stream *stream, const struct put_item *item, struct bytes raw) {
    assert(stream_takes(stream));
    stream->is_in_line = false;
    stream->lines++;
    if (stream->lines <= stream->skip_through) {
        skip_line(stream);
        return;
    }
    if (stream->is_sealed) {
        fail_sealed(stream, stream->lines - 1);
        return;
    }
    struct stream_chunk *chunk = stream->building;
    if (item) {
        copy_line(&chunk->lines[chunk->items++], item, raw);
        chunk->bytes += raw.size;
    }
    if (chunk->items == ITEMS_MAX || chunk->bytes >= MESSAGE_BYTES_SOFT ||
        stream->lines - chunk->first + 1 >= CHUNK_LINES_MAX)
        close_chunk(stream);
}

void stream_flush(struct stream *stream) {
    if (stream->state == STREAM_TAKING && !stream->is_in_line &&
        stream->count < STREAM_CHUNKS_MAX && stream->lines > stream->skip_through)
        close_chunk(stream);
}

// Moves on when everything is stored and nothing more comes.
static void settle(struct stream *stream) {
    if (stream->state != STREAM_TAKING || !stream->is_finished || stream->count > 0)
        return;
    if (stream->lines < stream->skip_through) {
        fail_changed(stream, stream->lines + 1);
        return;
    }
    move(stream, stream->is_sealed ? STREAM_DONE : STREAM_SEALING);
}

void stream_finish(struct stream *stream) {
    assert(stream->state == STREAM_TAKING && stream->count < STREAM_CHUNKS_MAX);
    if (stream->lines > stream->skip_through)
        close_chunk(stream);
    stream->is_finished = true;
    settle(stream);
}

// ---- the broker's answers -----------------------------------------------------------------------

// Forgets the closed chunks up to line through; the digest there must agree.
static void drop_stored(struct stream *stream, uint64_t through, struct digest digest) {
    while (stream->count > 0 && chunk_at(stream, 0)->last <= through) {
        struct stream_chunk *chunk = chunk_at(stream, 0);
        if (chunk->last == through && !digest_equal(chunk->after, digest)) {
            fail_changed(stream, through);
            return;
        }
        stream->bytes -= chunk->bytes;
        empty_chunk(chunk);
        stream->head = (stream->head + 1) % RING;
        stream->count--;
        stream->sent -= stream->sent > 0 ? 1 : 0;
    }
}

// The broker has lines up to through, beyond every closed chunk: what is being built goes, and
// reading goes on without sending until there.
static void skip_to(struct stream *stream, uint64_t through, struct digest digest) {
    bool is_at_start = through + 1 == stream->building->first;
    if (is_at_start || through < stream->lines) {
        if (!is_at_start)
            fail_restart(stream); // the middle of a chunk: its digest there is not known any more
        else if (through > 0 && !digest_equal(stream->building->before, digest))
            fail_changed(stream, through);
        return;
    }
    stream->skip_through = through;
    stream->skip_digest = digest;
    start_chunk(stream, stream->building->before);
    if (through == stream->lines)
        skip_line(stream);
}

// The broker stands at line through: everything up to there is its own.
static void stand_at(struct stream *stream, uint64_t through, struct digest digest) {
    if (through < stream->accepted_through)
        return; // an answer that was overtaken
    drop_stored(stream, through, digest);
    if (stream->state == STREAM_FAILED)
        return;
    stream->accepted_through = through;
    if (stream->count == 0 && through > stream->skip_through)
        skip_to(stream, through, digest);
    else if (stream->count > 0 && chunk_at(stream, 0)->first <= through)
        fail_restart(stream);
}

static void go_back(struct stream *stream) {
    stream->sent = 0;
    stream->went_back = stream->request;
}

// Whether an answer belongs to a question that was put since the last going back.
static bool is_answer(const struct stream *stream, uint64_t request) {
    return request > stream->went_back && request <= stream->request;
}

// The code of a refusal that passes by itself; NULL: it is none.
static const char *lack_named(struct bytes reason) {
    static const char *const lacks[] = {"journal_full", "disk_full"};
    for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++)
        if (bytes_is(reason, lacks[i]))
            return lacks[i];
    return NULL;
}

static void fail_refused(struct stream *stream, const struct opened_head *opened) {
    char reason[REASON_BYTES_MAX + 1];
    bool may_pass = bytes_is(opened->reason, "too_many_batches");
    (void)snprintf(reason, sizeof(reason), "%.*s", (int)opened->reason.size,
                   (const char *)opened->reason.at);
    fail(stream, may_pass ? EX_TEMPFAIL : EX_DATAERR, reason, "%.*s", (int)opened->detail.size,
         (const char *)opened->detail.at);
}

void stream_opened(struct stream *stream, const struct opened_head *opened) {
    if (stream->state != STREAM_OPENING || !is_answer(stream, opened->request))
        return;
    stream->lacks = lack_named(opened->reason);
    if (stream->lacks)
        return; // it is asked again
    if (opened->reason.size > 0) {
        fail_refused(stream, opened);
        return;
    }
    bool is_again = !id_is_none(stream->batch_id);
    if (is_again && !id_equal(stream->batch_id, opened->batch_id)) {
        fail_restart(stream); // the ids of the lines' conversations were made for another batch
        return;
    }
    stream->batch = opened->batch;
    stream->batch_id = opened->batch_id;
    stream->is_sealed = opened->is_sealed || opened->batch == 0; // 0: only the ledger has it
    stream->is_known = stream->is_known || opened->is_known;
    if (!is_again)
        stream->refused_before = opened->refused;
    move(stream, STREAM_TAKING);
    go_back(stream);
    if (opened->accepted_through < stream->accepted_through)
        fail_restart(stream);
    else
        stand_at(stream, opened->accepted_through, opened->digest);
    if (stream->state == STREAM_TAKING && stream->is_sealed &&
        stream->lines > stream->accepted_through)
        fail_sealed(stream, stream->accepted_through);
    settle(stream);
}

// Whether the file has to be read from its start: the broker stands where we do not, or turns of a
// conversation have to be numbered anew when those of another batch are through.
static bool must_restart(const struct stream *stream, const struct put_stored_head *stored) {
    if (bytes_is(stored->reason, "conversation_busy"))
        return true;
    return bytes_is(stored->reason, "resume_at") &&
           (stored->accepted_through < stream->accepted_through || stream->state == STREAM_SEALING);
}

// An answer to a chunk or to the seal that is no plain success.
static void take_objection(struct stream *stream, const struct put_stored_head *stored,
                           uint64_t now_ms) {
    if (bytes_is(stored->reason, "file_changed")) {
        fail_changed(stream, stored->accepted_through);
    } else if (bytes_is(stored->reason, "unknown_batch") || bytes_is(stored->reason, "sealed")) {
        // Sealed by a cancellation, or by somebody who submits the same: opening it again tells.
        move(stream, STREAM_OPENING);
    } else if (lack_named(stored->reason)) {
        stream->lacks = lack_named(stored->reason);
        stream->not_before_ms = now_ms + PUT_RETRY_MS;
        stream->said_ms = 0;
        go_back(stream);
    } else if (must_restart(stream, stored)) {
        fail_restart(stream);
    } else if (!bytes_is(stored->reason, "resume_at")) {
        fail(stream, EX_TEMPFAIL, "refused", "the broker refused a chunk: %.*s",
             (int)stored->reason.size, (const char *)stored->reason.at);
    } else {
        go_back(stream);
        stand_at(stream, stored->accepted_through, stored->digest);
    }
}

void stream_stored(struct stream *stream, const struct put_stored_head *stored, uint64_t now_ms) {
    bool is_waiting = stream->state == STREAM_TAKING || stream->state == STREAM_SEALING;
    if (!is_waiting || stored->request > stream->request)
        return;
    if (stored->reason.size > 0) {
        // Of several chunks that met the same obstacle only the first counts.
        if (is_answer(stream, stored->request))
            take_objection(stream, stored, now_ms);
    } else if (stream->state == STREAM_TAKING && stored->batch == stream->batch) {
        stream->lacks = NULL;
        stand_at(stream, stored->accepted_through, stored->digest);
    } else if (is_answer(stream, stored->request)) {
        move(stream, STREAM_DONE);
    }
    settle(stream);
}

void stream_restart(struct stream *stream) {
    stream->said_ms = 0;
    stream->not_before_ms = 0;
    go_back(stream);
}

// ---- what to send -------------------------------------------------------------------------------

static bool is_due(const struct stream *stream, uint64_t now_ms) {
    return now_ms >= stream->not_before_ms &&
           (stream->said_ms == 0 || now_ms - stream->said_ms >= PUT_RESEND_MS);
}

static bool say_head(struct stream *stream, enum kind kind, const void *head, uint64_t now_ms,
                     struct stream_message *message) {
    struct wire_writer writer;
    wire_begin(&writer, &stream->header, kind, head, 0);
    enum err e = wire_end(&writer);
    assert(e == ERR_OK); // every field has its bound, and they fit
    (void)e;
    stream->said_ms = now_ms ? now_ms : 1;
    *message = (struct stream_message){.kind = kind, .header = buf_bytes(&stream->header)};
    return true;
}

static bool say_open(struct stream *stream, uint64_t now_ms, struct stream_message *message) {
    stream->open.request = ++stream->request;
    return say_head(stream, KIND_open, &stream->open, now_ms, message);
}

static bool say_seal(struct stream *stream, uint64_t now_ms, struct stream_message *message) {
    struct seal_head seal = {
        .request = ++stream->request,
        .batch = stream->batch,
        .lines = stream->lines,
        .digest = hasher_peek(&stream->hasher),
    };
    return say_head(stream, KIND_seal, &seal, now_ms, message);
}

static bool say_chunk(struct stream *stream, struct stream_chunk *chunk, uint64_t now_ms,
                      struct stream_message *message) {
    struct wire_writer writer;
    struct put_head head = {
        .request = ++stream->request,
        .batch = stream->batch,
        .first = chunk->first,
        .last = chunk->last,
        .before = chunk->before,
        .after = chunk->after,
    };
    wire_begin(&writer, &stream->header, KIND_put, &head, chunk->items);
    for (uint32_t i = 0; i < chunk->items; i++) {
        wire_item(&writer, &chunk->lines[i].item);
        stream->frames[i] = chunk->lines[i].raw;
    }
    enum err e = wire_end(&writer);
    assert(e == ERR_OK);
    (void)e;
    chunk->request = head.request;
    chunk->sent_ms = now_ms;
    *message = (struct stream_message){
        .kind = KIND_put,
        .header = buf_bytes(&stream->header),
        .frames = stream->frames,
        .frame_count = chunk->items,
    };
    return true;
}

bool stream_next(struct stream *stream, uint64_t now_ms, struct stream_message *message) {
    switch (stream->state) {
    case STREAM_OPENING:
        return is_due(stream, now_ms) && say_open(stream, now_ms, message);
    case STREAM_SEALING:
        return is_due(stream, now_ms) && say_seal(stream, now_ms, message);
    case STREAM_TAKING:
        break;
    default:
        return false;
    }
    if (now_ms < stream->not_before_ms)
        return false;
    if (stream->sent > 0 && now_ms - chunk_at(stream, 0)->sent_ms >= PUT_RESEND_MS)
        go_back(stream);
    if (stream->sent == stream->count)
        return false;
    return say_chunk(stream, chunk_at(stream, stream->sent++), now_ms, message);
}
