// Before a file is submitted: whether its batch is there already, and whether another batch has the
// same first lines, so that nobody pays twice without being told.
#ifndef TOOLS_KNOWN_H
#define TOOLS_KNOWN_H

#include "tools/order.h"
#include "tools/progress.h"

// Says that the batch of the order's key is taken up again, which of the options it does not
// follow, and where its results are. If the key is new and another batch has the same first lines,
// names it, with its lines and cost, and goes on only after a yes or --again; without a terminal to
// ask at it ends the process with EX_TEMPFAIL. So it does when accountant or broker does not answer
// for a while, since then nobody knows.
void known_check(struct call *call, const struct order *order, const struct spool *spool,
                 struct progress *progress);

#endif
