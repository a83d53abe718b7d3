// What every process of the system does first: no core dumps, no SIGPIPE, files for the owner
// only, and the stop signals turned into a file descriptor that a loop can wait for.
#ifndef COMMON_PROCESS_H
#define COMMON_PROCESS_H

#include <stdbool.h>

// Call before any thread or ZeroMQ context exists. Returns a descriptor that becomes readable
// when SIGINT or SIGTERM arrives. Ends the process if the system refuses.
int process_setup(void);
// Whether a stop signal waits at the descriptor; reads it.
bool process_is_stopped(int stop_fd);
// Whether a stop signal was ever read.
bool process_was_stopped(void);

#endif
