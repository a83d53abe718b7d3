// Recorded exchanges, which stay outside the project, in the form that they have there.
#ifndef TESTS_EXTRACTOR_RECORDED_H
#define TESTS_EXTRACTOR_RECORDED_H

#include "common/buf.h"
#include "common/json.h"

enum { RECORDING_NAME_SIZE = 64 };

struct recording {
    char name[RECORDING_NAME_SIZE]; // open/openai-chat/0001.json
    char *file;
    struct json_scan scan;
    unsigned status;
    bool is_stream;
    struct buf headers;
    struct bytes body; // raw
};

// A whole file; NULL: there is none. The caller's (mem_free).
char *recorded_file(const char *path, size_t *size);
// Reads the recording of that name; false: there is none.
bool recording_open(struct recording *recording, const char *name);
void recording_release(struct recording *recording);
// A stream's body is text inside JSON, or the list of its events, where they came as a list.
struct bytes recording_stream(const struct recording *recording, struct buf *stream);

#endif
