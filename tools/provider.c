// What the catalogue says of providers: ours, with the user's own folder, as a start here would
// compile it. Asks nobody.
#include "tools/provider.h"
#include "common/catalogue.h"
#include "tools/commands.h"
#include "tools/render.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

// ---- list ---------------------------------------------------------------------------------------

// Models of the provider that have a price.
static int64_t models_of(const struct catalogue *catalogue, const char *provider) {
    int64_t count = 0;
    const char *last = "";
    for (size_t i = 0; i < catalogue_price_count(catalogue); i++) {
        const struct price *price = catalogue_price_at(catalogue, i);
        if (strcmp(price->provider, provider) == 0 && strcmp(price->model, last) != 0) {
            last = price->model;
            count++;
        }
    }
    return count;
}

static json_t *list_of(const struct catalogue *catalogue) {
    json_t *apis = json_array();
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        char name[256];
        json_t *entry = NULL;
        if (json_parse(bytes_text(api->json), &entry, NULL, 0) != ERR_OK)
            fail(EX_SOFTWARE, "an entry of the catalogue cannot be read");
        (void)snprintf(name, sizeof(name), "%s.%s", api->provider, api->api);
        (void)json_array_append_new(
            apis, json_pack("{s:s,s:s,s:s,s:b,s:b,s:b,s:I,s:I}", "api", name, "title",
                            text_of(entry, "title", name), "shape", api->shape, "is_default",
                            api->is_default, "api_stateful", api->api_stateful, "is_streamed",
                            api->stream.is_served, "identifiers",
                            (json_int_t)json_array_size(member_of(entry, "supported_identifiers")),
                            "priced_models", (json_int_t)models_of(catalogue, api->provider)));
        json_decref(entry);
    }
    return json_pack("{s:s,s:o}", "catalogue", catalogue_hash(catalogue), "apis", apis);
}

static void table_of_apis(const json_t *apis) {
    static const struct table_column columns[] = {
        {"API", COLUMN_whole},     {"TITLE", COLUMN_text},         {"STATE", COLUMN_whole},
        {"STREAMS", COLUMN_whole}, {"IDENTIFIERS", COLUMN_number}, {"PRICED MODELS", COLUMN_number},
        {NULL, COLUMN_whole}};
    struct table table;
    const json_t *api;
    size_t i;
    table_begin(&table, columns);
    json_array_foreach(apis, i, api) {
        table_row(&table);
        table_cell(&table, 0, "%s", text_of(api, "api", ""));
        table_cell(&table, 1, "%s", text_of(api, "title", ""));
        table_cell(&table, 2, "%s", flag_of(api, "api_stateful") ? "stateful" : "stateless");
        table_cell(&table, 3, "%s", flag_of(api, "is_streamed") ? "yes" : "no");
        table_cell(&table, 4, "%lld", (long long)int_of(api, "identifiers", 0));
        table_cell(&table, 5, "%lld", (long long)int_of(api, "priced_models", 0));
    }
    table_end(&table);
}

int provider_list(struct call *call) {
    struct catalogue *catalogue = provider_catalogue(call);
    json_t *list = list_of(catalogue);
    if (call_has(call, "json"))
        call_show_json(call, list);
    else
        table_of_apis(member_of(list, "apis"));
    json_decref(list);
    catalogue_free(catalogue);
    return 0;
}

// ---- show ---------------------------------------------------------------------------------------

void provider_refuse(const struct catalogue *catalogue, const char *name) {
    struct buf known;
    buf_init(&known, 16 << 10);
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++)
        buf_printf(&known, "\n  %s.%s", catalogue_api_at(catalogue, i)->provider,
                   catalogue_api_at(catalogue, i)->api);
    fail(EX_NOINPUT, "the catalogue has no %.100s; it has:%s", name, buf_cstr(&known));
}

static void show_texts(const json_t *list, const char *title, const char *first,
                       const char *second) {
    const json_t *item;
    size_t i;
    if (json_array_size(list) > 0)
        out_printf("\n%s\n", title);
    json_array_foreach(list, i, item) {
        const char *more = second ? text_of(item, second, "") : "";
        if (json_is_string(item))
            out_printf("  %s\n", json_string_value(item));
        else
            out_printf("  %s%s%s\n", text_of(item, first, ""), *more ? ": " : "", more);
    }
}

static void show_paths(const json_t *paths, const char *whose) {
    const json_t *path;
    size_t i;
    json_array_foreach(paths, i, path) {
        const char *header = text_of(path, "header", NULL);
        out_printf("  %-24s %s%s%s\n", text_of(path, "kind", ""), header ? "header:" : "",
                   header ? header : text_of(path, "path", ""), whose);
    }
}

static void show_support(const json_t *support) {
    const json_t *item;
    size_t i;
    if (json_array_size(support) > 0)
        out_text("\nServed here\n");
    json_array_foreach(support, i, item) {
        const char *note = text_of(item, "note", ""), *next = text_of(item, "next", "");
        out_printf("  %s: %s%s%s%s%s\n", text_of(item, "what", ""), text_of(item, "state", ""),
                   *note ? "; " : "", note, *next ? "; next: " : "", next);
    }
}

static void show_people(const json_t *shown) {
    const json_t *support = member_of(shown, "sdk_session_support");
    out_printf("%s (%s.%s)\n", text_of(shown, "title", ""), text_of(shown, "provider", ""),
               text_of(shown, "api", ""));
    out_printf("the API is %s\n", flag_of(shown, "api_stateful") ? "stateful" : "stateless");
    out_printf("SDK sessions: %s\n", text_of(support, "note", "-"));
    out_text("\nIdentifiers, in the order in which they are looked for\n");
    show_paths(member_of(shown, "identifier_extraction_paths"), "");
    show_paths(member_of(shown, "extract"), "  (your own)");
    show_texts(member_of(shown, "metadata_fields"), "Metadata", "path", "what");
    show_texts(member_of(shown, "provider_notes"), "Notes", "fact", NULL);
    show_texts(member_of(shown, "cost_optimization_notes"), "What lowers the cost", "fact", NULL);
    show_support(member_of(shown, "support"));
}

int provider_show(struct call *call) {
    struct catalogue *catalogue = provider_catalogue(call);
    struct buf out;
    json_t *shown = NULL;
    buf_init(&out, CATALOGUE_BYTES_MAX);
    enum err e = get_provider_capabilities(catalogue, bytes_text(call->operands[0]), &out);
    if (e == ERR_NOT_FOUND)
        provider_refuse(catalogue, call->operands[0]);
    if (e != ERR_OK || json_parse(buf_bytes(&out), &shown, NULL, 0) != ERR_OK)
        fail(EX_SOFTWARE, "the entry of %s cannot be written", call->operands[0]);
    if (call_has(call, "json")) {
        out_bytes(buf_bytes(&out));
        out_text("\n");
    } else {
        show_people(shown);
    }
    json_decref(shown);
    buf_release(&out);
    catalogue_free(catalogue);
    return 0;
}
