// Any bytes as colloq.yaml: it is read, or refused with a reason that fits one line; and any text
// as a value or as a JSONPath.

#include "common/conf_file.h"
#include "common/conf_value.h"
#include "common/jsonpath.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const char *text) {
    union {
        const char *text;
        uint64_t number;
        bool flag;
    } to;
    char expected[128];
    for (int type = CONF_text; type <= CONF_level; type++) {
        bool is_valid = conf_value_parse((enum conf_type)type, text, 1, 1 << 20, &to);
        if (is_valid && (type == CONF_count || type == CONF_ms || type == CONF_bytes))
            assert(to.number >= 1 && to.number <= 1 << 20);
        (void)conf_value_expected((enum conf_type)type, 1, 1 << 20, expected, sizeof(expected));
    }
}

static void check_path(struct bytes text) {
    struct jsonpath *path = NULL;
    char error[256];
    if (jsonpath_new(text, &path, error, sizeof(error)) == ERR_OK)
        assert(strlen(jsonpath_text(path)) <= JSONPATH_TEXT_MAX);
    jsonpath_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct conf_file file;
    char path[64];
    char why[512] = "";
    int fd = memfd_create("conf", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    enum err e = conf_file_read(&file, path, why, sizeof(why));
    assert(e == ERR_OK || e == ERR_BAD_CONFIG);
    assert(e == ERR_OK || why[0] != 0);
    for (size_t i = 0; e == ERR_OK && i < file.count; i++)
        check_values(file.entries[i].value);
    conf_file_release(&file);
    (void)close(fd);
    check_path(bytes_of(data, size));
    return 0;
}
