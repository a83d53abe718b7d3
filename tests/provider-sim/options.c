#include "tests/provider-sim/options.h"

#include "tests/provider-sim/api.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
    "provider-sim: answers like the APIs of OpenAI, Anthropic, Google and others, and bills.\n"
    "\n"
    "  --address ADDRESS    address to listen at, IPv4 or IPv6 (default 127.0.0.1)\n"
    "  --port N             port to listen on; 0 (default): any free one\n"
    "  --port-file FILE     the port is written there, whole, as soon as it listens\n"
    "  --seed S             seed of all draws (default 1)\n"
    "  --bill FILE          the bill is appended there; a line is written before its answer\n"
    "                       leaves\n"
    "  --key KEY            an accepted API key; repeatable. Default: any that is not empty\n"
    "  --key-file FILE      accepted keys, one a line; read again when it changes; while it is\n"
    "                       absent no key of it is accepted\n"
    "  --quota-file FILE    while this file exists every request gets 429 insufficient_quota\n"
    "  --latency-ms MEAN    mean time of an answer (default 0: at once)\n"
    "  --retry-ms MS        the longest wait that a 429 or 503 asks for (default 1000)\n"
    "\n"
    "Rates are fractions (0.02) or percent (2%). At most one of these happens to a request:\n"
    "  --error-rate R       500, 502 (an HTML page), 503 or 504; not billed\n"
    "  --429-rate R         429 with Retry-After in seconds or as a date, retry-after-ms, both,\n"
    "                       x-ratelimit-reset-* alone, or nothing; not billed\n"
    "  --reject-rate R      400 context_length_exceeded, at each repetition; not billed\n"
    "  --hang-rate R        never answers, or stops in the middle of its answer; billed\n"
    "  --cut-rate R         the body ends before its Content-Length, before its last chunk, in\n"
    "                       its head, or by a reset; billed\n"
    "  --malformed-rate R   200 with truncated JSON, garbage, HTML or nothing; billed\n"
    "  --late-close-rate R  closes or resets without an answer; billed\n"
    "  --stream-fault-rate R  of streams: ends before its end, or inside an event, has an error "
    "in\n"
    "                       its middle, or stands still; billed\n"
    "  --false-200-rate R   an error with status 200, where the API has such; not billed\n"
    "  --refuse-rate R      closes before the body is read; not billed\n"
    "and with these an answer is unusual:\n"
    "  --unknown-model-rate R  serves a model without a price\n"
    "  --length-rate R      cuts the text: finish_reason length\n"
    "  --chunked-rate R     sends the body in chunks (default 25%)\n"
    "  --reasoning          models that reason do: reasoning tokens are counted and billed\n"
    "  --cached[=TOKENS]    half of the requests of at least TOKENS (1024) are partly cached\n"
    "  --prefix-cache[=TOKENS]  instead, what an earlier request began with is read from the "
    "cache,\n"
    "                       by each API's rules; TOKENS: the shortest prefix that is kept\n"
    "  --prefix-ms MS       how long a prefix is kept (default: as each API has it)\n"
    "  --state-ms MS        how long answers are kept to go on from (default: for good)\n"
    "  --state-bytes N      memory for all that is kept by id, 256 MiB by default; beyond it the\n"
    "                       oldest is forgotten\n"
    "\n"
    "Streams leave whole unless they are told to be slow:\n"
    "  --piece-bytes N      in pieces of so many bytes, wherever that cuts them,\n"
    "  --pace-ms MS         so far apart (default 0: in as many sends)\n"
    "  --comment-rate R     comments and blank lines before so many of the events\n"
    "  --crlf-rate R        so many streams end their lines the other way\n"
    "\n";

