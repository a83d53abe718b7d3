#include "tools/provider_page.h"

#include "common/mem.h"
#include "tools/call.h"
#include "tools/render.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char made_by[] = "<!-- Written by `colloq provider document`; change the catalogue, "
                              "not this page. -->\n\n";

static json_t *entry_of(const struct provider_api *api) {
    json_t *entry = NULL;
    if (json_parse(bytes_text(api->json), &entry, NULL, 0) != ERR_OK)
        fail(EX_SOFTWARE, "an entry of the catalogue cannot be read");
    return entry;
}

// ---- texts --------------------------------------------------------------------------------------

// A text within a table: what would end its cell is escaped.
static void put_cell(struct buf *out, const char *text) {
    for (; *text; text++) {
        if (*text == '|')
            buf_byte(out, '\\');
        buf_byte(out, *text == '\n' ? ' ' : (uint8_t)*text);
    }
}

static void put_code(struct buf *out, const char *text) {
    buf_byte(out, '`');
    put_cell(out, text);
    buf_byte(out, '`');
}

// How a fact was tested: recorded answers show it, or its source says so, or nobody does.
static void put_tested(struct buf *out, const json_t *fact) {
    const char *source = text_of(fact, "source", "");
    if (strcmp(source, "recorded") == 0)
        buf_text(out, "recorded");
    else if (*source)
        buf_printf(out, "documented (%s)", source);
    else
        buf_text(out, "unverified");
}

static void put_note(struct buf *out, const json_t *fact, const char *before) {
    const char *note = text_of(fact, "note", "");
    if (*note) {
        buf_text(out, before);
        put_cell(out, note);
    }
}

