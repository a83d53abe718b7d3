// How a path lies to a place, by what both say alone: no document is looked at.
#include "common/jsonpath_form.h"

// States are the path's segments, one bit each: those behind which the place has arrived.
enum { SEGMENTS_MAX = 63 };

// Whether a selector may take what a step of the place says: a name, or any element.
static bool may_take(const struct selector *selector, const struct selector *step) {
    switch (selector->kind) {
    case SELECT_name:
        return step->kind == SELECT_name && bytes_equal(selector->name, step->name);
    case SELECT_index:
    case SELECT_slice:
        return step->kind == SELECT_all;
    case SELECT_all:
    case SELECT_filter:
        return true;
    }
    return false;
}

static bool may_enter(const struct jsonpath *path, const struct segment *segment,
                      const struct selector *step) {
    for (uint16_t i = segment->selector; i != NONE; i = path->selectors[i].next)
        if (may_take(&path->selectors[i], step))
            return true;
    return false;
}

static bool has_names_only(const struct jsonpath *path, const struct segment *segment) {
    for (uint16_t i = segment->selector; i != NONE; i = path->selectors[i].next)
        if (path->selectors[i].kind != SELECT_name)
            return false;
    return true;
}

// One step of the place further, from every state that was reached; *entered: those that the step
// itself led to, not the search of what is deeper.
static uint64_t advance(const struct jsonpath *path, uint64_t states, const struct selector *step,
                        uint64_t *entered) {
    uint64_t deeper = 0, bit = 1;
    *entered = 0;
    for (uint16_t i = path->queries[0].segment; i != NONE; i = path->segments[i].next, bit <<= 1) {
        if (!(states & bit))
            continue;
        if (path->segments[i].is_descendant)
            deeper |= bit;
        if (may_enter(path, &path->segments[i], step))
            *entered |= bit << 1;
    }
    return deeper | *entered;
}

enum jsonpath_reach jsonpath_reach(const struct jsonpath *path, const struct jsonpath *place) {
    const struct selector *step = NULL;
    uint64_t states = 1, end = 1, entered = 0;
    bool is_within = false;
    uint16_t last = path->queries[0].last_segment;
    if (path->segment_count > SEGMENTS_MAX)
        return REACH_some;
    for (uint16_t i = path->queries[0].segment; i != NONE; i = path->segments[i].next)
        end <<= 1;
    for (uint16_t i = place->queries[0].segment; i != NONE; i = place->segments[i].next) {
        step = &place->selectors[place->segments[i].selector];
        is_within = is_within || states & end;
        states = advance(path, states, step, &entered);
    }
    bool is_it = states & end;
    if (!is_it && !is_within)
        return entered ? REACH_through : REACH_none;
    if (last == NONE)
        return REACH_some;
    bool is_named = has_names_only(path, &path->segments[last]);
    bool is_element = is_it && step && step->kind == SELECT_all;
    return is_named || is_element ? REACH_all : REACH_some;
}
