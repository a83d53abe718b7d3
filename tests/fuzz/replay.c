// A fuzz target without its fuzzer: runs each file once, whole, cut and bent. A finding ends the
// process, as it does there; the variant that was run last is then in the file of --last.
//
//   fuzz-NAME-replay [--last FILE] FILE…    runs them; a folder means the files in it
//   fuzz-NAME-replay --write FOLDER FILE…   writes some of the variants there, as a corpus

#include "tests/fuzz/bend.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Each file is cut and bent at so many places at most, and all of them at so many: a target of a
// hundred seeds, which share much, takes no longer than one of twenty.
enum { PLACES_MAX = 600, PLACES_ALL = 12000 };
enum { FILE_BYTES_MAX = 1 << 20, WRITTEN_OF = 16 };

static const char *last, *folder;
static unsigned long runs;
static size_t seeds;

static void write_file(const char *path, const uint8_t *data, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(EX_IOERR);
    }
}

// The memory of a variant ends where it ends, so that a sanitizer sees a read beyond it.
static void run(void *context, const uint8_t *data, size_t size) {
    char path[512];
    (void)context;
    runs++;
    if (folder && runs % WRITTEN_OF != 1)
        return;
    if (folder) {
        (void)snprintf(path, sizeof(path), "%s/bent-%lu", folder, runs);
        write_file(path, data, size);
        return;
    }
    if (last)
        write_file(last, data, size);
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void count_file(const char *path) {
    (void)path;
    seeds++;
}

static void run_file(const char *path) {
    static uint8_t bytes[FILE_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(EX_NOINPUT);
    }
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    run(NULL, bytes, size);
    size_t places = PLACES_ALL / seeds + 1;
    bend_each(bytes, size, places < PLACES_MAX ? places : PLACES_MAX, run, NULL);
}

static int is_seed(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

// The file, or those in the folder.
static void each_file(const char *path, void (*visit)(const char *file)) {
    struct stat stat_now;
    struct dirent **entries = NULL;
    if (stat(path, &stat_now) != 0 || !S_ISDIR(stat_now.st_mode)) {
        visit(path);
        return;
    }
    int count = scandir(path, &entries, is_seed, alphasort);
    if (count <= 0) {
        (void)fprintf(stderr, "%s: there is no seed in it\n", path);
        exit(EX_NOINPUT);
    }
    for (int i = 0; i < count; i++) {
        char file[1024];
        (void)snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
        visit(file);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv) {
    int at = 1;
    if (argc > 2 && strcmp(argv[1], "--last") == 0)
        last = argv[2], at = 3;
    else if (argc > 2 && strcmp(argv[1], "--write") == 0)
        folder = argv[2], at = 3;
    if (at >= argc) {
        (void)fprintf(stderr, "usage: %s [--last FILE | --write FOLDER] FILE…\n", argv[0]);
        return EX_USAGE;
    }
    for (int i = at; i < argc; i++)
        each_file(argv[i], count_file);
    for (int i = at; i < argc; i++)
        each_file(argv[i], run_file);
    (void)printf("%lu inputs\n", runs);
    return 0;
}
