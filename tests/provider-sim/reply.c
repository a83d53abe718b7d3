#include "tests/provider-sim/reply.h"

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
};

static int64_t tokens_of(uint64_t bytes, uint64_t bytes_a_token) {
    return (int64_t)((bytes + bytes_a_token - 1) / bytes_a_token);
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

// Fits text and reasoning into the token limit of the request.
static void reply_limit(struct reply *reply, bool is_cut_short) {
    const struct asked *asked = reply->asked;
    struct tokens *tokens = &reply->tokens;
    if (is_cut_short && !reply->is_call) {
        cut_text(&reply->said, reply->said.size / 2);
        reply->finish = "length";
    }
    if (asked->tokens_max == 0)
        return;
    if (tokens->reasoning > asked->tokens_max)
        tokens->reasoning = asked->tokens_max;
    int64_t room = asked->tokens_max - tokens->reasoning;
    size_t size = reply->said.size + (reply->is_call ? asked->tool.size : 0);
    if (tokens_of(size, 4) <= room)
        return;
    cut_text(&reply->said, reply->is_call ? 0 : (size_t)room * 4);
    reply->is_call = false;
    reply->finish = "length";
}

void reply_make(struct reply *reply, const struct asked *asked, const struct options *options,
                struct reply_wish wish, struct dice *dice) {
    struct text said = reply->said;
    *reply = (struct reply){.asked = asked, .said = said, .finish = "stop"};
    text_reset(&reply->said);
    // Every draw is made for every request, so that one option does not move what another draws.
    bool is_unknown = dice_hit(dice, options->unknown_model_rate) || wish.has_unknown_model;
    bool is_cut_short = dice_hit(dice, options->length_rate) || wish.is_cut_short;
    int64_t reasoning = REASONING_STEP_TOKENS * (int64_t)dice_below(dice, REASONING_STEPS_MAX + 1);

    reply->tariff = is_unknown ? NULL : tariff_find(asked->model);
    reply->model = is_unknown      ? span_of("gpt-unpriced-2026-01-01")
                   : reply->tariff ? span_of(reply->tariff->snapshot)
                                   : asked->model;
    reply->is_flex = asked->wants_flex && reply->tariff != NULL && reply->tariff->has_flex;
    reply->is_us = asked->wants_us;
    reply->is_call = asked->has_tools && !asked->last_is_tool;
    if (reply->is_call) {
        reply->finish = "tool_calls";
        say_call(asked, &reply->said);
    } else {
        say_text(asked, dice, &reply->said);
    }
    struct tokens *tokens = &reply->tokens;
    tokens->input = 3 + 4 * (int64_t)asked->messages + tokens_of(asked->text_bytes, 4) +
                    tokens_of(asked->tools_bytes, 8);
    tokens->cached = cached_of(tokens->input, options, dice);
    bool reasons = options->has_reasoning && asked->wants_thinking && reply->tariff &&
                   reply->tariff->has_reasoning;
    tokens->reasoning = reasons ? reasoning : 0;
    reply_limit(reply, is_cut_short);
    size_t size = reply->said.size + (reply->is_call ? asked->tool.size : 0);
    tokens->output = asked->choices * tokens_of(size, 4) + tokens->reasoning;
}

void reply_release(struct reply *reply) {
    text_release(&reply->said);
}

static void json_call(const struct reply *reply, struct dice *dice, struct text *out) {
    char id[24];
    dice_name(dice, id, sizeof(id));
    text_add(out, "null,\n        \"tool_calls\": [\n          {\n            \"id\": \"call_");
    text_put(out, id, sizeof(id));
    text_add(out, "\",\n            \"type\": \"function\",\n            \"function\": {\n"
                  "              \"name\": \"");
    text_span(out, reply->asked->tool);
    text_add(out, "\",\n              \"arguments\": \"");
    text_json(out, text_view(&reply->said));
    text_add(out, "\"\n            }\n          }\n        ]");
}

static void json_choice(const struct reply *reply, int64_t index, struct dice *dice,
                        struct text *out) {
    text_add(out, index == 0 ? "\n    {\n      \"index\": " : ",\n    {\n      \"index\": ");
    text_number(out, (uint64_t)index);
    text_add(out, ",\n      \"message\": {\n        \"role\": \"assistant\",\n"
                  "        \"content\": ");
    if (reply->is_call) {
        json_call(reply, dice, out);
    } else {
        text_add(out, "\"");
        text_json(out, text_view(&reply->said));
        text_add(out, "\"");
    }
    text_add(out, ",\n        \"refusal\": null,\n        \"annotations\": []\n      },\n"
                  "      \"logprobs\": null,\n      \"finish_reason\": \"");
    text_add(out, reply->finish);
    text_add(out, "\"\n    }");
}

static void json_count(struct text *out, const char *name, int64_t count) {
    text_add(out, name);
    text_number(out, (uint64_t)count);
}

static void json_usage(const struct tokens *tokens, struct text *out) {
    json_count(out, "\n  ],\n  \"usage\": {\n    \"prompt_tokens\": ", tokens->input);
    json_count(out, ",\n    \"completion_tokens\": ", tokens->output);
    json_count(out, ",\n    \"total_tokens\": ", tokens->input + tokens->output);
    json_count(out,
               ",\n    \"prompt_tokens_details\": {\n      \"cached_tokens\": ", tokens->cached);
    json_count(out,
               ",\n      \"audio_tokens\": 0\n    },\n    \"completion_tokens_details\": {\n"
               "      \"reasoning_tokens\": ",
               tokens->reasoning);
    text_add(out, ",\n      \"audio_tokens\": 0,\n      \"accepted_prediction_tokens\": 0,\n"
                  "      \"rejected_prediction_tokens\": 0\n    }\n  },\n");
}

void reply_json(const struct reply *reply, struct span response_id, int64_t created_s,
                struct dice *dice, struct text *out) {
    uint64_t fingerprint = dice_throw(dice);
    text_add(out, "{\n  \"id\": \"");
    text_span(out, response_id);
    text_add(out, "\",\n  \"object\": \"chat.completion\",\n  \"created\": ");
    text_number(out, (uint64_t)created_s);
    text_add(out, ",\n  \"model\": \"");
    text_span(out, reply->model);
    text_add(out, "\",\n  \"choices\": [");
    for (int64_t i = 0; i < reply->asked->choices; i++)
        json_choice(reply, i, dice, out);
    json_usage(&reply->tokens, out);
    text_add(out, reply->is_flex ? "  \"service_tier\": \"flex\",\n"
                                 : "  \"service_tier\": \"default\",\n");
    text_add(out, "  \"system_fingerprint\": ");
    if (reply->tariff != NULL && reply->tariff->has_reasoning) {
        text_add(out, "null\n}\n");
        return;
    }
    text_add(out, "\"fp_");
    text_hex(out, (const uint8_t *)&fingerprint, 5);
    text_add(out, "\"\n}\n");
}
