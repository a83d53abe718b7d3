#include "common/conf.h"

#include <stdio.h>
#include <string.h>

void conf_print_help(const char *program) {
    struct conf_about about;
    printf("Usage: colloq-%s [--flag value …]\n\n"
           "A setting comes from its flag, else its variable, else the file (--config, else\n"
           "COLLOQ_CONFIG, else ~/.config/colloq/colloq.yaml, else /etc/colloq/colloq.yaml),\n"
           "else it has its default. In the file a value may be env:NAME or file:PATH.\n\n",
           program);
    for (size_t i = 0; conf_about(program, i, &about); i++) {
        if (!about.is_read)
            continue;
        printf("  --%s%s\n      %s", about.flag, about.has_value ? " VALUE" : "", about.help);
        if (about.initial && about.has_value)
            printf(" [%s]", about.initial);
        if (about.variable)
            printf("\n      %s, in the file %s", about.variable, about.place);
        printf("\n");
    }
    printf("  --help, --version\n");
    if (strcmp(program, "worker") == 0)
        printf("\nOnly in the file, for each provider NAME:\n"
               "  providers.NAME.key, providers.NAME.base_url\n");
}