static const char help_words[] =
    "A request's draws come from the seed, its body, and how often that body came before (refused\n"
    "connections: from its X-Client-Request-Id). A last user message that holds @sim:NAME has\n"
    "that fault, always, or the first N times with @sim:NAME*N; names are those of the bill, and\n"
    "length, refusal, unknown_model, text (no tool is called), tools (two are), pace_MS (a stream\n"
    "in pieces, that far apart), delay_MS, body_BYTES (the answer's body has that size), "
    "head_BYTES\n"
    "(and that many bytes of headers more).\n"
    "A model that begins with \"missing-\" does not exist. Requests with tools are answered by a\n"
    "call of the first one, unless tool_choice is \"none\" or the last message is a tool's.\n"
    "\n"
    "An answer's text begins with\n"
    "  turn T of this conversation, M messages; you said H; before that G.\n"
    "T: user messages, M: messages, H: the first 12 hex digits of the SHA-256 of the last user\n"
    "message's text, G: the same over role NUL text NUL of each message before that one.\n"
    "\n"
    "Tokens: input 3 + 4 a message + a token for each 4 bytes of text begun + one for each 8\n"
    "bytes of tools; output one for each 4 bytes of text begun.\n"
    "\n"
    "The Messages API also takes: cache_control (with --cached a part of the rest is written to "
    "the\n"
    "cache, with a ttl of 1h a part of that for an hour; with --prefix-cache the prompt is kept "
    "up\n"
    "to the blocks that have it, and billed so), thinking (with --reasoning), inference_geo us,\n"
    "tools of a type web_search_… (one search). Its 503 is a 529.\n"
    "\n"
    "Gemini's cachedContents are made with a ttl, read, deleted and named by generateContent; "
    "what\n"
    "they hold is cached input of each request, with or without --prefix-cache.\n"
    "\n"
    "Responses, Interactions and Conversations are kept by id; a text that goes on from an id is\n"
    "billed with all that was said before. What only reads or makes what is kept has no line in\n"
    "the bill.\n"
    "\n"
    "The bill is JSON lines: n, at_ms, api, call (X-Client-Request-Id as sent, else the span's 16 "
    "hex\n"
    "digits of traceparent), request_id,\n"
    "response_id, model (as served), model_requested, status (sent; 0: none), billed, delivered\n"
    "(the answer left here whole and well-formed), fault (empty: none), tier, input_tokens "
    "(cached\n"
    "and written ones included), cached_tokens, cache_write_tokens, cache_write_1h_tokens,\n"
    "output_tokens (reasoning included), reasoning_tokens, tool_use_tokens (beside the input),\n"
    "web_searches, pusd\n"
    "(pico-USD; null: no price), messages, body_sha256.\n"
    "Faults in it: ";

static const char help_paths[] = "\nThe APIs and their paths; a base URL is what stands before the "
                                 "last parts:\n";

static void help_print(void) {
    fputs(help, stdout);
    fputs(help_words, stdout);
    for (int fault = FAULT_NONE + 1; fault < FAULTS; fault++)
        printf("%s%s", fault_text((enum fault)fault), fault + 1 < FAULTS ? ", " : ".\n");
    fputs(help_paths, stdout);
    routes_print();
}

_Noreturn static void options_refuse(const char *name, const char *value) {
    fprintf(stderr, "provider-sim: --%s: not valid: %s (try --help)\n", name, value);
    exit(EX_USAGE);
}

static uint64_t option_number(const char *name, const char *value, uint64_t max) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno != 0 || *value < '0' || *value > '9' || *end != '\0' || number > max)
        options_refuse(name, value);
    return number;
}

static uint32_t option_rate(const char *name, const char *value) {
    char *end;
    double rate = strtod(value, &end);
    if (end != value && *end == '%')
        rate /= 100, end++;
    if (end == value || *end != '\0' || !(rate >= 0 && rate <= 1))
        options_refuse(name, value);
    return (uint32_t)(rate * RATE_WHOLE + 0.5);
}

