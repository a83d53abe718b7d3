#include "workers/ingress/session.h"

#include "common/mem.h"
#include "common/text.h"

#include <stdio.h>
#include <sysexits.h>

enum {
    LINES_A_TURN = 512,
    CREDIT_BYTES = STREAM_BLOCK_BYTES_MAX * STREAM_BLOCKS_CREDIT,
    TRACE_SIZE = 56, // 00-(32)-(16)-01
};

struct session *session_new(const struct submit_head *submit, const struct route *client,
                            struct id batch_id, uint64_t number, uint64_t now_ms) {
    struct session *session = mem_new(sizeof(*session));
    session->client = *client;
    session->number = number;
    session->continues = submit->continues;
    session->request = submit->request;
    session->is_validation = submit->validate_only;
    session->heard_ms = now_ms;
    session->is_dirty = true;
    (void)snprintf(session->key, sizeof(session->key), "%.*s", (int)submit->key.size,
                   (const char *)submit->key.at);
    (void)snprintf(session->provider, sizeof(session->provider), "%.*s", (int)submit->provider.size,
                   (const char *)submit->provider.at);
    split_init(&session->split);
    resolve_init(&session->resolve);
    buf_init(&session->held, LINE_BYTES_MAX);
    buf_init(&session->waiting, 2 * CREDIT_BYTES);
    if (session->is_validation) {
        session->validator = validator_new(submit->provider, batch_id, submit->continues);
        return session;
    }
    struct open_head open = {
        .key = submit->key,
        .batch_id = batch_id,
        .name = submit->name,
        .tags = submit->tags,
        .priority = submit->priority,
        .billed = submit->billed,
        .attempts_max = submit->attempts_max,
        .unanswered = submit->unanswered,
        .head = submit->head,
    };
    stream_init(&session->stream, &open, number << 32);
    return session;
}

bool session_is_replaced(const struct session *session, const struct route *client,
                         const struct submit_head *submit) {
    return session->client.size == client->size &&
           memcmp(session->client.at, client->at, client->size) == 0 &&
           session->request != submit->request && bytes_is(submit->key, session->key);
}

static void forget_refusals(struct session *session) {
    for (uint32_t i = 0; i < session->refusal_count; i++)
        mem_free(session->refusals[i].texts);
    session->refusal_count = 0;
}

void session_free(struct session *session) {
    if (!session)
        return;
    forget_refusals(session);
    validator_free(session->validator);
    split_release(&session->split);
    resolve_release(&session->resolve);
    buf_release(&session->held);
    buf_release(&session->waiting);
    stream_release(&session->stream);
    mem_free(session);
}

void session_catalogue(struct session *session, const struct catalogue *catalogue) {
    session->catalogue = catalogue;
    if (session->validator)
        validator_catalogue(session->validator, catalogue);
}

void session_fail(struct session *session, int exit, const char *reason, const char *detail) {
    if (session->failure.exit != 0)
        return;
    session->failure.exit = exit;
    (void)snprintf(session->failure.reason, sizeof(session->failure.reason), "%s", reason);
    text_print(session->failure.detail, sizeof(session->failure.detail), "%s", detail);
    session->is_dirty = true;
}

// ---- blocks -------------------------------------------------------------------------------------

static uint64_t consumed(const struct session *session) {
    return session->received - (session->waiting.size - session->used);
}

void session_block(struct session *session, const struct block_head *block, struct bytes bytes,
                   uint64_t now_ms) {
    session->heard_ms = now_ms;
    if (block->offset > session->received || session->failure.exit != 0) {
        session_fail(session, EX_TEMPFAIL, "resume", "a block of the file is missing");
        return;
    }
    uint64_t known = session->received - block->offset;
    if (known > bytes.size)
        return;
    bytes = bytes_of(bytes.at + known, bytes.size - (size_t)known);
    if (session->received + bytes.size > consumed(session) + CREDIT_BYTES) {
        session_fail(session, EX_PROTOCOL, "beyond_credit", "the client sent more than it may");
        return;
    }
    if (session->used > 0 && session->used >= session->waiting.size / 2) {
        session->waiting.size -= session->used;
        memmove(session->waiting.at, session->waiting.at + session->used, session->waiting.size);
        session->used = 0;
    }
    buf_put(&session->waiting, bytes.at, bytes.size);
    session->received += bytes.size;
    session->has_last = session->has_last || block->is_last;
}

// ---- lines --------------------------------------------------------------------------------------

