// What stands in a filter: tests, comparisons and calls, joined by !, && and ||. It becomes a list
// of operations on one truth and some slots; types are checked here, so that searching by it
// cannot fail.
#include "common/jsonpath_read.h"

#include "common/json_lex.h"

#include <assert.h>

// ---- Operations. -------------------------------------------------------------------------------

static uint16_t add_op(struct reader *reader, uint16_t filter, enum op_kind kind) {
    struct jsonpath *path = reader->path;
    uint16_t i = reader_add(&path->ops, &path->op_count, sizeof(*path->ops));
    struct filter *owner = &path->filters[filter];
    path->ops[i] = (struct op){.kind = kind,
                               .next = NONE,
                               .target = NONE,
                               .slot = NONE,
                               .a = NONE,
                               .b = NONE,
                               .regex = NONE};
    if (owner->op == NONE)
        owner->op = i;
    else
        path->ops[owner->last_op].next = i;
    owner->last_op = i;
    return i;
}

static uint16_t add_value(struct reader *reader, struct value value) {
    struct jsonpath *path = reader->path;
    uint16_t i = reader_add(&path->values, &path->value_count, sizeof(*path->values));
    path->values[i] = value;
    return i;
}

// Lets jumps that wait lead to an operation.
static void land(struct jsonpath *path, uint16_t *jumps, uint16_t target) {
    while (*jumps != NONE) {
        struct op *jump = &path->ops[*jumps];
        *jumps = jump->target;
        jump->target = target;
    }
}

// Asks a query in a filter for something; the slot that takes it.
static uint16_t ask(struct reader *reader, uint16_t filter, uint16_t query, enum purpose purpose) {
    struct jsonpath *path = reader->path;
    path->queries[query].purpose = purpose;
    uint16_t op = add_op(reader, filter, OP_query);
    path->ops[op].a = query;
    if (purpose != PURPOSE_exists)
        path->ops[op].slot = add_value(reader, (struct value){.kind = VALUE_nothing});
    return path->ops[op].slot;
}

// ---- Functions. --------------------------------------------------------------------------------

enum { ARGUMENTS_MAX = 2 };

// All results are values, but those of match and search; only count and value take all nodes.
static const struct function {
    const char *name;
    unsigned argument_count;
    bool takes_nodes;
    bool is_truth;
    enum op_kind op;
    enum purpose purpose; // where it takes nodes
} functions[] = {
    {"length", 1, false, false, OP_length, PURPOSE_nodes},
    {"count", 1, true, false, OP_query, PURPOSE_count},
    {"value", 1, true, false, OP_query, PURPOSE_value},
    {"match", 2, false, true, OP_match, PURPOSE_nodes},
    {"search", 2, false, true, OP_search, PURPOSE_nodes},
};

static bool open_call(struct reader *reader, struct bytes name, uint16_t filter, size_t at) {
    const struct function *function = NULL;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (bytes_is(name, functions[i].name))
            function = &functions[i];
    if (!function)
        return reader_refuse_at(reader, at,
                                "the functions are length, count, value, match and search");
    struct frame *frame = reader_open(reader, FRAME_call);
    if (!frame)
        return false;
    frame->at = at;
    frame->filter = filter;
    frame->function = function;
    return true;
}

// ---- Operands. ---------------------------------------------------------------------------------

static bool give(struct reader *reader, struct operand operand) {
    reader->operand = operand;
    reader->has_operand = true;
    return true;
}

static bool give_literal(struct reader *reader, struct value value, size_t at) {
    return give(reader, (struct operand){
                            .kind = OPERAND_literal, .slot = add_value(reader, value), .at = at});
}

static bool read_text(struct reader *reader, char quote) {
    size_t at = reader->at++;
    struct value value = {.kind = VALUE_text};
    return reader_quoted(reader, quote, &value.text) && give_literal(reader, value, at);
}

static bool read_number(struct reader *reader) {
    const uint8_t *begin = reader->text.at + reader->at, *at = begin;
    if (!lex_number(&at, reader->text.at + reader->text.size))
        return reader_refuse(reader, "not a number");
    struct value value = {.kind = VALUE_number};
    const uint8_t *kept =
        (const uint8_t *)reader->path->text + reader->at; // as it stands in the path's own copy
    value.text = bytes_of(kept, (size_t)(at - begin));
    size_t position = reader->at;
    reader->at += value.text.size;
    return give_literal(reader, value, position);
}

