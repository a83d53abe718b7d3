// Seeds of the targets that read answers, from the answers of our own making in
// tests/golden/answers: of each API the first that is plain, an error and a stream, and the longest
// of all, in the form in which each target has them. A target that starts from none of an API's
// answers never gets into what is peculiar to it.
//
// And whatever is answered about a provider's own batches.
//
//   golden-seeds FOLDER FILE…    writes FOLDER/{answer,batch,facts,headers,stream}/API-N

#include "common/catalogue.h"
#include "common/mem.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

struct seed {
    const char *api;
    uint8_t api_at; // its place in the catalogue
    unsigned status;
    const char *head;
    struct buf body;
    bool is_stream;
};

static const char *folder;

// ---- What a seed is written as. ----------------------------------------------------------------

static void write_seed(const struct seed *seed, const char *target, int number,
                       const uint8_t *first, size_t first_size, bool has_head, bool has_body) {
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, target);
    (void)mkdir(path, 0755);
    (void)snprintf(path, sizeof(path), "%s/%s/%s-%d", folder, target, seed->api, number);
    FILE *file = fopen(path, "wb");
    struct bytes body = buf_bytes(&seed->body);
    bool is_good = file && fwrite(first, 1, first_size, file) == first_size;
    if (is_good && has_head)
        is_good = fputs(seed->head, file) >= 0 && (!has_body || fputs("\r\n", file) >= 0);
    if (is_good && has_body)
        is_good = fwrite(body.at, 1, body.size, file) == body.size;
    if (!is_good || fclose(file) != 0) {
        perror(path);
        exit(EX_IOERR);
    }
}

// The first bytes are those that each target reads as status, API and size of pieces.
static void write_all(const struct seed *seed, int number) {
    bool is_success = seed->status < 300;
    uint8_t both = (uint8_t)(seed->api_at * 8 + (is_success ? 0 : 4));
    const uint8_t answer[] = {is_success ? 0 : 4, seed->api_at};
    const uint8_t headers[] = {seed->api_at, is_success ? 0 : 4};
    const uint8_t stream[] = {seed->api_at, 0x61};
    write_seed(seed, "answer", number, answer, 2, true, true);
    write_seed(seed, "facts", number, &both, 1, true, true);
    write_seed(seed, "headers", number, headers, 2, true, false);
    if (seed->is_stream)
        write_seed(seed, "stream", number, stream, 2, false, true);
}

// ---- What the golden files hold. ---------------------------------------------------------------

static void put_value(struct buf *out, const json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    buf_text(out, json_is_string(value) ? json_string_value(value) : text);
    free(text); // jansson's own
}

static void put_body(struct buf *out, const json_t *answer) {
    const json_t *stream = json_object_get(answer, "stream");
    const json_t *lines = json_object_get(answer, "lines");
    size_t i;
    json_t *data;
    buf_reset(out);
    if (!stream && !lines)
        put_value(out, json_object_get(answer, "body"));
    json_array_foreach(lines, i, data) {
        put_value(out, data);
        buf_byte(out, '\n');
    }
    json_array_foreach(stream, i, data) {
        buf_text(out, "data: ");
        put_value(out, data);
        buf_text(out, "\n\n");
    }
}

static uint8_t place_of(const struct catalogue *catalogue, const char *name) {
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        char own[256];
        (void)snprintf(own, sizeof(own), "%s.%s", api->provider, api->api);
        if (strcmp(own, name) == 0)
            return (uint8_t)i;
    }
    (void)fprintf(stderr, "the catalogue has no %s\n", name);
    exit(EX_DATAERR);
}

enum sort { SORT_plain, SORT_error, SORT_stream, SORTS };

static enum sort sort_of(const json_t *answer) {
    if (json_object_get(answer, "stream"))
        return SORT_stream;
    return json_integer_value(json_object_get(answer, "status")) < 300 ? SORT_plain : SORT_error;
}

// The first of each sort, and the longest that there is.
static void choose(const json_t *answers, const json_t *chosen[SORTS + 1]) {
    size_t i, longest = 0;
    json_t *answer;
    struct buf body;
    buf_init(&body, 1 << 20);
    json_array_foreach(answers, i, answer) {
        enum sort sort = sort_of(answer);
        put_body(&body, answer);
        if (!chosen[sort])
            chosen[sort] = answer;
        if (body.size > longest) {
            longest = body.size;
            chosen[SORTS] = answer;
        }
    }
    buf_release(&body);
}

// At each URL: the first byte says which of all that there are.
static void write_batches(struct seed *seed, const json_t *batches) {
    enum { URLS = 24 }; // at least as many as there are
    size_t i;
    json_t *batch;
    json_array_foreach(batches, i, batch) {
        put_body(&seed->body, batch);
        for (int url = 0; url < URLS; url++)
            write_seed(seed, "batch", (int)i * URLS + url, (const uint8_t[]){(uint8_t)url, 0}, 2,
                       false, true);
    }
}

static void write_file(const struct catalogue *catalogue, const char *path) {
    json_error_t error;
    json_t *golden = json_load_file(path, 0, &error);
    if (!golden) {
        (void)fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
        exit(EX_DATAERR);
    }
    const json_t *chosen[SORTS + 1] = {NULL};
    choose(json_object_get(golden, "answers"), chosen);
    struct seed seed = {.api = json_string_value(json_object_get(golden, "api"))};
    seed.api_at = place_of(catalogue, seed.api);
    buf_init(&seed.body, 1 << 20);
    for (int i = 0; i <= SORTS; i++) {
        if (!chosen[i])
            continue;
        seed.status = (unsigned)json_integer_value(json_object_get(chosen[i], "status"));
        seed.head = json_string_value(json_object_get(chosen[i], "headers"));
        seed.is_stream = sort_of(chosen[i]) == SORT_stream;
        put_body(&seed.body, chosen[i]);
        write_all(&seed, i);
    }
    write_batches(&seed, json_object_get(golden, "batches"));
    buf_release(&seed.body);
    json_decref(golden);
}

int main(int argc, char **argv) {
    struct buf document, problems;
    struct catalogue *catalogue = NULL;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: %s FOLDER FILE…\n", argv[0]);
        return EX_USAGE;
    }
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, CATALOGUE_BYTES_MAX);
    enum err e = catalogue_compile_folder(NULL, &document, &problems);
    assert(e == ERR_OK);
    e = catalogue_load(buf_bytes(&document), &catalogue);
    assert(e == ERR_OK);
    folder = argv[1];
    (void)mkdir(folder, 0755);
    for (int i = 2; i < argc; i++)
        write_file(catalogue, argv[i]);
    catalogue_free(catalogue);
    buf_release(&document);
    buf_release(&problems);
    return 0;
}
