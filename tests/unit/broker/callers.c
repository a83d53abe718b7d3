#include "tests/unit/broker/callers.h"

#include "common/mem.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];
char endpoint[128];
struct loop *loop;
struct caller ingress, accountant, worker, extractor;
static int hurry; // always readable: a turn never waits for its beginning

void open_loop(void) {
    struct conf conf = {
        .data = folder,
        .broker = endpoint,
        .simulated = true,
        .lane_concurrency = 8,
        .attempts_max = 3,
        .call_limit_ms = 60 * 1000,
        .jobs_max = 100 * 1000,
        .journal_bytes_max = 1ull << 30,
        .journal_folder = folder,
    };
    loop = mem_new(sizeof(*loop));
    loop_open(loop, &conf);
}

void callers_open(void) {
    (void)snprintf(folder, sizeof(folder), "/tmp/colloq-loop-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/broker.sock", folder);
    hurry = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(hurry, 0);
    open_loop();
}

void caller_close(struct caller *caller) {
    message_release(&caller->message);
    sock_close(&caller->sock, 0);
}

void callers_close(void) {
    static const char *const files[] = {"journal.db",      "journal.db-wal", "journal.db-shm",
                                        "journal.db.lock", "broker.sock",    "broker.sock.lock"};
    char path[128];
    caller_close(&ingress);
    caller_close(&accountant);
    caller_close(&worker);
    caller_close(&extractor);
    loop_close(loop);
    mem_free(loop);
    sock_context_close();
    (void)close(hurry);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

// ---- speaking and hearing -----------------------------------------------------------------------

void turn(void) {
    loop_turn(loop, hurry);
}

void say_raw(struct caller *caller, struct bytes header, const struct bytes *frames,
             uint32_t count) {
    enum err e;
    while ((e = sock_send(&caller->sock, NULL, header, frames, count)) == ERR_AGAIN) {
        turn();
        sock_wait(NULL, 0, NULL, 0, 1); // a connection needs a moment to come about
    }
    ck_assert_int_eq(e, ERR_OK);
}

void say(struct caller *caller, enum kind kind, const void *head, struct bytes frame) {
    struct buf out;
    struct wire_writer writer;
    buf_init(&out, HEADER_BYTES_MAX);
    wire_begin(&writer, &out, kind, head, 0);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    say_raw(caller, buf_bytes(&out), &frame, wire_kind(kind)->frames);
    buf_release(&out);
}

void say_item(struct caller *caller, enum kind kind, const void *head, const void *item,
              const struct bytes *frames) {
    say_items(caller, kind, head, item, 0, 1, frames);
}

void say_items(struct caller *caller, enum kind kind, const void *head, const void *items,
               size_t item_size, uint32_t count, const struct bytes *frames) {
    struct buf out;
    struct wire_writer writer;
    buf_init(&out, HEADER_BYTES_MAX);
    wire_begin(&writer, &out, kind, head, count);
    for (uint32_t i = 0; i < count; i++)
        wire_item(&writer, (const uint8_t *)items + i * item_size);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    say_raw(caller, buf_bytes(&out), frames, count * wire_kind(kind)->frames);
    buf_release(&out);
}

void hear(struct caller *caller, enum kind kind, void *head) {
    struct sock *socks[] = {&loop->sock, &caller->sock};
    for (int i = 0; i < ROUNDS_MAX; i++) {
        message_release(&caller->message);
        if (sock_receive(&caller->sock, &caller->message) == ERR_OK) {
            if (caller->message.wire.kind != kind)
                continue;
            ck_assert_int_eq(wire_head(&caller->message.wire, head), ERR_OK);
            return;
        }
        turn();
        sock_wait(socks, 2, NULL, 0, WAIT_MS);
    }
    ck_abort_msg("no %s came", wire_kind(kind)->name);
}

void hear_item(struct caller *caller, enum kind kind, void *head, void *item) {
    hear(caller, kind, head);
    ck_assert_int_eq(wire_next(&caller->message.wire, item), ERR_OK);
}

struct hello_head hello_of(struct caller *caller, const char *role) {
    static uint8_t processes;
    if (id_is_none(caller->process))
        caller->process = (struct id){{'p', ++processes}};
    return (struct hello_head){.role = bytes_text(role),
                               .name = bytes_text(role),
                               .process = caller->process,
                               .slots = 8,
                               .keys = bytes_text("openai/default"),
                               .proves_death = true,
                               .simulated = true};
}

void join(struct caller *caller, const char *role) {
    struct hello_head hello = hello_of(caller, role);
    struct welcome_head welcome;
    ck_assert_int_eq(sock_connect(&caller->sock, endpoint), ERR_OK);
    say(caller, KIND_hello, &hello, bytes_of(NULL, 0));
    hear(caller, KIND_welcome, &welcome);
    ck_assert_uint_eq(welcome.boot, loop->boot);
}

void settle(struct caller *caller) {
    struct heartbeat_head heartbeat = {.boot = loop->boot, .process = caller->process};
    struct beat_head beat;
    say(caller, KIND_heartbeat, &heartbeat, bytes_of(NULL, 0));
    hear(caller, KIND_beat, &beat);
    turn(); // kinds that are served after heartbeats
}
