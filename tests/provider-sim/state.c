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
    memory_free(state->first);
    *state = (struct state){0};
}

static bool is_id(const struct kept *kept, enum vendor vendor, struct span id) {
    return kept->vendor == vendor && kept->id.size == id.size && id.size > 0 &&
           memcmp(kept->id.at, id.at, id.size) == 0;
}

static uint32_t hash_of(struct span id) {
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < id.size; i++)
        hash = (hash ^ (unsigned char)id.at[i]) * 0x01000193;
    return hash % STATES_MAX;
}

struct kept *state_find(struct state *state, enum vendor vendor, struct span id, uint64_t now_ms) {
    uint32_t place = state->first == NULL ? 0 : state->first[hash_of(id)];
    for (; place > 0; place = state->kept[place - 1].after) {
        struct kept *kept = &state->kept[place - 1];
        if (!is_id(kept, vendor, id))
            continue;
        bool is_over = state->lifetime_ms > 0 && !kept->is_conversation &&
                       now_ms - kept->kept_ms >= state->lifetime_ms;
        return is_over ? NULL : kept;
    }
    return NULL;
}

void state_forget(struct state *state, struct kept *kept) {
    uint32_t place = (uint32_t)(kept - state->kept) + 1;
    uint32_t *link = &state->first[kept->hash];
    while (*link > 0 && *link != place)
        link = &state->kept[*link - 1].after;
    if (*link == place)
        *link = kept->after;
    kept_release(kept);
}

struct kept *state_keep(struct state *state, enum vendor vendor, struct span id, uint64_t now_ms) {
    if (state->kept == NULL) {
        state->kept = memory_new(STATES_MAX, sizeof(*state->kept));
        state->first = memory_new(STATES_MAX, sizeof(*state->first));
    }
    struct kept *kept = &state->kept[state->next];
    state_forget(state, kept);
    text_span(&kept->id, id);
    kept->vendor = vendor;
    kept->kept_ms = now_ms;
    kept->hash = hash_of(id);
    kept->after = state->first[kept->hash];
    state->first[kept->hash] = state->next + 1;
    state->next = (state->next + 1) % STATES_MAX;
    if (state->count < STATES_MAX)
        state->count++;
    return kept;
}

void kept_set(struct kept *kept, const struct transcript *transcript) {
    text_reset(&kept->said);
    text_span(&kept->said, transcript->text);
    kept->transcript = *transcript;
    kept->transcript.text = text_view(&kept->said);
}
