// What reaches a socket is not always what one of our programs wrote: cut, changed and invented
// headers are refused, and never make the reader believe, allocate or read beyond the bytes.

#include "common/mem.h"
#include "tests/unit/common/wire_sample.h"

#include <check.h>
#include <stdlib.h>

static struct buf out;
static struct wire_message message;

static void setup(void) {
    buf_init(&out, 2 << 20);
}

static void teardown(void) {
    buf_release(&out);
}

// ---- MessagePack by hand, so that nothing of ours vouches for itself ----------------------------

static void put_map(unsigned count) {
    buf_byte(&out, (uint8_t)(0x80 | count));
}

static void put_text(const char *text) {
    size_t size = strlen(text);
    ck_assert_uint_lt(size, 32);
    buf_byte(&out, (uint8_t)(0xa0 | size));
    buf_text(&out, text);
}

static void put_small(const char *key, uint8_t value) {
    put_text(key);
    buf_byte(&out, value);
}

// A tag and a big-endian number of size bytes.
static void put_tagged(uint8_t tag, uint64_t number, unsigned size) {
    buf_byte(&out, tag);
    for (unsigned i = size; i-- > 0;)
        buf_byte(&out, (uint8_t)(number >> (8 * i)));
}

// The beginning of a header: a map of that many entries, of which version and kind are written.
static void begin(const char *kind, unsigned entries) {
    buf_reset(&out);
    put_map(entries);
    put_small("v", PROTOCOL_VERSION);
    put_text("kind");
    put_text(kind);
}

// Opens and decodes bytes that end exactly where their memory ends, so that a sanitizer sees a
// read beyond them. Returns the first error; reads items until one.
static enum err read_all(struct bytes bytes) {
    uint64_t heard[SAMPLE_STRUCT_BYTES_MAX / 8];
    uint8_t *exact = mem_new(bytes.size);
    if (bytes.size > 0)
        memcpy(exact, bytes.at, bytes.size);
    enum err e = wire_open(bytes_of(exact, bytes.size), &message);
    if (e == ERR_OK)
        e = wire_head(&message, heard);
    while (e == ERR_OK)
        e = wire_next(&message, heard);
    mem_free(exact);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err read_out(void) {
    ck_assert_int_eq(buf_state(&out), ERR_OK);
    return read_all(buf_bytes(&out));
}

// ---- the tests ----------------------------------------------------------------------------------

// A peer that dies while it speaks leaves a part of a message.
START_TEST(a_message_is_refused_wherever_it_is_cut) {
    sample_golden((enum kind)_i, &out);
    struct bytes whole = buf_bytes(&out);
    ck_assert_int_eq(read_all(whole), ERR_OK);
    for (size_t size = 0; size < whole.size; size++)
        ck_assert_int_ne(read_all(bytes_of(whole.at, size)), ERR_OK);
}
END_TEST

static void check_text(struct bytes text, struct bytes in, uint64_t max, bool is_text) {
    ck_assert_uint_le(text.size, max);
    if (text.size > 0) {
        ck_assert(text.at >= in.at && text.at + text.size <= in.at + in.size);
        ck_assert(!is_text || utf8_is_valid(text));
    }
}

// What was decoded keeps every promise of its table.
static void check_within(const struct shape *shape, const void *heard, struct bytes in) {
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        const uint8_t *at = (const uint8_t *)heard + field->offset;
        if (field->type == FIELD_text || field->type == FIELD_bin)
            check_text(*(const struct bytes *)at, in, field->max, field->type == FIELD_text);
        if (field->type == FIELD_u64 && field->max > 0)
            ck_assert_uint_le(*(const uint64_t *)at, field->max);
    }
}

// Reads a message that may be wrong anywhere; what comes out without an error must be sound.
static void check_sound(struct bytes bytes) {
    uint64_t heard[SAMPLE_STRUCT_BYTES_MAX / 8];
    if (wire_open(bytes, &message) != ERR_OK)
        return;
    ck_assert(message.kind > KIND_none && message.kind < KINDS);
    if (wire_head(&message, heard) == ERR_OK)
        check_within(wire_kind(message.kind)->head, heard, bytes);
    uint32_t items = 0;
    while (wire_next(&message, heard) == ERR_OK) {
        check_within(wire_kind(message.kind)->item, heard, bytes);
        items++;
    }
    ck_assert_uint_le(items, IDENTIFIERS_MAX);
}

