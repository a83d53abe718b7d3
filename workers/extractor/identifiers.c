#include "common/wire.h"
#include "workers/extractor/extract.h"
#include "workers/extractor/headers.h"

#include <stdio.h>

enum { PATH_BYTES_MAX = 256, KIND_BYTES_MAX = 64 };

// Not the place of an identifier: the document itself is none.
#define NODE_none 0u

static struct span span_of(struct bytes text) {
    return (struct span){.at = text.at, .size = text.size};
}

// What was appended to the pool since it had that size.
static struct span span_since(const struct buf *pool, size_t before) {
    size_t size = buf_bytes(pool).size;
    return (struct span){.pool_at = before, .size = size > before ? size - before : 0};
}

static size_t pool_size(const struct extract *extract) {
    return buf_bytes(&extract->pool).size;
}

// ---- Noting what was found. --------------------------------------------------------------------

static void note(struct extract *extract, struct span kind, struct span value, struct span path,
                 uint32_t node) {
    if (extract->identifier_count == IDENTIFIERS_MAX)
        return;
    size_t i = extract->identifier_count++;
    extract->found[i].kind = kind;
    extract->found[i].value = value;
    extract->found[i].path = path;
    extract->found[i].node = node;
}

static bool is_noted(const struct extract *extract, uint32_t node) {
    for (size_t i = 0; i < extract->identifier_count; i++)
        if (extract->found[i].node == node)
            return true;
    return false;
}

// The same kind: a kind of the user's stands beside the catalogue's.
static bool is_noted_as(const struct extract *extract, const char *kind, uint32_t node) {
    for (size_t i = 0; i < extract->identifier_count; i++)
        if (extract->found[i].node == node && extract->found[i].kind.at &&
            bytes_is(bytes_of(extract->found[i].kind.at, extract->found[i].kind.size), kind))
            return true;
    return false;
}

// The value of a node that may be an identifier: a text, or a number as it is written.
static struct span value_of(struct extract *extract, const struct json_scan *scan, uint32_t node) {
    const struct json_node *at = &scan->nodes[node];
    if (at->shape == JSON_SHAPE_number)
        return span_of(json_raw(scan, node));
    if (at->shape != JSON_SHAPE_text || at->size > 6 * IDENTIFIER_VALUE_BYTES_MAX)
        return (struct span){0};
    if (!at->has_escape)
        return span_of(json_text(scan, node, NULL));
    size_t before = pool_size(extract);
    (void)json_text(scan, node, &extract->pool);
    return span_since(&extract->pool, before);
}

static struct span path_of(struct extract *extract, uint32_t node) {
    size_t before = pool_size(extract);
    jsonpath_of(&extract->scan, node, &extract->pool);
    struct span path = span_since(&extract->pool, before);
    // A place that is too deep to be written down is still in the body.
    return path.size <= PATH_BYTES_MAX ? path : span_of(bytes_text("$"));
}

static bool is_value(struct span value) {
    return value.size > 0 && value.size <= IDENTIFIER_VALUE_BYTES_MAX;
}

static void note_header(struct extract *extract, struct span kind, const struct header *header) {
    if (header->value.size == 0 || header->value.size > IDENTIFIER_VALUE_BYTES_MAX ||
        header->name.size > PATH_BYTES_MAX - 7 || !utf8_is_valid(header->value) ||
        !utf8_is_valid(header->name))
        return;
    size_t before = pool_size(extract);
    buf_text(&extract->pool, "header:");
    header_put_name(header, &extract->pool);
    note(extract, kind, span_of(header->value), span_since(&extract->pool, before), NODE_none);
}

// ---- By the catalogue. -------------------------------------------------------------------------

struct by_rule {
    struct extract *extract;
    const struct identifier_rule *rule;
};

static bool visit_rule(void *context, const struct json_scan *scan, uint32_t node) {
    struct by_rule *by = context;
    struct span value = value_of(by->extract, scan, node);
    bool is_new = by->rule->is_users ? !is_noted_as(by->extract, by->rule->kind, node)
                                     : !is_noted(by->extract, node);
    if (is_value(value) && is_new)
        note(by->extract, span_of(bytes_text(by->rule->kind)), value, path_of(by->extract, node),
             node);
    return by->extract->identifier_count < IDENTIFIERS_MAX;
}

