#include "common/catalogue_section.h"

#include <stdint.h>
#include <stdio.h>

// What an entry may hold. The fields without a reader are documentation: they are kept, shown
// and compiled into ai_platform, and only their sources and days are checked.
static const char *const fields[] = {"provider",
                                     "api",
                                     "title",
                                     "shape",
                                     "is_default",
                                     "api_stateful",
                                     "sdk_session_support",
                                     "sources",
                                     "endpoint",
                                     "auth",
                                     "headers",
                                     "request_fields",
                                     "defaults",
                                     "bounds",
                                     "continuation",
                                     "retention",
                                     "limits",
                                     "rate_limit",
                                     "context_windows",
                                     "retry",
                                     "errors",
                                     "identifier_extraction_paths",
                                     "extract",
                                     "supported_identifiers",
                                     "conversation_identifiers",
                                     "metadata_fields",
                                     "content",
                                     "answer",
                                     "finish",
                                     "usage",
                                     "stream",
                                     "batch",
                                     "support",
                                     "provider_notes",
                                     "cost_optimization_notes",
                                     NULL};

// ---- Endpoint and key. -------------------------------------------------------------------------

// Nothing but {model} is put into a path.
static void check_path(const struct section *section, const char *name, const char *path) {
    static const char model[] = "{model}";
    size_t size = strlen(path);
    if (*path != '/')
        fail(section, name, "must begin with a slash");
    for (const char *brace = strpbrk(path, "{}"); brace; brace = strpbrk(brace, "{}")) {
        if (strncmp(brace, model, strlen(model)) != 0) {
            fail(section, name, "may hold {model}, and no other braces");
            return;
        }
        brace += strlen(model);
    }
    if (strpbrk(path, " #") || size > URL_BYTES_MAX / 4)
        fail(section, name, "is no path of a URL");
}

