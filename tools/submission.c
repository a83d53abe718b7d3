#include "tools/submission.h"

#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { BLOCKS_A_STEP = 16 };

// Begins (again) with the first byte, as a new stream of ingress.
static void begin(struct submission *submission, uint64_t now_ms) {
    submission->submit.request = client_request(submission->client);
    submission->boot = submission->client->boot;
    submission->offset = 0;
    submission->credit = 0;
    submission->is_sent = false;
    submission->has_sent_last = false;
    submission->heard_ms = now_ms;
    submission->waits_for[0] = submission->waits_detail[0] = 0; // who said it is not heard any more
    submission->stuck_ms = 0;
}

void submission_start(struct submission *submission, struct client *client,
                      struct progress *progress, struct sink *sink,
                      const struct submit_head *submit, int fd, uint64_t file_bytes,
                      uint64_t now_ms) {
    memset(submission, 0, sizeof(*submission));
    submission->client = client;
    submission->progress = progress;
    submission->sink = sink;
    submission->submit = *submit;
    submission->fd = fd;
    submission->file_bytes = file_bytes;
    submission->moved_ms = now_ms;
    submission->told_ms = now_ms;
    begin(submission, now_ms);
}

static void give_up(struct submission *submission, int code, const char *why) {
    submission->exit = code;
    (void)snprintf(submission->detail, sizeof(submission->detail), "%s", why);
}

// Sends the next block. False: it cannot leave now.
static bool send_block(struct submission *submission) {
    static uint8_t bytes[STREAM_BLOCK_BYTES_MAX];
    uint64_t room = submission->credit - submission->offset;
    uint64_t left = submission->file_bytes - submission->offset;
    size_t want = sizeof(bytes);
    want = room < want ? (size_t)room : want;
    want = left < want ? (size_t)left : want;
    ssize_t got = pread(submission->fd, bytes, want, (off_t)submission->offset);
    if (got < 0) {
        give_up(submission, EX_IOERR, strerror(errno));
        return false;
    }
    if (got == 0 && left > 0) {
        give_up(submission, EX_DATAERR, "the file became shorter while it was read");
        return false;
    }
    struct block_head head = {
        .request = submission->submit.request,
        .offset = submission->offset,
        .is_last = submission->offset + (uint64_t)got == submission->file_bytes,
    };
    struct bytes frame = bytes_of(bytes, (size_t)got);
    if (client_send(submission->client, KIND_block, &head, &frame, 1) != ERR_OK)
        return false;
    submission->offset += (uint64_t)got;
    submission->has_sent_last = head.is_last;
    return true;
}

static bool may_send_block(const struct submission *submission) {
    if (submission->has_sent_last || submission->exit != 0)
        return false;
    // A short block for little credit would only cost messages; the file's rest may be short.
    uint64_t room = submission->credit - submission->offset;
    return submission->credit > submission->offset &&
           (room >= STREAM_BLOCK_BYTES_MAX || submission->offset + room >= submission->file_bytes);
}

void submission_step(struct submission *submission, uint64_t now_ms) {
    if (submission->is_done || submission->exit != 0)
        return;
    if (now_ms - submission->told_ms > SUBMISSION_GIVE_UP_MS) {
        give_up(submission, EX_UNAVAILABLE,
                "nothing has gone on for a minute, and nobody says why");
        return;
    }
    if (now_ms < submission->again_ms)
        return;
    bool is_lost = submission->boot != submission->client->boot ||
                   now_ms - submission->heard_ms > SUBMISSION_AGAIN_MS;
    if (submission->is_sent && is_lost)
        begin(submission, now_ms);
    if (!submission->is_sent)
        submission->is_sent =
            client_send(submission->client, KIND_submit, &submission->submit, NULL, 0) == ERR_OK;
    submission->was_sent = submission->was_sent || submission->is_sent;
    for (int i = 0; i < BLOCKS_A_STEP && may_send_block(submission); i++)
        if (!send_block(submission))
            break;
}

bool submission_is_partial(const struct submission *submission) {
    if (submission->is_done || submission->submit.validate_only || !submission->was_sent)
        return false;
    switch (submission->exit) {
    case 0:
    case EX_UNAVAILABLE:
        return true; // what was sent may be taken in without our having heard
    case EX_IOERR:
    case EX_TEMPFAIL:
        return !id_is_none(submission->batch);
    default:
        return false; // nothing that could be sent again would be taken
    }
}

