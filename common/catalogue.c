#include "common/catalogue.h"

#include "common/catalogue_format.h"
#include "common/catalogue_read.h"
#include "common/id.h"
#include "common/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

// A name under which a model's prices are found.
struct model_name {
    struct bytes provider;
    struct bytes name;
    const struct price *prices; // of the model, by time
    size_t count;
};

struct catalogue {
    json_t *document;
    struct pool pool;
    struct provider_api *apis;
    size_t api_count;
    struct price *prices;
    size_t price_count;
    struct model_name *names;
    size_t name_count;
    char hash[DIGEST_HEX_SIZE];
};

static const char *const class_names[] = {
#define X(name) #name,
    CALL_CLASS_MAP(X)
#undef X
};

const char *call_class_name(enum call_class class) {
    assert(class < CALL_CLASSES);
    return class_names[class];
}

bool call_class_parse(struct bytes name, enum call_class *class) {
    for (unsigned i = 0; i < CALL_CLASSES; i++)
        if (bytes_is(name, class_names[i])) {
            *class = (enum call_class)i;
            return true;
        }
    return false;
}

// ---- Loading. ----------------------------------------------------------------------------------

static bool load_apis(struct catalogue *catalogue, struct reader *reader, const json_t *list) {
    catalogue->apis = pool_array(&catalogue->pool, json_array_size(list), sizeof(*catalogue->apis));
    for (; catalogue->api_count < json_array_size(list); catalogue->api_count++)
        if (!catalogue_read_api(reader, json_array_get(list, catalogue->api_count),
                                &catalogue->apis[catalogue->api_count]))
            return false;
    return true;
}

// Adds a model's prices behind the others, and the names under which they are found.
static void add_model(struct catalogue *catalogue, const struct price *prices, size_t count) {
    struct price *kept = catalogue->prices + catalogue->price_count;
    memcpy(kept, prices, count * sizeof(*prices));
    catalogue->price_count += count;
    struct model_name name = {bytes_text(kept->provider), bytes_text(kept->model), kept, count};
    catalogue->names[catalogue->name_count++] = name;
    for (size_t i = 0; kept->aliases[i]; i++) {
        name.name = bytes_text(kept->aliases[i]);
        catalogue->names[catalogue->name_count++] = name;
    }
}

static bool load_prices(struct catalogue *catalogue, struct reader *reader, const json_t *list) {
    size_t prices_max = 0, names_max = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        prices_max += json_array_size(json_object_get(json_array_get(list, i), "spans"));
        names_max += json_array_size(json_object_get(json_array_get(list, i), "aliases")) + 1;
    }
    catalogue->prices = pool_array(&catalogue->pool, prices_max, sizeof(*catalogue->prices));
    catalogue->names = pool_array(&catalogue->pool, names_max, sizeof(*catalogue->names));
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct price *prices;
        size_t count;
        if (!catalogue_read_prices(reader, json_array_get(list, i), &prices, &count))
            return false;
        add_model(catalogue, prices, count);
    }
    return true;
}

static int compare_bytes(struct bytes a, struct bytes b) {
    int order = memcmp(a.at, b.at, a.size < b.size ? a.size : b.size);
    return order ? order : a.size < b.size ? -1 : a.size > b.size;
}

static int compare_names(const void *a, const void *b) {
    const struct model_name *x = a, *y = b;
    int order = compare_bytes(x->provider, y->provider);
    return order ? order : compare_bytes(x->name, y->name);
}

// One name must not have two prices, or an answer would be priced by chance.
static bool has_twin_names(struct catalogue *catalogue) {
    qsort(catalogue->names, catalogue->name_count, sizeof(*catalogue->names), compare_names);
    for (size_t i = 1; i < catalogue->name_count; i++)
        if (compare_names(&catalogue->names[i - 1], &catalogue->names[i]) == 0)
            return true;
    return false;
}

static bool load(struct catalogue *catalogue) {
    struct reader reader = {.pool = &catalogue->pool};
    const json_t *format = json_object_get(catalogue->document, "format");
    const json_t *apis = json_object_get(catalogue->document, "providers");
    const json_t *prices = json_object_get(catalogue->document, "prices");
    if (json_integer_value(format) != CATALOGUE_FORMAT ||
        json_array_size(apis) > CATALOGUE_APIS_MAX ||
        json_array_size(prices) > CATALOGUE_MODELS_MAX)
        return false;
    if (!load_apis(catalogue, &reader, apis) || !load_prices(catalogue, &reader, prices))
        return false;
    return !has_twin_names(catalogue);
}