enum option_code {
    OPTION_HELP = 256,
    OPTION_ADDRESS,
    OPTION_PORT,
    OPTION_PORT_FILE,
    OPTION_SEED,
    OPTION_BILL,
    OPTION_KEY,
    OPTION_KEY_FILE,
    OPTION_QUOTA_FILE,
    OPTION_LATENCY,
    OPTION_RETRY,
    OPTION_UNKNOWN_MODEL,
    OPTION_LENGTH,
    OPTION_CHUNKED,
    OPTION_REASONING,
    OPTION_CACHED,
    OPTION_PREFIX_CACHE,
    OPTION_PREFIX_MS,
    OPTION_STATE_MS,
    OPTION_STATE_BYTES,
    OPTION_PACE,
    OPTION_PIECE,
    OPTION_COMMENTS,
    OPTION_CRLF,
    OPTION_RATES, // and the group
};

static const struct option options_known[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"address", required_argument, NULL, OPTION_ADDRESS},
    {"port", required_argument, NULL, OPTION_PORT},
    {"port-file", required_argument, NULL, OPTION_PORT_FILE},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"bill", required_argument, NULL, OPTION_BILL},
    {"key", required_argument, NULL, OPTION_KEY},
    {"key-file", required_argument, NULL, OPTION_KEY_FILE},
    {"quota-file", required_argument, NULL, OPTION_QUOTA_FILE},
    {"latency-ms", required_argument, NULL, OPTION_LATENCY},
    {"retry-ms", required_argument, NULL, OPTION_RETRY},
    {"error-rate", required_argument, NULL, OPTION_RATES + GROUP_ERROR},
    {"429-rate", required_argument, NULL, OPTION_RATES + GROUP_LIMIT},
    {"reject-rate", required_argument, NULL, OPTION_RATES + GROUP_REJECT},
    {"hang-rate", required_argument, NULL, OPTION_RATES + GROUP_HANG},
    {"cut-rate", required_argument, NULL, OPTION_RATES + GROUP_CUT},
    {"malformed-rate", required_argument, NULL, OPTION_RATES + GROUP_MALFORMED},
    {"late-close-rate", required_argument, NULL, OPTION_RATES + GROUP_LATE_CLOSE},
    {"refuse-rate", required_argument, NULL, OPTION_RATES + GROUP_REFUSE},
    {"unknown-model-rate", required_argument, NULL, OPTION_UNKNOWN_MODEL},
    {"length-rate", required_argument, NULL, OPTION_LENGTH},
    {"chunked-rate", required_argument, NULL, OPTION_CHUNKED},
    {"reasoning", no_argument, NULL, OPTION_REASONING},
    {"cached", optional_argument, NULL, OPTION_CACHED},
    {"prefix-cache", optional_argument, NULL, OPTION_PREFIX_CACHE},
    {"prefix-ms", required_argument, NULL, OPTION_PREFIX_MS},
    {"state-ms", required_argument, NULL, OPTION_STATE_MS},
    {"state-bytes", required_argument, NULL, OPTION_STATE_BYTES},
    {"pace-ms", required_argument, NULL, OPTION_PACE},
    {"piece-bytes", required_argument, NULL, OPTION_PIECE},
    {"comment-rate", required_argument, NULL, OPTION_COMMENTS},
    {"crlf-rate", required_argument, NULL, OPTION_CRLF},
    {"stream-fault-rate", required_argument, NULL, OPTION_RATES + GROUP_STREAM},
    {"false-200-rate", required_argument, NULL, OPTION_RATES + GROUP_FALSE_200},
    {NULL, 0, NULL, 0},
};

static void option_key(struct options *options, const char *value) {
    if (options->keys_count == KEYS_MAX || *value == '\0' || strlen(value) > KEY_BYTES_MAX) {
        fputs("provider-sim: --key: empty, too long, or too many of them\n", stderr);
        exit(EX_USAGE);
    }
    options->keys[options->keys_count++] = value;
}

