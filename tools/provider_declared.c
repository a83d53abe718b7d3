#include "tools/provider_declared.h"

#include "common/mem.h"
#include "tools/render.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

enum { PLACES_MAX = 1024, PLACE_SIZE = 1024, ERROR_SIZE = 128 };

struct place {
    char text[PLACE_SIZE]; // as the entry has it; header:x-request-id
    struct jsonpath *path; // NULL: a header
    bool is_content;       // kept apart from the fields of an answer: nobody sees it there
    bool is_seen;
};

struct declared {
    size_t count;
    struct place places[PLACES_MAX];
};

// How answers travel is no provider's doing, and no entry names it.
static const char *const idle_headers[] = {"accept-ranges",
                                           "access-control-allow-origin",
                                           "access-control-expose-headers",
                                           "age",
                                           "alt-svc",
                                           "cache-control",
                                           "cf-cache-status",
                                           "connection",
                                           "content-encoding",
                                           "content-length",
                                           "content-security-policy",
                                           "content-type",
                                           "date",
                                           "etag",
                                           "expires",
                                           "keep-alive",
                                           "pragma",
                                           "referrer-policy",
                                           "server",
                                           "server-timing",
                                           "set-cookie",
                                           "strict-transport-security",
                                           "transfer-encoding",
                                           "vary",
                                           "via",
                                           "x-content-type-options",
                                           "x-frame-options",
                                           "x-robots-tag",
                                           "x-xss-protection",
                                           NULL};

// ---- reading an entry ---------------------------------------------------------------------------

static struct place *add(struct declared *declared, const char *prefix, const char *text) {
    char whole[PLACE_SIZE];
    (void)snprintf(whole, sizeof(whole), "%s%s", prefix, text);
    for (size_t i = 0; i < declared->count; i++)
        if (strcmp(declared->places[i].text, whole) == 0)
            return &declared->places[i];
    if (declared->count == PLACES_MAX)
        fail(EX_SOFTWARE, "an entry of the catalogue declares more than %d places", PLACES_MAX);
    struct place *place = &declared->places[declared->count++];
    memcpy(place->text, whole, sizeof(whole));
    return place;
}

static struct place *add_path(struct declared *declared, const char *text) {
    char error[ERROR_SIZE];
    struct place *place = add(declared, "", text);
    if (!place->path &&
        jsonpath_new(bytes_text(text), &place->path, error, sizeof(error)) != ERR_OK)
        fail(EX_SOFTWARE, "a path of the catalogue cannot be read: %s", error);
    return place;
}

// Every path that stands in a part of an entry, however deep; what follows is no path.
static void add_part(struct declared *declared, json_t *part) {
    json_t *item;
    const char *name;
    size_t i;
    if (json_is_string(part) && json_string_value(part)[0] == '$')
        (void)add_path(declared, json_string_value(part));
    json_array_foreach(part, i, item) add_part(declared, item);
    json_object_foreach(part, name, item) add_part(declared, item);
}

static void add_content(struct declared *declared, const json_t *paths) {
    const json_t *path;
    size_t i;
    json_array_foreach(paths, i, path) add_path(declared, json_string_value(path))->is_content =
        true;
}

static void add_limits(struct declared *declared, json_t *limits) {
    static const char *const words[] = {"note", "source", "reset_format"};
    const char *name;
    json_t *header;
    json_object_foreach(limits, name, header) {
        bool is_word = false;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            is_word = is_word || strcmp(name, words[i]) == 0;
        if (!is_word && json_is_string(header))
            (void)add(declared, "header:", json_string_value(header));
    }
}

static void add_identifiers(struct declared *declared, const struct provider_api *api) {
    for (size_t i = 0; i < api->identifier_count; i++) {
        const struct identifier_rule *rule = &api->identifiers[i];
        if (rule->path)
            (void)add_path(declared, jsonpath_text(rule->path));
        else
            (void)add(declared, "header:", rule->header);
    }
}

static void drop(struct declared *declared, const char *text) {
    for (size_t i = 0; i < declared->count; i++) {
        if (strcmp(declared->places[i].text, text) != 0)
            continue;
        jsonpath_free(declared->places[i].path);
        declared->places[i] = declared->places[--declared->count];
        return;
    }
}

struct declared *declared_new(const struct provider_api *api) {
    struct declared *declared = mem_new(sizeof(*declared));
    json_t *entry = NULL;
    if (json_parse(bytes_text(api->json), &entry, NULL, 0) != ERR_OK)
        fail(EX_SOFTWARE, "an entry of the catalogue cannot be read");
    add_part(declared, json_object_get(entry, "metadata_fields"));
    add_identifiers(declared, api);
    add_part(declared, json_object_get(entry, "usage"));
    add_part(declared, json_object_get(entry, "errors"));
    add_part(declared, json_object_get(entry, "answer"));
    add_limits(declared, json_object_get(entry, "rate_limit"));
    add_content(declared, member_of(entry, "content"));
    // They are read as a whole, and say nothing of what is within: a counter more is a change.
    drop(declared, text_of(member_of(entry, "usage"), "object", ""));
    drop(declared, text_of(member_of(entry, "answer"), "message", ""));
    // Items of the provider's own batches are in no ledger.
    drop(declared, text_of(member_of(entry, "batch"), "ended", ""));
    json_decref(entry);
    return declared;
}

void declared_free(struct declared *declared) {
    for (size_t i = 0; declared && i < declared->count; i++)
        jsonpath_free(declared->places[i].path);
    mem_free(declared);
}

// ---- what answers held --------------------------------------------------------------------------

// What the extractor itself puts beside an answer's fields.
static const char *const own_remarks[] = {"$.out_visible_estimated", "$.identifiers_left_out",
                                          NULL};

static bool is_idle(const char *place) {
    if (strncmp(place, "$.stream_events.", 16) == 0 || is_listed(own_remarks, place))
        return true;
    for (size_t i = 0; idle_headers[i]; i++)
        if (strncmp(place, "header:", 7) == 0 && strcasecmp(place + 7, idle_headers[i]) == 0)
            return true;
    return false;
}

static enum standing meet_header(struct declared *declared, const char *header) {
    for (size_t i = 0; i < declared->count; i++) {
        if (declared->places[i].path || strcasecmp(declared->places[i].text, header) != 0)
            continue;
        declared->places[i].is_seen = true;
        return STANDING_declared;
    }
    return STANDING_unknown;
}

enum standing declared_meet(struct declared *declared, const char *place) {
    enum standing standing = STANDING_unknown;
    char error[ERROR_SIZE];
    struct jsonpath *path = NULL;
    if (is_idle(place))
        return STANDING_idle;
    if (*place != '$')
        return meet_header(declared, place);
    // One that was cut where places end is nobody's.
    if (jsonpath_new(bytes_text(place), &path, error, sizeof(error)) != ERR_OK)
        return STANDING_unknown;
    for (size_t i = 0; i < declared->count; i++) {
        enum jsonpath_reach reach =
            declared->places[i].path ? jsonpath_reach(declared->places[i].path, path) : REACH_none;
        if (reach >= REACH_some)
            declared->places[i].is_seen = true;
        if (reach == REACH_all || reach == REACH_through)
            standing = STANDING_declared;
    }
    jsonpath_free(path);
    return standing;
}

json_t *declared_unseen(const struct declared *declared) {
    json_t *unseen = json_array();
    for (size_t i = 0; i < declared->count; i++)
        if (!declared->places[i].is_seen && !declared->places[i].is_content)
            (void)json_array_append_new(unseen, json_string(declared->places[i].text));
    return unseen;
}
