#include "common/catalogue.h"

#include "common/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILES_MAX = 512, FILE_BYTES_MAX = 1 << 20, FILE_NAME_MAX = 1024 };

// The user's files, read into memory.
struct folder {
    struct catalogue_source sources[FILES_MAX];
    size_t count;
    struct buf *problems;
    enum err result;
};

static void complain(struct folder *folder, const char *path, const char *what) {
    folder->result = ERR_IO;
    buf_printf(folder->problems, "%s: %s\n", path, what);
}

static void read_file(struct folder *folder, const char *path, bool is_price) {
    if (folder->count == FILES_MAX) {
        complain(folder, path, "too many files");
        return;
    }
    FILE *file = fopen(path, "rbe");
    if (!file) {
        complain(folder, path, strerror(errno));
        return;
    }
    char *text = mem_array(FILE_BYTES_MAX + 1, 1);
    size_t size = fread(text, 1, FILE_BYTES_MAX + 1, file);
    if (ferror(file) || size > FILE_BYTES_MAX)
        complain(folder, path, ferror(file) ? "cannot be read" : "is larger than 1 MiB");
    (void)fclose(file);
    folder->sources[folder->count++] =
        (struct catalogue_source){mem_copy(path, strlen(path)), is_price, bytes_of(text, size)};
}

static int is_yaml(const struct dirent *entry) {
    size_t size = strlen(entry->d_name);
    return size > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + size - 5, ".yaml") == 0;
}

// A folder that is not there holds nothing.
static void read_folder(struct folder *folder, const char *top, const char *name, bool is_price) {
    char path[FILE_NAME_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", top, name);
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_yaml, alphasort);
    if (count < 0 && errno != ENOENT)
        complain(folder, path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char file[FILE_NAME_MAX];
        int size = snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
        if (size > 0 && (size_t)size < sizeof(file))
            read_file(folder, file, is_price);
        else
            complain(folder, path, "the name is too long");
        free(entries[i]); // scandir's memory, not ours
    }
    free(entries);
}

enum err catalogue_compile_rules(const char *folder, const struct extract_rule *rules,
                                 size_t rule_count, struct buf *document, struct buf *problems) {
    struct folder *all = mem_new(sizeof(*all));
    all->problems = problems;
    size_t own;
    const struct catalogue_source *builtin = catalogue_builtin(&own);
    if (own <= FILES_MAX)
        memcpy(all->sources, builtin, own * sizeof(*builtin));
    all->count = own;
    DIR *top = folder ? opendir(folder) : NULL;
    if (folder && !top)
        complain(all, folder, strerror(errno));
    if (top) {
        (void)closedir(top);
        read_folder(all, folder, "providers", false);
        read_folder(all, folder, "prices", true);
    }
    enum err e = all->result;
    if (e == ERR_OK)
        e = catalogue_compile_all(all->sources, all->count, own, rules, rule_count, document,
                                  problems);
    for (size_t i = own; i < all->count; i++) {
        mem_free((void *)(uintptr_t)all->sources[i].file);
        mem_free((void *)(uintptr_t)all->sources[i].text.at);
    }
    mem_free(all);
    return e;
}

enum err catalogue_compile_folder(const char *folder, struct buf *document, struct buf *problems) {
    return catalogue_compile_rules(folder, NULL, 0, document, problems);
}
