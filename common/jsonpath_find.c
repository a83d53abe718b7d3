// Searching by any path: queries whose filters have queries of their own. A query is active once
// at most, since no expression holds itself; so each segment, query and filter has its state in
// an array, and what goes on is one of two: the query in force takes its next node, or the filter
// in force its next operation.
#include "common/jsonpath_form.h"

#include "common/mem.h"

#include <assert.h>

// A segment at work on one node that it was given.
struct level {
    uint16_t selector; // that takes children now
    bool is_begun;     // it has started with the holder
    uint32_t holder;   // whose children are looked at: the node, or one inside it
    uint32_t last;     // holder that ends it, exclusive
    uint32_t next;     // child to look at; slices backwards: place among the held
    uint32_t end;
    int64_t index;  // slices: of next
    int64_t bound;  // slices: exclusive
    size_t held;    // slices backwards: what was held before
    uint16_t above; // the level that gave the node
};

// What a query has found so far; the level that goes on.
struct run {
    uint16_t level;
    uint32_t base; // the node that it began with
    uint64_t count;
    uint32_t first;
};

// A filter that is asked about a candidate.
struct trial {
    uint16_t op;
    uint32_t candidate;
    bool truth;
};

struct cached_regex {
    bool is_made;
    uint32_t node; // whose text the pattern was
    struct regex *regex;
};

struct evaluation {
    const struct jsonpath *path;
    const struct json_scan *scan;
    jsonpath_visit *visit;
    void *context;
    struct work work;
    struct level *levels;
    struct run *runs;
    struct trial *trials;
    struct value *values;
    struct cached_regex *regexes;
    uint16_t query;  // in force
    uint16_t filter; // in force; NONE: the query
    bool is_over;
    uint32_t *held; // children of arrays that are gone through backwards
    size_t held_count;
    size_t held_capacity;
    struct buf text;
    struct buf pattern;
};

static void spend(struct evaluation *e, uint64_t steps) {
    e->work.left -= (int64_t)steps;
}

// ---- Queries. ----------------------------------------------------------------------------------

// Gives a node to a segment.
static void enter(struct evaluation *e, uint16_t segment, uint16_t above, uint32_t node) {
    const struct segment *of = &e->path->segments[segment];
    uint32_t last = of->is_descendant ? e->scan->nodes[node].end : node + 1;
    e->levels[segment] = (struct level){.selector = of->selector,
                                        .holder = node,
                                        .last = last,
                                        .held = e->held_count,
                                        .above = above};
    e->runs[e->query].level = segment;
}

// The answer to the filter in which the query stands; that goes on.
static void answer(struct evaluation *e) {
    const struct query *query = &e->path->queries[e->query];
    const struct run *run = &e->runs[e->query];
    struct trial *trial = &e->trials[query->filter];
    const struct op *op = &e->path->ops[trial->op];
    struct value value = {.kind = VALUE_nothing};
    if (query->purpose == PURPOSE_exists) {
        trial->truth = run->count > 0;
    } else {
        if (query->purpose == PURPOSE_count)
            value = (struct value){.kind = VALUE_count, .count = run->count};
        else if (run->count == 1)
            value = (struct value){.kind = VALUE_node, .node = run->first};
        e->values[op->slot] = value;
    }
    trial->op = op->next;
    e->filter = query->filter;
}

static void end_query(struct evaluation *e) {
    if (e->query == 0)
        e->is_over = true;
    else
        answer(e);
}

// Gives back what the levels hold from this one on up to the query's first.
static void let_go(struct evaluation *e, uint16_t level) {
    for (; level != NONE; level = e->levels[level].above)
        e->held_count = e->levels[level].held;
}

// A node that the whole query selects.
static void match(struct evaluation *e, uint32_t node) {
    const struct query *query = &e->path->queries[e->query];
    struct run *run = &e->runs[e->query];
    if (run->count++ == 0)
        run->first = node;
    bool is_enough = e->query == 0 ? !e->visit(e->context, e->scan, node)
                                   : (query->purpose == PURPOSE_exists ||
                                      (query->purpose == PURPOSE_value && run->count > 1));
    if (is_enough) {
        let_go(e, run->level);
        end_query(e);
    }
}

