// Answers in the shape of Gemini's Interactions: a list of steps.
#include "workers/extractor/shape.h"

static bool is_type(const struct json_scan *scan, uint32_t part, const char *type) {
    return is_text(scan, said(scan, part, "type"), type);
}

// An interaction that is still going on is no answer.
static const char *refusal_of(const struct json_scan *scan) {
    static const char *const under_way[] = {"in_progress", "queued"};
    if (scan->nodes[0].shape != JSON_SHAPE_object)
        return "not_an_object";
    uint32_t status = said(scan, 0, "status");
    if (is_text(scan, status, "failed"))
        return "error_in_answer";
    if (!status || scan->nodes[status].shape != JSON_SHAPE_text)
        return "no_status";
    for (size_t i = 0; i < sizeof(under_way) / sizeof(*under_way); i++)
        if (is_text(scan, status, under_way[i]))
            return "not_completed";
    return NULL;
}

// ---- the message --------------------------------------------------------------------------------

// The contents of what the model put out stand among the other steps; a call has the type that
// every API understands.
static void put_step(const struct json_scan *scan, uint32_t step, struct buf *out,
                     const char **comma) {
    static const char *const type[] = {"type", NULL};
    uint32_t content = is_type(scan, step, "model_output") ? said(scan, step, "content") : 0;
    if (is_list(scan, content)) {
        for (uint32_t i = content + 1; i < scan->nodes[content].end; i = scan->nodes[i].end)
            json_put_node(next_part(out, comma), scan, i);
    } else if (is_type(scan, step, "function_call")) {
        buf_text(next_part(out, comma), "{\"type\":\"tool_use\"");
        put_members(scan, step, type, out);
        buf_byte(out, '}');
    } else {
        json_put_node(next_part(out, comma), scan, step);
    }
}

static void put_message(const struct json_scan *scan, uint32_t answer, struct buf *out) {
    uint32_t steps = said(scan, answer, "steps");
    const char *comma = "";
    buf_text(out, "{\"role\":\"assistant\",\"content\":[");
    for (uint32_t i = steps + 1; is_list(scan, steps) && i < scan->nodes[steps].end;
         i = scan->nodes[i].end)
        put_step(scan, i, out, &comma);
    buf_byte(out, ']');
    put_origin(scan, shape_gemini_interactions.name, said(scan, answer, "model"), out);
    buf_byte(out, '}');
}

// ---- streams ------------------------------------------------------------------------------------

// A piece of content goes on in the last one where both are texts, and nothing else is in them.
static void take_content(struct grown *body, uint32_t list, struct json_scan *scan, uint32_t from,
                         bool goes_on) {
    static const char *const whole[] = {"type", NULL};
    uint32_t last = body->nodes[list].last;
    bool is_plain = is_type(scan, from, "text") && scan->nodes[from].count == 2;
    uint32_t text = grown_find(body, last, "text"), type = grown_find(body, last, "type");
    if (goes_on && is_plain && last != 0 && text != 0 && grown_has_only(body, last, text, type))
        grown_add(body, last, scan, from, whole);
    else
        grown_set(body, grown_next(body, list), scan, from);
}

// What a delta adds to its step, by its type. A function's arguments are pieces of a JSON text,
// which is put in when the step is over.
static void take_delta(struct assembly *assembly, struct json_scan *scan) {
    static const char *const no_names[] = {NULL};
    struct grown *body = &assembly->body;
    uint32_t key, delta = said(scan, 0, "delta");
    if (!delta || !take_key(scan, "index", &key))
        return;
    uint32_t step = grown_element(body, grown_member(body, 0, "steps"), key);
    if (is_type(scan, delta, "text")) {
        take_content(body, grown_member(body, step, "content"), scan, delta, true);
        return;
    }
    bool is_summary = is_type(scan, delta, "thought_summary");
    bool is_known = is_type(scan, delta, "thought_signature") ||
                    is_type(scan, delta, "arguments_delta") || is_summary;
    if (!is_known) { // an image, or what one of the API's own tools was asked and answered
        grown_set(body, grown_next(body, grown_member(body, step, "content")), scan, delta);
        return;
    }
    for (uint32_t i = delta + 1; i < scan->nodes[delta].end; i = scan->nodes[i].end) {
        if (json_is_named(scan, i, bytes_text("type")))
            mark(scan, i);
        else if (json_is_named(scan, i, bytes_text("arguments")))
            grown_add(&assembly->aside, grown_element(&assembly->aside, 0, key), scan, i, no_names);
        else if (is_summary && json_is_named(scan, i, bytes_text("content")))
            take_content(body, grown_member(body, step, "summary"), scan, i, false);
        else
            grown_set(body, grown_member_like(body, step, scan, i), scan, i);
    }
}

// The interaction as it is now, in which steps that came one by one need not stand.
static void take_interaction(struct grown *body, struct json_scan *scan) {
    uint32_t interaction = json_find(scan, 0, "interaction");
    if (!is_shape(scan, interaction, JSON_SHAPE_object))
        return;
    for (uint32_t i = interaction + 1; i < scan->nodes[interaction].end; i = scan->nodes[i].end) {
        bool is_empty = json_is_named(scan, i, bytes_text("steps")) && scan->nodes[i].count == 0;
        if (!is_empty || !grown_find(body, 0, "steps"))
            grown_merge(body, grown_member_like(body, 0, scan, i), scan, i);
    }
    mark(scan, interaction);
}

static void take_event(struct assembly *assembly, const struct sse_event *event,
                       struct json_scan *scan) {
    struct grown *body = &assembly->body;
    uint32_t type = json_find(scan, 0, "event_type"), key;
    (void)event;
    if (is_text(scan, type, "interaction.created")) {
        take_interaction(body, scan);
    } else if (is_text(scan, type, "interaction.completed")) {
        end_inputs(assembly, "steps", "arguments");
        take_interaction(body, scan);
    } else if (is_text(scan, type, "interaction.status_update")) {
        grown_merge(body, grown_member(body, 0, "status"), scan, json_find(scan, 0, "status"));
        mark(scan, json_find(scan, 0, "interaction_id"));
    } else if (is_text(scan, type, "step.start")) {
        if (take_key(scan, "index", &key))
            grown_set(body, grown_element(body, grown_member(body, 0, "steps"), key), scan,
                      json_find(scan, 0, "step"));
    } else if (is_text(scan, type, "step.delta")) {
        take_delta(assembly, scan);
    } else if (is_text(scan, type, "step.stop")) {
        if (take_key(scan, "index", &key))
            end_input(assembly, "steps", key, "arguments");
    } else {
        return;
    }
    mark(scan, type);
}

const struct answer_shape shape_gemini_interactions = {
    .name = "gemini.interactions",
    .refusal = refusal_of,
    .put_message = put_message,
    .take_event = take_event,
};
