#include "common/conf.h"

#include "common/conf_file.h"
#include "common/conf_reading.h"
#include "common/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

enum err conf_refuse(struct conf_error *error, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    error->exit = code;
    return ERR_BAD_CONFIG;
}

const char *conf_env(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

// A copy that lives as long as the process, and is never lost sight of.
char *conf_keep(const char *at, size_t size) {
    static struct kept {
        struct kept *next;
        char *text;
    } * all;
    struct kept *one = mem_new(sizeof(*one));
    *one = (struct kept){.next = all, .text = mem_copy(at, size)};
    all = one;
    return one->text;
}

char *conf_text(const char *format, ...) {
    char text[CONF_TEXT_BYTES_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return conf_keep(text, n < 0 ? 0 : strlen(text));
}

// ---- the file -----------------------------------------------------------------------------------

const char *conf_follow(const struct reading *reading, const char *path, const char *value,
                        unsigned line) {
    if (strncmp(value, "env:", 4) == 0) {
        const char *variable = conf_env(value + 4);
        if (!variable)
            (void)conf_refuse(
                reading->error, EX_CONFIG,
                "%s:%u: %s: the variable %s is not set; set it or write another value",
                reading->path, line, path, value + 4);
        return variable;
    }
    if (strncmp(value, "file:", 5) != 0)
        return conf_keep(value, strlen(value));
    const char *name = value + 5;
    const char *slash = strrchr(reading->path, '/');
    char file[CONF_TEXT_BYTES_MAX];
    (void)snprintf(file, sizeof(file), "%.*s%s",
                   *name != '/' && slash ? (int)(slash + 1 - reading->path) : 0, reading->path,
                   name);
    char text[CONF_TEXT_BYTES_MAX];
    FILE *stream = fopen(file, "re");
    size_t size = stream ? fread(text, 1, sizeof(text), stream) : 0;
    int why = errno;
    if (stream)
        (void)fclose(stream);
    if (!stream || size == sizeof(text)) {
        (void)conf_refuse(reading->error, EX_CONFIG, "%s:%u: %s: %s cannot be read: %s",
                          reading->path, line, path, file,
                          stream ? "it is too long" : strerror(why));
        return NULL;
    }
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    return conf_keep(text, size);
}

// A key that stands in the file itself must be readable by its owner only.
static bool may_hold_key(const struct reading *reading, const struct conf_entry *entry) {
    struct stat info;
    if (strncmp(entry->value, "env:", 4) == 0 || strncmp(entry->value, "file:", 5) == 0 ||
        stat(reading->path, &info) != 0 || (info.st_mode & 077) == 0)
        return true;
    (void)conf_refuse(
        reading->error, EX_CONFIG,
        "%s:%u: %s: others can read this key; chmod 600 the file, or write env:NAME or "
        "file:PATH",
        reading->path, entry->line, entry->path);
    return false;
}

static struct conf_provider *provider_named(struct conf *conf, const char *name, size_t size) {
    for (size_t i = 0; i < conf->provider_count; i++)
        if (strlen(conf->providers[i].name) == size &&
            memcmp(conf->providers[i].name, name, size) == 0)
            return &conf->providers[i];
    if (conf->provider_count == CONF_PROVIDERS_MAX)
        return NULL;
    struct conf_provider *provider = &conf->providers[conf->provider_count++];
    *provider = (struct conf_provider){.name = conf_keep(name, size)};
    return provider;
}

// An entry "providers.NAME.key" or "providers.NAME.base_url".
static enum err take_provider(struct conf *conf, const struct reading *reading,
                              const struct conf_entry *entry) {
    const char *name = entry->path + strlen("providers.");
    const char *dot = strrchr(name, '.');
    struct conf_provider *provider = dot ? provider_named(conf, name, (size_t)(dot - name)) : NULL;
    bool is_key = dot && strcmp(dot, ".key") == 0;
    if (!provider || (!is_key && strcmp(dot, ".base_url") != 0))
        return conf_refuse(
            reading->error, EX_CONFIG,
            "%s:%u: %s: of a provider key, base_url and extract: {KIND: PATH} can be "
            "set (at most %d providers)",
            reading->path, entry->line, entry->path, CONF_PROVIDERS_MAX);
    bool is_named = strncmp(entry->value, "env:", 4) == 0 || strncmp(entry->value, "file:", 5) == 0;
    if (is_key) {
        provider->key_origin = conf_text("%s:%u", reading->path, entry->line);
        provider->key_named = is_named ? conf_keep(entry->value, strlen(entry->value)) : NULL;
    }
    if (is_key && !(reading->program & WORKER))
        return ERR_OK; // keys are the worker's alone
    if (is_key && !may_hold_key(reading, entry))
        return ERR_BAD_CONFIG;
    const char *value = conf_follow(reading, entry->path, entry->value, entry->line);
    if (is_key)
        provider->key = value;
    else
        provider->base_url = value;
    return value ? ERR_OK : ERR_BAD_CONFIG;
}

static enum err take_entry(struct conf *conf, struct reading *reading,
                           const struct conf_entry *entry) {
    bool is_provider = strncmp(entry->path, "providers.", strlen("providers.")) == 0;
    if (is_provider && conf_is_extract(entry->path))
        return conf_extract_entry(conf, reading, entry->path, entry->value, entry->line);
    if (is_provider)
        return take_provider(conf, reading, entry);
    if (strncmp(entry->path, "contexts.", strlen("contexts.")) == 0)
        return conf_context_entry(reading, entry->path, entry->value, entry->line);
    size_t i = setting_placed(entry->path);
    if (i < setting_count) {
        reading->found[i] = (struct found){.source = FROM_file, .line = entry->line};
        // What another program needs is not followed here: its files may be unreadable to us.
        if (!(settings[i].programs & reading->program))
            return ERR_OK;
        reading->found[i].value = conf_follow(reading, entry->path, entry->value, entry->line);
        return reading->found[i].value ? ERR_OK : ERR_BAD_CONFIG;
    }
    return conf_refuse(
        reading->error, EX_CONFIG,
        "%s:%u: there is no setting %s; colloq-broker --help (or any other program's) "
        "lists them",
        reading->path, entry->line, entry->path);
}

static enum err take_file(struct conf *conf, struct reading *reading, const char *path,
                          bool must_exist) {
    struct conf_file *file = mem_new(sizeof(*file));
    char why[256];
    enum err e = conf_file_read(file, path, why, sizeof(why));
    if (e == ERR_NOT_FOUND && must_exist)
        (void)conf_refuse(reading->error, EX_NOINPUT, "%s: %s; correct --config or COLLOQ_CONFIG",
                          path, why);
    else if (e == ERR_BAD_CONFIG)
        (void)conf_refuse(reading->error, EX_CONFIG, "%s: %s", path, why);
    if (e == ERR_OK)
        reading->path = conf->file = conf_keep(path, strlen(path));
    for (size_t i = 0; e == ERR_OK && i < file->count; i++)
        e = take_entry(conf, reading, &file->entries[i]);
    conf_file_release(file);
    mem_free(file);
    return e == ERR_NOT_FOUND && must_exist ? ERR_BAD_CONFIG : e;
}

static enum err find_file(struct conf *conf, struct reading *reading, const char *named) {
    if (!named)
        named = conf_env("COLLOQ_CONFIG");
    if (named)
        return take_file(conf, reading, named, true);
    char path[CONF_TEXT_BYTES_MAX];
    const char *home = conf_env("HOME");
    enum err e = ERR_NOT_FOUND;
    if (home) {
        (void)snprintf(path, sizeof(path), "%s/.config/colloq/colloq.yaml", home);
        e = take_file(conf, reading, path, false);
    }
    if (e == ERR_NOT_FOUND)
        e = take_file(conf, reading, "/etc/colloq/colloq.yaml", false);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

// ---- flags --------------------------------------------------------------------------------------

// Takes the flag at argv[*at] and its value.
static enum err take_flag(struct reading *reading, const struct setting *setting, const char *value,
                          int argc, char **argv, int *at) {
    if (!(setting->programs & reading->program))
        return conf_refuse(reading->error, EX_USAGE,
                           "--%s is no setting of this program; --help lists those that are",
                           setting->flag);
    if (!value && setting->type == CONF_flag)
        value = "true";
    else if (!value && *at + 1 < argc)
        value = argv[++*at];
    if (!value)
        return conf_refuse(reading->error, EX_USAGE, "--%s needs a value: %s", setting->flag,
                           setting->help);
    reading->found[setting - settings] = (struct found){.value = value, .source = FROM_flag};
    return ERR_OK;
}

static enum err take_flags(struct reading *reading, int *argc, char **argv, bool takes_rest,
                           const char **config) {
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const char *value = NULL;
        if (strcmp(argv[i], "--") == 0 && takes_rest) {
            while (i < *argc)
                argv[kept++] = argv[i++];
            break;
        }
        const struct setting *setting = setting_flag(argv[i], &value);
        enum err e = ERR_OK;
        if (setting && (!takes_rest || setting->programs & reading->program))
            e = take_flag(reading, setting, value, *argc, argv, &i);
        else if (strncmp(argv[i], "--config=", 9) == 0)
            *config = argv[i] + 9;
        else if (strcmp(argv[i], "--config") == 0 && i + 1 < *argc)
            *config = argv[++i];
        else if (takes_rest)
            argv[kept++] = argv[i];
        else
            e = conf_refuse(reading->error, EX_USAGE, "%s is not known; --help lists the settings",
                            argv[i]);
        if (e != ERR_OK)
            return e;
    }
    *argc = kept;
    argv[kept] = NULL;
    return ERR_OK;
}

// ---- values -------------------------------------------------------------------------------------

static enum err parse_setting(struct conf *conf, const struct reading *reading, size_t i) {
    const struct setting *setting = &settings[i];
    const struct found *found = &reading->found[i];
    const char *text = found->value ? found->value : setting->initial;
    char where[CONF_TEXT_BYTES_MAX / 4];
    char what[128];
    if (!text || conf_value_parse(setting->type, text, setting->min, setting->max,
                                  (char *)conf + setting->offset))
        return ERR_OK;
    if (found->source == FROM_file || found->source == FROM_context)
        (void)snprintf(where, sizeof(where), "%s:%u: %s", reading->path, found->line,
                       setting->place);
    else
        (void)snprintf(where, sizeof(where), "%s%s", found->source == FROM_flag ? "--" : "",
                       found->source == FROM_flag ? setting->flag : setting->variable);
    return conf_refuse(
        reading->error, found->source == FROM_flag ? EX_USAGE : EX_CONFIG,
        "%s: \"%.64s\" is not valid: write %s", where, text,
        conf_value_expected(setting->type, setting->min, setting->max, what, sizeof(what)));
}

// Fills in what the environment has.
static void take_variables(struct reading *reading) {
    for (size_t i = 0; i < setting_count; i++) {
        const char *value = settings[i].variable ? conf_env(settings[i].variable) : NULL;
        if (value)
            reading->found[i] = (struct found){.value = value, .source = FROM_variable};
    }
}

// The variables, and the context: one that somebody named for this command beats variables, one
// that the file has for every day does not.
static enum err take_context(struct reading *reading, const struct reading *flags) {
    size_t i = setting_at(offsetof(struct conf, context));
    const struct setting *setting = &settings[i];
    const char *named = flags->found[i].value;
    const char *usual = reading->found[i].value;
    const char *origin = named ? "--context" : setting->variable;
    enum err e = ERR_OK;
    if (!named)
        named = conf_env(setting->variable);
    bool is_client = reading->program == CLIENT;
    if (is_client && !named && usual)
        e = conf_context_apply(reading, usual,
                               conf_text("%s:%u", reading->path, reading->found[i].line));
    take_variables(reading);
    if (is_client && named)
        e = conf_context_apply(reading, named, origin);
    return e;
}

enum err conf_read(struct conf *conf, const char *program, int *argc, char **argv, bool takes_rest,
                   struct conf_error *error) {
    struct reading reading = {.program = setting_program(program), .error = error};
    const char *config = NULL;
    memset(conf, 0, sizeof(*conf));
    memset(error, 0, sizeof(*error));
    struct reading flags = reading;
    enum err e = take_flags(&flags, argc, argv, takes_rest, &config);
    if (e == ERR_OK)
        e = find_file(conf, &reading, config);
    if (e == ERR_OK)
        e = take_context(&reading, &flags);
    for (size_t i = 0; e == ERR_OK && i < setting_count; i++) {
        if (flags.found[i].value)
            reading.found[i] = flags.found[i];
        if (settings[i].programs & reading.program)
            e = parse_setting(conf, &reading, i);
    }
    return e == ERR_OK ? conf_complete(conf, &reading) : e;
}
