#include "tools/call.h"

#include "common/json.h"
#include "common/limits.h"
#include "tools/local.h"
#include "tools/provider.h"
#include "tools/render.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

void fail(int exit_code, const char *format, ...) {
    va_list args;
    char text[8192];
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text_clean(text, true);
    (void)fflush(stdout);
    (void)fprintf(stderr, "colloq: %s\n", text);
    exit(exit_code);
}

const char *call_value(const struct call *call, const char *option, int i) {
    for (int k = 0; k < call->value_count; k++)
        if (strcmp(call->values[k].option->name, option) == 0 && i-- == 0)
            return call->values[k].value;
    return NULL;
}

const char *call_text(const struct call *call, const char *option) {
    return call_value(call, option, 0);
}

bool call_has(const struct call *call, const char *option) {
    for (int k = 0; k < call->value_count; k++)
        if (strcmp(call->values[k].option->name, option) == 0)
            return true;
    return false;
}

uint64_t call_count(const struct call *call, const char *option, uint64_t otherwise) {
    const char *text = call_text(call, option);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

void fail_memory(void) {
    fail(EX_OSERR, "this machine has no memory left for the answer; end other programs, or ask for "
                   "less (--limit, --batch)");
}

// ---- further commands ---------------------------------------------------------------------------

// Adds a word as a shell reads it.
static void put_word(struct buf *line, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:=,@%+-";
    buf_byte(line, ' ');
    if (*word && word[strspn(word, plain)] == 0) {
        buf_text(line, word);
        return;
    }
    buf_byte(line, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_text(line, "'\\'");
        buf_byte(line, (uint8_t)*word);
    }
    buf_byte(line, '\'');
}

static void put_settings(struct buf *line, const struct call *call) {
    static const char *const kept[] = {"--data", "--endpoint", "--ingress", "--config",
                                       "--context"};
    if (call->conf->simulated)
        buf_text(line, " --simulate");
    for (int i = 1; i < call->argc; i++) {
        if (strcmp(call->argv[i], "--insecure") == 0)
            put_word(line, call->argv[i]);
        for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++) {
            size_t size = strlen(kept[k]);
            bool is_same = strncmp(call->argv[i], kept[k], size) == 0;
            if (is_same && call->argv[i][size] == '=') {
                put_word(line, call->argv[i]);
            } else if (is_same && call->argv[i][size] == 0 && i + 1 < call->argc) {
                put_word(line, call->argv[i]);
                put_word(line, call->argv[i + 1]);
            }
        }
    }
}

const char *call_settings(const struct call *call) {
    static char text[4096];
    struct buf line;
    buf_init(&line, sizeof(text) - 1);
    put_settings(&line, call);
    (void)snprintf(text, sizeof(text), "%s", buf_cstr(&line));
    buf_release(&line);
    return text;
}

// Without the options whose names skipped has.
static void put_command(struct buf *line, const struct call *call, const char *operand,
                        const char *const skipped[3]) {
    buf_printf(line, "colloq %s%s%s", call->command->noun, call->command->verb ? " " : "",
               call->command->verb ? call->command->verb : "");
    for (int i = 0; i < call->operand_count; i++)
        put_word(line, i == 0 && operand ? operand : call->operands[i]);
    for (int i = 0; i < call->value_count; i++) {
        const char *name = call->values[i].option->name;
        bool is_skipped = false;
        for (int k = 0; k < 3; k++)
            is_skipped = is_skipped || (skipped[k] && strcmp(name, skipped[k]) == 0);
        if (is_skipped)
            continue;
        buf_printf(line, " --%s", name);
        if (call->values[i].value)
            put_word(line, call->values[i].value);
    }
}

const char *call_command(const struct call *call, const char *operand, const char *key) {
    static const char *const nothing[3] = {NULL};
    static const char *const key_only[3] = {"idempotency-key", NULL, NULL};
    static char text[8192];
    struct buf line;
    buf_init(&line, sizeof(text) - 1);
    put_command(&line, call, operand, key ? key_only : nothing);
    if (key) {
        buf_text(&line, " --idempotency-key");
        put_word(&line, key);
    }
    put_settings(&line, call);
    (void)snprintf(text, sizeof(text), "%s", buf_cstr(&line));
    buf_release(&line);
    return text;
}

