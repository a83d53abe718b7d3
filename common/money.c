#include "common/money.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

// Wide enough for the product of any two amounts.
__extension__ typedef __int128 wide;

static bool fits(wide value) {
    return value <= INT64_MAX && value >= INT64_MIN;
}

static enum err store(wide value, int64_t *out) {
    if (!fits(value))
        return ERR_OVERFLOW;
    *out = (int64_t)value;
    return ERR_OK;
}

enum err money_add(int64_t *sum, int64_t amount) {
    return store((wide)*sum + amount, sum);
}

enum err money_add_product(int64_t *sum, int64_t count, int64_t rate) {
    return store((wide)count * rate + *sum, sum);
}

enum err money_scale(int64_t value, int64_t numerator, int64_t denominator, int64_t *out) {
    assert(value >= 0 && numerator >= 0 && denominator > 0);
    return store(((wide)value * numerator + denominator - 1) / denominator, out);
}

void money_sum_add(struct money_sum *sum, int64_t pusd) {
    sum->pusd += pusd;
}

enum err money_sum_total(const struct money_sum *sum, int64_t *out) {
    enum err e = store(sum->pusd, out);
    if (e != ERR_OK)
        *out = sum->pusd > 0 ? INT64_MAX : INT64_MIN;
    return e;
}

// ---- Text. -------------------------------------------------------------------------------------

// Digits in groups of three, at the end of the array; returns where they begin.
static const char *grouped(uint64_t number, char text[32]) {
    char *at = text + 31;
    *at = 0;
    for (int digits = 0; number > 0 || digits == 0; digits++, number /= 10) {
        if (digits > 0 && digits % 3 == 0)
            *--at = ',';
        *--at = (char)('0' + number % 10);
    }
    return at;
}

static uint64_t magnitude(int64_t value) {
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static uint64_t power_of_ten(int exponent) {
    uint64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

// How many decimals show two digits of an amount below one dollar, and cents of any other.
static int decimals_for(uint64_t pusd) {
    int decimals = 2;
    for (uint64_t limit = (uint64_t)PUSD_PER_USD / 10; decimals < 12 && pusd < limit && pusd > 0;
         limit /= 10)
        decimals++;
    return decimals;
}

void money_text(int64_t pusd, char text[MONEY_TEXT_SIZE]) {
    uint64_t amount = magnitude(pusd);
    int decimals = decimals_for(amount);
    uint64_t unit = power_of_ten(12 - decimals);
    uint64_t units = amount / unit + (amount % unit >= (unit + 1) / 2 && unit > 1);
    uint64_t per_usd = power_of_ten(decimals);
    uint64_t whole = units / per_usd, part = units % per_usd;
    for (; decimals > 2 && part % 10 == 0; decimals--)
        part /= 10;
    char digits[32];
    char padded[21];
    const char *sign = pusd < 0 ? "-" : "";
    (void)snprintf(padded, sizeof(padded), "%020" PRIu64, part);
    if (amount == 0)
        (void)snprintf(text, MONEY_TEXT_SIZE, "$0");
    else
        (void)snprintf(text, MONEY_TEXT_SIZE, "%s$%s.%s", sign, grouped(whole, digits),
                       padded + 20 - decimals);
}

void money_decimal(int64_t pusd, char text[MONEY_TEXT_SIZE]) {
    const uint64_t usd = (uint64_t)PUSD_PER_USD;
    uint64_t amount = magnitude(pusd);
    int size = snprintf(text, MONEY_TEXT_SIZE, "%s%" PRIu64 ".%012" PRIu64, pusd < 0 ? "-" : "",
                        amount / usd, amount % usd);
    while (text[size - 1] == '0')
        text[--size] = 0;
    if (text[size - 1] == '.')
        text[--size] = 0;
}

void money_count_text(int64_t count, char text[MONEY_TEXT_SIZE]) {
    char digits[32];
    (void)snprintf(text, MONEY_TEXT_SIZE, "%s%s", count < 0 ? "-" : "",
                   grouped(magnitude(count), digits));
}

// ---- Reading. ----------------------------------------------------------------------------------

// A decimal number as it is read: digits * 10^exponent.
struct decimal {
    wide digits;
    int64_t exponent;
    bool is_negative;
    bool has_rest; // digits that did not fit were not all zero
};

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

// Reads a run of digits; false if there is none.
static bool read_digits(struct bytes *rest, struct decimal *number, bool is_fraction) {
    const wide room = (wide)1000000000000000000ll * 1000000000000000ll;
    bool has_digit = false;
    for (; rest->size > 0 && is_digit(*rest->at); rest->at++, rest->size--) {
        int digit = *rest->at - '0';
        has_digit = true;
        if (number->digits < room) {
            number->digits = number->digits * 10 + digit;
            number->exponent -= is_fraction;
        } else {
            number->has_rest |= digit != 0;
            number->exponent += !is_fraction;
        }
    }
    return has_digit;
}

static bool take(struct bytes *rest, char c) {
    if (rest->size == 0 || *rest->at != (uint8_t)c)
        return false;
    rest->at++;
    rest->size--;
    return true;
}

static bool read_exponent(struct bytes *rest, struct decimal *number) {
    if (!take(rest, 'e') && !take(rest, 'E'))
        return true;
    bool is_negative = take(rest, '-');
    if (!is_negative)
        (void)take(rest, '+');
    int64_t exponent = 0;
    bool has_digit = false;
    for (; rest->size > 0 && is_digit(*rest->at); rest->at++, rest->size--) {
        has_digit = true;
        if (exponent < 1000000)
            exponent = exponent * 10 + (*rest->at - '0');
    }
    number->exponent += is_negative ? -exponent : exponent;
    return has_digit;
}

static bool read_decimal(struct bytes text, struct decimal *number) {
    *number = (struct decimal){0};
    number->is_negative = take(&text, '-');
    if (!read_digits(&text, number, false))
        return false;
    if (take(&text, '.') && !read_digits(&text, number, true))
        return false;
    return read_exponent(&text, number) && text.size == 0;
}

enum err money_parse(struct bytes text, bool is_rounded, int64_t *pusd) {
    struct decimal number;
    if (!read_decimal(text, &number))
        return ERR_MALFORMED;
    wide value = number.digits;
    int64_t shift = number.exponent + 12;
    int last = 0; // the highest digit that was cut off
    bool has_rest = number.has_rest;
    for (; shift > 0 && value != 0; shift--) {
        value *= 10;
        if (!fits(value))
            return ERR_OVERFLOW;
    }
    for (; shift < 0 && (value != 0 || last != 0); shift++) {
        has_rest |= last != 0;
        last = (int)(value % 10);
        value /= 10;
    }
    if ((has_rest || last != 0) && !is_rounded)
        return ERR_MALFORMED;
    value += last >= 5;
    return store(number.is_negative ? -value : value, pusd);
}

enum err money_parse_per_million(struct bytes text, int64_t *pusd_per_token) {
    int64_t pusd = 0;
    enum err e = money_parse(text, false, &pusd);
    if (e != ERR_OK)
        return e;
    if (pusd < 0 || pusd % 1000000 != 0 || (text.size > 0 && *text.at == '-'))
        return ERR_MALFORMED;
    *pusd_per_token = pusd / 1000000;
    return ERR_OK;
}
