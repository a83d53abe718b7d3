#include "workers/accountant/turn.h"

static bool is_text(const struct json_scan *scan, uint32_t node, const char *raw) {
    return node != 0 && bytes_is(json_raw(scan, node), raw);
}

bool turn_says_open(struct turn_says *says, struct bytes line, struct json_scan *scan) {
    *says = (struct turn_says){.scan = scan};
    if (json_scan(scan, line, NULL) != ERR_OK || scan->nodes[0].shape != JSON_SHAPE_object)
        return false;
    says->input = json_find(scan, 0, "input");
    says->messages = json_find(scan, 0, "messages");
    if (says->input != 0)
        return scan->nodes[says->input].shape == JSON_SHAPE_text ||
               scan->nodes[says->input].shape == JSON_SHAPE_array;
    return says->messages != 0 && scan->nodes[says->messages].shape == JSON_SHAPE_array &&
           scan->nodes[says->messages].count > 0;
}

static void put_user(struct buf *out, struct bytes content) {
    buf_text(out, "{\"role\":\"user\",\"content\":");
    buf_put(out, content.at, content.size);
    buf_byte(out, '}');
}

// {"role": "tool", "tool_call_id", "content"}: a result.
static void put_result(struct buf *out, const struct json_scan *scan, uint32_t message) {
    static const char *const members[] = {"tool_call_id", "name", "content"};
    buf_text(out, "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        uint32_t member = json_find(scan, message, members[i]);
        if (member == 0)
            continue;
        struct bytes raw = json_raw(scan, member);
        buf_printf(out, ",\"%s\":", members[i]);
        buf_put(out, raw.at, raw.size);
    }
    buf_text(out, "}]}");
}

bool turn_says_next(struct turn_says *says, struct buf *out, bool *is_assistant) {
    const struct json_scan *scan = says->scan;
    *is_assistant = false;
    if (says->input != 0) {
        if (says->at != 0)
            return false;
        says->at = says->input;
        put_user(out, json_raw(scan, says->input));
        return true;
    }
    says->at = says->at == 0 ? says->messages + 1 : scan->nodes[says->at].end;
    if (says->at >= scan->nodes[says->messages].end)
        return false;
    uint32_t role = json_find(scan, says->at, "role");
    struct bytes raw = json_raw(scan, says->at);
    *is_assistant = is_text(scan, role, "\"assistant\"");
    if (is_text(scan, role, "\"tool\""))
        put_result(out, scan, says->at);
    else
        buf_put(out, raw.at, raw.size);
    return true;
}