// One wrong bit, or a peer of bad will, must not reach past the checks.
START_TEST(a_changed_byte_is_refused_or_harmless) {
    sample_golden((enum kind)_i, &out);
    struct bytes whole = buf_bytes(&out);
    uint8_t *changed = mem_new(whole.size);
    for (size_t at = 0; at < whole.size; at++)
        for (int by = -1; by <= 1; by += 2) {
            memcpy(changed, whole.at, whole.size);
            changed[at] = (uint8_t)(changed[at] + by);
            check_sound(bytes_of(changed, whole.size));
        }
    mem_free(changed);
}
END_TEST

// 5 bytes may promise 4 billion members; who reserves them first has already lost.
START_TEST(a_count_that_lies_is_refused) {
    static const uint64_t counts[] = {1, 2, 1000, 0x7fffffff, 0xffffffff};
    static const uint8_t tags[] = {0xdd, 0xdf, 0xdb, 0xc6}; // array, map, text, bin
    for (size_t i = 0; i < sizeof(tags); i++)
        for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
            begin("seal", 3);
            put_text("unknown");
            put_tagged(tags[i], counts[k], 4);
            ck_assert_int_eq(read_out(), ERR_MALFORMED);
            buf_reset(&out);
            put_tagged(tags[i], counts[k], 4); // the header itself
            ck_assert_int_eq(read_out(), ERR_MALFORMED);
        }
    begin("end_stored", 3);
    put_text("items");
    put_tagged(0xdd, 0xffffffff, 4);
    ck_assert_int_eq(read_out(), ERR_MALFORMED);
}
END_TEST

// The beginning of a message of kind key_known with all that it needs but is not yet said.
static void begin_key_known(unsigned more) {
    begin("key_known", 4 + more);
    put_small("boot", 7);
    put_small("batch", 9);
}

// Recursion on input is a stack that a stranger fills.
START_TEST(nesting_is_taken_to_the_limit_and_not_beyond) {
    for (unsigned depth = 0; depth <= 40; depth++) {
        begin_key_known(1);
        put_text("unknown");
        for (unsigned i = 0; i < depth; i++)
            buf_byte(&out, 0x91); // an array of one
        buf_byte(&out, 0xc0);
        // The header's own map is the first level.
        ck_assert_int_eq(read_out(), depth < WIRE_DEPTH_MAX ? ERR_OK : ERR_MALFORMED);
    }
}
END_TEST

START_TEST(a_header_of_too_many_values_is_refused) {
    // Two values of its own: the array, and the fields before it.
    for (unsigned count = WIRE_NODES_MAX - 10; count <= WIRE_NODES_MAX + 10; count++) {
        begin_key_known(1);
        put_text("unknown");
        put_tagged(0xdc, count, 2);
        for (unsigned i = 0; i < count; i++)
            buf_byte(&out, 0xc0);
        unsigned values = count + 5; // version, kind, boot, batch and the array itself
        ck_assert_int_eq(read_out(), values <= WIRE_NODES_MAX ? ERR_OK : ERR_MALFORMED);
    }
}
END_TEST

// Two readers that each believe another of two values do different things with one message.
START_TEST(what_stands_twice_is_refused) {
    begin_key_known(1);
    put_small("batch", 9);
    ck_assert_int_eq(read_out(), ERR_MALFORMED);

    static const char *const parts[] = {"v", "kind", "must", "items"};
    for (size_t i = 0; i < 4; i++) {
        begin("end_stored", 7);
        put_small("boot", 7);
        put_small("items", 0x90);
        put_small("must", 0x80);
        ck_assert_int_eq(buf_state(&out), ERR_OK);
        put_text(parts[i]);
        if (i == 1)
            put_text("end_stored");
        else
            buf_byte(&out, i == 0 ? PROTOCOL_VERSION : i == 2 ? 0x80 : 0x90);
        put_small("unknown", 1);
        ck_assert_msg(read_out() == ERR_MALFORMED, "%s stood twice", parts[i]);
    }
}
END_TEST

// A newer peer says more: what it may say to anybody is passed over, what must be understood
// refuses the message.
START_TEST(an_unknown_key_is_passed_over_unless_it_must_be_known) {
    begin_key_known(2);
    put_small("newer", 1);
    put_text("newest");
    put_map(1);
    put_small("deep", 0x90);
    ck_assert_int_eq(read_out(), ERR_OK);

    begin_key_known(1);
    put_text("must");
    put_map(1);
    put_small("newer", 1);
    ck_assert_int_eq(read_out(), ERR_MALFORMED);

    begin_key_known(1);
    put_text("must");
    put_map(0);
    ck_assert_int_eq(read_out(), ERR_OK);
}
END_TEST

