// The regular expressions of match() and search(): checked against the grammar of I-Regexp
// (RFC 9485), written as PCRE2 has them, and matched by its automaton. That one never goes back in
// the text; it counts each of its steps through a call-out, so that it ends with the evaluation's
// work, whatever the pattern.
#include "common/jsonpath_form.h"

#include "common/json_lex.h"
#include "common/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    GROUPS_MAX = JSONPATH_NESTING_MAX, // open at once
    COUNT_MAX = 65535,                 // in {…}; PCRE2's own
    WORKSPACE_SIZE = 8 + 2 * 3 * JSONPATH_STATES_MAX,
};

struct regex {
    pcre2_code *code;
    pcre2_match_context *context;
    // What each byte of a text costs: a counted piece may be in as many states as it counts, of
    // which the call-outs do not hear.
    uint64_t byte_steps;
};

// ---- Memory. -----------------------------------------------------------------------------------

static void *take_memory(size_t size, void *data) {
    (void)data;
    return mem_new(size ? size : 1);
}

static void give_memory(void *at, void *data) {
    (void)data;
    mem_free(at);
}

// ---- From I-Regexp to PCRE2. -------------------------------------------------------------------

struct translator {
    const uint8_t *at;
    const uint8_t *end;
    struct buf *out;
    uint64_t weights[GROUPS_MAX + 1]; // atoms, each as often as it is counted
    unsigned depth;
    bool has_count;
    size_t last_at; // where the atom before begins in out, if it is no group
    bool is_group;  // it is one
    uint64_t last;  // weight of the atom before; 0: no quantifier may follow
};

static int next(const struct translator *t) {
    return t->at < t->end ? *t->at : -1;
}

static bool take(struct translator *t, char c) {
    if (next(t) != c)
        return false;
    t->at++;
    return true;
}

static bool is_in(int c, const char *set) {
    return c > 0 && c < 0x80 && strchr(set, c);
}

// One character that means itself.
static bool put_literal(struct translator *t) {
    int c = next(t);
    size_t size = c < 0x80 ? 1 : lex_utf8(t->at, t->end);
    if (c >= 0x80)
        buf_put(t->out, t->at, size);
    else
        buf_printf(t->out, "\\x{%x}", (unsigned)c);
    t->at += size;
    return size > 0;
}

// \p{Lu}: a category, and for most of them one of its parts.
static bool put_category(struct translator *t) {
    static const char categories[] = "LMNPZSC";
    static const char *const parts[] = {"lmotu", "cen", "dlo", "cdefios", "lps", "ckmo", "cfno"};
    buf_byte(t->out, '\\');
    buf_byte(t->out, *t->at++); // p or P
    if (!take(t, '{') || !is_in(next(t), categories))
        return false;
    size_t which = (size_t)(strchr(categories, next(t)) - categories);
    buf_byte(t->out, '{');
    buf_byte(t->out, *t->at++);
    if (is_in(next(t), parts[which]))
        buf_byte(t->out, *t->at++);
    buf_byte(t->out, '}');
    return take(t, '}');
}

// Behind a backslash: a character that needs one.
static bool put_escaped(struct translator *t) {
    int c = next(t);
    if (!is_in(c, "()*+-.?[\\]^nrt{|}"))
        return false;
    if (c == 'n' || c == 'r' || c == 't') {
        buf_byte(t->out, '\\');
        buf_byte(t->out, *t->at++);
        return true;
    }
    return put_literal(t);
}

// One end of a range in a class.
static bool put_class_character(struct translator *t) {
    if (take(t, '\\'))
        return put_escaped(t);
    return next(t) >= 0 && !is_in(next(t), "-[]") && put_literal(t);
}