// A scalar as it is written.
static void put_value(struct buf *out, const json_t *value) {
    if (json_is_string(value)) {
        put_cell(out, json_string_value(value));
        return;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    put_cell(out, text ? text : "");
    mem_free(text);
}

// A path, or a list of them.
static void put_paths(struct buf *out, const json_t *paths, const char *between) {
    const json_t *path;
    size_t i;
    if (json_is_string(paths))
        put_code(out, json_string_value(paths));
    json_array_foreach(paths, i, path) {
        buf_text(out, i > 0 ? between : "");
        put_code(out, json_string_value(path));
    }
}

// ---- lists --------------------------------------------------------------------------------------

static void put_facts(struct buf *out, const json_t *facts, const char *name) {
    const json_t *fact;
    size_t i;
    json_array_foreach(facts, i, fact) {
        buf_printf(out, "- %s", text_of(fact, name, ""));
        put_note(out, fact, ": ");
        buf_text(out, " — ");
        put_tested(out, fact);
        buf_byte(out, '\n');
    }
    if (json_array_size(facts) == 0)
        buf_text(out, "- nothing is stated\n");
}

struct column {
    const char *title;
    const char *member;
    bool is_code;
};

// A table of a list's members; its last column says how each was tested.
static void put_table(struct buf *out, const json_t *list, const struct column *columns) {
    const json_t *row;
    size_t i;
    for (const struct column *c = columns; c->title; c++)
        buf_printf(out, "| %s ", c->title);
    buf_text(out, "| tested |\n");
    for (const struct column *c = columns; c->title; c++)
        buf_text(out, "|---");
    buf_text(out, "|---|\n");
    json_array_foreach(list, i, row) {
        for (const struct column *c = columns; c->title; c++) {
            const json_t *value = member_of(row, c->member);
            buf_text(out, "| ");
            if (value && c->is_code)
                put_code(out, text_of(row, c->member, ""));
            else if (value)
                put_value(out, value);
            buf_byte(out, ' ');
        }
        buf_text(out, "| ");
        put_tested(out, row);
        buf_text(out, " |\n");
    }
}

static const char *place_of(const json_t *path, char *place, size_t size) {
    const char *header = text_of(path, "header", NULL);
    (void)snprintf(place, size, "%s%s", header ? "header:" : "",
                   header ? header : text_of(path, "path", ""));
    return place;
}

// ---- one API ------------------------------------------------------------------------------------

static void put_architecture(struct buf *out, const json_t *entry) {
    const json_t *going_on = member_of(entry, "continuation");
    buf_printf(out, "## Architecture\n\nThe API is %s.",
               flag_of(entry, "api_stateful")
                   ? "stateful: the provider can hold the conversation"
                   : "stateless: every request brings the whole conversation");
    if (going_on) {
        buf_printf(out, " How a turn goes on: `%s`.", text_of(going_on, "mode", "full_history"));
        put_note(out, going_on, " ");
    }
    buf_text(out, "\n");
    if (json_array_size(member_of(going_on, "replay")) > 0) {
        buf_text(out, "\nWhat goes back with the next turn:\n\n");
        put_facts(out, member_of(going_on, "replay"), "what");
    }
    if (member_of(entry, "retention")) {
        buf_text(out, "\nWhat the provider keeps:\n\n");
        put_facts(out, member_of(entry, "retention"), "fact");
    }
}

static void put_identifiers(struct buf *out, const json_t *entry) {
    const json_t *path, *paths = member_of(entry, "identifier_extraction_paths");
    const json_t *primary = member_of(entry, "conversation_identifiers");
    size_t i;
    buf_text(out, "\n## Identifiers\n\nLooked for in this order; whatever else is named like one "
                  "is found too.\n\n| kind | where | tested |\n|---|---|---|\n");
    json_array_foreach(paths, i, path) {
        char place[512];
        buf_printf(out, "| %s | ", text_of(path, "kind", ""));
        put_code(out, place_of(path, place, sizeof(place)));
        buf_text(out, " | ");
        put_tested(out, path);
        put_note(out, path, "; ");
        buf_text(out, " |\n");
    }
    buf_text(out, "\nThe conversation is named by ");
    json_array_foreach(primary, i, path)
        buf_printf(out, "%s%s", i > 0 ? ", else " : "", json_string_value(path));
    buf_text(out, json_array_size(primary) > 0 ? ".\n" : "none of them.\n");
}

static void put_endpoint(struct buf *out, const json_t *entry) {
    const json_t *endpoint = member_of(entry, "endpoint"), *auth = member_of(entry, "auth");
    const json_t *variable, *headers = member_of(entry, "headers");
    size_t i;
    buf_text(out, "\n## Implementation\n\n");
    buf_printf(out, "- `%s %s%s`", text_of(endpoint, "method", "POST"),
               text_of(endpoint, "base_url", ""), text_of(endpoint, "path", ""));
    if (text_of(endpoint, "path_stream", NULL))
        buf_printf(out, "; a stream at `%s`", text_of(endpoint, "path_stream", ""));
    buf_printf(out, "\n- spoken as `%s`\n- key in `%s: %sKEY`, from", text_of(entry, "shape", ""),
               text_of(auth, "header", ""), text_of(auth, "prefix", ""));
    json_array_foreach(member_of(auth, "key_envs"), i, variable)
        buf_printf(out, "%s `%s`", i > 0 ? "," : "", json_string_value(variable));
    buf_byte(out, '\n');
    if (text_of(headers, "call_id", NULL))
        buf_printf(out, "- our call id goes out in `%s`\n", text_of(headers, "call_id", ""));
    buf_printf(out, "- streams: %s", member_of(entry, "stream") ? "served" : "none, or not served");
    put_note(out, member_of(entry, "stream"), "; ");
    buf_text(out, "\n\nServed here:\n\n| what | state | tested |\n|---|---|---|\n");
    const json_t *support;
    json_array_foreach(member_of(entry, "support"), i, support) {
        buf_printf(out, "| %s | %s", text_of(support, "what", ""), text_of(support, "state", ""));
        put_note(out, support, ": ");
        buf_text(out, " | ");
        put_tested(out, support);
        buf_text(out, " |\n");
    }
}

static void put_fields(struct buf *out, const json_t *entry) {
    static const struct column fields[] = {{"field", "name", true},
                                           {"type", "type", false},
                                           {"required", "required", false},
                                           {"note", "note", false},
                                           {NULL, NULL, false}};
    static const struct column limits[] = {
        {"limit", "name", true}, {"value", "value", false}, {NULL, NULL, false}};
    static const struct column windows[] = {
        {"model", "model", true}, {"tokens", "tokens", false}, {NULL, NULL, false}};
    if (json_array_size(member_of(entry, "request_fields")) > 0) {
        buf_text(out, "\nFields of a request:\n\n");
        put_table(out, member_of(entry, "request_fields"), fields);
    }
    if (json_array_size(member_of(entry, "limits")) > 0) {
        buf_text(out, "\nLimits:\n\n");
        put_table(out, member_of(entry, "limits"), limits);
    }
    if (json_array_size(member_of(entry, "context_windows")) > 0) {
        buf_text(out, "\nContext windows:\n\n");
        put_table(out, member_of(entry, "context_windows"), windows);
    }
}

// The words of an error that a rule is for: its code alone, or by what it is said.
static void put_words(struct buf *out, const json_t *rule) {
    static const char *const names[][2] = {
        {"code", ""}, {"type", "type: "}, {"message", "message: "}};
    const char *between = "";
    buf_text(out, " | ");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *word = text_of(rule, names[i][0], "");
        if (!*word)
            continue;
        buf_printf(out, "%s%s%s", between, names[i][1], word);
        between = ", ";
    }
    if (!*between)
        buf_text(out, "any");
}

