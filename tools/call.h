// One run of the client: the command that was asked for, its operands and options, its
// settings, and the connection to ingress. What goes wrong ends the process with one line on
// stderr and a sysexits code.
#ifndef TOOLS_CALL_H
#define TOOLS_CALL_H

#include "common/conf.h"
#include "tools/client.h"

enum { OPERANDS_MAX = 4, OPTIONS_MAX = 20, VALUES_MAX = 64, EXIT_SOME_FAILED = 1 };

enum option_type { OPTION_flag, OPTION_text, OPTION_count };

struct option {
    const char *name; // without "--"; NULL ends a list
    enum option_type type;
    const char *argument; // how the value is called in the help; NULL for flags
    const char *help;     // NULL: it is not for people
    bool may_repeat;
};

struct call;

struct command {
    const char *noun;
    const char *verb;     // NULL: the noun stands alone
    const char *operands; // how they are called in the help: "BATCH", "[FILE]", ""
    int operands_min;
    int operands_max;
    const char *summary;
    const struct option *options;
    int (*run)(struct call *call); // returns the exit code
};

struct call {
    const struct command *command;
    struct conf *conf;
    const char *operands[OPERANDS_MAX];
    int operand_count;
    struct {
        const struct option *option;
        const char *value;
    } values[VALUES_MAX];
    int value_count;
    int stop_fd; // readable when the user wants to stop
    char **argv; // as the program got it
    int argc;
    struct client client;
    bool is_open;
};

// Reads operands and options; ends the process with EX_USAGE where they do not fit.
void call_read(struct call *call, int argc, char **argv);
bool call_has(const struct call *call, const char *option);
// The value of an option; NULL where it was not given.
const char *call_text(const struct call *call, const char *option);
uint64_t call_count(const struct call *call, const char *option, uint64_t otherwise);
// The i-th value of an option that may repeat; NULL behind the last.
const char *call_value(const struct call *call, const char *option, int i);
// The connection, opened at the first use. Where nobody has stated whom to ask and nobody listens
// here, colloq is started for the time of the command (local.h).
struct client *call_client(struct call *call);
// Puts a question and returns the answer's object, which is the caller's. new_arguments is
// taken. With --json the callers print the answer as it is, by call_answer_json.
json_t *call_ask(struct call *call, const char *what, json_t *new_arguments);

// Asks and, with --json, prints the answer as it came and returns NULL; else returns it.
json_t *call_show(struct call *call, const char *what, json_t *new_arguments);

// The settings of this call as they must be repeated on a further command line: "" or
// " --simulate --data /x". Static storage.
const char *call_settings(const struct call *call);
// The same command for another operand and with a key of its own, with its options and settings, as
// a shell reads it; NULL: those that it has. Static storage.
const char *call_command(const struct call *call, const char *operand, const char *key);
// Says how to see what follows: the same command, its options and settings, --after cursor.
// Nothing without a cursor.
void call_say_more(const struct call *call, const char *cursor);

// One line "colloq: …" on stderr, then the end.
_Noreturn void fail(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
