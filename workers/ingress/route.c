#include "workers/ingress/route.h"

#include <string.h>

// Shapes of urls that providers have and colloq does not serve yet: known, and so not a mistake
// of the file.
static const char *const known_urls[] = {
    "/v1/responses",   "/v1/embeddings",         "/v1/completions",  "/v1/messages",
    "/v1/moderations", "/v1/images/generations", "/v1/images/edits", "/v1/chat/completions",
};

static bool is_known_url(struct bytes url) {
    for (size_t i = 0; i < sizeof(known_urls) / sizeof(known_urls[0]); i++)
        if (bytes_is(url, known_urls[i]))
            return true;
    return false;
}

static void say_part(struct buf *words, struct bytes part) {
    part = bytes_cut(part, 128);
    buf_put(words, part.at, part.size);
}

// The urls that lines for a provider may have, by its entries.
static void say_urls(const struct catalogue *catalogue, struct bytes provider, struct buf *words) {
    size_t count = 0;
    buf_text(words, "; of ");
    say_part(words, provider);
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        for (const char *const *one = api->urls; bytes_is(provider, api->provider) && *one; one++) {
            buf_text(words, count++ == 0 ? " there are: " : ", ");
            say_part(words, bytes_text(*one));
        }
    }
    if (count == 0)
        buf_text(words, " the catalogue has no urls: name the \"api\"");
}

// provider may be empty: nobody is meant but whom the url names.
static enum refusal refuse_url(const struct catalogue *catalogue, struct bytes provider,
                               struct bytes url, struct buf *words) {
    bool is_known = is_known_url(url);
    buf_text(words, is_known             ? "this API is not served yet: "
                    : provider.size == 0 ? "no provider has the url "
                                         : "unknown is the url ");
    say_part(words, url);
    if (provider.size > 0)
        say_urls(catalogue, provider, words);
    return is_known ? REFUSAL_api_not_served : REFUSAL_unknown_url;
}

static enum refusal refuse_member(const struct route_wish *wish, struct buf *words) {
    buf_text(words, "no API has batches whose lines have \"");
    buf_text(words, wish->member);
    buf_text(words, "\" for a body: name the provider or the \"api\"");
    return REFUSAL_unknown_url;
}

// By what a call says of its API: its url, else the member that holds its body.
static const struct provider_api *api_of_call(const struct catalogue *catalogue,
                                              const struct route_wish *wish,
                                              struct bytes provider) {
    if (wish->url.size > 0)
        return provider.size > 0 ? catalogue_api_by_url(catalogue, provider, wish->url)
                                 : catalogue_by_url(catalogue, wish->url);
    return wish->member ? catalogue_by_member(catalogue, provider, wish->member) : NULL;
}

// What stands before the model; empty: nothing does.
static struct bytes before_model(struct bytes model) {
    const uint8_t *slash = model.size > 0 ? memchr(model.at, '/', model.size) : NULL;
    return bytes_of(model.at, slash ? (size_t)(slash - model.at) : 0);
}

static enum refusal refuse_provider(const struct catalogue *catalogue,
                                    const struct route_wish *wish, struct buf *words) {
    struct bytes meant = wish->provider.size > 0 ? wish->provider : before_model(wish->model);
    if (meant.size > 0) {
        buf_text(words, "there is no provider ");
        say_part(words, meant);
        buf_text(words, "; known are: ");
    } else {
        buf_text(words, "write provider/model, or give --provider; known providers: ");
    }
    catalogue_candidates(catalogue, words);
    return REFUSAL_unknown_provider;
}

static enum refusal find_provider(const struct catalogue *catalogue, const struct route_wish *wish,
                                  struct route_found *found, struct buf *words) {
    if (wish->model.size == 0) {
        found->provider = wish->earlier_provider;
        found->model = wish->earlier_model;
        return found->model.size > 0 ? REFUSAL_none : REFUSAL_no_model;
    }
    if (catalogue_split_model(catalogue, wish->model, &found->provider, &found->model))
        return found->model.size > 0 ? REFUSAL_none : REFUSAL_no_model;
    if (wish->model.at[wish->model.size - 1] == '/')
        return REFUSAL_no_model; // a provider without a model behind it
    found->model = wish->model;
    found->provider = wish->provider.size > 0 ? wish->provider : wish->earlier_provider;
    if (found->provider.size > 0)
        return catalogue_has_provider(catalogue, found->provider)
                   ? REFUSAL_none
                   : refuse_provider(catalogue, wish, words);
    // A name that nobody has must not go to whoever has the form: it was meant for somebody else.
    if ((wish->url.size == 0 && !wish->member) || before_model(wish->model).size > 0)
        return refuse_provider(catalogue, wish, words);
    const struct provider_api *by_form = api_of_call(catalogue, wish, bytes_of(NULL, 0));
    if (!by_form)
        return wish->url.size > 0 ? refuse_url(catalogue, bytes_of(NULL, 0), wish->url, words)
                                  : refuse_member(wish, words);
    found->provider = bytes_text(by_form->provider);
    return REFUSAL_none;
}

enum refusal route_find(const struct catalogue *catalogue, const struct route_wish *wish,
                        struct route_found *found, struct buf *words) {
    *found = (struct route_found){.entry = NULL};
    enum refusal refusal = find_provider(catalogue, wish, found, words);
    if (refusal != REFUSAL_none)
        return refusal;
    if (wish->api.size > 0) {
        found->entry = catalogue_api(catalogue, found->provider, wish->api);
    } else if (!wish->is_turn) {
        found->entry = api_of_call(catalogue, wish, found->provider);
        if (!found->entry)
            return wish->url.size > 0 ? refuse_url(catalogue, found->provider, wish->url, words)
                                      : refuse_member(wish, words);
    } else {
        if (wish->earlier_api.size > 0 && bytes_equal(found->provider, wish->earlier_provider))
            found->entry = catalogue_api(catalogue, found->provider, wish->earlier_api);
        if (!found->entry)
            found->entry = catalogue_default_api(catalogue, found->provider);
    }
    if (!found->entry) {
        buf_text(words, "this API is not served yet: ");
        say_part(words, found->provider);
        buf_text(words, " ");
        say_part(words, wish->api);
        return REFUSAL_api_not_served;
    }
    found->api = bytes_text(found->entry->api);
    return REFUSAL_none;
}
