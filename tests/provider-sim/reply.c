#include "tests/provider-sim/reply.h"

#include "tests/provider-sim/json.h"
#include "tests/provider-sim/scan.h"

#include <string.h>

// The words of the filler: some need escaping in JSON, some are not ASCII.
static const char *const words[] = {
    "and",   "then",   "the",    "river",   "bends",  "toward",  "a",        "quiet",
    "town",  "where",  "clocks", "run",     "slow",   "because", "nobody",   "winds",
    "them;", "still,", "bread",  "is",      "baked",  "at",      "four,",    "boats",
    "leave", "by",     "six,",   "letters", "arrive", "on",      "Tuesdays", "\"or so\"",
    "crème", "brûlée", "漢字",   "Ωμέγα",   "🙂",   "C:\\tmp", "x\ty",     "\n\n",
};

enum {
    WORDS = sizeof(words) / sizeof(words[0]),
    FILLER_WORDS_MAX = 60,
    CACHE_STEP_TOKENS = 128,
    CACHE_SMALL_STEP_TOKENS = 16,
    REASONING_STEP_TOKENS = 64,
    REASONING_STEPS_MAX = 12,
    SEARCH_TOKENS = 120, // of what a search found
    PIECE_BYTES_MAX = 24,
};

static int64_t tokens_of(uint64_t bytes) {
    return (int64_t)((bytes + 3) / 4);
}

static void say_text(const struct asked *asked, struct dice *dice, struct text *said) {
    text_add(said, "turn ");
    text_number(said, asked->user_turns);
    text_add(said, " of this conversation, ");
    text_number(said, asked->messages);
    text_add(said, asked->messages == 1 ? " message; you said " : " messages; you said ");
    text_hex(said, asked->said, TURN_HASH_SIZE);
    text_add(said, "; before that ");
    text_hex(said, asked->before, TURN_HASH_SIZE);
    text_add(said, ".");
    for (uint32_t left = dice_below(dice, FILLER_WORDS_MAX); left > 0; left--) {
        text_add(said, " ");
        text_add(said, words[dice_below(dice, WORDS)]);
    }
}

static void say_call(const struct asked *asked, struct text *said) {
    text_add(said, "{\"turn\":");
    text_number(said, asked->user_turns);
    text_add(said, ",\"you_said\":\"");
    text_hex(said, asked->said, TURN_HASH_SIZE);
    text_add(said, "\"}");
}

// A value of the kind that the property's schema names.
static void say_property(struct span schema, struct span text, struct text *out) {
    static const struct {
        const char *type, *value;
    } values[] = {{"\"integer\"", "7"},  {"\"number\"", "7.5"},   {"\"boolean\"", "true"},
                  {"\"array\"", "[]"},   {"\"object\"", "{}"},    {"\"INTEGER\"", "7"},
                  {"\"NUMBER\"", "7.5"}, {"\"BOOLEAN\"", "true"}, {"\"ARRAY\"", "[]"},
                  {"\"OBJECT\"", "{}"}};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (memmem(schema.at, schema.size, values[i].type, strlen(values[i].type)) != NULL) {
            text_add(out, values[i].value);
            return;
        }
    json_put(out, "'%j'", text);
}

// The text in the form that was asked for: an object with the schema's members.
static void say_json(const struct asked *asked, struct text *said) {
    struct text text = *said;
    *said = (struct text){0};
    struct scan scan = scan_new(asked->properties);
    struct span key, schema;
    bool is_first = true;
    if (asked->properties.size == 0) {
        json_put(said, "{'answer':'%j'}", text_view(&text));
    } else {
        text_add(said, "{");
        scan_enter(&scan, '{');
        while (scan_member(&scan, &is_first, &key) && scan_value(&scan, &schema)) {
            json_put(said, said->size > 1 ? ",'%r':" : "'%r':", key);
            say_property(schema, text_view(&text), said);
        }
        text_add(said, "}");
    }
    text_release(&text);
}

// Cuts the text to that many bytes or a few less, not inside a character.
static void cut_text(struct text *said, size_t size) {
    if (size >= said->size)
        return;
    while (size > 0 && ((unsigned char)said->at[size] & 0xc0) == 0x80)
        size--;
    said->size = size;
}

static int64_t cached_of(int64_t input, const struct options *options, struct dice *dice) {
    bool is_hit = dice_hit(dice, RATE_WHOLE / 2);
    int64_t percent = 1 + dice_below(dice, 99);
    if (!options->has_cache || !is_hit || input < (int64_t)options->cache_from_tokens)
        return 0;
    int64_t step = input >= 1024 ? CACHE_STEP_TOKENS : CACHE_SMALL_STEP_TOKENS;
    int64_t cached = input * percent / 100 / step * step;
    return cached == 0 && input > step ? step : cached;
}

// What a choice says, in bytes.
static size_t reply_size(const struct reply *reply) {
    if (reply->calls == 0)
        return reply->said.size;
    return (size_t)reply->calls * reply->said.size + reply->asked->tool.size +
           (reply->calls > 1 ? reply->asked->tool_2.size : 0);
}

