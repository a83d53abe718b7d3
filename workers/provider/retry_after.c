#include "workers/provider/retry_after.h"

#include "common/http.h"
#include "common/limits.h"

#include <strings.h>

// What one pass over the head finds. Buckets are told apart by what stands behind "reset-".
enum { BUCKETS_MAX = 8 };
struct bucket {
    struct bytes name;
    uint64_t reset_ms;
    bool has_reset;
    bool has_remaining;
    bool is_used_up;
};
struct findings {
    uint64_t asked_ms;
    struct bytes retry_after;
    int64_t date_s;
    bool has_date;
    struct bucket buckets[BUCKETS_MAX];
    unsigned bucket_count;
};

static bool is_named(struct bytes name, const char *text) {
    return name.size == strlen(text) && strncasecmp((const char *)name.at, text, name.size) == 0;
}

static bool starts_with(struct bytes name, const char *text, struct bytes *rest) {
    size_t size = strlen(text);
    if (name.size < size || strncasecmp((const char *)name.at, text, size) != 0)
        return false;
    *rest = bytes_of(name.at + size, name.size - size);
    return true;
}

static struct bytes trimmed(struct bytes text) {
    while (text.size > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = bytes_of(text.at + 1, text.size - 1);
    while (text.size > 0 && text.at[text.size - 1] <= ' ')
        text.size--;
    return text;
}

// Takes digits with at most one point off the front; false if there are none.
static bool take_decimal(struct bytes *text, double *number) {
    double value = 0, unit = 1;
    size_t digits = 0, i = 0;
    bool has_point = false;
    for (; i < text->size; i++) {
        uint8_t c = text->at[i];
        if (c == '.' && !has_point) {
            has_point = true;
        } else if (c >= '0' && c <= '9') {
            digits++;
            unit = has_point ? unit / 10 : 1;
            value = has_point ? value + unit * (c - '0') : value * 10 + (c - '0');
        } else {
            break;
        }
    }
    if (i > 0) // of an absent header there is nothing to step over, not even nothing of NULL
        *text = bytes_of(text->at + i, text->size - i);
    *number = value;
    return digits > 0;
}

// To whole milliseconds, never down to none, within the bound.
static uint64_t bounded_ms(double ms) {
    if (ms <= 0)
        return 0;
    if (ms >= (double)RETRY_HINT_MAX_MS)
        return RETRY_HINT_MAX_MS;
    uint64_t rounded = (uint64_t)(ms + 0.5);
    return rounded ? rounded : 1;
}

static bool take_unit(struct bytes *text, double *unit_ms) {
    static const struct {
        const char *name; // the longer ones first
        double ms;
    } units[] = {{"ms", 1},   {"us", 1e-3},     {"\xc2\xb5s", 1e-3}, {"ns", 1e-6},
                 {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000},  {"d", 86400 * 1000}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (starts_with(*text, units[i].name, text)) {
            *unit_ms = units[i].ms;
            return true;
        }
    }
    return false;
}

bool retry_duration_ms(struct bytes text, uint64_t *ms) {
    double sum = 0;
    if (text.size == 0)
        return false;
    while (text.size > 0) {
        double number, unit_ms;
        if (!take_decimal(&text, &number) || !take_unit(&text, &unit_ms))
            return false;
        sum += number * unit_ms;
    }
    *ms = bounded_ms(sum);
    return true;
}

// A plain number of units; false if anything else stands there.
static bool plain_ms(struct bytes text, double unit_ms, uint64_t *ms) {
    double number;
    if (!take_decimal(&text, &number) || text.size > 0)
        return false;
    *ms = bounded_ms(number * unit_ms);
    return true;
}

// Digits that stand there as a number.
static bool take_digits(struct bytes text, size_t at, size_t count, int *number) {
    *number = 0;
    for (size_t i = at; i < at + count; i++) {
        if (i >= text.size || text.at[i] < '0' || text.at[i] > '9')
            return false;
        *number = *number * 10 + (text.at[i] - '0');
    }
    return true;
}

// 2026-07-21T07:59:44Z, with a fraction or not, as Unix seconds; no other zone is in use.
static bool rfc3339(struct bytes text, int64_t *unix_s) {
    int year, month, day, hour, minute, second;
    if (text.size < 20 || text.at[4] != '-' || text.at[7] != '-' || text.at[10] != 'T' ||
        text.at[13] != ':' || text.at[16] != ':' || text.at[text.size - 1] != 'Z')
        return false;
    if (!take_digits(text, 0, 4, &year) || !take_digits(text, 5, 2, &month) ||
        !take_digits(text, 8, 2, &day) || !take_digits(text, 11, 2, &hour) ||
        !take_digits(text, 14, 2, &minute) || !take_digits(text, 17, 2, &second) || month < 1 ||
        month > 12)
        return false;
    // Days since 1970-01-01, in years that begin in March.
    int64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
    *unix_s = ((days * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

// When a bucket is full again: a duration, seconds, or an instant in Unix seconds or milliseconds
// or as RFC 3339 writes it.
static bool reset_ms(struct bytes text, int64_t now_ms, uint64_t *ms) {
    const double instant_s = 1e9, instant_ms = 1e11;
    struct bytes rest = text;
    double number;
    int64_t at_s;
    if (rfc3339(text, &at_s)) {
        *ms = bounded_ms((double)at_s * 1000 - (double)now_ms);
        return true;
    }
    if (!take_decimal(&rest, &number) || rest.size > 0)
        return retry_duration_ms(text, ms);
    if (number >= instant_ms)
        *ms = bounded_ms(number - (double)now_ms);
    else if (number >= instant_s)
        *ms = bounded_ms(number * 1000 - (double)now_ms);
    else
        *ms = bounded_ms(number * 1000);
    return true;
}

static struct bucket *bucket_of(struct findings *found, struct bytes name) {
    for (unsigned i = 0; i < found->bucket_count; i++)
        if (found->buckets[i].name.size == name.size &&
            strncasecmp((const char *)found->buckets[i].name.at, (const char *)name.at,
                        name.size) == 0)
            return &found->buckets[i];
    if (found->bucket_count == BUCKETS_MAX)
        return NULL;
    struct bucket *bucket = &found->buckets[found->bucket_count++];
    bucket->name = name;
    return bucket;
}

// A negative number of what remains means that the provider does not know.
static void take_remaining(struct bucket *bucket, struct bytes value) {
    double number;
    bucket->has_remaining = take_decimal(&value, &number);
    bucket->is_used_up = bucket->has_remaining && value.size == 0 && number < 1;
}

// The bucket's name before an ending: anthropic-ratelimit-requests-reset is of -requests.
static bool splits(struct bytes name, const char *end, struct bytes *bucket) {
    static const char mark[] = "ratelimit";
    size_t size = strlen(end);
    if (name.size < size || strncasecmp((const char *)name.at + name.size - size, end, size) != 0)
        return false;
    for (size_t i = 0; i + sizeof(mark) - 1 < name.size - size; i++)
        if (strncasecmp((const char *)name.at + i, mark, sizeof(mark) - 1) == 0) {
            size_t at = i + sizeof(mark) - 1;
            *bucket = bytes_of(name.at + at, name.size - size - at);
            return true;
        }
    return false;
}

static void take_header(struct findings *found, struct bytes name, struct bytes value,
                        int64_t now_ms) {
    struct bytes rest;
    uint64_t ms;
    if (is_named(name, "date")) {
        found->has_date = http_date(value, &found->date_s);
    } else if (is_named(name, "retry-after")) {
        found->retry_after = value;
    } else if (is_named(name, "retry-after-ms")) {
        if (plain_ms(value, 1, &ms) && ms > found->asked_ms)
            found->asked_ms = ms;
    } else if (starts_with(name, "x-ratelimit-reset", &rest) || splits(name, "-reset", &rest)) {
        struct bucket *bucket = bucket_of(found, rest);
        if (bucket)
            bucket->has_reset = reset_ms(value, now_ms, &bucket->reset_ms);
    } else if (starts_with(name, "x-ratelimit-remaining", &rest) ||
               splits(name, "-remaining", &rest)) {
        struct bucket *bucket = bucket_of(found, rest);
        if (bucket)
            take_remaining(bucket, value);
    }
}

static uint64_t retry_after_ms(const struct findings *found, int64_t now_ms) {
    uint64_t ms = 0;
    int64_t at_s;
    if (plain_ms(found->retry_after, 1000, &ms))
        return ms;
    if (!http_date(found->retry_after, &at_s))
        return 0;
    return bounded_ms((double)at_s * 1000 -
                      (found->has_date ? (double)found->date_s * 1000 : (double)now_ms));
}

// The reset of the buckets that are used up; where the provider does not say what remains of any
// and asks for nothing else, the longest of all.
static uint64_t buckets_ms(const struct findings *found, bool is_only_hint) {
    uint64_t used_up_ms = 0, unknown_ms = 0;
    for (unsigned i = 0; i < found->bucket_count; i++) {
        const struct bucket *bucket = &found->buckets[i];
        uint64_t *longest_ms = bucket->is_used_up      ? &used_up_ms
                               : bucket->has_remaining ? NULL
                                                       : &unknown_ms;
        if (bucket->has_reset && longest_ms && bucket->reset_ms > *longest_ms)
            *longest_ms = bucket->reset_ms;
    }
    return used_up_ms == 0 && is_only_hint ? unknown_ms : used_up_ms;
}

struct retry_hint retry_hint_of(struct bytes head, const char *should_retry_header,
                                int64_t now_ms) {
    struct findings found = {0};
    struct retry_hint hint = {0};
    while (head.size > 0) {
        const uint8_t *end = memchr(head.at, '\n', head.size);
        size_t size = end ? (size_t)(end - head.at) + 1 : head.size;
        const uint8_t *colon = memchr(head.at, ':', size);
        if (colon) {
            struct bytes name = bytes_of(head.at, (size_t)(colon - head.at));
            struct bytes value = trimmed(bytes_of(colon + 1, size - name.size - 1));
            take_header(&found, name, value, now_ms);
            if (should_retry_header && is_named(name, should_retry_header)) {
                hint.says_retry = is_named(value, "true");
                hint.says_stop = is_named(value, "false");
            }
        }
        head = bytes_of(head.at + size, head.size - size);
    }
    uint64_t asked_ms = retry_after_ms(&found, now_ms);
    if (found.asked_ms > asked_ms)
        asked_ms = found.asked_ms;
    uint64_t reset = buckets_ms(&found, asked_ms == 0);
    hint.after_ms = reset > asked_ms ? reset : asked_ms;
    return hint;
}
