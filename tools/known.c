#include "tools/known.h"

#include "common/id.h"
#include "common/process.h"
#include "tools/render.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { NAMED_MAX = 5 };

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
                   "\n  %s  %.60s  %s  %s: %s lines accepted, %s calls, %s",
                   text_of(past, "batch", text_of(live, "batch", "")), text_of(past, "name", ""),
                   text_of(live, "state", text_of(past, "state", "open")),
                   time_text(int_of(past, "created_ms", 0), created),
                   count_text(accepted > now ? accepted : now, jobs),
                   count_text(int_of(past, "calls", 0), calls), sum_text(past, amount));
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
static bool says_yes(struct call *call, bool *has_terminal) {
    char answer[16] = "";
    int terminal = isatty(STDERR_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
    *has_terminal = terminal >= 0;
    if (terminal < 0)
        return false;
    (void)fprintf(stderr, "Go on, and pay for those lines again? [y/N] ");
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

static void warn(struct call *call, const struct similar *similar, struct progress *progress) {
    bool has_terminal;
    bool is_stdin = strcmp(call->operands[0], "-") == 0;
    progress_note(progress, "similar", "%s begins with the same lines as %s submitted before:%s%s",
                  is_stdin ? "stdin" : call->operands[0],
                  similar->count == 1 ? "a batch that was" : "batches that were", similar->lines,
                  similar->count > NAMED_MAX ? "\n  and others" : "");
    if (says_yes(call, &has_terminal))
        return;
    if (has_terminal)
        fail(EX_TEMPFAIL, "nothing was submitted");
    fail(EX_TEMPFAIL,
         "nothing was submitted, since its lines would be called again and paid for again. Say "
         "--again to run it all the same, or see colloq batch list%s",
         call_settings(call));
}

void known_check(struct call *call, const struct order *order, const struct spool *spool,
                 struct progress *progress) {
    char head[DIGEST_HEX_SIZE];
    json_t *arguments = arguments_of("key", order->key);
    digest_hex(spool->head, head);
    arguments_add(arguments, "head", head);
    json_t *known = call_ask(call, "batch.known", arguments);
    const char *batch = batch_of_key(known);
    struct similar similar = similar_of(known);
    if (batch)
        say_known(call, order, progress, batch);
    else if (similar.count > 0 && !call_has(call, "again"))
        warn(call, &similar, progress);
    json_decref(known);
}
