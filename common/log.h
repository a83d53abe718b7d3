// Log lines on stderr, as logfmt or as JSON: one a transition that an operator could act on.
// Never a body, a key or a prompt. A warning or error that repeats is written once in 30 s,
// with the number of those left out.
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

// Whom the lines come from ("broker"), which levels are written, and in which form.
void log_setup(const char *program, enum log_level least, bool is_json);
// An event "noun.verb" with fields in logfmt: key=value, a value with blanks in double quotes.
void log_line(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// One line at LOG_ERROR, then the process ends with that sysexits code, without clean-up.
_Noreturn void fatal(int code, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