static void put_hello(unsigned more) {
    begin("hello", 5 + more);
    put_text("role");
    put_text("worker");
    put_text("name");
    put_text("w");
    put_text("process");
    put_tagged(0xc4, 16, 1);
    buf_put(&out, "0123456789abcdef", 16);
}

// Simulated and real money must never meet, so the flag that tells them apart may not be passed
// over by a peer that does not know it: it stands in `must`, and only there.
START_TEST(what_must_be_known_stands_in_must_and_cannot_be_left_out) {
    put_hello(1);
    put_text("must");
    put_map(1);
    put_small("simulated", 0xc3);
    ck_assert_int_eq(read_out(), ERR_OK);

    put_hello(0);
    ck_assert_int_eq(read_out(), ERR_MALFORMED);

    put_hello(1);
    put_small("simulated", 0xc3);
    ck_assert_int_eq(read_out(), ERR_MALFORMED);

    put_hello(1);
    put_text("must");
    put_map(2);
    put_small("simulated", 0xc3);
    put_small("slots", 4); // known, but not a field of must
    ck_assert_int_eq(read_out(), ERR_MALFORMED);
}
END_TEST

START_TEST(another_protocol_version_is_named_as_such) {
    static const uint8_t versions[] = {0, PROTOCOL_VERSION + 1, 0x7f};
    for (size_t i = 0; i < sizeof(versions); i++) {
        buf_reset(&out);
        put_map(2);
        put_small("v", versions[i]);
        put_text("kind");
        put_text("unheard-of");
        ck_assert_int_eq(read_out(), ERR_VERSION);
    }
    buf_reset(&out);
    put_map(1);
    put_text("kind");
    put_text("seal");
    ck_assert_int_eq(read_out(), ERR_VERSION);
    buf_reset(&out);
    put_map(1);
    put_text("v");
    put_text("1");
    ck_assert_int_eq(read_out(), ERR_MALFORMED);
}
END_TEST

START_TEST(an_unknown_kind_is_refused) {
    begin("unheard-of", 2);
    ck_assert_int_eq(read_out(), ERR_MALFORMED);
}
END_TEST

// A message of that many end_stored items.
static void put_items(unsigned count) {
    begin("end_stored", 4);
    put_small("boot", 7);
    put_text("items");
    put_tagged(0xdc, count, 2);
    for (unsigned i = 0; i < count; i++) {
        put_map(1);
        put_text("call");
        put_tagged(0xc4, 16, 1);
        buf_put(&out, "0123456789abcdef", 16);
    }
}

// Receivers keep room for so many items and no more.
START_TEST(more_items_than_a_message_may_hold_are_refused) {
    for (unsigned count = ITEMS_MAX - 1; count <= ITEMS_MAX + 1; count++) {
        put_items(count);
        ck_assert_int_eq(read_out(), count <= ITEMS_MAX ? ERR_OK : ERR_TOO_BIG);
    }
}
END_TEST

START_TEST(a_kind_without_items_takes_none) {
    begin_key_known(1);
    put_text("items");
    buf_byte(&out, 0x91);
    put_map(0);
    ck_assert_int_eq(read_out(), ERR_MALFORMED);
}
END_TEST

START_TEST(what_is_required_cannot_be_left_out) {
    begin("key_known", 3);
    put_small("boot", 7);
    ck_assert_int_eq(read_out(), ERR_MALFORMED);
    put_items(1);
    begin("end_stored", 4);
    put_small("boot", 7);
    put_text("items");
    buf_byte(&out, 0x91);
    put_map(0);
    ck_assert_int_eq(read_out(), ERR_MALFORMED);
}
END_TEST

START_TEST(bytes_after_the_header_are_refused) {
    begin_key_known(0);
    ck_assert_int_eq(read_out(), ERR_OK);
    buf_byte(&out, 0xc0);
    ck_assert_int_eq(read_out(), ERR_MALFORMED);
}
END_TEST

// Money and counts are integers here; a float or an extension has no place, known key or not.
START_TEST(a_value_that_the_protocol_does_not_have_is_refused) {
    static const uint8_t tags[] = {0xc1, 0xc7, 0xc8, 0xc9, 0xca, 0xcb,
                                   0xd4, 0xd5, 0xd6, 0xd7, 0xd8};
    for (size_t i = 0; i < sizeof(tags); i++) {
        begin_key_known(1);
        put_text("unknown");
        put_tagged(tags[i], 0, 8);
        put_tagged(0, 0, 7);
        ck_assert_int_eq(read_out(), ERR_MALFORMED);
    }
}
END_TEST