void call_say_more(const struct call *call, const char *cursor) {
    static const char *const skipped[3] = {"after", "json", NULL};
    struct buf line;
    if (!cursor)
        return;
    buf_init(&line, 64 << 10);
    put_command(&line, call, NULL, skipped);
    buf_text(&line, " --after");
    put_word(&line, cursor);
    put_settings(&line, call);
    out_printf("There are more: %s\n", buf_cstr(&line));
    buf_release(&line);
}

// ---- asking -------------------------------------------------------------------------------------

static _Noreturn void fail_silent(const struct call *call) {
    const struct conf *conf = call->conf;
    const char *stated = conf_origin(conf, &conf->endpoint);
    if (conf->is_endpoint_stated)
        fail(EX_UNAVAILABLE,
             "nobody answers at %s (%s); see whether colloq runs there and can be reached from "
             "here, or name another with --endpoint",
             conf->endpoint,
             strcmp(stated, "default") == 0 ? conf_origin(conf, &conf->ingress) : stated);
    fail(EX_UNAVAILABLE,
         "the ingress at %s is there and does not answer; its log is %s/log/colloq-ingress.log, "
         "and colloq doctor%s looks at all of it",
         conf->endpoint, conf->data, call_settings(call));
}

// A catalogue is read at a start: one that was named just now is not heard by what runs already.
static void heed_catalogue(const struct call *call) {
    const struct conf *conf = call->conf;
    const char *running = call->client.catalogue, *origin = conf_origin(conf, &conf->catalogue);
    bool is_named = strcmp(origin, "--catalogue") == 0 || strcmp(origin, "COLLOQ_CATALOGUE") == 0;
    struct catalogue *named = NULL;
    if (!is_named || !*running || local_has_started_all() || !provider_try_catalogue(call, &named))
        return;
    struct buf text;
    buf_init(&text, 8192);
    buf_printf(&text,
               "%s %s is not heard: colloq runs already, with another catalogue, and reads "
               "one at its start only; end it and start it again with this one",
               origin, conf->catalogue);
    if (strcmp(catalogue_hash(named), running) != 0)
        local_say(call, "catalogue", buf_cstr(&text));
    buf_release(&text);
    catalogue_free(named);
}

struct client *call_client(struct call *call) {
    if (call->is_open)
        return &call->client;
    if (!call->conf->is_endpoint_stated)
        local_join(call);
    if (!client_try_open(&call->client, call->conf, call->stop_fd, CLIENT_JOIN_MS))
        fail_silent(call);
    call->is_open = true;
    heed_catalogue(call);
    return &call->client;
}

static void ask_text(struct call *call, const char *what, json_t *new_arguments, struct buf *text) {
    char detail[DETAIL_BYTES_MAX + 1];
    buf_init(text, FRAME_BYTES_MAX);
    int code = client_answer(call_client(call), what, new_arguments, text, detail, sizeof(detail));
    if (code != 0)
        fail(code, "%s", detail);
}

static json_t *parse_answer(const struct call *call, struct buf *text) {
    json_t *answer = NULL;
    char error[256];
    if (json_parse(buf_bytes(text), &answer, error, sizeof(error)) != ERR_OK)
        fail(EX_PROTOCOL,
             "%s: the answer cannot be read: %s; is it the same version of colloq that "
             "runs there?",
             call->conf->ingress, error);
    buf_release(text);
    return answer;
}

json_t *call_ask(struct call *call, const char *what, json_t *new_arguments) {
    struct buf text;
    ask_text(call, what, new_arguments, &text);
    return parse_answer(call, &text);
}

const char *call_schema(const struct call *call, int i) {
    static char text[64];
    const char *list = call->command->schemas, *word;
    size_t size;
    while (word_next(&list, &word, &size))
        if (i-- == 0)
            (void)snprintf(text, sizeof(text), "%.*s", (int)size, word);
    return text;
}

json_t *call_show(struct call *call, const char *what, json_t *new_arguments) {
    struct buf text;
    ask_text(call, what, new_arguments, &text);
    if (!call_has(call, "json"))
        return parse_answer(call, &text);
    out_document(call_schema(call, 0), buf_bytes(&text));
    buf_release(&text);
    return NULL;
}

void call_show_json(const struct call *call, const json_t *answer) {
    out_json_of(call_schema(call, 0), answer);
}

void call_say_empty(const struct call *call, const char *what, const char *command) {
    (void)fflush(stdout);
    (void)fprintf(stderr, "colloq: %s\n  colloq %s%s\n", what, command, call_settings(call));
}
