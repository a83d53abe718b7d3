#include "tests/provider-sim/state.h"

#include "tests/provider-sim/limits.h"

#include <string.h>

static void kept_release(struct kept *kept) {
    text_release(&kept->id);
    text_release(&kept->said);
    text_release(&kept->body);
    *kept = (struct kept){0};
}

void state_release(struct state *state) {
    for (uint32_t i = 0; i < state->count; i++)
        kept_release(&state->kept[i]);
    memory_free(state->kept);
    *state = (struct state){0};
}

static bool is_id(const struct kept *kept, enum vendor vendor, struct span id) {
    return kept->vendor == vendor && kept->id.size == id.size && id.size > 0 &&
           memcmp(kept->id.at, id.at, id.size) == 0;
}

struct kept *state_find(struct state *state, enum vendor vendor, struct span id, uint64_t now_ms) {
    for (uint32_t i = 0; i < state->count; i++) {
        // The newest first: what is gone on from is most often what was said last.
        uint32_t at = (state->next + state->count - 1 - i) % state->count;
        struct kept *kept = &state->kept[at];
        if (!is_id(kept, vendor, id))
            continue;
        bool is_over = state->lifetime_ms > 0 && !kept->is_conversation &&
                       now_ms - kept->kept_ms >= state->lifetime_ms;
        return is_over ? NULL : kept;
    }
    return NULL;
}

struct kept *state_keep(struct state *state, enum vendor vendor, struct span id, uint64_t now_ms) {
    if (state->kept == NULL)
        state->kept = memory_new(STATES_MAX, sizeof(*state->kept));
    struct kept *kept = &state->kept[state->next];
    kept_release(kept);
    text_span(&kept->id, id);
    kept->vendor = vendor;
    kept->kept_ms = now_ms;
    state->next = (state->next + 1) % STATES_MAX;
    if (state->count < STATES_MAX)
        state->count++;
    return kept;
}

void state_forget(struct kept *kept) {
    kept_release(kept);
}

void kept_set(struct kept *kept, const struct transcript *transcript) {
    text_reset(&kept->said);
    text_span(&kept->said, transcript->text);
    kept->transcript = *transcript;
    kept->transcript.text = text_view(&kept->said);
}
