// Money is a whole number of pico-USD: 1 USD = 10^12. 64 bits hold 9.2 million USD; every sum
// and product goes through 128 bits and is refused where the result does not fit. No floats.
#ifndef COMMON_MONEY_H
#define COMMON_MONEY_H

#include "common/bytes.h"
#include "common/err.h"

#define PUSD_PER_USD INT64_C(1000000000000)

enum { MONEY_TEXT_SIZE = 48 };

// *sum += amount. ERR_OVERFLOW leaves *sum as it was.
enum err money_add(int64_t *sum, int64_t amount);
// *sum += count * rate. ERR_OVERFLOW leaves *sum as it was.
enum err money_add_product(int64_t *sum, int64_t count, int64_t rate);
// value * numerator / denominator, rounded up; all not negative, denominator not 0.
enum err money_scale(int64_t value, int64_t numerator, int64_t denominator, int64_t *out);

// A sum that may grow beyond 64 bits on its way, for reports over many rows.
struct money_sum {
    __extension__ __int128 pusd;
};
void money_sum_add(struct money_sum *sum, int64_t pusd);
// ERR_OVERFLOW if it does not fit; *out is then INT64_MAX or INT64_MIN.
enum err money_sum_total(const struct money_sum *sum, int64_t *out);

// For people, without rounding anything to nothing: "$0", "$1,234.50", "$31.87", "$0.0042",
// "$0.0000012": cents from one dollar on, below it two significant digits, at least cents.
// Rounded half up; "-$0.02" for a negative amount.
void money_text(int64_t pusd, char text[MONEY_TEXT_SIZE]);
// Exact, for machines: "31.870000000004" without trailing zeros, "0", "-0.5".
void money_decimal(int64_t pusd, char text[MONEY_TEXT_SIZE]);
// A whole number with thousands separators: "20,000".
void money_count_text(int64_t count, char text[MONEY_TEXT_SIZE]);

// Reads a decimal number of USD ("0.40", "-3", "1e-6", "1.2E+1"): a JSON number or the like.
// ERR_MALFORMED if it is none; ERR_OVERFLOW if it does not fit. Digits beyond the pico-USD:
// ERR_MALFORMED if they are not zero, except with is_rounded: rounded half up.
enum err money_parse(struct bytes text, bool is_rounded, int64_t *pusd);
// A price per million tokens in USD ("0.40") as pico-USD per token, exactly: "0.000001" is the
// smallest. ERR_MALFORMED also for a negative price.
enum err money_parse_per_million(struct bytes text, int64_t *pusd_per_token);

#endif
