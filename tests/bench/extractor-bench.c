// extractor-bench FILE… [SECONDS]: one extractor's work without its sockets. Recorded answers, or
// without files one of our own making, are gone through again and again: what is read is a message
// of the broker, what comes out the facts as they go back. Prints answers and bytes a second, and
// what each part takes of an answer.
#include "common/clock.h"
#include "common/mem.h"
#include "workers/extractor/recording.h"
#include "workers/extractor/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWERS_KEPT_MAX = 4096, SECONDS_DEFAULT = 3, OWN_PIECES = 60 };

struct kept {
    struct answer answer;
    char *headers;
    char *body;
};

struct bench {
    struct catalogue *catalogue;
    struct kept kept[ANSWERS_KEPT_MAX];
    size_t count;
    uint64_t bytes; // of all bodies and headers
    struct extract *extract;
    struct buf facts;
};

static _Noreturn void stop(const char *about, const char *why) {
    (void)fprintf(stderr, "extractor-bench: %s: %s\n", about, why);
    exit(70);
}

// ---- what is read -------------------------------------------------------------------------------

static void keep(struct bench *bench, const struct answer *answer) {
    if (bench->count == ANSWERS_KEPT_MAX)
        return;
    struct kept *kept = &bench->kept[bench->count++];
    kept->answer = *answer;
    kept->headers = mem_copy(answer->headers.at, answer->headers.size);
    kept->body = mem_copy(answer->body.at, answer->body.size);
    kept->answer.headers = bytes_of(kept->headers, answer->headers.size);
    kept->answer.body = bytes_of(kept->body, answer->body.size);
    bench->bytes += answer->headers.size + answer->body.size;
}

static void keep_file(struct bench *bench, struct recording *recording, const char *file) {
    char error[256];
    const char *by;
    struct bytes model;
    if (recording_read(recording, file, error, sizeof(error)) != 0)
        stop(file, error);
    struct answer answer = {.api = recording_api(recording, bench->catalogue, &by, &model),
                            .status = recording->status,
                            .headers = buf_bytes(&recording->headers),
                            .body = recording->body};
    if (answer.api)
        keep(bench, &answer);
}

static const char own_headers[] =
    "date: Thu, 20 Aug 2026 10:00:00 GMT\r\ncontent-type: application/json\r\n"
    "openai-organization: org-1\r\nopenai-processing-ms: 812\r\nopenai-project: proj_1\r\n"
    "x-ratelimit-limit-requests: 10000\r\nx-ratelimit-limit-tokens: 200000\r\n"
    "x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-remaining-tokens: 199000\r\n"
    "x-ratelimit-reset-requests: 8.64s\r\nx-ratelimit-reset-tokens: 6m0s\r\n"
    "x-request-id: req_0123456789abcdef\r\ncf-ray: 0123456789abcdef-FRA\r\nserver: x\r\n";

static const char own_usage[] =
    "\"usage\":{\"prompt_tokens\":1200,\"completion_tokens\":300,\"total_tokens\":1500,"
    "\"prompt_tokens_details\":{\"cached_tokens\":1024,\"audio_tokens\":0},"
    "\"completion_tokens_details\":{\"reasoning_tokens\":128,\"audio_tokens\":0,"
    "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}";

// An answer of 1.5 KiB with every usual field, or the same as a stream of 60 pieces.
static void keep_own(struct bench *bench, bool is_stream) {
    struct buf body;
    buf_init(&body, ANSWER_BYTES_MAX);
    static const char head[] = "{\"id\":\"chatcmpl-1\",\"created\":1790000000,\"model\":"
                               "\"gpt-5-nano-2025-08-07\",\"service_tier\":\"default\","
                               "\"system_fingerprint\":\"fp_1\",\"choices\":[";
    if (!is_stream)
        buf_printf(&body, "%s{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"",
                   head);
    for (int i = 0; i < OWN_PIECES; i++) {
        static const char words[] = "some words of it ";
        if (is_stream)
            buf_printf(&body, "data: %s{\"index\":0,\"delta\":{\"content\":\"%s\"}}]}\n\n", head,
                       words);
        else
            buf_text(&body, words);
    }
    if (is_stream)
        buf_printf(&body,
                   "data: %s{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],%s}\n\n"
                   "data: [DONE]\n\n",
                   head, own_usage);
    else
        buf_printf(&body,
                   "\",\"refusal\":null,\"annotations\":[]},\"finish_reason\":\"stop\"}],%s}",
                   own_usage);
    struct answer answer = {
        .api = catalogue_api(bench->catalogue, bytes_text("openai"), bytes_text("chat")),
        .status = 200,
        .headers = bytes_text(own_headers),
        .body = buf_bytes(&body)};
    keep(bench, &answer);
    buf_release(&body);
}

