// Puts the catalogue into the ledger while no accountant runs, and says what that changes: the
// tables ai_platform, model and price. A start does the same by itself.
#ifndef ACCOUNTANT_CONFIGURE_H
#define ACCOUNTANT_CONFIGURE_H

#include "common/conf.h"

// Prints JSON (schemas/cli/provider.configure.1.json, but for its schema) and returns a sysexits
// code. With conf->dry_run nothing is changed, and no ledger made. What is right is not written.
int configure_run(const struct conf *conf, const char *path);

#endif
