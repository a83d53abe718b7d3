#include "tools/render.h"

#include "common/clock.h"
#include "common/mem.h"
#include "tools/call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

// ---- output -------------------------------------------------------------------------------------

static void check(bool is_good) {
    if (is_good)
        return;
    if (errno == EPIPE)
        _exit(EXIT_NO_READER);
    (void)fprintf(stderr, "colloq: the output cannot be written: %s\n", strerror(errno));
    _exit(EX_IOERR);
}

void out_text(const char *text) {
    check(fputs(text, stdout) >= 0);
}

char *text_cleaned(bool keeps_lines, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    size_t size = n > 0 ? (size_t)n + 1 : 1;
    char *text = mem_new(size);
    (void)vsnprintf(text, size, format, again);
    va_end(again);
    text_clean(text, keeps_lines);
    return text;
}

void out_printf(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = text_cleaned(true, format, args);
    va_end(args);
    out_text(text);
    mem_free(text);
}

void out_field(int title_columns, const char *title, const char *value) {
    if (!value || !*value)
        return;
    char *copy = mem_copy(value, strlen(value));
    struct buf lines;
    text_clean(copy, false);
    buf_init(&lines, 4 * strlen(copy) + 4096);
    text_fold(&lines, copy, (size_t)title_columns + 1, out_columns());
    bool is_folded = buf_state(&lines) == ERR_OK;
    out_printf("%-*s %s\n", title_columns, title, is_folded ? buf_cstr(&lines) : copy);
    buf_release(&lines);
    mem_free(copy);
}

size_t out_columns(void) {
    struct winsize size;
    if (!isatty(STDOUT_FILENO))
        return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10)
        return size.ws_col;
    return LINE_COLUMNS;
}

void out_bytes(struct bytes bytes) {
    check(bytes.size == 0 || fwrite(bytes.at, 1, bytes.size, stdout) == bytes.size);
}

void out_json(const json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        fail_memory();
    out_text(text);
    out_text("\n");
    mem_free(text);
}

void out_document(const char *schema, struct bytes object) {
    while (object.size > 0 && strchr(" \n\t\r", object.at[object.size - 1]))
        object.size--;
    size_t at = 0;
    while (at < object.size && object.at[at] != '{')
        at++;
    size_t rest = at + 1;
    while (rest < object.size && strchr(" \n\t\r", object.at[rest]))
        rest++;
    if (rest >= object.size)
        fail(EX_PROTOCOL, "the answer is no JSON object; is it the same version of colloq that "
                          "runs there?");
    out_printf("{\"schema\":\"colloq/%s\"%s", schema, object.at[rest] == '}' ? "" : ",");
    out_bytes(bytes_of(object.at + rest, object.size - rest));
    out_text("\n");
}

void out_json_of(const char *schema, const json_t *object) {
    char *text = json_dumps(object, JSON_COMPACT);
    if (!text)
        fail_memory();
    out_document(schema, bytes_text(text));
    mem_free(text);
}

void out_flush(void) {
    check(fflush(stdout) == 0);
}

// ---- colour -------------------------------------------------------------------------------------

static bool is_without_color;

void out_without_color(void) {
    is_without_color = true;
}

bool out_has_color(void) {
    const char *term = conf_env("TERM");
    return !is_without_color && isatty(STDOUT_FILENO) && !conf_env("NO_COLOR") && term &&
           strcmp(term, "dumb") != 0;
}

void out_toned(enum tone tone, const char *text) {
    static const char *const codes[] = {"",         "\033[1m",  "\033[2m",
                                        "\033[32m", "\033[33m", "\033[31m"};
    bool is_toned = tone != TONE_plain && *text && out_has_color();
    if (is_toned)
        out_text(codes[tone]);
    out_printf("%s", text);
    if (is_toned)
        out_text("\033[0m");
}

enum tone state_tone(const char *state) {
    static const struct {
        enum tone tone;
        const char *words;
    } tones[] = {
        {TONE_good, "done settled answered answer ok joined"},
        {TONE_waiting, "held paused probing parked unknown unextracted superfluous delayed"},
        {TONE_failed, "failed dead error cancelled expired CRITICAL closed"},
    };
    for (size_t i = 0; i < sizeof(tones) / sizeof(tones[0]); i++)
        if (word_is_in(tones[i].words, state))
            return tones[i].tone;
    return TONE_plain;
}

void out_state(int title_columns, const char *title, const char *state) {
    if (!*state)
        return;
    out_printf("%-*s ", title_columns, title);
    out_toned(state_tone(state), state);
    out_text("\n");
}

// ---- text ---------------------------------------------------------------------------------------

size_t text_columns(const char *text) {
    size_t columns = 0;
    for (; *text; text++)
        columns += ((uint8_t)*text & 0xc0) != 0x80;
    return columns;
}