// A node that the level's segment selects.
static void pass_on(struct evaluation *e, uint16_t level, uint32_t node) {
    uint16_t next = e->path->segments[level].next;
    if (next == NONE)
        match(e, node);
    else
        enter(e, next, level, node);
}

// The node that a query of names and indexes finds; false if none.
static bool find_singular(struct evaluation *e, const struct query *query, uint32_t base,
                          uint32_t *node) {
    *node = base;
    for (uint16_t i = query->segment; i != NONE; i = e->path->segments[i].next) {
        const struct selector *selector = &e->path->selectors[e->path->segments[i].selector];
        const struct json_node *at = &e->scan->nodes[*node];
        uint32_t child = at->end;
        spend(e, at->count / 2 + 1);
        if (selector->kind == SELECT_name && at->shape == JSON_SHAPE_object)
            child = find_named(e->scan, *node, selector->name);
        if (selector->kind == SELECT_index && at->shape == JSON_SHAPE_array)
            child = find_indexed(e->scan, *node, selector->start);
        if (child == at->end)
            return false;
        *node = child;
    }
    return true;
}

// Starts the query of an operation.
static void ask(struct evaluation *e, uint16_t index, uint32_t candidate) {
    const struct query *query = &e->path->queries[index];
    struct run *run = &e->runs[index];
    *run = (struct run){.level = NONE, .base = query->is_relative ? candidate : 0};
    e->query = index;
    if (query->is_singular) {
        run->count = find_singular(e, query, run->base, &run->first);
        answer(e);
        return;
    }
    e->filter = NONE;
    enter(e, query->segment, NONE, run->base);
}

// ---- Slices. -----------------------------------------------------------------------------------

static int64_t clamp(int64_t at, int64_t least, int64_t most) {
    return at < least ? least : at > most ? most : at;
}

// Where a bound of a slice lies, from the end where negative.
static int64_t place_of(int64_t bound, int64_t count) {
    return bound < 0 ? bound + count : bound;
}

// Holds the children of an array, so that they can be gone through backwards.
static bool hold(struct evaluation *e, uint32_t array) {
    const struct json_node *node = &e->scan->nodes[array];
    if (e->held_count + node->count > JSONPATH_HELD_MAX) {
        e->work.left = 0;
        return false;
    }
    spend(e, node->count);
    if (e->held_capacity < e->held_count + node->count) {
        e->held_capacity = 2 * (e->held_count + node->count);
        e->held = mem_grow(e->held, e->held_capacity * sizeof(*e->held));
    }
    for (uint32_t child = array + 1; child < node->end; child = e->scan->nodes[child].end)
        e->held[e->held_count++] = child;
    return true;
}

static void begin_slice(struct evaluation *e, struct level *level,
                        const struct selector *selector) {
    int64_t count = e->scan->nodes[level->holder].count;
    int64_t start = place_of(selector->start, count), end = place_of(selector->end, count);
    if (selector->stride > 0) {
        level->index = selector->has_start ? clamp(start, 0, count) : 0;
        level->bound = selector->has_end ? clamp(end, 0, count) : count;
        for (int64_t i = 0; i < level->index && level->index < level->bound; i++)
            level->next = e->scan->nodes[level->next].end;
        spend(e, (uint64_t)level->index);
    } else {
        level->index = selector->has_start ? clamp(start, -1, count - 1) : count - 1;
        level->bound = selector->has_end ? clamp(end, -1, count - 1) : -1;
        if (level->index > level->bound && !hold(e, level->holder))
            level->index = level->bound;
    }
}