enum err catalogue_load(struct bytes document, struct catalogue **out) {
    if (document.size > CATALOGUE_BYTES_MAX)
        return ERR_TOO_BIG;
    json_t *json;
    enum err e = json_parse(document, &json, NULL, 0);
    if (e != ERR_OK)
        return e;
    struct catalogue *catalogue = mem_new(sizeof(*catalogue));
    catalogue->document = json;
    digest_hex(digest_of(document), catalogue->hash);
    if (!load(catalogue)) {
        catalogue_free(catalogue);
        return ERR_MALFORMED;
    }
    *out = catalogue;
    return ERR_OK;
}

void catalogue_free(struct catalogue *catalogue) {
    if (!catalogue)
        return;
    pool_release(&catalogue->pool);
    json_decref(catalogue->document);
    mem_free(catalogue);
}

const char *catalogue_hash(const struct catalogue *catalogue) {
    return catalogue->hash;
}

// ---- APIs. -------------------------------------------------------------------------------------

size_t catalogue_api_count(const struct catalogue *catalogue) {
    return catalogue->api_count;
}

const struct provider_api *catalogue_api_at(const struct catalogue *catalogue, size_t i) {
    assert(i < catalogue->api_count);
    return &catalogue->apis[i];
}

bool catalogue_has_provider(const struct catalogue *catalogue, struct bytes provider) {
    for (size_t i = 0; i < catalogue->api_count; i++)
        if (bytes_is(provider, catalogue->apis[i].provider))
            return true;
    return false;
}

const struct provider_api *catalogue_api(const struct catalogue *catalogue, struct bytes provider,
                                         struct bytes api) {
    for (size_t i = 0; i < catalogue->api_count; i++)
        if (bytes_is(provider, catalogue->apis[i].provider) &&
            bytes_is(api, catalogue->apis[i].api))
            return &catalogue->apis[i];
    return NULL;
}

const struct provider_api *catalogue_default_api(const struct catalogue *catalogue,
                                                 struct bytes provider) {
    for (size_t i = 0; i < catalogue->api_count; i++)
        if (bytes_is(provider, catalogue->apis[i].provider) && catalogue->apis[i].is_default)
            return &catalogue->apis[i];
    return NULL;
}

// The path of a url: without scheme and host, query and fragment.
static struct bytes url_path(struct bytes url) {
    for (size_t i = 0; i + 2 < url.size; i++)
        if (memcmp(url.at + i, "://", 3) == 0) {
            const uint8_t *host = url.at + i + 3, *end = url.at + url.size;
            const uint8_t *slash = memchr(host, '/', (size_t)(end - host));
            url = slash ? bytes_of(slash, (size_t)(end - slash)) : bytes_of(end, 0);
            break;
        }
    for (size_t i = 0; i < url.size; i++)
        if (url.at[i] == '?' || url.at[i] == '#')
            url.size = i;
    return url;
}

// Whether a path has that shape. {model} stands for some characters of one segment, none of them
// encoded; *model is a view of them, empty if there are none.
static bool has_shape(struct bytes path, const char *shape, struct bytes *model) {
    static const char hole[] = "{model}";
    const char *at = strstr(shape, hole);
    *model = bytes_of(NULL, 0);
    if (!at)
        return bytes_is(path, shape);
    const char *rest = at + strlen(hole);
    size_t before = (size_t)(at - shape), behind = strlen(rest);
    if (path.size <= before + behind || memcmp(path.at, shape, before) != 0 ||
        memcmp(path.at + path.size - behind, rest, behind) != 0)
        return false;
    *model = bytes_of(path.at + before, path.size - before - behind);
    return !memchr(model->at, '/', model->size) && !memchr(model->at, '%', model->size) &&
           !memchr(model->at, ':', model->size);
}

static bool is_one_of(const char *const *shapes, struct bytes path, struct bytes *model) {
    for (; *shapes; shapes++)
        if (has_shape(path, *shapes, model))
            return true;
    return false;
}

static enum url_says take_url(const struct provider_api *api, struct bytes path,
                              struct bytes *model) {
    if (is_one_of(api->urls, path, model))
        return URL_says_call;
    return is_one_of(api->urls_stream, path, model) ? URL_says_stream : URL_says_nothing;
}

static bool takes_url(const struct provider_api *api, struct bytes path) {
    struct bytes model;
    return take_url(api, path, &model) != URL_says_nothing;
}

enum url_says provider_api_url(const struct provider_api *api, struct bytes url) {
    struct bytes model;
    return take_url(api, url_path(url), &model);
}

bool catalogue_url_model(const struct catalogue *catalogue, struct bytes url, struct bytes *model) {
    struct bytes path = url_path(url);
    for (size_t i = 0; i < catalogue->api_count; i++)
        if (take_url(&catalogue->apis[i], path, model) != URL_says_nothing && model->size > 0)
            return true;
    return false;
}

