// What is made from other settings: folders, endpoints, and where they come from.
#include "common/conf_endpoints.h"
#include "common/conf_reading.h"
#include "common/endpoint.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A service has the folder that systemd made for it; a person one at home.
static const char *default_data(void) {
    const char *home = conf_env("HOME");
    const char *share = conf_env("XDG_DATA_HOME");
    const char *state = conf_env("STATE_DIRECTORY");
    if (state)
        return conf_keep(state, strcspn(state, ":"));
    if (share)
        return conf_text("%s/colloq", share);
    return home ? conf_text("%s/.local/share/colloq", home) : "/var/lib/colloq";
}

// A path that is not absolute counts from the working folder, whoever is started from here.
static const char *absolute(const char *path) {
    char here[CONF_TEXT_BYTES_MAX / 2];
    if (!path || *path == '/' || !getcwd(here, sizeof(here)))
        return path;
    return conf_text("%s/%s", here, path);
}

static bool is_catalogue(const char *folder) {
    static const char *const inside[] = {"providers", "prices"};
    char path[CONF_TEXT_BYTES_MAX];
    struct stat info;
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, inside[i]);
        if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
            return true;
    }
    return false;
}

// What lies beside the file in force, or beside the one that there could be.
static const char *default_catalogue(const struct reading *reading) {
    const char *home = conf_env("HOME");
    const char *folders[2] = {home ? conf_text("%s/.config/colloq", home) : NULL, "/etc/colloq"};
    if (reading->path) {
        const char *slash = strrchr(reading->path, '/');
        folders[0] = slash ? conf_keep(reading->path, (size_t)(slash - reading->path) + 1) : ".";
        folders[1] = NULL;
    }
    for (size_t i = 0; i < 2; i++)
        if (folders[i] && is_catalogue(folders[i]))
            return absolute(folders[i]);
    return NULL;
}

static const char *origin_of(const struct reading *reading, size_t i) {
    const struct found *found = &reading->found[i];
    switch (found->source) {
    case FROM_flag:
        return conf_text("--%s", settings[i].flag);
    case FROM_variable:
        return settings[i].variable;
    case FROM_context:
        return conf_text("context %s, %s:%u", reading->context, reading->path, found->line);
    case FROM_file:
        return conf_text("%s:%u", reading->path, found->line);
    default:
        return "default";
    }
}

static void complete_endpoints(struct conf *conf) {
    char beside[ENDPOINT_SIZE];
    if (!conf->broker)
        conf->broker = conf_text("ipc://%s/broker.sock", conf->data);
    if (!conf->ingress)
        conf->ingress = conf_text("ipc://%s/ingress.sock", conf->data);
    if (!conf->accountant)
        conf->accountant = conf_text("ipc://%s/accountant.sock", conf->data);
    conf->is_endpoint_stated = conf->endpoint || strncmp(conf->ingress, "ipc://", 6) != 0;
    if (!conf->endpoint)
        conf->endpoint = conf->ingress;
    if (conf->listen && !conf->listen_ingress && endpoint_beside(conf->listen, 1, beside))
        conf->listen_ingress = conf_text("%s", beside);
}

enum err conf_complete(struct conf *conf, const struct reading *reading) {
    bool is_exact = reading->found[0].source == FROM_flag;
    for (size_t i = 0; i < setting_count; i++) {
        const char *value = reading->found[i].value;
        conf->origins[i] = origin_of(reading, i);
        conf->written[i] = value ? value : settings[i].initial;
    }
    conf->context = reading->context;
    conf->data = absolute(conf->data ? conf->data : default_data());
    if (conf->simulated && !is_exact)
        conf->data = conf_text("%s/simulated", conf->data);
    complete_endpoints(conf);
    if (!conf->names)
        conf->names = conf_text("%s/workers", conf->data);
    conf->names = absolute(conf->names);
    if (!conf->catalogue && reading->program & (ACCOUNTANT | CLIENT))
        conf->catalogue = default_catalogue(reading);
    conf->catalogue = absolute(conf->catalogue);
    conf->journal_folder = conf->journal_folder ? absolute(conf->journal_folder) : conf->data;
    conf->ledger_folder = conf->ledger_folder ? absolute(conf->ledger_folder) : conf->data;
    return conf_check_endpoints(conf, reading->error);
}

const char *conf_origin(const struct conf *conf, const void *member) {
    const char *at = member;
    return conf->origins[setting_at((size_t)(at - (const char *)conf))];
}

bool conf_setting_at(const struct conf *conf, size_t i, struct conf_shown *shown) {
    if (i >= setting_count)
        return false;
    *shown = (struct conf_shown){
        .name = settings[i].place ? settings[i].place : settings[i].flag,
        .flag = settings[i].flag,
        .variable = settings[i].variable,
        .value = conf->written[i],
        .origin = conf->origins[i],
    };
    return true;
}
