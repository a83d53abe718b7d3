#include "tools/provider.h"

#include <sysexits.h>

static enum err compile(const struct call *call, struct catalogue **catalogue,
                        struct buf *problems) {
    const struct conf *conf = call->conf;
    struct buf document;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    enum err e = catalogue_compile_rules(conf->catalogue, conf->extracts, conf->extract_count,
                                         &document, problems);
    if (e == ERR_OK && catalogue_load(buf_bytes(&document), catalogue) != ERR_OK)
        fail(EX_SOFTWARE, "the catalogue cannot be loaded");
    buf_release(&document);
    return e;
}

struct catalogue *provider_catalogue(struct call *call) {
    struct catalogue *catalogue = NULL;
    struct buf problems;
    buf_init(&problems, 64 << 10);
    if (compile(call, &catalogue, &problems) != ERR_OK)
        fail(EX_CONFIG, "the catalogue cannot be compiled: %s", buf_cstr(&problems));
    buf_release(&problems);
    return catalogue;
}

bool provider_try_catalogue(const struct call *call, struct catalogue **catalogue) {
    struct buf problems;
    buf_init(&problems, 64 << 10);
    bool is_good = compile(call, catalogue, &problems) == ERR_OK;
    buf_release(&problems);
    return is_good;
}

struct catalogue *provider_builtin(void) {
    struct catalogue *catalogue = NULL;
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 64 << 10);
    if (catalogue_compile_folder(NULL, &document, &problems) != ERR_OK ||
        catalogue_load(buf_bytes(&document), &catalogue) != ERR_OK)
        fail(EX_SOFTWARE, "the catalogue of this build cannot be read; build colloq anew");
    buf_release(&document);
    buf_release(&problems);
    return catalogue;
}
