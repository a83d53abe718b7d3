#include "tools/spool.h"

#include "common/id.h"
#include "common/limits.h"
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

static _Noreturn void stop_reading(const struct spool *spool) {
    if (*spool->path)
        (void)unlink(spool->path);
    exit(EXIT_STOPPED);
}

// Reads the source to its end, into the digest and, if there is one, into the copy.
static void read_all(struct spool *spool, int source, const char *name, int stop_fd) {
    static uint8_t bytes[STREAM_BLOCK_BYTES_MAX];
    struct hasher hasher;
    hasher_open(&hasher);
    for (;;) {
        int fds[] = {stop_fd, source};
        if (source != spool->fd)
            sock_wait(NULL, 0, fds, 2, -1);
        if (process_is_stopped(stop_fd))
            stop_reading(spool);
        ssize_t got = read(source, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            fail(EX_NOINPUT, "%s: cannot be read: %s; name a file of job lines", name,
                 strerror(errno));
        if (got == 0)
            break;
        hasher_add(&hasher, bytes, (size_t)got);
        spool->bytes += (uint64_t)got;
        if (source != spool->fd)
            write_all(spool, bytes, (size_t)got);
    }
    spool->digest = hasher_peek(&hasher);
    hasher_close(&hasher);
}

void spool_open(struct spool *spool, const char *name, const struct conf *conf, int stop_fd) {
    struct stat info;
    memset(spool, 0, sizeof(*spool));
    bool is_stdin = strcmp(name, "-") == 0;
    int source = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (source < 0 || fstat(source, &info) != 0)
        fail(EX_NOINPUT, "%s: cannot be read: %s; name a file of job lines", name, strerror(errno));
    if (S_ISDIR(info.st_mode))
        fail(EX_NOINPUT, "%s: is a folder; name a file of job lines", name);
    bool is_copied = is_stdin || !S_ISREG(info.st_mode);
    spool->fd = is_copied ? open_copy(spool, conf) : source;
    read_all(spool, source, name, stop_fd);
    if (is_copied && !is_stdin)
        (void)close(source);
}

void spool_close(struct spool *spool, bool is_kept) {
    (void)close(spool->fd);
    if (*spool->path && !is_kept)
        (void)unlink(spool->path);
    else if (*spool->path)
        (void)fprintf(stderr, "colloq: what was read from stdin is kept in %s\n", spool->path);
}
