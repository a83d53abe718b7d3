#include "tests/provider-sim/asked.h"
#include "tests/provider-sim/json.h"
#include "tests/provider-sim/scan.h"

// The id in a conversation's name or in {"id":…}.
static struct span id_in(struct span raw) {
    struct scan scan = scan_new(raw);
    struct span key, value, id = {"", 0};
    bool is_first = true;
    if (scan_peek(&scan) == SCAN_STRING) {
        scan_string(&scan, &id);
        return id;
    }
    if (scan_peek(&scan) != SCAN_OBJECT)
        return id;
    scan_enter(&scan, '{');
    while (scan_member(&scan, &is_first, &key)) {
        if (span_is(key, "id") && scan_peek(&scan) == SCAN_STRING)
            scan_string(&scan, &id);
        else if (!scan_value(&scan, &value))
            break;
    }
    return id;
}

struct asked_state asked_state(struct span body) {
    struct asked_state state = {.previous = {"", 0}, .conversation = {"", 0}, .prefix = {"", 0}};
    struct scan scan = scan_new(body);
    struct span key, raw;
    bool is_first = true;
    if (scan_peek(&scan) != SCAN_OBJECT)
        return state;
    scan_enter(&scan, '{');
    while (scan_member(&scan, &is_first, &key) && scan_value(&scan, &raw)) {
        if (span_is(key, "previous_response_id") || span_is(key, "previous_interaction_id"))
            state.previous = id_in(raw);
        else if (span_is(key, "conversation"))
            state.conversation = id_in(raw);
        else if (span_is(key, "cachedContent") || span_is(key, "cached_content"))
            state.prefix = id_in(raw);
    }
    return state;
}

void asked_unstreamed(struct span body, struct text *out) {
    struct scan scan = scan_new(body);
    struct span key, raw;
    bool is_first = true, is_empty = true;
    text_add(out, "{");
    scan_enter(&scan, '{');
    while (scan_member(&scan, &is_first, &key) && scan_value(&scan, &raw)) {
        if (span_is(key, "stream") || span_is(key, "stream_options"))
            continue;
        json_put(out, is_empty ? "'%r':%r" : ",'%r':%r", key, raw);
        is_empty = false;
    }
    text_add(out, "}");
}