static void note_refusal(struct session *session, const struct put_item *item,
                         enum refusal refusal) {
    struct session_refusal *note = &session->refusals[session->refusal_count++];
    size_t id_size = item->custom_id.size;
    *note = (struct session_refusal){.line = item->line, .reason = refusal_code(refusal)};
    note->texts = mem_new(id_size + item->detail.size);
    if (id_size > 0)
        memcpy(note->texts, item->custom_id.at, id_size);
    if (item->detail.size > 0)
        memcpy(note->texts + id_size, item->detail.at, item->detail.size);
    note->custom_id = bytes_of(note->texts, id_size);
    note->detail = bytes_of(note->texts + id_size, item->detail.size);
    session->refused++;
    session->is_dirty = true;
}

// A trace id for the job that can be told from the job's id: its digits.
static void make_trace(struct id job, char trace[TRACE_SIZE]) {
    char digits[ID_HEX_SIZE];
    id_hex(job, digits);
    (void)snprintf(trace, TRACE_SIZE, "00-%s-%s-01", digits, digits + 16);
}

static bool may_take(const struct session *session) {
    return session->refusal_count < ITEMS_MAX &&
           (session->is_validation || stream_takes(&session->stream));
}

// Keeps a line until its conversation is resolved.
static void hold_line(struct session *session, const struct split_line *line) {
    session->held_line = *line;
    buf_reset(&session->held);
    buf_put(&session->held, line->raw.at, line->raw.size);
    session->held_line.raw = buf_bytes(&session->held);
    resolve_start(&session->resolve, validator_wants(session->validator),
                  session->is_validation ? (struct id){{0}} : session->stream.batch_id);
}

// A line as it was judged.
struct judged {
    struct put_item item;
    enum refusal refusal;
    struct id job;
};

static void judge_line(struct session *session, const struct split_line *line, struct moment now,
                       struct judged *judged) {
    judged->job = uuid_new(now.wall_ms);
    judged->refusal = REFUSAL_line_too_long;
    if (line->is_too_long)
        validator_long_line(session->validator, line->number, judged->job, &judged->item);
    else
        judged->refusal = validator_line(session->validator, line->number, line->raw, judged->job,
                                         now.wall_ms, &judged->item);
}

static void put_line(struct session *session, const struct split_line *line,
                     struct judged *judged) {
    char trace[TRACE_SIZE];
    bool is_taken = judged->refusal == REFUSAL_none;
    if (!is_taken)
        note_refusal(session, &judged->item, judged->refusal);
    if (session->is_validation)
        return;
    make_trace(judged->job, trace);
    judged->item.traceparent = bytes_text(trace);
    stream_line(&session->stream, &judged->item, is_taken ? line->raw : bytes_of(NULL, 0));
}

// read: the line's last bytes, which are hashed as soon as what is before it may leave without it.
static void hash_line(struct session *session, const struct split_line *line, struct bytes read) {
    if (session->is_validation)
        return;
    stream_hash(&session->stream, read);
    if (!line->has_newline)
        stream_hash(&session->stream, bytes_text("\n"));
}

static void take_blank(struct session *session, const struct split_line *line, struct bytes read) {
    hash_line(session, line, read);
    session->blank++;
    if (!session->is_validation)
        stream_line(&session->stream, NULL, bytes_of(NULL, 0));
}

// False: the line is held, and nothing behind it can be taken.
static bool take(struct session *session, const struct split_line *line, struct bytes read,
                 struct moment now) {
    struct judged judged;
    if (!line->is_too_long && split_is_blank(line->raw)) {
        take_blank(session, line, read);
        return true;
    }
    judge_line(session, line, now, &judged);
    bool is_held = judged.refusal == REFUSAL_unresolved;
    if (is_held && !session->is_validation)
        stream_flush(&session->stream); // what is before it does not wait with it
    hash_line(session, line, read);
    if (is_held)
        hold_line(session, line);
    else
        put_line(session, line, &judged);
    return !is_held;
}

// Takes the line that was held, if its conversation is resolved. False: a line is still held.
static bool take_held(struct session *session, struct moment now) {
    struct resolve *resolve = &session->resolve;
    if (resolve->state == RESOLVE_IDLE)
        return true;
    if (resolve->state != RESOLVE_DONE || !may_take(session))
        return false;
    struct judged judged;
    resolve->state = RESOLVE_IDLE;
    validator_resolved(session->validator, &resolve->resolved);
    session->is_dirty = true;
    judge_line(session, &session->held_line, now, &judged);
    put_line(session, &session->held_line, &judged);
    return true;
}

