#include "workers/provider/names.h"

#include "common/bytes.h"
#include "common/conf.h"
#include "common/id.h"
#include "common/limits.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { ID_DIGITS = 16, PATH_BYTES_MAX = 4096 };

static bool is_id(const char *text, size_t size) {
    return size == ID_DIGITS && strspn(text, "0123456789abcdef") == ID_DIGITS;
}

static void new_id(char id[ID_DIGITS + 1]) {
    (void)snprintf(id, ID_DIGITS + 1, "%016llx", (unsigned long long)random_u64());
}

// What a locked file holds: the id, a blank, and how often the name was taken.
static bool write_file(int fd, const char *id, uint64_t life) {
    char text[64];
    int size = snprintf(text, sizeof(text), "%s %020llu\n", id, (unsigned long long)life);
    return pwrite(fd, text, (size_t)size, 0) == size && ftruncate(fd, size) == 0 && fsync(fd) == 0;
}

// Reads the id of a locked file and counts this life in it. A file without an id (new, or cut
// short by a crash) gets a new one.
static bool read_id(int fd, char id[ID_DIGITS + 1], uint64_t *life) {
    char text[64];
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    if (size < 0)
        return false;
    text[size] = 0;
    *life = 0;
    (void)snprintf(id, ID_DIGITS + 1, "%.*s", ID_DIGITS, text);
    if (is_id(id, strlen(id)))
        *life = strtoull(text + ID_DIGITS, NULL, 10);
    else
        new_id(id);
    ++*life;
    return write_file(fd, id, *life);
}

// Takes worker-NUMBER. False with errno EWOULDBLOCK if another process has it.
static bool take_file(struct name *name, const char *folder, unsigned number) {
    char path[PATH_BYTES_MAX], id[ID_DIGITS + 1];
    int size = snprintf(path, sizeof(path), "%s/worker-%u", folder, number);
    errno = ENAMETOOLONG;
    if (size < 0 || size >= (int)sizeof(path))
        return false;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !read_id(fd, id, &name->life)) {
        int why = errno;
        (void)close(fd);
        errno = why;
        return false;
    }
    name->fd = fd;
    name->is_lasting = true;
    (void)snprintf(name->text, sizeof(name->text), "worker-%u-%s", number, id);
    return true;
}

void name_take(struct name *name, const char *folder) {
    char id[ID_DIGITS + 1];
    *name = (struct name){.fd = -1};
    bool is_next = conf_make_folder(folder);
    for (unsigned number = 0; is_next && number < WORKERS_MAX; number++) {
        if (take_file(name, folder, number))
            return;
        is_next = errno == EWOULDBLOCK;
    }
    log_line(LOG_WARN, "name.not_lasting", "folder=\"%s\" why=\"%s\"", folder, strerror(errno));
    new_id(id);
    (void)snprintf(name->text, sizeof(name->text), "worker-%s", id);
}

void name_release(struct name *name) {
    if (name->fd >= 0)
        (void)close(name->fd);
    *name = (struct name){.fd = -1};
}
