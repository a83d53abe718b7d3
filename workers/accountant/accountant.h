// The accountant's main thread: works for the broker (prepares turns, applies records, answers
// for keys), hands out the catalogue, and looks after the ledger when nothing else is to be done.
#ifndef ACCOUNTANT_ACCOUNTANT_H
#define ACCOUNTANT_ACCOUNTANT_H

#include "common/conf.h"

// Works until stop_fd says stop: then finishes what is open, checkpoints and returns 0. Or, as
// the settings say, migrates the ledger or prints its status, and returns a sysexits code. Ends
// the process with a code and a reason where it cannot go on.
int accountant_run(const struct conf *conf, int stop_fd);

#endif
