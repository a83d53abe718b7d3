// The help, the man page and the completion scripts, all written from the table and from the
// settings of common/conf.c.
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

#include "common/buf.h"
#include "tools/table.h"

// Writes help to stdout: of one command; of a noun, if command is NULL or the noun has verbs and
// none was named; of everything, if both are NULL.
void help_about(const struct noun *noun, const struct command *command);
// Puts the man page into text, as roff with the macros of man(7).
void help_man(struct buf *text);
// Puts the completion script of a shell into text: bash, zsh or fish.
void help_complete(struct buf *text, const char *shell);
// "colloq batch run FILE [--tag NAME=VALUE]…", as far as the options go: those of the command.
void help_usage(struct buf *text, const struct command *command);

#endif
