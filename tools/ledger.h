// The accountant's program, asked by the client while nobody runs.
#ifndef TOOLS_LEDGER_H
#define TOOLS_LEDGER_H

#include "tools/call.h"

// Runs colloq-accountant with those options (second may be NULL). With --json what it says is
// printed and NULL returned, else it is returned and the caller's. Ends the process, as that
// program ended, where it fails.
json_t *ledger_show_program(struct call *call, char *option, char *second);

#endif
