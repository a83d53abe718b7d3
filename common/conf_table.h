// The table of all settings, for the files that read them, and print them.
#ifndef COMMON_CONF_TABLE_H
#define COMMON_CONF_TABLE_H

#include "common/conf.h"
#include "common/conf_value.h"

// Programs that have a setting.
enum { BROKER = 1, INGRESS = 2, WORKER = 4, EXTRACTOR = 8, ACCOUNTANT = 16, CLIENT = 32, ALL = 63 };

struct setting {
    enum conf_type type;
    size_t offset; // in struct conf
    const char *flag;
    const char *variable; // NULL: a flag only
    const char *place;    // in the file; NULL: a flag only
    const char *initial;  // NULL: none, or made from other settings
    int64_t min, max;
    unsigned programs;
    const char *help;
};

extern const struct setting settings[]; // the first is data
extern const size_t setting_count;

// The bit of a program's name; that of an unknown one is ALL.
unsigned setting_program(const char *name);
// The setting of a member of struct conf, by its offset; there must be one.
size_t setting_at(size_t offset);
// The setting at a place of the file; setting_count: there is none.
size_t setting_placed(const char *place);
// The setting whose flag this argument is, NULL: none; *value is what follows "=", or NULL.
const struct setting *setting_flag(const char *argument, const char **value);

#endif
