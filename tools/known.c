#include "tools/known.h"

#include "common/clock.h"
#include "common/id.h"
#include "common/process.h"
#include "tools/render.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    NAMED_MAX = 5,
    PAUSE_MS = 300,            // between two questions
    KNOWN_WAIT_MS = 30 * 1000, // for those who do not answer
};

// The entry of a list with that batch; NULL: none.
static const json_t *entry_of(const json_t *list, const char *batch) {
    const json_t *entry;
    size_t i;
    json_array_foreach(list, i,
                       entry) if (strcmp(text_of(entry, "batch", ""), batch) == 0) return entry;
    return NULL;
}

// The batch of the key, wherever it is known; NULL: the key is new.
static const char *batch_of_key(const json_t *known) {
    const json_t *live = member_of(member_of(known, "live"), "by_key");
    const json_t *past = member_of(known, "by_key");
    const json_t *entry = json_array_get(json_array_size(live) ? live : past, 0);
    return text_of(entry, "batch", NULL);
}

static void say_known(struct call *call, const struct order *order, struct progress *progress,
                      const char *batch) {
    json_t *shown = call_ask(call, "batch.show", arguments_of("batch", batch));
    const char *differences = order_differences(order, call, shown);
    const char *state = text_of(shown, "state", text_of(member_of(shown, "live"), "state", ""));
    bool is_settled = strcmp(state, "settled") == 0;
    progress_note(progress, "known",
                  "%s was submitted before: batch %s %s. Its results: colloq batch results %s%s",
                  call_has(call, "idempotency-key") ? "What has this key" : "This file", batch,
                  is_settled ? "is settled, nothing is called again"
                             : "is taken up where it stands",
                  batch, call_settings(call));
    if (*differences)
        progress_note(progress, "unchanged",
                      "As they were at its first submission, and not changed by this command: %s.",
                      differences);
    if (is_settled)
        progress_note(progress, "again", "--again makes a new batch of it.");
    json_decref(shown);
}

// ---- the same first lines -----------------------------------------------------------------------

struct similar {
    char lines[NAMED_MAX * 512];
    unsigned count;
};

static void add_similar(struct similar *similar, const json_t *past, const json_t *live) {
    char created[SHORT_TEXT_SIZE], jobs[SHORT_TEXT_SIZE], calls[SHORT_TEXT_SIZE];
    char amount[SUM_TEXT_SIZE];
    size_t used = strlen(similar->lines);
    int64_t accepted = int_of(past, "jobs", 0), now = int_of(live, "jobs", 0);
    if (similar->count++ >= NAMED_MAX)
        return;
    (void)snprintf(similar->lines + used, sizeof(similar->lines) - used,
                   "\n  %s  %.60s  %s  %s: %s accepted, %s, %s",
                   text_of(past, "batch", text_of(live, "batch", "")), text_of(past, "name", ""),
                   text_of(live, "state", text_of(past, "state", "open")),
                   time_text(int_of(past, "created_ms", 0), created),
                   counted_text(accepted > now ? accepted : now, "line", jobs),
                   counted_text(int_of(past, "calls", 0), "call", calls), sum_text(past, amount));
}

static struct similar similar_of(const json_t *known) {
    struct similar similar = {.count = 0};
    const json_t *past = member_of(known, "by_head");
    const json_t *live = member_of(member_of(known, "live"), "by_head");
    const json_t *entry;
    size_t i;
    json_array_foreach(past, i, entry)
        add_similar(&similar, entry, entry_of(live, text_of(entry, "batch", "")));
    json_array_foreach(live, i, entry) if (!entry_of(past, text_of(entry, "batch", "")))
        add_similar(&similar, NULL, entry);
    return similar;
}

