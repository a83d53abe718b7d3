// The man page, colloq(1), from the table.
#include "common/conf.h"
#include "tools/help.h"
#include "tools/provider.h"

#include <stdio.h>
#include <string.h>

// Puts a text as roff reads it: what would be a request, an escape or a hyphen is none.
static void put(struct buf *out, const char *text) {
    for (size_t i = 0; text[i]; i++) {
        uint8_t byte = (uint8_t)text[i];
        bool is_first = i == 0 || text[i - 1] == '\n';
        if (is_first && (byte == '.' || byte == '\''))
            buf_text(out, "\\&");
        if (byte == '\\')
            buf_text(out, "\\e");
        else if (byte == '-')
            buf_text(out, "\\-");
        else if (byte == '~')
            buf_text(out, "\\(ti");
        else if (byte == '^')
            buf_text(out, "\\(ha");
        else if (byte == '\'')
            buf_text(out, "\\(aq");
        else if (byte == 0xc2 && (uint8_t)text[i + 1] == 0xa0)
            buf_text(out, "\\ "), i++;
        else if (byte == 0xe2 && (uint8_t)text[i + 1] == 0x80 && (uint8_t)text[i + 2] == 0xa6)
            buf_text(out, "\\&..."), i += 2;
        else
            buf_byte(out, byte);
    }
}

// Puts a paragraph, in lines as the sources of man pages have them, and its end.
static void put_paragraph(struct buf *out, const char *text) {
    enum { SOURCE_COLUMNS = 76 };
    const char *word;
    size_t size, used = 0;
    while (word_next(&text, &word, &size)) {
        char copy[256];
        (void)snprintf(copy, sizeof(copy), "%.*s", (int)size, word);
        if (used > 0 && used + size >= SOURCE_COLUMNS) {
            buf_byte(out, '\n');
            used = 0;
        }
        buf_text(out, used > 0 ? " " : "");
        put(out, copy);
        used += size + 1;
    }
    buf_byte(out, '\n');
}

static void put_line(struct buf *out, const char *macro, const char *text) {
    buf_text(out, macro);
    put(out, text);
    buf_byte(out, '\n');
}

static void put_option(struct buf *out, const struct option *option) {
    const char *list = option->choices, *word;
    size_t size;
    buf_text(out, ".TP\n.B \\-\\-");
    put(out, option->name);
    if (option->argument) {
        buf_text(out, " \\fI");
        put(out, option->argument);
        buf_text(out, "\\fR");
    }
    buf_byte(out, '\n');
    put_paragraph(out, option->help);
    if (list)
        buf_text(out, "\\(em one of\n");
    while (word_next(&list, &word, &size))
        buf_printf(out, ".BR %.*s%s\n", (int)size, word, *list ? " ," : " .");
}

static void put_command(struct buf *out, const struct command *command) {
    struct buf usage;
    const char *list = command->schemas, *word;
    size_t size;
    buf_init(&usage, 1 << 16);
    help_usage(&usage, command);
    buf_text(out, ".SS \"");
    put(out, command->noun);
    if (command->verb) {
        buf_byte(out, ' ');
        put(out, command->verb);
    }
    buf_text(out, "\"\n");
    put_line(out, ".B ", buf_cstr(&usage));
    buf_text(out, ".PP\n");
    put_paragraph(out, command->description);
    for (const struct option *o = command->options; o->name; o++)
        put_option(out, o);
    if (command->one) {
        buf_text(out, ".PP\nIt ends with 1:\n");
        put_paragraph(out, command->one);
    }
    if (*list)
        buf_text(out, ".PP\nSchemas of what it says with\n.BR \\-\\-json :\n");
    while (word_next(&list, &word, &size)) {
        char name[64];
        (void)snprintf(name, sizeof(name), "colloq/%.*s%s", (int)size, word, *list ? "," : ".");
        put_line(out, "", name);
    }
    buf_release(&usage);
}

static void put_commands(struct buf *out) {
    const struct command *command;
    buf_text(out, ".SH COMMANDS\n");
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        put_command(out, command);
    buf_text(out, ".SS Operands\n");
    for (size_t i = 0; operand_at(i); i++) {
        put_line(out, ".TP\n.I ", operand_at(i)->name);
        put_paragraph(out, operand_at(i)->help);
    }
}

static void put_options(struct buf *out) {
    struct conf_about about;
    buf_text(out, ".SH OPTIONS\nThose of every command. A setting may be given as a flag, as a "
                  "variable, or in\n.IR colloq.yaml ,\nin this order.\n");
    for (const struct option *o = common_options; o->name; o++)
        put_option(out, o);
    buf_text(out, ".TP\n.B \\-\\-json\nThe answer for programs, where there is one; its first "
                  "member names its schema.\n.TP\n.B \\-\\-config \\fIFILE\\fR\nThe file of the "
                  "settings.\n");
    for (size_t i = 0; conf_about("client", i, &about); i++) {
        if (!about.is_read)
            continue;
        put_line(out, ".TP\n.B \\-\\-", about.flag);
        put_paragraph(out, about.help);
        if (about.initial && about.has_value)
            put_line(out, "\\(em by default ", about.initial);
    }
}

