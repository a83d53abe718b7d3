#include "common/log.h"

#include "common/clock.h"
#include "common/wire.h"

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

// The bytes of the well-formed UTF-8 character at c; 0 if there is none.
static size_t character_size(const char *c) {
    uint8_t lead = (uint8_t)*c;
    size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return utf8_is_valid(bytes_of(c, size)) ? size : 0;
}

// Takes one character of a logfmt value: its bytes as JSON, into to. Returns how many bytes of
// the value it was. In quotes a backslash stands before a quote or a backslash.
static size_t take_character(const char *c, bool is_quoted, char to[8]) {
    size_t skip = is_quoted && c[0] == '\\' && (c[1] == '"' || c[1] == '\\') ? 1 : 0;
    size_t size = character_size(c + skip);
    c += skip;
    if (*c == '"' || *c == '\\')
        (void)snprintf(to, 8, "\\%c", *c);
    else
        (void)snprintf(to, 8, "%.*s", size ? (int)size : 1, size ? c : "?");
    return skip + (size ? size : 1);
}

struct json {
    char *at;
    size_t used;
    size_t room;
};

// Adds a text whole, or nothing.
static bool json_add(struct json *json, const char *text, size_t size) {
    if (size >= json->room - json->used)
        return false;
    memcpy(json->at + json->used, text, size);
    json->used += size;
    json->at[json->used] = 0;
    return true;
}

// Adds a member; a value that does not fit is cut. Returns where the value's text ends.
static const char *add_member(struct json *json, const char *key, size_t key_size,
                              const char *value) {
    bool is_quoted = *value == '"';
    value += is_quoted;
    bool fits = json->room - json->used > key_size + 16 && json_add(json, ",\"", 2) &&
                json_add(json, key, key_size) && json_add(json, "\":\"", 3);
    bool has_begun = fits;
    while (*value && *value != (is_quoted ? '"' : ' ')) {
        char character[8];
        value += take_character(value, is_quoted, character);
        fits = fits && json->room - json->used > 10 && json_add(json, character, strlen(character));
    }
    if (has_begun)
        (void)json_add(json, "\"", 1);
    return *value == '"' ? value + 1 : value;
}

// Copies logfmt fields as JSON members; what is not key=value is left out.
static void fields_as_json(const char *fields, char *out, size_t room) {
    struct json json = {.at = out, .room = room};
    out[0] = 0;
    for (const char *c = fields; *c;) {
        while (*c == ' ')
            c++;
        const char *key = c;
        while (*c && *c != '=' && *c != ' ')
            c++;
        if (*c == '=')
            c = add_member(&json, key, (size_t)(c - key), c + 1);
    }
}

static int print_line(char line[LINE_MAX_BYTES], const char *when, enum log_level level,
                      const char *event, const char *fields) {
    if (!setup.is_json)
        return snprintf(line, LINE_MAX_BYTES, "t=%s lvl=%s from=%s ev=%s%s%s\n", when,
                        level_names[level], setup.program, event, *fields ? " " : "", fields);
    char json[LINE_MAX_BYTES / 2];
    fields_as_json(fields, json, sizeof(json));
    return snprintf(line, LINE_MAX_BYTES,
                    "{\"t\":\"%s\",\"lvl\":\"%s\",\"from\":\"%s\",\"ev\":\"%s\"%s}\n", when,
                    level_names[level], setup.program, event, json);
}

static void write_line(enum log_level level, const char *event, const char *fields,
                       unsigned left_out) {
    char day[32];
    char when[48];
    struct moment now = clock_now();
    time_t seconds = (time_t)(now.wall_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    (void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(when, sizeof(when), "%s.%03dZ", day, (int)(now.wall_ms % 1000));
    char counted[LINE_MAX_BYTES / 2 + 32];
    if (left_out > 0) {
        (void)snprintf(counted, sizeof(counted), "left_out=%u %s", left_out, fields);
        fields = counted;
    }
    char line[LINE_MAX_BYTES];
    int n = print_line(line, when, level, event, fields);
    if (n < 0)
        return;
    size_t size = (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1;
    line[size - 1] = '\n';
    ssize_t written = write(STDERR_FILENO, line, size);
    (void)written; // a log that cannot be written has nowhere to be reported
}

// Somebody else's text must not end a line or begin one.
static void without_controls(char *fields) {
    for (char *c = fields; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
}

void log_line(enum log_level level, const char *event, const char *format, ...) {
    if (level < setup.least)
        return;
    char fields[LINE_MAX_BYTES / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fields, sizeof(fields), format, args);
    va_end(args);
    without_controls(fields);
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
    without_controls(fields);
    write_line(LOG_ERROR, event, fields, 0);
    _exit(code);
}
