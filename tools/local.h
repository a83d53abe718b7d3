// The local colloq that a command needs: when nobody listens in the data folder, the processes are
// started for the time of the command, by a `colloq dev --brief` that is a child of it.
//
// Three files of the data folder say who is there; the kernel gives their locks back when whoever
// holds them ends, however that happens:
//   clients.lock     shared by every command that speaks to the folder's own socket. The last one
//                    turns its lock into an exclusive one; then nobody comes in until all has
//                    ended.
//   dev.lock         held by the colloq dev that runs here; its text says of which kind it is.
//   dev-worker.lock  held by the one that was started to add a worker to another command's colloq.
// A brief colloq dev has two descriptors of the command that started it: BRIEF_HOLD_FD, a socket
// that ends when the command does, and to which it says when all have joined; and BRIEF_CLIENTS_FD,
// the command's lock of clients.lock.
#ifndef TOOLS_LOCAL_H
#define TOOLS_LOCAL_H

#include "tools/call.h"

enum { BRIEF_HOLD_FD = 3, BRIEF_CLIENTS_FD = 4 };

// What a brief colloq dev runs, and the texts by which they are known.
#define BRIEF_ALL    "all"    // everything
#define BRIEF_ASKING "asking" // no worker: questions must never make a paid call
#define BRIEF_WORKER "worker" // a worker only, beside an asking one

// Returns when somebody listens at the data folder's own socket, which may be a colloq that was
// started here for this command, and that ends with it: the end of the process waits for that.
// Ends the process where nobody listens and nothing may be started.
void local_join(struct call *call);
// Whether somebody listens there now; starts nothing.
bool local_listens(const struct conf *conf);
// Whether what runs there has no worker, and ends with the commands that use it.
bool local_is_asking(void);
// Whether this command started what runs there.
bool local_is_ours(void);
// Whether this command started all of it, and not a worker only.
bool local_has_started_all(void);
// A line on stderr, or an event there for a command that says all that it says as JSON lines.
void local_say(const struct call *call, const char *event, const char *text);
// Ends the process unless something was recorded in the data folder before: a question must not
// make one.
void local_expect_ledger(const struct call *call);

// A file's lock that somebody else holds. False: nobody, or there is no such file.
bool local_is_locked(const char *folder, const char *name);

#endif
