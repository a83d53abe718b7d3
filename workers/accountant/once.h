// What the program does instead of accounting when it is asked to: migrate the ledger, or say how
// it stands, while no accountant has it open. Both print JSON and return a sysexits code.
#ifndef ACCOUNTANT_ONCE_H
#define ACCOUNTANT_ONCE_H

#include "common/err.h"

#include <stdbool.h>

// Applies the migrations that are missing; is_dry: tries them, says which, and changes nothing.
int once_migrate(const char *path, bool is_dry);
int once_status(const char *path);
// Says on stderr why the ledger there cannot be opened; the exit code. Looks at the file: one that
// is no ledger, or that one may not open, is named as that.
int once_failed(const char *path, enum err e);

#endif
