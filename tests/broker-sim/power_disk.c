// The broker's disk as a disk: the real journal over SQLite, on a file system that loses power. A
// broker that dies may take the power with it: then what it had not synced is lost or torn.
#include "common/lock.h"
#include "tests/broker-sim/world.h"
#include "tests/power/powerfail_disk.h"

enum { CHANGES_BETWEEN_CUTS = 400, EMPTY_BYTES = 160 << 10 };

static struct powerfail_disk *disk;

void disk_open(void) {
    powerfail_register();
}

void disk_shut(void) {
    powerfail_disk_free(disk);
    disk = NULL;
}

const char *disk_folder(void) {
    return "/world";
}

uint64_t disk_empty_bytes(void) {
    return EMPTY_BYTES;
}

// The world starts no second broker.
enum err lock_take(const char *path, int *lock) {
    (void)path;
    *lock = -1;
    return ERR_OK;
}

void lock_drop(int lock) {
    (void)lock;
}

static bool loses_power(void) {
    return world.swarm.rate[FAULT_broker_crash] > 0;
}

// Power fails somewhere in the middle of what the journal writes.
static void plan_cut(void) {
    if (loses_power())
        powerfail_cut_at(disk, 1 + draw_below(&world.fault_dice, CHANGES_BETWEEN_CUTS));
}

void disk_reset(void) {
    powerfail_disk_free(disk);
    disk = powerfail_disk_new(world.seed, POWERFAIL_honest);
    powerfail_mount(disk);
}

bool disk_is_failing(void) {
    return powerfail_is_dark(disk) || powerfail_failures(disk) > 0;
}

void disk_crashed(void) {
    struct journal *journal = &world.loop.journal;
    // A process that is killed leaves the system's cache behind; a power cut does not. Either way
    // it writes nothing more, and its descriptors are closed for it.
    bool loses = disk->is_dark || draw_chance(&world.fault_dice, 500);
    disk->is_dark = true;
    if (journal->db.at)
        journal_close(journal);
    if (loses)
        powerfail_cut(disk);
    else
        powerfail_revive(disk);
    powerfail_fail(disk, (struct powerfail_fault){0});
    plan_cut();
    if (world.swarm.full_at_commit && draw_chance(&world.fault_dice, 300))
        powerfail_fail(disk, (struct powerfail_fault){
                                 .kinds = POWERFAIL_write,
                                 .at = 1 + draw_below(&world.fault_dice, CHANGES_BETWEEN_CUTS),
                                 .is_full = draw_chance(&world.fault_dice, 500)});
}

struct id disk_mark_of(uint64_t job) {
    static const char sql[] = "SELECT call FROM job WHERE number=?1 AND state IN (?2,?3,?4)";
    struct db *db = &world.loop.journal.db;
    sqlite3_stmt *select;
    struct id call = {{0}};
    if (!sqlite3_get_autocommit(db->at) || db_prepare(db, sql, &select) != ERR_OK)
        return call;
    db_bind_u64(select, 1, job);
    db_bind_u64(select, 2, JOB_LEASED);
    db_bind_u64(select, 3, JOB_ABORTING);
    db_bind_u64(select, 4, JOB_OVERTAKEN);
    if (db_step(select) == ERR_OK)
        call = db_id(select, 0);
    (void)sqlite3_finalize(select);
    return call;
}
