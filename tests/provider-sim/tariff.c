#include "tests/provider-sim/tariff.h"

// USD per million tokens, in thousandths of a cent so that all of them are whole: 0.40 USD is
// 40000. A token's price in pico-USD is ten times that.
#define PRICES(input, cached, output) \
    .input_pusd = (input)*10, .cached_pusd = (cached)*10, .output_pusd = (output)*10
#define REASONS .has_reasoning = true
#define FLEX    .has_flex = true

static const struct tariff tariffs[] = {
    {"gpt-4.1", "gpt-4.1-2025-04-14", PRICES(200000, 50000, 800000)},
    {"gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", PRICES(40000, 10000, 160000)},
    {"gpt-4.1-nano", "gpt-4.1-nano-2025-04-14", PRICES(10000, 2500, 40000)},
    {"gpt-4o", "gpt-4o-2024-08-06", PRICES(250000, 125000, 1000000)},
    {"gpt-4o-mini", "gpt-4o-mini-2024-07-18", PRICES(15000, 7500, 60000)},
    {"gpt-5", "gpt-5-2025-08-07", PRICES(125000, 12500, 1000000), REASONS, FLEX},
    {"gpt-5-mini", "gpt-5-mini-2025-08-07", PRICES(25000, 2500, 200000), REASONS, FLEX},
    {"gpt-5-nano", "gpt-5-nano-2025-08-07", PRICES(5000, 500, 40000), REASONS, FLEX},
    {"gpt-5.1", "gpt-5.1-2025-11-13", PRICES(125000, 12500, 1000000), REASONS},
    {"gpt-5.2", "gpt-5.2-2025-12-11", PRICES(175000, 17500, 1400000), REASONS},
    {"gpt-5.4", "gpt-5.4-2026-03-05", PRICES(250000, 25000, 1500000), REASONS, FLEX,
     .long_tokens = 272000},
    {"gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", PRICES(75000, 7500, 450000), REASONS, FLEX},
    {"gpt-5.4-nano", "gpt-5.4-nano-2026-03-17", PRICES(20000, 2000, 125000), REASONS, FLEX},
    {"gpt-5.5", "gpt-5.5-2026-04-23", PRICES(500000, 50000, 3000000), REASONS, FLEX,
     .long_tokens = 272000},
    {"gpt-5.6-terra", "gpt-5.6-terra", PRICES(200000, 20000, 1200000), REASONS, FLEX,
     .long_tokens = 272000, .is_write_paid = true},
    {"gpt-5.6-luna", "gpt-5.6-luna", PRICES(20000, 2000, 120000), REASONS, FLEX,
     .long_tokens = 272000, .is_write_paid = true},
    {"gpt-6-luna", "gpt-6-luna", PRICES(10000, 1000, 50000), REASONS, FLEX, .long_tokens = 272000,
     .is_write_paid = true},
    {"o3", "o3-2025-04-16", PRICES(200000, 50000, 800000), REASONS},
    {"o4-mini", "o4-mini-2025-04-16", PRICES(110000, 27500, 440000), REASONS},

    {"claude-opus-5", "claude-opus-5", PRICES(500000, 50000, 2500000), REASONS, .cache_from = 512},
    {"claude-opus-4-8", "claude-opus-4-8", PRICES(500000, 50000, 2500000), REASONS},
    {"claude-sonnet-4-6", "claude-sonnet-4-6", PRICES(300000, 30000, 1500000), REASONS},
    {"claude-sonnet-4-5", "claude-sonnet-4-5-20250929", PRICES(300000, 30000, 1500000), REASONS,
     .long_tokens = 200000},
    {"claude-haiku-4-5", "claude-haiku-4-5-20251001", PRICES(100000, 10000, 500000), REASONS,
     .cache_from = 4096},

    {"gemini-2.5-flash", "gemini-2.5-flash", PRICES(30000, 3000, 250000), REASONS, FLEX,
     .cache_from = 2048, .search_pusd = 35000000000},
    {"gemini-2.5-pro", "gemini-2.5-pro", PRICES(125000, 12500, 1000000), REASONS, FLEX,
     .long_tokens = 200000, .cache_from = 2048, .search_pusd = 35000000000},
    {"gemini-3.1-pro-preview", "gemini-3.1-pro-preview", PRICES(200000, 20000, 1200000), REASONS,
     FLEX, .long_tokens = 200000, .cache_from = 4096, .search_pusd = 14000000000},
    {"gemini-flash-latest", "gemini-3.8-flash", PRICES(75000, 7500, 375000), REASONS, FLEX,
     .cache_from = 4096, .search_pusd = 14000000000},

    {"openai/gpt-4.1-mini", "openai/gpt-4.1-mini-2025-04-14", PRICES(40000, 10000, 160000)},
    {"openai/gpt-5-mini", "openai/gpt-5-mini-2025-08-07", PRICES(25000, 2500, 200000), REASONS},
    {"anthropic/claude-haiku-4.5", "anthropic/claude-4.5-haiku-20251001",
     PRICES(100000, 10000, 500000), REASONS},

    // 0.003, 0.15 and 0.60 USD; 0.022, 0.66 and 1.98 USD.
    {"deepseek-v4-flash", "deepseek-flash", PRICES(15000, 300, 60000), REASONS, .is_peaked = true},
    {"deepseek-v4-pro", "deepseek-v4-pro", PRICES(66000, 2200, 198000), REASONS, .is_peaked = true},

    {"grok-4.7", "grok-4.7", PRICES(200000, 50000, 600000), REASONS, .long_tokens = 199999,
     .is_long_double = true, .search_pusd = 5000000000},
    {"grok-4.3", "grok-4.3", PRICES(125000, 20000, 250000), REASONS, .long_tokens = 199999,
     .is_long_double = true, .search_pusd = 5000000000},
    {"grok-3-mini", "grok-3-mini", PRICES(30000, 7500, 50000), REASONS, .search_pusd = 5000000000},

    {"mistral-small-latest", "mistral-small-2603", PRICES(15000, 1500, 60000), REASONS},
    {"mistral-large-latest", "mistral-large-2512", PRICES(50000, 5000, 150000)},

    {"openai/gpt-oss-20b", "openai/gpt-oss-20b", PRICES(7500, 3750, 30000), REASONS},
    {"llama-3.3-70b-versatile", "llama-3.3-70b-versatile", PRICES(59000, 29500, 79000)},

    // Nothing of Together's is read from a cache here.
    {"meta-llama/Llama-3.3-70B-Instruct-Turbo", "meta-llama/Llama-3.3-70B-Instruct-Turbo",
     PRICES(88000, 88000, 88000)},
    {"openai/gpt-oss-120b", "openai/gpt-oss-120b", PRICES(15000, 15000, 60000), REASONS},
};

