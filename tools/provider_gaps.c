// provider gaps: what the catalogue declares beside what the recorded answers held.
#include "tools/commands.h"
#include "tools/provider.h"
#include "tools/provider_declared.h"
#include "tools/render.h"

#include <stdio.h>
#include <string.h>

enum { PAGE_ANSWERS = 1000, ANSWERS_USUAL = 10000 };

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
        if (flag_of(api, "is_incomplete"))
            (void)json_object_set_new(sum, "is_incomplete", json_true());
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

static json_t *compare(const char *name, const json_t *sum, const struct provider_api *api) {
    static const struct provider_api none = {.json = "{}"};
    struct declared *declared = declared_new(api ? api : &none);
    json_t *known = json_array(), *unknown = json_array(), *field;
    json_t *fields = json_object_get(sum, "fields");
    const char *place;
    json_object_foreach(fields, place, field) {
        enum standing standing = declared_meet(declared, place);
        if (standing != STANDING_idle)
            (void)json_array_append(standing == STANDING_declared ? known : unknown, field);
    }
    json_t *unseen = declared_unseen(declared);
    declared_free(declared);
    return json_pack("{s:s,s:I,s:b,s:o,s:o,s:o}", "api", name, "answers",
                     (json_int_t)int_of(sum, "answers", 0), "is_incomplete",
                     flag_of(sum, "is_incomplete"), "seen", known, "never_seen", unseen,
                     "undeclared", unknown);
}

// Whether openai.chat is meant by openai.chat, or by openai.
static bool is_wanted(const char *api, const char *wanted) {
    size_t size = wanted ? strlen(wanted) : 0;
    return !wanted || (strncmp(api, wanted, size) == 0 && (api[size] == 0 || api[size] == '.'));
}

// Of each API of the catalogue, and of those that were only seen.
static json_t *compare_all(const struct catalogue *catalogue, const json_t *seen,
                           const char *wanted) {
    json_t *apis = json_array(), *rest = json_copy((json_t *)seen), *sum;
    const char *name;
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        char full[SHORT_TEXT_SIZE * 4];
        (void)snprintf(full, sizeof(full), "%s.%s", api->provider, api->api);
        if (is_wanted(full, wanted))
            (void)json_array_append_new(apis, compare(full, json_object_get(seen, full), api));
        (void)json_object_del(rest, full);
    }
    json_object_foreach(rest, name, sum) if (is_wanted(name, wanted))(void)
        json_array_append_new(apis, compare(name, sum, NULL));
    json_decref(rest);
    if (json_array_size(apis) == 0)
        provider_refuse(catalogue, wanted);
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

static void show_api(const json_t *api) {
    char text[SHORT_TEXT_SIZE];
    out_printf("%s: %s\n", text_of(api, "api", ""),
               counted_text(int_of(api, "answers", 0), "answer", text));
    if (flag_of(api, "is_incomplete"))
        out_text("  more fields were seen than are kept count of: fewer answers (--limit) show "
                 "others\n");
    show_fields(member_of(api, "undeclared"), "seen and not declared");
    show_fields(member_of(api, "never_seen"), "declared and never seen");
    out_printf("  declared and seen: %s\n",
               counted_text((int64_t)json_array_size(member_of(api, "seen")), "field", text));
}

static void show_apis(const json_t *apis) {
    const json_t *api;
    size_t i, silent = 0;
    json_array_foreach(apis, i, api) {
        if (int_of(api, "answers", 0) > 0)
            show_api(api);
        else
            silent++;
    }
    if (silent > 0)
        out_text("no answer is recorded of");
    json_array_foreach(apis, i, api) if (int_of(api, "answers", 0) == 0)
        out_printf(" %s%s", text_of(api, "api", ""), --silent > 0 ? "," : "\n");
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
    else if (answers == 0)
        call_say_empty(call, "no answer is recorded here yet; begin with:", "batch run FILE.jsonl");
    else
        show_apis(member_of(report, "apis"));
    if (is_cut && !call_has(call, "json"))
        (void)fprintf(stderr, "colloq: older answers were not looked at; --limit takes more\n");
    json_decref(report);
    json_decref(seen);
    catalogue_free(catalogue);
    return 0;
}