// Fits text and reasoning into the token limit of the request.
static void reply_limit(struct reply *reply, bool is_cut_short) {
    const struct asked *asked = reply->asked;
    struct tokens *tokens = &reply->tokens;
    if (is_cut_short && reply->calls == 0) {
        cut_text(&reply->said, reply->said.size / 2);
        reply->finish = FINISH_LENGTH;
    }
    if (asked->tokens_max == 0)
        return;
    if (tokens->reasoning > asked->tokens_max)
        tokens->reasoning = asked->tokens_max;
    int64_t room = asked->tokens_max - tokens->reasoning;
    if (tokens_of(reply_size(reply)) <= room)
        return;
    cut_text(&reply->said, reply->calls > 0 ? 0 : (size_t)room * 4);
    reply->calls = 0;
    reply->finish = FINISH_LENGTH;
}

static void reply_say(struct reply *reply, struct reply_wish wish, struct dice *dice) {
    const struct asked *asked = reply->asked;
    if (asked->has_tools && !asked->last_is_tool && !wish.is_text) {
        reply->calls = wish.is_double && asked->tool_2.size > 0 ? 2 : 1;
        reply->finish = FINISH_CALLS;
        say_call(asked, &reply->said);
        return;
    }
    say_text(asked, dice, &reply->said);
    if (wish.is_refused) {
        text_reset(&reply->said);
        text_add(&reply->said, "this simulated model refuses to answer that");
        reply->finish = FINISH_REFUSAL;
    } else if (asked->wants_json) {
        say_json(asked, &reply->said);
    }
}

void reply_make(struct reply *reply, const struct api *api, const struct asked *asked,
                const struct options *options, struct reply_wish wish, struct dice *dice) {
    struct text said = reply->said;
    *reply = (struct reply){.api = api, .asked = asked, .said = said, .thought = {"", 0}};
    reply->id = reply->request_id = reply->previous = reply->conversation = (struct span){"", 0};
    text_reset(&reply->said);
    // Every draw is made for every request, so that one option does not move what another draws.
    bool is_unknown = dice_hit(dice, options->unknown_model_rate) || wish.has_unknown_model;
    bool is_cut_short = dice_hit(dice, options->length_rate) || wish.is_cut_short;
    int64_t reasoning = REASONING_STEP_TOKENS * (int64_t)dice_below(dice, REASONING_STEPS_MAX + 1);

    bool has_price = !is_unknown && !api->is_own;
    reply->tariff = has_price ? tariff_find(asked->model) : NULL;
    reply->model = is_unknown      ? span_of("gpt-unpriced-2026-01-01")
                   : reply->tariff ? span_of(reply->tariff->snapshot)
                                   : asked->model;
    reply->is_flex = asked->wants_flex && reply->tariff != NULL && reply->tariff->has_flex;
    reply->is_us = asked->wants_us;
    reply_say(reply, wish, dice);
    struct tokens *tokens = &reply->tokens;
    tokens->input = prompt_tokens(asked->messages, asked->text_bytes, asked->tools_bytes);
    tokens->cached = cached_of(tokens->input, options, dice);
    bool reasons = options->has_reasoning && asked->wants_thinking && reply->tariff &&
                   reply->tariff->has_reasoning;
    tokens->reasoning = reasons ? reasoning : 0;
    tokens->searches = asked->wants_search ? 1 : 0;
    tokens->tool_use = asked->wants_search && api->vendor == VENDOR_GEMINI ? SEARCH_TOKENS : 0;
    reply_limit(reply, is_cut_short);
    tokens->output = asked->choices * tokens_of(reply_size(reply)) + tokens->reasoning;
    if (tokens->reasoning > 0)
        reply->thought = span_of("thought for a while, and then a little longer");
}

void reply_release(struct reply *reply) {
    text_release(&reply->said);
}

struct span reply_tool(const struct reply *reply, int call) {
    return call == 0 ? reply->asked->tool : reply->asked->tool_2;
}

struct span reply_piece(struct span *rest, struct dice *dice) {
    size_t size = 1 + dice_below(dice, PIECE_BYTES_MAX);
    if (size > rest->size)
        size = rest->size;
    while (size < rest->size && ((unsigned char)rest->at[size] & 0xc0) == 0x80)
        size++;
    struct span piece = {rest->at, size};
    rest->at += size;
    rest->size -= size;
    return piece;
}

void reply_id(struct text *out, const char *prefix, uint32_t size, struct dice *dice) {
    text_add(out, prefix);
    dice_name(dice, text_room(out, size), size);
    out->size += size;
}

void reply_hex_id(struct text *out, const char *prefix, uint32_t size, struct dice *dice) {
    static const char digits[] = "0123456789abcdef";
    text_add(out, prefix);
    for (uint32_t i = 0; i < size; i++)
        text_put(out, &digits[dice_below(dice, 16)], 1);
}

void reply_uuid(struct text *out, struct dice *dice) {
    reply_hex_id(out, "", 8, dice);
    reply_hex_id(out, "-", 4, dice);
    reply_hex_id(out, "-4", 3, dice);
    reply_hex_id(out, "-8", 3, dice);
    reply_hex_id(out, "-", 12, dice);
}
