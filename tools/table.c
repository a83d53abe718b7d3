#include "tools/table.h"

#include "tools/table_options.h"

#include <string.h>

static const struct noun nouns[] = {
    {"dev", "start all processes here and look after them"},
    {"doctor", "what is in force here, and what is wrong with it"},
    {"batch", "files of lines that go in, and the results that come out"},
    {"conversation", "turns that belong together: messages, identifiers, cost"},
    {"cost", "what was spent"},
    {"find", "the call, message and batch behind any identifier"},
    {"job", "a line's job and its attempts"},
    {"dead", "jobs without an answer, dead or parked"},
    {"lane", "what runs side by side: provider, key and model"},
    {"stat", "processes, lanes and what waits"},
    {"check", "what the ledger could not take in, and whether it adds up"},
    {"provider", "what the catalogue knows of providers and their APIs"},
    {"extract", "what is found in recorded answers: identifiers, usage, cost"},
    {"jsonpath", "try a path, as catalogues and settings have them, on a document"},
    {"ledger", "the file of all calls and what they cost"},
    {"help", "this help, the man page and the completion scripts"},
};

const struct option common_options[] = {
    FLAG("help", "what a command does, and how; also: colloq help NOUN VERB"),
    FLAG("version", "which version this is"),
    FLAG("no-color", "no colour (also NO_COLOR, TERM=dumb, or where stdout is no terminal)"),
    LAST,
};

const struct exit_meaning exit_meanings[] = {
    {0, "all is done"},
    {1, "some lines failed, or nothing was found or left to do, or check found something"},
    {64, "the command was not understood"},
    {65, "the data is not as it has to be, or one name means several things"},
    {66, "there is no such file, batch, job, conversation or lane"},
    {69, "nobody answers, or it is not on its way any more"},
    {70, "a mistake of colloq itself"},
    {71, "the operating system refused something"},
    {73, "a file or folder cannot be made"},
    {74, "a file cannot be read or written"},
    {75, "not now; the same command may succeed later"},
    {76, "what the other side says cannot be read"},
    {77, "a file may not be opened by this user"},
    {78, "a setting is wrong"},
    {EXIT_STOPPED, "stopped by Ctrl-C"},
    {EXIT_NO_READER, "the reader of stdout is gone"},
    {0, NULL},
};

static const struct operand operands[] = {
    {"FILE", "a file of lines, a JSON object each; - is stdin"},
    {"DOCUMENT", "a file with one JSON document; - or none is stdin"},
    {"FILE...", "recorded exchanges with a provider, a JSON file each; - is stdin"},
    {"BATCH", "a batch: its id, 8 characters or more of its beginning, its name or its key"},
    {"CONVERSATION", "a conversation: its id or its name"},
    {"ID", "any identifier: of an answer, or a name or id of colloq's own"},
    {"FOLDER", "a folder of documents (docs)"},
    {"PROVIDER", "a provider of the catalogue, or one API of it: openai, openai.chat"},
    {"JOB", "a job: its id; job show takes a custom_id, too"},
    {"LANE", "a lane: its whole name, the beginning of it, provider/model, or the model"},
    {"EXPR", "a path: JSONPath as RFC 9535 has it, in quotes for the shell's sake"},
    {"NOUN", "one of the first words that colloq --help lists"},
    {"VERB", "the word behind it"},
};
enum { OPERANDS = sizeof(operands) / sizeof(operands[0]) };

const struct noun *noun_at(size_t i) {
    return i < sizeof(nouns) / sizeof(nouns[0]) ? &nouns[i] : NULL;
}

const struct operand *operand_at(size_t i) {
    return i < OPERANDS ? &operands[i] : NULL;
}

const struct noun *noun_named(const char *name) {
    for (size_t i = 0; noun_at(i); i++)
        if (strcmp(noun_at(i)->name, name) == 0)
            return noun_at(i);
    return NULL;
}

// The i-th command of a noun; NULL behind its last.
static const struct command *command_of(const char *noun, size_t i) {
    const struct command *const parts[] = {batch_commands, history_commands, live_commands,
                                           provider_commands};
    for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++)
        for (const struct command *command = parts[part]; command->noun; command++)
            if (strcmp(command->noun, noun) == 0 && i-- == 0)
                return command;
    return NULL;
}

const struct command *command_at(size_t i) {
    for (size_t noun = 0; noun_at(noun); noun++)
        for (size_t k = 0; command_of(noun_at(noun)->name, k); k++)
            if (i-- == 0)
                return command_of(noun_at(noun)->name, k);
    return NULL;
}

const struct command *command_named(const char *noun, const char *verb) {
    const struct command *command;
    const struct command *alone = NULL;
    for (size_t i = 0; (command = command_of(noun, i)) != NULL; i++) {
        if (!command->verb)
            alone = command;
        else if (verb && strcmp(command->verb, verb) == 0)
            return command;
    }
    return alone;
}