// Bytes of the control character that text begins with (C0, DEL, C1); 0: it is another.
static size_t control_size(const char *text) {
    uint8_t first = (uint8_t)text[0];
    if (first < 0x20 || first == 0x7f)
        return 1;
    return first == 0xc2 && (uint8_t)text[1] >= 0x80 && (uint8_t)text[1] < 0xa0 ? 2 : 0;
}

void text_clean(char *text, bool keeps_lines) {
    for (size_t size; *text; text += size ? size : 1) {
        size = control_size(text);
        if (size > 0 && !(keeps_lines && (*text == '\n' || *text == '\t')))
            memset(text, ' ', size);
    }
}

void text_fit(const char *text, size_t columns, char *out, size_t out_size) {
    bool is_cut = text_columns(text) > columns;
    size_t room = is_cut && columns > 0 ? columns - 1 : columns;
    size_t used = 0;
    for (size_t i = 0; text[i] && used + 5 < out_size; i++) {
        if (((uint8_t)text[i] & 0xc0) != 0x80 && room-- == 0)
            break;
        out[used++] = text[i];
    }
    if (is_cut && columns > 0) {
        memcpy(out + used, "\u2026", 3);
        used += 3;
    }
    out[used] = 0;
    text_clean(out, false);
}

void text_fold(struct buf *out, const char *text, size_t indent, size_t columns) {
    size_t used = indent;
    while (*text) {
        size_t blanks = strspn(text, " ");
        size_t size = blanks + strcspn(text + blanks, " ");
        size_t width = 0;
        for (size_t i = 0; i < size; i++)
            width += ((uint8_t)text[i] & 0xc0) != 0x80;
        bool is_broken = columns > 0 && used > indent && used + width > columns;
        if (is_broken) {
            buf_printf(out, "\n%*s", (int)indent, "");
            used = indent;
        }
        size_t skipped = is_broken ? blanks : 0;
        buf_put(out, text + skipped, size - skipped);
        used += width - skipped;
        text += size;
    }
}

const char *time_text(int64_t at_ms, char text[SHORT_TEXT_SIZE]) {
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;
    if (at_ms < 1 || !localtime_r(&seconds, &tm) ||
        strftime(text, SHORT_TEXT_SIZE, "%Y-%m-%d %H:%M", &tm) == 0)
        (void)snprintf(text, SHORT_TEXT_SIZE, "-");
    return text;
}

const char *clock_text(int64_t at_ms, char text[SHORT_TEXT_SIZE]) {
    time_t seconds = (time_t)((at_ms + 999) / 1000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm) || strftime(text, SHORT_TEXT_SIZE, "%H:%M:%S", &tm) == 0)
        (void)snprintf(text, SHORT_TEXT_SIZE, "-");
    return text;
}

const char *zone_text(char text[SHORT_TEXT_SIZE]) {
    time_t seconds = (time_t)(clock_now().wall_ms / 1000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm) || strftime(text, SHORT_TEXT_SIZE, "%Z", &tm) == 0)
        (void)snprintf(text, SHORT_TEXT_SIZE, "local time");
    return text;
}

const char *moment_text(int64_t at_ms, char text[TIME_TEXT_SIZE]) {
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm local, utc;
    char here[SHORT_TEXT_SIZE], there[SHORT_TEXT_SIZE];
    if (at_ms < 1 || !localtime_r(&seconds, &local) || !gmtime_r(&seconds, &utc) ||
        strftime(here, sizeof(here), "%Y-%m-%d %H:%M %Z", &local) == 0) {
        (void)snprintf(text, TIME_TEXT_SIZE, "-");
        return text;
    }
    bool is_utc = local.tm_gmtoff == 0;
    const char *format = local.tm_mday == utc.tm_mday ? "%H:%M UTC" : "%Y-%m-%d %H:%M UTC";
    size_t size = strftime(there, sizeof(there), format, &utc);
    (void)snprintf(text, TIME_TEXT_SIZE, is_utc || size == 0 ? "%s" : "%s (%s)", here, there);
    return text;
}

const char *span_text(int64_t span_ms, char text[SHORT_TEXT_SIZE]) {
    long long ms = span_ms < 0 ? 0 : span_ms;
    long long minutes = (ms + 30000) / 60000;
    if (ms < 1000)
        (void)snprintf(text, SHORT_TEXT_SIZE, "%lld ms", ms);
    else if (ms < 120 * 1000)
        (void)snprintf(text, SHORT_TEXT_SIZE, "%lld s", (ms + 500) / 1000);
    else if (minutes < 120)
        (void)snprintf(text, SHORT_TEXT_SIZE, "%lld min", minutes);
    else if (minutes < 48 * 60)
        (void)snprintf(text, SHORT_TEXT_SIZE, "%lld h %lld min", minutes / 60, minutes % 60);
    else
        (void)snprintf(text, SHORT_TEXT_SIZE, "%lld d", minutes / (24 * 60));
    return text;
}

const char *count_text(int64_t count, char text[SHORT_TEXT_SIZE]) {
    money_count_text(count, text);
    return text;
}

