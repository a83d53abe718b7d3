#include "common/jsonpath_form.h"

// Here are the paths of plain steps, which are all that most need: tens of thousands of them are
// searched in a second, and nothing is allocated.

// The children of one node that a step has still to look at.
struct level {
    uint32_t next;
    uint32_t end;
};

// Which children of a node a step takes: one, all of them, or none.
static struct level enter(const struct json_scan *scan, uint32_t at, const struct step *step) {
    const struct json_node *node = &scan->nodes[at];
    bool is_object = node->shape == JSON_SHAPE_object, is_array = node->shape == JSON_SHAPE_array;
    struct level none = {node->end, node->end};
    uint32_t child = node->end;
    if (step->kind == SELECT_all)
        return is_object || is_array ? (struct level){at + 1, node->end} : none;
    if (step->kind == SELECT_name && is_object)
        child = find_named(scan, at, step->name);
    if (step->kind == SELECT_index && is_array)
        child = find_indexed(scan, at, step->index);
    return child < node->end ? (struct level){child, scan->nodes[child].end} : none;
}

static uint32_t find_plain(const struct jsonpath *path, const struct json_scan *scan,
                           jsonpath_visit *visit, void *context) {
    if (path->step_count == 0) {
        (void)visit(context, scan, 0);
        return 1;
    }
    struct level levels[JSONPATH_STEPS_MAX];
    uint32_t depth = 1, visits = 0;
    levels[0] = enter(scan, 0, &path->steps[0]);
    while (depth > 0) {
        struct level *level = &levels[depth - 1];
        if (level->next >= level->end) {
            depth--;
            continue;
        }
        uint32_t at = level->next;
        level->next = scan->nodes[at].end;
        if (depth < path->step_count) {
            levels[depth] = enter(scan, at, &path->steps[depth]);
            depth++;
            continue;
        }
        visits++;
        if (!visit(context, scan, at))
            break;
    }
    return visits;
}

enum err jsonpath_all(const struct jsonpath *path, const struct json_scan *scan,
                      jsonpath_visit *visit, void *context, uint32_t *visits) {
    uint32_t count = 0;
    enum err e = ERR_OK;
    if (path && scan->count > 0 && path->is_plain)
        count = find_plain(path, scan, visit, context);
    else if (path && scan->count > 0)
        e = find_all(path, scan, JSONPATH_WORK_MAX, visit, context, &count);
    if (visits)
        *visits = count;
    return e;
}

uint32_t jsonpath_each(const struct jsonpath *path, const struct json_scan *scan,
                       jsonpath_visit *visit, void *context) {
    uint32_t visits;
    (void)jsonpath_all(path, scan, visit, context, &visits);
    return visits;
}

static bool keep_first(void *context, const struct json_scan *scan, uint32_t node) {
    (void)scan;
    *(uint32_t *)context = node;
    return false;
}

bool jsonpath_first(const struct jsonpath *path, const struct json_scan *scan, uint32_t *node) {
    bool is_found = false;
    for (; path && !is_found; path = path->otherwise)
        is_found = jsonpath_each(path, scan, keep_first, node) > 0 &&
                   (!path->otherwise || scan->nodes[*node].shape != JSON_SHAPE_null);
    return is_found;
}

void jsonpath_otherwise(struct jsonpath *path, const struct jsonpath *otherwise) {
    path->otherwise = otherwise;
}

const char *jsonpath_text(const struct jsonpath *path) {
    return path->text;
}
