// Values of a filter: how they compare, and how long they are.
#include "common/jsonpath_form.h"

#include <inttypes.h>
#include <stdio.h>

// ---- Numbers, as they are written. -------------------------------------------------------------

// digits × 10^exponent, the first digit standing behind a point; no digits: 0.
struct decimal {
    bool is_negative;
    const uint8_t *at; // digits, with the point among them, without zeros at either end
    const uint8_t *end;
    int64_t exponent;
};

enum { EXPONENT_MAX = 1000000000 }; // larger ones are all alike

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static int64_t read_exponent(const uint8_t *at, const uint8_t *end) {
    bool is_negative = at < end && *at == '-';
    int64_t exponent = 0;
    for (at += at < end && !is_digit(*at); at < end; at++)
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*at - '0');
    return is_negative ? -exponent : exponent;
}

static struct decimal decimal_of(struct bytes number) {
    const uint8_t *at = number.at, *end = number.at + number.size;
    struct decimal decimal = {.is_negative = *at == '-'};
    at += decimal.is_negative;
    const uint8_t *mantissa_end = at, *point = NULL, *first = NULL, *last = NULL;
    for (; mantissa_end < end && (is_digit(*mantissa_end) || *mantissa_end == '.');
         mantissa_end++) {
        if (*mantissa_end == '.')
            point = mantissa_end;
        else if (*mantissa_end != '0') {
            first = first ? first : mantissa_end;
            last = mantissa_end;
        }
    }
    if (!first)
        return (struct decimal){0};
    if (!point)
        point = mantissa_end;
    decimal.at = first;
    decimal.end = last + 1;
    // Digits before the point count up, zeros behind it down.
    decimal.exponent = first < point ? point - first : point + 1 - first;
    if (mantissa_end < end)
        decimal.exponent += read_exponent(mantissa_end + 1, end);
    return decimal;
}

// The next digit; -1 behind the last.
static int next_digit(struct decimal *decimal) {
    if (decimal->at < decimal->end && *decimal->at == '.')
        decimal->at++;
    return decimal->at < decimal->end ? *decimal->at++ - '0' : -1;
}

static int sign_of(const struct decimal *decimal) {
    return !decimal->at ? 0 : decimal->is_negative ? -1 : 1;
}