const struct tariff *tariff_find(struct span model) {
    for (size_t i = 0; i < sizeof(tariffs) / sizeof(tariffs[0]); i++)
        if (span_is(model, tariffs[i].alias) || span_is(model, tariffs[i].snapshot))
            return &tariffs[i];
    return NULL;
}

bool tariff_is_peak(int64_t unix_s) {
    int64_t day = unix_s / 86400, hour = unix_s / 3600 % 24;
    int64_t weekday = (day + 3) % 7; // 0: Monday; the first day was a Thursday
    return weekday < 5 && ((hour >= 1 && hour < 4) || (hour >= 6 && hour < 10));
}

static const int64_t cent_pusd = 10000000000;

int64_t tariff_price(const struct tariff *tariff, const struct tokens *tokens, struct rate rate) {
    int64_t plain = tokens->input - tokens->cached - tokens->written - tokens->written_1h;
    int64_t in = (plain + tokens->tool_use) * tariff->input_pusd +
                 tokens->cached * tariff->cached_pusd +
                 tokens->written * (tariff->input_pusd / 4 * 5) +
                 tokens->written_1h * (tariff->input_pusd * 2);
    int64_t out = tokens->output * tariff->output_pusd;
    if (tariff->long_tokens > 0 && tokens->input > tariff->long_tokens) {
        in *= 2;
        out = tariff->is_long_double ? out * 2 : out / 2 * 3;
    }
    int64_t all = rate.is_flex ? (in + out) / 2 : in + out;
    if (rate.is_us)
        all = all / 10 * 11;
    if (rate.is_peak)
        all *= 2;
    return all + tokens->searches * (tariff->search_pusd ? tariff->search_pusd : cent_pusd);
}
