// What the client can do: every noun, command, option and closed list of values, each once. The
// dispatcher reads this table, and so do the help, the man page, the completion scripts and the
// tests, so that none of them can say anything else.
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include "tools/word_list.h"

#include <stdbool.h>
#include <stddef.h>

enum { EXAMPLES_MAX = 3, EXIT_SOME_FAILED = 1, EXIT_STOPPED = 130, EXIT_NO_READER = 141 };

enum option_type { OPTION_flag, OPTION_text, OPTION_count };

struct option {
    const char *name; // without "--"; NULL ends a list
    enum option_type type;
    const char *argument; // how the value is called in the help; NULL for flags
    const char *help;
    bool may_repeat;
    const char *choices; // the values that there are, blanks between them; NULL: any
};

struct call;

struct command {
    const char *noun;
    const char *verb;     // NULL: the noun stands alone
    const char *operands; // how they are called in the help: "BATCH", "[FILE]", ""
    int operands_min;
    int operands_max;
    const char *summary;     // a few words, for lists of commands
    const char *description; // a sentence or two
    const struct option *options;
    const struct option *own; // options by which colloq itself calls it; NULL: none
    const char *settings;     // flags of the settings that matter to it, blanks between them
    const char *one;          // what exit code 1 says; NULL: it never ends so
    const char *codes;        // further exit codes of it, blanks between them
    const char *schemas; // of what it says with --json, the answer's first; "": it has no --json
    struct example {
        const char *line; // can be copied; NULL ends the list
        const char *says;
    } examples[EXAMPLES_MAX];
    int (*run)(struct call *call); // returns the exit code
};

struct noun {
    const char *name;
    const char *summary;
};

// The i-th of the nouns, in the order of the help; NULL behind the last.
const struct noun *noun_at(size_t i);
// The i-th of the commands, those of a noun behind each other; NULL behind the last.
const struct command *command_at(size_t i);
// The noun of that name; NULL: there is none.
const struct noun *noun_named(const char *name);
// The command of a noun; verb NULL or one that the noun does not have: the command that the noun
// is alone. NULL: there is none.
const struct command *command_named(const char *noun, const char *verb);

// Flags of the settings that matter to whoever asks a running colloq.
#define ASKED_SETTINGS "data simulate endpoint context insecure"

// Options of every command that are no settings: --help, --version, --no-color.
extern const struct option common_options[];

struct exit_meaning {
    int code;
    const char *says;
};
// Every exit code there is, ended by one that says nothing (NULL).
extern const struct exit_meaning exit_meanings[];

struct operand {
    const char *name; // as it stands in struct command, without brackets
    const char *help;
};
// The i-th of the operands; NULL behind the last.
const struct operand *operand_at(size_t i);

// Parts of the table: each ends with one whose noun is NULL.
extern const struct command batch_commands[];
extern const struct command history_commands[];
extern const struct command live_commands[];
extern const struct command provider_commands[];

#endif
