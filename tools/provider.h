// The catalogue, for people: as it is built in, or as a start here would compile it.
#ifndef TOOLS_PROVIDER_H
#define TOOLS_PROVIDER_H

#include "common/catalogue.h"
#include "tools/call.h"

// Ours, with the user's own folder and paths; the caller's (catalogue_free). Ends the process where
// a file of it is wrong, and says which.
struct catalogue *provider_catalogue(struct call *call);
// The same, but false, without a word, where a file of it is wrong.
bool provider_try_catalogue(const struct call *call, struct catalogue **catalogue);
// Ours alone; the caller's.
struct catalogue *provider_builtin(void);
// Ends the process: the catalogue has no such API; it names those that it has.
_Noreturn void provider_refuse(const struct catalogue *catalogue, const char *name);

#endif
