#include "workers/provider/endpoints.h"

#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "workers/provider/keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char key_alias[] = "default";

// The base URL: the configuration's, else the environment's, else the catalogue's.
static const char *base_url_of(const struct conf *conf, const struct provider_api *api,
                               bool *is_chosen) {
    *is_chosen = true;
    for (size_t i = 0; i < conf->provider_count; i++)
        if (strcmp(conf->providers[i].name, api->provider) == 0 && conf->providers[i].base_url)
            return conf->providers[i].base_url;
    const char *variable = api->base_url_env ? conf_env(api->base_url_env) : NULL;
    if (variable)
        return variable;
    *is_chosen = false;
    return api->base_url;
}

static char *trimmed(const char *base) {
    size_t size = strlen(base);
    while (size > 0 && base[size - 1] == '/')
        size--;
    return mem_copy(base, size);
}

char *endpoint_url(const struct endpoint *endpoint, const struct adapter_job *job) {
    struct buf url;
    char *copy = NULL;
    buf_init(&url, URL_BYTES_MAX);
    buf_text(&url, endpoint->base_url);
    size_t before = url.size;
    job_put_path(job, &url);
    if (buf_state(&url) == ERR_OK && url.size > before)
        copy = mem_copy(url.at, url.size);
    buf_release(&url);
    return copy;
}

__attribute__((format(printf, 2, 3))) static void add_line(struct endpoint *endpoint,
                                                           const char *format, ...) {
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *line = mem_new((size_t)size + 1);
    va_start(args, format);
    (void)vsnprintf(line, (size_t)size + 1, format, args);
    va_end(args);
    endpoint->lines[endpoint->line_count++] = (struct curl_slist){.data = line};
}

static void add_lines(struct endpoint *endpoint, const struct key *key) {
    const struct provider_api *api = endpoint->api;
    add_line(endpoint, "Content-Type: application/json");
    add_line(endpoint, "Accept: application/json");
    add_line(endpoint, "User-Agent: colloq/" COLLOQ_VERSION);
    add_line(endpoint, "Expect:");
    for (size_t i = 0; i < api->header_count; i++)
        add_line(endpoint, "%s: %s", api->headers[i].from, api->headers[i].to);
    if (*key->text)
        add_line(endpoint, "%s: %s%s", api->auth_header, api->auth_prefix, key->text);
    for (unsigned i = 0; i + 1 < endpoint->line_count; i++)
        endpoint->lines[i].next = &endpoint->lines[i + 1];
}

// A simulated world reaches no real provider, and no real key leaves it: beyond this machine it
// speaks plain http only, to an address that a person chose, with the simulator's own key.
static const char *simulation_refusal(const struct conf *conf, const char *base_url,
                                      const struct key *key, bool is_chosen) {
    if (!is_chosen || !conf->allow_http || strncasecmp(base_url, "http://", 7) != 0)
        return "a simulated run speaks to this machine only, or with --allow-http to a simulator "
               "whose http:// address you set";
    return strcmp(key->text, "simulated") == 0
               ? NULL
               : "a simulated run takes no real key beyond this machine: set it to simulated";
}

static const char *refusal_of(const struct conf *conf, const char *base_url, const struct key *key,
                              bool is_chosen, bool *is_loopback) {
    const char *hole = strchr(base_url, '{');
    const char *refusal =
        hole ? "its address is yours: set its base_url, or its variable in the environment"
             : http_url_refusal(base_url, conf->allow_http, is_loopback);
    if (!refusal && conf->simulated && !*is_loopback)
        refusal = simulation_refusal(conf, base_url, key, is_chosen);
    return refusal;
}

static bool has_key_of(const struct endpoints *endpoints, const char *provider) {
    for (size_t i = 0; i < endpoints->count; i++)
        if (strcmp(endpoints->list[i].api->provider, provider) == 0)
            return true;
    return false;
}

