// Writes the golden messages: golden-write FOLDER makes FOLDER/KIND.msgpack for each kind that
// has none yet. A file that is there is never changed: it is how an older program speaks.

#include "tests/unit/common/wire_sample.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

static int write_golden(const char *folder, enum kind kind) {
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s.msgpack", folder, wire_kind(kind)->name);
    FILE *file = fopen(path, "wbx");
    if (!file && errno == EEXIST)
        return 0;
    if (!file) {
        perror(path);
        return EX_CANTCREAT;
    }
    struct buf out;
    buf_init(&out, HEADER_BYTES_MAX);
    sample_golden(kind, &out);
    struct bytes bytes = buf_bytes(&out);
    size_t written = fwrite(bytes.at, 1, bytes.size, file);
    bool is_whole = fclose(file) == 0 && written == bytes.size;
    buf_release(&out);
    return is_whole ? 0 : EX_IOERR;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        (void)fprintf(stderr, "usage: golden-write FOLDER\n");
        return EX_USAGE;
    }
    int code = 0;
    for (int kind = KIND_none + 1; kind < KINDS && code == 0; kind++)
        code = write_golden(argv[1], (enum kind)kind);
    return code;
}
