#include "common/catalogue.h"

#include "common/catalogue_format.h"
#include "common/catalogue_read.h"
#include "common/catalogue_yaml.h"
#include "common/log.h"
#include "common/mem.h"

#include "price_files.h"
#include "provider_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

struct compiler {
    json_t *providers; // "openai.chat" → entry
    json_t *prices;    // "openai/gpt-5-nano" → entry
    json_t *origins;   // either name → its file; of ours, then of the user's only
    struct pool pool;
    struct buf *problems;
    const char *file; // that is being read
    bool is_failed;
};

static void complain(struct compiler *compiler, int line, const char *place, const char *what) {
    compiler->is_failed = true;
    buf_printf(compiler->problems, "%s:%d: %s%s%s\n", compiler->file, line, *place ? place + 1 : "",
               *place ? ": " : "", what);
}

// What jansson refuses here is memory, or a text that it has accepted before.
static void must(int failed) {
    if (failed)
        fatal(EX_SOFTWARE, "catalogue.compile", "why=\"a JSON value could not be built\"");
}

static void set(json_t *object, const char *name, json_t *value) {
    must(json_object_set(object, name, value));
}

// ---- Sources. ----------------------------------------------------------------------------------

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

// Each fact names its source by a name of the file's list, and has the source's day or its own.
static void check_sources(struct compiler *compiler, const struct yaml_file *file) {
    const json_t *sources = json_object_get(file->json, "sources");
    struct reader reader = {.pool = &compiler->pool};
    for (size_t i = 0; i < file->count; i++) {
        const struct yaml_line *line = &file->lines[i];
        const char *text = json_string_value(line->value);
        if (ends_with(line->place, "/source") && !(text && json_object_get(sources, text)))
            complain(compiler, line->line, line->place, "is not a name of the section sources");
        if (!ends_with(line->place, "/date"))
            continue;
        struct place place = {NULL, "date", 0};
        json_t *new_holder = json_object();
        must(!new_holder);
        set(new_holder, "date", (json_t *)(uintptr_t)line->value);
        (void)reader_day(&reader, new_holder, &place, 0);
        json_decref(new_holder);
        if (reader.is_failed) {
            complain(compiler, line->line, line->place, reader.what);
            return;
        }
    }
    const char *name;
    json_t *source;
    json_object_foreach((json_t *)(uintptr_t)sources, name,
                        source) if (!json_is_string(json_object_get(source, "what")) ||
                                    !json_is_string(json_object_get(source, "date")))
        complain(compiler, yaml_file_line(file, "/sources"), "/sources",
                 "each source needs what and date");
}

// A span of the compiled document says itself where its figures were read, and when.
static void inline_source(const json_t *sources, json_t *span) {
    const char *name = json_string_value(json_object_get(span, "source"));
    const json_t *source = name ? json_object_get(sources, name) : NULL;
    if (!source)
        return;
    set(span, "source", json_object_get(source, "what"));
    if (!json_object_get(span, "date"))
        set(span, "date", json_object_get(source, "date"));
}

// ---- Files. ------------------------------------------------------------------------------------

const char *const *catalogue_shapes(void) {
    static const char *const shapes[] = {"openai.chat",         "openai.responses",
                                         "anthropic.messages",  "gemini.generate",
                                         "gemini.interactions", NULL};
    return shapes;
}

static void check_shape(struct compiler *compiler, const struct yaml_file *file,
                        const char *shape) {
    struct buf known;
    buf_init(&known, 512);
    const char *const *one = catalogue_shapes();
    for (; *one && strcmp(*one, shape) != 0; one++)
        buf_printf(&known, " %s", *one);
    if (!*one) {
        char what[600];
        (void)snprintf(what, sizeof(what), "no API of this shape is known here; there are:%s",
                       buf_cstr(&known));
        complain(compiler, yaml_file_line(file, "/shape"), "/shape", what);
    }
    buf_release(&known);
}

