#include "tools/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *sibling_path(const char *program) {
    static char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[size > 0 ? size : 0] = 0;
    char *slash = strrchr(path, '/');
    size_t used = slash ? (size_t)(slash + 1 - path) : 0;
    (void)snprintf(path + used, sizeof(path) - used, "%s", program);
    return path;
}
