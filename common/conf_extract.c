// The paths of one's own in the settings: providers.NAME.extract.KIND.
#include "common/conf_reading.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char section[] = ".extract.";

bool conf_is_extract(const char *path) {
    return strstr(path, section) != NULL;
}

enum err conf_extract_entry(struct conf *conf, const struct reading *reading, const char *path,
                            const char *value, unsigned line) {
    const char *name = path + strlen("providers.");
    const char *within = strstr(name, section);
    char why[512];
    if (!within)
        return conf_refuse(reading->error, EX_CONFIG, "%s:%u: %s: no provider is named",
                           reading->path, line, path);
    if (conf->extract_count == EXTRACT_RULES_MAX)
        return conf_refuse(reading->error, EX_CONFIG,
                           "%s:%u: %s: more than %d identifiers of one's own; remove some",
                           reading->path, line, path, EXTRACT_RULES_MAX);
    struct extract_rule *rule = &conf->extracts[conf->extract_count];
    const char *kind = within + strlen(section);
    *rule = (struct extract_rule){.provider = conf_keep(name, (size_t)(within - name)),
                                  .kind = conf_keep(kind, strlen(kind)),
                                  .where = conf_keep(value, strlen(value)),
                                  .origin = conf_text("%s:%u", reading->path, line)};
    if (!extract_rule_check(rule, why, sizeof(why)))
        return conf_refuse(reading->error, EX_CONFIG, "%s:%u: %s: %s", reading->path, line, path,
                           why);
    conf->extract_count++;
    return ERR_OK;
}