// The value of `batch` (u64) in a message of key_known.
static enum err read_batch(uint8_t tag, uint64_t number, unsigned size) {
    begin("key_known", 4);
    put_small("boot", 7);
    put_text("batch");
    put_tagged(tag, number, size);
    return read_out();
}

// Another program may write a number in any of its forms, as long as it is that number.
START_TEST(a_number_counts_not_its_form) {
    ck_assert_int_eq(read_batch(0x07, 0, 0), ERR_OK);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(read_batch((uint8_t)(0xcc + i), 7, 1u << i), ERR_OK);
        ck_assert_int_eq(read_batch((uint8_t)(0xd0 + i), 7, 1u << i), ERR_OK);
        ck_assert_int_eq(read_batch((uint8_t)(0xd0 + i), UINT64_MAX, 1u << i), ERR_MALFORMED);
    }
    ck_assert_int_eq(read_batch(0xff, 0, 0), ERR_MALFORMED); // -1
    ck_assert_int_eq(read_batch(0xc0, 0, 0), ERR_MALFORMED);
    ck_assert_int_eq(read_batch(0xc3, 0, 0), ERR_MALFORMED);
    ck_assert_int_eq(read_batch(0xa1, '7', 1), ERR_MALFORMED);
    ck_assert_int_eq(read_batch(0xc4, 0x0107, 2), ERR_MALFORMED);
    ck_assert_int_eq(read_batch(0x90, 0, 0), ERR_MALFORMED);
}
END_TEST

// The value of `cost_max_pusd` (i64) in a message of prepared, as it was heard.
static enum err read_cost(uint8_t tag, uint64_t number, unsigned size, int64_t *cost) {
    struct prepared_head head;
    struct prepared_item item = {0};
    begin("prepared", 4);
    put_small("boot", 7);
    put_text("items");
    buf_byte(&out, 0x91);
    put_map(3);
    put_small("job", 1);
    put_small("ask", 1);
    put_text("cost_max_pusd");
    put_tagged(tag, number, size);
    ck_assert_int_eq(wire_open(buf_bytes(&out), &message), ERR_OK);
    ck_assert_int_eq(wire_head(&message, &head), ERR_OK);
    enum err e = wire_next(&message, &item);
    *cost = item.cost_max_pusd;
    return e;
}

// -1 says "no price": read as a huge sum it would hold the job for ever, as 0 it would be free.
START_TEST(a_signed_number_keeps_its_sign_in_every_form) {
    int64_t cost;
    ck_assert_int_eq(read_cost(0xff, 0, 0, &cost), ERR_OK);
    ck_assert_int_eq(cost, -1);
    ck_assert_int_eq(read_cost(0xe0, 0, 0, &cost), ERR_OK);
    ck_assert_int_eq(cost, -32);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(read_cost((uint8_t)(0xd0 + i), UINT64_MAX, 1u << i, &cost), ERR_OK);
        ck_assert_int_eq(cost, -1);
        ck_assert_int_eq(read_cost((uint8_t)(0xd0 + i), 100, 1u << i, &cost), ERR_OK);
        ck_assert_int_eq(cost, 100);
        ck_assert_int_eq(read_cost((uint8_t)(0xcc + i), 200, 1u << i, &cost), ERR_OK);
        ck_assert_int_eq(cost, 200);
    }
    ck_assert_int_eq(read_cost(0xcf, INT64_MAX, 8, &cost), ERR_OK);
    ck_assert(cost == INT64_MAX);
    ck_assert_int_eq(read_cost(0xcf, (uint64_t)INT64_MAX + 1, 8, &cost), ERR_MALFORMED);
    ck_assert_int_eq(read_cost(0xd3, (uint64_t)INT64_MIN, 8, &cost), ERR_OK);
    ck_assert(cost == INT64_MIN);
}
END_TEST

// An id is 16 bytes and a digest 32: a shorter one would be filled up with a neighbour's bytes.
START_TEST(an_id_of_another_length_is_refused) {
    for (unsigned size = 15; size <= 17; size++) {
        begin_key_known(1);
        put_text("batch_id");
        put_tagged(0xc4, size, 1);
        buf_put(&out, "0123456789abcdefg", size);
        ck_assert_int_eq(read_out(), size == 16 ? ERR_OK : ERR_MALFORMED);
    }
}
END_TEST

