#include "tests/unit/tools/caught.h"

#include "tools/render.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

static char out_path[64];
static int saved, caught_fd;

void catch_fd(int which) {
    (void)snprintf(out_path, sizeof(out_path), "/tmp/colloq-client-XXXXXX");
    int fd = mkstemp(out_path);
    ck_assert_int_ge(fd, 0);
    (void)fflush(stdout);
    saved = dup(which);
    caught_fd = which;
    ck_assert_int_ge(dup2(fd, which), 0);
    (void)close(fd);
}

void catch_output(void) {
    catch_fd(STDOUT_FILENO);
}

const char *caught(void) {
    static char text[65536];
    out_flush();
    FILE *file = fopen(out_path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    (void)fclose(file);
    ck_assert_int_ge(dup2(saved, caught_fd), 0);
    (void)close(saved);
    (void)unlink(out_path);
    return text;
}
