#include "tests/provider-sim/api.h"

#include <stdio.h>
#include <string.h>

struct path {
    const char *method;
    const char
        *pattern; // {} stands for a name without a slash; it is the last thing before a colon
    enum operation operation;
    const struct api *api;
    enum kept_kind kind;
};

#define ANSWERS(path, api) \
    { "POST", path, OPERATION_ANSWER, &(api), KEPT_ANSWER }
// Reads and forgets what is kept under that path.
#define KEPT(path, api, kind)                                \
    {"GET", path "/{}", OPERATION_GET, &(api), kind}, {      \
        "DELETE", path "/{}", OPERATION_DELETE, &(api), kind \
    }
#define RESPONSES(prefix, api) \
    ANSWERS(prefix "/responses", api), KEPT(prefix "/responses", api, KEPT_ANSWER)
#define CONVERSATIONS(prefix, api)                                                               \
    {"POST", prefix "/conversations", OPERATION_CREATE, &(api), KEPT_CONVERSATION},              \
        KEPT(prefix "/conversations", api, KEPT_CONVERSATION),                                   \
        {"GET", prefix "/conversations/{}/items", OPERATION_LIST, &(api), KEPT_CONVERSATION}, {  \
        "POST", prefix "/conversations/{}/items", OPERATION_ADD_ITEMS, &(api), KEPT_CONVERSATION \
    }
#define GEMINI(prefix)                                                                       \
    ANSWERS(prefix "/models/{}:generateContent", api_generate),                              \
        {"POST", prefix "/models/{}:streamGenerateContent", OPERATION_STREAM, &api_generate, \
         KEPT_ANSWER},                                                                       \
        {"POST", prefix "/cachedContents", OPERATION_CREATE, &api_generate, KEPT_PREFIX},    \
        KEPT(prefix "/cachedContents", api_generate, KEPT_PREFIX),                           \
        ANSWERS(prefix "/interactions", api_interactions),                                   \
        KEPT(prefix "/interactions", api_interactions, KEPT_ANSWER)

static const struct path paths[] = {
    ANSWERS("/v1/chat/completions", api_openai_chat),
    ANSWERS("/v1/messages", api_messages),
    RESPONSES("/v1", api_openai_responses),
    CONVERSATIONS("/v1", api_openai_responses),
    GEMINI("/v1beta"),
    ANSWERS("/openai/v1/chat/completions", api_openai_chat),
    RESPONSES("/openai/v1", api_openai_responses),
    CONVERSATIONS("/openai/v1", api_openai_responses),
    ANSWERS("/anthropic/v1/messages", api_messages),
    GEMINI("/gemini/v1beta"),
    GEMINI("/gemini/v1"),
    ANSWERS("/openrouter/api/v1/chat/completions", api_openrouter),
    ANSWERS("/deepseek/chat/completions", api_deepseek),
    ANSWERS("/deepseek/v1/chat/completions", api_deepseek),
    ANSWERS("/xai/v1/chat/completions", api_xai_chat),
    RESPONSES("/xai/v1", api_xai_responses),
    ANSWERS("/azure/openai/deployments/{}/chat/completions", api_azure_chat),
    ANSWERS("/azure/openai/v1/chat/completions", api_azure_chat),
    RESPONSES("/azure/openai/v1", api_azure_responses),
    CONVERSATIONS("/azure/openai/v1", api_azure_responses),
    ANSWERS("/mistral/v1/chat/completions", api_mistral),
    ANSWERS("/groq/openai/v1/chat/completions", api_groq),
    ANSWERS("/together/v1/chat/completions", api_together),
    ANSWERS("/ollama/v1/chat/completions", api_ollama),
    ANSWERS("/compatible/v1/chat/completions", api_compatible),
};

// Whether the path is one of the pattern's; names what stands for its {}.
static bool path_is(struct span path, const char *pattern, struct span *name) {
    const char *hole = strstr(pattern, "{}");
    if (hole == NULL)
        return span_is(path, pattern);
    size_t before = (size_t)(hole - pattern), behind = strlen(hole + 2);
    if (path.size <= before + behind || memcmp(path.at, pattern, before) != 0 ||
        memcmp(path.at + path.size - behind, hole + 2, behind) != 0)
        return false;
    *name = (struct span){path.at + before, path.size - before - behind};
    return memchr(name->at, '/', name->size) == NULL && memchr(name->at, ':', name->size) == NULL;
}

// The value of key= in a query.
static struct span query_key(struct span query) {
    struct span rest = query;
    while (rest.size > 0) {
        const char *stop = memchr(rest.at, '&', rest.size);
        size_t size = stop == NULL ? rest.size : (size_t)(stop - rest.at);
        if (size > 4 && memcmp(rest.at, "key=", 4) == 0)
            return (struct span){rest.at + 4, size - 4};
        rest.at += stop == NULL ? size : size + 1;
        rest.size -= stop == NULL ? size : size + 1;
    }
    return (struct span){"", 0};
}

enum route_state route_find(struct span method, struct span target, struct route *route) {
    const char *mark = memchr(target.at, '?', target.size);
    struct span path = {target.at, mark == NULL ? target.size : (size_t)(mark - target.at)};
    enum route_state state = ROUTE_NO_PATH;
    *route = (struct route){.name = {"", 0}, .query = {"", 0}, .key = {"", 0}};
    if (mark != NULL)
        route->query = (struct span){mark + 1, target.size - path.size - 1};
    route->key = query_key(route->query);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct span name = {"", 0};
        if (!path_is(path, paths[i].pattern, &name))
            continue;
        route->api = paths[i].api;
        route->operation = paths[i].operation;
        route->kind = paths[i].kind;
        route->name = name;
        if (span_is(method, paths[i].method))
            return ROUTE_FOUND;
        state = ROUTE_NO_METHOD;
    }
    return state;
}

void routes_print(void) {
    const char *last = "";
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        printf("  %-22s %-6s %s\n", strcmp(last, paths[i].api->name) == 0 ? "" : paths[i].api->name,
               paths[i].method, paths[i].pattern);
        last = paths[i].api->name;
    }
}
