// What people read on stderr while something runs: on a terminal one line that is written over,
// elsewhere a plain line every few seconds and whenever something worth telling changes; and,
// between them, lines that stay.
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_PLAIN_MS = 5000, PROGRESS_TEXT_SIZE = 512 };

struct progress {
    bool is_terminal;
    bool is_json;  // every line is a JSON object
    bool is_quiet; // says nothing
    bool has_line; // the terminal's last line is ours
    uint64_t said_ms;
    char said[PROGRESS_TEXT_SIZE];
    char state[PROGRESS_TEXT_SIZE];
    char told[PROGRESS_TEXT_SIZE]; // the long wait that was said last
};

void progress_open(struct progress *progress, bool is_json, bool is_quiet);
// Shows how things stand. state: what, when it changes, is said at once where there is no
// terminal (what is waited for).
void progress_show(struct progress *progress, const char *text, const char *state, uint64_t now_ms);
// A line that stays; with is_json it is {"schema": "colloq/event/1", "event": event,
// "text": …}.
void progress_note(struct progress *progress, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// With is_json: a line {"event": event, "text": text, name: document}.
void progress_document(struct progress *progress, const char *event, const char *text,
                       const char *name, const json_t *document);
// Likewise with the members of an object.
void progress_event(struct progress *progress, const char *event, const char *text,
                    const json_t *members);

// What a line that is written over holds, in the order in which people read it.
struct progress_parts {
    const char *task;   // "submitting 40%"; each may be empty
    const char *counts; // "120 of 20,000 lines"
    const char *rate;
    const char *rest; // how long it will take
    const char *cost;
    const char *wait; // what is waited for
};
// Joins them so that they fit: what is waited for goes last on the line and is given up last.
// columns 0: any number.
void progress_join(const struct progress_parts *parts, size_t columns, char *text, size_t size);
// What is waited for, where it would take most of the line that is written over: then it is said
// once, on lines of its own, and the text becomes a few words.
void progress_long_wait(struct progress *progress, char *wait, size_t size);
// Columns that a line may have; 0: any number.
size_t progress_columns(const struct progress *progress);
// Clears the line that is written over.
void progress_close(struct progress *progress);

#endif