// ---- refused lines ------------------------------------------------------------------------------

static int reason_index(struct refusals *refusals, const char *reason) {
    int i = 0;
    while (i < refusals->reason_count && strcmp(refusals->reasons[i].reason, reason) != 0)
        i++;
    if (i == REFUSAL_REASONS_MAX)
        return REFUSAL_REASONS_MAX - 1;
    if (i == refusals->reason_count) {
        refusals->reason_count++;
        (void)snprintf(refusals->reasons[i].reason, sizeof(refusals->reasons[i].reason), "%s",
                       reason);
    }
    return i;
}

static json_t *text_json(struct bytes text) {
    return json_stringn(text.size ? (const char *)text.at : "", text.size);
}

static void tell_refusal(struct submission *submission, const struct progress_item *item,
                         const char *reason) {
    char text[1024 + CUSTOM_ID_BYTES_MAX + DETAIL_BYTES_MAX];
    (void)snprintf(text, sizeof(text), "line %llu: %s: %.*s%s%.*s%s",
                   (unsigned long long)item->line, reason, (int)item->detail.size,
                   item->detail.size ? (const char *)item->detail.at : "",
                   item->custom_id.size ? " (custom_id " : "", (int)item->custom_id.size,
                   item->custom_id.size ? (const char *)item->custom_id.at : "",
                   item->custom_id.size ? ")" : "");
    if (!submission->progress->is_json) {
        progress_note(submission->progress, "refused", "%s", text);
        return;
    }
    json_t *members = json_object();
    (void)json_object_set_new(members, "line", json_integer((json_int_t)item->line));
    (void)json_object_set_new(members, "custom_id",
                              item->custom_id.size ? text_json(item->custom_id) : json_null());
    (void)json_object_set_new(members, "reason", json_string(reason));
    (void)json_object_set_new(members, "detail", text_json(item->detail));
    progress_event(submission->progress, "refused", text, members);
    json_decref(members);
}

static void note_refusal(struct submission *submission, const struct progress_item *item) {
    struct refusals *refusals = &submission->refusals;
    char reason[REASON_BYTES_MAX + 1];
    if (item->line <= refusals->highest_line)
        return; // reported before the file was sent again
    refusals->highest_line = item->line;
    refusals->count++;
    (void)snprintf(reason, sizeof(reason), "%.*s", (int)item->reason.size,
                   (const char *)item->reason.at);
    int i = reason_index(refusals, reason);
    refusals->reasons[i].count++;
    sink_refused(submission->sink, item->line, item->custom_id, item->reason, item->detail);
    if (refusals->shown >= REFUSALS_SHOWN_MAX) {
        refusals->reasons[i].unseen++;
        return;
    }
    refusals->shown++;
    tell_refusal(submission, item, reason);
}

void submission_report(struct submission *submission, const char *settings) {
    const struct refusals *refusals = &submission->refusals;
    uint64_t unseen = 0;
    char batch[UUID_TEXT_SIZE];
    for (int i = 0; i < refusals->reason_count; i++) {
        uint64_t count = refusals->reasons[i].unseen;
        unseen += count;
        if (count > 0)
            progress_note(submission->progress, "refused", "%llu %s%s refused: %s",
                          (unsigned long long)count,
                          count < refusals->reasons[i].count ? "more " : "",
                          count == 1 ? "line" : "lines", refusals->reasons[i].reason);
    }
    if (unseen == 0)
        return;
    uuid_text(submission->batch, batch);
    if (submission->submit.validate_only && !submission->sink->errors.file)
        progress_note(submission->progress, "refused",
                      "All of them, in a file: colloq batch run FILE --strict --errors FILE%s",
                      settings);
    else if (!id_is_none(submission->batch))
        progress_note(submission->progress, "refused",
                      "All of them: colloq batch show %s "
                      "--refused%s",
                      batch, settings);
}

// ---- progress -----------------------------------------------------------------------------------

static void take_failure(struct submission *submission, const struct progress_head *head,
                         uint64_t now_ms) {
    if (head->exit == EX_TEMPFAIL &&
        (bytes_is(head->reason, "resume") || bytes_is(head->reason, "unknown_stream"))) {
        begin(submission, now_ms);
        submission->again_ms = now_ms + 300;
        return;
    }
    submission->exit = (int)head->exit;
    (void)snprintf(submission->detail, sizeof(submission->detail), "%.*s", (int)head->detail.size,
                   (const char *)head->detail.at);
}

