// Starts programs, starts again what dies, and stops them in order. A program that ends with a
// code that no restart can mend (usage, configuration, data) ends the whole.
#ifndef TOOLS_SUPERVISOR_H
#define TOOLS_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    PROGRAMS_MAX = 8,
    PROGRAM_ARGUMENTS_MAX = 40,
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 5000,
    BACKOFF_RESET_MS = 30 * 1000, // having lived this long, a program's next restart is quick again
};

struct program {
    const char *name; // colloq-broker
    char *arguments[PROGRAM_ARGUMENTS_MAX + 1];
    char **environment;
    char *log; // path; NULL: its stderr is ours
    pid_t pid; // 0: not running
    uint64_t started_ms;
    uint64_t restart_ms; // when it is to be started again
    uint64_t backoff_ms;
    unsigned restarts;
};

struct supervisor {
    struct program programs[PROGRAMS_MAX];
    int count;
    int exit; // of the program whose end ends the whole; 0: none
};

// Adds a program, to be started by the next step. arguments[0] is its path.
struct program *supervisor_add(struct supervisor *supervisor, const char *name, char *path);
void program_argument(struct program *program, const char *argument);
// Starts what is due, and looks after what ended. Says on stderr what happened.
void supervisor_step(struct supervisor *supervisor, uint64_t now_ms);
// Asks a program to end.
void program_stop(struct program *program);
// Kills what is left and waits for it.
void supervisor_kill(struct supervisor *supervisor);
// Looks whether a program has ended; true: it is not running. It is not started again.
bool program_is_over(struct program *program);

#endif
