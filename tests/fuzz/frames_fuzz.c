// Any sequence of messages into the broker's loop, over a real journal: every peer says whatever
// its schema permits, at any time, about jobs, calls and records that exist or do not. No promise
// of the core's asserts is broken, what is said is valid, and a restart finds its rows in order.
// The input is a list of steps: a byte for what happens, and bytes for its details.

#include "broker/loop.h"
#include "common/log.h"
#include "common/mem.h"
#include "tests/fuzz/frames_sock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 200, KNOWN = 8, STRUCT_WORDS = 512, FUZZ_ITEMS_MAX = 3, JOBS = 64 };
enum speaker { SPEAKER_ingress, SPEAKER_accountant, SPEAKER_worker, SPEAKER_extractor, SPEAKERS };

static const char *const roles[] = {"ingress", "accountant", "worker", "extractor"};
static char folder[] = "/dev/shm/colloq-frames-XXXXXX";
static struct bytes rest;
static struct loop *loop;

// Numbers that the loop has named, so that a peer can speak of them.
static struct {
    uint64_t jobs[KNOWN], asks[KNOWN], records[KNOWN];
    struct id calls[KNOWN];
    unsigned count;
    uint64_t key_asked; // the batch that waits for the accountant's word; 0: none
} known;

static uint8_t take(void) {
    if (rest.size == 0)
        return 0;
    uint8_t byte = *rest.at;
    rest = bytes_of(rest.at + 1, rest.size - 1);
    return byte;
}

static struct route route_of(enum speaker speaker) {
    return (struct route){.at = {(uint8_t)(1 + speaker)}, .size = 1};
}

static struct id process_of(enum speaker speaker) {
    return (struct id){{'p', (uint8_t)(1 + speaker)}};
}

// ---- what the loop says -------------------------------------------------------------------------

static bool hear(const struct route *route, struct wire_message *message) {
    uint64_t item[STRUCT_WORDS];
    enum kind kind = message->kind;
    (void)route;
    if (kind == KIND_key_ask && wire_head(message, item) == ERR_OK)
        known.key_asked = ((struct key_ask_head *)(void *)item)->batch;
    while (wire_next(message, item) == ERR_OK) {
        unsigned at = known.count++ % KNOWN;
        if (kind == KIND_lease) {
            known.jobs[at] = ((struct lease_item *)(void *)item)->job;
            known.calls[at] = ((struct lease_item *)(void *)item)->call;
        } else if (kind == KIND_prepare) {
            known.jobs[at] = ((struct prepare_item *)(void *)item)->job;
            known.asks[at] = ((struct prepare_item *)(void *)item)->ask;
        } else if (kind == KIND_extract) {
            known.records[at] = ((struct extract_item *)(void *)item)->record;
        } else if (kind == KIND_record) {
            known.records[at] = ((struct record_item *)(void *)item)->number;
        }
    }
    return true;
}

// ---- what the peers say -------------------------------------------------------------------------

static struct digest digest_held(void) {
    uint32_t batch = core_find_batch(loop->core, 1);
    return batch ? core_batch(loop->core, batch)->digest : (struct digest){{0}};
}

static struct bytes some_text(const char *name, size_t max) {
    static const char *const words[] = {
        "",          "openai",       "chat",       "default",
        "gpt",       "retry",        "park",       "fail",
        "answered",  "failed",       "unknown",    "not_started",
        "success",   "retryable",    "permanent",  "malformed",
        "lane_wide", "rate_limited", "http_429",   "worker",
        "ingress",   "extractor",    "accountant", "openai/default",
        "full",      "batch.cancel", "lane.pause", "lane.resume",
        "stat",      "queue.show",   "job.show",   "{\"batch\":1,\"id\":1,\"lane\":\"\"}"};
    uint8_t byte = take();
    struct bytes text = bytes_text(words[byte % (sizeof(words) / sizeof(words[0]))]);
    if (byte < 128 && strcmp(name, "provider") == 0)
        text = bytes_text("openai");
    if (byte < 128 && strcmp(name, "model") == 0)
        text = bytes_text("gpt");
    if (byte < 128 && strcmp(name, "key") == 0)
        text = bytes_text("default");
    return text.size <= max ? text : bytes_of(NULL, 0);
}

static uint64_t some_number(const char *name, uint64_t max) {
    uint8_t byte = take();
    uint64_t number = byte < 250 ? byte % 16 : byte == 255 ? INT64_MAX : 1ull << (byte - 200);
    unsigned at = byte % KNOWN;
    if (byte < 224 && strcmp(name, "boot") == 0)
        number = loop->boot;
    else if (byte < 224 && strcmp(name, "job") == 0)
        number = known.jobs[at];
    else if (byte < 224 && strcmp(name, "ask") == 0)
        number = known.asks[at];
    else if (byte < 224 && (strcmp(name, "record") == 0 || strcmp(name, "number") == 0))
        number = known.records[at];
    else if (byte < 224 && strcmp(name, "batch") == 0)
        number = 1;
    return max > 0 && number > max ? max : number;
}