static bool put_class(struct translator *t) {
    buf_byte(t->out, '[');
    if (take(t, '^'))
        buf_byte(t->out, '^');
    bool is_first = true;
    for (; !take(t, ']'); is_first = false) {
        bool is_last = t->end - t->at >= 2 && t->at[1] == ']';
        if (next(t) == '-' && (is_first || is_last)) {
            (void)put_literal(t);
            continue;
        }
        bool is_category =
            t->end - t->at >= 2 && *t->at == '\\' && (t->at[1] == 'p' || t->at[1] == 'P');
        if (is_category) {
            t->at++;
            if (!put_category(t))
                return false;
            continue;
        }
        if (!put_class_character(t))
            return false;
        bool is_range = t->end - t->at >= 2 && *t->at == '-' && t->at[1] != ']';
        if (!is_range)
            continue;
        t->at++;
        buf_byte(t->out, '-');
        if (!put_class_character(t))
            return false;
    }
    buf_byte(t->out, ']');
    return !is_first;
}

static bool take_count(struct translator *t, uint64_t *count) {
    const uint8_t *begin = t->at;
    for (*count = 0; next(t) >= '0' && next(t) <= '9' && *count <= COUNT_MAX; t->at++)
        *count = *count * 10 + (uint64_t)(*t->at - '0');
    return t->at > begin && *count <= COUNT_MAX;
}

// Makes the atom before a group. An atom that is repeated without an end has a state for each
// number of its repetitions, and a group but one.
static void wrap(struct translator *t) {
    if (t->is_group)
        return;
    buf_text(t->out, "(?:");
    if (buf_state(t->out) != ERR_OK)
        return;
    uint8_t *at = t->out->at + t->last_at;
    memmove(at + 3, at, t->out->size - 3 - t->last_at);
    at[0] = '(';
    at[1] = '?';
    at[2] = ':';
    buf_byte(t->out, ')');
}

// {2}, {2,} or {2,3}, behind its first brace.
static bool put_count(struct translator *t, uint64_t last) {
    uint64_t least, most;
    if (!take_count(t, &least))
        return false;
    most = least;
    bool has_comma = take(t, ','), is_open = has_comma && next(t) == '}';
    if (has_comma && !is_open && !take_count(t, &most))
        return false;
    if (is_open)
        wrap(t);
    if (!has_comma)
        buf_printf(t->out, "{%u}", (unsigned)least);
    else if (is_open)
        buf_printf(t->out, "{%u,}", (unsigned)least);
    else
        buf_printf(t->out, "{%u,%u}", (unsigned)least, (unsigned)most);
    t->has_count = true;
    uint64_t *weight = &t->weights[t->depth];
    *weight += last * (most > 1 ? most - 1 : 0);
    if (*weight > JSONPATH_STATES_MAX)
        *weight = JSONPATH_STATES_MAX;
    return most >= least && take(t, '}');
}

static bool put_quantifier(struct translator *t) {
    uint64_t last = t->last;
    if (last == 0)
        return false;
    t->last = 0;
    if (take(t, '{'))
        return put_count(t, last);
    if (next(t) == '+')
        wrap(t);
    buf_byte(t->out, *t->at++);
    return true;
}

static bool open_group(struct translator *t) {
    if (t->depth == GROUPS_MAX)
        return false;
    t->weights[++t->depth] = 0;
    t->last = 0;
    buf_text(t->out, "(?:");
    return true;
}

static bool close_group(struct translator *t) {
    if (t->depth == 0)
        return false;
    uint64_t weight = t->weights[t->depth--];
    t->last = weight > 0 ? weight : 1;
    t->weights[t->depth] += t->last;
    t->is_group = true;
    buf_byte(t->out, ')');
    return true;
}

static bool put_atom(struct translator *t) {
    bool is_good = true;
    t->last_at = t->out->size;
    t->is_group = false;
    if (take(t, '.'))
        buf_text(t->out, "[^\\n\\r]");
    else if (take(t, '['))
        is_good = put_class(t);
    else if (take(t, '\\'))
        is_good = next(t) == 'p' || next(t) == 'P' ? put_category(t) : put_escaped(t);
    else if (next(t) == '^' || next(t) == '$') // anchors, as in all that I-Regexp is mapped to
        buf_byte(t->out, *t->at++);
    else
        is_good = !is_in(next(t), "]{}*+?") && put_literal(t);
    t->last = 1;
    t->weights[t->depth]++;
    return is_good;
}

