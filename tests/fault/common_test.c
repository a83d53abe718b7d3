// Every allocation of common/ fails once: bytes, messages, JSON, paths, the catalogue, settings,
// compressed bodies, digests.

#include "common/catalogue.h"
#include "common/conf_file.h"
#include "common/id.h"
#include "common/mem.h"
#include "common/rating.h"
#include "common/squeeze.h"
#include "tests/fault/fault.h"
#include "tests/fault/run.h"
#include "tests/unit/common/wire_sample.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { POINTS = 200 };

// ---- bytes and messages -------------------------------------------------------------------------

static void fill_buf(void) {
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (int i = 0; i < 20; i++)
        buf_printf(&buf, "%0*d", 1 << i / 2, i);
    assert(buf_state(&buf) == ERR_OK);
    buf_release(&buf);
}

static void code_messages(void) {
    for (int kind = KIND_none + 1; kind < KINDS; kind++) {
        uint64_t heard[SAMPLE_STRUCT_BYTES_MAX / 8];
        struct wire_message message;
        struct buf out;
        buf_init(&out, FACTS_BYTES_MAX);
        sample_golden((enum kind)kind, &out);
        enum err e = wire_open(buf_bytes(&out), &message);
        assert(e == ERR_OK);
        e = wire_head(&message, heard);
        assert(e == ERR_OK);
        while ((e = wire_next(&message, heard)) == ERR_OK)
            ;
        assert(e == ERR_NOT_FOUND);
        buf_release(&out);
    }
}

static void make_digests(void) {
    struct hasher hasher;
    hasher_open(&hasher);
    hasher_add(&hasher, "abc", 3);
    struct digest one = hasher_peek(&hasher), other = digest_of(bytes_text("abc"));
    hasher_close(&hasher);
    assert(digest_equal(one, other));
    assert(!id_is_none(uuid_named((struct id){{1}}, bytes_text("name"))));
}

START_TEST(bytes_messages_and_digests) {
    fault_each(&(struct fault){.name = "buf", .run = fill_buf}, POINTS);
    fault_each(&(struct fault){.name = "wire", .run = code_messages}, POINTS);
    fault_each(&(struct fault){.name = "digest", .run = make_digests}, POINTS);
}
END_TEST

// ---- JSON ---------------------------------------------------------------------------------------

static const char document[] =
    "{\"id\":\"a\\u00e4\",\"list\":[1,2.5,true,null,{\"deep\":[[[\"x\"]]]}],\"object\":{\"a\":1,"
    "\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"k\":11,\"l\":12,"
    "\"m\":13,\"n\":14,\"o\":15,\"p\":16,\"q\":17,\"r\":18,\"s\":19,\"t\":20,\"u\":21,\"v\":22,"
    "\"w\":23,\"x\":24,\"y\":25,\"z\":26}}";

// A good document must never be called a bad one for want of memory: whoever sent it would be
// refused for good.
static void parse_json(void) {
    json_t *json = NULL;
    char error[128];
    enum err e = json_parse(bytes_text(document), &json, error, sizeof(error));
    assert(e == ERR_OK);
    char *text = json_dumps(json, JSON_COMPACT);
    assert(text && json_equal(json, json));
    mem_free(text);
    json_decref(json);
    json = json_pack("{s:s, s:[i, i], s:{s:b}}", "name", "value", "list", 1, 2, "in", "flag", 1);
    assert(json);
    json_decref(json);
}

static void scan_json(void) {
    struct json_scan scan;
    struct buf out;
    struct jsonpath *path = NULL;
    char error[128];
    uint32_t node = 0;
    json_scan_init(&scan);
    buf_init(&out, 1 << 16);
    enum err e = json_scan(&scan, bytes_text(document), NULL);
    assert(e == ERR_OK);
    e = jsonpath_new(bytes_text("$.list[-1].deep[*][0]['x',?]"), &path, error, sizeof(error));
    assert(e == ERR_MALFORMED);
    e = jsonpath_new(bytes_text("$..[::-1][?match(@.a,'a+')||search(@.b,$.id)||@==$]"), &path,
                     error, sizeof(error));
    assert(e == ERR_OK);
    (void)jsonpath_first(path, &scan, &node);
    jsonpath_free(path);
    e = jsonpath_new(bytes_text("$.list[4].deep[0][0][0]"), &path, error, sizeof(error));
    assert(e == ERR_OK);
    bool is_found = jsonpath_first(path, &scan, &node);
    assert(is_found);
    jsonpath_of(&scan, node, &out);
    assert(bytes_is(buf_bytes(&out), "$.list[4].deep[0][0][0]"));
    (void)json_text(&scan, json_find(&scan, 0, "id"), &out);
    json_put_node(&out, &scan, 0);
    jsonpath_free(path);
    buf_release(&out);
    json_scan_release(&scan);
}

