#include "common/reserve.h"

#include "common/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

uint64_t disk_free(const char *folder) {
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0)
        return INT64_MAX;
    uint64_t blocks = disk.f_bavail, size = disk.f_frsize;
    return blocks > INT64_MAX / size ? INT64_MAX : blocks * size;
}

// Where the disk does not say what is free, as much as is ever asked for: then nothing is closed,
// and the store's own writes tell.
static uint64_t ask_free(const struct reserve *reserve) {
    char folder[RESERVE_PATH_MAX];
    const char *slash = strrchr(reserve->path, '/');
    (void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - reserve->path) + 1 : 1,
                   slash ? reserve->path : ".");
    return disk_free(folder);
}

// The bytes that the reserve file keeps from others; 0: it is not there.
static uint64_t ask_held(const struct reserve *reserve) {
    struct stat file;
    return stat(reserve->path, &file) == 0 ? (uint64_t)file.st_blocks * 512 : 0;
}

// Makes the file, or gives it its size. False: that cannot be done, and no part of it is left.
static bool make(const struct reserve *reserve) {
    int fd = open(reserve->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int why = fd < 0 ? errno : 0;
    if (why == 0 && ftruncate(fd, (off_t)reserve->bytes) != 0)
        why = errno;
    if (why == 0)
        why = posix_fallocate(fd, 0, (off_t)reserve->bytes);
    if (fd >= 0)
        (void)close(fd);
    if (why == 0)
        return true;
    if (why != ENOSPC)
        log_line(LOG_ERROR, "reserve.failed", "path=\"%s\" why=\"%s\"", reserve->path,
                 strerror(why));
    (void)unlink(reserve->path);
    return false;
}

static void log_change(const struct reserve *reserve) {
    if (reserve->is_closed)
        log_line(LOG_WARN, "disk.closed",
                 "reserve=\"%s\" free=%" PRIu64 " needs=%" PRIu64
                 " why=\"the disk is full: nothing new is taken in until there is room\"",
                 reserve->path, reserve->free_bytes, reserve_needs(reserve));
    else
        log_line(LOG_INFO, "disk.open", "reserve=\"%s\" free=%" PRIu64, reserve->path,
                 reserve->free_bytes);
}

static void look(struct reserve *reserve, bool is_start, uint64_t now_ms) {
    bool was_closed = reserve->is_closed;
    uint64_t held = ask_held(reserve);
    reserve->looked_ms = now_ms;
    reserve->is_closed = reserve_is_short(reserve, is_start, ask_free(reserve), held);
    if (!reserve->is_closed && held < reserve->bytes)
        reserve->is_closed = !make(reserve);
    if (reserve->is_closed && held > 0)
        (void)unlink(reserve->path);
    reserve->free_bytes = ask_free(reserve);
    if (reserve->is_closed != was_closed)
        log_change(reserve);
}

void reserve_open(struct reserve *reserve, const char *path, uint64_t bytes, uint64_t now_ms) {
    *reserve = (struct reserve){.bytes = bytes};
    int n = snprintf(reserve->path, sizeof(reserve->path), "%s", path);
    assert(n > 0 && (size_t)n < sizeof(reserve->path));
    look(reserve, true, now_ms);
}

bool reserve_look(struct reserve *reserve, uint64_t now_ms) {
    if (now_ms - reserve->looked_ms < RESERVE_LOOK_MS)
        return false;
    look(reserve, false, now_ms);
    return true;
}