static int order(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

static int compare_numbers(struct bytes a, struct bytes b) {
    struct decimal x = decimal_of(a), y = decimal_of(b);
    int sign = sign_of(&x);
    if (sign != sign_of(&y))
        return order(sign, sign_of(&y));
    int result = sign == 0 ? 0 : order(x.exponent, y.exponent);
    for (int digit = 0; sign != 0 && result == 0 && digit >= 0;) {
        digit = next_digit(&x);
        int other = next_digit(&y);
        result = order(digit, other);
        if (other > digit)
            break;
    }
    return sign < 0 ? -result : result;
}

// ---- Texts. ------------------------------------------------------------------------------------

// The inside of a text: raw, with escapes, or what it means.
struct text {
    const uint8_t *at;
    const uint8_t *end;
    bool has_escape;
    uint8_t part[4]; // of an escape
    size_t part_size;
    size_t part_at;
};

static struct text text_of(struct bytes raw, bool has_escape) {
    return (struct text){.at = raw.at, .end = raw.at + raw.size, .has_escape = has_escape};
}

// The next byte; -1 behind the last.
static int next_byte(struct text *text) {
    if (text->part_at < text->part_size)
        return text->part[text->part_at++];
    if (text->at >= text->end)
        return -1;
    if (!text->has_escape || *text->at != '\\')
        return *text->at++;
    text->part_size = word_bytes(&text->at, text->end, text->part);
    text->part_at = 1;
    return text->part_size > 0 ? text->part[0] : -1;
}

// UTF-8 has the order of the characters.
static int compare_texts(struct text a, struct text b) {
    if (!a.has_escape && !b.has_escape) {
        size_t a_size = (size_t)(a.end - a.at), b_size = (size_t)(b.end - b.at);
        size_t size = a_size < b_size ? a_size : b_size;
        int result = size > 0 ? memcmp(a.at, b.at, size) : 0;
        return result != 0 ? result : order((int64_t)a_size, (int64_t)b_size);
    }
    for (;;) {
        int x = next_byte(&a), y = next_byte(&b);
        if (x != y || x < 0)
            return order(x, y);
    }
}

static struct text node_text(const struct json_scan *scan, uint32_t node) {
    struct bytes raw = json_raw(scan, node);
    return text_of(bytes_of(raw.at + 1, raw.size - 2), scan->nodes[node].has_escape);
}

static struct text node_name(const struct json_scan *scan, uint32_t node) {
    const struct json_node *member = &scan->nodes[node];
    return text_of(bytes_of(scan->text.at + member->name_at, member->name_size),
                   member->name_has_escape);
}

// ---- Arrays and objects. -----------------------------------------------------------------------

// Two containers that are compared: the next child of one, and where its like is looked for.
struct pair {
    uint32_t a, a_end;
    uint32_t b, b_first, b_end;
    bool is_object;
};

static bool spend(struct work *work, uint64_t steps) {
    bool is_enough = work->left > 0 && steps < (uint64_t)work->left;
    work->left = is_enough ? work->left - (int64_t)steps : 0;
    return is_enough;
}

// Two nodes but for what is inside them.
static bool nodes_alike(const struct json_scan *scan, uint32_t a, uint32_t b) {
    const struct json_node *x = &scan->nodes[a], *y = &scan->nodes[b];
    if (x->shape != y->shape || x->count != y->count)
        return false;
    if (x->shape == JSON_SHAPE_number)
        return compare_numbers(json_raw(scan, a), json_raw(scan, b)) == 0;
    if (x->shape == JSON_SHAPE_text)
        return compare_texts(node_text(scan, a), node_text(scan, b)) == 0;
    return true;
}

static struct pair pair_of(const struct json_scan *scan, uint32_t a, uint32_t b) {
    return (struct pair){.a = a + 1,
                         .a_end = scan->nodes[a].end,
                         .b = b + 1,
                         .b_first = b + 1,
                         .b_end = scan->nodes[b].end,
                         .is_object = scan->nodes[a].shape == JSON_SHAPE_object};
}

// The member of b that has the name of the next of a: mostly the next one there, too. The end if
// none has.
static uint32_t twin(const struct json_scan *scan, const struct pair *pair, struct work *work) {
    struct text name = node_name(scan, pair->a);
    uint64_t size = scan->nodes[pair->a].name_size / 8 + 1;
    if (pair->b < pair->b_end && compare_texts(name, node_name(scan, pair->b)) == 0)
        return pair->b;
    uint32_t b = pair->b_first;
    while (b < pair->b_end && compare_texts(name, node_name(scan, b)) != 0)
        b = spend(work, size) ? scan->nodes[b].end : pair->b_end;
    return b;
}

static bool nodes_equal(const struct json_scan *scan, uint32_t a, uint32_t b, struct work *work) {
    struct pair pairs[JSON_DEPTH_MAX];
    unsigned depth = 0;
    if (!spend(work, scan->nodes[a].size / 8 + 1) || !nodes_alike(scan, a, b))
        return false;
    if (scan->nodes[a].count > 0)
        pairs[depth++] = pair_of(scan, a, b);
    while (depth > 0) {
        struct pair *pair = &pairs[depth - 1];
        if (pair->a >= pair->a_end) {
            depth--;
            continue;
        }
        uint32_t next = pair->a;
        uint32_t other = pair->is_object ? twin(scan, pair, work) : pair->b;
        if (other >= pair->b_end || !spend(work, scan->nodes[next].name_size / 8 + 1) ||
            !nodes_alike(scan, next, other))
            return false;
        pair->a = scan->nodes[next].end;
        pair->b = scan->nodes[other].end;
        if (scan->nodes[next].count > 0)
            pairs[depth++] = pair_of(scan, next, other);
    }
    return true;
}

// ---- Values. -----------------------------------------------------------------------------------

static bool is_text(const struct json_scan *scan, const struct value *value) {
    return value->kind == VALUE_text ||
           (value->kind == VALUE_node && scan->nodes[value->node].shape == JSON_SHAPE_text);
}

static struct text value_text_of(const struct json_scan *scan, const struct value *value) {
    return value->kind == VALUE_text ? text_of(value->text, false) : node_text(scan, value->node);
}

// The number that a value is, as it is written; empty if it is none.
static struct bytes number_of(const struct json_scan *scan, const struct value *value,
                              char written[24]) {
    if (value->kind == VALUE_number)
        return value->text;
    if (value->kind == VALUE_node && scan->nodes[value->node].shape == JSON_SHAPE_number)
        return json_raw(scan, value->node);
    if (value->kind != VALUE_count)
        return bytes_of(NULL, 0);
    (void)snprintf(written, 24, "%" PRIu64, value->count);
    return bytes_text(written);
}

// true, false and null, as literals and as nodes.
static enum value_kind word_of(const struct json_scan *scan, const struct value *value) {
    static const enum value_kind words[] = {[JSON_SHAPE_null] = VALUE_null,
                                            [JSON_SHAPE_false] = VALUE_false,
                                            [JSON_SHAPE_true] = VALUE_true};
    if (value->kind != VALUE_node)
        return value->kind;
    uint8_t shape = scan->nodes[value->node].shape;
    return shape <= JSON_SHAPE_true ? words[shape] : VALUE_node;
}

static bool are_equal(const struct json_scan *scan, const struct value *a, const struct value *b,
                      struct work *work) {
    enum value_kind x = word_of(scan, a), y = word_of(scan, b);
    return x == y && (x != VALUE_node || nodes_equal(scan, a->node, b->node, work));
}

bool value_compare(const struct json_scan *scan, enum comparison comparison, const struct value *a,
                   const struct value *b, struct work *work) {
    static const bool holds[][3] = {
        [COMPARE_equal] = {false, true, false},   [COMPARE_not_equal] = {true, false, true},
        [COMPARE_less] = {true, false, false},    [COMPARE_less_equal] = {true, true, false},
        [COMPARE_greater] = {false, false, true}, [COMPARE_greater_equal] = {false, true, true},
    };
    char a_written[24], b_written[24];
    struct bytes x = number_of(scan, a, a_written), y = number_of(scan, b, b_written);
    bool has_order = true;
    int result = 0;
    if (x.size > 0 && y.size > 0) {
        (void)spend(work, (x.size + y.size) / 8);
        result = compare_numbers(x, y);
    } else if (is_text(scan, a) && is_text(scan, b)) {
        struct text p = value_text_of(scan, a), q = value_text_of(scan, b);
        (void)spend(work, (uint64_t)(p.end - p.at + q.end - q.at) / 16);
        result = compare_texts(p, q);
    } else {
        has_order = are_equal(scan, a, b, work);
    }
    // What has no order is equal or not: only != holds where it is not.
    return has_order ? holds[comparison][order(result, 0) + 1] : comparison == COMPARE_not_equal;
}

struct value value_length(const struct json_scan *scan, const struct value *value,
                          struct work *work) {
    struct value length = {.kind = VALUE_count};
    if (is_text(scan, value)) {
        struct text text = value_text_of(scan, value);
        (void)spend(work, (uint64_t)(text.end - text.at) / 4);
        for (int c = next_byte(&text); c >= 0; c = next_byte(&text))
            length.count += (c & 0xc0) != 0x80;
        return length;
    }
    if (value->kind != VALUE_node || scan->nodes[value->node].shape < JSON_SHAPE_array)
        return (struct value){.kind = VALUE_nothing};
    length.count = scan->nodes[value->node].count;
    return length;
}

bool value_text(const struct json_scan *scan, const struct value *value, struct buf *scratch,
                struct bytes *text, struct work *work) {
    if (!is_text(scan, value))
        return false;
    struct text inside = value_text_of(scan, value);
    *text = bytes_of(inside.at, (size_t)(inside.end - inside.at));
    if (!inside.has_escape)
        return true;
    if (!spend(work, text->size / 4))
        return false;
    buf_reset(scratch);
    uint8_t part[4];
    const uint8_t *at = inside.at;
    for (size_t size; (size = word_bytes(&at, inside.end, part)) > 0;) {
        if (size == 3 && part[0] == 0xed && part[1] >= 0xa0)
            buf_text(scratch, "\xef\xbf\xbd");
        else
            buf_put(scratch, part, size);
    }
    *text = buf_bytes(scratch);
    return true;
}
