// One run of the client: the command that was asked for, its operands and options, its
// settings, and the connection to ingress. What goes wrong ends the process with one line on
// stderr and a sysexits code.
#ifndef TOOLS_CALL_H
#define TOOLS_CALL_H

#include "common/conf.h"
#include "tools/client.h"
#include "tools/table.h"

enum { VALUES_MAX = 64 };

struct call {
    const struct command *command;
    struct conf *conf;
    const char *const *operands; // static storage
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
// taken.
json_t *call_ask(struct call *call, const char *what, json_t *new_arguments);

// Asks and, with --json, prints the answer as it came, but for its schema, which stands first, and
// returns NULL; else returns it.
json_t *call_show(struct call *call, const char *what, json_t *new_arguments);
// Prints an answer of our own as JSON, likewise.
void call_show_json(const struct call *call, const json_t *answer);
// The name of the i-th schema of the command: "batch.list/1". Static storage.
const char *call_schema(const struct call *call, int i);
// Says on stderr that a list is empty, and with which command to begin.
void call_say_empty(const struct call *call, const char *what, const char *command);

// The settings of this call as they must be repeated on a further command line: "" or
// " --simulate --data /x". Static storage.
const char *call_settings(const struct call *call);
// The same command for another operand and with a key of its own, with its options and settings, as
// a shell reads it; NULL: those that it has. Static storage.
const char *call_command(const struct call *call, const char *operand, const char *key);
// Says how to see what follows: the same command, its options and settings, --after cursor.
// Nothing without a cursor.
void call_say_more(const struct call *call, const char *cursor);

// There is no memory for what is being read or written.
_Noreturn void fail_memory(void);
// One line "colloq: …" on stderr, which says what is wrong, where, and what to do; then the end.
_Noreturn void fail(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
