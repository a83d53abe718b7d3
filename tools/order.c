#include "tools/order.h"

#include "common/id.h"
#include "common/mem.h"
#include "common/wire.h"
#include "tools/render.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char *const priorities[] = {"high", "normal", "low"};

// ---- the key ------------------------------------------------------------------------------------

// What changes the calls, and nothing else: how they are shown, named, tagged or hurried does not
// make them others.
static void hash_order(const struct call *call, const struct spool *spool, char *to, size_t room) {
    static const char *const options[] = {"provider", "limit", "continue"};
    struct hasher hasher;
    char digits[DIGEST_HEX_SIZE];
    hasher_open(&hasher);
    hasher_add(&hasher, spool->digest.at, sizeof(spool->digest.at));
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const char *value = call_text(call, options[i]);
        if (call_has(call, options[i]))
            hasher_add(&hasher, value ? value : "+", value ? strlen(value) : 1);
        hasher_add(&hasher, "", 1);
    }
    digest_hex(hasher_peek(&hasher), digits);
    hasher_close(&hasher);
    (void)snprintf(to, room, "file-%.40s", digits);
}

static void make_key(struct order *order, const struct call *call, const struct spool *spool) {
    const char *given = call_text(call, "idempotency-key");
    char random[ID_HEX_SIZE];
    order->has_lasting_key = true;
    if (given) {
        (void)snprintf(order->key, sizeof(order->key), "%s", given);
        return;
    }
    bool is_stdin = strcmp(call->operands[0], "-") == 0;
    if (!is_stdin && !call_has(call, "again")) {
        hash_order(call, spool, order->key, sizeof(order->key));
        return;
    }
    struct id id;
    bytes_put_u64(id.at, random_u64());
    bytes_put_u64(id.at + 8, random_u64());
    id_hex(id, random);
    (void)snprintf(order->key, sizeof(order->key), "%s-%s", is_stdin ? "stdin" : "again", random);
    order->has_lasting_key = false;
}

// ---- the rest -----------------------------------------------------------------------------------

static char *tags_of(const struct call *call) {
    json_t *tags = json_object();
    const char *tag;
    for (int i = 0; (tag = call_value(call, "tag", i)) != NULL; i++) {
        const char *equals = strchr(tag, '=');
        if (!equals || equals == tag)
            fail(EX_USAGE, "--tag %s: write a tag as name=value", tag);
        char *name = mem_copy(tag, (size_t)(equals - tag));
        arguments_add(tags, name, equals + 1);
        mem_free(name);
    }
    char *text = json_object_size(tags) > 0 ? json_dumps(tags, JSON_COMPACT) : NULL;
    char *copy = text ? mem_copy(text, strlen(text)) : NULL;
    mem_free(text);
    json_decref(tags);
    if (copy && strlen(copy) > TAGS_BYTES_MAX)
        fail(EX_USAGE,
             "--tag: all tags together have more than %d bytes; give fewer or shorter ones",
             TAGS_BYTES_MAX);
    return copy;
}

static struct bytes name_of(const struct call *call) {
    const char *name = call_text(call, "name");
    const char *slash = strrchr(call->operands[0], '/');
    if (!name && strcmp(call->operands[0], "-") == 0)
        name = "stdin";
    if (!name)
        name = slash ? slash + 1 : call->operands[0];
    struct bytes bytes = bytes_text(name);
    if (bytes.size > NAME_BYTES_MAX || !utf8_is_valid(bytes))
        fail(EX_USAGE, "--name: write at most %d bytes of UTF-8", NAME_BYTES_MAX);
    return bytes;
}

static struct bytes option_bytes(const struct call *call, const char *option, size_t size_max) {
    struct bytes value = bytes_text(call_text(call, option));
    if (value.size > size_max)
        fail(EX_USAGE, "--%s: write at most %zu bytes", option, size_max);
    return value;
}

static uint64_t priority_of(const struct call *call) {
    const char *value = call_text(call, "priority");
    for (uint64_t i = 0; value && i < PRIORITIES; i++)
        if (strcmp(value, priorities[i]) == 0)
            return i;
    return 1;
}

static uint64_t limit_of(const struct call *call) {
    uint64_t limit = call_count(call, "limit", 0);
    if (call_has(call, "limit") && limit == 0)
        fail(EX_USAGE, "--limit: write how many lines are to be submitted, 1 at least");
    return limit;
}

void order_read(struct order *order, const struct call *call) {
    const char *key = call_text(call, "idempotency-key");
    if (key && (strlen(key) > IDEMPOTENCY_KEY_BYTES_MAX || *key == 0))
        fail(EX_USAGE, "--idempotency-key: write 1 to %d bytes", IDEMPOTENCY_KEY_BYTES_MAX);
    *order = (struct order){.limit = limit_of(call), .tags = tags_of(call)};
    order->submit = (struct submit_head){
        .name = name_of(call),
        .tags = bytes_text(order->tags),
        .provider = option_bytes(call, "provider", PROVIDER_BYTES_MAX),
        .priority = priority_of(call),
        .billed = bytes_text(call_text(call, "billed")),
        .unanswered = bytes_text(call_text(call, "unanswered")),
        .attempts_max = call_count(call, "attempts", 0),
        .continues = call_has(call, "continue"),
    };
    if (order->submit.attempts_max > 100)
        fail(EX_USAGE, "--attempts: write a number from 1 to 100");
}

void order_take_file(struct order *order, const struct call *call, const struct spool *spool) {
    make_key(order, call, spool);
    order->submit.key = bytes_text(order->key);
    order->submit.head = spool->heads[spool->head_count - 1];
}

void order_release(struct order *order) {
    mem_free(order->tags);
    order->tags = NULL;
}

// ---- against a batch that is there --------------------------------------------------------------

static bool differs(const struct call *call, const char *option, const char *has) {
    const char *wanted = call_text(call, option);
    return wanted && has && strcmp(wanted, has) != 0;
}

static bool tags_differ(const struct order *order, const json_t *shown) {
    json_t *wanted = order->tags ? json_loads(order->tags, 0, NULL) : NULL;
    bool is_other = wanted && !json_equal(wanted, member_of(shown, "tags"));
    json_decref(wanted);
    return is_other;
}

static void add_word(char *text, size_t room, bool is_other, const char *word) {
    size_t used = strlen(text);
    if (is_other)
        (void)snprintf(text + used, room - used, "%s%s", used ? ", " : "", word);
}

const char *order_differences(const struct order *order, const struct call *call,
                              const json_t *shown) {
    static char text[128];
    const json_t *live = member_of(shown, "live");
    char attempts[24], has[24];
    (void)snprintf(attempts, sizeof(attempts), "%llu",
                   (unsigned long long)order->submit.attempts_max);
    (void)snprintf(has, sizeof(has), "%lld", (long long)int_of(live, "attempts_max", 0));
    text[0] = 0;
    add_word(text, sizeof(text), differs(call, "name", text_of(shown, "name", NULL)), "name");
    add_word(text, sizeof(text), tags_differ(order, shown), "tags");
    add_word(text, sizeof(text), differs(call, "priority", text_of(live, "priority", NULL)),
             "priority");
    add_word(text, sizeof(text), differs(call, "billed", text_of(live, "billed", NULL)),
             "--billed");
    add_word(text, sizeof(text), differs(call, "unanswered", text_of(live, "unanswered", NULL)),
             "--unanswered");
    add_word(text, sizeof(text), live && call_has(call, "attempts") && strcmp(attempts, has) != 0,
             "--attempts");
    return text;
}
