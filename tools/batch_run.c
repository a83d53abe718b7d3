// batch run, submit and watch: a file goes in, results come out, people see how it stands.
#include "common/clock.h"
#include "common/mem.h"
#include "common/process.h"
#include "tools/commands.h"
#include "tools/render.h"
#include "tools/spool.h"
#include "tools/submission.h"
#include "tools/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

// One run: the submission, if there is one, and the watch over the batch.
struct run {
    struct call *call;
    struct client *client;
    struct progress progress;
    struct spool spool;
    struct submission submission;
    struct watch watch;
    char key[IDEMPOTENCY_KEY_BYTES_MAX + 1];
    char *tags;
    bool has_submission;
    bool is_watching;
    bool is_known_told;
};

// ---- what is asked ------------------------------------------------------------------------------

static char *tags_of(const struct call *call) {
    json_t *tags = json_object();
    const char *tag;
    for (int i = 0; (tag = call_value(call, "tag", i)) != NULL; i++) {
        const char *equals = strchr(tag, '=');
        if (!equals || equals == tag)
            fail(EX_USAGE, "--tag %s: write a tag as name=value", tag);
        char *name = mem_copy(tag, (size_t)(equals - tag));
        arguments_add(tags, name, equals + 1);
        mem_free(name);
    }
    char *text = json_object_size(tags) > 0 ? json_dumps(tags, JSON_COMPACT) : NULL;
    char *copy = text ? mem_copy(text, strlen(text)) : NULL;
    mem_free(text);
    json_decref(tags);
    if (copy && strlen(copy) > TAGS_BYTES_MAX)
        fail(EX_USAGE,
             "--tag: all tags together have more than %d bytes; give fewer or shorter ones",
             TAGS_BYTES_MAX);
    return copy;
}

// The default key: the same file under the same options is the same batch, so that a command
// given twice is not paid twice.
static void make_key(struct run *run) {
    const struct call *call = run->call;
    const char *given = call_text(call, "idempotency-key");
    if (given) {
        if (strlen(given) > IDEMPOTENCY_KEY_BYTES_MAX || *given == 0)
            fail(EX_USAGE, "--idempotency-key: write 1 to %d bytes", IDEMPOTENCY_KEY_BYTES_MAX);
        (void)snprintf(run->key, sizeof(run->key), "%s", given);
        return;
    }
    static const char *const options[] = {"provider", "attempts", "billed", "unanswered"};
    struct hasher hasher;
    char digits[DIGEST_HEX_SIZE];
    hasher_open(&hasher);
    hasher_add(&hasher, run->spool.digest.at, sizeof(run->spool.digest.at));
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const char *value = call_text(call, options[i]);
        if (value)
            hasher_add(&hasher, value, strlen(value));
        hasher_add(&hasher, "", 1);
    }
    digest_hex(hasher_peek(&hasher), digits);
    hasher_close(&hasher);
    (void)snprintf(run->key, sizeof(run->key), "file-%.40s", digits);
}

static const char *name_of(const struct call *call) {
    const char *name = call_text(call, "name");
    if (name)
        return name;
    if (strcmp(call->operands[0], "-") == 0)
        return "stdin";
    const char *slash = strrchr(call->operands[0], '/');
    return slash ? slash + 1 : call->operands[0];
}

static struct bytes option_bytes(const struct call *call, const char *option, size_t size_max) {
    struct bytes value = bytes_text(call_text(call, option));
    if (value.size > size_max)
        fail(EX_USAGE, "--%s: write at most %zu bytes", option, size_max);
    return value;
}

static void start_submission(struct run *run, bool is_validation) {
    const struct call *call = run->call;
    struct bytes name = bytes_text(name_of(call));
    if (name.size > NAME_BYTES_MAX || !utf8_is_valid(name))
        fail(EX_USAGE, "--name: write at most %d bytes of UTF-8", NAME_BYTES_MAX);
    struct submit_head submit = {
        .key = bytes_text(run->key),
        .name = name,
        .tags = bytes_text(run->tags),
        .provider = option_bytes(call, "provider", PROVIDER_BYTES_MAX),
        .priority = 1,
        .billed = bytes_text(call_text(call, "billed")),
        .unanswered = bytes_text(call_text(call, "unanswered")),
        .attempts_max = call_count(call, "attempts", 0),
        .validate_only = is_validation,
    };
    if (submit.attempts_max > 100)
        fail(EX_USAGE, "--attempts: write a number from 1 to 100");
    submission_start(&run->submission, run->client, &run->progress, &submit, run->spool.fd,
                     run->spool.bytes, clock_now().mono_ms);
    run->has_submission = true;
}

// ---- how it stands ------------------------------------------------------------------------------

enum { PART_SIZE = 96 };

// Texts of a progress line.
struct parts {
    char task[PART_SIZE], counts[PART_SIZE], rate[PART_SIZE], rest[PART_SIZE];
    char cost[SUM_TEXT_SIZE];
};