const struct provider_api *catalogue_by_url(const struct catalogue *catalogue, struct bytes url) {
    struct bytes path = url_path(url);
    for (size_t i = 0; i < catalogue->api_count; i++)
        if (catalogue->apis[i].is_url_owner && takes_url(&catalogue->apis[i], path))
            return &catalogue->apis[i];
    return NULL;
}

const struct provider_api *catalogue_api_by_url(const struct catalogue *catalogue,
                                                struct bytes provider, struct bytes url) {
    struct bytes path = url_path(url);
    for (size_t i = 0; i < catalogue->api_count; i++)
        if (bytes_is(provider, catalogue->apis[i].provider) && takes_url(&catalogue->apis[i], path))
            return &catalogue->apis[i];
    return NULL;
}

const struct provider_api *catalogue_by_member(const struct catalogue *catalogue,
                                               struct bytes provider, const char *member) {
    for (size_t i = 0; i < catalogue->api_count; i++) {
        const struct provider_api *api = &catalogue->apis[i];
        bool is_it = provider.size > 0 ? bytes_is(provider, api->provider) : api->is_url_owner;
        if (is_it && api->line_member && strcmp(api->line_member, member) == 0)
            return api;
    }
    return NULL;
}

bool catalogue_split_model(const struct catalogue *catalogue, struct bytes text,
                           struct bytes *provider, struct bytes *model) {
    const uint8_t *slash = text.size > 0 ? memchr(text.at, '/', text.size) : NULL;
    *provider = bytes_of(NULL, 0);
    *model = text;
    if (!slash)
        return false;
    struct bytes first = bytes_of(text.at, (size_t)(slash - text.at));
    struct bytes rest = bytes_of(slash + 1, text.size - first.size - 1);
    if (rest.size == 0 || !catalogue_has_provider(catalogue, first))
        return false;
    *provider = first;
    *model = rest;
    return true;
}

void catalogue_candidates(const struct catalogue *catalogue, struct buf *out) {
    const char *last = "";
    for (size_t i = 0; i < catalogue->api_count; i++) {
        const char *name = catalogue->apis[i].provider;
        if (strcmp(name, last) != 0)
            buf_printf(out, "%s%s", *last ? ", " : "", name);
        last = name;
    }
}

// ---- Prices. -----------------------------------------------------------------------------------

size_t catalogue_price_count(const struct catalogue *catalogue) {
    return catalogue->price_count;
}

const struct price *catalogue_price_at(const struct catalogue *catalogue, size_t i) {
    assert(i < catalogue->price_count);
    return &catalogue->prices[i];
}

static bool are_digits(const uint8_t *at, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (at[i] < '0' || at[i] > '9')
            return false;
    return true;
}

static bool is_between(const uint8_t *two_digits, int least, int most) {
    int number = (two_digits[0] - '0') * 10 + two_digits[1] - '0';
    return number >= least && number <= most;
}

// The size of a dated suffix, -2025-08-07 or -20250807; 0 if the name has none.
static size_t dated_suffix(struct bytes name) {
    if (name.size > 11) {
        const uint8_t *at = name.at + name.size - 11;
        if (at[0] == '-' && at[5] == '-' && at[8] == '-' && are_digits(at + 1, 4) &&
            are_digits(at + 6, 2) && are_digits(at + 9, 2) && at[1] == '2' &&
            is_between(at + 6, 1, 12) && is_between(at + 9, 1, 31))
            return 11;
    }
    if (name.size > 9) {
        const uint8_t *at = name.at + name.size - 9;
        if (at[0] == '-' && are_digits(at + 1, 8) && at[1] == '2' && is_between(at + 5, 1, 12) &&
            is_between(at + 7, 1, 31))
            return 9;
    }
    return 0;
}

static const struct model_name *find_name(const struct catalogue *catalogue, struct bytes provider,
                                          struct bytes name) {
    if (provider.size == 0 || name.size == 0 || catalogue->name_count == 0)
        return NULL;
    struct model_name wanted = {.provider = provider, .name = name};
    return bsearch(&wanted, catalogue->names, catalogue->name_count, sizeof(wanted), compare_names);
}

const struct price *catalogue_price(const struct catalogue *catalogue, struct bytes provider,
                                    struct bytes model, int64_t at_ms, bool *is_known) {
    const struct model_name *found = find_name(catalogue, provider, model);
    if (!found)
        found =
            find_name(catalogue, provider, bytes_of(model.at, model.size - dated_suffix(model)));
    if (is_known)
        *is_known = found != NULL;
    for (size_t i = 0; found && i < found->count; i++)
        if (at_ms >= found->prices[i].from_ms && at_ms < found->prices[i].until_ms)
            return &found->prices[i];
    return NULL;
}
