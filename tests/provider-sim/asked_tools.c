#include "tests/provider-sim/asked.h"
#include "tests/provider-sim/scan.h"

static void note_tool(struct asked *asked, struct span name) {
    if (asked->tool.size == 0)
        asked->tool = name;
    else if (asked->tool_2.size == 0)
        asked->tool_2 = name;
}

// Notes the names in {"type":"function","function":{"name":…}}, in {"name":…} and in
// {"functionDeclarations":[{"name":…},…]}.
static void read_tool(struct asked *asked, struct span tool, int depth) {
    struct scan scan = scan_new(tool);
    struct span key, raw;
    bool is_first = true;
    if (scan_peek(&scan) == SCAN_ARRAY && depth > 0) {
        scan_enter(&scan, '[');
        while (scan_item(&scan, &is_first) && scan_value(&scan, &raw))
            read_tool(asked, raw, 0);
    }
    if (scan_peek(&scan) != SCAN_OBJECT)
        return;
    scan_enter(&scan, '{');
    while (scan_member(&scan, &is_first, &key)) {
        bool is_name = span_is(key, "name") && scan_peek(&scan) == SCAN_STRING;
        if (is_name ? !scan_string(&scan, &raw) : !scan_value(&scan, &raw))
            return;
        if (is_name)
            note_tool(asked, raw);
        else if (depth > 0 && (span_is(key, "function") || span_is(key, "functionDeclarations") ||
                               span_is(key, "function_declarations")))
            read_tool(asked, raw, span_is(key, "function") ? 0 : 1);
    }
}

static bool is_search(enum dialect dialect, struct span tool) {
    if (dialect == DIALECT_CHAT || span_is(scan_find(tool, "type"), "\"function\""))
        return false;
    if (dialect == DIALECT_MESSAGES)
        return span_has(tool, "\"web_search_");
    return span_has(tool, "\"web_search") || span_has(tool, "\"x_search\"") ||
           span_has(tool, "\"googleSearch\"") || span_has(tool, "\"google_search\"");
}

void asked_tools(struct asked *asked, enum dialect dialect, struct span tools) {
    struct scan scan = scan_new(tools);
    struct span tool;
    bool is_first = true;
    scan_enter(&scan, '[');
    while (scan_item(&scan, &is_first) && scan_value(&scan, &tool)) {
        if (is_search(dialect, tool)) {
            asked->wants_search = true;
            continue;
        }
        read_tool(asked, tool, 1);
        asked->has_tools = asked->has_tools || dialect != DIALECT_GENERATE || asked->tool.size > 0;
    }
    asked->tools = tools;
    asked->tools_bytes = tools.size;
}