START_TEST(only_well_formed_utf8_is_text) {
    static const struct {
        const char *text;
        bool is_valid;
    } cases[] = {
        {"", true},
        {"plain", true},
        {"\xc3\x9f", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9d\x84\x9e", true},
        {"\xed\x9f\xbf", true},      // U+D7FF, the last before the surrogates
        {"\xee\x80\x80", true},      // U+E000, the first behind them
        {"\xf4\x8f\xbf\xbf", true},  // U+10FFFF
        {"\xf4\x90\x80\x80", false}, // beyond it
        {"\xed\xa0\x80", false},     // a surrogate
        {"\xc0\xaf", false},         // overlong
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\x80", false}, // a continuation of nothing
        {"\xc3", false}, // cut
        {"\xe2\x82", false},
        {"\xf0\x9d\x84", false},
        {"\xc3(", false},
        {"\xe2(\xa1", false},
        {"\xe2\x82(", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_msg(utf8_is_valid(bytes_text(cases[i].text)) == cases[i].is_valid, "case %zu", i);
        begin_key_known(1);
        put_text("unknown");
        put_text(cases[i].text);
        ck_assert_int_eq(read_out(), cases[i].is_valid ? ERR_OK : ERR_MALFORMED);
        begin_key_known(1);
        put_text(cases[i].text);
        buf_byte(&out, 0xc0);
        ck_assert_int_eq(read_out(), cases[i].is_valid ? ERR_OK : ERR_MALFORMED);
    }
}
END_TEST

START_TEST(a_header_is_a_map_with_texts_as_keys) {
    static const uint8_t tags[] = {0x07, 0x90, 0xc0, 0xc3, 0xa0, 0xff};
    ck_assert_int_eq(read_all(bytes_of("", 0)), ERR_MALFORMED);
    for (size_t i = 0; i < sizeof(tags); i++) {
        ck_assert_int_eq(read_all(bytes_of(&tags[i], 1)), ERR_MALFORMED);
        if (tags[i] == 0xa0)
            continue; // an empty text is an unknown key like any other
        begin_key_known(1);
        buf_byte(&out, tags[i]);
        buf_byte(&out, 0xc0);
        ck_assert_int_eq(read_out(), ERR_MALFORMED);
    }
}
END_TEST

START_TEST(a_header_beyond_its_limit_is_refused_unread) {
    for (int by = -1; by <= 1; by++) {
        begin_key_known(1);
        put_text("unknown");
        size_t room = (size_t)(HEADER_BYTES_MAX + by) - buf_bytes(&out).size - 5;
        put_tagged(0xc6, room, 4);
        uint8_t *filler = mem_new(room);
        buf_put(&out, filler, room);
        mem_free(filler);
        ck_assert_int_eq(read_out(), by > 0 ? ERR_TOO_BIG : ERR_OK);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, a_message_is_refused_wherever_it_is_cut, KIND_none + 1, KINDS);
    tcase_add_loop_test(tcase, a_changed_byte_is_refused_or_harmless, KIND_none + 1, KINDS);
    tcase_add_test(tcase, a_count_that_lies_is_refused);
    tcase_add_test(tcase, nesting_is_taken_to_the_limit_and_not_beyond);
    tcase_add_test(tcase, a_header_of_too_many_values_is_refused);
    tcase_add_test(tcase, what_stands_twice_is_refused);
    tcase_add_test(tcase, an_unknown_key_is_passed_over_unless_it_must_be_known);
    tcase_add_test(tcase, what_must_be_known_stands_in_must_and_cannot_be_left_out);
    tcase_add_test(tcase, another_protocol_version_is_named_as_such);
    tcase_add_test(tcase, an_unknown_kind_is_refused);
    tcase_add_test(tcase, more_items_than_a_message_may_hold_are_refused);
    tcase_add_test(tcase, a_kind_without_items_takes_none);
    tcase_add_test(tcase, what_is_required_cannot_be_left_out);
    tcase_add_test(tcase, bytes_after_the_header_are_refused);
    tcase_add_test(tcase, a_value_that_the_protocol_does_not_have_is_refused);
    tcase_add_test(tcase, a_number_counts_not_its_form);
    tcase_add_test(tcase, a_signed_number_keeps_its_sign_in_every_form);
    tcase_add_test(tcase, an_id_of_another_length_is_refused);
    tcase_add_test(tcase, only_well_formed_utf8_is_text);
    tcase_add_test(tcase, a_header_is_a_map_with_texts_as_keys);
    tcase_add_test(tcase, a_header_beyond_its_limit_is_refused_unread);
}

int main(void) {
    Suite *suite = suite_create("wire, hostile");
    TCase *tcase = tcase_create("hostile bytes");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    add_tests(tcase);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