// Takes an entry by its name. A file of the user's replaces one of ours; of two that are both ours
// or both the user's nobody could tell which one holds.
static void take(struct compiler *compiler, json_t *entries, const char *name, json_t *entry,
                 int line) {
    const char *other = json_string_value(json_object_get(compiler->origins, name));
    if (other) {
        char what[512];
        (void)snprintf(what, sizeof(what), "%.100s is also in %.300s", name, other);
        complain(compiler, line, "", what);
    }
    json_t *new_file = json_string(compiler->file);
    must(!new_file);
    set(compiler->origins, name, new_file);
    json_decref(new_file);
    set(entries, name, entry);
}

static void take_api(struct compiler *compiler, const struct yaml_file *file) {
    struct reader reader = {.pool = &compiler->pool};
    struct provider_api api;
    if (!catalogue_read_api(&reader, file->json, &api)) {
        complain(compiler, yaml_file_line(file, reader.place), reader.place, reader.what);
        return;
    }
    check_shape(compiler, file, api.shape);
    char key[2 * PROVIDER_BYTES_MAX + 2];
    (void)snprintf(key, sizeof(key), "%s.%s", api.provider, api.api);
    take(compiler, compiler->providers, key, file->json, yaml_file_line(file, "/api"));
}

static void take_model(struct compiler *compiler, const struct yaml_file *file, size_t i) {
    json_t *entry = json_array_get(json_object_get(file->json, "models"), i);
    char up[32], place[YAML_PLACE_MAX + 32];
    (void)snprintf(up, sizeof(up), "/models/%zu", i);
    json_t *provider = json_object_get(file->json, "provider");
    if (!json_is_object(entry) || !json_is_string(provider)) {
        complain(compiler, yaml_file_line(file, up), up, "needs a mapping and the file's provider");
        return;
    }
    set(entry, "provider", provider);
    size_t k;
    json_t *span;
    json_array_foreach(json_object_get(entry, "spans"), k, span)
        inline_source(json_object_get(file->json, "sources"), span);
    struct reader reader = {.pool = &compiler->pool};
    struct price *prices;
    size_t count;
    if (!catalogue_read_prices(&reader, entry, &prices, &count)) {
        (void)snprintf(place, sizeof(place), "%s%s", up, reader.place);
        complain(compiler, yaml_file_line(file, place), place, reader.what);
        return;
    }
    char key[PROVIDER_BYTES_MAX + 128];
    (void)snprintf(key, sizeof(key), "%s/%s", prices->provider, prices->model);
    (void)snprintf(place, sizeof(place), "%s/model", up);
    take(compiler, compiler->prices, key, entry, yaml_file_line(file, place));
}

static void take_prices(struct compiler *compiler, const struct yaml_file *file) {
    static const char *const known[] = {"provider", "currency", "sources", "models", "note", NULL};
    struct reader reader = {.pool = &compiler->pool};
    reader_only(&reader, file->json, NULL, known);
    struct place currency = {NULL, "currency", 0};
    if (strcmp(reader_text(&reader, file->json, &currency, true), "USD") != 0)
        reader_fail(&reader, &currency, "must be USD");
    const json_t *models = json_object_get(file->json, "models");
    if (!json_is_array(models))
        reader_fail(&reader, &(struct place){NULL, "models", 0}, "must be a list");
    if (reader.is_failed)
        complain(compiler, yaml_file_line(file, reader.place), reader.place, reader.what);
    for (size_t i = 0; i < json_array_size(models); i++)
        take_model(compiler, file, i);
}

static void take_file(struct compiler *compiler, const struct catalogue_source *source) {
    struct yaml_file file;
    compiler->file = source->file;
    if (yaml_file_open(&file, source->text) != ERR_OK) {
        complain(compiler, file.error_line, "", file.error);
    } else {
        check_sources(compiler, &file);
        if (source->is_price)
            take_prices(compiler, &file);
        else
            take_api(compiler, &file);
    }
    yaml_file_close(&file);
}

