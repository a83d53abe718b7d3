// provider gaps: what the catalogue declares beside what the recorded answers held.
#include "tools/commands.h"
#include "tools/provider.h"
#include "tools/render.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { PAGE_ANSWERS = 1000, ANSWERS_USUAL = 10000, PLACE_SIZE = 512 };

// ---- what is declared ---------------------------------------------------------------------------

// A path as the ledger writes places: what selects among elements is [*].
static void generalize(const char *path, char out[PLACE_SIZE]) {
    size_t size = 0;
    while (*path && size + 4 < PLACE_SIZE) {
        bool is_choice = *path == '[' && path[1] != '\'' && path[1] != '"';
        out[size++] = *path++;
        if (!is_choice)
            continue;
        for (int depth = 1; *path; path++) {
            depth += *path == '[' ? 1 : *path == ']' ? -1 : 0;
            if (depth == 0)
                break;
        }
        out[size++] = '*';
    }
    out[size] = 0;
}

static void declare(json_t *declared, const char *path) {
    char place[PLACE_SIZE];
    if (*path != '$')
        return;
    generalize(path, place);
    (void)json_object_set_new(declared, place, json_true());
}

static void declare_header(json_t *declared, const char *header) {
    char place[PLACE_SIZE];
    (void)snprintf(place, sizeof(place), "header:%s", header);
    (void)json_object_set_new(declared, place, json_true());
}

// A section's members: texts that are paths, or mappings with one.
static void declare_section(json_t *declared, json_t *section) {
    const char *name;
    json_t *value;
    json_object_foreach(section, name, value) declare(
        declared, json_is_string(value) ? json_string_value(value) : text_of(value, "path", ""));
}

static void declare_list(json_t *declared, const json_t *list) {
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) {
        declare(declared, text_of(item, "path", ""));
        if (text_of(item, "header", NULL))
            declare_header(declared, text_of(item, "header", ""));
    }
}

// Every place that an entry names: {place: true}.
static json_t *declared_by(const struct provider_api *api) {
    json_t *entry = NULL, *declared = json_object(), *header;
    const char *name;
    if (json_parse(bytes_text(api->json), &entry, NULL, 0) != ERR_OK)
        fail(EX_SOFTWARE, "an entry of the catalogue cannot be read");
    declare_list(declared, member_of(entry, "metadata_fields"));
    declare_list(declared, member_of(entry, "identifier_extraction_paths"));
    declare_section(declared, json_object_get(entry, "usage"));
    declare_section(declared, json_object_get(entry, "errors"));
    declare_section(declared, json_object_get(entry, "answer"));
    json_object_foreach(json_object_get(entry, "rate_limit"), name,
                        header) if (json_is_string(header) && strcmp(name, "note") != 0 &&
                                    strcmp(name, "source") != 0 &&
                                    strcmp(name, "reset_format") != 0)
        declare_header(declared, json_string_value(header));
    // What says nothing of what is within it: a counter more in there is a change, and $ is all.
    (void)json_object_del(declared, "$");
    char object[PLACE_SIZE];
    generalize(text_of(member_of(entry, "usage"), "object", ""), object);
    (void)json_object_del(declared, object);
    json_decref(entry);
    return declared;
}

// ---- what was seen ------------------------------------------------------------------------------

static void add_field(json_t *fields, const json_t *field) {
    const char *place = text_of(field, "place", "");
    json_t *sum = json_object_get(fields, place);
    if (!sum) {
        (void)json_object_set_new(fields, place, json_deep_copy(field));
        return;
    }
    int64_t first = int_of(field, "first_ms", 0), last = int_of(field, "last_ms", 0);
    int64_t answers = int_of(sum, "answers", 0) + int_of(field, "answers", 0);
    (void)json_object_set_new(sum, "answers", json_integer((json_int_t)answers));
    if (first < int_of(sum, "first_ms", 0))
        (void)json_object_set_new(sum, "first_ms", json_integer((json_int_t)first));
    if (last > int_of(sum, "last_ms", 0))
        (void)json_object_set_new(sum, "last_ms", json_integer((json_int_t)last));
}

static int64_t add_page(json_t *seen, const json_t *page) {
    const json_t *api, *field;
    int64_t answers = 0;
    size_t i, k;
    json_array_foreach(member_of(page, "apis"), i, api) {
        json_t *sum = json_object_get(seen, text_of(api, "api", ""));
        if (!sum) {
            sum = json_pack("{s:i,s:{}}", "answers", 0, "fields");
            (void)json_object_set_new(seen, text_of(api, "api", ""), sum);
        }
        int64_t more = int_of(api, "answers", 0);
        answers += more;
        int64_t all = int_of(sum, "answers", 0) + more;
        (void)json_object_set_new(sum, "answers", json_integer((json_int_t)all));
        json_array_foreach(member_of(api, "fields"), k, field)
            add_field(json_object_get(sum, "fields"), field);
    }
    return answers;
}

