#include "workers/extractor/offline.h"

#include "common/clock.h"
#include "common/conf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/process.h"
#include "workers/extractor/recording.h"
#include "workers/extractor/report.h"
#include "workers/provider/retry_after.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

enum { EXIT_UNKNOWN = 1, EXIT_STOPPED = 130, EXIT_NO_READER = 141, LINE_MAX_BYTES = 64 << 20 };

struct offline {
    struct catalogue *catalogue;
    struct extract *extract;
    struct recording recording;
    struct batch batch;
    struct json_scan scan;
    struct buf facts;
    struct buf line;
    int stop_fd;
    bool is_stopped;
    bool is_stream;    // only streams are answers
    int64_t prices_ms; // the instant of an answer that has no date
    int write_error;   // errno of a line that was not taken
    int exit;
};

static void complain(const char *about, const char *what) {
    (void)fflush(stdout);
    (void)fprintf(stderr, "colloq: %s: %s\n", about, what);
}

// ---- one answer ---------------------------------------------------------------------------------

static void judge(struct offline *offline, const struct answer *answer, struct verdict *verdict) {
    const struct adapter *adapter = adapter_for(answer->api->shape);
    struct outcome outcome = {
        .end = TRANSFER_as_http,
        .http_end = HTTP_answered,
        .status = answer->status,
        .has_left = true,
        .head = answer->headers,
        .body = answer->body,
        .words = "",
        .now_ms = offline->prices_ms,
    };
    *verdict = (struct verdict){.class = CLASS_malformed, .reason = "shape_not_served"};
    if (adapter)
        classify(answer->api, adapter, &outcome, &offline->scan, verdict);
}

// What the extractor has against it. Whoever wants streams takes nothing else.
static const char *refusal_of(const struct offline *offline, const struct answer *answer) {
    const char *refusal = extract_refusal(offline->extract);
    if (!refusal && offline->is_stream && answer->of == ANSWER_call && answer->status / 100 == 2 &&
        !offline->extract->is_stream)
        refusal = "not_a_stream";
    return refusal;
}

static void read_answer(struct offline *offline, const struct answer *answer,
                        struct report *report) {
    static struct verdict verdict;
    judge(offline, answer, &verdict);
    extract_open(offline->extract, answer);
    report->verdict = &verdict;
    report->refusal = refusal_of(offline, answer);
    // What is said about a batch is no answer of the shape, and need not be.
    if (answer->of != ANSWER_call && answer->status / 100 == 2 && !report->refusal)
        verdict = (struct verdict){.class = CLASS_success};
    buf_reset(&offline->facts);
    if (extract_facts(offline->extract, &offline->facts) == ERR_OK)
        report->facts = buf_bytes(&offline->facts);
    else if (!report->refusal)
        report->refusal = "facts_too_large";
    report->primary = extract_conversation_id(offline->extract);
    report->out_estimated = extract_output_estimate(offline->extract);
}

// False if nobody takes what is written.
static bool put_line(struct offline *offline, const struct report *report) {
    if (!report->api && offline->exit == EX_OK)
        offline->exit = EXIT_UNKNOWN;
    buf_reset(&offline->line);
    report_put(report, &offline->line);
    struct bytes line = buf_bytes(&offline->line);
    bool is_taken = fwrite(line.at, 1, line.size, stdout) == line.size;
    if (!is_taken)
        offline->write_error = errno;
    return is_taken;
}

// An answer that came alone.
static bool do_answer(struct offline *offline, struct report *report) {
    const struct recording *recording = &offline->recording;
    struct bytes model = {0};
    report->api = recording_api(recording, offline->catalogue, &report->by, &model);
    report->model_requested = recording->model.size > 0 ? recording->model : model;
    struct answer answer = {.api = report->api,
                            .status = recording->status,
                            .headers = buf_bytes(&recording->headers),
                            .body = recording->body};
    if (report->api)
        read_answer(offline, &answer, report);
    return put_line(offline, report);
}

// A provider's own batch, or an item of it. The headers are the batch's.
static bool do_item(struct offline *offline, const struct batch_item *item, struct report *report) {
    struct answer answer = batch_answer(item, buf_bytes(&offline->recording.headers));
    *report = (struct report){.file = report->file,
                              .catalogue = report->catalogue,
                              .at_ms = report->at_ms,
                              .api = item->api,
                              .status = item->status,
                              .by = "url",
                              .model_requested = item->number > 0 ? item->model : (struct bytes){0},
                              .item = item};
    uint64_t after_ms = retry_hint_of(answer.headers, NULL, report->at_ms).after_ms;
    report->ask_after_ms = after_ms > 0 ? (int64_t)after_ms : -1;
    if (report->api)
        read_answer(offline, &answer, report);
    bool is_error = report->refusal && strcmp(report->refusal, "error_in_answer") == 0;
    if (item->is_unanswered && is_error)
        report->refusal = NULL; // its error is all that it has to say
    return put_line(offline, report);
}

