// doctor: the folders, their disks, and what kind of money lies in them.
#include "common/clock.h"
#include "common/reserve.h"
#include "tools/doctor.h"
#include "tools/render.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SYNCS = 5, SLOW_US = 50 * 1000, PATH_SIZE = 4200, PAGE_BYTES = 4096 };

// ---- file systems -------------------------------------------------------------------------------

static const struct system {
    unsigned long magic;
    const char *name;
    enum finding finding;
} systems[] = {
    {EXT4_SUPER_MAGIC, "ext", FINDING_ok},
    {XFS_SUPER_MAGIC, "xfs", FINDING_ok},
    {BTRFS_SUPER_MAGIC, "btrfs", FINDING_ok},
    {F2FS_SUPER_MAGIC, "f2fs", FINDING_ok},
    {0x2fc12fc1, "zfs", FINDING_ok},
    {OVERLAYFS_SUPER_MAGIC, "overlay", FINDING_note},
    {TMPFS_MAGIC, "tmpfs", FINDING_note},
    {0x65735546, "fuse", FINDING_note},
    {NFS_SUPER_MAGIC, "NFS", FINDING_problem},
    {SMB_SUPER_MAGIC, "SMB", FINDING_problem},
    {0xfe534d42, "SMB", FINDING_problem},
    {0xff534d42, "CIFS", FINDING_problem},
    {CEPH_SUPER_MAGIC, "Ceph", FINDING_problem},
    {AFS_SUPER_MAGIC, "AFS", FINDING_problem},
    {V9FS_MAGIC, "9p", FINDING_problem},
};

static void check_system(struct doctor *doctor, const char *area, const char *folder) {
    struct statfs disk;
    static const char *const advice[] = {
        [FINDING_note] = "it may not outlive a restart of the machine, or not honour fsync",
        [FINDING_problem] =
            "locks and the write-ahead log need a local disk; choose another folder",
    };
    if (statfs(folder, &disk) != 0)
        return;
    unsigned long magic = (unsigned long)disk.f_type & 0xffffffff;
    for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
        if (systems[i].magic == magic) {
            enum finding finding = systems[i].finding;
            doctor_add(doctor, area, "file system", finding,
                       doctor_text("%s%s", systems[i].name,
                                   finding == FINDING_problem ? ", not local" : ""),
                       NULL, advice[finding]);
            return;
        }
    doctor_add(doctor, area, "file system", FINDING_note, doctor_text("0x%lx, unknown", magic),
               NULL, "see that it is a local one that honours fsync");
}

// ---- room, and syncs ----------------------------------------------------------------------------

static void check_room(struct doctor *doctor, const char *area, const char *folder,
                       uint64_t reserve_bytes) {
    char text[SHORT_TEXT_SIZE], other[SHORT_TEXT_SIZE];
    uint64_t free_bytes = disk_free(folder);
    bool is_short = free_bytes < 2 * reserve_bytes;
    bool is_tight = free_bytes < 16 * reserve_bytes;
    doctor_add(doctor, area, "free",
               is_short   ? FINDING_problem
               : is_tight ? FINDING_note
                          : FINDING_ok,
               size_text((int64_t)free_bytes, text), NULL,
               is_short || is_tight ? doctor_text("below %s nothing new is taken in; make room",
                                                  size_text((int64_t)(2 * reserve_bytes), other))
                                    : NULL);
}

static int by_size(const void *a, const void *b) {
    uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;
    return (one > two) - (one < two);
}

