// The user's tools, and what a turn says of their choice: each API writes a function in its own
// way.
#include "workers/provider/adapters/neutral.h"

static const char *const schemas[] = {"parameters", "input_schema", "parametersJsonSchema", NULL};

static uint32_t schema_of(const struct json_scan *scan, uint32_t function) {
    uint32_t schema = 0;
    for (const char *const *name = schemas; *name && !schema; name++)
        schema = stated_in(scan, function, *name);
    return schema;
}

bool function_of(const struct json_scan *scan, uint32_t tool, struct function *function) {
    uint32_t type = json_find(scan, tool, "type"), inner = stated_in(scan, tool, "function");
    bool is_custom = is_said(scan, type, "custom") && stated_in(scan, tool, "input_schema");
    if (type && !is_custom && !is_said(scan, type, "function"))
        return false;
    uint32_t from = inner && has_shape(scan, inner, JSON_SHAPE_object) ? inner : tool;
    *function = (struct function){
        .tool = tool,
        .from = from,
        .name = stated_in(scan, from, "name"),
        .schema = schema_of(scan, from),
    };
    return function->name != 0;
}

// What another API has, and this one not; whoever states that it is not so says nothing.
static bool is_foreign(const struct json_scan *scan, uint32_t member,
                       const struct function_form *form) {
    return form->others && is_one_of(scan, member, form->others);
}

static bool says_nothing(const struct json_scan *scan, uint32_t member) {
    return has_shape(scan, member, JSON_SHAPE_null) || has_shape(scan, member, JSON_SHAPE_false);
}

static bool takes_members(const struct json_scan *scan, uint32_t object,
                          const struct function_form *form, struct buf *words) {
    for (uint32_t i = first_in(object); i < next_in(scan, object); i = next_in(scan, i)) {
        const struct json_node *node = &scan->nodes[i];
        if (!is_foreign(scan, i, form) || says_nothing(scan, i))
            continue;
        buf_printf(words, "this API's functions have no \"%.*s\"", (int)node->name_size,
                   (const char *)scan->text.at + node->name_at);
        return false;
    }
    return true;
}

bool takes_functions(const struct json_scan *scan, uint32_t tools, const struct function_form *form,
                     struct buf *words) {
    struct function function;
    for (uint32_t i = first_in(tools); i < next_in(scan, tools); i = next_in(scan, i))
        if (function_of(scan, i, &function) && (!takes_members(scan, function.from, form, words) ||
                                                !takes_members(scan, function.tool, form, words)))
            return false;
    return true;
}

static void put_members(struct buf *out, const struct json_scan *scan, uint32_t object,
                        const struct function_form *form, bool is_strict_said) {
    static const char *const ours[] = {"type", "function", "name", NULL};
    for (uint32_t i = first_in(object); i < next_in(scan, object); i = next_in(scan, i)) {
        bool is_again = is_strict_said && json_is_named(scan, i, bytes_text("strict"));
        if (is_one_of(scan, i, ours) || is_one_of(scan, i, schemas) || is_foreign(scan, i, form) ||
            is_again)
            continue;
        buf_text(out, ",");
        put_member(out, scan, i);
    }
}

void put_function(struct buf *out, const struct json_scan *scan, const struct function *function,
                  const struct function_form *form) {
    put_member(out, scan, function->name);
    put_members(out, scan, function->from, form, false);
    if (function->from != function->tool)
        put_members(out, scan, function->tool, form, json_find(scan, function->from, "strict"));
    if (!function->schema && !form->no_schema)
        return;
    buf_printf(out, ",\"%s\":", form->schema);
    put_bytes(out,
              function->schema ? json_raw(scan, function->schema) : bytes_text(form->no_schema));
}

void put_tools(struct buf *out, const struct json_scan *scan, uint32_t tools, put_node *put_tool) {
    if (!tools || scan->nodes[tools].count == 0)
        return;
    buf_text(out, ",\"tools\":");
    put_array(out, scan, tools, put_tool);
}

enum choice choice_of(const struct json_scan *scan, uint32_t choice, uint32_t *name) {
    static const struct {
        const char *word;
        enum choice choice;
    } words[] = {{"auto", CHOICE_auto},    {"none", CHOICE_none},    {"any", CHOICE_any},
                 {"required", CHOICE_any}, {"function", CHOICE_one}, {"tool", CHOICE_one}};
    bool is_object = has_shape(scan, choice, JSON_SHAPE_object);
    uint32_t word = is_object ? stated_in(scan, choice, "type") : choice;
    uint32_t function = is_object ? stated_in(scan, choice, "function") : 0;
    *name = is_object ? stated_in(scan, function ? function : choice, "name") : 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (is_said(scan, word, words[i].word))
            return words[i].choice != CHOICE_one || is_object ? words[i].choice : CHOICE_odd;
    return CHOICE_odd;
}