// What stands unchanged in a URL's query.
static bool is_query_text(const char *query) {
    return *query && strspn(query, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789-._~:,") == strlen(query);
}

// Parameters of every request's URL.
static void read_queries(const struct section *endpoint, struct provider_api *api) {
    static const char *const known[] = {"name", "value", "note", "source", "date", NULL};
    struct place place = {&endpoint->place, "query", 0};
    const json_t *list = endpoint->json ? json_object_get(endpoint->json, "query") : NULL;
    size_t count = json_array_size(list);
    struct text_pair *queries = pool_array(endpoint->reader->pool, count, sizeof(*queries));
    if (list && (!json_is_array(list) || count > PROVIDER_QUERIES_MAX))
        fail(endpoint, "query", "must be a list of a few parameters");
    for (size_t i = 0; i < count; i++) {
        struct section one = open_element(endpoint->reader, list, &place, i, known);
        queries[i] = (struct text_pair){text(&one, "name", true), text(&one, "value", true)};
        if (!is_query_text(queries[i].from) || !is_query_text(queries[i].to))
            fail(&one, NULL, "needs no other characters than letters, digits and -._~:,");
    }
    api->queries = queries;
    api->query_count = count;
}

// What a shell can set.
static bool is_variable(const char *name) {
    return *name && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789_") == strlen(name);
}

static void read_endpoint(struct reader *reader, const json_t *entry, struct provider_api *api) {
    static const char *const known[] = {
        "base_url",    "base_url_env", "method",       "path",   "path_stream", "query", "urls",
        "urls_stream", "line_member",  "is_url_owner", "source", "date",        "note",  NULL};
    struct section section = open_section(reader, entry, "endpoint", true, known);
    api->base_url = text(&section, "base_url", true);
    api->base_url_env = text(&section, "base_url_env", false);
    api->path = text(&section, "path", true);
    api->path_stream = text(&section, "path_stream", false);
    api->is_model_in_path = strstr(api->path, "{model}") != NULL;
    api->urls = texts(&section, "urls");
    api->urls_stream = texts(&section, "urls_stream");
    api->line_member = text(&section, "line_member", false);
    api->is_url_owner = flag(&section, "is_url_owner");
    const char *method = text(&section, "method", true);
    if (strcmp(method, "POST") != 0)
        fail(&section, "method", "must be POST");
    if (api->base_url_env && !is_variable(api->base_url_env))
        fail(&section, "base_url_env", "must be a variable's name");
    if (strncmp(api->base_url, "https://", 8) != 0 && strncmp(api->base_url, "http://", 7) != 0)
        fail(&section, "base_url", "must begin with https:// or http://");
    check_path(&section, "path", api->path);
    if (api->path_stream)
        check_path(&section, "path_stream", api->path_stream);
    read_queries(&section, api);
    for (size_t i = 0; api->urls[i]; i++)
        check_path(&section, "urls", api->urls[i]);
    for (size_t i = 0; api->urls_stream[i]; i++)
        check_path(&section, "urls_stream", api->urls_stream[i]);
}

static bool is_header_name(const char *name) {
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789-_") == strlen(name);
}

// A value that breaks no header line.
static bool is_header_value(const char *value) {
    for (; *value; value++)
        if (*value < ' ' || *value > '~')
            return false;
    return true;
}

// Header lines that each request has, beside the key's.
static void read_header_lines(const struct section *headers, struct provider_api *api) {
    static const char *const known[] = {"name", "value", "note", "source", "date", NULL};
    struct place place = {&headers->place, "always", 0};
    const json_t *list = headers->json ? json_object_get(headers->json, "always") : NULL;
    size_t count = json_array_size(list);
    struct text_pair *lines = pool_array(headers->reader->pool, count, sizeof(*lines));
    if (list && (!json_is_array(list) || count > PROVIDER_HEADERS_MAX))
        fail(headers, "always", "must be a list of a few headers");
    for (size_t i = 0; i < count; i++) {
        struct section line = open_element(headers->reader, list, &place, i, known);
        lines[i] = (struct text_pair){text(&line, "name", true), text(&line, "value", true)};
        if (!is_header_name(lines[i].from) || !is_header_value(lines[i].to))
            fail(&line, NULL, "is no header that can be sent");
    }
    api->headers = lines;
    api->header_count = count;
}

static void read_auth(struct reader *reader, const json_t *entry, struct provider_api *api) {
    static const char *const known[] = {"header", "prefix", "key_envs", "source", "date", NULL};
    struct section section = open_section(reader, entry, "auth", true, known);
    api->auth_header = text(&section, "header", true);
    api->auth_prefix = text(&section, "prefix", false);
    api->auth_prefix = api->auth_prefix ? api->auth_prefix : "";
    api->key_envs = texts(&section, "key_envs");
    for (size_t i = 0; api->key_envs[i]; i++)
        if (!is_variable(api->key_envs[i]))
            fail(&section, "key_envs", "must be variables' names");
    if (!is_header_name(api->auth_header))
        fail(&section, "header", "is not a header's name");

    static const char *const known_headers[] = {"call_id", "should_retry", "always", "optional",
                                                "note",    "source",       "date",   NULL};
    section = open_section(reader, entry, "headers", false, known_headers);
    api->call_id_header = text(&section, "call_id", false);
    api->should_retry_header = text(&section, "should_retry", false);
    if (api->call_id_header && !is_header_name(api->call_id_header))
        fail(&section, "call_id", "is not a header's name");
    read_header_lines(&section, api);
}

// ---- What a request has. -----------------------------------------------------------------------

// Names that other APIs have for a parameter, and the field that it is here.
static void read_other_names(const struct section *field, const char *name,
                             struct provider_api *api) {
    const char *const *others = texts(field, "also");
    for (; *others; others++) {
        size_t count = api->field_name_count++;
        struct text_pair *names = pool_array(field->reader->pool, count + 1, sizeof(*names));
        if (count > 0)
            memcpy(names, api->field_names, count * sizeof(*names));
        names[count] = (struct text_pair){*others, name};
        api->field_names = names;
    }
}

// What of a message goes back to the API, of the section that says how to go on.
static void read_message_fields(struct reader *reader, const json_t *entry,
                                struct provider_api *api) {
    struct section section = open_section(reader, entry, "continuation", false, NULL);
    api->message_fields = texts(&section, "message_fields");
    api->calls_field = text(&section, "calls_field", false);
}

// A number of tokens; 0 if nobody says one.
static int64_t tokens(const struct section *section, const char *name) {
    const json_t *number = section->json ? json_object_get(section->json, name) : NULL;
    if (!number)
        return 0;
    if (!json_is_integer(number) || json_integer_value(number) < 1 ||
        json_integer_value(number) > OUTPUT_TOKENS_MAX)
        fail(section, name, "must be a number of tokens");
    return json_integer_value(number);
}

// What a request costs at most beyond what it says itself.
static void read_bounds(struct reader *reader, const json_t *entry, struct provider_api *api) {
    static const char *const known[] = {
        "input_tokens_added", "limit_omits_reasoning", "note", "source", "date", NULL};
    struct section bounds = open_section(reader, entry, "bounds", false, known);
    if (!bounds.json)
        return;
    api->input_tokens_added = tokens(&bounds, "input_tokens_added");
    api->does_limit_omit_reasoning = flag(&bounds, "limit_omits_reasoning");
}

static void read_request(struct reader *reader, const json_t *entry, struct provider_api *api) {
    static const char *const known[] = {"name", "type",   "required", "refused", "also",
                                        "note", "source", "date",     NULL};
    struct place place = {NULL, "request_fields", 0};
    const json_t *list = open_list(reader, entry, place.name);
    size_t count = json_array_size(list), required = 0;
    const char **all = pool_array(reader->pool, count + 1, sizeof(*all));
    const char **needed = pool_array(reader->pool, count + 1, sizeof(*needed));
    struct text_pair *refused = pool_array(reader->pool, count, sizeof(*refused));
    for (size_t i = 0; i < count; i++) {
        struct section field = open_element(reader, list, &place, i, known);
        all[i] = text(&field, "name", true);
        if (flag(&field, "required"))
            needed[required++] = all[i];
        if (flag(&field, "refused"))
            refused[api->refused_count++] = (struct text_pair){all[i], text(&field, "note", true)};
        read_other_names(&field, all[i], api);
    }
    api->request_fields = all;
    api->required_fields = needed;
    api->refused_fields = refused;

    static const char *const known_defaults[] = {"output_tokens", "note", "source", "date", NULL};
    struct section defaults = open_section(reader, entry, "defaults", false, known_defaults);
    api->output_tokens_default = tokens(&defaults, "output_tokens");
}

// ---- Retries. ----------------------------------------------------------------------------------

// 429, or "500-599" as two ends.
static void read_status(const struct section *section, struct retry_rule *rule) {
    const json_t *status = json_object_get(section->json, "status");
    int from = 0, to = 0, size = 0;
    if (json_is_integer(status) && json_integer_value(status) < 1000)
        from = to = (int)json_integer_value(status);
    else if (json_is_string(status) &&
             (sscanf(json_string_value(status), "%3d-%3d%n", &from, &to, &size) != 2 ||
              json_string_value(status)[size]))
        from = 0;
    if (from < 100 || to > 599 || from > to)
        fail(section, "status", "must be a status like 429, or a range like 500-599");
    rule->status_min = (unsigned)from;
    rule->status_max = (unsigned)to;
}

static void read_retries(struct reader *reader, const json_t *entry, struct provider_api *api) {
    static const char *const known[] = {"status", "code", "type",   "message", "class",
                                        "reason", "note", "source", "date",    NULL};
    struct place place = {NULL, "retry", 0};
    const json_t *list = open_list(reader, entry, "retry");
    size_t count = json_array_size(list);
    struct retry_rule *rules = pool_array(reader->pool, count, sizeof(*rules));
    for (size_t i = 0; i < count; i++) {
        struct section section = open_element(reader, list, &place, i, known);
        read_status(&section, &rules[i]);
        rules[i].code = text(&section, "code", false);
        rules[i].type = text(&section, "type", false);
        rules[i].message = text(&section, "message", false);
        rules[i].reason = text(&section, "reason", true);
        if (!call_class_parse(bytes_text(text(&section, "class", true)), &rules[i].class))
            fail(&section, "class",
                 "must be success, retryable, rate_limited, permanent, lane_wide or malformed");
    }
    if (count == 0)
        reader_fail(reader, &place, "the retry rules are missing");
    api->retries = rules;
    api->retry_count = count;

    static const char *const words[] = {"type", "code",   "message", "retry_after", "in_answer",
                                        "note", "source", "date",    NULL};
    struct section section = open_section(reader, entry, "errors", true, words);
    api->error_type = path(&section, "type", false);
    api->error_code = path(&section, "code", false);
    api->error_message = path(&section, "message", false);
    api->error_retry_after = path(&section, "retry_after", false);
    api->failures = catalogue_read_rules(&section, "in_answer");
}

// ---- What an answer holds. ---------------------------------------------------------------------

static bool is_kind(const char *kind) {
    size_t size = strlen(kind);
    return size > 3 && size <= 64 && strcmp(kind + size - 3, "_id") == 0 &&
           strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
}

static bool is_lower(const char *name) {
    for (; *name; name++)
        if (*name >= 'A' && *name <= 'Z')
            return false;
    return true;
}

// Where an identifier stands, of the catalogue's or the user's.
static void read_rule_place(const struct section *section, struct identifier_rule *rule) {
    rule->kind = text(section, "kind", true);
    rule->header = text(section, "header", false);
    rule->path = path(section, "path", !rule->header);
    if (rule->header && rule->path)
        fail(section, NULL, "has a path or a header, not both");
    if (rule->header && (!is_header_name(rule->header) || !is_lower(rule->header)))
        fail(section, "header", "must be a header's name in lower case");
}

static void read_identifier(const struct section *section, const char *const *supported,
                            struct identifier_rule *rule) {
    read_rule_place(section, rule);
    if (!is_kind(rule->kind))
        fail(section, "kind", "must be lower-case words that end in _id");
    if (!is_listed(supported, rule->kind))
        fail(section, "kind", "is not among supported_identifiers");
}

// What the settings add stands behind what the catalogue has.
static void read_users_identifier(const struct section *section, struct identifier_rule *rule) {
    read_rule_place(section, rule);
    rule->is_users = true;
    if (!extract_kind_is_valid(rule->kind))
        fail(section, "kind", "must be lower-case words with _ between them");
}

static const char *const identifier_fields[] = {"kind",   "path", "header", "note",
                                                "source", "date", NULL};

const struct identifier_rule *
catalogue_read_identifiers(struct reader *reader, const json_t *object, const struct place *place,
                           const char *const *supported, size_t *count) {
    const json_t *list = json_object_get(object, place->name);
    *count = json_array_size(list);
    struct identifier_rule *rules = pool_array(reader->pool, *count, sizeof(*rules));
    if (list && !json_is_array(list))
        reader_fail(reader, place, "must be a list");
    for (size_t i = 0; i < *count; i++) {
        struct section section = open_element(reader, list, place, i, identifier_fields);
        read_identifier(&section, supported, &rules[i]);
    }
    return rules;
}

static void read_identifiers(struct reader *reader, const json_t *entry, struct provider_api *api) {
    const char *const *supported =
        reader_texts(reader, entry, &(struct place){NULL, "supported_identifiers", 0});
    struct place place = {NULL, "identifier_extraction_paths", 0}, users = {NULL, "extract", 0};
    const json_t *users_list = open_list(reader, entry, users.name);
    size_t count, users_count = json_array_size(users_list);
    const struct identifier_rule *ours =
        catalogue_read_identifiers(reader, entry, &place, supported, &count);
    struct identifier_rule *rules = pool_array(reader->pool, count + users_count, sizeof(*rules));
    for (size_t i = 0; i < count; i++)
        rules[i] = ours[i];
    for (size_t i = 0; i < users_count; i++) {
        struct section section = open_element(reader, users_list, &users, i, identifier_fields);
        read_users_identifier(&section, &rules[count + i]);
    }
    api->identifiers = rules;
    api->identifier_count = count + users_count;
    struct place kinds = {NULL, "conversation_identifiers", 0};
    api->conversation_kinds = reader_texts(reader, entry, &kinds);
    for (size_t i = 0; api->conversation_kinds[i]; i++)
        if (!is_listed(supported, api->conversation_kinds[i]))
            reader_fail(reader, &kinds, "names a kind that is not among supported_identifiers");
}

static void read_dimensions(const struct section *answer, struct provider_api *api) {
    static const char *const known[] = {"path", "plain", "request", "note", "source", "date", NULL};
    struct place place = {&answer->place, "dimensions", 0};
    const json_t *list = answer->json ? json_object_get(answer->json, "dimensions") : NULL;
    size_t count = json_array_size(list);
    struct price_dimension *dimensions =
        pool_array(answer->reader->pool, count, sizeof(*dimensions));
    if (list && !json_is_array(list))
        fail(answer, "dimensions", "must be a list");
    for (size_t i = 0; i < count; i++) {
        struct section one = open_element(answer->reader, list, &place, i, known);
        dimensions[i] = (struct price_dimension){path(&one, "path", true), texts(&one, "plain"),
                                                 text(&one, "request", false)};
    }
    api->dimensions = dimensions;
    api->dimension_count = count;
}

static void read_content(struct reader *reader, const json_t *entry, struct provider_api *api) {
    api->content = reader_paths(reader, entry, &(struct place){NULL, "content", 0});

    static const char *const known[] = {"message", "model",  "service_tier", "dimensions",
                                        "finish",  "source", "date",         NULL};
    struct section section = open_section(reader, entry, "answer", true, known);
    api->message = path(&section, "message", true);
    api->model = path(&section, "model", false);
    api->service_tier = path(&section, "service_tier", false);
    api->finish = path(&section, "finish", true);
    read_dimensions(&section, api);
}

static void read_finishes(struct reader *reader, const json_t *entry, struct provider_api *api) {
    static const char *const neutral[] = {"stop",    "length", "tool_calls", "content_filter",
                                          "refusal", "error",  "unknown",    NULL};
    struct section section = open_section(reader, entry, "finish", true, NULL);
    struct text_pair *pairs =
        pool_array(reader->pool, json_object_size(section.json), sizeof(*pairs));
    size_t count = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)section.json, name, value) {
        if (strcmp(name, "source") == 0 || strcmp(name, "date") == 0)
            continue;
        pairs[count] = (struct text_pair){name, text(&section, name, true)};
        if (!is_listed(neutral, pairs[count].to))
            fail(&section, name,
                 "must be stop, length, tool_calls, content_filter, refusal, error or unknown");
        count++;
    }
    api->finishes = pairs;
    api->finish_count = count;
}

