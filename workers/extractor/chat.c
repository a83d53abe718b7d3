// Answers in the shape of OpenAI's Chat Completions.
#include "workers/extractor/shape.h"

static const char *refusal_of(const struct json_scan *scan) {
    if (scan->nodes[0].shape != JSON_SHAPE_object)
        return "not_an_object";
    uint32_t choices = json_find(scan, 0, "choices");
    if (choices == 0 || scan->nodes[choices].shape != JSON_SHAPE_array ||
        scan->nodes[choices].count == 0)
        return "no_choices";
    for (uint32_t i = choices + 1; i < scan->nodes[choices].end; i = scan->nodes[i].end)
        if (scan->nodes[i].shape != JSON_SHAPE_object)
            return "no_choices";
    return NULL;
}

static void put_member(const struct json_scan *scan, uint32_t value, const char *name,
                       struct buf *out) {
    if (value == 0)
        return;
    buf_printf(out, "%s\"%s\":", buf_bytes(out).size > 1 ? "," : "", name);
    json_put_node(out, scan, value);
}

// Role, content, refusal, tool_calls, function_call, audio.id, the visible reasoning of compatible
// servers, and the model where the content is a list of parts: some are bound to it.
static void put_message(const struct json_scan *scan, uint32_t message, struct buf *out) {
    static const char *const members[] = {"refusal",           "tool_calls", "function_call",
                                          "reasoning_content", "reasoning",  "reasoning_details"};
    buf_byte(out, '{');
    if (said(scan, message, "role") != 0)
        put_member(scan, said(scan, message, "role"), "role", out);
    else
        buf_text(out, "\"role\":\"assistant\"");
    uint32_t content = json_find(scan, message, "content");
    put_member(scan, content, "content", out);
    if (content != 0 && scan->nodes[content].shape == JSON_SHAPE_array)
        put_origin(scan, shape_openai_chat.name, said(scan, 0, "model"), out);
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        put_member(scan, said(scan, message, members[i]), members[i], out);
    uint32_t audio = said(scan, message, "audio");
    uint32_t audio_id = audio != 0 ? said(scan, audio, "id") : 0;
    if (audio_id != 0) {
        buf_text(out, ",\"audio\":{\"id\":");
        json_put_node(out, scan, audio_id);
        buf_byte(out, '}');
    }
    buf_byte(out, '}');
}

static bool is_declined(const struct json_scan *scan, uint32_t message) {
    uint32_t refusal = json_find(scan, message, "refusal");
    return refusal != 0 && scan->nodes[refusal].shape == JSON_SHAPE_text &&
           scan->nodes[refusal].size > 2;
}

// ---- streams ------------------------------------------------------------------------------------

// Texts that come in pieces, wherever they stand in a delta; any other comes as a whole, and
// servers repeat some. Only in calls is the index of an element no part of what it is without a
// stream.
static const char *const grows[] = {"content",  "refusal", "reasoning",  "reasoning_content",
                                    "thinking", "text",    "summary",    "arguments",
                                    "input",    "data",    "transcript", NULL};
static const char *const placed[] = {"tool_calls", NULL};
static const struct grown_growth growth = {.grows = grows, .placed = placed};

static bool grown_is(const struct grown *body, uint32_t node, struct bytes json) {
    struct buf raw;
    buf_init(&raw, GROWN_BYTES_MAX);
    grown_put(body, node, &raw);
    bool is_it = bytes_equal(buf_bytes(&raw), json);
    buf_release(&raw);
    return is_it;
}

// The text that a part holds, and nothing else but its type; NULL: it holds no text, or more.
static const char *only_text(const struct json_scan *scan, uint32_t part, uint32_t type) {
    static const char *const texts[] = {"text", "thinking", "reasoning", "summary", "refusal"};
    const char *found = NULL;
    for (uint32_t i = part + 1; i < scan->nodes[part].end; i = scan->nodes[i].end) {
        const char *name = NULL;
        if (i == type || scan->nodes[i].shape == JSON_SHAPE_null)
            continue;
        for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++)
            name = json_is_named(scan, i, bytes_text(texts[k])) ? texts[k] : name;
        if (!name || found)
            return NULL;
        found = name;
    }
    return found;
}

// Whether a part holds that text too, and nothing else but that type, which may be none.
static bool grown_is_only(struct grown *body, uint32_t part, const char *text, struct bytes type) {
    uint32_t there = grown_find(body, part, "type"), value = grown_find(body, part, text);
    bool has_type = there != 0 && body->nodes[there].shape != JSON_SHAPE_null;
    return value != 0 && grown_has_only(body, part, there, value) &&
           (has_type ? grown_is(body, there, type) : type.size == 0);
}

// Parts have no numbers: one that holds only a text goes on with the last one if that does too, and
// is of its type. Two that hold anything else are two.
static uint32_t part_of(struct grown *body, uint32_t content, const char *text, struct bytes type) {
    uint32_t last = body->nodes[content].last;
    if (last != 0 && text && grown_is_only(body, last, text, type))
        return last;
    last = grown_next(body, content);
    if (type.size > 0)
        (void)grown_set_json(body, grown_member(body, last, "type"), type);
    return last;
}

