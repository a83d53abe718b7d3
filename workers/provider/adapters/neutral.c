#include "workers/provider/adapters/neutral.h"

#include <stdio.h>
#include <string.h>

void put_bytes(struct buf *out, struct bytes bytes) {
    buf_put(out, bytes.at, bytes.size);
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

// Params and tools may hold from a turn for another API, which took them.
static const char *refused_settings(const struct adapter_job *job, const struct json_scan *scan,
                                    const struct turn *turn, takes_settings *takes,
                                    const struct function_form *form) {
    struct buf words;
    const char *refusal = NULL;
    buf_init(&words, URL_BYTES_MAX);
    if (turn->params && !takes(job->api, scan, turn->params, &words))
        refusal = "parameter_not_served";
    else if (turn->tools && !takes_functions(scan, turn->tools, form, &words))
        refusal = "tool_not_served";
    buf_release(&words);
    return refusal;
}

const char *turn_open(const struct adapter_job *job, struct json_scan *scan, struct turn *turn,
                      takes_settings *takes, const struct function_form *form) {
    if (json_scan(scan, job->context, NULL) != ERR_OK || !has_shape(scan, 0, JSON_SHAPE_object))
        return "context_malformed";
    *turn = (struct turn){
        .system = stated_in(scan, 0, "system"),
        .params = stated_in(scan, 0, "params"),
        .tools = stated_in(scan, 0, "tools"),
        .messages = stated_in(scan, 0, "messages"),
        .previous = stated_in(scan, 0, "previous"),
    };
    if (turn->previous && !job->api->api_stateful)
        return "state_not_served";
    if (!turn->messages || !has_shape(scan, turn->messages, JSON_SHAPE_array) ||
        !is_shape_or_absent(scan, turn->system, JSON_SHAPE_text) ||
        !is_shape_or_absent(scan, turn->tools, JSON_SHAPE_array) ||
        !is_shape_or_absent(scan, turn->params, JSON_SHAPE_object))
        return "context_malformed";
    for (uint32_t i = first_in(turn->messages); i < next_in(scan, turn->messages);
         i = next_in(scan, i))
        if (!has_shape(scan, i, JSON_SHAPE_object))
            return "context_malformed";
    // No API goes on with a conversation in which a call has no result.
    return results_are_there(scan, turn->messages) ? refused_settings(job, scan, turn, takes, form)
                                                   : "tool_result_missing";
}

// ---- writing ------------------------------------------------------------------------------------

void put_name(struct buf *out, const struct json_scan *scan, uint32_t node) {
    const struct json_node *at = &scan->nodes[node];
    buf_byte(out, '"');
    buf_put(out, scan->text.at + at->name_at, at->name_size);
    buf_text(out, "\":");
}

void put_member(struct buf *out, const struct json_scan *scan, uint32_t node) {
    put_name(out, scan, node);
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

void put_others(struct buf *out, const struct json_scan *scan, uint32_t object,
                const char *const *left_out) {
    for (uint32_t i = first_in(object); i < next_in(scan, object); i = next_in(scan, i)) {
        if (is_one_of(scan, i, left_out))
            continue;
        buf_text(out, ",");
        put_member(out, scan, i);
    }
}

// ---- images -------------------------------------------------------------------------------------

bool split_data_url(struct bytes url, struct bytes *media_type, struct bytes *data) {
    static const char begin[] = "data:", middle[] = ";base64,";
    if (url.size < 5 || memcmp(url.at, begin, 5) != 0)
        return false;
    const uint8_t *at = memmem(url.at, url.size, middle, strlen(middle));
    if (!at)
        return false;
    *media_type = bytes_of(url.at + 5, (size_t)(at - url.at) - 5);
    *data = bytes_of(at + strlen(middle), url.size - media_type->size - 5 - strlen(middle));
    return true;
}

uint32_t image_url_of(const struct json_scan *scan, uint32_t part) {
    uint32_t image = stated_in(scan, part, "image_url");
    uint32_t url =
        image && has_shape(scan, image, JSON_SHAPE_object) ? stated_in(scan, image, "url") : image;
    return url && has_shape(scan, url, JSON_SHAPE_text) ? url : 0;
}

struct bytes inside(const struct json_scan *scan, uint32_t text) {
    struct bytes raw = json_raw(scan, text);
    return bytes_of(raw.at + 1, raw.size - 2);
}

// ---- what was said ------------------------------------------------------------------------------

uint32_t text_of(const struct json_scan *scan, uint32_t part) {
    uint32_t text = is_part(scan, part, "text") ? json_find(scan, part, "text") : part;
    return text && has_shape(scan, text, JSON_SHAPE_text) ? text : 0;
}

uint32_t spoken_text(const struct json_scan *scan, uint32_t part) {
    uint32_t text =
        is_part(scan, part, "refusal") ? json_find(scan, part, "refusal") : text_of(scan, part);
    bool is_text = text && has_shape(scan, text, JSON_SHAPE_text);
    return is_text && scan->nodes[text].size > 2 ? text : 0;
}

// ---- tools --------------------------------------------------------------------------------------

static struct tool_call call_of(const struct json_scan *scan, uint32_t node) {
    static const char *const owners[] = {"function", "functionCall"};
    static const char *const names[] = {"arguments", "input", "args"};
    uint32_t owner = 0, arguments = 0;
    for (size_t i = 0; !owner && i < sizeof(owners) / sizeof(owners[0]); i++)
        owner = stated_in(scan, node, owners[i]);
    owner = owner ? owner : node;
    for (size_t i = 0; !arguments && i < sizeof(names) / sizeof(names[0]); i++)
        arguments = stated_in(scan, owner, names[i]);
    return (struct tool_call){
        .id = stated_in(scan, node, "id"),
        .name = stated_in(scan, owner, "name"),
        .arguments = arguments,
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

void spoken_walk(struct spoken *spoken, const struct json_scan *scan, uint32_t message) {
    uint32_t content = stated_in(scan, message, "content");
    bool has_parts = content && has_shape(scan, content, JSON_SHAPE_array);
    *spoken = (struct spoken){
        .message = message,
        .content = has_parts ? content : 0,
        .rest = {has_parts ? 0 : content, stated_in(scan, message, "refusal")},
    };
    calls_walk(&spoken->calls, scan, message);
}

static uint32_t next_text(const struct json_scan *scan, struct spoken *spoken) {
    uint32_t text = 0;
    while (!text && step(scan, spoken->content, &spoken->at))
        text = spoken_text(scan, spoken->at);
    for (int i = 0; !text && i < 2; i++) {
        text = spoken->rest[i] ? spoken_text(scan, spoken->rest[i]) : 0;
        spoken->rest[i] = 0;
    }
    return text;
}

// What a model thought is for nobody but itself, whichever API has it.
static bool is_thought(const struct json_scan *scan, uint32_t part) {
    static const char *const types[] = {"thinking", "redacted_thinking", "reasoning", "thought"};
    uint32_t thought = stated_in(scan, part, "thought");
    bool is_it = thought && has_shape(scan, thought, JSON_SHAPE_true);
    for (size_t i = 0; !is_it && i < sizeof(types) / sizeof(types[0]); i++)
        is_it = is_part(scan, part, types[i]);
    return is_it;
}

// A model's call without an id or a name is nobody's.
static bool is_everyones(const struct json_scan *scan, uint32_t part, bool is_models) {
    struct tool_call call = call_of(scan, part);
    return text_of(scan, part) || is_part(scan, part, "refusal") ||
           (is_part(scan, part, "tool_use") && (is_models || (call.id && call.name)));
}

// Whether something would be lost: of what a file says the assistant said each part counts, of what
// a model said at least one has to arrive, unless it only thought.
static bool is_lost(const struct json_scan *scan, const struct spoken *spoken) {
    bool is_models = stated_in(scan, spoken->message, "shape") != 0;
    uint32_t content = spoken->content;
    if (!spoken->has_any && stated_in(scan, spoken->message, "audio"))
        return true; // speech, which only its API has
    if (!content || (spoken->has_any && is_models))
        return false;
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i))
        if (!is_everyones(scan, i, is_models) &&
            !(is_thought(scan, i) && (spoken->has_any || is_models)))
            return true;
    return false;
}

bool next_spoken(const struct json_scan *scan, struct spoken *spoken) {
    bool is_call = false;
    spoken->text = next_text(scan, spoken);
    while (!spoken->text && !is_call && next_call(scan, &spoken->calls, &spoken->call))
        is_call = spoken->call.id && spoken->call.name;
    if (spoken->text || is_call)
        spoken->has_any = true;
    else if (is_lost(scan, spoken))
        spoken->refusal = "part_not_served";
    return spoken->text || is_call;
}

void put_as_text(struct buf *out, const struct json_scan *scan, uint32_t node) {
    if (node == 0)
        buf_text(out, "\"\"");
    else if (has_shape(scan, node, JSON_SHAPE_text))
        put_bytes(out, json_raw(scan, node));
    else
        json_put_text(out, json_raw(scan, node));
}

bool has_parts_of(const struct json_scan *scan, uint32_t message, const char *shape) {
    uint32_t content = stated_in(scan, message, "content");
    return content && has_shape(scan, content, JSON_SHAPE_array) &&
           is_said(scan, json_find(scan, message, "shape"), shape);
}

void put_arguments_text(struct buf *out, const struct json_scan *scan, uint32_t node) {
    if (node == 0)
        buf_text(out, "\"{}\"");
    else
        put_as_text(out, scan, node);
}

static struct bytes behind(struct bytes text, size_t size) {
    return bytes_of(text.at + size, text.size - size);
}

static size_t count_digits(struct bytes text) {
    size_t count = 0;
    while (count < text.size && text.at[count] >= '0' && text.at[count] <= '9')
        count++;
    return count;
}

// What stands behind a model's name where it is the same model: a date from the year on, or its
// month and day, or a number of three digits, and all of it or nothing behind "-preview". What has
// less, or other words, is another model.
static bool is_snapshot(struct bytes rest) {
    static const char preview[] = "-preview";
    enum { DIGITS_MIN = 3 };
    bool is_preview = begins_with(rest, bytes_text(preview));
    rest = is_preview ? behind(rest, strlen(preview)) : rest;
    if (rest.size == 0)
        return true;
    size_t digits = count_digits(behind(rest, 1));
    bool is_number = rest.at[0] == '-' && (is_preview || digits >= DIGITS_MIN);
    for (size_t at = 1; is_number && at < rest.size; at += digits + 1) {
        digits = count_digits(behind(rest, at));
        is_number = digits > 0 && (at + digits == rest.size || rest.at[at + digits] == '-');
    }
    return is_number;
}

static bool is_snapshot_of(struct bytes name, struct bytes model) {
    return begins_with(name, model) && is_snapshot(behind(name, model.size));
}

// An alias may leave out the version behind the first word: gemini-flash-latest.
static bool is_led_to(struct bytes name, struct bytes alias) {
    static const char latest[] = "-latest";
    size_t size = alias.size - strlen(latest);
    if (alias.size <= strlen(latest) || !bytes_is(behind(alias, size), latest))
        return false;
    struct bytes model = bytes_of(alias.at, size);
    const uint8_t *dash = memchr(model.at, '-', model.size);
    size_t word = dash ? (size_t)(dash - model.at) : model.size, at = word + 1;
    if (is_snapshot_of(name, model))
        return true;
    if (name.size <= at || memcmp(name.at, model.at, word) != 0)
        return false;
    while (at < name.size && (count_digits(behind(name, at)) > 0 || name.at[at] == '.'))
        at++;
    return at > word + 1 && is_snapshot_of(behind(name, at), behind(model, word));
}

static struct bytes name_in(const struct json_scan *scan, uint32_t message, const char *member) {
    uint32_t name = stated_in(scan, message, member);
    return name && has_shape(scan, name, JSON_SHAPE_text) ? inside(scan, name) : bytes_text("");
}

bool is_made_by(const struct json_scan *scan, uint32_t message, struct bytes model) {
    struct bytes asked = name_in(scan, message, "asked"), served = name_in(scan, message, "model");
    return bytes_equal(asked, model) || is_snapshot_of(served, model) || is_led_to(served, model);
}

void put_arguments(struct buf *out, const struct json_scan *scan, uint32_t node) {
    struct buf text;
    buf_init(&text, CONTEXT_BYTES_MAX);
    bool is_text = node && has_shape(scan, node, JSON_SHAPE_text);
    struct bytes arguments = is_text ? json_text(scan, node, &text)
                             : node  ? json_raw(scan, node)
                                     : bytes_text("{}");
    if (json_is_complete(arguments) && arguments.at[0] == '{') {
        put_bytes(out, arguments);
    } else if (arguments.size == 0) {
        buf_text(out, "{}");
    } else {
        buf_text(out, "{\"arguments\":");
        json_put_text(out, arguments);
        buf_text(out, "}");
    }
    buf_release(&text);
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

static bool takes_content(const struct json_scan *line, uint32_t content, bool is_told,
                          takes_part *takes, struct buf *words) {
    if (!content || !has_shape(line, content, JSON_SHAPE_array))
        return true;
    for (uint32_t i = first_in(content); i < next_in(line, content); i = next_in(line, i)) {
        bool is_result = !is_told && is_part(line, i, "tool_result");
        if (!takes(line, i, is_told, words) ||
            (is_result && !takes_content(line, stated_in(line, i, "content"), true, takes, words)))
            return false;
    }
    return true;
}

bool takes_parts(const struct json_scan *line, takes_part *takes, struct buf *words) {
    uint32_t said, at = 0;
    while ((said = next_said(line, &at)) != 0)
        if (!takes_content(line, said, is_said(line, json_find(line, at, "role"), "tool"), takes,
                           words))
            return false;
    return true;
}

uint32_t next_brought(const struct json_scan *line, uint32_t *at) {
    uint32_t messages = stated_in(line, 0, "messages");
    return step(line, messages, at) ? *at : 0;
}

bool takes_spoken(const struct json_scan *line, uint32_t message, struct buf *words) {
    struct spoken spoken;
    spoken_walk(&spoken, line, message);
    while (next_spoken(line, &spoken))
        ;
    if (spoken.refusal)
        buf_text(words, "of what the assistant said this API can be told texts and calls of tools "
                        "only, which have an id and a name");
    return !spoken.refusal;
}

bool takes_history(const struct json_scan *line, const char *shape, struct buf *words) {
    for (uint32_t at = 0; next_brought(line, &at);) {
        uint32_t role = json_find(line, at, "role");
        if (!is_said(line, role, "tool") && stated_in(line, at, "name")) {
            buf_text(words, "this API has no \"name\" of who speaks: say it in the content");
            return false;
        }
        if (is_said(line, role, "assistant") && !has_parts_of(line, at, shape) &&
            !takes_spoken(line, at, words))
            return false;
    }
    return true;
}

bool refuse_type(struct buf *words, const char *before, const struct json_scan *scan,
                 uint32_t object, const char *after) {
    enum { SHOWN_MAX = 64 };
    uint32_t type = json_find(scan, object, "type");
    bool is_text = type && has_shape(scan, type, JSON_SHAPE_text);
    struct bytes shown = is_text ? bytes_cut(json_raw(scan, type), SHOWN_MAX) : bytes_text("");
    buf_printf(words, "%s%s%.*s%s", before, is_text ? " of type " : " without a type",
               (int)shown.size, (const char *)shown.at, after);
    return false;
}