// ---- The whole. --------------------------------------------------------------------------------

static int compare_keys(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The values of an object in the order of their names.
static json_t *sorted(struct compiler *compiler, json_t *object) {
    const char **keys = pool_array(&compiler->pool, json_object_size(object), sizeof(*keys));
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) keys[count++] = key;
    qsort(keys, count, sizeof(*keys), compare_keys);
    json_t *new_list = json_array();
    for (size_t i = 0; i < count; i++)
        must(json_array_append(new_list, json_object_get(object, keys[i])));
    return new_list;
}

// Turns of a conversation need one API of their provider, not two and not none.
static void check_defaults(struct compiler *compiler, const json_t *providers) {
    json_t *new_counts = json_object();
    size_t i;
    json_t *entry;
    json_array_foreach(providers, i, entry) {
        const char *name = json_string_value(json_object_get(entry, "provider"));
        json_int_t count = json_integer_value(json_object_get(new_counts, name));
        count += json_is_true(json_object_get(entry, "is_default"));
        must(json_object_set_new(new_counts, name, json_integer(count)));
    }
    const char *name;
    json_t *count;
    json_object_foreach(new_counts, name, count) {
        if (json_integer_value(count) == 1)
            continue;
        compiler->is_failed = true;
        buf_printf(compiler->problems,
                   "provider %s: exactly one of its APIs must be is_default, not %d\n", name,
                   (int)json_integer_value(count));
    }
    json_decref(new_counts);
}

static void claim_name(struct compiler *compiler, json_t *owners, const json_t *entry,
                       const char *name) {
    const char *provider = json_string_value(json_object_get(entry, "provider"));
    const char *model = json_string_value(json_object_get(entry, "model"));
    char key[PROVIDER_BYTES_MAX + MODEL_BYTES_MAX + 2];
    (void)snprintf(key, sizeof(key), "%s/%s", provider, name);
    const char *owner = json_string_value(json_object_get(owners, key));
    if (owner) {
        compiler->is_failed = true;
        buf_printf(compiler->problems, "prices of %s: %s names both %s and %s\n", provider, name,
                   owner, model);
    }
    must(json_object_set_new(owners, key, json_string(model)));
}

// Prices of a provider that nobody knows would price nothing, and nobody would notice.
static void check_providers(struct compiler *compiler, const json_t *providers,
                            const json_t *prices) {
    const char *last = "";
    size_t i, k;
    json_t *price, *entry;
    json_array_foreach(prices, i, price) {
        const char *name = json_string_value(json_object_get(price, "provider"));
        bool is_known = strcmp(name, last) == 0;
        last = name;
        if (is_known)
            continue;
        json_array_foreach(providers, k, entry) is_known =
            is_known || strcmp(json_string_value(json_object_get(entry, "provider")), name) == 0;
        if (is_known)
            continue;
        compiler->is_failed = true;
        buf_printf(compiler->problems, "prices of %s: the catalogue has no such provider\n", name);
    }
}

// No name may mean two models, or an answer would be priced by chance.
static void check_names(struct compiler *compiler, const json_t *prices) {
    json_t *new_owners = json_object(), *entry, *alias;
    size_t i, k;
    json_array_foreach(prices, i, entry) {
        claim_name(compiler, new_owners, entry, json_string_value(json_object_get(entry, "model")));
        json_array_foreach(json_object_get(entry, "aliases"), k, alias)
            claim_name(compiler, new_owners, entry, json_string_value(alias));
    }
    json_decref(new_owners);
}

