// The section `stream` of a provider's entry, and what the events of a stream say by it.
#include "common/catalogue_section.h"

// ---- Reading. ----------------------------------------------------------------------------------

static void read_rule(const struct section *one, struct stream_rule *rule) {
    rule->event = text(one, "event", false);
    rule->data = text(one, "data", false);
    rule->path = path(one, "path", false);
    rule->words = texts(one, "words");
    rule->type = path(one, "type", false);
    rule->code = path(one, "code", false);
    rule->message = path(one, "message", false);
    if (!rule->event && !rule->data && !rule->path)
        fail(one, NULL, "needs an event, data or a path");
    if (rule->words[0] && !rule->path)
        fail(one, "words", "need a path");
}

struct stream_rules catalogue_read_rules(const struct section *stream, const char *name) {
    static const char *const known[] = {"event",   "data", "path",   "words", "type", "code",
                                        "message", "note", "source", "date",  NULL};
    struct place place = {&stream->place, name, 0};
    const json_t *list = json_object_get(stream->json, name);
    size_t count = json_array_size(list);
    struct stream_rule *rules = pool_array(stream->reader->pool, count, sizeof(*rules));
    if (list && !json_is_array(list))
        fail(stream, name, "must be a list of rules");
    for (size_t i = 0; i < count; i++) {
        struct section one = open_element(stream->reader, list, &place, i, known);
        read_rule(&one, &rules[i]);
    }
    return (struct stream_rules){rules, count};
}

void catalogue_read_stream(struct reader *reader, const json_t *entry, struct provider_api *api) {
    static const char *const known[] = {"asked_by", "with",   "end",  "finish", "errors", "content",
                                        "begun",    "source", "note", "date",   NULL};
    static const struct jsonpath *const none[] = {NULL};
    struct stream_map *map = &api->stream;
    struct section section = open_section(reader, entry, "stream", false, known);
    map->content = map->begun = none;
    if (!section.json)
        return;
    const char *asked_by = text(&section, "asked_by", true);
    map->is_served = true;
    map->is_asked_by_path = strcmp(asked_by, "path") == 0;
    if (!map->is_asked_by_path && strcmp(asked_by, "body") != 0)
        fail(&section, "asked_by", "must be body or path");
    if (map->is_asked_by_path && !api->path_stream)
        fail(&section, "asked_by", "needs an endpoint with path_stream");
    const json_t *with =
        reader_object(reader, section.json, &(struct place){&section.place, "with", 0}, false);
    map->with = with ? reader_dump(reader, with) : NULL;
    map->end = catalogue_read_rules(&section, "end");
    map->finish = catalogue_read_rules(&section, "finish");
    map->errors = catalogue_read_rules(&section, "errors");
    map->content = paths(&section, "content");
    map->begun = paths(&section, "begun");
    if (map->end.count == 0)
        fail(&section, NULL, "needs to say how a stream ends");
}

// ---- What events say. --------------------------------------------------------------------------

static bool is_something(const struct json_scan *scan, uint32_t node) {
    const struct json_node *at = &scan->nodes[node];
    bool is_nothing = at->shape == JSON_SHAPE_null || at->shape == JSON_SHAPE_false ||
                      (at->shape == JSON_SHAPE_text && at->size == 2) ||
                      (at->shape >= JSON_SHAPE_array && at->count == 0);
    return !is_nothing;
}

struct hearing {
    const char *const *words;
    bool is_said;
};

static bool hear(void *context, const struct json_scan *scan, uint32_t node) {
    struct hearing *hearing = context;
    bool is_plain = scan->nodes[node].shape == JSON_SHAPE_text && !scan->nodes[node].has_escape;
    if (!hearing->words[0])
        hearing->is_said = is_something(scan, node);
    for (const char *const *word = hearing->words; is_plain && !hearing->is_said && *word; word++)
        hearing->is_said = bytes_is(json_text(scan, node, NULL), *word);
    return !hearing->is_said;
}