static void name_key(struct endpoints *endpoints, const char *provider) {
    size_t used = strlen(endpoints->keys);
    (void)snprintf(endpoints->keys + used, sizeof(endpoints->keys) - used, "%s%s/%s",
                   used ? "," : "", provider, key_alias);
}

static void add_endpoint(struct endpoints *endpoints, const struct conf *conf,
                         const struct provider_api *api, const struct adapter *adapter,
                         const struct key *key) {
    bool is_chosen, is_loopback;
    const char *base_url = base_url_of(conf, api, &is_chosen);
    const char *refusal = refusal_of(conf, base_url, key, is_chosen, &is_loopback);
    if (refusal) {
        log_line(LOG_ERROR, "endpoint.refused", "provider=%s api=%s why=\"%s\"", api->provider,
                 api->api, refusal);
        return;
    }
    if (!has_key_of(endpoints, api->provider))
        name_key(endpoints, api->provider);
    struct endpoint *endpoint = &endpoints->list[endpoints->count++];
    *endpoint = (struct endpoint){
        .home = endpoints,
        .api = api,
        .adapter = adapter,
        .base_url = trimmed(base_url),
        .may_be_private = is_chosen || is_loopback,
        .may_be_plain = is_loopback || conf->allow_http,
    };
    add_lines(endpoint, key);
    log_line(LOG_INFO, "endpoint.ready", "provider=%s api=%s url=%s%s key_from=\"%s\"",
             api->provider, api->api, endpoint->base_url, api->path, key->from);
}

static void add_api(struct endpoints *endpoints, const struct conf *conf,
                    const struct provider_api *api) {
    char problem[256];
    struct key key;
    const struct adapter *adapter = adapter_for(api->shape);
    if (!adapter)
        return;
    if (key_find(&key, conf, api->provider, api->key_envs, problem, sizeof(problem)))
        add_endpoint(endpoints, conf, api, adapter, &key);
    else if (*problem)
        log_line(LOG_ERROR, "key.refused", "provider=%s why=\"%s\"", api->provider, problem);
    else
        log_line(LOG_INFO, "key.missing", "provider=%s api=%s variable=%s", api->provider, api->api,
                 api->key_envs[0] ? api->key_envs[0] : "none");
    key_release(&key);
}

struct endpoints *endpoints_new(const struct conf *conf, struct bytes document, const char *hash) {
    struct catalogue *catalogue;
    if (catalogue_load(document, &catalogue) != ERR_OK)
        return NULL;
    struct endpoints *endpoints = mem_new(sizeof(*endpoints));
    endpoints->catalogue = catalogue;
    (void)snprintf(endpoints->hash, sizeof(endpoints->hash), "%s", hash);
    size_t count = catalogue_api_count(catalogue);
    endpoints->list = mem_array(count, sizeof(*endpoints->list));
    for (size_t i = 0; i < count; i++)
        add_api(endpoints, conf, catalogue_api_at(catalogue, i));
    return endpoints;
}

void endpoints_free(struct endpoints *endpoints) {
    if (!endpoints)
        return;
    for (size_t i = 0; i < endpoints->count; i++) {
        for (unsigned k = 0; k < endpoints->list[i].line_count; k++)
            key_wipe(endpoints->list[i].lines[k].data);
        mem_free(endpoints->list[i].base_url);
    }
    catalogue_free(endpoints->catalogue);
    mem_free(endpoints->list);
    mem_free(endpoints);
}

const struct endpoint *endpoints_find(const struct endpoints *endpoints, struct bytes provider,
                                      struct bytes api, struct bytes key) {
    if (!endpoints || !bytes_is(key, key_alias))
        return NULL;
    for (size_t i = 0; i < endpoints->count; i++)
        if (bytes_is(provider, endpoints->list[i].api->provider) &&
            bytes_is(api, endpoints->list[i].api->api))
            return &endpoints->list[i];
    return NULL;
}
