// Answers in the shape of Gemini's generateContent, of the Developer API and of Vertex.
#include "workers/extractor/shape.h"

#include "common/json_lex.h"

#include <inttypes.h>
#include <stdio.h>

// A prompt that was blocked has an answer without candidates, which is an answer all the same. One
// of which a candidate has no reason for its end is the beginning of one.
static const char *refusal_of(const struct json_scan *scan) {
    if (scan->nodes[0].shape != JSON_SHAPE_object)
        return "not_an_object";
    uint32_t list = said(scan, 0, "candidates"), feedback = said(scan, 0, "promptFeedback");
    bool is_blocked = feedback && said(scan, feedback, "blockReason");
    if (!is_list(scan, list) || scan->nodes[list].count == 0)
        return is_blocked ? NULL : "no_candidates";
    for (uint32_t i = list + 1; i < scan->nodes[list].end; i = scan->nodes[i].end)
        if (!said(scan, i, "finishReason"))
            return "no_finish_reason";
    return NULL;
}

// ---- the message --------------------------------------------------------------------------------

// The parts of the first candidate; 0: there are none.
static uint32_t parts_of(const struct json_scan *scan, uint32_t answer) {
    uint32_t list = said(scan, answer, "candidates");
    if (!is_list(scan, list) || scan->nodes[list].count == 0)
        return 0;
    uint32_t content = said(scan, list + 1, "content");
    uint32_t parts = content ? said(scan, content, "parts") : 0;
    return is_list(scan, parts) ? parts : 0;
}

// A text that is meant for the user: not the summary of a thought, and not empty.
static uint32_t visible_text(const struct json_scan *scan, uint32_t part) {
    uint32_t text = said(scan, part, "text"), thought = said(scan, part, "thought");
    bool is_thought = thought && scan->nodes[thought].shape == JSON_SHAPE_true;
    bool is_text = text && scan->nodes[text].shape == JSON_SHAPE_text && scan->nodes[text].size > 2;
    return is_text && !is_thought ? text : 0;
}

static bool is_id(const struct json_scan *scan, uint32_t id) {
    return is_shape(scan, id, JSON_SHAPE_text) && scan->nodes[id].size > 2;
}

// What names the answer, as JSON: its id. Without one it is told from the others of a conversation
// by all that it says, its counters among it.
static struct bytes answer_name(const struct json_scan *scan, uint32_t answer, char made[32]) {
    uint32_t id = said(scan, answer, "responseId");
    if (is_id(scan, id))
        return json_raw(scan, id);
    (void)snprintf(made, 32, "\"call-%016" PRIx64 "\"", lex_hash(scan->text));
    return bytes_text(made);
}

// A call may come without an id; the conversation needs one that nothing else in it has.
static void put_call_id(const struct json_scan *scan, struct bytes name, uint32_t call,
                        unsigned place, struct buf *out) {
    uint32_t id = said(scan, call, "id");
    if (is_id(scan, id)) {
        json_put_node(out, scan, id);
        return;
    }
    json_put_raw(out, name);
    if (buf_state(out) == ERR_OK)
        out->size--; // the text's end
    buf_printf(out, "-%u\"", place);
}

