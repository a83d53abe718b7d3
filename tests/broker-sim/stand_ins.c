// What stands in for clock, chance, log and memory of a process: the same headers, another world.
#include "common/clock.h"
#include "common/id.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/reserve.h"
#include "tests/broker-sim/world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sysexits.h>

// ---- clock.h ------------------------------------------------------------------------------------

enum { WALL_START_MS = 1795000000 };

struct moment clock_now(void) {
    const struct process *running = world.running;
    int64_t wall_ms = (int64_t)world.now_ms + WALL_START_MS * 1000ll;
    return (struct moment){
        .mono_ms = running ? process_clock_ms(running) : world.now_ms,
        .wall_ms = wall_ms + (running ? running->wall_ms : 0),
    };
}

uint64_t clock_cpu_us(void) {
    return world.now_ms; // a figure for people, which nothing hangs on
}

// ---- id.h, the part of random.c -----------------------------------------------------------------

uint64_t random_u64(void) {
    return draw(&world.kernel_dice);
}

struct id uuid_new(int64_t wall_ms) {
    struct id id;
    bytes_put_u64(id.at, (uint64_t)wall_ms << 16 | 0x7000u | (random_u64() & 0xfffu));
    bytes_put_u64(id.at + 8, random_u64() >> 2 | 1ull << 63);
    return id;
}

// ---- log.h --------------------------------------------------------------------------------------

void log_setup(const char *program, enum log_level least, bool is_json) {
    (void)program;
    (void)least;
    (void)is_json;
}

void log_line(enum log_level level, const char *event, const char *format, ...) {
    if (strcmp(event, "alarm.raised") == 0)
        PROMISE(world.has_two_of_a_name, "an alarm is raised, and all is well");
    if (strcmp(event, "alarm.raised") == 0)
        world.outliving = 0;
    if (!world.is_loud || level == LOG_DEBUG)
        return;
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tell("says %s %s", event, text);
}

void fatal(int code, const char *event, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    PROMISE((code == EX_IOERR || code == EX_TEMPFAIL) && disk_is_failing(),
            "%s ends with %d: %s %s", world.running ? process_name(world.running) : "the world",
            code, event, text);
    TELL("ends with %d: %s %s", code, event, text);
    process_dies(event);
}

// ---- mem.h --------------------------------------------------------------------------------------

// Stands before each block, so that a process can be freed of all that it held when it died.
struct block {
    struct block *next, *previous;
    struct process *owner;
    size_t size;
};

static struct process nobody;

static void link_block(struct block *block, struct process *owner) {
    block->owner = owner;
    block->previous = NULL;
    block->next = owner->blocks;
    if (owner->blocks)
        owner->blocks->previous = block;
    owner->blocks = block;
}

static void unlink_block(struct block *block) {
    if (block->previous)
        block->previous->next = block->next;
    else
        block->owner->blocks = block->next;
    if (block->next)
        block->next->previous = block->previous;
}

static void *new_for(struct process *owner, size_t size) {
    struct block *block = calloc(1, sizeof(*block) + size);
    if (!block)
        abort();
    block->size = size;
    link_block(block, owner);
    return block + 1;
}

void *mem_new(size_t size) {
    return new_for(world.running ? world.running : &nobody, size);
}

// For what is no part of the process that asks for it: the bytes of a disk.
void *lasting_new(size_t size) {
    return new_for(&nobody, size);
}

void *lasting_grow(void *at, size_t size) {
    return at ? mem_grow(at, size) : lasting_new(size);
}

void *mem_array(size_t count, size_t size) {
    return mem_new(count * size);
}

void *mem_grow(void *at, size_t size) {
    if (!at)
        return mem_new(size);
    struct block *block = (struct block *)at - 1;
    struct process *owner = block->owner;
    unlink_block(block);
    block = realloc(block, sizeof(*block) + size);
    if (!block)
        abort();
    block->size = size;
    link_block(block, owner);
    return block + 1;
}

char *mem_copy(const void *at, size_t size) {
    char *copy = mem_new(size + 1);
    if (size > 0)
        memcpy(copy, at, size);
    return copy;
}

void mem_free(void *at) {
    if (!at)
        return;
    struct block *block = (struct block *)at - 1;
    unlink_block(block);
    free(block);
}

void mem_refused(const char *library) {
    broken("%s was refused memory", library);
}

void mem_fail_at(uint64_t n) {
    (void)n;
}

int64_t mem_held(void) {
    return 0;
}

void memory_drop(struct process *process) {
    while (process->blocks) {
        struct block *block = process->blocks;
        unlink_block(block);
        free(block);
    }
}

uint64_t memory_held(const struct process *process) {
    uint64_t blocks = 0;
    for (const struct block *block = process->blocks; block; block = block->next)
        blocks++;
    return blocks;
}

// ---- reserve.h ----------------------------------------------------------------------------------

// The file is either there or not; the rule is the real one.
static void look(struct reserve *reserve, bool is_start, uint64_t now_ms) {
    uint64_t held = reserve->is_closed || is_start ? 0 : reserve->bytes;
    uint64_t free = world.disk_free_bytes;
    bool was_closed = reserve->is_closed;
    reserve->is_closed = reserve_is_short(reserve, is_start, free, held);
    if (reserve->is_closed != was_closed)
        TELL("the disk has %llu bytes left: %s", (unsigned long long)free,
             reserve->is_closed ? "closed" : "open");
    reserve->free_bytes = free;
    reserve->looked_ms = now_ms;
}

void reserve_open(struct reserve *reserve, const char *path, uint64_t bytes, uint64_t now_ms) {
    (void)path;
    *reserve = (struct reserve){.bytes = bytes};
    look(reserve, true, now_ms);
}

bool reserve_look(struct reserve *reserve, uint64_t now_ms) {
    if (now_ms - reserve->looked_ms < RESERVE_LOOK_MS)
        return false;
    look(reserve, false, now_ms);
    return true;
}

// ---- what the broker maps, and how large its core is --------------------------------------------

static void *mapped;
static size_t mapped_size;

void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
int __real_munmap(void *at, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void *at, size_t size);

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
    PROMISE(!mapped, "the broker maps memory twice");
    mapped = __real_mmap(at, size, protection, flags, file, offset);
    mapped_size = size;
    return mapped;
}

int __wrap_munmap(void *at, size_t size) {
    if (at != mapped)
        return __real_munmap(at, size);
    mapped = NULL;
    return __real_munmap(at, size);
}

void maps_drop(void) {
    if (mapped)
        (void)__real_munmap(mapped, mapped_size);
    mapped = NULL;
}

size_t __real_core_size(const struct core_config *config);
struct core *__real_core_init(void *memory, const struct core_config *config);
size_t __wrap_core_size(const struct core_config *config);
struct core *__wrap_core_init(void *memory, const struct core_config *config);

// The world's limits in place of those that no setting has.
static struct core_config smaller(const struct core_config *config) {
    struct core_config small = *config;
    small.records_max = world.records_max;
    small.flows_max = 256;
    return small;
}

size_t __wrap_core_size(const struct core_config *config) {
    struct core_config small = smaller(config);
    return __real_core_size(&small);
}

struct core *__wrap_core_init(void *memory, const struct core_config *config) {
    struct core_config small = smaller(config);
    return __real_core_init(memory, &small);
}

// ---- assert.h -----------------------------------------------------------------------------------

void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function) {
    broken("%s:%u: %s: assertion failed: %s", file, line, function, assertion);
}
