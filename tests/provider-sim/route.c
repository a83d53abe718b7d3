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

// A provider that has no folder above is one that somebody added to the catalogue, or has added
// since: its API is known by how its paths end, and is answered in the plainest manner.
static const struct path endings[] = {
    ANSWERS("/chat/completions", api_compatible),
    ANSWERS("/messages", api_messages),
    RESPONSES("", api_openai_responses),
    CONVERSATIONS("", api_openai_responses),
    GEMINI(""),
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

// The first folder of a path, with its slash.
static struct span folder_of(struct span path) {
    const char *slash = path.size > 1 ? memchr(path.at + 1, '/', path.size - 1) : NULL;
    return (struct span){path.at, slash == NULL ? path.size : (size_t)(slash - path.at)};
}

// Whether the folder may be a provider's that the table does not have: a version is none.
static bool is_unknown_provider(struct span folder) {
    if (folder.size < 2 || (folder.at[1] == 'v' && folder.size > 2 && folder.at[2] <= '9'))
        return false;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct span known = folder_of(span_of(paths[i].pattern));
        if (known.size == folder.size && memcmp(known.at, folder.at, folder.size) == 0)
            return false;
    }
    return true;
}

// Whether the path, or what is behind one of its folders, is one of the pattern's.
static bool ends_as(struct span path, const char *pattern, struct span *name) {
    while (path.size > 0 && !path_is(path, pattern, name)) {
        size_t step = folder_of(path).size;
        path = (struct span){path.at + step, path.size - step};
    }
    return path.size > 0;
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
    bool is_unknown = is_unknown_provider(folder_of(path));
    const struct path *list = is_unknown ? endings : paths;
    size_t count = is_unknown ? sizeof(endings) / sizeof(*endings) : sizeof(paths) / sizeof(*paths);
    for (size_t i = 0; i < count; i++) {
        struct span name = {"", 0};
        if (is_unknown ? !ends_as(path, list[i].pattern, &name)
                       : !path_is(path, list[i].pattern, &name))
            continue;
        route->api = list[i].api;
        route->operation = list[i].operation;
        route->kind = list[i].kind;
        route->name = name;
        if (span_is(method, list[i].method))
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
    printf("  any other provider: /NAME/…, known by how the path ends\n");
}
