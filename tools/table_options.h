// How the parts of the table write options down.
#ifndef TOOLS_TABLE_OPTIONS_H
#define TOOLS_TABLE_OPTIONS_H

#include "tools/table.h"

#define FLAG(name, help) \
    { name, OPTION_flag, NULL, help, false, NULL }
#define TEXT(name, argument, help) \
    { name, OPTION_text, argument, help, false, NULL }
#define TEXTS(name, argument, help) \
    { name, OPTION_text, argument, help, true, NULL }
#define NUMBER(name, argument, help) \
    { name, OPTION_count, argument, help, false, NULL }
#define CHOICE(name, argument, choices, help) \
    { name, OPTION_text, argument, help, false, choices }
#define JSON        FLAG("json", "the answer as one JSON object")
#define JSON_EVENTS FLAG("json", "what is said on stderr as JSON lines")
#define LIMIT(most) NUMBER("limit", "N", "at most so many entries (" most ")")
#define AFTER       TEXT("after", "CURSOR", "what follows an earlier page; that one names its cursor")
#define OF_BATCH    TEXT("batch", "BATCH", "of this batch only")
#define DRY_RUN     FLAG("dry-run", "only say what would be done")
#define LAST \
    { NULL, OPTION_flag, NULL, NULL, false, NULL }

// Settings that matter to whoever asks a running colloq.
#define ASKS ASKED_SETTINGS

#endif
