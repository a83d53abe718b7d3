#include "tools/spool.h"

#include "common/id.h"
#include "common/process.h"
#include "tools/call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int open_copy(struct spool *spool, const struct conf *conf) {
    char folder[3072];
    (void)snprintf(folder, sizeof(folder), "%s/spool", conf->data);
    if (!conf_make_folder(folder)) {
        const char *temporary = conf_env("TMPDIR");
        (void)snprintf(folder, sizeof(folder), "%s", temporary ? temporary : "/tmp");
    }
    (void)snprintf(spool->path, sizeof(spool->path), "%s/stdin-XXXXXX", folder);
    int fd = mkostemp(spool->path, O_CLOEXEC);
    if (fd < 0)
        fail(EX_CANTCREAT, "%s: the copy of stdin cannot be kept there: %s; choose another --data",
             folder, strerror(errno));
    return fd;
}

static void write_all(const struct spool *spool, const uint8_t *at, size_t size) {
    while (size > 0) {
        ssize_t put = write(spool->fd, at, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            fail(EX_IOERR, "%s: the copy of stdin cannot be written: %s", spool->path,
                 strerror(errno));
        at += put;
        size -= (size_t)put;
    }
}

static _Noreturn void fail_unreadable(const char *name) {
    fail(EX_NOINPUT, "%s: cannot be read: %s; name a file of job lines", name, strerror(errno));
}

// What is counted while a file is read.
struct reading {
    struct hasher whole, head;
    struct spool *spool;         // gets the heads
    uint64_t bytes, lines, jobs; // jobs: lines that are not blank
    uint64_t limit;              // of jobs; 0: none
    uint64_t wanted_bytes;       // where the last wanted line ends; 0: not yet met
    bool is_blank;               // the line under way, so far
    bool ends_in_line;           // the last byte so far is no newline
};

static bool is_blank_byte(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

// The end of a line in the bytes, or NULL.
static const uint8_t *line_end(const uint8_t *at, size_t size) {
    return size > 0 ? memchr(at, '\n', size) : NULL;
}

static void note_head(struct reading *reading) {
    struct spool *spool = reading->spool;
    if (spool->head_count < HEAD_LINES)
        spool->heads[spool->head_count++] = hasher_peek(&reading->head);
}

// A last line without its newline. One that is added later begins another line.
static void end_head(struct reading *reading) {
    if (reading->ends_in_line && reading->lines < HEAD_LINES)
        hasher_add(&reading->head, "\n", 1);
    if (reading->ends_in_line || reading->lines == 0)
        note_head(reading);
}

static void count(struct reading *reading, const uint8_t *at, size_t size) {
    hasher_add(&reading->whole, at, size);
    reading->ends_in_line = size > 0 && at[size - 1] != '\n';
    while (size > 0) {
        const uint8_t *end = line_end(at, size);
        size_t part = end ? (size_t)(end + 1 - at) : size;
        if (reading->lines < HEAD_LINES)
            hasher_add(&reading->head, at, part);
        for (size_t i = 0; reading->is_blank && i < part; i++)
            reading->is_blank = is_blank_byte(at[i]);
        reading->bytes += part;
        at += part;
        size -= part;
        if (!end)
            return;
        reading->lines++;
        note_head(reading);
        reading->jobs += !reading->is_blank;
        reading->is_blank = true;
        if (reading->jobs == reading->limit && reading->limit > 0 && reading->wanted_bytes == 0)
            reading->wanted_bytes = reading->bytes;
    }
}

// Reads the source to its end, into the digests and, if there is one, into the copy.
static void read_all(struct spool *spool, int source, const char *name, uint64_t limit,
                     int stop_fd) {
    static uint8_t bytes[STREAM_BLOCK_BYTES_MAX];
    struct reading reading = {.spool = spool, .limit = limit, .is_blank = true};
    hasher_open(&reading.whole);
    hasher_open(&reading.head);
    for (;;) {
        int fds[] = {stop_fd, source};
        if (source != spool->fd)
            sock_wait(NULL, 0, fds, 2, -1);
        if (process_is_stopped(stop_fd))
            exit(EXIT_STOPPED);
        ssize_t got = read(source, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            fail_unreadable(name);
        if (got == 0)
            break;
        count(&reading, bytes, (size_t)got);
        if (source != spool->fd)
            write_all(spool, bytes, (size_t)got);
    }
    spool->bytes = reading.wanted_bytes ? reading.wanted_bytes : reading.bytes;
    spool->digest = hasher_peek(&reading.whole);
    end_head(&reading);
    hasher_close(&reading.whole);
    hasher_close(&reading.head);
}

void spool_stat(const char *name, struct stat *info) {
    bool is_stdin = strcmp(name, "-") == 0;
    if ((is_stdin ? fstat(STDIN_FILENO, info) : stat(name, info)) != 0)
        fail_unreadable(name);
    if (S_ISDIR(info->st_mode))
        fail(EX_NOINPUT, "%s: is a folder; name a file of job lines", name);
}

void spool_open(struct spool *spool, const char *name, uint64_t limit, const struct conf *conf,
                int stop_fd) {
    struct stat info;
    memset(spool, 0, sizeof(*spool));
    spool_stat(name, &info);
    bool is_stdin = strcmp(name, "-") == 0;
    int source = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (source < 0)
        fail_unreadable(name);
    bool is_copied = is_stdin || !S_ISREG(info.st_mode);
    spool->fd = is_copied ? open_copy(spool, conf) : source;
    spool->is_open = true;
    read_all(spool, source, name, limit, stop_fd);
    if (is_copied && !is_stdin)
        (void)close(source);
}

void spool_close(struct spool *spool, bool is_kept) {
    if (!spool->is_open)
        return;
    (void)close(spool->fd);
    if (*spool->path && !is_kept)
        (void)unlink(spool->path);
    spool->is_open = false;
}
