#include "tests/unit/accountant/world.h"

#include "common/id.h"
#include "common/wire.h"
#include "tests/unit/built_in.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

// Also the bench stands on this file, where Check's own macros do not work.
#define DEMAND(condition) demand((condition), #condition)

static void demand(bool is_so, const char *what) {
    if (is_so)
        return;
    (void)fprintf(stderr, "not so: %s\n", what);
    abort();
}

static const int64_t now_ms = 1795000000000;

static void open_ledger(struct world *world) {
    findex_init(&world->findex);
    DEMAND(ledger_open(&world->ledger, world->path, true, &world->findex, &world->figures,
                       now_ms) == ERR_OK);
    DEMAND(ledger_adopt(&world->ledger, world->catalogue, buf_bytes(&world->document)) == ERR_OK);
    DEMAND(inquirer_open(&world->inquirer, world->path, &world->findex, &world->figures) == ERR_OK);
}

static void close_ledger(struct world *world) {
    inquirer_close(&world->inquirer);
    ledger_close(&world->ledger);
    findex_release(&world->findex);
}

void world_open(struct world *world) {
    memset(world, 0, sizeof(*world));
    (void)snprintf(world->folder, sizeof(world->folder), "/tmp/colloq-ledger-XXXXXX");
    DEMAND(mkdtemp(world->folder) != NULL);
    (void)snprintf(world->path, sizeof(world->path), "%s/ledger.db", world->folder);
    buf_init(&world->document, CATALOGUE_BYTES_MAX);
    buf_put(&world->document, built_in.at, built_in.size);
    world->catalogue = built_in_catalogue();
    world->batch = uuid_new(now_ms);
    world->journal = uuid_new(now_ms);
    open_ledger(world);
}

void world_restart(struct world *world) {
    close_ledger(world);
    open_ledger(world);
}

void world_close(struct world *world) {
    char command[128];
    close_ledger(world);
    catalogue_free(world->catalogue);
    buf_release(&world->document);
    (void)snprintf(command, sizeof(command), "rm -rf %s", world->folder);
    DEMAND(system(command) == 0);
}

// ---- records ------------------------------------------------------------------------------------

struct id call_of(uint64_t n) {
    return call_id_make(n, 0x1122334455667788ull);
}

struct id job_of(uint64_t n) {
    struct id id;
    bytes_put_u64(id.at, 0x019384a5b6c77000ull | n >> 32);
    bytes_put_u64(id.at + 8, 0x8000000000000000ull | n);
    return id;
}

static void set_texts(struct telling *t, uint64_t n, bool is_turn) {
    (void)snprintf(t->custom_id, sizeof(t->custom_id), "line-%" PRIu64, n);
    if (is_turn)
        (void)snprintf(t->line, sizeof(t->line),
                       "{\"custom_id\":\"%s\",\"conversation\":\"%s\",\"input\":\"What is %" PRIu64
                       "?\",\"model\":\"openai/gpt-5-nano\"}",
                       t->custom_id, t->conversation, n);
    else
        (void)snprintf(t->line, sizeof(t->line),
                       "{\"custom_id\":\"%s\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\","
                       "\"body\":{\"model\":\"gpt-5-nano\",\"messages\":[{\"role\":\"user\","
                       "\"content\":\"What is %" PRIu64 "?\"}]}}",
                       t->custom_id, n);
    (void)snprintf(t->response_id, sizeof(t->response_id), "chatcmpl-%016" PRIx64,
                   (uint64_t)(n * 0x9e3779b97f4a7c15ull));
    (void)snprintf(t->request_id, sizeof(t->request_id), "req_%016" PRIx64,
                   (uint64_t)(n * 0xc2b2ae3d27d4eb4full));
    (void)snprintf(t->message, sizeof(t->message),
                   "{\"role\":\"assistant\",\"content\":\"It is %" PRIu64 ".\"}", n * 7);
    (void)snprintf(t->usage, sizeof(t->usage),
                   "{\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150,"
                   "\"prompt_tokens_details\":{\"cached_tokens\":20}}");
    (void)snprintf(t->metadata, sizeof(t->metadata),
                   "{\"id\":\"%s\",\"object\":\"chat.completion\",\"created\":1795000000,"
                   "\"model\":\"gpt-5-nano-2025-08-07\",\"usage\":%s,\"service_tier\":\"default\"}",
                   t->response_id, t->usage);
    (void)snprintf(t->body, sizeof(t->body),
                   "{\n  \"id\": \"%s\",\n  \"object\": \"chat.completion\",\n"
                   "  \"choices\": [{\"index\": 0, \"message\": %s,\"finish_reason\": \"stop\"}],\n"
                   "  \"usage\": %s\n}",
                   t->response_id, t->message, t->usage);
    (void)snprintf(t->headers, sizeof(t->headers),
                   "Content-Type: application/json\r\nx-request-id: %s\r\n"
                   "openai-processing-ms: 312\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n",
                   t->request_id);
}