bool catalogue_is_said(const struct jsonpath *path, const char *const *words,
                       const struct json_scan *scan) {
    struct hearing hearing = {.words = words};
    if (scan->count > 0)
        (void)jsonpath_each(path, scan, hear, &hearing);
    return hearing.is_said;
}

// The whole of an event's data, whatever blanks are behind it.
static bool is_data(struct bytes data, const char *text) {
    while (data.size > 0 && (data.at[data.size - 1] == ' ' || data.at[data.size - 1] == '\t'))
        data.size--;
    return bytes_is(data, text);
}

static const struct stream_rule *find_rule(const struct stream_rules *rules,
                                           const struct sse_event *event,
                                           const struct json_scan *scan) {
    for (size_t i = 0; i < rules->count; i++) {
        const struct stream_rule *rule = &rules->list[i];
        if ((!rule->event || bytes_is(event->name, rule->event)) &&
            (!rule->data || is_data(event->data, rule->data)) &&
            (!rule->path || catalogue_is_said(rule->path, rule->words, scan)))
            return rule;
    }
    return NULL;
}

static bool has_any(const struct jsonpath *const *path, const struct json_scan *scan) {
    static const char *const any[] = {NULL};
    for (; *path; path++)
        if (catalogue_is_said(*path, any, scan))
            return true;
    return false;
}

static void read_words(const struct provider_api *api, const struct stream_rule *rule,
                       const struct json_scan *scan, struct error_words *words) {
    struct provider_api own = *api;
    own.error_type = rule->type ? rule->type : api->error_type;
    own.error_code = rule->code ? rule->code : api->error_code;
    own.error_message = rule->message ? rule->message : api->error_message;
    provider_api_error_of(&own, scan, words);
}

bool provider_api_failed(const struct provider_api *api, const struct json_scan *scan,
                         struct error_words *words) {
    static const struct sse_event none = {0};
    *words = (struct error_words){0};
    if (scan->count == 0)
        return false;
    const struct stream_rule *rule = find_rule(&api->failures, &none, scan);
    uint32_t error = json_find(scan, 0, "error");
    if (rule)
        read_words(api, rule, scan, words);
    else if (error != 0 && is_something(scan, error))
        provider_api_error_of(api, scan, words);
    else
        return false;
    return true;
}

bool provider_api_hear(const struct provider_api *api, const struct sse_event *event,
                       struct json_scan *scan, struct stream_story *story) {
    const struct stream_map *map = &api->stream;
    if (!event->has_data || event->data.size == 0)
        return false;
    story->events++;
    bool is_json = json_scan(scan, event->data, NULL) == ERR_OK;
    const struct stream_rule *error = find_rule(&map->errors, event, scan);
    if (error && !story->is_failed)
        read_words(api, error, scan, &story->words);
    story->is_failed = story->is_failed || error != NULL;
    if (map->finish.count == 0 || find_rule(&map->finish, event, scan))
        story->has_finish = true;
    story->has_content = story->has_content || has_any(map->content, scan);
    story->has_begun = story->has_begun || story->has_content || has_any(map->begun, scan);
    bool is_end = find_rule(&map->end, event, scan) != NULL;
    story->is_ended = story->is_ended || is_end;
    story->is_malformed = story->is_malformed || (!is_json && !is_end);
    return is_json;
}

void stream_end(struct stream_story *story, const struct sse *sse) {
    story->is_cut = sse_is_cut(sse);
    story->is_malformed = story->is_malformed || sse->is_broken;
}

bool stream_is_whole(const struct stream_story *story) {
    return story->is_ended && !story->is_cut && story->has_finish && !story->is_malformed &&
           !story->is_failed;
}

enum err provider_api_hear_all(const struct provider_api *api, struct bytes stream,
                               struct json_scan *scan, struct stream_story *story) {
    struct sse sse;
    struct sse_event event;
    enum sse_found found;
    sse_init(&sse);
    *story = (struct stream_story){0};
    while ((found = sse_next(&sse, stream, true, &event)) == SSE_event)
        (void)provider_api_hear(api, &event, scan, story);
    stream_end(story, &sse);
    sse_release(&sse);
    return found == SSE_too_big ? ERR_TOO_BIG : ERR_OK;
}
