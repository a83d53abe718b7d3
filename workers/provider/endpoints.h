// Where calls go, and under which key: for each API of the catalogue that this worker speaks and
// has a key for, the URL and the request headers that all its calls share.
#ifndef PROVIDER_ENDPOINTS_H
#define PROVIDER_ENDPOINTS_H

#include "common/catalogue.h"
#include "common/conf.h"
#include "common/http.h"
#include "workers/provider/adapter.h"

enum { ENDPOINT_LINES_MAX = 5 + PROVIDER_HEADERS_MAX, ENDPOINT_KEYS_BYTES_MAX = 4096 };

struct endpoint {
    struct endpoints *home;
    const struct provider_api *api;
    const struct adapter *adapter;
    char *base_url;      // without a slash at its end
    bool may_be_private; // the address was chosen by a person
    bool may_be_plain;
    struct curl_slist lines[ENDPOINT_LINES_MAX]; // the first is what requests take
    unsigned line_count;
};

// All of one catalogue. Calls that run keep it alive.
struct endpoints {
    struct catalogue *catalogue;
    char hash[65];
    struct endpoint *list;
    size_t count;
    unsigned users;                     // calls that run
    bool is_old;                        // a newer one has taken its place
    char keys[ENDPOINT_KEYS_BYTES_MAX]; // what hello says: "openai/default,…"
};

// Makes them from a compiled catalogue, the configuration and the environment; says in the log
// which providers have a key and which not. NULL if the catalogue cannot be read.
struct endpoints *endpoints_new(const struct conf *conf, struct bytes document, const char *hash);
// Wipes the keys. Accepts NULL.
void endpoints_free(struct endpoints *endpoints);
// Where the job's request goes; NULL if no URL can have it. The caller's (mem_free).
char *endpoint_url(const struct endpoint *endpoint, const struct adapter_job *job);
// NULL if there is none; the only alias of a key is "default".
const struct endpoint *endpoints_find(const struct endpoints *endpoints, struct bytes provider,
                                      struct bytes api, struct bytes key);

#endif
