#include "workers/provider/adapters/neutral.h"

#include <stdio.h>

void put_bytes(struct buf *out, struct bytes bytes) {
    buf_put(out, bytes.at, bytes.size);
}

// ---- a native body ------------------------------------------------------------------------------

static bool find_body(const struct adapter_job *job, struct bytes *body) {
    const char *other = job->api->line_member;
    bool is_there =
        json_member(job->line, "body", body) || (other && json_member(job->line, other, body));
    return is_there && body->size >= 2 && body->at[0] == '{';
}

static const char *native_write(const struct adapter_job *job, struct buf *out) {
    struct bytes body, model;
    if (!find_body(job, &body))
        return "line_without_body";
    if (!json_member(body, "model", &model))
        return "body_without_model";
    size_t before = (size_t)(model.at - body.at);
    bool is_same = model.size == job->model.size + 2 &&
                   memcmp(model.at + 1, job->model.at, job->model.size) == 0;
    if (is_same) {
        put_bytes(out, body);
        return NULL;
    }
    put_bytes(out, bytes_of(body.at, before));
    json_put_text(out, job->model);
    put_bytes(out, bytes_of(model.at + model.size, body.size - before - model.size));
    return NULL;
}

const char *request_write(const struct adapter_job *job, struct json_scan *scan, struct buf *out,
                          const char *(*write_turn)(const struct adapter_job *job,
                                                    struct json_scan *scan, struct buf *out)) {
    const char *refusal =
        job->context.size > 0 ? write_turn(job, scan, out) : native_write(job, out);
    return !refusal && buf_state(out) != ERR_OK ? "request_too_large" : refusal;
}

// ---- nodes --------------------------------------------------------------------------------------

uint32_t stated_in(const struct json_scan *scan, uint32_t object, const char *name) {
    uint32_t node = json_find(scan, object, name);
    return node && !has_shape(scan, node, JSON_SHAPE_null) ? node : 0;
}

bool is_one_of(const struct json_scan *scan, uint32_t node, const char *const *names) {
    for (; *names; names++)
        if (json_is_named(scan, node, bytes_text(*names)))
            return true;
    return false;
}

bool is_said(const struct json_scan *scan, uint32_t node, const char *text) {
    return node && has_shape(scan, node, JSON_SHAPE_text) && !scan->nodes[node].has_escape &&
           bytes_is(json_text(scan, node, NULL), text);
}

bool is_part(const struct json_scan *scan, uint32_t part, const char *type) {
    return is_said(scan, json_find(scan, part, "type"), type);
}

static bool is_shape_or_absent(const struct json_scan *scan, uint32_t node, enum json_shape shape) {
    return node == 0 || has_shape(scan, node, shape);
}

const char *turn_open(const struct adapter_job *job, struct json_scan *scan, struct turn *turn) {
    if (json_scan(scan, job->context, NULL) != ERR_OK || !has_shape(scan, 0, JSON_SHAPE_object))
        return "context_malformed";
    *turn = (struct turn){
        .system = stated_in(scan, 0, "system"),
        .params = stated_in(scan, 0, "params"),
        .tools = stated_in(scan, 0, "tools"),
        .messages = stated_in(scan, 0, "messages"),
    };
    if (!turn->messages || !has_shape(scan, turn->messages, JSON_SHAPE_array) ||
        !is_shape_or_absent(scan, turn->tools, JSON_SHAPE_array) ||
        !is_shape_or_absent(scan, turn->params, JSON_SHAPE_object))
        return "context_malformed";
    for (uint32_t i = first_in(turn->messages); i < next_in(scan, turn->messages);
         i = next_in(scan, i))
        if (!has_shape(scan, i, JSON_SHAPE_object))
            return "context_malformed";
    // No API goes on with a conversation in which a call has no result.
    return results_are_there(scan, turn->messages) ? NULL : "tool_result_missing";
}

// ---- writing ------------------------------------------------------------------------------------

void put_member(struct buf *out, const struct json_scan *scan, uint32_t node) {
    const struct json_node *at = &scan->nodes[node];
    buf_byte(out, '"');
    buf_put(out, scan->text.at + at->name_at, at->name_size);
    buf_text(out, "\":");
    put_bytes(out, json_raw(scan, node));
}

void put_array(struct buf *out, const struct json_scan *scan, uint32_t array,
               put_node *put_element) {
    buf_text(out, "[");
    for (uint32_t i = first_in(array); i < next_in(scan, array); i = next_in(scan, i)) {
        if (i != first_in(array))
            buf_text(out, ",");
        put_element(out, scan, i);
    }
    buf_text(out, "]");
}

// ---- tools --------------------------------------------------------------------------------------

static struct tool_call call_of(const struct json_scan *scan, uint32_t node) {
    uint32_t function = stated_in(scan, node, "function");
    uint32_t owner = function ? function : node;
    uint32_t arguments = stated_in(scan, owner, "arguments");
    return (struct tool_call){
        .id = stated_in(scan, node, "id"),
        .name = stated_in(scan, owner, "name"),
        .arguments = arguments ? arguments : stated_in(scan, owner, "input"),
    };
}

// The element behind *at of one of a message's lists; false at its end, or if *at is not in it.
static bool step(const struct json_scan *scan, uint32_t list, uint32_t *at) {
    if (!list || !has_shape(scan, list, JSON_SHAPE_array) || *at >= next_in(scan, list))
        return false;
    *at = *at < first_in(list) ? first_in(list) : next_in(scan, *at);
    return *at < next_in(scan, list);
}

// The lists stand one behind the other in the text, so walk->at says which one is walked through.
void calls_walk(struct call_walk *walk, const struct json_scan *scan, uint32_t message) {
    uint32_t calls = stated_in(scan, message, "tool_calls");
    uint32_t parts = stated_in(scan, message, "content");
    uint32_t first = calls && calls < parts ? calls : parts;
    *walk = (struct call_walk){.lists = {first, first == calls ? parts : calls}, .parts = parts};
}

bool next_call(const struct json_scan *scan, struct call_walk *walk, struct tool_call *call) {
    for (int i = 0; i < 2; i++)
        while (step(scan, walk->lists[i], &walk->at)) {
            if (walk->lists[i] == walk->parts && !is_part(scan, walk->at, "tool_use"))
                continue;
            *call = call_of(scan, walk->at);
            return true;
        }
    return false;
}

uint32_t next_said(const struct json_scan *line, uint32_t *at) {
    uint32_t input = stated_in(line, 0, "input"), messages = stated_in(line, 0, "messages");
    if (input) {
        bool is_first = *at == 0;
        *at = input;
        return is_first ? input : 0;
    }
    while (step(line, messages, at)) {
        uint32_t content = stated_in(line, *at, "content");
        if (content && !is_said(line, json_find(line, *at, "role"), "assistant"))
            return content;
    }
    return 0;
}

// ---- submission ---------------------------------------------------------------------------------

bool refuse_with(struct buf *words, const char *before, const struct json_scan *scan, uint32_t node,
                 const char *after) {
    enum { SHOWN_MAX = 64 };
    struct bytes shown = bytes_cut(json_raw(scan, node), SHOWN_MAX);
    buf_printf(words, "%s%.*s%s", before, (int)shown.size, (const char *)shown.at, after);
    return false;
}
