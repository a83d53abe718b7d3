// One reading of the settings, as the files that do it share it.
#ifndef COMMON_CONF_READING_H
#define COMMON_CONF_READING_H

#include "common/conf_table.h"

enum source { FROM_default, FROM_file, FROM_context, FROM_variable, FROM_flag };
enum { CONTEXT_ENTRIES_MAX = 256 };

// The winning value of one setting, and where it stands.
struct found {
    const char *value;
    enum source source;
    unsigned line;
};

// What a context of the file states: the value as written.
struct context_entry {
    const char *name; // of the context
    const char *path; // contexts.NAME.endpoint
    size_t setting;
    const char *value;
    unsigned line;
};

struct reading {
    struct found found[CONF_SETTINGS_MAX];
    struct context_entry contexts[CONTEXT_ENTRIES_MAX];
    size_t context_count;
    const char *context; // the one that was applied; NULL: none
    const char *path;    // of the file; NULL: none
    unsigned program;
    struct conf_error *error;
};

// Fills the error and returns ERR_BAD_CONFIG.
enum err conf_refuse(struct conf_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Copies that live as long as the process.
char *conf_keep(const char *at, size_t size);
char *conf_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Follows env:NAME and file:PATH of the file's value. NULL: the error says why.
const char *conf_follow(const struct reading *reading, const char *path, const char *value,
                        unsigned line);

// Whether an entry "providers.…" is one of a provider's extract; and takes it.
bool conf_is_extract(const char *path);
enum err conf_extract_entry(struct conf *conf, const struct reading *reading, const char *path,
                            const char *value, unsigned line);
// Takes an entry "contexts.NAME.SETTING" of the file.
enum err conf_context_entry(struct reading *reading, const char *path, const char *value,
                            unsigned line);
// Puts the values of the context of that name, which the origin names, over what was found.
enum err conf_context_apply(struct reading *reading, const char *name, const char *origin);

// Fills what is made from other settings, and checks the endpoints.
enum err conf_complete(struct conf *conf, const struct reading *reading);

#endif
