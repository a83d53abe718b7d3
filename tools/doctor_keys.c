// doctor: the catalogue in force, and where each provider's key is found in the environment of
// this command. Keys themselves are neither read into anything that lasts, nor shown.
#include "common/catalogue.h"
#include "common/limits.h"
#include "tools/doctor.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void add_file(struct doctor *doctor, const char *name, const char *path,
                     const char *source) {
    bool is_there = access(path, R_OK) == 0;
    doctor_add(doctor, "keys", name, is_there ? FINDING_ok : FINDING_problem,
               is_there ? "in a file" : doctor_text("%s cannot be read", path), source,
               is_there ? NULL : "correct the path, or let its reader read it");
}

// What the file says of a provider's key. False: nothing.
static bool check_settings(struct doctor *doctor, const char *name) {
    const struct conf *conf = doctor->call->conf;
    const struct conf_provider *provider = NULL;
    struct stat info;
    for (size_t i = 0; i < conf->provider_count; i++)
        if (strcmp(conf->providers[i].name, name) == 0 && conf->providers[i].key_origin)
            provider = &conf->providers[i];
    if (!provider)
        return false;
    const char *named = provider->key_named;
    const char *source =
        doctor_text("%s%s%s", named ? named : "", named ? ", " : "", provider->key_origin);
    if (!named) {
        bool is_open = stat(conf->file, &info) == 0 && (info.st_mode & 077) != 0;
        doctor_add(doctor, "keys", name, is_open ? FINDING_problem : FINDING_ok,
                   is_open ? "others can read it" : "in the settings", source,
                   is_open ? doctor_text("chmod 600 %s", conf->file) : NULL);
    } else if (strncmp(named, "env:", 4) == 0) {
        bool is_set = conf_env(named + 4) != NULL;
        doctor_add(doctor, "keys", name, is_set ? FINDING_ok : FINDING_problem,
                   is_set ? "set" : "the variable is not set here", source,
                   is_set ? NULL : doctor_text("export %s", named + 4));
    } else {
        const char *path = named + 5;
        const char *slash = strrchr(conf->file, '/');
        add_file(doctor, name,
                 *path == '/' || !slash
                     ? path
                     : doctor_text("%.*s%s", (int)(slash + 1 - conf->file), conf->file, path),
                 source);
    }
    return true;
}

// The usual variables, in the order in which a worker looks. False: none is set.
static bool check_variables(struct doctor *doctor, const char *name, const char *const *variables) {
    for (; *variables; variables++) {
        const char *with_file = doctor_text("%s_FILE", *variables);
        if (conf_env(*variables)) {
            doctor_add(doctor, "keys", name, FINDING_ok, "set", *variables, NULL);
            return true;
        }
        if (conf_env(with_file)) {
            add_file(doctor, name, conf_env(with_file), with_file);
            return true;
        }
    }
    return false;
}

// Whether a key was found.
static bool check_provider(struct doctor *doctor, const struct provider_api *api) {
    if (check_settings(doctor, api->provider) ||
        check_variables(doctor, api->provider, api->key_envs))
        return true;
    const char *variable = api->key_envs[0];
    doctor_add(doctor, "keys", api->provider, FINDING_note, "none", NULL,
               variable ? doctor_text("a worker needs it: export %s, or %s_FILE, or set "
                                      "providers.%s.key",
                                      variable, variable, api->provider)
                        : NULL);
    return false;
}

static void check_providers(struct doctor *doctor, const struct catalogue *catalogue) {
    const char *last = "";
    bool has_any = false;
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        if (strcmp(api->provider, last) != 0)
            has_any = check_provider(doctor, api) || has_any;
        last = api->provider;
    }
    // Whoever asks another host needs none here.
    if (!has_any && !doctor->call->conf->is_endpoint_stated)
        doctor_add(doctor, "keys", "all", FINDING_problem, "none, so no call can be made", NULL,
                   "give the key of one provider, or --simulate");
}

void doctor_keys(struct doctor *doctor) {
    const struct conf *conf = doctor->call->conf;
    struct catalogue *catalogue = NULL;
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 64 << 10);
    bool is_good = catalogue_compile_rules(conf->catalogue, conf->extracts, conf->extract_count,
                                           &document, &problems) == ERR_OK &&
                   catalogue_load(buf_bytes(&document), &catalogue) == ERR_OK;
    doctor_add(doctor, "catalogue", "catalogue", is_good ? FINDING_ok : FINDING_problem,
               is_good ? conf->catalogue ? conf->catalogue : "the one that is built in"
                       : buf_cstr(&problems),
               conf_origin(conf, &conf->catalogue),
               is_good ? NULL : "correct these files; the accountant does not start with them");
    if (is_good && conf->simulated)
        doctor_add(doctor, "keys", "all", FINDING_ok,
                   "simulated: no key is needed, and none is used", NULL, NULL);
    if (is_good && !conf->simulated)
        check_providers(doctor, catalogue);
    catalogue_free(catalogue);
    buf_release(&document);
    buf_release(&problems);
}