// ---- what is measured ---------------------------------------------------------------------------

enum part { PART_all, PART_open, PART_identifiers, PART_metadata, PART_usage, PARTS };

static void do_part(struct bench *bench, const struct answer *answer, enum part part) {
    size_t count;
    struct extract *extract = bench->extract;
    extract_open(extract, answer);
    switch (part) {
    case PART_all:
        (void)extract_refusal(extract);
        buf_reset(&bench->facts);
        if (extract_facts(extract, &bench->facts) != ERR_OK)
            stop("an answer", "its facts are too large");
        break;
    case PART_identifiers:
        (void)extract_all_identifiers(extract, &count);
        break;
    case PART_metadata:
        (void)extract_all_metadata(extract);
        break;
    case PART_usage:
        (void)extract_usage(extract);
        break;
    case PART_open:
    case PARTS:
        break;
    }
}

// Answers a second of CPU.
static double measure(struct bench *bench, enum part part, size_t from, size_t to,
                      uint64_t seconds) {
    uint64_t done = 0, start = clock_cpu_us(), now = start;
    while (now - start < seconds * 1000000) {
        for (size_t i = from; i < to; i++)
            do_part(bench, &bench->kept[i].answer, part);
        done += to - from;
        now = clock_cpu_us();
    }
    return (double)done * 1e6 / (double)(now - start);
}

static void report(struct bench *bench, const char *what, size_t from, size_t to,
                   uint64_t seconds) {
    uint64_t bytes = 0;
    for (size_t i = from; i < to; i++)
        bytes += bench->kept[i].answer.headers.size + bench->kept[i].answer.body.size;
    double all = measure(bench, PART_all, from, to, seconds);
    double open = measure(bench, PART_open, from, to, seconds);
    static const char *const names[PARTS] = {NULL, NULL, "identifiers", "metadata", "usage"};
    printf("%s: %.0f answers a second of CPU, %.0f bytes each, %.0f MB/s\n", what, all,
           (double)bytes / (double)(to - from), all * (double)bytes / (double)(to - from) / 1e6);
    printf("  %.1f us an answer, of which opening (scan; of a stream putting it together) %.1f",
           1e6 / all, 1e6 / open);
    for (unsigned part = PART_identifiers; part < PARTS; part++)
        printf(", %s %.1f", names[part],
               1e6 / measure(bench, (enum part)part, from, to, seconds) - 1e6 / open);
    printf("\n");
}

static bool is_stream(const struct kept *kept) {
    return answer_shape_is_stream(answer_shape_of(kept->answer.api->shape), kept->answer.body);
}

static int by_kind(const void *a, const void *b) {
    return (int)is_stream(a) - (int)is_stream(b);
}

static void open_bench(struct bench *bench) {
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 64 << 10);
    if (catalogue_compile_folder(NULL, &document, &problems) != ERR_OK ||
        catalogue_load(buf_bytes(&document), &bench->catalogue) != ERR_OK)
        stop("the catalogue", buf_cstr(&problems));
    buf_release(&document);
    buf_release(&problems);
    bench->extract = mem_new(sizeof(*bench->extract));
    extract_init(bench->extract);
    buf_init(&bench->facts, FACTS_BYTES_MAX);
}

int main(int argc, char **argv) {
    struct bench *bench = mem_new(sizeof(*bench));
    struct recording recording;
    uint64_t seconds = SECONDS_DEFAULT;
    char *end = NULL;
    size_t streams = 0;
    open_bench(bench);
    recording_init(&recording);
    for (int i = 1; i < argc; i++) {
        unsigned long number = strtoul(argv[i], &end, 10);
        if (*end == 0 && number > 0)
            seconds = number;
        else
            keep_file(bench, &recording, argv[i]);
    }
    if (bench->count == 0) {
        keep_own(bench, false);
        keep_own(bench, true);
    }
    qsort(bench->kept, bench->count, sizeof(bench->kept[0]), by_kind);
    while (streams < bench->count && is_stream(&bench->kept[bench->count - 1 - streams]))
        streams++;
    if (streams < bench->count)
        report(bench, "whole answers", 0, bench->count - streams, seconds);
    if (streams > 0)
        report(bench, "streams", bench->count - streams, bench->count, seconds);
    if (streams > 0 && streams < bench->count)
        report(bench, "both", 0, bench->count, seconds);
    return 0;
}
