#include "tests/power/powerfail_disk.h"

#include "common/mem.h"

#include <assert.h>
#include <string.h>

enum { SECTOR_BYTES = 512 };

// How the machine had written back when power failed.
enum style { STYLE_all, STYLE_nothing, STYLE_mixed, STYLES };

// splitmix64.
uint64_t powerfail_draw(struct powerfail_disk *disk) {
    uint64_t z = disk->dice += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

uint32_t disk_below(struct powerfail_disk *disk, uint32_t bound) {
    return (uint32_t)((powerfail_draw(disk) >> 32) * bound >> 32);
}

// ---- bytes --------------------------------------------------------------------------------------

static void image_resize(struct image *image, size_t size) {
    if (size > image->room) {
        image->room = size + size / 2;
        image->at = mem_grow(image->at, image->room);
    }
    if (size > image->size)
        memset(image->at + image->size, 0, size - image->size);
    image->size = size;
}

static void image_put(struct image *image, const uint8_t *at, size_t size, size_t offset) {
    if (size == 0)
        return;
    if (offset + size > image->size)
        image_resize(image, offset + size);
    memcpy(image->at + offset, at, size);
}

static void image_copy(struct image *to, const struct image *from) {
    to->size = 0;
    image_put(to, from->at, from->size, 0);
}

static struct change *add_change(struct file *file, size_t offset, size_t size) {
    struct change *change = mem_grow(NULL, sizeof(*change) + size);
    *change = (struct change){.offset = offset, .size = size};
    *file->last = change;
    file->last = &change->next;
    return change;
}

static void forget_changes(struct file *file) {
    while (file->first) {
        struct change *change = file->first;
        file->first = change->next;
        mem_free(change);
    }
    file->last = &file->first;
}

void file_write(struct file *file, const void *at, size_t size, size_t offset) {
    struct change *change = add_change(file, offset, size);
    memcpy(change->bytes, at, size);
    image_put(&file->now, at, size, offset);
}

void file_truncate(struct file *file, size_t size) {
    add_change(file, size, 0)->is_truncation = true;
    image_resize(&file->now, size);
}

static void keep(struct file *file, const struct change *change) {
    if (change->is_truncation)
        image_resize(&file->safe, change->offset);
    else
        image_put(&file->safe, change->bytes, change->size, change->offset);
}

void file_sync(struct file *file) {
    for (const struct change *change = file->first; change; change = change->next)
        keep(file, change);
    forget_changes(file);
}

static void put_garbage(struct powerfail_disk *disk, struct image *image, size_t size,
                        size_t offset) {
    uint8_t garbage[SECTOR_BYTES];
    for (size_t i = 0; i < size; i++)
        garbage[i] = (uint8_t)disk_below(disk, 256);
    image_put(image, garbage, size, offset);
}

static void tear(struct powerfail_disk *disk, struct file *file, const struct change *change) {
    size_t at = 0;
    while (at < change->size) {
        size_t offset = change->offset + at;
        size_t size = SECTOR_BYTES - offset % SECTOR_BYTES;
        if (size > change->size - at)
            size = change->size - at;
        uint32_t fate = disk_below(disk, 4);
        if (fate < 2)
            image_put(&file->safe, change->bytes + at, size, offset);
        else if (fate == 2)
            put_garbage(disk, &file->safe, size, offset);
        at += size;
    }
}

static void lose(struct powerfail_disk *disk, struct file *file, enum style style) {
    for (const struct change *change = file->first; change; change = change->next) {
        uint32_t fate = style == STYLE_mixed ? disk_below(disk, 3) : (uint32_t)style;
        if (fate == STYLE_all || (change->is_truncation && fate == STYLE_mixed))
            keep(file, change);
        else if (fate == STYLE_mixed)
            tear(disk, file, change);
    }
    forget_changes(file);
}

static enum style draw_style(struct powerfail_disk *disk) {
    uint32_t at = disk_below(disk, 8);
    return at < STYLE_mixed ? (enum style)at : STYLE_mixed;
}

void file_lose(struct powerfail_disk *disk, struct file *file) {
    lose(disk, file, draw_style(disk));
}

// ---- names --------------------------------------------------------------------------------------

struct file *disk_find(const struct powerfail_disk *disk, const char *name) {
    for (struct file *file = disk->files; file; file = file->next)
        if (file->is_listed && strcmp(file->name, name) == 0)
            return file;
    return NULL;
}

struct file *disk_make(struct powerfail_disk *disk, const char *name) {
    struct file *file = mem_new(sizeof(*file));
    assert(strlen(name) < sizeof(file->name));
    memcpy(file->name, name, strlen(name) + 1);
    file->last = &file->first;
    file->is_listed = *name != 0;
    file->next = disk->files;
    disk->files = file;
    return file;
}

static void free_shared(struct file *file) {
    for (uint32_t i = 0; i < file->shared_count; i++)
        mem_free(file->shared[i]);
    mem_free(file->shared);
    file->shared = NULL;
    file->shared_count = 0;
}

static void free_file(struct file *file) {
    forget_changes(file);
    mem_free(file->now.at);
    mem_free(file->safe.at);
    mem_free(file);
}

// Frees what nobody has open and no entry, present or coming back, names.
static void sweep(struct powerfail_disk *disk) {
    struct file **link = &disk->files;
    while (*link) {
        struct file *file = *link;
        if (file->opens > 0 || file->is_listed || file->is_listed_safe) {
            link = &file->next;
            continue;
        }
        *link = file->next;
        free_file(file);
    }
}

void disk_close(struct powerfail_disk *disk, struct file *file) {
    if (--file->opens == 0)
        free_shared(file);
    sweep(disk);
}

void disk_unlist(struct powerfail_disk *disk, struct file *file) {
    file->is_listed = false;
    sweep(disk);
}

void disk_sync_folder(struct powerfail_disk *disk) {
    for (struct file *file = disk->files; file; file = file->next)
        file->is_listed_safe = file->is_listed;
    sweep(disk);
}

// ---- operations ---------------------------------------------------------------------------------

enum verdict disk_judge(struct powerfail_disk *disk, enum powerfail_operation operation) {
    struct powerfail_fault *fault = &disk->fault;
    if (disk->is_dark)
        return VERDICT_fails;
    if (operation & POWERFAIL_changes) {
        disk->operations++;
        if (disk->cut_in > 0 && --disk->cut_in == 0) {
            disk->is_dark = true;
            return VERDICT_fades;
        }
    }
    if (!(fault->kinds & operation) || fault->at == 0 || --fault->at > 0)
        return VERDICT_done;
    fault->at = fault->lasts ? 1 : 0;
    if (disk->failures++ == 0)
        disk->failed_at = disk->operations;
    return fault->is_full ? VERDICT_full : VERDICT_fails;
}

void powerfail_cut_at(struct powerfail_disk *disk, uint64_t n) {
    disk->cut_in = n;
}

void powerfail_darken(struct powerfail_disk *disk) {
    disk->is_dark = true;
}

bool powerfail_is_dark(const struct powerfail_disk *disk) {
    return disk->is_dark;
}

uint64_t powerfail_operations(const struct powerfail_disk *disk) {
    return disk->operations;
}

void powerfail_fail(struct powerfail_disk *disk, struct powerfail_fault fault) {
    disk->fault = fault;
    disk->failures = 0;
}

uint64_t powerfail_failures(const struct powerfail_disk *disk) {
    return disk->failures;
}

uint64_t powerfail_tried_since(const struct powerfail_disk *disk) {
    return disk->failures > 0 ? disk->operations - disk->failed_at : 0;
}

bool powerfail_has(const struct powerfail_disk *disk, const char *name) {
    return disk_find(disk, name) != NULL;
}

uint64_t powerfail_hash(const struct powerfail_disk *disk) {
    uint64_t hash = 0;
    for (const struct file *file = disk->files; file; file = file->next)
        for (size_t i = 0; file->is_listed && i < file->now.size; i++)
            hash = (hash ^ file->now.at[i]) * 0x100000001b3ull;
    return hash;
}

// ---- the cut ------------------------------------------------------------------------------------

static bool is_written_back(struct powerfail_disk *disk, enum style style) {
    return style == STYLE_all || (style == STYLE_mixed && disk_below(disk, 2) == 0);
}

// Deletions come first: a file that comes back takes the place of one made later under its name.
static void settle_entries(struct powerfail_disk *disk, enum style style) {
    for (struct file *file = disk->files; file; file = file->next) {
        if (!file->is_listed_safe || file->is_listed || is_written_back(disk, style))
            continue;
        struct file *later = disk_find(disk, file->name);
        if (later)
            later->is_listed = false;
        file->is_listed = true;
    }
    for (struct file *file = disk->files; file; file = file->next)
        if (file->is_listed && !file->is_listed_safe && !is_written_back(disk, style))
            file->is_listed = false;
    disk_sync_folder(disk);
}

void powerfail_cut(struct powerfail_disk *disk) {
    enum style style = draw_style(disk);
    settle_entries(disk, style);
    for (struct file *file = disk->files; file; file = file->next) {
        assert(file->opens == 0);
        lose(disk, file, style);
        image_copy(&file->now, &file->safe);
    }
    powerfail_revive(disk);
}

void powerfail_revive(struct powerfail_disk *disk) {
    disk->is_dark = false;
    disk->cut_in = 0;
    disk->fault = (struct powerfail_fault){0};
}

// ---- a disk -------------------------------------------------------------------------------------

struct powerfail_disk *powerfail_disk_new(uint64_t seed, enum powerfail_mode mode) {
    struct powerfail_disk *disk = mem_new(sizeof(*disk));
    disk->mode = mode;
    disk->dice = seed;
    return disk;
}

void powerfail_disk_free(struct powerfail_disk *disk) {
    while (disk && disk->files) {
        struct file *file = disk->files;
        assert(file->opens == 0);
        disk->files = file->next;
        free_file(file);
    }
    mem_free(disk);
}