static void set_facts(struct telling *t) {
    t->has_facts = true;
    t->facts = (struct facts_head){
        .finish = bytes_text("stop"),
        .finish_raw = bytes_text("stop"),
        .model = bytes_text("gpt-5-nano-2025-08-07"),
        .service_tier = bytes_text("default"),
        .message = bytes_text(t->message),
        .metadata = bytes_text(t->metadata),
        .usage = bytes_text(t->usage),
        .has_usage = true,
        .in_uncached = 80,
        .in_cached = 20,
        .in_cache_write = -1,
        .in_audio = -1,
        .out_visible = 50,
        .out_reasoning = 0,
        .out_audio = -1,
        .in_tool_use = -1,
        .in_image = -1,
        .out_image = -1,
        .total_stated = 150,
        .cost_stated_pusd = -1,
    };
    t->identifiers[0] = (struct facts_item){.kind = bytes_text("response_id"),
                                            .value = bytes_text(t->response_id),
                                            .path = bytes_text("$.id")};
    t->identifiers[1] = (struct facts_item){.kind = bytes_text("request_id"),
                                            .value = bytes_text(t->request_id),
                                            .path = bytes_text("header:x-request-id")};
    t->identifier_count = 2;
}

static void set_item(struct world *world, struct telling *t, uint64_t n, uint64_t turn) {
    bool is_turn = t->conversation[0] != 0;
    t->item = (struct record_item){
        .type = bytes_text("job"),
        .job = n,
        .job_id = job_of(n),
        .batch_id = world->batch,
        .conversation_id =
            is_turn ? uuid_named(world->batch, bytes_text(t->conversation)) : job_of(n),
        .turn = turn,
        .line = n,
        .custom_id = bytes_text(t->custom_id),
        .conversation = bytes_text(t->conversation),
        .provider = bytes_text("openai"),
        .api = bytes_text("chat"),
        .key = bytes_text("default"),
        .model = bytes_text("gpt-5-nano"),
        .batch = 1,
        .attempt = 1,
        .call = call_of(n),
        .marked_ms = now_ms,
        .cost_max_pusd = 5000000000,
        .ended = bytes_text("answered"),
        .class = bytes_text("success"),
        .status = 200,
        .bytes_left = true,
        .started_ms = now_ms + 3,
        .duration_ms = 412,
        .first_byte_ms = 400,
        .worker = bytes_text("worker-0"),
        .is_answer = true,
        .outcome = bytes_text("answered"),
        .revision = 1,
        .at_ms = now_ms + 500,
    };
    bytes_put_u64(t->item.digest.at, n);
}

void telling_answered(struct world *world, struct telling *t, uint64_t n, const char *name,
                      uint64_t turn) {
    memset(t, 0, sizeof(*t));
    (void)snprintf(t->conversation, sizeof(t->conversation), "%s", name ? name : "");
    set_texts(t, n, name != NULL);
    set_item(world, t, n, turn);
    set_facts(t);
    t->frames.line = bytes_text(t->line);
    t->frames.headers = bytes_text(t->headers);
    t->frames.body = bytes_text(t->body);
    buf_init(&t->facts_frame, FACTS_BYTES_MAX);
}