// {api: {answers, fields: {place: {place, answers, first_ms, last_ms}}}}; *is_cut: there are more
// answers than were looked at.
static json_t *seen_fields(struct call *call, int64_t most, int64_t *answers, bool *is_cut) {
    json_t *seen = json_object();
    char next[64] = "";
    *answers = 0;
    do {
        int64_t rest = most - *answers;
        json_t *arguments = json_object();
        arguments_add_int(arguments, "limit", rest < PAGE_ANSWERS ? rest : PAGE_ANSWERS);
        arguments_add(arguments, "after", *next ? next : NULL);
        json_t *page = call_ask(call, "answer.fields", arguments);
        *answers += add_page(seen, page);
        (void)snprintf(next, sizeof(next), "%s", text_of(page, "next", ""));
        json_decref(page);
    } while (*next && *answers < most);
    *is_cut = *next != 0;
    return seen;
}

// ---- both ---------------------------------------------------------------------------------------

// Whether a place is the declared one, or within it.
static bool is_within(const char *place, const char *declared) {
    size_t size = strlen(declared);
    return strncmp(place, declared, size) == 0 &&
           (place[size] == 0 || place[size] == '.' || place[size] == '[');
}

static json_t *compare(const char *name, const json_t *sum, json_t *declared) {
    json_t *known = json_array(), *unseen = json_array(), *unknown = json_array(), *field, *flag;
    json_t *fields = json_object_get(sum, "fields");
    const char *place, *path;
    json_object_foreach(fields, place, field) {
        bool is_declared = false;
        json_object_foreach(declared, path, flag) if (is_within(place, path)) {
            is_declared = true;
            (void)json_object_set_new(declared, path, json_false()); // it was seen
        }
        (void)json_array_append(is_declared ? known : unknown, field);
    }
    json_object_foreach(declared, path, flag) if (json_is_true(flag))(void)
        json_array_append_new(unseen, json_string(path));
    return json_pack("{s:s,s:I,s:o,s:o,s:o}", "api", name, "answers",
                     (json_int_t)int_of(sum, "answers", 0), "seen", known, "never_seen", unseen,
                     "undeclared", unknown);
}

static json_t *compare_all(const struct catalogue *catalogue, json_t *seen, const char *wanted) {
    json_t *apis = json_array(), *sum;
    const char *name;
    json_object_foreach(seen, name, sum) {
        if (wanted && !is_within(name, wanted))
            continue;
        const char *dot = strchr(name, '.');
        const struct provider_api *api =
            dot ? catalogue_api(catalogue, bytes_of(name, (size_t)(dot - name)),
                                bytes_text(dot + 1))
                : NULL;
        json_t *declared = api ? declared_by(api) : json_object();
        (void)json_array_append_new(apis, compare(name, sum, declared));
        json_decref(declared);
    }
    return apis;
}

// ---- for people ---------------------------------------------------------------------------------

static void show_fields(const json_t *fields, const char *what) {
    char text[SHORT_TEXT_SIZE], first[SHORT_TEXT_SIZE], last[SHORT_TEXT_SIZE];
    const json_t *field;
    size_t i;
    out_printf("  %s: %s\n", what, counted_text((int64_t)json_array_size(fields), "field", text));
    json_array_foreach(fields, i, field) {
        if (json_is_string(field))
            out_printf("    %s\n", json_string_value(field));
        else
            out_printf("    %s  %s, %s to %s\n", text_of(field, "place", ""),
                       counted_text(int_of(field, "answers", 0), "answer", text),
                       time_text(int_of(field, "first_ms", 0), first),
                       time_text(int_of(field, "last_ms", 0), last));
    }
}

static void show_apis(const json_t *apis) {
    char text[SHORT_TEXT_SIZE];
    const json_t *api;
    size_t i;
    json_array_foreach(apis, i, api) {
        out_printf("%s: %s\n", text_of(api, "api", ""),
                   counted_text(int_of(api, "answers", 0), "answer", text));
        show_fields(member_of(api, "undeclared"), "seen and not declared");
        show_fields(member_of(api, "never_seen"), "declared and never seen");
        out_printf("  declared and seen: %s\n",
                   counted_text((int64_t)json_array_size(member_of(api, "seen")), "field", text));
    }
}

int provider_gaps(struct call *call) {
    struct catalogue *catalogue = provider_catalogue(call);
    int64_t answers;
    bool is_cut;
    int64_t most = (int64_t)call_count(call, "limit", ANSWERS_USUAL);
    json_t *seen = seen_fields(call, most > 0 ? most : 1, &answers, &is_cut);
    const char *wanted = call->operand_count > 0 ? call->operands[0] : NULL;
    json_t *report = json_pack("{s:I,s:b,s:o}", "answers", (json_int_t)answers, "is_cut", is_cut,
                               "apis", compare_all(catalogue, seen, wanted));
    if (call_has(call, "json"))
        call_show_json(call, report);
    else if (json_array_size(member_of(report, "apis")) == 0)
        call_say_empty(call,
                       "no such answer is recorded here yet; begin with:", "batch run FILE.jsonl");
    else
        show_apis(member_of(report, "apis"));
    if (is_cut && !call_has(call, "json"))
        (void)fprintf(stderr, "colloq: older answers were not looked at; --limit takes more\n");
    json_decref(report);
    json_decref(seen);
    catalogue_free(catalogue);
    return 0;
}