static void put_errors(struct buf *out, const json_t *entry) {
    const json_t *rule;
    size_t i;
    buf_text(
        out,
        "\nWhat follows from an error; the first rule that fits decides:\n\n"
        "| status | code, type or message | class | reason | tested |\n|---|---|---|---|---|\n");
    json_array_foreach(member_of(entry, "retry"), i, rule) {
        buf_text(out, "| ");
        put_value(out, member_of(rule, "status"));
        put_words(out, rule);
        buf_printf(out, " | %s | %s | ", text_of(rule, "class", ""), text_of(rule, "reason", ""));
        put_tested(out, rule);
        buf_text(out, " |\n");
    }
}

static void put_costs(struct buf *out, json_t *entry) {
    const char *name;
    json_t *part;
    buf_text(out, "\n## Token costs\n\nRates are in `schemas/prices/`. What is counted:\n\n"
                  "| counter | where | tested |\n|---|---|---|\n");
    json_object_foreach(json_object_get(entry, "usage"), name, part) {
        if (!member_of(part, "path"))
            continue;
        buf_printf(out, "| %s | ", name);
        put_paths(out, member_of(part, "path"), ", else ");
        if (text_of(part, "more", NULL)) {
            buf_text(out, ", and on top of it ");
            put_code(out, text_of(part, "more", ""));
        }
        buf_text(out, flag_of(part, "included") ? ", a part of the whole | " : " | ");
        put_tested(out, part);
        put_note(out, part, "; ");
        buf_text(out, " |\n");
    }
    buf_text(out, "\nWhat lowers the cost:\n\n");
    put_facts(out, member_of(entry, "cost_optimization_notes"), "fact");
}

// Of a batch of the provider's own.
static void put_batch(struct buf *out, const json_t *entry) {
    static const struct {
        const char *name;
        const char *what;
        const char *between;
    } parts[] = {{"urls", "asked about at", ", "},       {"results", "results alone at", ", "},
                 {"state", "its state", ", else "},      {"model", "its model", ", else "},
                 {"endpoint", "whose lines", ", else "}, {"items", "items in it", ", else "},
                 {"result", "an item has", ", else "},   {"key", "its key", ", else "},
                 {"ended", "how it ended", ", else "},   {"status", "its HTTP status", ", else "},
                 {"answer", "its answer", ", else "},    {"error", "its error", ", else "}};
    static const struct column identifiers[] = {
        {"kind", "kind", false}, {"where", "path", true}, {NULL, NULL, false}};
    const json_t *batch = member_of(entry, "batch");
    if (!batch)
        return;
    buf_printf(out,
               "\n## The provider's own batches\n\n`colloq extract` reads what is answered about "
               "one, and each result in it, with the prices of the tier `%s`",
               text_of(batch, "tier", ""));
    put_note(out, batch, "; ");
    buf_text(out, " — ");
    put_tested(out, batch);
    buf_text(out, ".\n\n| what | where |\n|---|---|\n");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!member_of(batch, parts[i].name))
            continue;
        buf_printf(out, "| %s | ", parts[i].what);
        put_paths(out, member_of(batch, parts[i].name), parts[i].between);
        buf_text(out, " |\n");
    }
    buf_text(out, "\nIdentifiers of the batch, and of an item:\n\n");
    put_table(out, member_of(batch, "identifiers"), identifiers);
    buf_byte(out, '\n');
    put_table(out, member_of(batch, "item_identifiers"), identifiers);
}

static void put_sources(struct buf *out, json_t *entry) {
    const char *name;
    json_t *source;
    buf_text(out, "\n## Sources\n\n`recorded`: seen in recorded answers of the API. `documented`: "
                  "the source says so. `unverified`: neither.\n\n| source | what | read |\n"
                  "|---|---|---|\n");
    json_object_foreach(json_object_get(entry, "sources"), name, source) {
        buf_printf(out, "| %s | ", name);
        put_cell(out, text_of(source, "what", ""));
        buf_printf(out, " | %s |\n", text_of(source, "date", ""));
    }
}