// Whether somebody wants it to end, by now.
static bool is_stopped(struct offline *offline) {
    offline->is_stopped = offline->is_stopped || process_is_stopped(offline->stop_fd);
    return offline->is_stopped;
}

// False if nobody takes what is written.
static bool do_file(struct offline *offline, const char *file) {
    char error[256];
    struct recording *recording = &offline->recording;
    struct report report = {.file = file, .catalogue = offline->catalogue};
    int problem = recording_read(recording, file, error, sizeof(error));
    if (problem != EX_OK) {
        complain(file, error);
        if (offline->exit == EX_OK || offline->exit == EXIT_UNKNOWN)
            offline->exit = problem;
        return true;
    }
    report.status = recording->status;
    report.at_ms = recording->at_ms >= 0 ? recording->at_ms : offline->prices_ms;
    const struct batch_item *item = batch_open(&offline->batch, offline->catalogue, recording);
    if (!item)
        return do_answer(offline, &report);
    bool is_taken = true;
    for (; item && is_taken && !is_stopped(offline); item = batch_next(&offline->batch))
        is_taken = do_item(offline, item, &report);
    return is_taken;
}

// ---- all of them --------------------------------------------------------------------------------

static void open_catalogue(struct offline *offline, const struct conf *conf) {
    struct buf problems, document;
    buf_init(&problems, 64 << 10);
    buf_init(&document, CATALOGUE_BYTES_MAX);
    enum err e = catalogue_compile_rules(conf->catalogue, conf->extracts, conf->extract_count,
                                         &document, &problems);
    if (e != ERR_OK) {
        complain("the catalogue cannot be compiled", buf_cstr(&problems));
        exit(EX_CONFIG);
    }
    if (catalogue_load(buf_bytes(&document), &offline->catalogue) != ERR_OK)
        fatal(EX_SOFTWARE, "catalogue.failed", "why=\"not to be loaded\"");
    buf_release(&problems);
    buf_release(&document);
}

static void offline_open(struct offline *offline, const struct conf *conf) {
    open_catalogue(offline, conf);
    offline->extract = mem_new(sizeof(*offline->extract));
    extract_init(offline->extract);
    recording_init(&offline->recording);
    batch_init(&offline->batch);
    json_scan_init(&offline->scan);
    buf_init(&offline->facts, FACTS_BYTES_MAX);
    buf_init(&offline->line, LINE_MAX_BYTES);
}

static void offline_close(struct offline *offline) {
    buf_release(&offline->line);
    buf_release(&offline->facts);
    json_scan_release(&offline->scan);
    batch_release(&offline->batch);
    recording_release(&offline->recording);
    extract_release(offline->extract);
    mem_free(offline->extract);
    catalogue_free(offline->catalogue);
}

// 2026-08-20, or 2026-08-20T16:30:00Z, since some prices go by the hour.
static bool read_moment(const char *text, int64_t *ms) {
    struct tm moment = {0};
    const char *end = strptime(text, "%Y-%m-%d", &moment);
    if (end && *end == 'T')
        end = strptime(end, "T%H:%M:%SZ", &moment);
    *ms = (int64_t)timegm(&moment) * 1000;
    return end && *end == 0;
}

// Takes the options out of argv; returns where the files begin.
static int take_options(struct offline *offline, int argc, char **argv) {
    int at = 2;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--") == 0)
            return at + 1;
        if (strcmp(argv[at], "--stream") == 0) {
            offline->is_stream = true;
        } else if (strcmp(argv[at], "--at") == 0 && at + 1 < argc) {
            if (read_moment(argv[++at], &offline->prices_ms))
                continue;
            complain(argv[at], "--at needs a day, 2026-08-20, or a moment, 2026-08-20T16:30:00Z");
            exit(EX_USAGE);
        } else {
            complain(argv[at], "there is no such option; colloq extract --help says more");
            exit(EX_USAGE);
        }
    }
    return at;
}

int offline_run(int argc, char **argv, int stop_fd) {
    struct offline offline = {.prices_ms = clock_now().wall_ms, .stop_fd = stop_fd};
    static struct conf conf;
    struct conf_error error;
    int none = 1;
    // Those of the client, which starts this: what it has passed on stands in the environment.
    if (conf_read(&conf, "client", &none, argv, false, &error) != ERR_OK) {
        (void)fprintf(stderr, "colloq: %s\n", error.text);
        return error.exit;
    }
    int at = take_options(&offline, argc, argv);
    bool is_taken = true;
    offline_open(&offline, &conf);
    for (; at < argc && is_taken && !is_stopped(&offline); at++)
        is_taken = do_file(&offline, argv[at]);
    if (fflush(stdout) != 0 && is_taken)
        offline.write_error = errno;
    int code = offline.write_error == EPIPE ? EXIT_NO_READER
               : offline.write_error        ? EX_IOERR
               : offline.is_stopped         ? EXIT_STOPPED
                                            : offline.exit;
    if (offline.write_error && offline.write_error != EPIPE)
        complain("stdout", strerror(offline.write_error));
    offline_close(&offline);
    return code;
}
