#include "tests/provider-sim/cache.h"

#include "tests/provider-sim/limits.h"

#include <string.h>

struct cache_entry {
    uint64_t hash; // 0: free
    uint64_t until_ms;
};

// What a request's first messages come to.
struct mark {
    uint64_t hash;
    int64_t tokens;
};

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

static const struct rule {
    int64_t from_tokens; // of the shortest prefix that is kept
    int64_t step_tokens; // reads are a multiple of it
    uint64_t lifetime_ms; // 0: none is kept, or none is told of
    bool is_asked_for; // nothing is kept unless the request says so
} rules[VENDORS] = {
    [VENDOR_OPENAI] = {1024, 128, 10 * MINUTE_MS, false},
    [VENDOR_ANTHROPIC] = {1024, 1, 5 * MINUTE_MS, true},
    [VENDOR_GEMINI] = {2048, 1, HOUR_MS, false},
    [VENDOR_OPENROUTER] = {1024, 1, 10 * MINUTE_MS, false},
    [VENDOR_DEEPSEEK] = {64, 64, 24 * HOUR_MS, false},
    [VENDOR_XAI] = {64, 1, HOUR_MS, false},
    [VENDOR_AZURE] = {1024, 128, 10 * MINUTE_MS, false},
    [VENDOR_MISTRAL] = {64, 64, HOUR_MS, false},
    [VENDOR_GROQ] = {128, 1, 2 * HOUR_MS, false},
    [VENDOR_COMPATIBLE] = {1, 1, HOUR_MS, false},
};

void cache_release(struct cache *cache) {
    memory_free(cache->entries);
    text_release(&cache->marks);
    *cache = (struct cache){0};
}

// FNV-1a, goes on from where it was.
static uint64_t hash_on(uint64_t hash, const char *at, size_t size) {
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)at[i]) * 0x100000001b3ull;
    return hash;
}

static struct mark mark_at(const struct cache *cache, size_t i) {
    struct mark mark;
    memcpy(&mark, cache->marks.at + i * sizeof(mark), sizeof(mark));
    return mark;
}

// Marks the end of each message but those beyond the input's own count.
static size_t marks_make(struct cache *cache, const struct asked *asked, enum vendor vendor,
                         int64_t input) {
    const struct span all = asked->transcript.text;
    const struct span front[] = {asked->model, asked->system, asked->tools};
    uint64_t hash = 0xcbf29ce484222325ull + (uint64_t)vendor;
    for (size_t i = 0; i < sizeof(front) / sizeof(front[0]); i++)
        hash = hash_on(hash_on(hash, front[i].at, front[i].size), "", 1);
    int64_t tools = (int64_t)(asked->tools_bytes / 8);
    size_t at = 0, bytes = 0;
    text_reset(&cache->marks);
    for (int64_t messages = 1; at < all.size; messages++) {
        const char *role_end = memchr(all.at + at, '\0', all.size - at);
        size_t text_at = role_end == NULL ? all.size : (size_t)(role_end - all.at) + 1;
        const char *end =
            text_at < all.size ? memchr(all.at + text_at, '\0', all.size - text_at) : NULL;
        size_t next = end == NULL ? all.size : (size_t)(end - all.at) + 1;
        hash = hash_on(hash, all.at + at, next - at);
        bytes += next > text_at ? next - text_at - 1 : 0;
        struct mark mark = {hash, 3 + 4 * messages + (int64_t)(bytes / 4) + tools};
        mark.tokens = mark.tokens < input ? mark.tokens : input;
        text_put(&cache->marks, &mark, sizeof(mark));
        at = next;
    }
    return cache->marks.size / sizeof(struct mark);
}

static struct cache_entry *cache_slot(struct cache *cache, uint64_t hash) {
    return &cache->entries[(hash ^ hash >> 29) % CACHE_ENTRIES_MAX];
}

static bool cache_has(struct cache *cache, uint64_t hash, uint64_t now_ms) {
    const struct cache_entry *entry = cache_slot(cache, hash);
    return entry->hash == hash && entry->until_ms > now_ms;
}

void cache_use(struct cache *cache, const struct api *api, const struct asked *asked,
               const struct tariff *tariff, const struct options *options, uint64_t now_ms,
               struct tokens *tokens) {
    const struct rule *rule = &rules[api->vendor];
    int64_t from =
        tariff != NULL && tariff->cache_from > 0 ? tariff->cache_from : rule->from_tokens;
    if (options->prefix_from_tokens > 0)
        from = options->prefix_from_tokens;
    if (rule->lifetime_ms == 0 || tokens->input < from || (rule->is_asked_for && !asked->wants_cache))
        return;
    if (cache->entries == NULL)
        cache->entries = memory_new(CACHE_ENTRIES_MAX, sizeof(*cache->entries));
    size_t count = marks_make(cache, asked, api->vendor, tokens->input);
    uint64_t lifetime_ms = options->prefix_ms > 0                    ? options->prefix_ms
                           : asked->wants_hour && rule->is_asked_for ? HOUR_MS
                                                                     : rule->lifetime_ms;
    for (size_t i = count; i-- > 0 && tokens->cached == 0;) {
        struct mark mark = mark_at(cache, i);
        if (mark.tokens >= from && cache_has(cache, mark.hash, now_ms))
            tokens->cached = mark.tokens / rule->step_tokens * rule->step_tokens;
    }
    for (size_t i = 0; i < count; i++) {
        struct mark mark = mark_at(cache, i);
        if (mark.tokens >= from)
            *cache_slot(cache, mark.hash) = (struct cache_entry){mark.hash, now_ms + lifetime_ms};
    }
    int64_t written = tokens->input - tokens->cached;
    if (rule->is_asked_for && asked->wants_hour)
        tokens->written_1h = written;
    else if (rule->is_asked_for || (tariff != NULL && tariff->is_write_paid))
        tokens->written = written;
}