// The parts have no types: texts and calls get those that every API understands, and calls an id
// beside what they hold, in place of what a part may have under these names itself.
static void put_message(const struct json_scan *scan, uint32_t answer, struct buf *out) {
    static const char *const own[] = {"id", "type", NULL};
    char made[32];
    struct bytes name = answer_name(scan, answer, made);
    uint32_t parts = parts_of(scan, answer);
    const char *comma = "";
    unsigned calls = 0;
    buf_text(out, "{\"role\":\"assistant\",\"content\":[");
    for (uint32_t i = parts + 1; parts && i < scan->nodes[parts].end; i = scan->nodes[i].end) {
        uint32_t call = said(scan, i, "functionCall");
        (void)next_part(out, &comma);
        if (!call && !visible_text(scan, i)) {
            json_put_node(out, scan, i);
            continue;
        }
        buf_text(out, call ? "{\"type\":\"tool_use\",\"id\":" : "{\"type\":\"text\"");
        if (call)
            put_call_id(scan, name, call, calls++, out);
        put_members(scan, i, call ? own : own + 1, out);
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
    put_origin(scan, shape_gemini_generate.name, said(scan, answer, "modelVersion"), out);
    buf_byte(out, '}');
}

// A call ends with STOP like everything else.
static bool is_calling(const struct json_scan *scan, uint32_t answer) {
    uint32_t parts = parts_of(scan, answer);
    for (uint32_t i = parts + 1; parts && i < scan->nodes[parts].end; i = scan->nodes[i].end)
        if (said(scan, i, "functionCall"))
            return true;
    return false;
}

// ---- streams ------------------------------------------------------------------------------------

static bool is_true(const struct json_scan *scan, uint32_t node) {
    return node != 0 && scan->nodes[node].shape == JSON_SHAPE_true;
}

// A part that is a text, perhaps a thought's, and nothing else.
static bool is_plain(const struct json_scan *scan, uint32_t part) {
    uint32_t text = said(scan, part, "text"), thought = json_find(scan, part, "thought");
    return text && scan->nodes[text].shape == JSON_SHAPE_text &&
           scan->nodes[part].count == 1 + (thought != 0);
}

static bool grown_is_plain(struct grown *body, uint32_t part, bool is_thought) {
    uint32_t text = grown_find(body, part, "text"), thought = grown_find(body, part, "thought");
    bool was_thought = thought && body->nodes[thought].shape == JSON_SHAPE_true;
    return text && was_thought == is_thought && grown_has_only(body, part, text, thought);
}

// A text goes on in the next event; nothing is joined across a signature, since it signs its part.
static void take_part(struct grown *body, uint32_t parts, struct json_scan *scan, uint32_t from) {
    static const char *const no_names[] = {NULL};
    uint32_t last = body->nodes[parts].last;
    bool is_thought = is_true(scan, json_find(scan, from, "thought"));
    if (last != 0 && is_plain(scan, from) && grown_is_plain(body, last, is_thought))
        grown_add(body, last, scan, from, no_names);
    else
        grown_set(body, grown_next(body, parts), scan, from);
}

static void take_content(struct grown *body, uint32_t content, struct json_scan *scan,
                         uint32_t from) {
    for (uint32_t i = from + 1; i < scan->nodes[from].end; i = scan->nodes[i].end) {
        uint32_t to = grown_member_like(body, content, scan, i);
        if (!json_is_named(scan, i, bytes_text("parts")) || !is_list(scan, i)) {
            grown_merge(body, to, scan, i);
            continue;
        }
        for (uint32_t k = i + 1; k < scan->nodes[i].end; k = scan->nodes[k].end)
            take_part(body, to, scan, k);
        scan->nodes[i].is_marked = scan->nodes[i].count == 0;
    }
}

// What a search was asked comes with the text that it led to; the rest is said as a whole.
static void take_grounding(struct grown *body, uint32_t to, struct json_scan *scan, uint32_t from) {
    static const char *const no_names[] = {NULL};
    for (uint32_t i = from + 1; i < scan->nodes[from].end; i = scan->nodes[i].end) {
        uint32_t member = grown_member_like(body, to, scan, i);
        if (json_is_named(scan, i, bytes_text("webSearchQueries")))
            grown_add(body, member, scan, i, no_names);
        else
            grown_merge(body, member, scan, i);
    }
    scan->nodes[from].is_marked = true;
}

// Everything but the content is said as a whole, the last time for all, but for what goes with each
// piece of text.
static void take_candidate(struct grown *body, struct json_scan *scan, uint32_t from) {
    static const char *const no_names[] = {NULL};
    uint32_t list = grown_member(body, 0, "candidates"), index = said(scan, from, "index");
    uint32_t key = 0;
    if (index != 0 && !said_key(scan, index, &key))
        return;
    uint32_t candidate = grown_element(body, list, key);
    for (uint32_t i = from + 1; i < scan->nodes[from].end; i = scan->nodes[i].end) {
        uint32_t to = grown_member_like(body, candidate, scan, i);
        if (json_is_named(scan, i, bytes_text("content")) &&
            scan->nodes[i].shape == JSON_SHAPE_object)
            take_content(body, to, scan, i);
        else if (json_is_named(scan, i, bytes_text("logprobsResult")) ||
                 json_is_named(scan, i, bytes_text("citationMetadata")))
            grown_add(body, to, scan, i, no_names);
        else if (json_is_named(scan, i, bytes_text("groundingMetadata")) &&
                 scan->nodes[i].shape == JSON_SHAPE_object)
            take_grounding(body, to, scan, i);
        else
            grown_merge(body, to, scan, i);
    }
}

// Each event is an answer of its own, with the next parts and all counters so far: one that is
// missing later was said before.
static void take_event(struct assembly *assembly, const struct sse_event *event,
                       struct json_scan *scan) {
    struct grown *body = &assembly->body;
    (void)event;
    if (scan->nodes[0].shape != JSON_SHAPE_object)
        return;
    for (uint32_t i = 1; i < scan->count; i = scan->nodes[i].end) {
        if (!json_is_named(scan, i, bytes_text("candidates")) || !is_list(scan, i)) {
            grown_merge(body, grown_member_like(body, 0, scan, i), scan, i);
            continue;
        }
        for (uint32_t k = i + 1; k < scan->nodes[i].end; k = scan->nodes[k].end)
            take_candidate(body, scan, k);
        scan->nodes[i].is_marked = scan->nodes[i].count == 0;
    }
}

const struct answer_shape shape_gemini_generate = {
    .name = "gemini.generate",
    .refusal = refusal_of,
    .put_message = put_message,
    .is_calling = is_calling,
    .take_event = take_event,
    .may_be_array = true,
};
