#include "tests/fault/place.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

volatile uint64_t *place_stored;
static char folder[64];

static void empty(void) {
    DIR *open = opendir(folder);
    const struct dirent *entry;
    if (!open)
        abort();
    while ((entry = readdir(open)))
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(open), entry->d_name, 0);
    (void)closedir(open);
}

void place_renew(void) {
    if (!place_stored) {
        void *at = mmap(NULL, sizeof(*place_stored), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        (void)snprintf(folder, sizeof(folder), "/dev/shm/colloq-fault-XXXXXX");
        if (at == MAP_FAILED || !mkdtemp(folder))
            abort();
        place_stored = at;
    }
    empty();
    *place_stored = 0;
}

const char *place_file(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

void place_remove(void) {
    empty();
    (void)rmdir(folder);
}