static void describe_watch(const struct watch *watch, bool is_sealed, struct parts *parts) {
    char count[SHORT_TEXT_SIZE], whole[SHORT_TEXT_SIZE];
    const json_t *live = member_of(watch->shown, "live");
    int64_t total = int_of(watch->shown, "accepted", 0);
    double rate = watch_rate(watch);
    // What the ledger does not know yet waits in the broker.
    if (json_is_object(live))
        total = int_of(live, "jobs", total);
    if (total < (int64_t)watch->finished)
        total = (int64_t)watch->finished;
    int64_t rest = total - (int64_t)watch->finished;
    (void)snprintf(parts->counts, PART_SIZE, "%s of %s%s lines",
                   count_text((int64_t)watch->finished, count), count_text(total, whole),
                   is_sealed ? "" : "+");
    (void)snprintf(parts->rate, PART_SIZE, "%.*f/s", rate < 10 ? 1 : 0, rate);
    double rest_ms = rate > 0 ? (double)rest * 1000 / rate : 0;
    if (is_sealed && rest > 0 && rate > 0 && rest_ms < 1e12)
        (void)snprintf(parts->rest, PART_SIZE, "ETA %s",
                       span_text(rest_ms < 1000 ? 1000 : (int64_t)rest_ms, count));
    (void)sum_text(watch->shown, parts->cost);
}

static void show_progress(struct run *run, uint64_t now_ms) {
    char wait[PROGRESS_TEXT_SIZE / 2] = "";
    char text[PROGRESS_TEXT_SIZE];
    struct parts parts = {.task = ""};
    const struct submission *submission = &run->submission;
    bool is_submitting = run->has_submission && !submission->is_done;
    if (is_submitting)
        (void)snprintf(parts.task, PART_SIZE, "%s %d%%",
                       submission->submit.validate_only ? "checking" : "submitting",
                       submission_percent(submission));
    if (run->is_watching && run->watch.shown)
        describe_watch(&run->watch, !is_submitting, &parts);
    if (is_submitting && now_ms - submission->moved_ms >= WATCH_STILL_MS)
        (void)snprintf(wait, sizeof(wait), "%s", submission_wait_text(submission, now_ms));
    else if (run->is_watching)
        (void)watch_wait_text(&run->watch, now_ms, wait, sizeof(wait));
    text_clean(wait, false);
    progress_join(&(struct progress_parts){.task = parts.task,
                                           .counts = parts.counts,
                                           .rate = parts.rate,
                                           .rest = parts.rest,
                                           .cost = parts.cost,
                                           .wait = wait},
                  progress_columns(&run->progress), text, sizeof(text));
    progress_show(&run->progress, text, wait, now_ms);
}

// ---- the loop -----------------------------------------------------------------------------------

static _Noreturn void stop_run(struct run *run) {
    char batch[UUID_TEXT_SIZE];
    const char *settings = call_settings(run->call);
    progress_close(&run->progress);
    if (run->has_submission && !run->submission.is_done) {
        (void)fprintf(stderr, "Stopped before the whole file was taken in; the same command goes "
                              "on where it stands.\n");
        spool_close(&run->spool, true);
    }
    if (run->has_submission && !id_is_none(run->submission.batch))
        uuid_text(run->submission.batch, batch);
    else if (run->is_watching)
        (void)snprintf(batch, sizeof(batch), "%s", run->watch.batch);
    else
        exit(EXIT_STOPPED);
    (void)fprintf(stderr,
                  "The batch goes on without this command.\n"
                  "  colloq batch watch %s%s\n  colloq batch cancel %s%s\n",
                  batch, settings, batch, settings);
    exit(EXIT_STOPPED);
}

static void start_watch(struct run *run, const char *batch, bool prints_results) {
    watch_start(&run->watch, run->client, batch, prints_results, clock_now().mono_ms);
    run->is_watching = true;
}

// The batch is there already: what this command asks for beside the file does not change it.
static void say_known(struct run *run) {
    const struct call *call = run->call;
    bool has_key = call_has(call, "idempotency-key");
    bool has_words = call_has(call, "tag") || call_has(call, "name");
    run->is_known_told = true;
    progress_note(&run->progress, "known",
                  "%s was submitted before: its batch is taken up again%s. To run it anew, give "
                  "another --idempotency-key.",
                  has_key ? "What has this key" : "This file",
                  has_words ? "; its name and tags are those of the first submission and were "
                              "not changed"
                            : "");
}

static void hear(struct run *run, struct message *message, uint64_t now_ms) {
    if (run->has_submission && submission_take(&run->submission, message, now_ms)) {
        if (run->submission.is_known && !run->is_known_told)
            say_known(run);
        return;
    }
    if (run->is_watching)
        (void)watch_take(&run->watch, message, now_ms);
}

