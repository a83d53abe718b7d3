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
    for (; state->gone < state->made; state->gone++)
        kept_release(&state->kept[state->gone % STATES_MAX]);
    memory_free(state->kept);
    memory_free(state->first);
    *state = (struct state){0};
}

static bool is_id(const struct kept *kept, enum vendor vendor, enum kept_kind kind,
                  struct span id) {
    return kept->vendor == vendor && kept->kind == kind && kept->id.size == id.size &&
           id.size > 0 && memcmp(kept->id.at, id.at, id.size) == 0;
}

static bool is_over(const struct kept *kept, uint64_t now_ms) {
    return kept->until_ms > 0 && kept->until_ms <= now_ms;
}

static uint32_t hash_of(struct span id) {
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < id.size; i++)
        hash = (hash ^ (unsigned char)id.at[i]) * 0x01000193;
    return hash % STATES_MAX;
}

struct kept *state_find(struct state *state, enum vendor vendor, enum kept_kind kind,
                        struct span id, uint64_t now_ms) {
    uint32_t place = state->first == NULL ? 0 : state->first[hash_of(id)];
    for (; place > 0; place = state->kept[place - 1].after) {
        struct kept *kept = &state->kept[place - 1];
        if (is_id(kept, vendor, kind, id))
            return is_over(kept, now_ms) ? NULL : kept;
    }
    return NULL;
}

void state_forget(struct state *state, struct kept *kept) {
    if (kept->id.size == 0)
        return;
    uint32_t place = (uint32_t)(kept - state->kept) + 1;
    uint32_t *link = &state->first[kept->hash];
    while (*link > 0 && *link != place)
        link = &state->kept[*link - 1].after;
    if (*link == place)
        *link = kept->after;
    state->bytes -= kept->bytes;
    kept_release(kept);
}

struct kept *state_keep(struct state *state, enum vendor vendor, enum kept_kind kind,
                        struct span id) {
    if (state->kept == NULL) {
        state->kept = memory_new(STATES_MAX, sizeof(*state->kept));
        state->first = memory_new(STATES_MAX, sizeof(*state->first));
    }
    uint32_t place = (uint32_t)(state->made % STATES_MAX);
    struct kept *kept = &state->kept[place];
    if (state->made - state->gone == STATES_MAX) {
        state_forget(state, kept);
        state->gone++;
    }
    state->made++;
    text_span(&kept->id, id);
    kept->vendor = vendor;
    kept->kind = kind;
    kept->hash = hash_of(id);
    kept->after = state->first[kept->hash];
    state->first[kept->hash] = place + 1;
    return kept;
}

void state_weigh(struct state *state, struct kept *kept, uint64_t now_ms) {
    state->bytes -= kept->bytes;
    kept->bytes = kept->id.capacity + kept->said.capacity + kept->body.capacity;
    state->bytes += kept->bytes;
    for (; state->gone < state->made; state->gone++) {
        struct kept *oldest = &state->kept[state->gone % STATES_MAX];
        bool is_needed = oldest->id.size > 0 && !is_over(oldest, now_ms);
        if (oldest == kept || (is_needed && state->bytes <= state->bytes_max))
            return;
        state_forget(state, oldest);
    }
}

void kept_set(struct kept *kept, const struct transcript *transcript) {
    text_reset(&kept->said);
    text_span(&kept->said, transcript->text);
    kept->transcript = *transcript;
    kept->transcript.text = text_view(&kept->said);
}
