// batch run, submit and watch: a file goes in, results come out, people see how it stands.
#include "common/clock.h"
#include "common/process.h"
#include "tools/commands.h"
#include "tools/known.h"
#include "tools/local.h"
#include "tools/order.h"
#include "tools/render.h"
#include "tools/submission.h"
#include "tools/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

// One run: the submission, if there is one, and the watch over the batch.
struct run {
    struct call *call;
    struct client *client;
    struct progress progress;
    struct spool spool;
    struct order order;
    struct submission submission;
    struct sink sink;
    struct watch watch;
    uint64_t patience_ms; // for what only a person can move; 0: for ever
    bool has_submission;
    bool is_watching;
};

enum { PATIENCE_S = 60 };

static void start_submission(struct run *run, bool is_validation) {
    struct submit_head submit = run->order.submit;
    submit.validate_only = is_validation;
    submission_start(&run->submission, run->client, &run->progress, &run->sink, &submit,
                     run->spool.fd, run->spool.bytes, clock_now().mono_ms);
    run->has_submission = true;
}

// Whoever looks at a terminal sees why nothing moves; a script would wait for ever.
static void take_patience(struct run *run) {
    bool is_seen = run->progress.is_terminal && !call_has(run->call, "patience");
    run->patience_ms = is_seen ? 0 : call_count(run->call, "patience", PATIENCE_S) * 1000;
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
        (void)submission_wait_text(submission, now_ms, wait, sizeof(wait));
    else if (run->is_watching)
        (void)watch_wait_text(&run->watch, now_ms, wait, sizeof(wait));
    text_clean(wait, false);
    progress_long_wait(&run->progress, wait, sizeof(wait));
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

// The command that takes the submission up: the same one, or, where stdin was read, one for its
// copy.
static const char *again_text(const struct run *run) {
    bool is_copy = run->spool.path[0] != 0;
    return call_command(run->call, is_copy ? run->spool.path : NULL,
                        run->order.has_lasting_key ? NULL : run->order.key);
}

// However the process ends: a copy of stdin stays only where it is needed, and nobody has to find
// out how to go on.
static struct run *unended;

static void leave_run(void) {
    struct run *run = unended;
    unended = NULL;
    if (!run)
        return;
    bool is_partial = run->has_submission && submission_is_partial(&run->submission);
    spool_close(&run->spool, is_partial);
    if (!is_partial)
        return;
    progress_close(&run->progress);
    (void)fprintf(stderr,
                  "Not the whole file was taken in. What was taken in stays, and this goes on "
                  "where it stands:\n  %s\n",
                  again_text(run));
    if (run->spool.path[0])
        (void)fprintf(stderr, "%s is a copy of stdin, and yours to remove then.\n",
                      run->spool.path);
}

static _Noreturn void stop_run(struct run *run) {
    char batch[UUID_TEXT_SIZE];
    const char *settings = call_settings(run->call);
    progress_close(&run->progress);
    if (run->has_submission && !id_is_none(run->submission.batch))
        uuid_text(run->submission.batch, batch);
    else if (run->is_watching)
        (void)snprintf(batch, sizeof(batch), "%s", run->watch.batch);
    else {
        if (!run->has_submission || !submission_is_partial(&run->submission))
            (void)fputs("Stopped: nothing was submitted.\n", stderr);
        exit(EXIT_STOPPED);
    }
    (void)fprintf(stderr, "%s\n  colloq batch watch %s%s\n  colloq batch cancel %s%s\n",
                  local_is_ours() ? "The batch stays, and goes on when colloq runs here again."
                                  : "The batch goes on without this command.",
                  batch, settings, batch, settings);
    exit(EXIT_STOPPED);
}

static void start_watch(struct run *run, const char *batch, bool prints_results) {
    watch_start(&run->watch, run->client, batch, prints_results ? &run->sink : NULL,
                clock_now().mono_ms);
    run->is_watching = true;
}

// Since when only a person can move what is left, and what that is; 0: it may move by itself.
static uint64_t stuck_since(const struct run *run, uint64_t now_ms, char *why, size_t size) {
    const struct watch *watch = run->is_watching ? &run->watch : NULL;
    const struct submission *submission = &run->submission;
    bool is_submitting = run->has_submission && !submission->is_done;
    uint64_t since_ms = watch ? watch->stuck_ms : 0;
    if (since_ms > 0)
        (void)watch_stuck_text(watch, why, size);
    if (since_ms == 0 && is_submitting && submission->stuck_ms > 0 && (!watch || watch->rest_ms)) {
        (void)submission_wait_text(submission, now_ms, why, size);
        since_ms = submission->stuck_ms;
        if (watch && watch->rest_ms > since_ms)
            since_ms = watch->rest_ms;
    }
    if (since_ms > 0 && run->has_submission && submission->moved_ms > since_ms)
        since_ms = submission->moved_ms;
    return since_ms;
}

// Nothing moves, and only a person can change that: whoever waits for this command should hear.
static void end_if_stuck(struct run *run, uint64_t now_ms) {
    char wait[PROGRESS_TEXT_SIZE / 2];
    uint64_t since_ms = stuck_since(run, now_ms, wait, sizeof(wait));
    if (run->patience_ms == 0 || since_ms == 0 || now_ms - since_ms < run->patience_ms)
        return;
    progress_close(&run->progress);
    sink_flush(&run->sink);
    fail(EX_TEMPFAIL,
         "nothing moves until somebody sees to this: %s\nThe batch stays, and goes on then: colloq "
         "batch watch %s%s",
         wait, run->watch.batch, call_settings(run->call));
}

static void hear(struct run *run, struct message *message, uint64_t now_ms) {
    if (run->has_submission && submission_take(&run->submission, message, now_ms))
        return;
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
        watch_step(&run->watch, run->has_submission && !run->submission.is_done, now_ms);
    client_tick(run->client, now_ms);
    show_progress(run, now_ms);
    long wait = run->is_watching && run->watch.pause_ms < WATCH_PAUSE_MS ? QUICK_MS : WAIT_MS;
    for (struct message *message; (message = client_receive(run->client, wait)) != NULL; wait = 0)
        hear(run, message, clock_now().mono_ms);
    if (process_is_stopped(run->call->stop_fd))
        stop_run(run);
    end_if_stuck(run, clock_now().mono_ms); // what was heard is younger than now_ms
}

// Sends the whole file; with watches also shows the batch as soon as it is open.
static void submit_all(struct run *run, bool watches, bool prints_results) {
    struct submission *submission = &run->submission;
    while (!submission->is_done && submission->exit == 0) {
        turn(run);
        if (id_is_none(submission->batch))
            continue;
        sink_begin(&run->sink);
        if (!watches || run->is_watching)
            continue;
        char batch[UUID_TEXT_SIZE];
        uuid_text(submission->batch, batch);
        start_watch(run, batch, prints_results);
    }
    progress_close(&run->progress);
    submission_report(submission, call_settings(run->call));
    if (submission->exit != 0)
        fail(submission->exit, "%s", submission->detail);
    if (!submission->submit.validate_only)
        sink_begin(&run->sink);
}

// Where the lines went, if not to stdout.
static void say_errors(struct run *run) {
    char count[SHORT_TEXT_SIZE];
    const struct sink *sink = &run->sink;
    uint64_t bad = sink->failed + sink->refused;
    if (sink->errors.name)
        progress_note(&run->progress, "errors", "%s that failed or %s in %s",
                      counted_text((int64_t)bad, "line", count),
                      bad == 1 ? "was refused is" : "were refused are", sink->errors.name);
}

static void say_files(struct run *run) {
    char count[SHORT_TEXT_SIZE];
    const struct sink *sink = &run->sink;
    if (sink->output.name)
        progress_note(&run->progress, "output", "%s %s in %s",
                      counted_text((int64_t)sink->lines, "result line", count),
                      sink->lines == 1 ? "is" : "are", sink->output.name);
    say_errors(run);
}

// On a terminal that both are on, a result must not stand behind the line that is written over.
static void mind_terminal(struct run *run) {
    run->sink.progress = isatty(STDOUT_FILENO) ? &run->progress : NULL;
}

// Where the lines will go, before anything is asked or read: what cannot be written is said at
// once.
static void open_sink(struct run *run) {
    struct stat info;
    const struct call *call = run->call;
    spool_stat(call->operands[0], &info);
    sink_open(&run->sink, call_text(call, "output"), call_text(call, "errors"));
    sink_expect_apart(&run->sink, call->operands[0], &info);
    mind_terminal(run);
}

static void open_run(struct run *run, struct call *call) {
    *run = (struct run){.call = call};
    order_read(&run->order, call); // what is mistyped is said before an hour of stdin
    progress_open(&run->progress, call_has(call, "json"), call_has(call, "quiet"));
    take_patience(run);
    open_sink(run);
    run->client = call_client(call); // before stdin is read for an hour
    unended = run;
    (void)atexit(leave_run);
    spool_open(&run->spool, call->operands[0], run->order.limit, call->conf, call->stop_fd);
    order_take_file(&run->order, call, &run->spool);
    known_check(call, &run->order, &run->spool, &run->progress);
    if (!call_has(call, "strict"))
        return;
    start_submission(run, true);
    submit_all(run, false, false);
    if (run->submission.refusals.count == 0)
        return;
    sink_flush(&run->sink);
    say_errors(run);
    fail(EX_DATAERR,
         "%llu of %llu lines are refused and --strict was given: nothing was submitted; mend those "
         "lines, or leave --strict out",
         (unsigned long long)run->submission.refusals.count,
         (unsigned long long)run->submission.lines);
}

static void close_run(struct run *run) {
    if (run->is_watching)
        watch_end(&run->watch);
    unended = NULL;
    sink_close(&run->sink);
    order_release(&run->order);
}

// Where to look for those that have no answer.
static void say_kept(struct run *run) {
    const json_t *shown = run->watch.shown;
    if (int_of(shown, "failed", 0) + int_of(shown, "parked", 0) > 0)
        progress_note(&run->progress, "dead",
                      "Why there is no answer: colloq dead list --batch %s%s", run->watch.batch,
                      call_settings(run->call));
}

// Watches to the end and says the last line.
static int watch_all(struct run *run) {
    char text[PROGRESS_TEXT_SIZE];
    while (!run->watch.is_over)
        turn(run);
    progress_close(&run->progress);
    sink_flush(&run->sink);
    if (run->watch.exit != 0)
        fail(run->watch.exit, "%s; the batch goes on without this command: colloq batch watch %s%s",
             run->watch.detail, run->watch.batch, call_settings(run->call));
    const json_t *shown = run->watch.shown;
    say_files(run);
    say_kept(run);
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
        progress_note(&run.progress, "submitted", "%s taken in; colloq batch watch %s%s",
                      counted_text((int64_t)run.submission.lines, "line", count), batch,
                      call_settings(call));
    }
    if (local_is_asking())
        progress_note(
            &run.progress, "waits",
            "No worker runs here: the batch waits until one does (colloq dev%s, or colloq "
            "batch watch %s%s).",
            call_settings(call), batch, call_settings(call));
    close_run(&run);
    return run.submission.refusals.count > 0 ? EXIT_SOME_FAILED : 0;
}

int batch_watch(struct call *call) {
    static struct run run;
    run = (struct run){.call = call, .client = call_client(call)};
    progress_open(&run.progress, call_has(call, "json"), false);
    take_patience(&run);
    sink_open(&run.sink, NULL, NULL);
    mind_terminal(&run);
    char batch[UUID_TEXT_SIZE];
    batch_id_of(call, batch);
    json_decref(call_ask(call, "batch.show", arguments_of("batch", batch))); // it is there
    start_watch(&run, batch, call_has(call, "results"));
    int code = watch_all(&run);
    close_run(&run);
    return code;
}