// One turn: says what is due, and hears what comes within a little while.
static void turn(struct run *run) {
    enum { WAIT_MS = 50, QUICK_MS = 10 };
    uint64_t now_ms = clock_now().mono_ms;
    if (run->has_submission)
        submission_step(&run->submission, now_ms);
    if (run->is_watching)
        watch_step(&run->watch, now_ms);
    client_tick(run->client, now_ms);
    show_progress(run, now_ms);
    long wait = run->is_watching && run->watch.pause_ms < WATCH_PAUSE_MS ? QUICK_MS : WAIT_MS;
    for (struct message *message; (message = client_receive(run->client, wait)) != NULL; wait = 0)
        hear(run, message, clock_now().mono_ms);
    if (process_is_stopped(run->call->stop_fd))
        stop_run(run);
}

// Sends the whole file; with watches also shows the batch as soon as it is open.
static void submit_all(struct run *run, bool watches, bool prints_results) {
    struct submission *submission = &run->submission;
    while (!submission->is_done && submission->exit == 0) {
        turn(run);
        if (!watches || run->is_watching || id_is_none(submission->batch))
            continue;
        char batch[UUID_TEXT_SIZE];
        uuid_text(submission->batch, batch);
        start_watch(run, batch, prints_results);
    }
    progress_close(&run->progress);
    submission_report(submission, call_settings(run->call));
    if (submission->exit == 0)
        return;
    spool_close(&run->spool, true);
    fail(submission->exit, "%s", submission->detail);
}

static void open_run(struct run *run, struct call *call) {
    *run = (struct run){.call = call, .client = call_client(call)};
    progress_open(&run->progress, call_has(call, "json"));
    spool_open(&run->spool, call->operands[0], call->conf, call->stop_fd);
    run->tags = tags_of(call);
    make_key(run);
    if (!call_has(call, "strict"))
        return;
    start_submission(run, true);
    submit_all(run, false, false);
    if (run->submission.refusals.count == 0)
        return;
    spool_close(&run->spool, false);
    fail(EX_DATAERR,
         "%llu of %llu lines are refused and --strict was given: nothing was submitted; mend those "
         "lines, or leave --strict out",
         (unsigned long long)run->submission.refusals.count,
         (unsigned long long)run->submission.lines);
}

static void close_run(struct run *run) {
    if (run->is_watching)
        watch_end(&run->watch);
    mem_free(run->tags);
}

// Watches to the end and says the last line.
static int watch_all(struct run *run) {
    char text[PROGRESS_TEXT_SIZE];
    while (!run->watch.is_over)
        turn(run);
    progress_close(&run->progress);
    out_flush();
    if (run->watch.exit != 0)
        fail(run->watch.exit, "%s; the batch goes on without this command: colloq batch watch %s%s",
             run->watch.detail, run->watch.batch, call_settings(run->call));
    const json_t *shown = run->watch.shown;
    (void)watch_last_line(shown, text, sizeof(text));
    if (run->progress.is_json)
        progress_document(&run->progress, "end", text, "batch", shown);
    else
        progress_note(&run->progress, "end", "%s", text);
    return watch_is_all_done(shown) ? 0 : EXIT_SOME_FAILED;
}

int batch_run(struct call *call) {
    static struct run run;
    open_run(&run, call);
    start_submission(&run, false);
    submit_all(&run, true, true);
    spool_close(&run.spool, false);
    if (!run.is_watching) {
        char batch[UUID_TEXT_SIZE];
        uuid_text(run.submission.batch, batch);
        start_watch(&run, batch, true);
    }
    int code = watch_all(&run);
    close_run(&run);
    return code;
}

int batch_submit(struct call *call) {
    static struct run run;
    char batch[UUID_TEXT_SIZE];
    char count[SHORT_TEXT_SIZE];
    open_run(&run, call);
    start_submission(&run, false);
    submit_all(&run, false, false);
    spool_close(&run.spool, false);
    uuid_text(run.submission.batch, batch);
    if (call_has(call, "json")) {
        out_printf("{\"schema\":\"colloq/batch.submit/"
                   "1\",\"batch\":\"%s\",\"lines\":%llu,\"refused\":%llu,\"is_known\":%s}\n",
                   batch, (unsigned long long)run.submission.lines,
                   (unsigned long long)run.submission.refusals.count,
                   run.submission.is_known ? "true" : "false");
    } else {
        out_printf("%s\n", batch);
        progress_note(&run.progress, "submitted", "%s lines are taken in; colloq batch watch %s%s",
                      count_text((int64_t)run.submission.lines, count), batch, call_settings(call));
    }
    close_run(&run);
    return run.submission.refusals.count > 0 ? EXIT_SOME_FAILED : 0;
}

int batch_watch(struct call *call) {
    static struct run run;
    run = (struct run){.call = call, .client = call_client(call)};
    progress_open(&run.progress, call_has(call, "json"));
    char batch[UUID_TEXT_SIZE];
    batch_id_of(call, batch);
    json_decref(call_ask(call, "batch.show", arguments_of("batch", batch))); // it is there
    start_watch(&run, batch, call_has(call, "results"));
    int code = watch_all(&run);
    close_run(&run);
    return code;
}
