// The provider: it decides how a call ends, and writes what it made onto its bill.
#include "tests/broker-sim/world.h"

#include <stdio.h>

static const char *const readings[] = {"good", "refused", "speechless", "deadly"};

static enum reading draw_reading(struct dice *dice) {
    const struct swarm *swarm = &world.swarm;
    if (draw_chance(dice, swarm->unreadable))
        return READING_refused;
    if (draw_chance(dice, swarm->without_message))
        return READING_no_message;
    return draw_chance(dice, swarm->deadly) ? READING_kills : READING_good;
}

enum reading reading_of(struct bytes body) {
    for (unsigned i = READING_refused; i <= READING_kills; i++) {
        size_t size = strlen(readings[i]);
        if (body.size > size && memcmp(body.at + body.size - size, readings[i], size) == 0)
            return (enum reading)i;
    }
    return READING_good;
}

static void ends(struct provided *provided, const char *ended, const char *class,
                 const char *reason, uint64_t status) {
    provided->ended = ended;
    provided->class = class;
    provided->reason = reason;
    provided->status = status;
    provided->bytes_left = strcmp(ended, "not_started") != 0;
}

// A stream that breaks off with an error: the status was sent, and part of the answer was made.
static void ends_within(struct dice *dice, struct provided *provided) {
    static const char *const classes[] = {"retryable", "rate_limited", "lane_wide", "permanent"};
    ends(provided, "answered", classes[draw_below(dice, 4)], "error_in_answer", 200);
    provided->has_begun = true;
}

static void decide(struct dice *dice, uint64_t limit_ms, struct provided *provided) {
    const struct swarm *swarm = &world.swarm;
    ends(provided, "answered", "success", "", 200);
    if (draw_chance(dice, swarm->hangs)) {
        ends(provided, "failed", "retryable", "stall_timeout", 0);
        provided->done_ms = world.now_ms + limit_ms;
    } else if (draw_chance(dice, swarm->cuts)) {
        if (draw_chance(dice, 500))
            ends(provided, "failed", "retryable", "cut_body", 0);
        else if (draw_chance(dice, 500))
            ends_within(dice, provided);
        else
            ends(provided, "answered", "malformed", "not_json", 200);
    } else if (draw_chance(dice, swarm->errors)) {
        ends(provided, "answered", "retryable", "http_500", 500);
    } else if (draw_chance(dice, swarm->rate_limits)) {
        ends(provided, "answered", "rate_limited", "http_429", 429);
        provided->retry_after_ms = draw_below(dice, 3000);
    } else if (draw_chance(dice, swarm->refusals)) {
        ends(provided, "answered", "permanent", "http_400", 400);
    } else if (draw_chance(dice, swarm->lane_refusals)) {
        ends(provided, "answered", "lane_wide", "http_401", 401);
    } else if (draw_chance(dice, swarm->errors / 2)) {
        ends(provided, "not_started", "retryable",
             draw_chance(dice, 500) ? "connect_failed" : "no_slot", 0);
    }
}

void provide(const struct lease_item *lease, struct bytes line, uint64_t limit_ms,
             struct provided *provided) {
    struct call_fact *call = call_fact(lease->call);
    uint64_t counter = call_id_counter(lease->call);
    struct dice dice;
    PROMISE(call, "a call that the broker never marked");
    dice_seed(&dice, world.seed, 1000 + counter);
    *provided = (struct provided){0};
    uint64_t most_ms = limit_ms > 2500 && !world.swarm.slow_calls ? 2500 : limit_ms;
    provided->done_ms = world.now_ms + 1 + draw_below(&dice, (uint32_t)most_ms);
    decide(&dice, limit_ms, provided);
    if (!provided->bytes_left)
        return;
    call->has_begun = provided->has_begun;
    PROMISE(call->requests == 0, "call %llu is made twice", (unsigned long long)counter);
    call->requests++;
    if (strcmp(provided->ended, "answered") != 0)
        return;
    (void)snprintf(call->answer, sizeof(call->answer), "{\"call\":%llu,\"to\":%llu} %s",
                   (unsigned long long)counter,
                   (unsigned long long)mix_bytes(1, line.at, line.size),
                   readings[draw_reading(&dice)]);
    provided->body = bytes_text(call->answer);
}
