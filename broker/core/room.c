// The journal's room: what is used, what the answers of the calls that are out will need, and who
// may still have some. Lines may take 60 % of it. A call leaves only if its answer will find room
// beside those of all that are out. Ends and deletions are never asked.
#include "broker/core/state.h"

enum {
    LINE_ROOM = 512,     // of a job beside its line
    RECORD_ROOM = KIB,   // of a record beside its answer
    PAGE_BYTES = 4 * KIB // what a record takes is whole pages, since its neighbours rarely fit in
};

static uint64_t record_room(uint64_t bytes) {
    return (bytes + RECORD_ROOM + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static uint64_t lines_room(uint64_t bytes, uint32_t count) {
    return bytes + (uint64_t)count * LINE_ROOM;
}

void core_space(struct core *core, uint64_t used_bytes, uint64_t budget_bytes) {
    core->space_used = used_bytes;
    core->space_budget = budget_bytes;
}

void core_close(struct core *core, bool is_closed) {
    core->is_closed = is_closed;
}

static bool fits(const struct core *core, uint64_t bytes, uint64_t room) {
    return core->space_used <= room && bytes <= room - core->space_used;
}

bool lines_have_room(const struct core *core, uint64_t bytes, uint32_t count) {
    return fits(core, lines_room(bytes, count), core->space_budget / 5 * 3);
}

void lines_take_room(struct core *core, uint64_t bytes, uint32_t count) {
    core->space_used += lines_room(bytes, count);
}

void record_takes_room(struct core *core, uint64_t bytes) {
    core->space_used += record_room(bytes);
}

bool follow_ups_have_room(const struct core *core) {
    return !core->is_closed && fits(core, core->answers_room + record_room(0), core->space_budget);
}

bool answer_has_room(const struct core *core, const struct lane *lane) {
    return fits(core, core->answers_room + lane->answer_room, core->space_budget);
}

void lane_opens_mark(struct core *core, struct lane *lane) {
    lane->marks++;
    core->answers_room += lane->answer_room;
}

void lane_closes_mark(struct core *core, struct lane *lane) {
    lane->marks--;
    core->answers_room -= lane->answer_room;
}

void lane_expects(struct core *core, struct lane *lane) {
    uint64_t room = record_room(sizes_high(&lane->sizes));
    core->answers_room += lane->marks * room;
    core->answers_room -= lane->marks * lane->answer_room;
    lane->answer_room = room;
}

void lane_learns_size(struct core *core, struct lane *lane, uint64_t bytes) {
    sizes_add(&lane->sizes, bytes);
    lane_expects(core, lane);
}
