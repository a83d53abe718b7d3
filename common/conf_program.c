// How programs come by their settings: what is printed, set up, made and passed on.
#include "common/conf_table.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

static void print_help(const char *program) {
    unsigned bit = setting_program(program);
    printf("Usage: colloq-%s [--flag value …]\n\n"
           "A setting comes from its flag, else its variable, else the file (--config, else\n"
           "COLLOQ_CONFIG, else ~/.config/colloq/colloq.yaml, else /etc/colloq/colloq.yaml),\n"
           "else it has its default. In the file a value may be env:NAME or file:PATH.\n\n",
           program);
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &settings[i];
        if (!(setting->programs & bit))
            continue;
        printf("  --%s%s\n      %s", setting->flag, setting->type == CONF_flag ? "" : " VALUE",
               setting->help);
        if (setting->initial && setting->type != CONF_flag)
            printf(" [%s]", setting->initial);
        if (setting->variable)
            printf("\n      %s, in the file %s", setting->variable, setting->place);
        printf("\n");
    }
    printf("  --help, --version\n");
    if (bit & WORKER)
        printf("\nOnly in the file, for each provider NAME:\n"
               "  providers.NAME.key, providers.NAME.base_url\n");
    if (bit & ACCOUNTANT)
        printf("\nOnly in the file, for each provider NAME, a path or header:NAME under a kind:\n"
               "  providers.NAME.extract.KIND\n");
}

static enum log_level level_of(const char *name) {
    return strcmp(name, "debug") == 0   ? LOG_DEBUG
           : strcmp(name, "warn") == 0  ? LOG_WARN
           : strcmp(name, "error") == 0 ? LOG_ERROR
                                        : LOG_INFO;
}

bool conf_make_folder(const char *path) {
    char partial[CONF_TEXT_BYTES_MAX];
    if (strlen(path) >= sizeof(partial)) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (size_t i = 0; path[i]; i++) {
        partial[i] = path[i];
        partial[i + 1] = 0;
        bool is_whole = path[i + 1] == 0 || path[i + 1] == '/';
        if (is_whole && path[i] != '/' && mkdir(partial, 0700) != 0 && errno != EEXIST)
            return false;
    }
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    errno = ENOTDIR;
    return S_ISDIR(info.st_mode);
}

static _Noreturn void end_badly(const char *program, const struct conf_error *error) {
    bool is_client = strcmp(program, "client") == 0;
    (void)fprintf(stderr, "colloq%s%s: %s\n", is_client ? "" : "-", is_client ? "" : program,
                  error->text);
    exit(error->exit);
}

void conf_load(struct conf *conf, const char *program, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(program);
            exit(0);
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("colloq-%s %s\n", program, COLLOQ_VERSION);
            exit(0);
        }
    }
    struct conf_error error;
    if (conf_read(conf, program, &argc, argv, false, &error) != ERR_OK)
        end_badly(program, &error);
    log_setup(program, level_of(conf->log_level), conf->log_json);
    const char *const folders[] = {conf->data, conf->journal_folder, conf->ledger_folder};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (!conf_make_folder(folders[i])) {
            error.exit = EX_CANTCREAT;
            (void)snprintf(error.text, sizeof(error.text),
                           "%s: the data folder cannot be made: %s; choose another with --%s",
                           folders[i], strerror(errno),
                           i == 0   ? "data"
                           : i == 1 ? "journal-folder"
                                    : "ledger-folder");
            end_badly(program, &error);
        }
}

void conf_pass_on(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *value = NULL;
        const struct setting *setting = setting_flag(argv[i], &value);
        const char *variable = setting ? setting->variable : NULL;
        bool is_config = !setting && strncmp(argv[i], "--config", 8) == 0;
        if (is_config) {
            variable = "COLLOQ_CONFIG";
            value = argv[i][8] == '=' ? argv[i] + 9 : NULL;
        }
        bool has_own_value = setting && setting->type == CONF_flag;
        if (!value && has_own_value)
            value = "true";
        else if (!value && variable && i + 1 < argc)
            value = argv[++i];
        if (variable && value && setting != &settings[0])
            (void)setenv(variable, value, 1);
    }
}

int conf_take(struct conf *conf, const char *program, int argc, char **argv) {
    struct conf_error error;
    if (conf_read(conf, program, &argc, argv, true, &error) != ERR_OK)
        end_badly(program, &error);
    log_setup(program, level_of(conf->log_level), conf->log_json);
    return argc;
}