// true, false, null, or a call.
static bool read_word(struct reader *reader, uint16_t filter) {
    size_t at = reader->at;
    for (int c = reader_peek(reader); (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
         c = reader_peek(reader))
        reader->at++;
    struct bytes word = bytes_of(reader->text.at + at, reader->at - at);
    if (reader_take(reader, '('))
        return open_call(reader, word, filter, at);
    if (bytes_is(word, "true"))
        return give_literal(reader, (struct value){.kind = VALUE_true}, at);
    if (bytes_is(word, "false"))
        return give_literal(reader, (struct value){.kind = VALUE_false}, at);
    if (bytes_is(word, "null"))
        return give_literal(reader, (struct value){.kind = VALUE_null}, at);
    return reader_refuse_at(reader, at, "a word is true, false, null or a function with its (");
}

// Reads an operand, or opens the frame that will give it.
static bool read_operand(struct reader *reader, uint16_t filter) {
    int c = reader_peek(reader);
    if (c == '@' || c == '$')
        return reader_open_query(reader, filter);
    if (c == '\'' || c == '"')
        return read_text(reader, (char)c);
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(reader);
    if (c >= 'a' && c <= 'z')
        return read_word(reader, filter);
    return reader_refuse(reader, "a query (@ or $), a text, a number or a function is expected");
}

static struct operand take_operand(struct reader *reader) {
    assert(reader->has_operand);
    reader->has_operand = false;
    return reader->operand;
}

// The slot of an operand that is one value; NONE, refused, if it is none.
static uint16_t value_of(struct reader *reader, uint16_t filter, const struct operand *operand) {
    if (operand->kind == OPERAND_truth)
        (void)reader_refuse_at(reader, operand->at, "this is true or false, and no value");
    else if (operand->kind != OPERAND_query)
        return operand->slot;
    else if (reader->path->queries[operand->query].is_singular)
        return ask(reader, filter, operand->query, PURPOSE_value);
    else
        (void)reader_refuse_at(reader, operand->at,
                               "this query may select several nodes, and one value is needed");
    return NONE;
}

// ---- Calls. ------------------------------------------------------------------------------------

static bool take_argument(struct reader *reader, struct frame *frame) {
    const struct function *function = frame->function;
    struct operand operand = take_operand(reader);
    uint16_t argument;
    if (function->takes_nodes && operand.kind != OPERAND_query)
        return reader_refuse_at(reader, operand.at, "this function takes a query");
    argument = function->takes_nodes ? operand.query : value_of(reader, frame->filter, &operand);
    if (argument == NONE)
        return false;
    frame->arguments[frame->argument_count++] = argument;
    return true;
}

static bool end_call(struct reader *reader, const struct frame *frame) {
    const struct function *function = frame->function;
    struct jsonpath *path = reader->path;
    struct operand result = {
        .kind = function->is_truth ? OPERAND_truth : OPERAND_value, .slot = NONE, .at = frame->at};
    if (function->takes_nodes) {
        result.slot = ask(reader, frame->filter, frame->arguments[0], function->purpose);
        return give(reader, result);
    }
    uint16_t op = add_op(reader, frame->filter, function->op);
    path->ops[op].a = frame->arguments[0];
    if (function->op == OP_length) {
        result.slot = add_value(reader, (struct value){.kind = VALUE_nothing});
        path->ops[op].slot = result.slot;
        return give(reader, result);
    }
    path->ops[op].b = frame->arguments[1];
    uint16_t i = reader_add(&path->regexes, &path->regex_count, sizeof(struct regex *));
    const struct value *pattern = &path->values[frame->arguments[1]];
    path->ops[op].regex = i;
    if (pattern->kind == VALUE_text)
        path->regexes[i] = regex_new(pattern->text, function->op == OP_search);
    return give(reader, result);
}

bool reader_call(struct reader *reader) {
    struct frame *frame = &reader->frames[reader->depth - 1];
    const char *wrong = frame->function->argument_count == 1 ? "the function takes one argument"
                                                             : "the function takes two arguments";
    reader_skip_blanks(reader);
    if (!reader->has_operand) {
        bool is_end = reader_peek(reader) == ')';
        if (is_end || frame->argument_count == frame->function->argument_count)
            return reader_refuse(reader, wrong);
        return read_operand(reader, frame->filter);
    }
    if (!take_argument(reader, frame))
        return false;
    if (reader_take(reader, ','))
        return true;
    if (reader_peek(reader) != ')')
        return reader_refuse(reader, ", or ) is expected");
    if (frame->argument_count != frame->function->argument_count)
        return reader_refuse(reader, wrong);
    reader->at++;
    reader->depth--;
    return end_call(reader, frame);
}

// ---- Tests and comparisons. --------------------------------------------------------------------

static bool take_both(struct reader *reader, const char *two) {
    if (reader->text.size - reader->at < 2 || memcmp(reader->text.at + reader->at, two, 2) != 0)
        return false;
    reader->at += 2;
    return true;
}

static bool take_comparison(struct reader *reader, enum comparison *comparison) {
    static const char *const signs[] = {
        [COMPARE_equal] = "==",         [COMPARE_not_equal] = "!=", [COMPARE_less_equal] = "<=",
        [COMPARE_greater_equal] = ">=", [COMPARE_less] = "<",       [COMPARE_greater] = ">",
    };
    static const enum comparison order[] = {COMPARE_equal,      COMPARE_not_equal,
                                            COMPARE_less_equal, COMPARE_greater_equal,
                                            COMPARE_less,       COMPARE_greater};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        const char *sign = signs[order[i]];
        if (sign[1] ? take_both(reader, sign) : reader_take(reader, sign[0])) {
            *comparison = order[i];
            return true;
        }
    }
    return false;
}

