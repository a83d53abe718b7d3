// From the words of a command line to a call: settings, noun, verb, operands and options, as the
// table has them. What does not fit ends the process with EX_USAGE and one line that says what
// was probably meant, and how to see what there is.
#ifndef TOOLS_WORDS_H
#define TOOLS_WORDS_H

#include "tools/call.h"

enum { WORDS_MAX = 1 << 16 };

// Reads a whole command line. conf and argv must outlive the call. Sets up neither signals nor a
// connection.
void words_read(struct call *call, struct conf *conf, int argc, char **argv);
// Whether a word stands among the options, those behind "--" left out.
bool words_have(int argc, char **argv, const char *word);
// What noun and verb are meant where only help is wanted, whatever else stands there; each may be
// NULL. Ends the process if the first word is no noun.
void words_name(int argc, char **argv, const struct noun **noun, const struct command **command);
// Ends the process: there is no such noun, or verb of a noun.
_Noreturn void words_refuse_noun(const char *word);
_Noreturn void words_refuse_verb(const char *noun, const char *word);

#endif