// What does not pass by itself.
static bool needs_person(const char *reason) {
    return strcmp(reason, "conversation_stuck") == 0 || strcmp(reason, "disk_full") == 0 ||
           strcmp(reason, "no_catalogue") == 0;
}

static void note_wait(struct submission *submission, const struct progress_head *head,
                      uint64_t now_ms) {
    (void)snprintf(submission->waits_for, sizeof(submission->waits_for), "%.*s",
                   (int)head->reason.size, head->reason.size ? (const char *)head->reason.at : "");
    (void)snprintf(submission->waits_detail, sizeof(submission->waits_detail), "%.*s",
                   (int)head->detail.size, head->detail.size ? (const char *)head->detail.at : "");
    if (!needs_person(submission->waits_for))
        submission->stuck_ms = 0;
    else if (submission->stuck_ms == 0 || submission->moved_ms > submission->stuck_ms)
        submission->stuck_ms = now_ms;
}

bool submission_take(struct submission *submission, struct message *message, uint64_t now_ms) {
    struct progress_head head;
    struct progress_item item;
    if (message->wire.kind != KIND_progress || wire_head(&message->wire, &head) != ERR_OK)
        return false;
    if (head.request != submission->submit.request || submission->is_done)
        return true; // of a stream that was given up
    submission->heard_ms = now_ms;
    while (wire_next(&message->wire, &item) == ERR_OK)
        note_refusal(submission, &item);
    if (head.exit != 0) {
        take_failure(submission, &head, now_ms);
        return true;
    }
    if (head.credit_offset > submission->credit ||
        head.accepted_through > submission->accepted_through || head.lines > submission->lines)
        submission->moved_ms = submission->told_ms = now_ms;
    if (head.reason.size > 0)
        submission->told_ms = now_ms;
    if (head.credit_offset > submission->credit)
        submission->credit = head.credit_offset;
    submission->lines = head.lines;
    submission->accepted_through = head.accepted_through;
    submission->is_known = head.is_known;
    submission->is_done = head.is_done;
    submission->batch = head.batch_id;
    note_wait(submission, &head, now_ms);
    return true;
}

int submission_percent(const struct submission *submission) {
    enum { CREDIT = STREAM_BLOCK_BYTES_MAX * STREAM_BLOCKS_CREDIT };
    // Ingress grants credit as it reads; what it has read waits for the broker to store it.
    uint64_t read = submission->credit > CREDIT ? submission->credit - CREDIT : 0;
    uint64_t lines = submission->lines, stored = submission->accepted_through;
    if (submission->is_done)
        return 100;
    if (submission->file_bytes == 0 || (lines == 0 && !submission->submit.validate_only))
        return 0;
    double share = (double)read / (double)submission->file_bytes;
    if (!submission->submit.validate_only && stored < lines)
        share = share * (double)stored / (double)lines;
    return share < 0.99 ? (int)(share * 100) : 99;
}

const char *submission_wait_text(const struct submission *submission, uint64_t now_ms, char *text,
                                 size_t size) {
    static const struct {
        const char *reason;
        const char *text;
    } texts[] = {
        {"broker_away", "the broker does not answer"},
        {"no_catalogue", "no catalogue yet: the accountant has not joined"},
        {"batch_opening", "the batch is being opened: broker and accountant are asked"},
        {"conversation_sought", "the ledger is asked for the conversation that is continued"},
        {"conversation_busy", "turns of a conversation that is continued are still on their way"},
        {"conversation_stuck", "turns of a conversation that is continued do not get on"},
        {"journal_full", "the broker's journal is full; lines are taken in as jobs end"},
        {"disk_full", "the broker's disk is full; lines are taken in when it has room again"},
    };
    const char *words = submission->waits_for;
    if (words[0] == 0)
        words = now_ms - submission->heard_ms < 2 * HEARTBEAT_MS ? "what was read is being stored"
                                                                 : "ingress does not answer";
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(words, texts[i].reason) == 0)
            words = texts[i].text;
    (void)snprintf(text, size, "%s%s%s", words, submission->waits_detail[0] ? ": " : "",
                   submission->waits_detail);
    return text;
}