// Asks at the terminal, also when stdin is a file. False: no, or there is none.
static bool says_yes(struct call *call, const char *what, bool *has_terminal) {
    char answer[16] = "";
    int terminal = isatty(STDERR_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
    *has_terminal = terminal >= 0;
    if (terminal < 0)
        return false;
    (void)fprintf(stderr, "%s\nGo on, and pay for those lines again? [y/N] ", what);
    (void)fflush(stderr);
    int fds[] = {call->stop_fd, terminal};
    sock_wait(NULL, 0, fds, 2, -1);
    if (process_is_stopped(call->stop_fd)) {
        (void)fputc('\n', stderr);
        exit(EXIT_STOPPED);
    }
    ssize_t got = read(terminal, answer, sizeof(answer) - 1);
    (void)close(terminal);
    return got > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

// Whoever has to decide sees what was paid for, however quiet the command is.
static void ask_about(struct call *call, const struct similar *similar, struct progress *progress) {
    char what[4096];
    bool has_terminal;
    bool is_stdin = strcmp(call->operands[0], "-") == 0;
    (void)snprintf(what, sizeof(what),
                   "%.512s begins with the same lines as %s submitted before:%s%s",
                   is_stdin ? "stdin" : call->operands[0],
                   similar->count == 1 ? "a batch that was" : "batches that were", similar->lines,
                   similar->count > NAMED_MAX ? "\n  and others" : "");
    text_clean(what, true);
    if (progress->is_json)
        progress_note(progress, "similar", "%s", what);
    progress_close(progress);
    if (says_yes(call, what, &has_terminal))
        return;
    if (has_terminal)
        fail(EX_TEMPFAIL, "nothing was submitted");
    fail(EX_TEMPFAIL,
         "%s\nNothing was submitted, since its lines would be called again and paid for again. Say "
         "--again to run it all the same, or see colloq batch list%s",
         what, call_settings(call));
}

// ---- asking -------------------------------------------------------------------------------------

// Who did not say what they know, for people; NULL: both have.
static const char *who_is_missing(const json_t *known) {
    bool has_ledger = json_is_array(member_of(known, "by_head"));
    bool has_broker = json_is_array(member_of(member_of(known, "live"), "by_head"));
    if (has_ledger && has_broker)
        return NULL;
    return has_broker ? "the accountant" : has_ledger ? "the broker" : "accountant and broker";
}

// The longest first: what was submitted as a whole says more than its first line.
static void add_heads(json_t *arguments, const struct spool *spool) {
    json_t *heads = json_array();
    for (unsigned i = spool->head_count; i-- > 0;) {
        char head[DIGEST_HEX_SIZE];
        digest_hex(spool->heads[i], head);
        (void)json_array_append_new(heads, json_string(head));
    }
    if (json_array_size(heads) != spool->head_count ||
        json_object_set_new(arguments, "heads", heads) != 0)
        fail_memory();
}

static json_t *ask(struct call *call, const struct order *order, const struct spool *spool) {
    json_t *arguments = arguments_of("key", order->key);
    add_heads(arguments, spool);
    return call_ask(call, "batch.known", arguments);
}

static void pause_a_moment(const struct call *call) {
    int stop_fd = call->stop_fd;
    sock_wait(NULL, 0, &stop_fd, 1, PAUSE_MS);
    if (process_is_stopped(stop_fd))
        exit(EXIT_STOPPED);
}

// Asks until both have answered, the key is known, or a person has said that it does not matter:
// half an answer is no leave to pay.
static json_t *ask_until_sure(struct call *call, const struct order *order,
                              const struct spool *spool, struct progress *progress) {
    uint64_t began_ms = clock_now().mono_ms;
    for (bool is_told = false;; is_told = true) {
        json_t *known = ask(call, order, spool);
        const char *missing = who_is_missing(known);
        if (!missing || batch_of_key(known) || call_has(call, "again"))
            return known;
        json_decref(known);
        if (clock_now().mono_ms - began_ms >= KNOWN_WAIT_MS)
            fail(EX_TEMPFAIL,
                 "nothing was submitted: %s did not answer for %d s, so that it cannot be known "
                 "whether these lines were paid for before. See colloq stat%s, or say --again to "
                 "run them all the same",
                 missing, KNOWN_WAIT_MS / 1000, call_settings(call));
        if (!is_told)
            progress_note(progress, "waits",
                          "Waits: %s does not answer, so that it is not known yet whether these "
                          "lines were paid for before; asked again for %d s.",
                          missing, KNOWN_WAIT_MS / 1000);
        pause_a_moment(call);
    }
}

void known_check(struct call *call, const struct order *order, const struct spool *spool,
                 struct progress *progress) {
    json_t *known = ask_until_sure(call, order, spool, progress);
    const char *batch = batch_of_key(known);
    struct similar similar = similar_of(known);
    if (batch)
        say_known(call, order, progress, batch);
    else if (similar.count > 0 && !call_has(call, "again"))
        ask_about(call, &similar, progress);
    json_decref(known);
}
