#include "tests/provider-sim/tariff.h"

// USD per million tokens, in thousandths of a cent so that all of them are whole: 0.40 USD is
// 40000. A token's price in pico-USD is ten times that.
#define PRICES(input, cached, output) (input) * 10, (cached)*10, (output)*10

static const struct tariff tariffs[] = {
    {"gpt-4.1", "gpt-4.1-2025-04-14", PRICES(200000, 50000, 800000), false, false, 0},
    {"gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", PRICES(40000, 10000, 160000), false, false, 0},
    {"gpt-4.1-nano", "gpt-4.1-nano-2025-04-14", PRICES(10000, 2500, 40000), false, false, 0},
    {"gpt-4o", "gpt-4o-2024-08-06", PRICES(250000, 125000, 1000000), false, false, 0},
    {"gpt-4o-mini", "gpt-4o-mini-2024-07-18", PRICES(15000, 7500, 60000), false, false, 0},
    {"gpt-5", "gpt-5-2025-08-07", PRICES(125000, 12500, 1000000), true, true, 0},
    {"gpt-5-mini", "gpt-5-mini-2025-08-07", PRICES(25000, 2500, 200000), true, true, 0},
    {"gpt-5-nano", "gpt-5-nano-2025-08-07", PRICES(5000, 500, 40000), true, true, 0},
    {"gpt-5.1", "gpt-5.1-2025-11-13", PRICES(125000, 12500, 1000000), true, false, 0},
    {"gpt-5.2", "gpt-5.2-2025-12-11", PRICES(175000, 17500, 1400000), true, false, 0},
    {"gpt-5.4", "gpt-5.4-2026-03-05", PRICES(250000, 25000, 1500000), true, true, 272000},
    {"gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", PRICES(75000, 7500, 450000), true, true, 0},
    {"gpt-5.4-nano", "gpt-5.4-nano-2026-03-17", PRICES(20000, 2000, 125000), true, true, 0},
    {"gpt-5.5", "gpt-5.5-2026-04-23", PRICES(500000, 50000, 3000000), true, true, 272000},
    {"o3", "o3-2025-04-16", PRICES(200000, 50000, 800000), true, false, 0},
    {"claude-opus-5", "claude-opus-5", PRICES(500000, 50000, 2500000), true, false, 0},
    {"claude-opus-4-8", "claude-opus-4-8", PRICES(500000, 50000, 2500000), true, false, 0},
    {"claude-sonnet-4-6", "claude-sonnet-4-6", PRICES(300000, 30000, 1500000), true, false, 0},
    {"claude-sonnet-4-5", "claude-sonnet-4-5-20250929", PRICES(300000, 30000, 1500000), true, false,
     200000},
    {"claude-haiku-4-5", "claude-haiku-4-5-20251001", PRICES(100000, 10000, 500000), true, false,
     0},
    {"o4-mini", "o4-mini-2025-04-16", PRICES(110000, 27500, 440000), true, false, 0},
};

const struct tariff *tariff_find(struct span model) {
    for (size_t i = 0; i < sizeof(tariffs) / sizeof(tariffs[0]); i++)
        if (span_is(model, tariffs[i].alias) || span_is(model, tariffs[i].snapshot))
            return &tariffs[i];
    return NULL;
}

enum { CENT_PUSD_MILLIONS = 10000 };

int64_t tariff_price(const struct tariff *tariff, const struct tokens *tokens, struct rate rate) {
    int64_t plain = tokens->input - tokens->cached - tokens->written - tokens->written_1h;
    int64_t in = plain * tariff->input_pusd + tokens->cached * tariff->cached_pusd +
                 tokens->written * (tariff->input_pusd / 4 * 5) +
                 tokens->written_1h * (tariff->input_pusd * 2);
    int64_t out = tokens->output * tariff->output_pusd;
    if (tariff->long_tokens > 0 && tokens->input > tariff->long_tokens) {
        in *= 2;
        out = out / 2 * 3;
    }
    int64_t all = rate.is_flex ? (in + out) / 2 : in + out;
    if (rate.is_us)
        all = all / 10 * 11;
    return all + tokens->searches * CENT_PUSD_MILLIONS * 1000000;
}