// The next element that a slice takes; false behind the last.
static bool next_of_slice(struct evaluation *e, struct level *level,
                          const struct selector *selector, uint32_t *child) {
    if (selector->stride > 0) {
        if (level->index >= level->bound)
            return false;
        *child = level->next;
        for (int64_t i = 0; i < selector->stride && level->next < level->end; i++) {
            level->next = e->scan->nodes[level->next].end;
            spend(e, 1);
        }
    } else {
        if (level->index <= level->bound)
            return false;
        *child = e->held[level->held + (size_t)level->index];
    }
    level->index += selector->stride;
    return true;
}

// ---- Selectors. --------------------------------------------------------------------------------

// Starts a selector with the level's holder.
static void begin_selector(struct evaluation *e, struct level *level,
                           const struct selector *selector) {
    const struct json_node *holder = &e->scan->nodes[level->holder];
    bool is_array = holder->shape == JSON_SHAPE_array,
         is_object = holder->shape == JSON_SHAPE_object;
    level->is_begun = true;
    level->end = holder->end;
    level->next = level->holder + 1;
    level->index = level->bound = 0;
    switch (selector->kind) {
    case SELECT_name:
        level->next = is_object ? find_named(e->scan, level->holder, selector->name) : level->end;
        spend(e, holder->count / 2);
        break;
    case SELECT_index:
        level->next = is_array ? find_indexed(e->scan, level->holder, selector->start) : level->end;
        spend(e, holder->count / 4);
        break;
    case SELECT_slice:
        if (is_array && selector->stride != 0)
            begin_slice(e, level, selector);
        break;
    default:
        if (!is_array && !is_object)
            level->next = level->end;
    }
}

// The next child that a selector takes, or a filter has to look at; false behind the last.
static bool next_child(struct evaluation *e, struct level *level, const struct selector *selector,
                       uint32_t *child) {
    if (selector->kind == SELECT_slice)
        return next_of_slice(e, level, selector, child);
    if (level->next >= level->end)
        return false;
    *child = level->next;
    bool is_one = selector->kind == SELECT_name || selector->kind == SELECT_index;
    level->next = is_one ? level->end : e->scan->nodes[level->next].end;
    return true;
}

// Behind the last child of a selector: the next selector, the next holder, or the level above.
static void leave_selector(struct evaluation *e, uint16_t index, const struct selector *selector) {
    struct level *level = &e->levels[index];
    level->is_begun = false;
    e->held_count = level->held;
    level->selector = selector->next;
    if (level->selector != NONE)
        return;
    level->selector = e->path->segments[index].selector;
    if (++level->holder < level->last)
        return;
    e->runs[e->query].level = level->above;
    if (level->above == NONE)
        end_query(e);
}

static void step_query(struct evaluation *e) {
    uint16_t index = e->runs[e->query].level;
    struct level *level = &e->levels[index];
    const struct selector *selector = &e->path->selectors[level->selector];
    uint32_t child;
    spend(e, 1);
    if (!level->is_begun)
        begin_selector(e, level, selector);
    if (!next_child(e, level, selector, &child)) {
        leave_selector(e, index, selector);
    } else if (selector->kind == SELECT_filter) {
        e->filter = selector->filter;
        e->trials[e->filter] =
            (struct trial){.op = e->path->filters[e->filter].op, .candidate = child};
    } else {
        pass_on(e, index, child);
    }
}

// ---- Filters. ----------------------------------------------------------------------------------

// The expression for a pattern that stands in the document, kept for as long as it is the same.
static const struct regex *regex_of(struct evaluation *e, const struct op *op) {
    const struct value *pattern = &e->values[op->b];
    struct cached_regex *cached = &e->regexes[op->regex];
    struct bytes text;
    if (pattern->kind == VALUE_text)
        return e->path->regexes[op->regex];
    if (pattern->kind != VALUE_node)
        return NULL;
    if (cached->is_made && cached->node == pattern->node)
        return cached->regex;
    regex_free(cached->regex);
    *cached = (struct cached_regex){.is_made = true, .node = pattern->node};
    // Six bytes are the longest escape of one.
    if (e->scan->nodes[pattern->node].size > 6 * JSONPATH_PATTERN_BYTES_MAX + 2 ||
        !value_text(e->scan, pattern, &e->pattern, &text, &e->work))
        return NULL;
    spend(e, 1000 + text.size);
    cached->regex = regex_new(text, op->kind == OP_search);
    return cached->regex;
}

