// The process: answers each `extract` of the broker with one `extracted`, in the same turn. Holds
// nothing: whatever is lost with it is asked again.
#ifndef EXTRACTOR_EXTRACTOR_H
#define EXTRACTOR_EXTRACTOR_H

#include "common/conf.h"

// Runs until a stop signal waits at stop_fd, then answers what has arrived and ends. Returns the
// exit code.
int extractor_run(const struct conf *conf, int stop_fd);

#endif