// False if the pattern is no I-Regexp.
static bool translate(struct translator *t) {
    while (t->at < t->end) {
        bool is_good = true;
        if (take(t, '(')) {
            is_good = open_group(t);
        } else if (take(t, ')')) {
            is_good = close_group(t);
        } else if (take(t, '|')) {
            t->last = 0;
            buf_byte(t->out, '|');
        } else if (is_in(next(t), "*+?{")) {
            is_good = put_quantifier(t);
        } else {
            is_good = put_atom(t);
        }
        if (!is_good)
            return false;
    }
    return t->depth == 0 && buf_state(t->out) == ERR_OK;
}

// ---- The interface. ----------------------------------------------------------------------------

static pcre2_code *compile(struct bytes pattern) {
    pcre2_general_context *memory = pcre2_general_context_create(take_memory, give_memory, NULL);
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    int error;
    size_t error_at;
    pcre2_code *code = pcre2_compile(pattern.at, pattern.size,
                                     PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_AUTO_CALLOUT |
                                         PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE,
                                     &error, &error_at, context);
    pcre2_compile_context_free(context);
    pcre2_general_context_free(memory);
    return code;
}

static pcre2_match_context *limits(void) {
    pcre2_general_context *memory = pcre2_general_context_create(take_memory, give_memory, NULL);
    pcre2_match_context *context = pcre2_match_context_create(memory);
    (void)pcre2_set_match_limit(context, 1000);
    (void)pcre2_set_depth_limit(context, 100);
    (void)pcre2_set_heap_limit(context, 1024); // KiB
    pcre2_general_context_free(memory);
    return context;
}

struct regex *regex_new(struct bytes pattern, bool is_search) {
    struct buf out;
    struct regex *regex = NULL;
    if (pattern.size > JSONPATH_PATTERN_BYTES_MAX)
        return NULL;
    buf_init(&out, 16 * (JSONPATH_PATTERN_BYTES_MAX + 4));
    struct translator t = {.at = pattern.at, .end = pattern.at + pattern.size, .out = &out};
    buf_text(&out, is_search ? "\\A(?s:.*)(?:" : "\\A(?:");
    if (translate(&t)) {
        buf_text(&out, is_search ? ")" : ")\\z");
        pcre2_code *code = compile(buf_bytes(&out));
        if (code) {
            regex = mem_new(sizeof(*regex));
            regex->code = code;
            regex->context = limits();
            regex->byte_steps = 1 + (t.has_count ? t.weights[0] * t.weights[0] / 128 : 0);
        }
    }
    buf_release(&out);
    return regex;
}

void regex_free(struct regex *regex) {
    if (!regex)
        return;
    pcre2_match_context_free(regex->context);
    pcre2_code_free(regex->code);
    mem_free(regex);
}

static int count_step(pcre2_callout_block *block, void *data) {
    (void)block;
    struct work *work = data;
    return --work->left > 0 ? 0 : PCRE2_ERROR_CALLOUT;
}

bool regex_matches(const struct regex *regex, struct bytes text, struct work *work) {
    int workspace[WORKSPACE_SIZE];
    uint64_t steps = text.size * regex->byte_steps + 100;
    if (work->left <= 0 || steps >= (uint64_t)work->left) {
        work->left = 0;
        return false;
    }
    work->left -= (int64_t)steps;
    // A context of its own for the count of this evaluation: the expression serves many threads.
    pcre2_match_context *context = pcre2_match_context_copy(regex->context);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(regex->code, NULL);
    (void)pcre2_set_callout(context, count_step, work);
    int found = pcre2_dfa_match(regex->code, text.at ? text.at : (const uint8_t *)"", text.size, 0,
                                PCRE2_NO_UTF_CHECK | PCRE2_DFA_SHORTEST, data, context, workspace,
                                WORKSPACE_SIZE);
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
        work->left = 0;
    return found >= 0;
}