static bool begin_term(struct reader *reader, struct frame *frame) {
    reader_skip_blanks(reader);
    if (!frame->has_left && reader_peek(reader) == '!') {
        if (frame->is_negated)
            return reader_refuse(reader, "only one ! may stand before a test");
        frame->is_negated = true;
        reader->at++;
        return true;
    }
    if (!frame->has_left && reader_peek(reader) == '(') {
        uint16_t filter = frame->filter;
        struct frame *inner = reader_open(reader, FRAME_parentheses);
        if (!inner)
            return false;
        inner->filter = filter;
        reader->at++;
        return true;
    }
    return read_operand(reader, frame->filter);
}

static bool end_comparison(struct reader *reader, struct frame *frame,
                           const struct operand *right) {
    uint16_t slot = value_of(reader, frame->filter, right);
    if (slot == NONE)
        return false;
    uint16_t i = add_op(reader, frame->filter, OP_compare);
    struct op *op = &reader->path->ops[i];
    op->comparison = frame->comparison;
    op->a = frame->left;
    op->b = slot;
    frame->has_left = false;
    return true;
}

// The left side of a comparison, whose sign was taken.
static bool begin_comparison(struct reader *reader, struct frame *frame,
                             const struct operand *left) {
    if (frame->is_negated)
        return reader_refuse_at(reader, left->at,
                                "! stands before a test, or a comparison in parentheses");
    frame->left = value_of(reader, frame->filter, left);
    frame->has_left = frame->left != NONE;
    return frame->has_left;
}

static bool test(struct reader *reader, const struct frame *frame, const struct operand *operand) {
    if (operand->kind == OPERAND_query)
        (void)ask(reader, frame->filter, operand->query, PURPOSE_exists);
    else if (operand->kind != OPERAND_truth)
        return reader_refuse_at(reader, operand->at, "a value is no test: compare it");
    return true;
}

static bool end_logic(struct reader *reader, const struct frame *frame) {
    bool has_parentheses = frame->kind == FRAME_parentheses;
    if (has_parentheses && !reader_take(reader, ')'))
        return reader_refuse(reader, "&&, || or ) is expected");
    int c = reader_peek(reader);
    if (!has_parentheses && c != ']' && c != ',')
        return reader_refuse(reader, "a comparison, &&, ||, , or ] is expected");
    reader->depth--;
    if (has_parentheses)
        return give(reader, (struct operand){.kind = OPERAND_truth, .at = frame->at});
    return true;
}

// Behind a whole test or comparison.
static bool end_term(struct reader *reader, struct frame *frame) {
    struct jsonpath *path = reader->path;
    if (frame->is_negated)
        (void)add_op(reader, frame->filter, OP_not);
    frame->is_negated = false;
    reader_skip_blanks(reader);
    if (take_both(reader, "&&")) {
        uint16_t jump = add_op(reader, frame->filter, OP_jump_if_false);
        path->ops[jump].target = frame->and_jumps;
        frame->and_jumps = jump;
        return true;
    }
    bool goes_on = take_both(reader, "||");
    uint16_t here = add_op(reader, frame->filter, goes_on ? OP_jump_if_true : OP_label);
    land(path, &frame->and_jumps, here);
    if (goes_on) {
        path->ops[here].target = frame->or_jumps;
        frame->or_jumps = here;
        return true;
    }
    land(path, &frame->or_jumps, here);
    return end_logic(reader, frame);
}

bool reader_logic(struct reader *reader) {
    struct frame *frame = &reader->frames[reader->depth - 1];
    if (!reader->has_operand)
        return begin_term(reader, frame);
    struct operand operand = take_operand(reader);
    if (frame->has_left)
        return end_comparison(reader, frame, &operand) && end_term(reader, frame);
    reader_skip_blanks(reader);
    if (take_comparison(reader, &frame->comparison))
        return begin_comparison(reader, frame, &operand);
    return test(reader, frame, &operand) && end_term(reader, frame);
}