static void fill_field(const struct field *field, enum speaker speaker, uint8_t *to) {
    struct id id = {{take()}};
    switch (field->type) {
    case FIELD_u64:
    case FIELD_i64:
        *(uint64_t *)(void *)to = some_number(field->name, field->max);
        break;
    case FIELD_flag:
        *(bool *)to = take() & 1;
        break;
    case FIELD_text:
    case FIELD_bin:
        *(struct bytes *)(void *)to = field->type == FIELD_text
                                          ? some_text(field->name, (size_t)field->max)
                                          : bytes_of(known.calls, sizeof(struct id));
        break;
    case FIELD_id:
        if (id.at[0] < 224 && strcmp(field->name, "process") == 0)
            id = process_of(speaker);
        else if (id.at[0] < 224 && strcmp(field->name, "call") == 0)
            id = known.calls[id.at[0] % KNOWN];
        memcpy(to, &id, sizeof(id));
        break;
    case FIELD_digest:
        memset(to, take() % 4, sizeof(struct digest));
        if (take() < 224)
            *(struct digest *)(void *)to = digest_held();
        break;
    }
}

static void fill(const struct shape *shape, enum speaker speaker, uint64_t *to) {
    memset(to, 0, STRUCT_WORDS * 8);
    for (size_t i = 0; i < shape->count; i++)
        if (shape->fields[i].need != NEED_optional || take() % 4 != 0)
            fill_field(&shape->fields[i], speaker, (uint8_t *)to + shape->fields[i].offset);
}

// A chunk that follows what the broker holds, if the input wants that.
static void mend_put(struct put_head *head, uint64_t items[FUZZ_ITEMS_MAX][STRUCT_WORDS],
                     uint32_t count) {
    uint32_t batch = core_find_batch(loop->core, 1);
    if (!batch || take() >= 224)
        return;
    head->first = core_batch(loop->core, batch)->accepted_through + 1;
    head->last = head->first + (count ? count - 1 : 0);
    head->before = digest_held();
    head->after.at[0] = (uint8_t)head->last;
    head->after.at[1] = 1;
    for (uint32_t i = 0; i < count; i++) {
        struct put_item *item = (struct put_item *)(void *)items[i];
        item->line = head->first + i;
        item->job_id.at[15] = (uint8_t)item->line;
        item->conversation_id.at[15] = (uint8_t)(1 + item->turn % 4);
        if (take() < 224)
            item->refused = bytes_of(NULL, 0);
        if (item->turn == 0)
            item->turn = 1;
    }
}

static void say(enum kind kind, enum speaker speaker) {
    const struct kind_info *info = wire_kind(kind);
    static uint64_t head[STRUCT_WORDS], items[FUZZ_ITEMS_MAX][STRUCT_WORDS];
    struct bytes frames[FUZZ_ITEMS_MAX * FRAMES_PER_ITEM_MAX];
    uint32_t count = info->item->count > 0 ? 1 + take() % FUZZ_ITEMS_MAX : 0;
    uint32_t frame_count = info->frames * (info->item->count > 0 ? count : 1);
    struct wire_writer writer;
    struct buf out;
    fill(info->head, speaker, head);
    for (uint32_t i = 0; i < count; i++)
        fill(info->item, speaker, items[i]);
    // An accountant of another ledger ends the process on purpose.
    struct hello_head *hello = (struct hello_head *)(void *)head;
    if (kind == KIND_hello && bytes_is(hello->role, "accountant"))
        hello->role = bytes_text("extractor");
    if (kind == KIND_put)
        mend_put((struct put_head *)(void *)head, items, count);
    for (uint32_t i = 0; i < frame_count; i++)
        frames[i] = bytes_text(take() & 1 ? "{\"choices\":[{}]}" : "");
    buf_init(&out, HEADER_BYTES_MAX);
    wire_begin(&writer, &out, kind, head, count);
    for (uint32_t i = 0; i < count; i++)
        wire_item(&writer, items[i]);
    enum err e = wire_end(&writer);
    assert(e == ERR_OK);
    struct route route = route_of(speaker);
    frames_put(&route, buf_bytes(&out), frames, frame_count);
    buf_release(&out);
}

