// How fast the ledger takes records: ledger-bench [RECORDS]. Nine single calls to one turn of a
// conversation, 64 records a message, 512 a transaction, as the accountant's loop does it.
#include "common/clock.h"
#include "tests/unit/accountant/world.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_RECORDS = 64, TRANSACTION_RECORDS = 512 };

static void make(struct world *world, struct telling *telling, uint64_t n) {
    char name[32];
    bool is_turn = n % 10 == 0;
    (void)snprintf(name, sizeof(name), "c%llu", (unsigned long long)(n / 40));
    telling_release(telling);
    telling_answered(world, telling, n, is_turn ? name : NULL, is_turn ? n / 10 % 4 + 1 : 1);
    telling->item.number = n;
    telling_seal(telling);
}

static void must(enum err e) {
    if (e != ERR_OK) {
        (void)fprintf(stderr, "ledger-bench: %s\n", err_text(e));
        exit(1);
    }
}

static void apply(struct world *world, struct telling *tellings, size_t count) {
    struct record_item items[MESSAGE_RECORDS];
    struct record_frames frames[MESSAGE_RECORDS];
    struct recorded_item told[MESSAGE_RECORDS];
    for (size_t i = 0; i < count; i++) {
        items[i] = tellings[i].item;
        frames[i] = tellings[i].frames;
    }
    must(ledger_apply(&world->ledger, items, frames, count, told));
}

static void finish_turn(struct world *world) {
    must(ledger_commit(&world->ledger));
    must(ledger_index(&world->ledger, false));
    must(db_checkpoint_if_due(&world->ledger.db, false));
}

static void ask(struct world *world, const char *what, const char *arguments) {
    uint64_t before_us = clock_cpu_us();
    int code = inquirer_ask(&world->inquirer, bytes_text(what), bytes_text(arguments));
    (void)printf("  %s %s: %.2f ms of CPU, %zu bytes, exit %d\n", what, arguments,
                 (double)(clock_cpu_us() - before_us) / 1000, world->inquirer.answer.size, code);
}

static void ask_all(struct world *world, uint64_t records) {
    char arguments[128];
    struct telling telling;
    telling_answered(world, &telling, records / 2, NULL, 1);
    (void)snprintf(arguments, sizeof(arguments), "{\"value\":\"%s\"}", telling.response_id);
    ask(world, "find", arguments);
    (void)snprintf(arguments, sizeof(arguments), "{\"value\":\"%s\"}", telling.custom_id);
    ask(world, "find", arguments);
    telling_release(&telling);
    ask(world, "cost.report", "{\"by\":\"model\"}");
    ask(world, "cost.report", "{\"by\":\"day\"}");
    ask(world, "cost.report", "{\"by\":\"conversation\"}");
    ask(world, "conversation.show", "{\"conversation\":\"c100\"}");
    ask(world, "batch.list", "{}");
    ask(world, "check", "{}");
}

int main(int argc, char **argv) {
    uint64_t records = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    static struct telling tellings[MESSAGE_RECORDS];
    static struct world world;
    uint64_t cpu_us = 0, making_us = 0, begun_ms = clock_now().mono_ms;
    world_open(&world);
    for (uint64_t n = 1; n <= records;) {
        size_t count = 0;
        uint64_t before_us = clock_cpu_us();
        for (; count < MESSAGE_RECORDS && n <= records; count++, n++)
            make(&world, &tellings[count], n);
        uint64_t made_us = clock_cpu_us();
        apply(&world, tellings, count);
        if ((n - 1) % TRANSACTION_RECORDS == 0 || n > records)
            finish_turn(&world);
        making_us += made_us - before_us;
        cpu_us += clock_cpu_us() - made_us;
    }
    uint64_t took_ms = clock_now().mono_ms - begun_ms;
    (void)printf("ledger: %llu records, %.1f us of CPU each (and %.1f to make them), %.0f/s, "
                 "%.0f bytes each\n",
                 (unsigned long long)records, (double)cpu_us / (double)records,
                 (double)making_us / (double)records,
                 (double)records * 1000 / (double)(took_ms ? took_ms : 1),
                 (double)(db_page_count(&world.ledger.db) * db_page_bytes(&world.ledger.db)) /
                     (double)records);
    ask_all(&world, records);
    for (size_t i = 0; i < MESSAGE_RECORDS; i++)
        telling_release(&tellings[i]);
    world_close(&world);
    return 0;
}
