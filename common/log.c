#include "common/log.h"

#include "common/clock.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048, REPEAT_SLOTS = 64, REPEAT_MS = 30000 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static struct {
    const char *program;
    enum log_level least;
    bool is_json;
} setup = {.program = "colloq", .least = LOG_INFO};

// Warnings and errors that repeat, by event and fields' start.
static struct repeat {
    uint64_t key;
    uint64_t since_ms;
    unsigned left_out;
} repeats[REPEAT_SLOTS];

void log_setup(const char *program, enum log_level least, bool is_json) {
    setup.program = program;
    setup.least = least;
    setup.is_json = is_json;
}

static uint64_t key_of(const char *event, const char *fields) {
    uint64_t hash = 1469598103934665603u;
    for (const char *c = event; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    for (const char *c = fields; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    return hash | 1u;
}

// Whether this line is a repetition to be left out; otherwise *left_out says how many were.
static bool is_repeated(uint64_t key, uint64_t now_ms, unsigned *left_out) {
    struct repeat *repeat = &repeats[key % REPEAT_SLOTS];
    *left_out = 0;
    if (repeat->key == key && now_ms - repeat->since_ms < REPEAT_MS) {
        repeat->left_out++;
        return true;
    }
    if (repeat->key == key)
        *left_out = repeat->left_out;
    *repeat = (struct repeat){.key = key, .since_ms = now_ms};
    return false;
}

// Copies logfmt fields as JSON members; what is not key=value is left out.
static size_t fields_as_json(const char *fields, char *out, size_t room) {
    size_t used = 0;
    const char *c = fields;
    while (*c && used + 8 < room) {
        while (*c == ' ')
            c++;
        const char *key = c;
        while (*c && *c != '=' && *c != ' ')
            c++;
        if (*c != '=')
            continue;
        int key_size = (int)(c - key);
        c++;
        char quote = *c == '"' ? '"' : ' ';
        if (quote == '"')
            c++;
        const char *value = c;
        while (*c && *c != quote)
            c += c[0] == '\\' && c[1] ? 2 : 1;
        int n = snprintf(out + used, room - used, ",\"%.*s\":\"%.*s\"", key_size, key,
                         (int)(c - value), value);
        if (n < 0 || (size_t)n >= room - used)
            break;
        used += (size_t)n;
        if (*c)
            c++;
    }
    out[used] = 0;
    return used;
}

static void write_line(enum log_level level, const char *event, const char *fields,
                       unsigned left_out) {
    char when[32];
    struct moment now = clock_now();
    time_t seconds = (time_t)(now.wall_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    char line[LINE_MAX_BYTES];
    char extra[32] = "";
    int n;
    if (left_out > 0)
        (void)snprintf(extra, sizeof(extra), " left_out=%u", left_out);
    if (setup.is_json) {
        char json[LINE_MAX_BYTES / 2];
        (void)fields_as_json(fields, json, sizeof(json));
        n = snprintf(line, sizeof(line),
                     "{\"t\":\"%s.%03dZ\",\"lvl\":\"%s\",\"from\":\"%s\",\"ev\":\"%s\"%s}\n", when,
                     (int)(now.wall_ms % 1000), level_names[level], setup.program, event, json);
    } else {
        n = snprintf(line, sizeof(line), "t=%s.%03dZ lvl=%s from=%s ev=%s%s%s%s\n", when,
                     (int)(now.wall_ms % 1000), level_names[level], setup.program, event,
                     *fields ? " " : "", fields, extra);
    }
    if (n < 0)
        return;
    size_t size = (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1;
    line[size - 1] = '\n';
    ssize_t written = write(STDERR_FILENO, line, size);
    (void)written; // a log that cannot be written has nowhere to be reported
}

void log_line(enum log_level level, const char *event, const char *format, ...) {
    if (level < setup.least)
        return;
    char fields[LINE_MAX_BYTES / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fields, sizeof(fields), format, args);
    va_end(args);
    for (char *c = fields; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    unsigned left_out = 0;
    if (level >= LOG_WARN && is_repeated(key_of(event, fields), clock_now().mono_ms, &left_out))
        return;
    write_line(level, event, fields, left_out);
}

void fatal(int code, const char *event, const char *format, ...) {
    char fields[LINE_MAX_BYTES / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fields, sizeof(fields), format, args);
    va_end(args);
    write_line(LOG_ERROR, event, fields, 0);
    _exit(code);
}