// What is not served says why, and what would serve it: docs/gap-analysis.md is made of these.
static void check_support(struct reader *reader, const json_t *entry) {
    static const char *const known[] = {"what", "state", "note", "next", "source", "date", NULL};
    static const char *const states[] = {"served", "served, unpriced", "not served", "not offered",
                                         NULL};
    struct place place = {NULL, "support", 0};
    const json_t *list = open_list(reader, entry, place.name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct section section = open_element(reader, list, &place, i, known);
        (void)text(&section, "what", true);
        const char *state = text(&section, "state", true);
        bool is_open = strcmp(state, "not served") == 0;
        if (!is_listed(states, state))
            fail(&section, "state",
                 "must be served, \"served, unpriced\", not served or not offered");
        (void)text(&section, "note", is_open);
        (void)text(&section, "next", is_open);
    }
}

// ---- The whole. --------------------------------------------------------------------------------

static bool is_name(const char *name) {
    size_t size = strlen(name);
    return size > 0 && size <= PROVIDER_BYTES_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == size;
}

bool catalogue_read_api(struct reader *reader, const json_t *entry, struct provider_api *api) {
    *api = (struct provider_api){0};
    reader_only(reader, entry, NULL, fields);
    api->provider = reader_text(reader, entry, &(struct place){NULL, "provider", 0}, true);
    api->api = reader_text(reader, entry, &(struct place){NULL, "api", 0}, true);
    api->shape = reader_text(reader, entry, &(struct place){NULL, "shape", 0}, true);
    if (!is_name(api->provider) || !is_name(api->api))
        reader_fail(reader, &(struct place){NULL, is_name(api->api) ? "provider" : "api", 0},
                    "must be lower-case letters, digits, - and _");
    api->is_default = reader_flag(reader, entry, &(struct place){NULL, "is_default", 0});
    api->api_stateful = reader_flag(reader, entry, &(struct place){NULL, "api_stateful", 0});
    read_endpoint(reader, entry, api);
    read_auth(reader, entry, api);
    read_request(reader, entry, api);
    read_bounds(reader, entry, api);
    read_message_fields(reader, entry, api);
    read_retries(reader, entry, api);
    read_identifiers(reader, entry, api);
    read_content(reader, entry, api);
    read_finishes(reader, entry, api);
    check_support(reader, entry);
    catalogue_read_usage(reader, entry, api);
    catalogue_read_stream(reader, entry, api);
    catalogue_read_batch(reader, entry, api);
    if (!reader->is_failed)
        api->json = reader_dump(reader, entry);
    return !reader->is_failed;
}