static void put_exits(struct buf *out) {
    buf_text(out, ".SH EXIT STATUS\n");
    for (const struct exit_meaning *exit = exit_meanings; exit->says; exit++) {
        buf_printf(out, ".TP\n.B %d\n", exit->code);
        put_paragraph(out, exit->says);
    }
}

// The variables of each provider that is built in.
static void put_keys(struct buf *out) {
    struct catalogue *catalogue = provider_builtin();
    const char *last = "";
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        if (strcmp(api->provider, last) == 0 || !api->key_envs[0])
            continue;
        last = api->provider;
        buf_text(out, ".TP\n.B ");
        for (size_t k = 0; api->key_envs[k]; k++) {
            buf_text(out, k > 0 ? ", " : "");
            put(out, api->key_envs[k]);
        }
        buf_text(out, "\nThe key for models that are named \\fB");
        put(out, api->provider);
        buf_text(out, "/\\fImodel\\fR");
        if (api->base_url_env) {
            buf_text(out, "; another server that speaks the same:\n\\fB");
            put(out, api->base_url_env);
            buf_text(out, "\\fR");
        }
        buf_text(out, ".\n");
    }
    buf_text(out, ".IP\nKeys are read by the worker alone; with _FILE behind its name a variable "
                  "names the file that holds one.\n");
    catalogue_free(catalogue);
}

static void put_environment(struct buf *out) {
    struct conf_about about;
    buf_text(out, ".SH ENVIRONMENT\n");
    for (size_t i = 0; conf_about("client", i, &about); i++) {
        if (!about.variable || !about.is_read)
            continue;
        put_line(out, ".TP\n.B ", about.variable);
        buf_text(out, "The setting \\fB\\-\\-");
        put(out, about.flag);
        buf_text(out, "\\fR, in the file \\fB");
        put(out, about.place);
        buf_text(out, "\\fR.\n");
    }
    buf_text(out, ".TP\n.B COLLOQ_CONFIG\nThe file of the settings.\n");
    put_keys(out);
    buf_text(
        out,
        ".TP\n.BR NO_COLOR \", \" TERM\nNo colour where NO_COLOR is not empty or TERM is dumb.\n"
        ".TP\n.B TZ\nThe zone of the times that people are shown.\n");
}

static void put_files(struct buf *out) {
    static const struct {
        const char *path, *says;
    } files[] = {
        {"/var/lib/colloq", "the data folder of root: journal, ledger, sockets and the folder log"},
        {"~/.local/share/colloq",
         "that of everybody else; simulated money is in simulated/ inside"},
        {"~/.config/colloq/colloq.yaml", "the settings"},
        {"/etc/colloq/colloq.yaml", "the settings, where the former is not there"},
    };
    buf_text(out, ".SH FILES\n");
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        put_line(out, ".TP\n.I ", files[i].path);
        put_paragraph(out, files[i].says);
    }
}

static void put_examples(struct buf *out) {
    const struct command *command;
    buf_text(out, ".SH EXAMPLES\n");
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        for (int k = 0; k < EXAMPLES_MAX && command->examples[k].line; k++) {
            put_line(out, ".TP\n.B ", command->examples[k].line);
            put_paragraph(out, command->examples[k].says);
        }
}

void help_man(struct buf *out) {
    buf_text(out, ".\\\" Written by: colloq help --man\n.TH COLLOQ 1 \"\" \"colloq ");
    put(out, COLLOQ_VERSION);
    buf_text(out, "\" \"User Commands\"\n.SH NAME\ncolloq \\- run large batches of LLM "
                  "conversation jobs, and account for every call\n.SH SYNOPSIS\n.B colloq\n"
                  ".I NOUN\n.RI [ VERB ]\n.RI [ OPERANDS ]\n.RI [ OPTIONS ]\n");
    buf_text(out, ".SH DESCRIPTION\n");
    put_paragraph(out,
                  "colloq runs batches of LLM conversation jobs, keeps every identifier and all "
                  "metadata that the provider returns, and keeps a ledger in which every "
                  "provider call is named and priced. Five programs do the work; this one is "
                  "how people and programs speak to them.");
    buf_text(out, ".PP\n");
    put_paragraph(out, "Results and answers go to stdout, all else to stderr. What has no price is "
                       "called unpriced; calls that may have been billed and brought no answer are "
                       "called unknown, with the most they can have cost. Neither is ever counted "
                       "as nothing.");
    put_commands(out);
    put_options(out);
    put_exits(out);
    put_environment(out);
    put_files(out);
    put_examples(out);
    buf_text(out, ".SH SEE ALSO\nEach of\n.BR colloq\\-broker ,\n.BR colloq\\-worker ,\n"
                  ".BR colloq\\-extractor ,\n.BR colloq\\-accountant\nand\n.B colloq\\-ingress\n"
                  "lists its settings with\n.BR \\-\\-help .\n");
}