const char *counted_text(int64_t count, const char *noun, char text[SHORT_TEXT_SIZE]) {
    char number[SHORT_TEXT_SIZE];
    (void)snprintf(text, SHORT_TEXT_SIZE, "%.24s %.20s%s", count_text(count, number), noun,
                   count == 1 ? "" : "s");
    return text;
}

const char *size_text(int64_t bytes, char text[SHORT_TEXT_SIZE]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    int unit = 0;
    for (; size >= 1024 && unit < 4; unit++)
        size /= 1024;
    (void)snprintf(text, SHORT_TEXT_SIZE, unit == 0 || size >= 100 ? "%.0f %s" : "%.1f %s", size,
                   units[unit]);
    return text;
}

const char *amount_text(const json_t *amount, char text[SHORT_TEXT_SIZE]) {
    _Static_assert((int)SHORT_TEXT_SIZE >= (int)MONEY_TEXT_SIZE, "an amount fits");
    if (json_is_integer(amount))
        money_text(json_integer_value(amount), text);
    else
        (void)snprintf(text, SHORT_TEXT_SIZE, "-");
    return text;
}

struct sum sum_of(const json_t *sums) {
    // An answer that nobody could read may have been billed: it is among the unknown ones.
    int64_t unpriced = int_of(sums, "unpriced_calls", 0) - int_of(sums, "unextracted_calls", 0);
    return (struct sum){
        .calls = int_of(sums, "calls", 0),
        .amount = member_of(sums, "amount_pusd"),
        .unpriced = unpriced > 0 ? unpriced : 0,
        .unknown = int_of(sums, "possibly_billed_calls", 0),
        .unbounded = int_of(sums, "possibly_billed_unpriced", 0),
        .bound = member_of(sums, "possibly_billed_pusd"),
    };
}

// "(at most $0.04)"
static void put_bound(struct buf *out, const struct sum *sum) {
    char text[SHORT_TEXT_SIZE];
    if (sum->unbounded >= sum->unknown || !json_is_integer(sum->bound)) {
        buf_text(out, " (at most: not known)");
        return;
    }
    buf_printf(out, " (at most %s", amount_text(sum->bound, text));
    if (sum->unbounded > 0) {
        buf_printf(out, " for %s,", count_text(sum->unknown - sum->unbounded, text));
        buf_printf(out, " not known for %s", count_text(sum->unbounded, text));
    }
    buf_byte(out, ')');
}

void sum_put(struct buf *out, const struct sum *sum) {
    char text[SHORT_TEXT_SIZE];
    bool is_missing = sum->unpriced > 0 || sum->unknown > 0;
    const char *between = "";
    if (json_is_integer(sum->amount)) {
        buf_text(out, amount_text(sum->amount, text));
        between = " + ";
    } else if (!is_missing) {
        buf_text(out, sum->calls > 0 ? "-" : "$0");
    }
    if (sum->unpriced > 0) {
        buf_printf(out, "%s%s unpriced", between, count_text(sum->unpriced, text));
        between = " + ";
    }
    if (sum->unknown > 0) {
        buf_printf(out, "%s%s unknown", between, count_text(sum->unknown, text));
        put_bound(out, sum);
    }
}

const char *sum_text(const json_t *sums, char text[SUM_TEXT_SIZE]) {
    struct buf line;
    struct sum sum = sum_of(sums);
    buf_init(&line, SUM_TEXT_SIZE - 1);
    sum_put(&line, &sum);
    (void)snprintf(text, SUM_TEXT_SIZE, "%s", buf_cstr(&line));
    buf_release(&line);
    return text;
}

// ---- answers
// ------------------------------------------------------------------------------------

const json_t *member_of(const json_t *object, const char *name) {
    return object ? json_object_get(object, name) : NULL;
}

int64_t int_of(const json_t *object, const char *name, int64_t otherwise) {
    const json_t *member = member_of(object, name);
    return json_is_integer(member) ? json_integer_value(member) : otherwise;
}

const char *text_of(const json_t *object, const char *name, const char *otherwise) {
    const char *text = json_string_value(member_of(object, name));
    return text ? text : otherwise;
}

bool flag_of(const json_t *object, const char *name) {
    return json_is_true(member_of(object, name));
}

static void add(json_t *arguments, const char *name, json_t *new_value) {
    if (!new_value || json_object_set_new(arguments, name, new_value) != 0)
        fail(EX_USAGE, "%s: what was given is not valid UTF-8; write it in UTF-8, or in ASCII",
             name);
}

void arguments_add(json_t *arguments, const char *name, const char *value) {
    if (value)
        add(arguments, name, json_string(value));
}

void arguments_add_int(json_t *arguments, const char *name, int64_t value) {
    add(arguments, name, json_integer(value));
}

json_t *arguments_of(const char *name, const char *value) {
    json_t *arguments = json_object();
    if (!arguments)
        fail_memory();
    arguments_add(arguments, name, value);
    return arguments;
}