static bool is_matched(struct evaluation *e, const struct op *op) {
    struct bytes text;
    const struct regex *regex = regex_of(e, op);
    return regex && value_text(e->scan, &e->values[op->a], &e->text, &text, &e->work) &&
           regex_matches(regex, text, &e->work);
}

// Behind the last operation: the candidate goes on, or not.
static void end_trial(struct evaluation *e) {
    const struct trial *trial = &e->trials[e->filter];
    e->query = e->path->filters[e->filter].query;
    e->filter = NONE;
    if (trial->truth)
        pass_on(e, e->runs[e->query].level, trial->candidate);
}

static void step_filter(struct evaluation *e) {
    struct trial *trial = &e->trials[e->filter];
    if (trial->op == NONE) {
        end_trial(e);
        return;
    }
    const struct op *op = &e->path->ops[trial->op];
    uint16_t next = op->next;
    spend(e, 1);
    switch (op->kind) {
    case OP_query:
        ask(e, op->a, trial->candidate);
        return; // its answer moves on
    case OP_length:
        e->values[op->slot] = value_length(e->scan, &e->values[op->a], &e->work);
        break;
    case OP_match:
    case OP_search:
        trial->truth = is_matched(e, op);
        break;
    case OP_compare:
        trial->truth =
            value_compare(e->scan, op->comparison, &e->values[op->a], &e->values[op->b], &e->work);
        break;
    case OP_not:
        trial->truth = !trial->truth;
        break;
    case OP_jump_if_false:
        next = trial->truth ? next : op->target;
        break;
    case OP_jump_if_true:
        next = trial->truth ? op->target : next;
        break;
    case OP_label:
        break;
    }
    trial->op = next;
}

// ---- The whole. --------------------------------------------------------------------------------

static void open_evaluation(struct evaluation *e) {
    const struct jsonpath *path = e->path;
    e->levels = mem_array(path->segment_count + 1, sizeof(*e->levels));
    e->runs = mem_array(path->query_count, sizeof(*e->runs));
    e->trials = mem_array(path->filter_count + 1, sizeof(*e->trials));
    e->values = mem_array(path->value_count + 1, sizeof(*e->values));
    e->regexes = mem_array(path->regex_count + 1, sizeof(*e->regexes));
    if (path->value_count > 0)
        memcpy(e->values, path->values, path->value_count * sizeof(*e->values));
    buf_init(&e->text, FRAME_BYTES_MAX);
    buf_init(&e->pattern, FRAME_BYTES_MAX);
}

static void close_evaluation(struct evaluation *e) {
    for (size_t i = 0; i < e->path->regex_count; i++)
        regex_free(e->regexes[i].regex);
    mem_free(e->levels);
    mem_free(e->runs);
    mem_free(e->trials);
    mem_free(e->values);
    mem_free(e->regexes);
    mem_free(e->held);
    buf_release(&e->text);
    buf_release(&e->pattern);
}

enum err find_all(const struct jsonpath *path, const struct json_scan *scan, int64_t work,
                  jsonpath_visit *visit, void *context, uint32_t *visits) {
    struct evaluation e = {.path = path,
                           .scan = scan,
                           .visit = visit,
                           .context = context,
                           .work = {work},
                           .filter = NONE};
    assert(path->queries[0].segment != NONE);
    open_evaluation(&e);
    e.runs[0].level = NONE;
    enter(&e, path->queries[0].segment, NONE, 0);
    while (!e.is_over && e.work.left > 0) {
        if (e.filter == NONE)
            step_query(&e);
        else
            step_filter(&e);
    }
    *visits = (uint32_t)e.runs[0].count;
    close_evaluation(&e);
    return e.is_over && e.work.left > 0 ? ERR_OK : ERR_TOO_BIG;
}