static void option_number_set(struct options *options, int option, const char *name,
                              const char *value) {
    if (option == OPTION_PORT)
        options->port = (uint16_t)option_number(name, value, UINT16_MAX);
    else if (option == OPTION_SEED)
        options->seed = option_number(name, value, UINT64_MAX);
    else if (option == OPTION_LATENCY)
        options->latency_mean_ms = (uint32_t)option_number(name, value, 3600 * 1000);
    else if (option == OPTION_RETRY)
        options->retry_ms = (uint32_t)option_number(name, value, 3600 * 1000);
    else if (option == OPTION_CACHED && value != NULL)
        options->cache_from_tokens = (uint32_t)option_number(name, value, 1 << 30);
    else if (option == OPTION_PREFIX_CACHE && value != NULL)
        options->prefix_from_tokens = (int64_t)option_number(name, value, 1 << 30);
    else if (option == OPTION_PREFIX_MS)
        options->prefix_ms = (uint32_t)option_number(name, value, UINT32_MAX);
    else if (option == OPTION_STATE_MS)
        options->state_ms = (uint32_t)option_number(name, value, UINT32_MAX);
    else if (option == OPTION_STATE_BYTES)
        options->state_bytes = option_number(name, value, UINT32_MAX);
    else if (option == OPTION_PACE)
        options->pace_ms = (uint32_t)option_number(name, value, 60 * 1000);
    else if (option == OPTION_PIECE)
        options->piece_bytes = (uint32_t)option_number(name, value, 1 << 20);
    if (option == OPTION_CACHED)
        options->has_cache = true;
    if (option == OPTION_PREFIX_CACHE)
        options->has_prefix_cache = true;
}

static void option_set(struct options *options, int option, const char *name, const char *value) {
    switch (option) {
    case OPTION_HELP:
        help_print();
        exit(0);
    case OPTION_ADDRESS:
        options->address = value;
        break;
    case OPTION_PORT_FILE:
        options->port_file = value;
        break;
    case OPTION_BILL:
        options->bill_file = value;
        break;
    case OPTION_KEY:
        option_key(options, value);
        break;
    case OPTION_KEY_FILE:
        options->key_file = value;
        break;
    case OPTION_QUOTA_FILE:
        options->quota_file = value;
        break;
    case OPTION_UNKNOWN_MODEL:
        options->unknown_model_rate = option_rate(name, value);
        break;
    case OPTION_LENGTH:
        options->length_rate = option_rate(name, value);
        break;
    case OPTION_CHUNKED:
        options->chunked_rate = option_rate(name, value);
        break;
    case OPTION_COMMENTS:
        options->comment_rate = option_rate(name, value);
        break;
    case OPTION_CRLF:
        options->crlf_rate = option_rate(name, value);
        break;
    case OPTION_REASONING:
        options->has_reasoning = true;
        break;
    default:
        if (option >= OPTION_RATES)
            options->rates[option - OPTION_RATES] = option_rate(name, value);
        else
            option_number_set(options, option, name, value);
    }
}

void options_read(struct options *options, int argc, char **argv) {
    int at = 0;
    int option;
    *options = (struct options){.address = "127.0.0.1",
                                .seed = 1,
                                .retry_ms = 1000,
                                .chunked_rate = RATE_WHOLE / 4,
                                .cache_from_tokens = 1024,
                                .state_bytes = STATE_BYTES_MAX};
    while ((option = getopt_long(argc, argv, "", options_known, &at)) != -1) {
        if (option == '?')
            exit(EX_USAGE);
        option_set(options, option, options_known[at].name, optarg);
    }
    if (optind < argc)
        options_refuse("", argv[optind]);
    uint64_t sum = 0;
    for (int group = 0; group < GROUPS; group++)
        sum += group == GROUP_REFUSE || group == GROUP_FILTER ? 0 : options->rates[group];
    if (sum > RATE_WHOLE) {
        fputs("provider-sim: the rates add up to more than all requests\n", stderr);
        exit(EX_USAGE);
    }
}
