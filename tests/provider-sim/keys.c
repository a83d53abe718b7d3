#include "tests/provider-sim/keys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A file's time steps by some milliseconds: within this span a second change may look like none.
enum { STAMP_STEP_MS = 200 };

void keys_init(struct keys *keys, const struct options *options) {
    *keys = (struct keys){.options = options};
}

void keys_release(struct keys *keys) {
    text_release(&keys->file);
}

static void keys_read_file(struct keys *keys) {
    text_reset(&keys->file);
    int fd = open(keys->options->key_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t size;
    do {
        size = read(fd, text_room(&keys->file, 4096), 4096);
        keys->file.size += size > 0 ? (size_t)size : 0;
    } while (size > 0 && keys->file.size < KEY_FILE_BYTES_MAX);
    close(fd);
}

static void keys_refresh_file(struct keys *keys, struct moment now) {
    struct stat stat_now;
    if (stat(keys->options->key_file, &stat_now) != 0) {
        text_reset(&keys->file);
        keys->changed_ns = 0;
        return;
    }
    int64_t changed_ns = (int64_t)stat_now.st_mtim.tv_sec * 1000000000 + stat_now.st_mtim.tv_nsec;
    if (keys->is_settled && changed_ns == keys->changed_ns && stat_now.st_size == keys->size &&
        stat_now.st_ino == keys->inode)
        return;
    keys->changed_ns = changed_ns;
    keys->size = stat_now.st_size;
    keys->inode = stat_now.st_ino;
    keys->is_settled = now.unix_ms - changed_ns / 1000000 > STAMP_STEP_MS;
    keys_read_file(keys);
}

void keys_refresh(struct keys *keys, struct moment now) {
    if (keys->options->key_file != NULL)
        keys_refresh_file(keys, now);
    if (keys->options->quota_file != NULL)
        keys->is_quota_exhausted = access(keys->options->quota_file, F_OK) == 0;
}

static bool key_in_file(const struct keys *keys, struct span key) {
    if (keys->file.size == 0)
        return false;
    const char *at = keys->file.at;
    const char *end = at + keys->file.size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct span line = {at, (size_t)((stop == NULL ? end : stop) - at)};
        if (line.size > 0 && line.at[line.size - 1] == '\r')
            line.size--;
        if (line.size > 0 && line.size == key.size && memcmp(line.at, key.at, key.size) == 0)
            return true;
        at = stop == NULL ? end : stop + 1;
    }
    return false;
}

struct span keys_bearer(struct span authorization) {
    struct span scheme = {authorization.at, authorization.size < 7 ? 0 : 7};
    if (!span_is_nocase(scheme, "bearer "))
        return (struct span){"", 0};
    struct span key = {authorization.at + 7, authorization.size - 7};
    while (key.size > 0 && key.at[0] == ' ')
        key.at++, key.size--;
    return key;
}

bool keys_accept(const struct keys *keys, struct span key) {
    const struct options *options = keys->options;
    if (options->keys_count == 0 && options->key_file == NULL)
        return key.size > 0;
    for (size_t i = 0; i < options->keys_count; i++)
        if (span_is(key, options->keys[i]))
            return true;
    return options->key_file != NULL && key.size > 0 && key_in_file(keys, key);
}
