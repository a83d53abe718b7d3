#include "common/wire.h"
#include "workers/extractor/extract.h"
#include "workers/extractor/headers.h"

#include <stdio.h>

enum { PATH_BYTES_MAX = EXTRACT_PLACE_BYTES_MAX, KIND_BYTES_MAX = 64 };

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

static bool is_full(const struct extract *extract, size_t left_free) {
    return extract->identifier_count + left_free >= IDENTIFIERS_MAX;
}

// Room for one more; one that finds none is counted. The body leaves some for the headers, by which
// the provider finds the call.
static bool has_room(struct extract *extract, size_t left_free) {
    bool has_room = !is_full(extract, left_free);
    extract->identifiers_left_out += !has_room;
    return has_room;
}

static void note(struct extract *extract, struct span kind, struct span value, struct span path,
                 uint32_t node) {
    size_t i = extract->identifier_count++;
    extract->found[i].kind = kind;
    extract->found[i].value = value;
    extract->found[i].path = path;
    extract->found[i].node = node;
}

// The same kind: a kind of the user's stands beside the catalogue's.
static bool is_noted_as(const struct extract *extract, const char *kind, uint32_t node) {
    for (size_t i = 0; i < extract->identifier_count; i++)
        if (extract->found[i].node == node && extract->found[i].kind.at &&
            bytes_is(bytes_of(extract->found[i].kind.at, extract->found[i].kind.size), kind))
            return true;
    return false;
}

// Whether a node may be an identifier: a number, or a text that is not empty, of a certain length.
static bool may_be_one(const struct json_node *node) {
    uint32_t size_max = IDENTIFIER_VALUE_BYTES_MAX;
    if (node->shape == JSON_SHAPE_number)
        return node->size <= size_max;
    return node->shape == JSON_SHAPE_text && node->size > 2 &&
           node->size - 2 <= (node->has_escape ? 6 * size_max : size_max);
}

static bool is_value(struct span value) {
    return value.size > 0 && value.size <= IDENTIFIER_VALUE_BYTES_MAX;
}

// Its value: the text, or the number as it is written. What turns out to be none leaves nothing in
// the pool: a body may have any number of such.
static struct span value_of(struct extract *extract, const struct json_scan *scan, uint32_t node) {
    const struct json_node *at = &scan->nodes[node];
    if (at->shape == JSON_SHAPE_number)
        return span_of(json_raw(scan, node));
    if (!at->has_escape)
        return span_of(json_text(scan, node, NULL));
    size_t before = pool_size(extract);
    (void)json_text(scan, node, &extract->pool);
    struct span value = span_since(&extract->pool, before);
    if (!is_value(value) && pool_size(extract) > before)
        extract->pool.size = before;
    return value;
}

// Where a node stands, behind the root's name. A place that is too long to be written down is still
// in there.
static struct span path_of(struct extract *extract, const struct json_scan *scan, uint32_t node,
                           const char *root) {
    size_t before = pool_size(extract);
    buf_reset(&extract->place);
    jsonpath_of(scan, node, &extract->place);
    struct bytes path = buf_bytes(&extract->place);
    buf_text(&extract->pool, root);
    if (path.size > 1 && path.size - 1 + strlen(root) <= PATH_BYTES_MAX)
        buf_put(&extract->pool, path.at + 1, path.size - 1);
    return span_since(&extract->pool, before);
}

static bool is_noteworthy(const struct header *header) {
    return header->value.size > 0 && header->value.size <= IDENTIFIER_VALUE_BYTES_MAX &&
           header->name.size <= PATH_BYTES_MAX - strlen("header:") &&
           utf8_is_valid(header->value) && utf8_is_valid(header->name);
}

