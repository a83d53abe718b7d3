// What the catalogue says of one API, for people and programs.
#include "common/catalogue.h"

// "openai.chat", or "openai": its API for conversations, else its first.
static const struct provider_api *api_named(const struct catalogue *catalogue, struct bytes name) {
    const uint8_t *dot = name.size > 0 ? memchr(name.at, '.', name.size) : NULL;
    if (dot) {
        size_t size = (size_t)(dot - name.at);
        return catalogue_api(catalogue, bytes_of(name.at, size),
                             bytes_of(dot + 1, name.size - size - 1));
    }
    const struct provider_api *api = catalogue_default_api(catalogue, name);
    for (size_t i = 0; !api && i < catalogue_api_count(catalogue); i++)
        if (bytes_is(name, catalogue_api_at(catalogue, i)->provider))
            api = catalogue_api_at(catalogue, i);
    return api;
}

static void put_apis(const struct catalogue *catalogue, const char *provider, struct buf *out) {
    const char *comma = "";
    buf_text(out, ",\"apis\":[");
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        if (strcmp(api->provider, provider) != 0)
            continue;
        buf_printf(out, "%s\"%s.%s\"", comma, api->provider, api->api);
        comma = ",";
    }
    buf_byte(out, ']');
}

enum err get_provider_capabilities(const struct catalogue *catalogue, struct bytes name,
                                   struct buf *out) {
    static const char *const members[] = {"provider",
                                          "api",
                                          "title",
                                          "shape",
                                          "api_stateful",
                                          "sdk_session_support",
                                          "continuation",
                                          "retention",
                                          "limits",
                                          "context_windows",
                                          "support",
                                          "supported_identifiers",
                                          "metadata_fields",
                                          "provider_notes",
                                          "cost_optimization_notes",
                                          "identifier_extraction_paths",
                                          "extract",
                                          "conversation_identifiers"};
    const struct provider_api *api = api_named(catalogue, name);
    struct json_scan scan;
    if (!api)
        return ERR_NOT_FOUND;
    json_scan_init(&scan);
    enum err e = json_scan(&scan, bytes_text(api->json), NULL);
    buf_text(out, "{\"schema\":\"colloq/provider.show/1\"");
    for (size_t i = 0; e == ERR_OK && i < sizeof(members) / sizeof(members[0]); i++) {
        uint32_t node = json_find(&scan, 0, members[i]);
        buf_printf(out, ",\"%s\":", members[i]);
        if (node != 0)
            json_put_node(out, &scan, node);
        else
            buf_text(out, "null");
    }
    put_apis(catalogue, api->provider, out);
    buf_printf(out, ",\"entry\":%s}", api->json);
    json_scan_release(&scan);
    return e == ERR_OK ? buf_state(out) : e;
}
