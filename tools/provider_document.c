// provider document: the pages that are made of the catalogue.
#include "tools/commands.h"
#include "tools/provider.h"
#include "tools/provider_page.h"
#include "tools/render.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

enum { PAGE_BYTES_MAX = 4 << 20, PATH_SIZE = 4096 };

struct documents {
    const char *folder;
    bool is_check;
    size_t differ;
    struct buf page;
    json_t *changed;
};

// Whether the file holds just that.
static bool is_written(const char *path, struct bytes page) {
    FILE *file = fopen(path, "rbe");
    uint8_t part[4096];
    size_t got, at = 0;
    bool is_same = file != NULL;
    while (is_same && (got = fread(part, 1, sizeof(part), file)) > 0) {
        is_same = at + got <= page.size && memcmp(page.at + at, part, got) == 0;
        at += got;
    }
    if (file)
        (void)fclose(file);
    return is_same && at == page.size;
}

static void make_folder(const char *path) {
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        fail(EX_CANTCREAT, "%s: the folder cannot be made: %s", path, strerror(errno));
}

static void write_page(struct documents *documents, const char *name) {
    char path[PATH_SIZE];
    struct bytes page = buf_bytes(&documents->page);
    (void)snprintf(path, sizeof(path), "%s/%s", documents->folder, name);
    if (buf_state(&documents->page) != ERR_OK)
        fail(EX_SOFTWARE, "%s: longer than %d bytes", path, PAGE_BYTES_MAX);
    if (is_written(path, page))
        return;
    documents->differ++;
    (void)json_array_append_new(documents->changed, json_string(path));
    if (documents->is_check)
        return;
    FILE *file = fopen(path, "wbe");
    bool is_done = file && fwrite(page.at, 1, page.size, file) == page.size;
    if (!file || fclose(file) != 0 || !is_done)
        fail(EX_CANTCREAT, "%s: cannot be written: %s", path, strerror(errno));
}

static void write_all(struct documents *documents, const struct catalogue *catalogue) {
    char name[PATH_SIZE];
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        (void)snprintf(name, sizeof(name), "providers/%s.%s.md", api->provider, api->api);
        buf_reset(&documents->page);
        page_of_api(api, &documents->page);
        write_page(documents, name);
    }
    buf_reset(&documents->page);
    page_of_identifiers(catalogue, &documents->page);
    write_page(documents, "identifiers.md");
    buf_reset(&documents->page);
    page_of_gaps(catalogue, &documents->page);
    write_page(documents, "gap-analysis.md");
}

int provider_document(struct call *call) {
    struct documents documents = {
        .folder = call->operand_count > 0 ? call->operands[0] : "docs",
        .is_check = call_has(call, "dry-run"),
        .changed = json_array(),
    };
    struct catalogue *catalogue = provider_catalogue(call);
    const json_t *path;
    char folder[PATH_SIZE];
    size_t i;
    buf_init(&documents.page, PAGE_BYTES_MAX);
    (void)snprintf(folder, sizeof(folder), "%s/providers", documents.folder);
    (void)umask(022); // for everybody to read, unlike what a colloq keeps
    if (!documents.is_check) {
        make_folder(documents.folder);
        make_folder(folder);
    }
    write_all(&documents, catalogue);
    json_t *answer = json_pack("{s:s,s:o}", "folder", documents.folder,
                               documents.is_check ? "differ" : "written", documents.changed);
    if (call_has(call, "json"))
        call_show_json(call, answer);
    else
        json_array_foreach(documents.changed, i, path) out_printf(
            "%s  %s\n", documents.is_check ? "differs" : "written", json_string_value(path));
    json_decref(answer);
    buf_release(&documents.page);
    catalogue_free(catalogue);
    return documents.is_check && documents.differ > 0 ? EXIT_SOME_FAILED : 0;
}
