// What doctor finds: a list of checks, each ok, a note or a problem, with what to do. Each part of
// it looks at one area and adds its checks; none starts a process, and none shows a secret.
#ifndef TOOLS_DOCTOR_H
#define TOOLS_DOCTOR_H

#include "tools/call.h"

#include <jansson.h>

enum finding { FINDING_ok, FINDING_note, FINDING_problem };

struct doctor {
    struct call *call;
    json_t *checks;
    int problems;
    bool is_running; // ingress answers: set by doctor_processes, the first part
};

// Adds a check. source says where the value comes from, advice what to do; both may be NULL.
void doctor_add(struct doctor *doctor, const char *area, const char *name, enum finding finding,
                const char *value, const char *source, const char *advice);
// A text that lives until the next 15 calls.
const char *doctor_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

// doctor_live.c: who answers, clocks, and the ports to listen at.
void doctor_processes(struct doctor *doctor);
void doctor_ports(struct doctor *doctor);
// doctor_disk.c: folders, their disks, and the kind of money in their files.
void doctor_folders(struct doctor *doctor);
// doctor_keys.c: the catalogue, and where each provider's key is found.
void doctor_keys(struct doctor *doctor);

// Whether the settings can be read at all; else prints that as the one finding and returns false.
bool doctor_may_begin(int argc, char **argv);

#endif
