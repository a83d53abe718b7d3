// Contexts: which colloq the client means, by a name.
#include "common/conf_reading.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { START_BYTES = sizeof("contexts.") - 1 };

static size_t setting_named(const char *name) {
    static const struct {
        const char *name;
        size_t offset;
    } stated[] = {{"endpoint", offsetof(struct conf, endpoint)},
                  {"data", offsetof(struct conf, data)},
                  {"simulate", offsetof(struct conf, simulated)},
                  {"insecure", offsetof(struct conf, insecure)}};
    for (size_t i = 0; i < sizeof(stated) / sizeof(stated[0]); i++)
        if (strcmp(stated[i].name, name) == 0)
            return setting_at(stated[i].offset);
    return setting_count;
}

enum err conf_context_entry(struct reading *reading, const char *path, const char *value,
                            unsigned line) {
    const char *name = path + START_BYTES;
    const char *dot = strrchr(name, '.');
    size_t setting = dot && dot > name ? setting_named(dot + 1) : setting_count;
    if (setting == setting_count || reading->context_count == CONTEXT_ENTRIES_MAX)
        return conf_refuse(reading->error, EX_CONFIG,
                           "%s:%u: %s: a context states endpoint, data, simulate and insecure "
                           "(%d in all)",
                           reading->path, line, path, CONTEXT_ENTRIES_MAX);
    reading->contexts[reading->context_count++] = (struct context_entry){
        .name = conf_keep(name, (size_t)(dot - name)),
        .path = conf_keep(path, strlen(path)),
        .setting = setting,
        .value = conf_keep(value, strlen(value)),
        .line = line,
    };
    return ERR_OK;
}

static enum err refuse_unknown(const struct reading *reading, const char *name,
                               const char *origin) {
    char names[512] = "";
    for (size_t i = 0; i < reading->context_count; i++) {
        const char *known = reading->contexts[i].name;
        bool is_told = false;
        for (size_t k = 0; k < i; k++)
            is_told = is_told || strcmp(reading->contexts[k].name, known) == 0;
        size_t used = strlen(names);
        if (!is_told)
            (void)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", known);
    }
    return conf_refuse(reading->error, EX_CONFIG, "%s: there is no context %s; %s%s%s", origin,
                       name, reading->path ? reading->path : "no colloq.yaml was found",
                       !reading->path ? ""
                       : *names       ? " has: "
                                      : " has none (contexts: NAME: {endpoint: …})",
                       names);
}

enum err conf_context_apply(struct reading *reading, const char *name, const char *origin) {
    size_t endpoint = setting_at(offsetof(struct conf, endpoint));
    size_t data = setting_at(offsetof(struct conf, data));
    bool is_known = false, has_data = false, has_endpoint = false;
    for (size_t i = 0; i < reading->context_count; i++) {
        const struct context_entry *entry = &reading->contexts[i];
        if (strcmp(entry->name, name) != 0)
            continue;
        const char *value = conf_follow(reading, entry->path, entry->value, entry->line);
        if (!value)
            return ERR_BAD_CONFIG;
        is_known = true;
        has_data = has_data || entry->setting == data;
        has_endpoint = has_endpoint || entry->setting == endpoint;
        reading->found[entry->setting] =
            (struct found){.value = value, .source = FROM_context, .line = entry->line};
    }
    if (!is_known)
        return refuse_unknown(reading, name, origin);
    // A folder without an endpoint means the socket in that folder, not one named elsewhere.
    if (has_data && !has_endpoint)
        reading->found[endpoint] = (struct found){0};
    reading->context = name;
    return ERR_OK;
}
