// Answers in the shape of OpenAI's Chat Completions.
#include "workers/extractor/shape.h"

static const char *refusal_of(const struct json_scan *scan) {
    if (scan->nodes[0].shape != JSON_SHAPE_object)
        return "not_an_object";
    uint32_t choices = json_find(scan, 0, "choices");
    if (choices != 0 && scan->nodes[choices].shape == JSON_SHAPE_array &&
        scan->nodes[choices].count > 0)
        return NULL;
    uint32_t error = json_find(scan, 0, "error");
    return error != 0 && scan->nodes[error].shape != JSON_SHAPE_null ? "error_in_answer"
                                                                     : "no_choices";
}

static void put_member(const struct json_scan *scan, uint32_t value, const char *name,
                       struct buf *out) {
    if (value == 0)
        return;
    buf_printf(out, "%s\"%s\":", buf_bytes(out).size > 1 ? "," : "", name);
    json_put_node(out, scan, value);
}

// The member, unless it is absent or null.
static uint32_t said(const struct json_scan *scan, uint32_t object, const char *name) {
    uint32_t value = json_find(scan, object, name);
    return value != 0 && scan->nodes[value].shape != JSON_SHAPE_null ? value : 0;
}

// Role, content, refusal, tool_calls, function_call, audio.id, and the visible reasoning of
// compatible servers.
static void put_message(const struct json_scan *scan, uint32_t message, struct buf *out) {
    static const char *const members[] = {"refusal", "tool_calls", "function_call",
                                          "reasoning_content", "reasoning"};
    buf_byte(out, '{');
    if (said(scan, message, "role") != 0)
        put_member(scan, said(scan, message, "role"), "role", out);
    else
        buf_text(out, "\"role\":\"assistant\"");
    put_member(scan, json_find(scan, message, "content"), "content", out);
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

const struct answer_shape shape_openai_chat = {
    .name = "openai.chat",
    .refusal = refusal_of,
    .put_message = put_message,
    .is_declined = is_declined,
};