static void note_header(struct extract *extract, struct span kind, const struct header *header) {
    if (!is_noteworthy(header))
        return;
    extract->headers_to_come -= extract->headers_to_come > 0;
    if (!has_room(extract, 0))
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

// Nodes that a rule has met are marked until the sweep has passed them.
static bool visit_rule(void *context, const struct json_scan *scan, uint32_t node) {
    struct by_rule *by = context;
    struct extract *extract = by->extract;
    struct json_node *at = &extract->scan.nodes[node];
    size_t left_free = extract->headers_to_come;
    bool is_new = !at->is_marked || (by->rule->is_users && !is_full(extract, left_free) &&
                                     !is_noted_as(extract, by->rule->kind, node));
    if (!may_be_one(at) || !is_new)
        return true;
    at->is_marked = true;
    if (!has_room(extract, left_free))
        return true;
    struct span value = value_of(extract, scan, node);
    if (is_value(value))
        note(extract, span_of(bytes_text(by->rule->kind)), value, path_of(extract, scan, node, "$"),
             node);
    return true;
}

static void visit_all(struct extract *extract, const struct identifier_rule *rule) {
    struct by_rule by = {extract, rule};
    if (extract->is_json &&
        jsonpath_all(rule->path, &extract->scan, visit_rule, &by, NULL) != ERR_OK)
        extract->paths_given_up++;
}

// What is in a batch's items is theirs: lists of them are marked until the sweep has passed them.
static void apply_batch(struct extract *extract) {
    const struct batch_map *map = &extract->answer.api->batch;
    for (size_t i = 0; i < map->identifier_count; i++)
        visit_all(extract, &map->identifiers[i]);
    uint32_t node;
    for (const struct jsonpath *const *items = map->items; extract->is_json && *items; items++)
        if (jsonpath_first(*items, &extract->scan, &node))
            extract->scan.nodes[node].is_marked = true;
}

static void apply_rules(struct extract *extract) {
    const struct provider_api *api = extract->answer.api;
    bool is_item = extract_is_item(extract);
    bool is_answer = extract->answer.of == ANSWER_call && !is_item;
    if (extract->answer.of == ANSWER_batch)
        apply_batch(extract);
    for (size_t i = 0; i < api->identifier_count; i++) {
        const struct identifier_rule *rule = &api->identifiers[i];
        if (rule->path && (is_answer || (rule->is_users && !is_item)))
            visit_all(extract, rule);
        for (size_t k = 0; rule->header && k < extract->header_count; k++)
            if (header_is(&extract->headers[k], rule->header))
                note_header(extract, span_of(bytes_text(rule->kind)), &extract->headers[k]);
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
    uint32_t at = scan->nodes[node].parent;
    while (at != 0 && scan->nodes[at].name_at == 0)
        at = scan->nodes[at].parent;
    return bytes_of(scan->text.at + scan->nodes[at].name_at, scan->nodes[at].name_size);
}

static void sweep_body(struct extract *extract) {
    const struct json_scan *scan = &extract->scan;
    for (uint32_t i = 0; i < scan->count; i++) {
        struct json_node *node = &scan->nodes[i];
        bool is_noted = node->is_marked;
        node->is_marked = false;
        if (is_noted && node->shape >= JSON_SHAPE_array)
            i = node->end - 1;
        if (is_noted || node->name_at == 0 || node->shape >= JSON_SHAPE_array)
            continue;
        struct bytes name = bytes_of(scan->text.at + node->name_at, node->name_size);
        if (!is_named_like_one(name) || !may_be_one(node) ||
            !has_room(extract, extract->headers_to_come))
            continue;
        struct span value = value_of(extract, scan, i);
        if (is_value(value))
            note(extract, kind_of_name(extract, owner_of(scan, i), name), value,
                 path_of(extract, scan, i, "$"), i);
    }
}

static bool has_rule(const struct provider_api *api, const struct header *header) {
    for (size_t i = 0; i < api->identifier_count; i++)
        if (api->identifiers[i].header && header_is(header, api->identifiers[i].header))
            return true;
    return false;
}

// How many identifiers the headers have: as many places the body leaves free, up to a bound.
static size_t count_headers(const struct extract *extract) {
    const struct provider_api *api = extract->answer.api;
    size_t count = 0;
    for (size_t i = 0; i < extract->header_count; i++) {
        const struct header *header = &extract->headers[i];
        if (!is_noteworthy(header))
            continue;
        size_t rules = 0;
        for (size_t k = 0; k < api->identifier_count; k++)
            rules += api->identifiers[k].header && header_is(header, api->identifiers[k].header);
        count += rules > 0 ? rules : is_named_like_one(header->name);
    }
    return count < HEADER_IDENTIFIERS_MAX ? count : HEADER_IDENTIFIERS_MAX;
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

// What points into an event goes with it.
static struct span kept(struct extract *extract, struct span value) {
    if (!value.at)
        return value;
    size_t before = pool_size(extract);
    buf_put(&extract->pool, value.at, value.size);
    return span_since(&extract->pool, before);
}

// What is named like one in extract->event, and not in the body, nor noted.
static void sweep_event(struct extract *extract, const char *root) {
    const struct json_scan *scan = &extract->event;
    for (uint32_t i = 1; i < scan->count; i++) {
        const struct json_node *node = &scan->nodes[i];
        struct bytes name = bytes_of(scan->text.at + node->name_at, node->name_size);
        if (node->is_marked && node->shape >= JSON_SHAPE_array)
            i = node->end - 1;
        if (node->is_marked || node->name_at == 0 || node->shape >= JSON_SHAPE_array ||
            !is_named_like_one(name) || !may_be_one(node))
            continue;
        struct span value = value_of(extract, scan, i);
        size_t left_free = extract->event_count < EVENT_IDENTIFIERS_MAX ? 0 : IDENTIFIERS_MAX;
        if (!is_value(value) || is_known(extract, resolve(extract, value)) ||
            !has_room(extract, left_free))
            continue;
        value = kept(extract, value);
        note(extract, kind_of_name(extract, owner_of(scan, i), name), value,
             path_of(extract, scan, i, root), NODE_none);
        extract->event_count++;
    }
}

static void sweep_stream(struct extract *extract) {
    struct sse sse;
    struct sse_event event;
    sse_init(&sse);
    while (sse_next(&sse, extract->answer.body, true, &event) == SSE_event)
        if (event.has_data && json_scan(&extract->event, event.data, NULL) == ERR_OK)
            sweep_event(extract, "stream[*]");
    sse_release(&sse);
}

// ---- Around an answer in its item. --------------------------------------------------------------

bool extract_is_item(const struct extract *extract) {
    const struct answer *answer = &extract->answer;
    return answer->item.size > 0 && answer->item.at == answer->body.at &&
           answer->item.size == answer->body.size;
}

bool extract_open_item(struct extract *extract) {
    const struct batch_map *map = &extract->answer.api->batch;
    struct json_scan *item = &extract->event;
    uint32_t node;
    if (json_scan(item, extract->answer.item, NULL) != ERR_OK)
        return false;
    bool has_answer = !extract_is_item(extract) && (jsonpath_first(map->answer, item, &node) ||
                                                    jsonpath_first(map->error, item, &node));
    if (has_answer && node != 0)
        item->nodes[node].is_marked = true;
    return true;
}

static bool visit_item(void *context, const struct json_scan *scan, uint32_t node) {
    struct by_rule *by = context;
    struct extract *extract = by->extract;
    struct json_node *at = &extract->event.nodes[node];
    if (at->is_marked || !may_be_one(at) || !has_room(extract, 0))
        return true;
    struct span value = value_of(extract, scan, node);
    at->is_marked = true;
    if (is_value(value))
        note(extract, span_of(bytes_text(by->rule->kind)), kept(extract, value),
             path_of(extract, scan, node, "item"), NODE_none);
    return true;
}

static void sweep_item(struct extract *extract) {
    const struct batch_map *map = &extract->answer.api->batch;
    if (!extract_open_item(extract))
        return;
    for (size_t i = 0; i < map->item_identifier_count; i++) {
        struct by_rule by = {extract, &map->item_identifiers[i]};
        if (by.rule->path &&
            jsonpath_all(by.rule->path, &extract->event, visit_item, &by, NULL) != ERR_OK)
            extract->paths_given_up++;
    }
    sweep_event(extract, "item");
}

// ---- The interface. ----------------------------------------------------------------------------

static void sweep(struct extract *extract) {
    apply_rules(extract);
    extract->ruled_count = extract->identifier_count;
    if (extract->is_json && !extract_is_item(extract))
        sweep_body(extract);
    sweep_headers(extract);
    if (extract->is_stream)
        sweep_stream(extract);
    if (extract->answer.item.size > 0)
        sweep_item(extract);
}

const struct identifier *extract_all_identifiers(struct extract *extract, size_t *count) {
    if (!extract->has_identifiers) {
        extract->has_identifiers = true;
        extract->headers_to_come = count_headers(extract);
        sweep(extract);
        if (buf_state(&extract->pool) != ERR_OK)
            extract->identifier_count = extract->ruled_count = 0;
        for (size_t i = 0; i < extract->identifier_count; i++)
            extract->identifiers[i] = (struct identifier){resolve(extract, extract->found[i].kind),
                                                          resolve(extract, extract->found[i].value),
                                                          resolve(extract, extract->found[i].path)};
    }
    *count = extract->identifier_count;
    return extract->identifiers;
}

// What has only the name of one may be the user's own, or the model's.
const struct identifier *extract_conversation_id(struct extract *extract) {
    size_t count;
    const struct identifier *all = extract_all_identifiers(extract, &count);
    for (const char *const *kind = extract->answer.api->conversation_kinds; *kind; kind++)
        for (size_t i = 0; i < extract->ruled_count; i++)
            if (bytes_is(all[i].kind, *kind))
                return &all[i];
    return NULL;
}
