// Recorded exchanges through the extractor: its own program is run on them, so that what is
// printed is what a running colloq would find, and no second way leads to it.
#include "common/mem.h"
#include "tools/commands.h"
#include "tools/render.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { WORDS_BEFORE_FILES = 6 };

int extract_files(struct call *call) {
    const char *path = sibling_path("colloq-extractor"), *at = call_text(call, "at");
    char **words = mem_array((size_t)call->operand_count + WORDS_BEFORE_FILES + 1, sizeof(*words));
    size_t count = 0;
    words[count++] = (char *)(uintptr_t)path;
    words[count++] = (char *)(uintptr_t) "--offline";
    if (call_has(call, "stream"))
        words[count++] = (char *)(uintptr_t) "--stream";
    if (at) {
        words[count++] = (char *)(uintptr_t) "--at";
        words[count++] = (char *)(uintptr_t)at;
    }
    words[count++] = (char *)(uintptr_t) "--";
    for (int i = 0; i < call->operand_count; i++)
        words[count++] = (char *)(uintptr_t)call->operands[i];
    words[count] = NULL;
    conf_pass_on(call->argc, call->argv);
    (void)execv(path, words);
    fail(EX_UNAVAILABLE, "%s cannot be started: %s; it has to lie beside colloq", path,
         strerror(errno));
}
