// A validator with the catalogue that is built in, and the line that it judged last.
#ifndef TEST_VALIDATE_WORLD_H
#define TEST_VALIDATE_WORLD_H

#include "common/wire.h"
#include "tests/unit/built_in.h"
#include "workers/ingress/validate.h"

#include <check.h>
#include <stdio.h>

static struct catalogue *catalogue;
static struct validator *validator;
static struct put_item item;
static uint64_t line;

static inline void set_up(void) {
    catalogue = built_in_catalogue();
    validator = validator_new(bytes_of(NULL, 0), (struct id){{7}}, false);
    validator_catalogue(validator, catalogue);
    line = 0;
}

static inline void tear_down(void) {
    validator_free(validator);
    catalogue_free(catalogue);
}

static inline void with_provider(const char *provider) {
    validator_free(validator);
    validator = validator_new(bytes_text(provider), (struct id){{7}}, false);
    validator_catalogue(validator, catalogue);
}

static inline enum refusal judge(struct bytes raw) {
    struct id job = {{0x55}};
    line++;
    job.at[15] = (uint8_t)line;
    return validator_line(validator, line, raw, job, 1795000000000, &item);
}

static inline const char *why(const char *text) {
    (void)judge(bytes_text(text));
    static char reason[REASON_BYTES_MAX + 1];
    (void)snprintf(reason, sizeof(reason), "%.*s", (int)item.refused.size,
                   item.refused.size ? (const char *)item.refused.at : "");
    // Whatever is said must be fit to be sent.
    ck_assert(utf8_is_valid(item.detail) && utf8_is_valid(item.custom_id));
    ck_assert_uint_le(item.detail.size, DETAIL_BYTES_MAX);
    return reason;
}

static inline bool says(const char *words) {
    char detail[DETAIL_BYTES_MAX + 1];
    (void)snprintf(detail, sizeof(detail), "%.*s", (int)item.detail.size,
                   (const char *)item.detail.at);
    return strstr(detail, words) != NULL;
}

static inline const char *text_of(struct bytes bytes) {
    static char texts[4][1024];
    static int next;
    char *text = texts[next++ % 4];
    (void)snprintf(text, sizeof(texts[0]), "%.*s", (int)bytes.size,
                   bytes.size ? (const char *)bytes.at : "");
    return text;
}

#endif
