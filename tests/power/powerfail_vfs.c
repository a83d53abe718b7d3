// SQLite's side of the disk: its calls turned into operations, and verdicts into its codes.
#include "tests/power/powerfail_vfs.h"

#include "common/mem.h"
#include "tests/power/powerfail_disk.h"

#include <assert.h>
#include <sqlite3.h>
#include <string.h>

enum {
    FILESYSTEM_SECTOR_BYTES = 4096, // what SQLite's own file system says
};

struct handle {
    sqlite3_file base;
    struct powerfail_disk *disk;
    struct file *file;
    bool syncs_folder; // with its first sync
    bool is_deleted_on_close;
    int lock;              // SQLITE_LOCK_…
    uint8_t reads, writes; // locks on the shared memory, a bit each
};

static struct powerfail_disk *mounted;

void powerfail_mount(struct powerfail_disk *disk) {
    sqlite3_randomness(0, NULL); // SQLite's dice: it takes new ones, from this disk
    mounted = disk;
}

// ---- a file -------------------------------------------------------------------------------------

static int close_file(sqlite3_file *base) {
    struct handle *handle = (struct handle *)base;
    if (handle->is_deleted_on_close && !handle->disk->is_dark)
        handle->file->is_listed = false;
    handle->file->locks[handle->lock]--;
    disk_close(handle->disk, handle->file);
    return SQLITE_OK;
}

static int read_file(sqlite3_file *base, void *to, int size, sqlite3_int64 offset) {
    struct handle *handle = (struct handle *)base;
    const struct image *image = &handle->file->now;
    if (disk_judge(handle->disk, POWERFAIL_read) != VERDICT_done)
        return SQLITE_IOERR_READ;
    size_t from = (size_t)offset, wanted = (size_t)size;
    size_t rest = from < image->size ? image->size - from : 0;
    size_t there = rest < wanted ? rest : wanted;
    if (there > 0)
        memcpy(to, image->at + from, there);
    if (there == wanted)
        return SQLITE_OK;
    memset((uint8_t *)to + there, 0, wanted - there);
    return SQLITE_IOERR_SHORT_READ;
}

