// The files that are submitted: single calls, conversations, refused and blank lines.
#include "common/id.h"
#include "tests/broker-sim/world.h"

#include <stdio.h>

static const char *const billed[] = {"retry", "park", "fail"};
static const char *const unanswered[] = {"stop", "skip", "fail", "skip"};

static void write_line(struct submission *file, uint32_t at, uint32_t line,
                       uint32_t last[CONVERSATIONS], uint32_t turns[CONVERSATIONS],
                       bool is_stopped[CONVERSATIONS]) {
    struct file_line *to = &file->lines[line];
    struct dice *dice = &world.chance;
    memset(to, 0, sizeof(*to));
    to->turn = 1;
    to->is_blank = draw_chance(dice, 60);
    if (to->is_blank) {
        (void)snprintf(to->raw, LINE_ROOM, "\n");
        return;
    }
    (void)snprintf(to->raw, LINE_ROOM, "{\"custom_id\":\"f%u-l%u\",\"what\":%llu%*s}\n", at, line,
                   (unsigned long long)draw(dice), (int)draw_below(dice, 60), "");
    to->job_id = uuid_new(1);
    to->is_refused = draw_chance(dice, 80);
    uint32_t conversation = draw_below(dice, CONVERSATIONS);
    if (conversation == 0)
        return;
    // As ingress does: behind a refused turn, later turns of the submission are refused.
    to->conversation = conversation;
    to->is_refused |= is_stopped[conversation];
    is_stopped[conversation] = to->is_refused;
    to->turn = ++turns[conversation];
    to->previous = last[conversation];
    last[conversation] = line;
}

void files_write(void) {
    bool has_policies = world.swarm.rate[FAULT_policy] > 0;
    for (uint32_t at = 0; at < FILES; at++) {
        struct submission *file = &world.files[at];
        uint32_t last[CONVERSATIONS] = {0}, turns[CONVERSATIONS] = {0};
        bool is_stopped[CONVERSATIONS] = {false};
        file->count = 1 + draw_below(&world.chance, LINES_MAX);
        file->client = CLIENT_away;
        file->has_stream = file->is_changed = file->may_be_cancelled = false;
        file->may_be_revived = false;
        file->accepted = file->sent_again = 0;
        file->number = 0;
        bytes_put_u64(file->batch_id.at, mix(world.seed, at + 5) | 1);
        bytes_put_u64(file->batch_id.at + 8, at + 1);
        file->back_ms = world.now_ms + 1 + draw_below(&world.chance, at == 0 ? 10 : 5000);
        file->priority = draw_below(&world.chance, PRIORITIES);
        file->attempts_max = world.swarm.attempts_max;
        (void)snprintf(file->key, sizeof(file->key), "key-%u", at);
        (void)snprintf(file->billed, sizeof(file->billed), "%s",
                       billed[has_policies ? draw_below(&world.chance, 3) : 0]);
        (void)snprintf(file->unanswered, sizeof(file->unanswered), "%s",
                       unanswered[has_policies ? draw_below(&world.chance, 4) : 0]);
        for (uint32_t line = 1; line <= file->count; line++)
            write_line(file, at, line, last, turns, is_stopped);
    }
}

struct bytes file_line_raw(const struct submission *file, uint32_t line) {
    // Its first line is another one; the digest of all that follows differs.
    if (file->is_changed && line == 1)
        return bytes_text("{\"custom_id\":\"changed\"}\n");
    return bytes_text(file->lines[line].raw);
}

static struct id conversation_id(uint32_t file, uint32_t conversation) {
    struct id id;
    bytes_put_u64(id.at, 0xc0 + file);
    bytes_put_u64(id.at + 8, mix(world.seed, file * 100 + conversation));
    return id;
}

void file_item(const struct submission *file, uint32_t line, struct put_item *item) {
    static const char *const conversations[CONVERSATIONS] = {"", "a", "b", "c"};
    static char custom_id[32];
    const struct file_line *from = &file->lines[line];
    uint32_t at = (uint32_t)(file - world.files);
    (void)snprintf(custom_id, sizeof(custom_id), "f%u-l%u", at, line);
    *item = (struct put_item){
        .line = line,
        .job_id = from->job_id,
        .conversation_id = from->job_id,
        .turn = from->turn,
        .custom_id = bytes_text(custom_id),
        .provider = bytes_text(line % 5 ? "p" : "q"),
        .api = bytes_text("chat"),
        .key = bytes_text("k"),
        .model = bytes_text(line % 3 ? "m" : "n"),
        .cost_max_pusd = 1000,
    };
    if (from->is_refused)
        item->refused = bytes_text("bad");
    if (from->conversation) {
        item->conversation = bytes_text(conversations[from->conversation]);
        item->conversation_id = conversation_id(at, from->conversation);
    }
}

uint32_t file_of_batch(struct id batch_id) {
    for (uint32_t at = 0; at < FILES; at++)
        if (!id_is_none(batch_id) && id_equal(world.files[at].batch_id, batch_id))
            return at;
    return FILES;
}
