// Catches what a test writes to stdout or stderr.
#ifndef TESTS_CAUGHT_H
#define TESTS_CAUGHT_H

// From here on what is written to that descriptor is kept.
void catch_fd(int which);
void catch_output(void);
// What was written since, as far as it fits; the descriptor is itself again. Static storage.
const char *caught(void);

#endif