static int write_file(sqlite3_file *base, const void *from, int size, sqlite3_int64 offset) {
    struct handle *handle = (struct handle *)base;
    enum verdict verdict = disk_judge(handle->disk, POWERFAIL_write);
    size_t written = (size_t)size;
    if (handle->disk->is_dark && verdict != VERDICT_fades)
        written = 0;
    else if (verdict == VERDICT_fails || verdict == VERDICT_full)
        written = disk_below(handle->disk, (uint32_t)size);
    if (written > 0)
        file_write(handle->file, from, written, (size_t)offset);
    if (verdict == VERDICT_done)
        return SQLITE_OK;
    return verdict == VERDICT_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int truncate_file(sqlite3_file *base, sqlite3_int64 size) {
    struct handle *handle = (struct handle *)base;
    enum verdict verdict = disk_judge(handle->disk, POWERFAIL_truncate);
    if (verdict == VERDICT_done || verdict == VERDICT_fades)
        file_truncate(handle->file, (size_t)size);
    return verdict == VERDICT_done ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int sync_file(sqlite3_file *base, int flags) {
    struct handle *handle = (struct handle *)base;
    struct powerfail_disk *disk = handle->disk;
    enum verdict verdict = disk_judge(disk, POWERFAIL_sync);
    (void)flags;
    if (verdict != VERDICT_done) {
        if (!disk->is_dark)
            file_lose(disk, handle->file);
        return SQLITE_IOERR_FSYNC;
    }
    if (disk->mode == POWERFAIL_lying)
        return SQLITE_OK;
    file_sync(handle->file);
    if (handle->syncs_folder)
        disk_sync_folder(disk);
    handle->syncs_folder = false;
    return SQLITE_OK;
}

static int size_file(sqlite3_file *base, sqlite3_int64 *size) {
    struct handle *handle = (struct handle *)base;
    if (disk_judge(handle->disk, POWERFAIL_read) != VERDICT_done)
        return SQLITE_IOERR_FSTAT;
    *size = (sqlite3_int64)handle->file->now.size;
    return SQLITE_OK;
}

// Whether any connection, this one left out, holds that lock or a higher one.
static bool is_held(const struct handle *handle, int level) {
    uint32_t count = 0;
    for (int i = level; i <= SQLITE_LOCK_EXCLUSIVE; i++)
        count += handle->file->locks[i];
    return count > (handle->lock >= level ? 1 : 0);
}

static void set_lock(struct handle *handle, int level) {
    handle->file->locks[handle->lock]--;
    handle->file->locks[level]++;
    handle->lock = level;
}

static int lock_file(sqlite3_file *base, int level) {
    struct handle *handle = (struct handle *)base;
    if (level <= handle->lock)
        return SQLITE_OK;
    if (is_held(handle, level == SQLITE_LOCK_SHARED      ? SQLITE_LOCK_PENDING
                        : level == SQLITE_LOCK_EXCLUSIVE ? SQLITE_LOCK_SHARED
                                                         : SQLITE_LOCK_RESERVED))
        return SQLITE_BUSY;
    set_lock(handle, level);
    return SQLITE_OK;
}

static int unlock_file(sqlite3_file *base, int level) {
    struct handle *handle = (struct handle *)base;
    if (level < handle->lock)
        set_lock(handle, level);
    return SQLITE_OK;
}

static int ask_reserved(sqlite3_file *base, int *is_reserved) {
    *is_reserved = is_held((struct handle *)base, SQLITE_LOCK_RESERVED);
    return SQLITE_OK;
}

static int control_file(sqlite3_file *base, int what, void *data) {
    (void)base;
    if (what != SQLITE_FCNTL_MMAP_SIZE)
        return SQLITE_NOTFOUND;
    *(sqlite3_int64 *)data = 0; // nothing is mapped, whatever was asked for
    return SQLITE_OK;
}

static int ask_sector_bytes(sqlite3_file *base) {
    (void)base;
    return FILESYSTEM_SECTOR_BYTES;
}

static int ask_character(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

// Memory beside the file, of which a cut leaves nothing.
static int map_shared(sqlite3_file *base, int at, int size, int is_extending, void volatile **to) {
    struct file *file = ((struct handle *)base)->file;
    uint32_t wanted = (uint32_t)at + 1;
    *to = NULL;
    if (file->shared_count < wanted && !is_extending)
        return SQLITE_OK;
    if (file->shared_count < wanted)
        file->shared = mem_grow(file->shared, wanted * sizeof(*file->shared));
    while (file->shared_count < wanted)
        file->shared[file->shared_count++] = mem_new((size_t)size);
    *to = file->shared[at];
    return SQLITE_OK;
}

static void free_shared_lock(struct handle *handle, int at) {
    uint8_t bit = (uint8_t)(1u << at);
    if (handle->reads & bit)
        handle->file->readers[at]--;
    if (handle->writes & bit)
        handle->file->writers[at]--;
    handle->reads &= (uint8_t)~bit;
    handle->writes &= (uint8_t)~bit;
}

static bool may_share(const struct handle *handle, int at, bool is_write) {
    uint8_t bit = (uint8_t)(1u << at);
    int readers = handle->file->readers[at] - ((handle->reads & bit) != 0);
    int writers = handle->file->writers[at] - ((handle->writes & bit) != 0);
    return writers == 0 && (!is_write || readers == 0);
}

static int lock_shared(sqlite3_file *base, int offset, int count, int flags) {
    struct handle *handle = (struct handle *)base;
    bool is_write = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (int i = offset; i < offset + count; i++)
        if ((flags & SQLITE_SHM_LOCK) && !may_share(handle, i, is_write))
            return SQLITE_BUSY;
    for (int i = offset; i < offset + count; i++) {
        free_shared_lock(handle, i);
        if (!(flags & SQLITE_SHM_LOCK))
            continue;
        *(is_write ? &handle->writes : &handle->reads) |= (uint8_t)(1u << i);
        (is_write ? handle->file->writers : handle->file->readers)[i]++;
    }
    return SQLITE_OK;
}

static void order_shared(sqlite3_file *base) {
    (void)base;
}

static int unmap_shared(sqlite3_file *base, int is_deleted) {
    (void)is_deleted;
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++)
        free_shared_lock((struct handle *)base, i);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_file,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = ask_reserved,
    .xFileControl = control_file,
    .xSectorSize = ask_sector_bytes,
    .xDeviceCharacteristics = ask_character,
    .xShmMap = map_shared,
    .xShmLock = lock_shared,
    .xShmBarrier = order_shared,
    .xShmUnmap = unmap_shared,
};

// ---- the file system ----------------------------------------------------------------------------

static int open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out) {
    struct handle *handle = (struct handle *)base;
    const char *name = path ? path : "";
    struct file *file = disk_find(mounted, name);
    (void)vfs;
    *handle = (struct handle){.disk = mounted};
    enum verdict verdict = disk_judge(mounted, file ? POWERFAIL_open : POWERFAIL_create);
    bool may_make = (flags & SQLITE_OPEN_CREATE) != 0;
    if (!file && may_make && (verdict == VERDICT_done || verdict == VERDICT_fades))
        file = disk_make(mounted, name);
    if (verdict != VERDICT_done || !file)
        return verdict == VERDICT_full ? SQLITE_FULL : SQLITE_CANTOPEN;
    file->opens++;
    file->locks[SQLITE_LOCK_NONE]++;
    handle->file = file;
    handle->syncs_folder = may_make && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
    handle->is_deleted_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    handle->base.pMethods = &methods;
    if (out)
        *out = flags;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int syncs_folder) {
    struct file *file = disk_find(mounted, name);
    (void)vfs;
    if (!file)
        return mounted->is_dark ? SQLITE_IOERR_DELETE : SQLITE_IOERR_DELETE_NOENT;
    enum verdict verdict = disk_judge(mounted, POWERFAIL_delete);
    if (verdict == VERDICT_done || verdict == VERDICT_fades)
        disk_unlist(mounted, file);
    if (verdict != VERDICT_done)
        return SQLITE_IOERR_DELETE;
    if (syncs_folder && mounted->mode == POWERFAIL_honest)
        disk_sync_folder(mounted);
    return SQLITE_OK;
}

static int access_file(sqlite3_vfs *vfs, const char *name, int flags, int *is_there) {
    const struct file *file = disk_find(mounted, name);
    (void)vfs;
    // As SQLite's own: an empty file is as good as none, where it is asked whether one exists.
    *is_there = file && (flags != SQLITE_ACCESS_EXISTS || file->now.size > 0);
    return mounted->is_dark ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int full_name(sqlite3_vfs *vfs, const char *name, int size, char *to) {
    (void)vfs;
    size_t length = strlen(name);
    if (length >= (size_t)size)
        return SQLITE_CANTOPEN;
    memcpy(to, name, length + 1);
    return SQLITE_OK;
}

static int draw_bytes(sqlite3_vfs *vfs, int size, char *to) {
    (void)vfs;
    for (int i = 0; i < size; i++)
        to[i] = (char)disk_below(mounted, 256);
    return size;
}

static int sleep_us(sqlite3_vfs *vfs, int us) {
    (void)vfs;
    return us;
}

// Nobody stores what SQLite thinks the time is; it stands still.
static int tell_time(sqlite3_vfs *vfs, sqlite3_int64 *julian_ms) {
    (void)vfs;
    *julian_ms = 212700000000000;
    return SQLITE_OK;
}

static int last_error(sqlite3_vfs *vfs, int size, char *to) {
    (void)vfs;
    (void)size;
    (void)to;
    return 0;
}

void powerfail_register(void) {
    static sqlite3_vfs vfs = {
        .iVersion = 2,
        .szOsFile = (int)sizeof(struct handle),
        .mxPathname = 120,
        .zName = "powerfail",
        .xOpen = open_file,
        .xDelete = delete_file,
        .xAccess = access_file,
        .xFullPathname = full_name,
        .xRandomness = draw_bytes,
        .xSleep = sleep_us,
        .xGetLastError = last_error,
        .xCurrentTimeInt64 = tell_time,
    };
    (void)sqlite3_vfs_register(&vfs, 1);
}
