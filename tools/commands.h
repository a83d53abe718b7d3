// The commands, one function each; the table (table.h) says how they are called.
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include "common/id.h"
#include "tools/call.h"

int batch_run(struct call *call);
int batch_submit(struct call *call);
int batch_watch(struct call *call);
int batch_list(struct call *call);
int batch_show(struct call *call);
int batch_results(struct call *call);
int batch_cancel(struct call *call);
int conversation_list(struct call *call);
int conversation_show(struct call *call);
int cost_report(struct call *call);
int find(struct call *call);
int job_show(struct call *call);
int job_cancel(struct call *call);
int dead_list(struct call *call);
int dead_show(struct call *call);
int dead_retry(struct call *call);
int dead_drop(struct call *call);
int check_show(struct call *call);
int lane_list(struct call *call);
int lane_pause(struct call *call);
int lane_resume(struct call *call);
int ledger_status(struct call *call);
int ledger_migrate(struct call *call);
int stat_show(struct call *call);
int dev(struct call *call);
int doctor(struct call *call);
int provider_list(struct call *call);
int provider_show(struct call *call);
int provider_configure(struct call *call);
int provider_gaps(struct call *call);
int provider_document(struct call *call);
int extract_files(struct call *call);
int jsonpath_print(struct call *call);
int help_show(struct call *call);

// The id of the batch of that name, which is an id, a part of one, a name or a key; and of the one
// that the first operand names. The broker knows batches by their ids only. Of several that are
// called so the newest is taken, and that is said; what is to be changed has to be the only one.
// Ends the process if there is none.
void batch_id_named(struct call *call, const char *name, bool is_changed, char id[UUID_TEXT_SIZE]);
void batch_id_of(struct call *call, char id[UUID_TEXT_SIZE]);
// The path of another program of colloq, which lies beside this one. Static storage.
const char *sibling_path(const char *program);

#endif