// A hello of that role as it ought to be.
static void join(enum speaker speaker) {
    struct hello_head hello = {.role = bytes_text(roles[speaker]),
                               .name = bytes_text(roles[speaker]),
                               .process = process_of(speaker),
                               .slots = 4,
                               .keys = bytes_text("openai/default"),
                               .proves_death = true,
                               .simulated = true};
    if (speaker == SPEAKER_accountant) // the ledger of this journal: another one's ends the process
        hello.applied = core_counters(loop->core).recorded;
    struct heartbeat_head beat = {.boot = loop->boot, .process = process_of(speaker)};
    struct wire_writer writer;
    struct route route = route_of(speaker);
    struct buf out;
    buf_init(&out, HEADER_BYTES_MAX);
    wire_begin(&writer, &out, KIND_hello, &hello, 0);
    frames_put(&route, buf_bytes(&out), NULL, 0);
    wire_begin(&writer, &out, KIND_heartbeat, &beat, 0);
    frames_put(&route, buf_bytes(&out), NULL, 0);
    buf_release(&out);
}

// The accountant's word that a key is new, if the input wants that.
static void answer_key(void) {
    struct key_known_head answer = {.boot = loop->boot, .batch = known.key_asked};
    struct route route = route_of(SPEAKER_accountant);
    struct wire_writer writer;
    struct buf out;
    if (known.key_asked == 0 || take() >= 224)
        return;
    buf_init(&out, HEADER_BYTES_MAX);
    wire_begin(&writer, &out, KIND_key_known, &answer, 0);
    frames_put(&route, buf_bytes(&out), NULL, 0);
    buf_release(&out);
    known.key_asked = 0;
}

// Bytes as they are, for a header.
static void say_raw(enum speaker speaker) {
    size_t size = take() < rest.size ? rest.size / 2 : 0;
    struct route route = route_of(speaker);
    frames_put(&route, bytes_of(rest.at, size), NULL, 0);
    rest = bytes_of(rest.at + size, rest.size - size);
}

// ---- the loop -----------------------------------------------------------------------------------

static void open_loop(void) {
    struct conf conf = {
        .data = folder,
        .broker = "ipc://none",
        .simulated = true,
        .lane_concurrency = 2,
        .attempts_max = 2,
        .call_limit_ms = 10 * 1000,
        .jobs_max = JOBS,
        .journal_bytes_max = 64 << 20,
        .journal_folder = folder,
    };
    loop_open(loop, &conf);
    for (int speaker = 0; speaker < SPEAKERS; speaker++)
        join((enum speaker)speaker);
    loop_turn(loop, -1);
}

static void begin(void) {
    static const char *const files[] = {"journal.db", "journal.db-wal", "journal.db.lock"};
    char path[128];
    if (!loop) {
        loop = mem_new(sizeof(*loop));
        log_setup("fuzz", LOG_ERROR, false);
        if (!mkdtemp(folder))
            abort();
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    memset(&known, 0, sizeof(known));
    frames_said = hear;
    frames_now = (struct moment){.mono_ms = 1000000, .wall_ms = 1795000000000};
    open_loop();
}

static void step(uint8_t what) {
    static const struct {
        enum kind kind;
        enum speaker speaker;
    } kinds[] = {{KIND_open, SPEAKER_ingress},        {KIND_put, SPEAKER_ingress},
                 {KIND_put, SPEAKER_ingress},         {KIND_seal, SPEAKER_ingress},
                 {KIND_query, SPEAKER_ingress},       {KIND_heartbeat, SPEAKER_worker},
                 {KIND_end, SPEAKER_worker},          {KIND_end, SPEAKER_worker},
                 {KIND_extracted, SPEAKER_extractor}, {KIND_prepared, SPEAKER_accountant},
                 {KIND_recorded, SPEAKER_accountant}, {KIND_key_known, SPEAKER_accountant},
                 {KIND_hello, SPEAKER_worker}};
    enum { KINDS_SAID = sizeof(kinds) / sizeof(kinds[0]) };
    unsigned at = what % (KINDS_SAID + 4);
    if (at < KINDS_SAID) {
        enum speaker speaker = kinds[at].speaker;
        say(kinds[at].kind, take() < 240 ? speaker : (enum speaker)(take() % SPEAKERS));
    } else if (at == KINDS_SAID) {
        say_raw((enum speaker)(take() % SPEAKERS));
    } else if (at == KINDS_SAID + 1) {
        frames_now.mono_ms += (uint64_t)take() * 10;
        frames_now.wall_ms += take() * 10;
    } else if (at == KINDS_SAID + 2) {
        join((enum speaker)(take() % SPEAKERS));
    } else if (take() % 4 == 0) { // the rows are in order
        loop_close(loop);
        open_loop();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rest = bytes_of(data, size);
    begin();
    for (int i = 0; i < STEPS_MAX && rest.size > 0 && !loop->stop_why; i++) {
        answer_key();
        step(take());
        frames_now.mono_ms++;
        if (take() % 4 != 0 || i % 16 == 15)
            loop_turn(loop, -1);
    }
    if (!loop->stop_why)
        loop_turn(loop, -1);
    loop_close(loop);
    return 0;
}