START_TEST(json_and_paths) {
    fault_each(&(struct fault){.name = "json_parse", .run = parse_json}, POINTS);
    fault_each(&(struct fault){.name = "json_scan", .run = scan_json}, POINTS);
}
END_TEST

// ---- the catalogue ------------------------------------------------------------------------------

// Of our own files those of one provider: all of them are five times as much of the same.
static size_t take_sources(struct catalogue_source *sources, size_t count_max) {
    size_t all, count = 0;
    const struct catalogue_source *ours = catalogue_builtin(&all);
    for (size_t i = 0; i < all; i++)
        if (strncmp(ours[i].file, "openai.", 7) == 0) {
            assert(count < count_max);
            sources[count++] = ours[i];
        }
    return count;
}

static void load_catalogue(void) {
    struct catalogue_source sources[8];
    struct buf compiled, problems;
    struct catalogue *catalogue = NULL;
    struct rating rating;
    buf_init(&compiled, CATALOGUE_BYTES_MAX);
    buf_init(&problems, CATALOGUE_BYTES_MAX);
    enum err e = catalogue_compile(sources, take_sources(sources, 8), &compiled, &problems);
    assert(e == ERR_OK);
    e = catalogue_load(buf_bytes(&compiled), &catalogue);
    assert(e == ERR_OK);
    rating_upper_bound_in(catalogue, bytes_text("openai"), bytes_text("gpt-5-nano"), bytes_text(""),
                          100, 100, 1795000000000, &rating);
    assert(rating.is_priced);
    catalogue_free(catalogue);
    buf_release(&compiled);
    buf_release(&problems);
}

START_TEST(the_catalogue) {
    fault_each(&(struct fault){.name = "catalogue", .run = load_catalogue}, POINTS);
}
END_TEST

// ---- settings -----------------------------------------------------------------------------------

static void read_settings(void) {
    static const char yaml[] = "broker:\n  jobs_max: 1000\nworker:\n  concurrency: 12 # calls\n"
                               "providers:\n  openai:\n    keys: {default: {env: SOME_KEY}}\n";
    static struct conf_file file;
    char path[64], why[512] = "";
    int fd = memfd_create("conf", MFD_CLOEXEC);
    assert(fd >= 0);
    ssize_t written = write(fd, yaml, sizeof(yaml) - 1);
    assert(written == sizeof(yaml) - 1);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    enum err e = conf_file_read(&file, path, why, sizeof(why));
    assert(e == ERR_OK ? file.count == 3 : e == ERR_BAD_CONFIG && why[0] != 0);
    conf_file_release(&file);
    (void)close(fd);
}

START_TEST(settings) {
    fault_each(&(struct fault){.name = "conf_file", .run = read_settings}, POINTS);
}
END_TEST

// ---- compressed bodies --------------------------------------------------------------------------

static void squeeze_texts(void) {
    struct squeezer squeezer;
    struct buf small, large;
    struct bytes parts[PARTS_MAX], given[] = {bytes_text(document), bytes_text(document)};
    squeezer_open(&squeezer);
    buf_init(&small, 1 << 20);
    buf_init(&large, 1 << 20);
    enum err e = squeeze_parts(&squeezer, given, 2, &small);
    assert(e == ERR_OK && small.size < sizeof(document)); // it was compressed
    e = unsqueeze_parts(&squeezer, buf_bytes(&small), &large, parts);
    assert(e == ERR_OK && bytes_equal(parts[0], given[0]) && bytes_equal(parts[1], given[1]));
    buf_release(&small);
    buf_release(&large);
    squeezer_close(&squeezer);
}

START_TEST(compressed_bodies) {
    fault_each(&(struct fault){.name = "squeeze", .run = squeeze_texts}, POINTS);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("each allocation fails");
    tcase_add_test(tests, bytes_messages_and_digests);
    tcase_add_test(tests, json_and_paths);
    tcase_add_test(tests, the_catalogue);
    tcase_add_test(tests, settings);
    tcase_add_test(tests, compressed_bodies);
    return fault_run("fault-common", tests);
}
