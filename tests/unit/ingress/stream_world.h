// A world of one submission: the protocol half under test, and a broker that loses, repeats,
// delays and restarts. Its dice are seeded, so that what fails can be seen again.
#ifndef TESTS_INGRESS_STREAM_WORLD_H
#define TESTS_INGRESS_STREAM_WORLD_H

#include "workers/ingress/stream.h"

enum { LINES_MAX = 2000, POST_MAX = 256 };

// A message on its way to the broker, or an answer on its way back.
struct letter {
    enum kind kind;
    char *header;
    size_t size;
    union {
        struct opened_head opened;
        struct put_stored_head stored;
    } answer;
};

struct world {
    struct stream stream;
    // The file.
    uint64_t lines;
    uint64_t given;
    // The broker: what is durable, and its word for a batch that it does not know.
    uint64_t accepted_through;
    struct digest digest;
    bool is_open, is_sealed;
    uint64_t sealed_lines;
    uint64_t stored[LINES_MAX + 1]; // how often each line became a job
    struct letter to_broker[POST_MAX], to_stream[POST_MAX];
    uint32_t to_broker_count, to_stream_count;
    uint32_t loss; // percent
    bool is_full;
    bool is_closed; // its disk is full: nothing new
    uint64_t now_ms;
};

void world_seed(uint64_t seed);
uint32_t world_dice(uint32_t sides);
struct digest file_digest(uint64_t lines);
struct world *world_new(uint64_t lines);
void world_empty_post(struct letter *letters, uint32_t *count);
void world_free(struct world *world);
// Gives the stream further lines: every seventh is blank, every eleventh is refused.
void world_give_lines(struct world *world, uint32_t count);
// One random step of the world.
void world_step(struct world *world, bool has_disorder);
// The broker dies: what is on its way is gone, what is durable stays.
void world_crash_broker(struct world *world);
// Ingress dies: the client sends the file again from its first line.
void world_crash_ingress(struct world *world);
void world_check_stored(const struct world *world, uint64_t seed);
void world_expect_done(struct world *world);
void world_expect_failed(struct world *world, const char *reason);
// A submission whose batch is open.
struct world *world_open(uint64_t seed, uint64_t lines);
// A submission of whose lines the broker has 400 or more.
struct world *world_with_400(uint64_t seed, uint64_t lines);

#endif