// The median of a few syncs of a small file. False: errno says why.
static bool measure_sync(const char *folder, uint64_t *median_us) {
    char path[PATH_SIZE];
    static const uint8_t page[PAGE_BYTES];
    uint64_t took[SYNCS] = {0};
    (void)snprintf(path, sizeof(path), "%s/doctor-XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return false;
    (void)unlink(path);
    bool is_good = true;
    for (int i = 0; is_good && i < SYNCS; i++) {
        uint64_t began = clock_mono_us();
        is_good = write(fd, page, sizeof(page)) == (ssize_t)sizeof(page) && fsync(fd) == 0;
        took[i] = clock_mono_us() - began;
    }
    int why = errno;
    (void)close(fd);
    errno = why;
    qsort(took, SYNCS, sizeof(took[0]), by_size);
    *median_us = took[SYNCS / 2];
    return is_good;
}

static void check_sync(struct doctor *doctor, const char *area, const char *folder) {
    uint64_t us = 0;
    if (!measure_sync(folder, &us)) {
        doctor_add(doctor, area, "fsync", FINDING_problem, strerror(errno), folder,
                   "make the folder writable for who runs colloq");
        return;
    }
    doctor_add(doctor, area, "fsync", us > SLOW_US ? FINDING_note : FINDING_ok,
               doctor_text("%.2f ms", (double)us / 1000), NULL,
               us > SLOW_US ? "a slow disk; journal and ledger each sync before they answer"
                            : NULL);
}

// ---- folders ------------------------------------------------------------------------------------

static void check_rights(struct doctor *doctor, const char *area, const char *folder,
                         const char *origin) {
    struct stat info;
    if (stat(folder, &info) != 0) {
        doctor_add(
            doctor, area, "folder", errno == ENOENT ? FINDING_note : FINDING_problem,
            doctor_text("%s: %s", folder, errno == ENOENT ? "not made yet" : strerror(errno)),
            origin, NULL);
        return;
    }
    bool is_ours = info.st_uid == geteuid(), is_open = (info.st_mode & 077) != 0;
    const char *why = !S_ISDIR(info.st_mode) ? ": no folder"
                      : !is_ours             ? ": another user's"
                      : is_open              ? ": others may enter it"
                                             : "";
    doctor_add(doctor, area, "folder", *why ? FINDING_problem : FINDING_ok,
               doctor_text("%s%s", folder, why), origin,
               !*why     ? NULL
               : is_ours ? doctor_text("chmod 700 %s", folder)
                         : "run colloq as its owner, or choose another folder");
}

// The folder itself, or that above it where it is to be made.
static const char *standing(const char *folder) {
    char *path = (char *)doctor_text("%s", folder);
    struct stat info;
    while (stat(path, &info) != 0) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            return "/";
        *slash = 0;
    }
    return path;
}

static void check_folder(struct doctor *doctor, const char *area, const char *folder,
                         const char *origin, uint64_t reserve_bytes) {
    check_rights(doctor, area, folder, origin);
    const char *place = standing(folder);
    check_system(doctor, area, place);
    check_room(doctor, area, place, reserve_bytes);
    // Where there is no folder yet, none above it is written to.
    if (strcmp(place, folder) == 0)
        check_sync(doctor, area, folder);
}

// ---- the kind of money --------------------------------------------------------------------------

// 0 or 1 as the file says; -1: it is not there, or does not say.
static int kind_of(const char *folder, const char *name, const char *query) {
    char path[PATH_SIZE];
    sqlite3 *file = NULL;
    sqlite3_stmt *row = NULL;
    int kind = -1;
    // Read as it lies, without its log and its locks: the row was written once, at its creation.
    (void)snprintf(path, sizeof(path), "file:%s/%s?immutable=1", folder, name);
    if (sqlite3_open_v2(path, &file, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(file, query, -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW)
        kind = sqlite3_column_int(row, 0);
    (void)sqlite3_finalize(row);
    (void)sqlite3_close(file);
    return kind;
}

static void check_kind(struct doctor *doctor, const char *area, int kind) {
    const struct conf *conf = doctor->call->conf;
    if (kind < 0)
        return;
    bool fits = (kind != 0) == conf->simulated;
    doctor_add(doctor, area, "money", fits ? FINDING_ok : FINDING_problem,
               kind ? "simulated" : "real",
               doctor_text("simulate: %s, %s", conf->simulated ? "true" : "false",
                           conf_origin(conf, &conf->simulated)),
               fits   ? NULL
               : kind ? "give --simulate, or name another folder with --data"
                      : "leave out --simulate, or name another folder with --data");
}

void doctor_folders(struct doctor *doctor) {
    const struct conf *conf = doctor->call->conf;
    bool has_journal = strcmp(conf->journal_folder, conf->data) != 0;
    bool has_ledger = strcmp(conf->ledger_folder, conf->data) != 0;
    check_folder(doctor, "data", conf->data, conf_origin(conf, &conf->data),
                 conf->journal_reserve_bytes);
    if (has_journal)
        check_folder(doctor, "journal", conf->journal_folder,
                     conf_origin(conf, &conf->journal_folder), conf->journal_reserve_bytes);
    check_kind(doctor, "journal",
               kind_of(conf->journal_folder, "journal.db", "SELECT simulated FROM meta"));
    if (has_ledger)
        check_folder(doctor, "ledger", conf->ledger_folder, conf_origin(conf, &conf->ledger_folder),
                     conf->ledger_reserve_bytes);
    check_kind(doctor, "ledger",
               kind_of(conf->ledger_folder, "ledger.db", "SELECT simulated FROM ledger"));
}