void telling_end(struct telling *t, const char *ended) {
    t->item.ended = bytes_text(ended);
    t->item.class = bytes_text("retryable");
    t->item.status = 0;
    t->item.is_answer = false;
    t->item.is_possibly_billed = strcmp(ended, "not_started") != 0;
    t->item.bytes_left = t->item.is_possibly_billed;
    t->item.outcome = bytes_text("");
    t->item.revision = 0;
    t->item.digest.at[8] = (uint8_t)ended[0];
    t->has_facts = false;
    t->frames.headers = t->frames.body = bytes_of(NULL, 0);
}

void telling_outcome(struct telling *t, const char *outcome, uint64_t revision) {
    telling_end(t, "not_started");
    t->item.attempt = 0;
    t->item.call = (struct id){{0}};
    t->item.ended = bytes_text("");
    t->item.outcome = bytes_text(outcome);
    t->item.outcome_reason = bytes_text("http_400");
    t->item.revision = revision;
}

void telling_batch(struct world *world, struct telling *t, const char *state, uint64_t revision,
                   uint64_t lines) {
    memset(t, 0, sizeof(*t));
    t->item = (struct record_item){
        .type = bytes_text("batch"),
        .batch_id = world->batch,
        .batch = 1,
        .revision = revision,
        .at_ms = now_ms,
        .batch_key = bytes_text("key-1"),
        .batch_name = bytes_text("prompts.jsonl"),
        .batch_tags = bytes_text("{\"team\":\"search\"}"),
        .batch_state = bytes_text(state),
        .batch_lines = lines,
    };
    buf_init(&t->facts_frame, FACTS_BYTES_MAX);
}

void telling_release(struct telling *t) {
    buf_release(&t->facts_frame);
}

void telling_seal(struct telling *t) {
    struct wire_writer writer;
    buf_reset(&t->facts_frame);
    if (t->has_facts) {
        wire_begin(&writer, &t->facts_frame, KIND_facts, &t->facts, (uint32_t)t->identifier_count);
        for (size_t i = 0; i < t->identifier_count; i++)
            wire_item(&writer, &t->identifiers[i]);
        DEMAND(wire_end(&writer) == ERR_OK);
    }
    t->frames.facts = buf_bytes(&t->facts_frame);
}

struct recorded_item world_tell(struct world *world, struct telling *t) {
    struct recorded_item told;
    if (t->item.number == 0)
        t->item.number = ++world->records;
    telling_seal(t);
    DEMAND(ledger_apply(&world->ledger, &t->item, &t->frames, 1, &told) == ERR_OK);
    DEMAND(ledger_commit(&world->ledger) == ERR_OK);
    DEMAND(told.number == t->item.number);
    t->item.number = 0;
    return told;
}

// ---- questions ----------------------------------------------------------------------------------

json_t *world_ask(struct world *world, const char *what, const char *arguments, ...) {
    char text[512];
    json_t *answer = NULL;
    char error[128];
    va_list args;
    va_start(args, arguments);
    (void)vsnprintf(text, sizeof(text), arguments, args);
    va_end(args);
    int exit = inquirer_ask(&world->inquirer, bytes_text(what), bytes_text(text));
    if (exit != 0)
        (void)fprintf(stderr, "%s %s: exit %d, %s\n", what, text, exit, world->inquirer.detail);
    DEMAND(exit == 0);
    if (json_parse(buf_bytes(&world->inquirer.answer), &answer, error, sizeof(error)) != ERR_OK)
        (void)fprintf(stderr, "%s: %s in %s\n", what, error, buf_cstr(&world->inquirer.answer));
    DEMAND(answer != NULL);
    return answer;
}

int64_t world_count(struct world *world, const char *sql) {
    sqlite3_stmt *row;
    DEMAND(db_prepare(&world->ledger.db, sql, &row) == ERR_OK);
    DEMAND(db_step(row) == ERR_OK);
    int64_t count = db_i64(row, 0);
    (void)sqlite3_finalize(row);
    return count;
}

void world_check(struct world *world) {
    json_t *check = world_ask(world, "check", "{}");
    bool is_ok = json_is_true(json_object_get(check, "is_ok"));
    if (!is_ok)
        (void)fprintf(stderr, "%s\n", buf_cstr(&world->inquirer.answer));
    DEMAND(is_ok);
    json_decref(check);
}