static void apply_rules(struct extract *extract) {
    const struct provider_api *api = extract->answer.api;
    for (size_t i = 0; i < api->identifier_count; i++) {
        struct by_rule by = {extract, &api->identifiers[i]};
        if (by.rule->path && extract->is_json &&
            jsonpath_all(by.rule->path, &extract->scan, visit_rule, &by, NULL) != ERR_OK)
            extract->paths_given_up++;
        for (size_t k = 0; by.rule->header && k < extract->header_count; k++)
            if (header_is(&extract->headers[k], by.rule->header))
                note_header(extract, span_of(bytes_text(by.rule->kind)), &extract->headers[k]);
    }
}

// ---- By their names. ---------------------------------------------------------------------------

static bool ends_with(struct bytes name, const char *end) {
    size_t size = strlen(end);
    return name.size >= size && memcmp(name.at + name.size - size, end, size) == 0;
}

static bool is_lower_or_digit(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// id, request_id, request-id, requestId, system_fingerprint.
static bool is_named_like_one(struct bytes name) {
    if (name.size < 2)
        return false;
    if (ends_with(name, "fingerprint"))
        return true;
    if (name.at[name.size - 1] != 'd' && name.at[name.size - 1] != 'D')
        return false;
    if (name.size == 2)
        return name.at[0] == 'i' || name.at[0] == 'I';
    uint8_t before = name.at[name.size - 3];
    if (ends_with(name, "Id") || ends_with(name, "ID"))
        return is_lower_or_digit(before) || before == '_' || before == '-';
    return ends_with(name, "id") && (before == '_' || before == '-');
}

// Appends a name as the beginning of a kind: lower-case words with _ between them.
static void put_words(struct buf *out, struct bytes name) {
    bool was_lower = false;
    for (size_t i = 0; i < name.size && i < KIND_BYTES_MAX - 8; i++) {
        uint8_t c = name.at[i];
        bool is_upper = c >= 'A' && c <= 'Z';
        if (is_upper && was_lower)
            buf_byte(out, '_');
        was_lower = is_lower_or_digit(c);
        if (is_upper)
            c = (uint8_t)(c + ('a' - 'A'));
        buf_byte(out, is_lower_or_digit(c) ? c : '_');
    }
}

// A kind made of the name: requestId → request_id; a bare id takes its owner's name before it.
static struct span kind_of_name(struct extract *extract, struct bytes owner, struct bytes name) {
    size_t before = pool_size(extract);
    if (name.size == 2 && owner.size > 0) {
        put_words(&extract->pool, owner);
        buf_byte(&extract->pool, '_');
    }
    put_words(&extract->pool, name);
    struct span kind = span_since(&extract->pool, before);
    bool ends_as_id = kind.size > 3 && ends_with(buf_bytes(&extract->pool), "_id");
    if (kind.size == 2 || ends_as_id)
        return kind.size == 2 ? span_of(bytes_text("body_id")) : kind;
    buf_text(&extract->pool, "_id");
    kind = span_since(&extract->pool, before);
    return kind.size <= KIND_BYTES_MAX ? kind : span_of(bytes_text("other_id"));
}

// The name of the member that holds the node, or that holds the list that holds it.
static struct bytes owner_of(const struct json_scan *scan, uint32_t node) {
    struct bytes owner = {0};
    for (uint32_t at = 0; at != node;) {
        const struct json_node *from = &scan->nodes[at];
        if (from->name_at != 0)
            owner = bytes_of(scan->text.at + from->name_at, from->name_size);
        uint32_t child = at + 1;
        while (scan->nodes[child].end <= node)
            child = scan->nodes[child].end;
        at = child;
    }
    return owner;
}

static void sweep_body(struct extract *extract) {
    const struct json_scan *scan = &extract->scan;
    for (uint32_t i = 1; i < scan->count && extract->identifier_count < IDENTIFIERS_MAX; i++) {
        const struct json_node *node = &scan->nodes[i];
        if (node->name_at == 0 || node->shape >= JSON_SHAPE_array)
            continue;
        struct bytes name = bytes_of(scan->text.at + node->name_at, node->name_size);
        if (!is_named_like_one(name))
            continue;
        // The value first: only what is one costs the walk to its owner and its path.
        struct span value = value_of(extract, scan, i);
        if (is_value(value) && !is_noted(extract, i))
            note(extract, kind_of_name(extract, owner_of(scan, i), name), value,
                 path_of(extract, i), i);
    }
}

static bool has_rule(const struct provider_api *api, const struct header *header) {
    for (size_t i = 0; i < api->identifier_count; i++)
        if (api->identifiers[i].header && header_is(header, api->identifiers[i].header))
            return true;
    return false;
}

static void sweep_headers(struct extract *extract) {
    for (size_t i = 0; i < extract->header_count; i++) {
        const struct header *header = &extract->headers[i];
        struct bytes name = header->name;
        if (!is_named_like_one(name) || has_rule(extract->answer.api, header))
            continue;
        if (name.size > 4 && (name.at[0] == 'x' || name.at[0] == 'X') && name.at[1] == '-')
            name = bytes_of(name.at + 2, name.size - 2);
        note_header(extract, kind_of_name(extract, bytes_of(NULL, 0), name), header);
    }
}

// ---- Of a stream. ------------------------------------------------------------------------------

static struct bytes resolve(const struct extract *extract, struct span span) {
    return span.at ? bytes_of(span.at, span.size)
                   : bytes_of(buf_bytes(&extract->pool).at + span.pool_at, span.size);
}

static bool is_known(const struct extract *extract, struct bytes value) {
    for (size_t i = 0; i < extract->identifier_count; i++)
        if (bytes_equal(resolve(extract, extract->found[i].value), value))
            return true;
    return false;
}

// Where an event's value stands, without the number of the event.
static struct span event_path_of(struct extract *extract, uint32_t node) {
    struct buf path;
    buf_init(&path, PATH_BYTES_MAX);
    jsonpath_of(&extract->event, node, &path);
    struct bytes text = buf_bytes(&path);
    size_t before = pool_size(extract);
    buf_text(&extract->pool, "stream[*]");
    if (text.size > 1 && text.size < PATH_BYTES_MAX - 16)
        buf_put(&extract->pool, text.at + 1, text.size - 1);
    buf_release(&path);
    return span_since(&extract->pool, before);
}

static void sweep_event(struct extract *extract) {
    const struct json_scan *scan = &extract->event;
    for (uint32_t i = 1; i < scan->count && extract->event_count < EVENT_IDENTIFIERS_MAX; i++) {
        const struct json_node *node = &scan->nodes[i];
        struct bytes name = bytes_of(scan->text.at + node->name_at, node->name_size);
        if (node->name_at == 0 || node->shape >= JSON_SHAPE_array || !is_named_like_one(name))
            continue;
        struct span value = value_of(extract, scan, i);
        struct bytes text = resolve(extract, value);
        if (!is_value(value) || is_known(extract, text))
            continue;
        if (value.at) { // what it points into goes with the event
            size_t before = pool_size(extract);
            buf_put(&extract->pool, text.at, text.size);
            value = span_since(&extract->pool, before);
        }
        note(extract, kind_of_name(extract, owner_of(scan, i), name), value,
             event_path_of(extract, i), NODE_none);
        extract->event_count++;
    }
}

static void sweep_stream(struct extract *extract) {
    struct sse sse;
    struct sse_event event;
    sse_init(&sse);
    while (sse_next(&sse, extract->answer.body, true, &event) == SSE_event)
        if (event.has_data && json_scan(&extract->event, event.data, NULL) == ERR_OK)
            sweep_event(extract);
    sse_release(&sse);
}

// ---- The interface. ----------------------------------------------------------------------------

const struct identifier *extract_all_identifiers(struct extract *extract, size_t *count) {
    if (!extract->has_identifiers) {
        extract->has_identifiers = true;
        apply_rules(extract);
        if (extract->is_json)
            sweep_body(extract);
        sweep_headers(extract);
        if (extract->is_stream)
            sweep_stream(extract);
        if (buf_state(&extract->pool) != ERR_OK)
            extract->identifier_count = 0;
        for (size_t i = 0; i < extract->identifier_count; i++)
            extract->identifiers[i] = (struct identifier){resolve(extract, extract->found[i].kind),
                                                          resolve(extract, extract->found[i].value),
                                                          resolve(extract, extract->found[i].path)};
    }
    *count = extract->identifier_count;
    return extract->identifiers;
}

const struct identifier *extract_conversation_id(struct extract *extract) {
    size_t count;
    const struct identifier *all = extract_all_identifiers(extract, &count);
    for (const char *const *kind = extract->answer.api->conversation_kinds; *kind; kind++)
        for (size_t i = 0; i < count; i++)
            if (bytes_is(all[i].kind, *kind))
                return &all[i];
    return NULL;
}