// Cuts the next line out of what waits; read: its bytes of it. False: its end is not there yet.
static bool next_line(struct session *session, struct split_line *line, struct bytes *read) {
    struct bytes rest = buf_bytes(&session->waiting);
    if (session->used > 0)
        rest = bytes_of(rest.at + session->used, rest.size - session->used);
    struct bytes before = rest;
    bool has_line = rest.size > 0 && split_next(&session->split, &rest, line);
    *read = bytes_of(before.at, before.size - rest.size);
    session->used += read->size;
    return has_line || (rest.size == 0 && session->has_last && split_last(&session->split, line));
}

// Whether lines can be judged: the batch is open (their ids hang on it) and a catalogue is here.
static bool is_ready(struct session *session) {
    if (session->failure.exit != 0 || session->is_over || !session->catalogue)
        return false;
    if (!session->validator && session->stream.state == STREAM_TAKING) {
        session->validator = validator_new(bytes_text(session->provider), session->stream.batch_id,
                                           session->continues);
        validator_catalogue(session->validator, session->catalogue);
    }
    return session->validator != NULL;
}

static void finish(struct session *session) {
    session->is_over = true;
    session->is_dirty = true;
    if (!session->is_validation)
        stream_finish(&session->stream);
}

bool session_work(struct session *session, struct moment now) {
    if (!is_ready(session) || !take_held(session, now))
        return false;
    uint64_t before = consumed(session);
    unsigned lines = 0;
    bool is_empty = false, is_held = false;
    while (!is_empty && !is_held && lines < LINES_A_TURN && may_take(session)) {
        struct split_line line;
        struct bytes read;
        is_empty = !next_line(session, &line, &read);
        if (is_empty && !session->is_validation)
            stream_hash(&session->stream, read);
        is_held = !is_empty && !take(session, &line, read, now);
        lines++;
    }
    if (is_empty && session->has_last)
        finish(session);
    else if (is_empty && !session->is_validation)
        stream_flush(&session->stream);
    session->is_dirty = session->is_dirty || consumed(session) != before;
    return !is_empty && !is_held && (may_take(session) || session->refusal_count == ITEMS_MAX);
}

// ---- progress -----------------------------------------------------------------------------------

static bool is_done(const struct session *session) {
    return session->is_validation ? session->is_over : session->stream.state == STREAM_DONE;
}

static void fill_progress(struct session *session, struct progress_head *head) {
    *head = (struct progress_head){
        .request = session->request,
        .credit_offset = consumed(session) + CREDIT_BYTES,
        .lines = session->split.lines - session->blank,
        .refused = session->refused,
        .is_done = is_done(session),
    };
    if (!session->is_validation) {
        head->batch_id = session->stream.batch_id;
        head->accepted_through = session->stream.accepted_through;
        head->is_known = session->stream.is_known;
    }
    if (session->waits_for)
        head->reason = bytes_text(session->waits_for);
    if (session->resolve.state != RESOLVE_IDLE && session->resolve.is_busy)
        head->detail = bytes_text(session->resolve.busy);
    if (session->failure.exit == 0)
        return;
    head->exit = (uint64_t)session->failure.exit;
    head->reason = bytes_text(session->failure.reason);
    head->detail = bytes_text(session->failure.detail);
}

// Whether the next step is not the client's: it waits for us, as we wait for others.
static bool keeps_waiting(const struct session *session) {
    return session->waits_for || session->has_last ||
           (!session->is_validation && session->stream.count > 0);
}

bool session_progress(struct session *session, const char *waits_for, uint64_t now_ms,
                      struct buf *header) {
    struct progress_head head;
    struct wire_writer writer;
    if (session->stream.state == STREAM_FAILED && session->failure.exit == 0) {
        session->failure = session->stream.failure;
        session->is_dirty = true;
    }
    bool is_other = session->waits_for != waits_for ||
                    session->told_through != session->stream.accepted_through ||
                    session->told_state != session->stream.state;
    session->waits_for = waits_for;
    bool is_due = keeps_waiting(session) && now_ms - session->told_ms >= HEARTBEAT_MS;
    if ((!session->is_dirty && !is_other && !is_due) || session->is_told)
        return false;
    fill_progress(session, &head);
    wire_begin(&writer, header, KIND_progress, &head, session->refusal_count);
    for (uint32_t i = 0; i < session->refusal_count; i++) {
        const struct session_refusal *note = &session->refusals[i];
        struct progress_item item = {
            .line = note->line,
            .custom_id = note->custom_id,
            .reason = bytes_text(note->reason),
            .detail = note->detail,
        };
        wire_item(&writer, &item);
    }
    if (wire_end(&writer) != ERR_OK)
        return false;
    forget_refusals(session);
    session->is_dirty = false;
    session->told_ms = now_ms;
    session->told_through = session->stream.accepted_through;
    session->told_state = session->stream.state;
    session->is_told = head.is_done || head.exit != 0;
    return true;
}