// A text so far becomes the first part.
static void open_parts(struct grown *body, uint32_t content) {
    struct buf parts;
    if (body->nodes[content].shape == JSON_SHAPE_array)
        return;
    bool is_empty = body->nodes[content].shape != JSON_SHAPE_text ||
                    grown_is(body, content, bytes_text("\"\""));
    buf_init(&parts, GROWN_BYTES_MAX);
    buf_text(&parts, is_empty ? "[" : "[{\"type\":\"text\",\"text\":");
    if (!is_empty)
        grown_put(body, content, &parts);
    buf_text(&parts, is_empty ? "]" : "}]");
    (void)grown_set_json(body, content, buf_bytes(&parts));
    buf_release(&parts);
}

// Content as a text, or as parts, or first the one and then the other.
static void take_content(struct grown *body, uint32_t content, struct json_scan *scan,
                         uint32_t from) {
    bool has_parts = scan->nodes[from].shape == JSON_SHAPE_array;
    if (!has_parts && body->nodes[content].shape != JSON_SHAPE_array) {
        grown_grow(body, content, scan, from, &growth);
        return;
    }
    open_parts(body, content);
    for (uint32_t i = from + 1; has_parts && i < scan->nodes[from].end; i = scan->nodes[i].end) {
        uint32_t type = said(scan, i, "type");
        struct bytes raw = type != 0 ? json_raw(scan, type) : bytes_text("");
        uint32_t part = part_of(body, content, only_text(scan, i, type), raw);
        grown_grow(body, part, scan, i, &growth);
    }
    bool is_text = scan->nodes[from].shape == JSON_SHAPE_text && scan->nodes[from].size > 2;
    if (is_text) {
        uint32_t part = part_of(body, content, "text", bytes_text("\"text\""));
        grown_grow(body, grown_member(body, part, "text"), scan, from, &growth);
    }
    scan->nodes[from].is_marked = true;
}

static void take_delta(struct grown *body, uint32_t message, struct json_scan *scan,
                       uint32_t from) {
    bool is_object = scan->nodes[from].shape == JSON_SHAPE_object;
    for (uint32_t i = from + 1; is_object && i < scan->nodes[from].end; i = scan->nodes[i].end) {
        uint32_t to = grown_member_like(body, message, scan, i);
        if (json_is_named(scan, i, bytes_text("content")))
            take_content(body, to, scan, i);
        else
            grown_grow(body, to, scan, i, &growth);
    }
    scan->nodes[from].is_marked = true;
}

static void take_choice(struct grown *body, struct json_scan *scan, uint32_t from) {
    uint32_t choices = grown_member(body, 0, "choices"), index = said(scan, from, "index");
    uint32_t key = 0;
    if (index != 0 && !said_key(scan, index, &key))
        return;
    uint32_t choice = grown_element(body, choices, key);
    for (uint32_t i = from + 1; i < scan->nodes[from].end; i = scan->nodes[i].end) {
        if (json_is_named(scan, i, bytes_text("delta")))
            take_delta(body, grown_member(body, choice, "message"), scan, i);
        else if (json_is_named(scan, i, bytes_text("finish_reason")))
            grown_keep(body, grown_member(body, choice, "finish_reason"), scan, i);
        else if (json_is_named(scan, i, bytes_text("logprobs")) ||
                 json_is_named(scan, i, bytes_text("text")))
            grown_grow(body, grown_member_like(body, choice, scan, i), scan, i, &growth);
        else
            grown_merge(body, grown_member_like(body, choice, scan, i), scan, i);
    }
}

// Each chunk names the whole answer again, and adds to its choices; the first may leave names
// empty, and usage comes in the last one, or in each.
static void take_event(struct assembly *assembly, const struct sse_event *event,
                       struct json_scan *scan) {
    struct grown *body = &assembly->body;
    (void)event;
    if (scan->nodes[0].shape != JSON_SHAPE_object)
        return;
    for (uint32_t i = 1; i < scan->count; i = scan->nodes[i].end) {
        bool is_choices = json_is_named(scan, i, bytes_text("choices"));
        if (is_choices && scan->nodes[i].shape == JSON_SHAPE_array) {
            for (uint32_t k = i + 1; k < scan->nodes[i].end; k = scan->nodes[k].end)
                take_choice(body, scan, k);
            scan->nodes[i].is_marked = scan->nodes[i].count == 0;
        } else if (json_is_named(scan, i, bytes_text("object"))) {
            grown_set_text(body, grown_member(body, 0, "object"), "chat.completion");
            scan->nodes[i].is_marked = true;
        } else if (scan->nodes[i].shape == JSON_SHAPE_text) {
            if (!json_is_named(scan, i, bytes_text("obfuscation")))
                grown_keep(body, grown_member_like(body, 0, scan, i), scan, i);
        } else if (!is_choices) {
            grown_merge(body, grown_member_like(body, 0, scan, i), scan, i);
        }
    }
}

// Some servers give no choice a reason and end with the counters; of those that give any, a choice
// without one was cut.
static bool is_finished(const struct json_scan *scan) {
    uint32_t choices = json_find(scan, 0, "choices"), reasons = 0;
    if (choices == 0)
        return false;
    for (uint32_t i = choices + 1; i < scan->nodes[choices].end; i = scan->nodes[i].end)
        reasons += said(scan, i, "finish_reason") != 0;
    return reasons == 0 || reasons == scan->nodes[choices].count;
}

const struct answer_shape shape_openai_chat = {
    .name = "openai.chat",
    .refusal = refusal_of,
    .put_message = put_message,
    .is_declined = is_declined,
    .is_finished = is_finished,
    .take_event = take_event,
};