// Adds one of the user's rules to each API of its provider.
static void add_rule(struct compiler *compiler, const struct extract_rule *rule) {
    const char *header = extract_rule_header(rule);
    char name[EXTRACT_HEADER_BYTES_MAX + 1];
    size_t size = 0;
    for (; header && header[size] && size < EXTRACT_HEADER_BYTES_MAX; size++) {
        bool is_upper = header[size] >= 'A' && header[size] <= 'Z';
        name[size] = (char)(header[size] + (is_upper ? 'a' - 'A' : 0));
    }
    name[size] = 0;
    bool is_known = false;
    const char *key;
    json_t *entry;
    json_object_foreach(compiler->providers, key, entry) {
        const char *provider = json_string_value(json_object_get(entry, "provider"));
        if (strcmp(provider, rule->provider) != 0)
            continue;
        is_known = true;
        if (!json_object_get(entry, "extract"))
            must(json_object_set_new(entry, "extract", json_array()));
        json_t *new_rule = json_pack("{s:s, s:s}", "kind", rule->kind, header ? "header" : "path",
                                     header ? name : rule->where);
        must(!new_rule);
        must(json_array_append_new(json_object_get(entry, "extract"), new_rule));
    }
    if (is_known)
        return;
    compiler->is_failed = true;
    buf_printf(
        compiler->problems,
        "%s: providers.%s.extract.%s: the catalogue has no provider %s; correct the name, or "
        "add its file to the catalogue\n",
        rule->origin, rule->provider, rule->kind, rule->provider);
}

static void write_document(struct compiler *compiler, struct buf *document) {
    json_t *new_providers = sorted(compiler, compiler->providers);
    json_t *new_prices = sorted(compiler, compiler->prices);
    check_defaults(compiler, new_providers);
    check_providers(compiler, new_providers, new_prices);
    check_names(compiler, new_prices);
    json_t *new_root = json_pack("{s:i, s:o, s:o}", "format", CATALOGUE_FORMAT, "providers",
                                 new_providers, "prices", new_prices);
    must(!new_root);
    if (!compiler->is_failed) {
        const char *text = reader_dump(&(struct reader){.pool = &compiler->pool}, new_root);
        buf_text(document, text);
        if (buf_state(document) != ERR_OK || buf_bytes(document).size > CATALOGUE_BYTES_MAX) {
            compiler->is_failed = true;
            buf_printf(compiler->problems, "the catalogue exceeds %llu bytes\n",
                       (unsigned long long)CATALOGUE_BYTES_MAX);
        }
    }
    json_decref(new_root);
}

enum err catalogue_compile_all(const struct catalogue_source *sources, size_t count, size_t ours,
                               const struct extract_rule *rules, size_t rule_count,
                               struct buf *document, struct buf *problems) {
    struct compiler compiler = {.providers = json_object(),
                                .prices = json_object(),
                                .origins = json_object(),
                                .problems = problems};
    must(!compiler.providers || !compiler.prices || !compiler.origins);
    buf_reset(document);
    for (size_t i = 0; i < count; i++) {
        if (i == ours)
            must(json_object_clear(compiler.origins));
        take_file(&compiler, &sources[i]);
    }
    for (size_t i = 0; i < rule_count && !compiler.is_failed; i++)
        add_rule(&compiler, &rules[i]);
    if (!compiler.is_failed)
        write_document(&compiler, document);
    if (compiler.is_failed)
        buf_reset(document);
    json_decref(compiler.providers);
    json_decref(compiler.prices);
    json_decref(compiler.origins);
    pool_release(&compiler.pool);
    return compiler.is_failed ? ERR_BAD_CONFIG : ERR_OK;
}

enum err catalogue_compile(const struct catalogue_source *sources, size_t count,
                           struct buf *document, struct buf *problems) {
    return catalogue_compile_all(sources, count, count, NULL, 0, document, problems);
}

const struct catalogue_source *catalogue_builtin(size_t *count) {
    static struct catalogue_source sources[provider_files_count + price_files_count];
    *count = provider_files_count + price_files_count;
    for (size_t i = 0; i < *count; i++) {
        bool is_price = i >= provider_files_count;
        const struct embedded *file =
            is_price ? &price_files[i - provider_files_count] : &provider_files[i];
        sources[i] =
            (struct catalogue_source){file->name, is_price, bytes_of(file->text, file->size)};
    }
    return sources;
}
