// The help on the terminal: 80 columns, from the table.
#include "tools/help.h"

#include "common/conf.h"
#include "common/limits.h"
#include "tools/commands.h"
#include "tools/render.h"
#include "tools/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { HELP_BYTES_MAX = 1 << 20, TERM_COLUMNS = 26 };

// ---- paragraphs ---------------------------------------------------------------------------------

// Writes text in lines of at most 80 columns; the first goes on at column at, the others begin at
// column indent.
static void write_wrapped(const char *text, size_t at, size_t indent) {
    const char *word;
    size_t size;
    bool is_first = true;
    while (word_next(&text, &word, &size)) {
        char copy[256];
        (void)snprintf(copy, sizeof(copy), "%.*s", (int)size, word);
        size_t columns = text_columns(copy);
        if (!is_first && at + 1 + columns > LINE_COLUMNS) {
            out_printf("\n%*s", (int)indent, "");
            at = indent;
            is_first = true;
        }
        out_printf("%s%s", is_first ? "" : " ", copy);
        at += columns + !is_first;
        is_first = false;
    }
    out_text("\n");
}

// "  term          what it says", the second column at TERM_COLUMNS.
static void write_term(size_t indent, const char *term, const char *says) {
    size_t used = indent + text_columns(term);
    out_printf("%*s", (int)indent, "");
    out_toned(TONE_title, term);
    if (used + 2 > TERM_COLUMNS) {
        out_printf("\n");
        used = 0;
    }
    out_printf("%*s", (int)(TERM_COLUMNS - used), "");
    write_wrapped(says, TERM_COLUMNS, TERM_COLUMNS);
}

static void write_title(const char *title) {
    out_text("\n");
    out_toned(TONE_title, title);
    out_text("\n");
}

// ---- parts --------------------------------------------------------------------------------------

static void write_option(const struct option *option) {
    char term[128], says[512];
    const char *list = option->choices, *word;
    size_t size, used;
    (void)snprintf(term, sizeof(term), "--%s%s%s", option->name, option->argument ? " " : "",
                   option->argument ? option->argument : "");
    used = (size_t)snprintf(says, sizeof(says), "%s%s", option->help, list ? ":" : "");
    while (word_next(&list, &word, &size) && used < sizeof(says))
        used += (size_t)snprintf(says + used, sizeof(says) - used, " %.*s%s", (int)size, word,
                                 *list ? "," : "");
    write_term(2, term, says);
}

static bool about_setting(const char *name, size_t size, struct conf_about *about) {
    for (size_t i = 0; conf_about("client", i, about); i++)
        if (strlen(about->flag) == size && memcmp(about->flag, name, size) == 0)
            return true;
    return false;
}

static void write_setting(const struct conf_about *about) {
    char term[128], says[512];
    (void)snprintf(term, sizeof(term), "--%s%s", about->flag, about->has_value ? " VALUE" : "");
    bool has_initial = about->initial && about->has_value;
    (void)snprintf(says, sizeof(says), "%s%s%s%s", about->help, has_initial ? " [" : "",
                   has_initial ? about->initial : "", has_initial ? "]" : "");
    write_term(2, term, says);
}

static void write_settings(const char *list) {
    const char *name;
    size_t size;
    struct conf_about about;
    if (!*list)
        return;
    write_title("Settings that matter to it");
    while (word_next(&list, &name, &size))
        if (about_setting(name, size, &about))
            write_setting(&about);
}

static void write_operands(const struct command *command) {
    bool is_first = true;
    for (size_t i = 0; operand_at(i); i++) {
        char words[64];
        size_t used = 0;
        // Without the brackets of what may be left out.
        for (const char *c = command->operands; *c && used + 1 < sizeof(words); c++)
            if (*c != '[' && *c != ']')
                words[used++] = *c;
        words[used] = 0;
        if (!word_is_in(words, operand_at(i)->name))
            continue;
        if (is_first)
            write_title("Operands");
        is_first = false;
        write_term(2, operand_at(i)->name, operand_at(i)->help);
    }
}

static void write_exits(const struct command *command) {
    char code[16];
    write_title("Exit codes");
    for (const struct exit_meaning *exit = exit_meanings; exit->says; exit++) {
        (void)snprintf(code, sizeof(code), "%d", exit->code);
        bool is_common = exit->code == 0 || exit->code == EX_USAGE || exit->code == EX_CONFIG;
        if (exit->code == EXIT_SOME_FAILED && command->one)
            write_term(2, code, command->one);
        else if (exit->code != EXIT_SOME_FAILED && (is_common || word_is_in(command->codes, code)))
            write_term(2, code, exit->says);
    }
}

static void write_schemas(const struct command *command) {
    const char *list = command->schemas, *name;
    size_t size;
    if (!*list)
        return;
    write_title("What --json says");
    while (word_next(&list, &name, &size)) {
        char line[128];
        (void)snprintf(line, sizeof(line), "schemas/cli/%.*s.json", (int)size, name);
        char *slash = strrchr(line, '/');
        *slash = '.';
        out_printf("  %s\n", line);
    }
}

