#include "tests/provider-sim/cache.h"

#include "tests/provider-sim/limits.h"

#include <string.h>

struct cache_entry {
    uint64_t hash; // 0: free
    uint64_t until_ms;
    uint64_t lifetime_ms; // from each reading on
};

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    BLOCKS_BACK_MAX = 20, // so far before a place to keep a hit is looked for
};

static const struct rule {
    int64_t from_tokens;  // of the shortest prefix that is kept
    int64_t step_tokens;  // reads are a multiple of it
    uint64_t lifetime_ms; // 0: none is kept, or none is told of
    bool is_asked_for;    // nothing is kept unless the request says so, and where
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
    text_release(&cache->scratch);
    *cache = (struct cache){0};
}

int64_t cache_from(const struct api *api, const struct tariff *tariff,
                   const struct options *options) {
    if (options->prefix_from_tokens > 0)
        return options->prefix_from_tokens;
    return tariff != NULL && tariff->cache_from > 0 ? tariff->cache_from
                                                    : rules[api->vendor].from_tokens;
}

static struct mark mark_at(const struct cache *cache, size_t i) {
    struct mark mark;
    memcpy(&mark, cache->marks.at + i * sizeof(mark), sizeof(mark));
    return mark;
}

static struct cache_entry *cache_slot(struct cache *cache, uint64_t hash) {
    return &cache->entries[(hash ^ hash >> 29) % CACHE_ENTRIES_MAX];
}

// Whether it is there; its time begins again if so.
static bool cache_read(struct cache *cache, uint64_t hash, uint64_t now_ms) {
    struct cache_entry *entry = cache_slot(cache, hash);
    if (entry->hash != hash || entry->until_ms <= now_ms)
        return false;
    entry->until_ms = now_ms + entry->lifetime_ms;
    return true;
}

static void cache_write(struct cache *cache, uint64_t hash, uint64_t lifetime_ms, uint64_t now_ms) {
    struct cache_entry *entry = cache_slot(cache, hash);
    if (entry->hash == hash && entry->until_ms >= now_ms + lifetime_ms)
        return;
    *entry = (struct cache_entry){hash, now_ms + lifetime_ms, lifetime_ms};
}

// The tokens of the longest prefix that is there and ends at this mark or so many marks before it.
static int64_t longest(struct cache *cache, size_t at, size_t back, int64_t from, uint64_t now_ms) {
    for (size_t i = at + 1; i-- > 0 && at - i <= back;) {
        struct mark mark = mark_at(cache, i);
        if (mark.tokens >= from && cache_read(cache, mark.hash, now_ms))
            return mark.tokens;
    }
    return 0;
}

// Every piece is kept.
static void use_all(struct cache *cache, size_t count, int64_t from, const struct rule *rule,
                    uint64_t lifetime_ms, uint64_t now_ms, struct tokens *tokens) {
    int64_t read = count > 0 ? longest(cache, count - 1, count, from, now_ms) : 0;
    tokens->cached = read / rule->step_tokens * rule->step_tokens;
    for (size_t i = 0; i < count; i++) {
        struct mark mark = mark_at(cache, i);
        if (mark.tokens >= from)
            cache_write(cache, mark.hash, lifetime_ms, now_ms);
    }
}

// It is kept where the request says so: what lies behind the last such place is plain input.
static void use_keeps(struct cache *cache, size_t count, int64_t from,
                      const struct options *options, uint64_t now_ms, struct tokens *tokens) {
    int64_t last = 0, last_hour = 0;
    for (size_t i = 0; i < count; i++) {
        struct mark mark = mark_at(cache, i);
        if (mark.keep == KEEP_NOT || mark.tokens < from)
            continue;
        last = mark.tokens;
        last_hour = mark.keep == KEEP_HOUR ? mark.tokens : last_hour;
        int64_t read = longest(cache, i, BLOCKS_BACK_MAX, from, now_ms);
        tokens->cached = read > tokens->cached ? read : tokens->cached;
    }
    for (size_t i = 0; i < count; i++) {
        struct mark mark = mark_at(cache, i);
        uint64_t lifetime_ms = options->prefix_ms > 0   ? options->prefix_ms
                               : mark.keep == KEEP_HOUR ? HOUR_MS
                                                        : 5 * MINUTE_MS;
        if (mark.keep != KEEP_NOT && mark.tokens >= from)
            cache_write(cache, mark.hash, lifetime_ms, now_ms);
    }
    tokens->written_1h = last_hour > tokens->cached ? last_hour - tokens->cached : 0;
    tokens->written = last - tokens->cached - tokens->written_1h;
}

void cache_use(struct cache *cache, const struct api *api, const struct asked *asked,
               const struct tariff *tariff, const struct options *options, uint64_t now_ms,
               struct tokens *tokens) {
    const struct rule *rule = &rules[api->vendor];
    int64_t from = cache_from(api, tariff, options);
    bool is_write_paid = tariff != NULL && tariff->is_write_paid;
    if (rule->lifetime_ms == 0 || tokens->input < from || asked->is_cache_off)
        return;
    if (cache->entries == NULL)
        cache->entries = memory_new(CACHE_ENTRIES_MAX, sizeof(*cache->entries));
    text_reset(&cache->marks);
    size_t count = prefix_marks(asked, api, tokens->input, &cache->scratch, &cache->marks);
    if (rule->is_asked_for) {
        use_keeps(cache, count, from, options, now_ms, tokens);
        return;
    }
    // Where a fee is paid for it, it lasts longer.
    uint64_t lifetime_ms = options->prefix_ms > 0 ? options->prefix_ms
                           : is_write_paid        ? 30 * MINUTE_MS
                                                  : rule->lifetime_ms;
    use_all(cache, count, from, rule, lifetime_ms, now_ms, tokens);
    if (is_write_paid)
        tokens->written = tokens->input - tokens->cached;
}