void page_of_api(const struct provider_api *api, struct buf *out) {
    static const struct column metadata[] = {
        {"where", "path", true}, {"what", "what", false}, {NULL, NULL, false}};
    json_t *entry = entry_of(api);
    const json_t *sdk = member_of(entry, "sdk_session_support");
    buf_printf(out, "# %s (`%s.%s`)\n\n%s", text_of(entry, "title", api->api), api->provider,
               api->api, made_by);
    put_architecture(out, entry);
    put_identifiers(out, entry);
    buf_text(out, "\n## Metadata\n\nEverything outside the content is kept; declared is this:\n\n");
    put_table(out, member_of(entry, "metadata_fields"), metadata);
    put_endpoint(out, entry);
    put_fields(out, entry);
    put_errors(out, entry);
    put_costs(out, entry);
    put_batch(out, entry);
    buf_printf(out, "\n## SDK\n\nSessions of an SDK: %s.",
               flag_of(sdk, "supported") ? "yes" : "no");
    put_note(out, sdk, " ");
    buf_text(out, "\n\n## Notes\n\n");
    put_facts(out, member_of(entry, "provider_notes"), "fact");
    put_sources(out, entry);
    json_decref(entry);
}

// ---- all APIs -----------------------------------------------------------------------------------

struct line {
    char *kind;
    char *text;
};

static int by_kind(const void *a, const void *b) {
    const struct line *first = a, *second = b;
    int order = strcmp(first->kind, second->kind);
    return order ? order : strcmp(first->text, second->text);
}

// The rows of a list of rules; `of` says in what else than an answer of the API they stand.
static void add_list(const struct provider_api *api, const json_t *list, const char *of,
                     struct line *lines, size_t *count) {
    const json_t *path;
    size_t i;
    json_array_foreach(list, i, path) {
        char place[512];
        struct buf text;
        const char *kind = text_of(path, "kind", "");
        buf_init(&text, 4096);
        buf_printf(&text, "| %s | [%s.%s](providers/%s.%s.md)%s | ", kind, api->provider, api->api,
                   api->provider, api->api, of);
        put_code(&text, place_of(path, place, sizeof(place)));
        buf_text(&text, " | ");
        put_tested(&text, path);
        buf_text(&text, " |\n");
        lines[*count].kind = mem_copy(kind, strlen(kind));
        lines[(*count)++].text = mem_copy(buf_bytes(&text).at, buf_bytes(&text).size);
        buf_release(&text);
    }
}

static void add_lines(const struct provider_api *api, struct line *lines, size_t *count) {
    json_t *entry = entry_of(api);
    const json_t *batch = member_of(entry, "batch");
    add_list(api, member_of(entry, "identifier_extraction_paths"), "", lines, count);
    add_list(api, member_of(batch, "identifiers"), ", a batch", lines, count);
    add_list(api, member_of(batch, "item_identifiers"), ", a batch's item", lines, count);
    json_decref(entry);
}

void page_of_identifiers(const struct catalogue *catalogue, struct buf *out) {
    size_t count = 0, most = 0;
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        most +=
            api->identifier_count + api->batch.identifier_count + api->batch.item_identifier_count;
    }
    struct line *lines = mem_array(most + 1, sizeof(*lines));
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++)
        add_lines(catalogue_api_at(catalogue, i), lines, &count);
    qsort(lines, count, sizeof(*lines), by_kind);
    buf_printf(out,
               "# Identifiers: which kind stands where\n\n%sA kind is called the same in the "
               "catalogue, the ledger and all output. `colloq find VALUE` knows each of them.\n\n"
               "| kind | API | where | tested |\n|---|---|---|---|\n",
               made_by);
    for (size_t i = 0; i < count; i++) {
        buf_text(out, lines[i].text);
        mem_free(lines[i].kind);
        mem_free(lines[i].text);
    }
    mem_free(lines);
}

void page_of_gaps(const struct catalogue *catalogue, struct buf *out) {
    buf_printf(out,
               "# What the APIs offer, and what of it is used\n\n%sWhat recorded answers hold and "
               "no entry declares, `colloq provider gaps` says of your own ledger.\n",
               made_by);
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        json_t *entry = entry_of(api);
        const json_t *offer;
        size_t k;
        buf_printf(out,
                   "\n## %s ([%s.%s](providers/%s.%s.md))\n\n| offered | used | why, or how | next "
                   "step | tested |\n|---|---|---|---|---|\n",
                   text_of(entry, "title", api->api), api->provider, api->api, api->provider,
                   api->api);
        json_array_foreach(member_of(entry, "support"), k, offer) {
            const char *state = text_of(offer, "state", "");
            buf_text(out, "| ");
            put_cell(out, text_of(offer, "what", ""));
            buf_printf(out, " | %s | ",
                       strcmp(state, "served") == 0       ? "yes"
                       : strcmp(state, "not served") == 0 ? "no"
                                                          : state);
            put_cell(out, text_of(offer, "note", ""));
            buf_text(out, " | ");
            put_cell(out, text_of(offer, "next", ""));
            buf_text(out, " | ");
            put_tested(out, offer);
            buf_text(out, " |\n");
        }
        json_decref(entry);
    }
}