void help_usage(struct buf *text, const struct command *command) {
    buf_printf(text, "colloq %s%s%s%s%s", command->noun, command->verb ? " " : "",
               command->verb ? command->verb : "", *command->operands ? " " : "",
               command->operands);
    for (const struct option *o = command->options; o->name; o++)
        buf_printf(text, " [--%s%s%s]%s", o->name, o->argument ? "\u00a0" : "",
                   o->argument ? o->argument : "", o->may_repeat ? "…" : "");
}

static void write_usage(const struct command *command) {
    struct buf text;
    buf_init(&text, HELP_BYTES_MAX);
    help_usage(&text, command);
    out_text("Usage: ");
    // The no-break space holds an option and its value together.
    char *line = (char *)buf_cstr(&text);
    write_wrapped(line, 7, 11);
    buf_release(&text);
}

static void write_examples(const struct command *command) {
    write_title("Examples");
    for (int i = 0; i < EXAMPLES_MAX && command->examples[i].line; i++) {
        out_printf("  %s\n", command->examples[i].line);
        out_text("      ");
        write_wrapped(command->examples[i].says, 6, 6);
    }
}

// ---- pages --------------------------------------------------------------------------------------

static void write_command(const struct command *command) {
    write_usage(command);
    out_text("\n");
    write_wrapped(command->description, 0, 0);
    write_operands(command);
    if (command->options->name)
        write_title("Options");
    for (const struct option *o = command->options; o->name; o++)
        write_option(o);
    write_settings(command->settings);
    write_schemas(command);
    write_exits(command);
    write_examples(command);
    out_text("\ncolloq --help lists the options of every command.\n");
}

static void write_line(const struct command *command) {
    char term[128];
    (void)snprintf(term, sizeof(term), "%s%s%s%s%s", command->noun, command->verb ? " " : "",
                   command->verb ? command->verb : "", *command->operands ? " " : "",
                   command->operands);
    write_term(2, term, command->summary);
}

static void write_lines(const char *noun) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        if (!noun || strcmp(command->noun, noun) == 0)
            write_line(command);
}

static void write_noun(const struct noun *noun) {
    out_printf("Usage: colloq %s VERB [operands] [options]\n\n", noun->name);
    out_printf("%s: ", noun->name);
    write_wrapped(noun->summary, strlen(noun->name) + 2, 0);
    write_title("Commands");
    write_lines(noun->name);
    out_printf("\ncolloq %s VERB --help says all about one of them.\n", noun->name);
}

static void write_all(void) {
    struct conf_about about;
    char code[16];
    out_text("Usage: colloq NOUN [VERB] [operands] [options]\n\n");
    write_wrapped("Runs large batches of LLM conversation jobs, keeps every identifier that the "
                  "provider returns, and keeps a ledger in which every call is named and priced.",
                  0, 0);
    write_title("Commands");
    write_lines(NULL);
    out_text("\ncolloq NOUN VERB --help says all about one of them.\n");
    write_title("Options of every command");
    write_term(2, "--json",
               "the answer for programs, where there is one; its first member names its schema, "
               "which stands in schemas/cli");
    for (const struct option *o = common_options; o->name; o++)
        write_option(o);
    write_term(2, "--config FILE",
               "settings come from a flag, else a variable, else this file (COLLOQ_CONFIG, "
               "~/.config/colloq/colloq.yaml, /etc/colloq/colloq.yaml)");
    for (size_t i = 0; conf_about("client", i, &about); i++)
        if (word_is_in(ASKED_SETTINGS, about.flag))
            write_setting(&about);
    write_term(2, "and the others",
               "every setting of colloq dev's programs may be given as a "
               "flag; colloq-broker --help and the other programs' list them");
    write_title("Exit codes");
    for (const struct exit_meaning *exit = exit_meanings; exit->says; exit++) {
        (void)snprintf(code, sizeof(code), "%d", exit->code);
        write_term(2, code, exit->says);
    }
    out_text("\nResults and answers go to stdout, all else to stderr.\n");
}

void help_about(const struct noun *noun, const struct command *command) {
    if (command)
        write_command(command);
    else if (noun)
        write_noun(noun);
    else
        write_all();
}

int help_show(struct call *call) {
    struct buf text;
    const char *shell = call_text(call, "completion");
    if (shell || call_has(call, "man")) {
        if (call->operand_count > 0 || (shell && call_has(call, "man")))
            fail(EX_USAGE, "help: --man and --completion write a whole file each: give one of "
                           "them, and no operand");
        buf_init(&text, HELP_BYTES_MAX);
        if (shell)
            help_complete(&text, shell);
        else
            help_man(&text);
        out_bytes(buf_bytes(&text));
        buf_release(&text);
        return 0;
    }
    const char *name = call->operand_count > 0 ? call->operands[0] : NULL;
    const char *verb = call->operand_count > 1 ? call->operands[1] : NULL;
    const struct noun *noun = name ? noun_named(name) : NULL;
    const struct command *command = noun ? command_named(name, verb) : NULL;
    if (name && !noun)
        words_refuse_noun(name);
    if (verb && (!command || !command->verb))
        words_refuse_verb(name, verb);
    help_about(noun, command);
    return 0;
}
