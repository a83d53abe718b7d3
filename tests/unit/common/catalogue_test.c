// The catalogue: one document for all hosts, and a file with a mistake in it never becomes one.

#include "common/catalogue.h"
#include "common/mem.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char api_file[] =
    "provider: acme\n"                               // 1
    "api: chat\n"                                    // 2
    "shape: openai.chat\n"                           // 3
    "is_default: true\n"                             // 4
    "sources:\n"                                     // 5
    "  docs: {what: the manual, date: 2026-08-21}\n" // 6
    "endpoint: {base_url: 'https://api.acme.example/v1', method: POST, path: /chat/completions,\n"
    "           urls: [/v1/chat/completions], source: docs}\n" // 8
    "auth: {header: Authorization, prefix: 'Bearer ', key_envs: [ACME_API_KEY], source: docs}\n"
    "retry:\n"                                                                      // 10
    "  - {status: 429, code: slow, class: retryable, reason: slow, source: docs}\n" // 11
    "  - {status: 400-499, class: permanent, reason: http_4xx, source: docs}\n"     // 12
    "errors: {code: $.error.code}\n"                                                // 13
    "supported_identifiers: [response_id]\n"                                        // 14
    "identifier_extraction_paths:\n"                                                // 15
    "  - {kind: response_id, path: $.id, source: docs}\n"                           // 16
    "answer: {message: '$.choices[0].message', finish: '$.choices[0].finish_reason'}\n"
    "finish: {stop: stop, source: docs}\n"           // 18
    "usage:\n"                                       // 19
    "  object: $.usage\n"                            // 20
    "  input: {path: $.usage.in, source: docs}\n"    // 21
    "  output: {path: $.usage.out, source: docs}\n"; // 22

static const char price_file[] =
    "provider: acme\n"                                                              // 1
    "currency: USD\n"                                                               // 2
    "sources:\n"                                                                    // 3
    "  list: {what: the price list, date: 2026-08-21}\n"                            // 4
    "models:\n"                                                                     // 5
    "  - model: roadrunner\n"                                                       // 6
    "    aliases: [beep]\n"                                                         // 7
    "    spans:\n"                                                                  // 8
    "      - {until: 2026-01-01, input: 2, output: 8.00, source: list}\n"           // 9
    "      - {from: 2026-01-01, input: 1, cached: 0.1, output: 4, source: list}\n"; // 10

// Compiles up to three files; problems and document are the caller's.
static enum err compile(const char *api, const char *prices, struct buf *document,
                        struct buf *problems) {
    struct catalogue_source sources[2];
    size_t count = 0;
    if (api)
        sources[count++] = (struct catalogue_source){"acme.chat.yaml", false, bytes_text(api)};
    if (prices)
        sources[count++] = (struct catalogue_source){"acme.yaml", true, bytes_text(prices)};
    buf_init(document, CATALOGUE_BYTES_MAX);
    buf_init(problems, 1 << 16);
    return catalogue_compile(sources, count, document, problems);
}

static struct catalogue *loaded(const char *api, const char *prices) {
    struct buf document, problems;
    struct catalogue *catalogue = NULL;
    enum err e = compile(api, prices, &document, &problems);
    ck_assert_msg(e == ERR_OK, "%s", buf_cstr(&problems));
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    buf_release(&document);
    buf_release(&problems);
    return catalogue;
}

// A text with one piece replaced; the caller frees it.
static char *changed(const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "%s", from);
    size_t size = strlen(text) + strlen(to) + 1;
    char *result = mem_new(size);
    (void)snprintf(result, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return result;
}

// Ten hosts must not extract or price in ten ways: the same files give the same bytes.
START_TEST(the_document_is_canonical_and_its_hash_names_it) {
    struct buf first, second, problems;
    char *reordered =
        changed(api_file, "provider: acme\napi: chat\n", "api: chat\nprovider: acme\n");
    ck_assert_int_eq(compile(api_file, price_file, &first, &problems), ERR_OK);
    buf_release(&problems);
    ck_assert_int_eq(compile(reordered, price_file, &second, &problems), ERR_OK);
    ck_assert(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    struct catalogue *catalogue;
    ck_assert_int_eq(catalogue_load(buf_bytes(&first), &catalogue), ERR_OK);
    ck_assert_uint_eq(strlen(catalogue_hash(catalogue)), 64);
    catalogue_free(catalogue);
    buf_release(&first);
    buf_release(&second);
    buf_release(&problems);
    mem_free(reordered);
}
END_TEST

// Whoever has mistyped something must be told where, and colloq must not start on half a file.
START_TEST(a_mistake_in_an_api_file_is_named_by_its_line) {
    static const struct {
        const char *from;
        const char *to;
        const char *problem;
    } cases[] = {
        {"api: chat\n", "api: [chat\n", "acme.chat.yaml:3: not valid YAML"},
        {"api: chat\n", "", "acme.chat.yaml:1: \"api\" is missing"},
        {"api: chat\n", "api: Chat\n", "acme.chat.yaml:2: api: must be lower-case"},
        {"api: chat\n", "api: chat\napi: chat\n", "acme.chat.yaml:3: this name stands twice"},
        {"is_default: true", "is_default: 1", "acme.chat.yaml:4: is_default: must be true or"},
        {"is_default: true", "is_defualt: true", "acme.chat.yaml:4: is_defualt: no such field"},
        {"is_default: true", "is_default: &a true", "acme.chat.yaml:4: anchors are not"},
        {"https://api", "ftp://api", "acme.chat.yaml:7: endpoint/base_url: must begin with"},
        {"method: POST", "method: GET", "acme.chat.yaml:7: endpoint/method: must be POST"},
        {"path: /chat", "path: chat", "acme.chat.yaml:7: endpoint/path: must begin with a slash"},
        {"path: /chat/completions", "path: '/{other}'",
         "acme.chat.yaml:7: endpoint/path: may hold {model}"},
        {"source: docs}\nauth", "query: [{name: 'a b', value: c}]}\nauth",
         "acme.chat.yaml:8: endpoint/query/0: needs no other characters"},
        {"source: docs}\nauth", "urls_stream: ['/{m}']}\nauth",
         "acme.chat.yaml:8: endpoint/urls_stream: may hold {model}"},
        {"  input: {path", "  web_searches: {path: $.a, count: sum}\n  input: {path",
         "acme.chat.yaml:21: usage/web_searches/count: must be each or texts"},
        {"errors: {", "stream: {asked_by: path, end: [{data: x}]}\nerrors: {",
         "acme.chat.yaml:13: stream/asked_by: needs an endpoint with path_stream"},
        {"errors: {", "stream: {asked_by: body}\nerrors: {",
         "acme.chat.yaml:13: stream: needs to say how a stream ends"},
        {"header: Auth", "header: 'A: '\n  #", "acme.chat.yaml:"},
        {"class: retryable", "class: again", "acme.chat.yaml:11: retry/0/class: must be success"},
        {"status: 429", "status: 42", "acme.chat.yaml:11: retry/0/status: must be a status"},
        {"400-499", "499-400", "acme.chat.yaml:12: retry/1/status: must be a status"},
        {"reason: slow, ", "", "acme.chat.yaml:11: retry/0: \"reason\" is missing"},
        {"source: docs}\n  - {status", "source: hearsay}\n  - {status",
         "acme.chat.yaml:11: retry/0/source: is not a name of the section sources"},
        {"date: 2026-08-21", "date: 2026-13-21", "acme.chat.yaml:6: sources/docs/date: must be a"},
        {"path: $.id,", "path: $...id,", "acme.chat.yaml:16: identifier_extraction_paths/0/path: "},
        {"path: $.id,", "", "acme.chat.yaml:16: identifier_extraction_paths/0: \"path\" is"},
        {"kind: response_id", "kind: request_id",
         "acme.chat.yaml:16: identifier_extraction_paths/0/kind: is not among"},
        {"kind: response_id", "kind: response",
         "acme.chat.yaml:16: identifier_extraction_paths/0/kind: must be lower-case"},
        {"{stop: stop,", "{stop: done,", "acme.chat.yaml:18: finish/stop: must be stop, length"},
        {"  input: {path: $.usage.in, source: docs}\n", "", "acme.chat.yaml:19: usage: needs"},
        {"  input: {path", "  input: {paht", "acme.chat.yaml:21: usage/input/paht: no such field"},
        {"retry:\n", "headers: {always: [{name: 'a b', value: c, source: docs}]}\nretry:\n",
         "acme.chat.yaml:10: headers/always/0: is no header that can be sent"},
        {"retry:\n", "headers: {always: [{name: a, value: \"b\\nc\", source: docs}]}\nretry:\n",
         "acme.chat.yaml:10: headers/always/0"},
        {"retry:\n", "headers: {always: a}\nretry:\n",
         "acme.chat.yaml:10: headers/always: must be"},
        {"retry:\n", "defaults: {output_tokens: 0, source: docs}\nretry:\n",
         "acme.chat.yaml:10: defaults/output_tokens: must be a number of tokens"},
        {"retry:\n", "request_fields: [model]\nretry:\n",
         "acme.chat.yaml:10: request_fields/0: must be a mapping"},
        {"finish: '$.choices[0].finish_reason'}", "finish: $.f, dimensions: {path: $.a}}",
         "acme.chat.yaml:17: answer/dimensions: must be a list"},
        {"  input: {path: $.usage.in",
         "  beyond: {words: [a], source: docs}\n  input: {path: $.usage.in",
         "acme.chat.yaml:21: usage/beyond: \"path\" is missing"},
        {"is_default: true", "is_default: false", "provider acme: exactly one of its APIs must be"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf document, problems;
        char *file = changed(api_file, cases[i].from, cases[i].to);
        ck_assert_msg(compile(file, price_file, &document, &problems) == ERR_BAD_CONFIG, "%s",
                      cases[i].to);
        ck_assert_msg(strncmp(buf_cstr(&problems), cases[i].problem, strlen(cases[i].problem)) == 0,
                      "\"%s\" gives: %s", cases[i].to, buf_cstr(&problems));
        ck_assert_uint_eq(buf_bytes(&document).size, 0);
        buf_release(&document);
        buf_release(&problems);
        mem_free(file);
    }
}
END_TEST

START_TEST(a_mistake_in_a_price_file_is_named_by_its_line) {
    static const struct {
        const char *from;
        const char *to;
        const char *problem;
    } cases[] = {
        {"USD", "EUR", "acme.yaml:2: currency: must be USD"},
        {"output: 8.00", "output: -8", "acme.yaml:9: models/0/spans/0/output: must be USD per"},
        {"output: 8.00", "output: 1e-9", "acme.yaml:9: models/0/spans/0/output: must be USD per"},
        {"input: 2, ", "", "acme.yaml:9: models/0/spans/0: \"input\" is missing"},
        {"input: 2, ", "inptu: 2, ", "acme.yaml:9: models/0/spans/0/inptu: no such field"},
        {"from: 2026-01-01", "from: 2025-12-31", "acme.yaml:8: models/0/spans: two spans overlap"},
        {"from: 2026-01-01", "from: tomorrow",
         "acme.yaml:10: models/0/spans/1/from: must be a day"},
        {"source: list", "source: rumour", "acme.yaml:9: models/0/spans/0/source: is not a name"},
        {"until: 2026-01-01, ", "tiers: {flex: 0.5}, ",
         "acme.yaml:9: models/0/spans/0/tiers/flex: must be a factor"},
        {"until: 2026-01-01, ", "long: {over: 0}, ",
         "acme.yaml:9: models/0/spans/0/long/over: must be a number of tokens"},
        {"until: 2026-01-01, ", "web_search: cheap, ",
         "acme.yaml:9: models/0/spans/0/web_search: must be USD for each one"},
        {"until: 2026-01-01, ", "cache_write_1h: -1, ",
         "acme.yaml:9: models/0/spans/0/cache_write_1h: must be USD per"},
        {"beep", "roadrunner", "prices of acme: roadrunner names both roadrunner and roadrunner"},
        {"  - model: roadrunner",
         "  - model: beep\n    spans: [{input: 1, source: list}]\n"
         "  - model: roadrunner",
         "prices of acme: beep names both beep and roadrunner"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf document, problems;
        char *file = changed(price_file, cases[i].from, cases[i].to);
        ck_assert_msg(compile(api_file, file, &document, &problems) == ERR_BAD_CONFIG, "%s",
                      cases[i].to);
        ck_assert_msg(strncmp(buf_cstr(&problems), cases[i].problem, strlen(cases[i].problem)) == 0,
                      "\"%s\" gives: %s", cases[i].to, buf_cstr(&problems));
        buf_release(&document);
        buf_release(&problems);
        mem_free(file);
    }
}
END_TEST

// The nearest name must not lend its price: gpt-5-nano-turbo is not gpt-5-nano.
START_TEST(a_model_is_matched_by_name_alias_or_dated_snapshot_only) {
    static const struct {
        const char *model;
        bool is_known;
    } cases[] = {
        {"roadrunner", true},
        {"beep", true},
        {"roadrunner-2026-05-01", true},
        {"beep-20260501", true},
        {"roadrunner-2026-13-01", false},
        {"roadrunner-2026-05-32", false},
        {"roadrunner-0501", false},
        {"roadrunner-", false},
        {"roadrunner-2", false},
        {"roadrunner-mini", false},
        {"roadrunne", false},
        {"Roadrunner", false},
        {"roadrunner-mini-2026-05-01", false},
        {"-2026-05-01", false},
        {"", false},
    };
    struct catalogue *catalogue = loaded(api_file, price_file);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bool is_known = !cases[i].is_known;
        const struct price *price = catalogue_price(catalogue, bytes_text("acme"),
                                                    bytes_text(cases[i].model), 0, &is_known);
        ck_assert_msg((price != NULL) == cases[i].is_known, "%s", cases[i].model);
        ck_assert_int_eq(is_known, cases[i].is_known);
    }
    ck_assert_ptr_null(
        catalogue_price(catalogue, bytes_text("other"), bytes_text("roadrunner"), 0, NULL));
    catalogue_free(catalogue);
}
END_TEST

// A call is billed at the price of its day, to the millisecond at which a price changes.
START_TEST(a_price_holds_from_its_first_to_before_its_last_instant) {
    const int64_t change_ms = 1767225600000; // 2026-01-01T00:00:00Z
    struct catalogue *catalogue = loaded(api_file, price_file);
    struct bytes acme = bytes_text("acme"), model = bytes_text("roadrunner");
    const struct price *before = catalogue_price(catalogue, acme, model, change_ms - 1, NULL);
    const struct price *after = catalogue_price(catalogue, acme, model, change_ms, NULL);
    ck_assert_int_eq(before->rates.in_uncached, 2000000);
    ck_assert_int_eq(before->rates.in_cached, -1);
    ck_assert_str_eq(before->name, "acme/roadrunner@first");
    ck_assert_int_eq(after->rates.in_uncached, 1000000);
    ck_assert_int_eq(after->rates.in_cached, 100000);
    ck_assert_str_eq(after->name, "acme/roadrunner@2026-01-01");
    ck_assert_str_eq(after->source, "the price list");
    ck_assert_str_eq(after->date, "2026-08-21");
    catalogue_free(catalogue);
}
END_TEST

// A line goes to the provider and API that the rules of the job format name.
// A provider that speaks a known API is a file and no program: what its requests need and what its
// prices depend on must come from there.
START_TEST(what_an_entry_says_of_requests_and_prices_is_read) {
    char *with_more =
        changed(api_file, "retry:\n",
                "headers: {always: [{name: acme-version, value: '2', source: docs}]}\n"
                "request_fields: [{name: model, type: text, required: true, source: docs},\n"
                "                 {name: top_k, type: number, required: false, source: docs}]\n"
                "defaults: {output_tokens: 77, source: docs}\n"
                "retry:\n");
    char *with_member =
        changed(with_more, "urls: [/v1/chat/completions],",
                "urls: [/v1/chat/completions], line_member: asks, is_url_owner: true,");
    char *file = changed(with_member, "finish: '$.choices[0].finish_reason'}",
                         "finish: $.f, dimensions: [{path: $.geo, plain: [here], request: geo}]}");
    char *prices =
        changed(price_file, "output: 8.00,", "output: 8.00, cache_write_1h: 4, web_search: 0.01,");
    struct catalogue *catalogue = loaded(file, prices);
    const struct provider_api *api = catalogue_api_at(catalogue, 0);
    ck_assert_uint_eq(api->header_count, 1);
    ck_assert_str_eq(api->headers[0].from, "acme-version");
    ck_assert_str_eq(api->headers[0].to, "2");
    ck_assert_str_eq(api->required_fields[0], "model");
    ck_assert_ptr_null(api->required_fields[1]);
    ck_assert_str_eq(api->request_fields[1], "top_k");
    ck_assert_ptr_null(api->request_fields[2]);
    ck_assert_int_eq(api->output_tokens_default, 77);
    ck_assert_uint_eq(api->dimension_count, 1);
    ck_assert_str_eq(api->dimensions[0].plain[0], "here");
    ck_assert_str_eq(api->dimensions[0].request, "geo");
    ck_assert_ptr_eq(catalogue_by_member(catalogue, bytes_of(NULL, 0), "asks"), api);
    ck_assert_ptr_eq(catalogue_by_member(catalogue, bytes_text("acme"), "asks"), api);
    ck_assert_ptr_null(catalogue_by_member(catalogue, bytes_text("acme"), "params"));
    const struct price *price = catalogue_price_at(catalogue, 0);
    ck_assert_int_eq(price->rates.in_cache_write_1h, 4000000);
    ck_assert_int_eq(price->web_search, 10000000000);
    ck_assert_int_eq(catalogue_price_at(catalogue, 1)->web_search, -1);
    catalogue_free(catalogue);
    mem_free(with_more);
    mem_free(with_member);
    mem_free(file);
    mem_free(prices);
}
END_TEST

START_TEST(names_and_urls_find_their_api) {
    size_t count;
    const struct catalogue_source *own = catalogue_builtin(&count);
    struct buf document, problems, names;
    struct catalogue_source *sources = mem_array(count + 1, sizeof(*sources));
    memcpy(sources, own, count * sizeof(*own));
    sources[count] = (struct catalogue_source){"acme.chat.yaml", false, bytes_text(api_file)};
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
    buf_init(&names, 1 << 10);
    struct catalogue *catalogue;
    ck_assert_int_eq(catalogue_compile(sources, count + 1, &document, &problems), ERR_OK);
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);

    struct bytes acme = bytes_text("acme"), openai = bytes_text("openai"), provider, model;
    ck_assert_str_eq(catalogue_by_url(catalogue, bytes_text("/v1/chat/completions"))->provider,
                     "openai");
    ck_assert_str_eq(
        catalogue_by_url(catalogue, bytes_text("https://x.example/v1/chat/completions?a=b"))->api,
        "chat");
    ck_assert_ptr_null(catalogue_by_url(catalogue, bytes_text("/v2/chat/completions")));
    ck_assert_ptr_null(catalogue_by_url(catalogue, bytes_text("https://x.example")));
    ck_assert_ptr_null(catalogue_by_url(catalogue, bytes_text("")));
    ck_assert_str_eq(
        catalogue_api_by_url(catalogue, acme, bytes_text("/v1/chat/completions"))->provider,
        "acme");
    ck_assert_ptr_null(catalogue_api_by_url(catalogue, acme, bytes_text("/v1/messages")));
    ck_assert_str_eq(catalogue_default_api(catalogue, openai)->api, "chat");
    ck_assert_ptr_null(catalogue_default_api(catalogue, bytes_text("nobody")));
    ck_assert_str_eq(catalogue_by_url(catalogue, bytes_text("/v1/responses"))->provider, "openai");
    ck_assert_str_eq(
        catalogue_api_by_url(catalogue, bytes_text("xai"), bytes_text("/v1/responses"))->provider,
        "xai");
    ck_assert_ptr_null(catalogue_api(catalogue, openai, bytes_text("assistants")));

    ck_assert(catalogue_split_model(catalogue, bytes_text("acme/meta/llama"), &provider, &model));
    ck_assert(bytes_is(provider, "acme"));
    ck_assert(bytes_is(model, "meta/llama"));
    ck_assert(!catalogue_split_model(catalogue, bytes_text("meta/llama"), &provider, &model));
    ck_assert(bytes_is(model, "meta/llama"));
    ck_assert(!catalogue_split_model(catalogue, bytes_text("acme/"), &provider, &model));
    ck_assert(!catalogue_split_model(catalogue, bytes_text("acme"), &provider, &model));
    catalogue_candidates(catalogue, &names);
    ck_assert_str_eq(buf_cstr(&names),
                     "acme, anthropic, azure, compatible, deepseek, gemini, groq, mistral, "
                     "ollama, openai, openrouter, together, xai");

    catalogue_free(catalogue);
    buf_release(&document);
    buf_release(&problems);
    buf_release(&names);
    mem_free(sources);
}
END_TEST

static int forget(const char *path, const struct stat *stat, int flag, struct FTW *ftw) {
    (void)stat;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void write_file(const char *folder, const char *name, const char *text) {
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    ck_assert_int_eq(fclose(file), 0);
}

// Somebody with a contract of their own has prices of their own; they hold in place of ours, for
// the models that they name and for no other.
START_TEST(the_users_folder_replaces_what_it_names) {
    char folder[] = "/tmp/colloq-catalogue-XXXXXX", inside[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    static const char *const names[] = {"providers", "prices"};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(inside, sizeof(inside), "%s/%s", folder, names[i]);
        ck_assert_int_eq(mkdir(inside, 0700), 0);
    }
    write_file(folder, "prices/mine.yaml",
               "provider: openai\ncurrency: USD\n"
               "sources: {contract: {what: our contract, date: 2026-01-01}}\n"
               "models:\n  - model: gpt-5-nano\n"
               "    spans: [{input: 0.01, output: 0.02, source: contract}]\n");
    write_file(folder, "prices/.ignored.yaml", "x");
    struct buf document, problems;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
    ck_assert_int_eq(catalogue_compile_folder(folder, &document, &problems), ERR_OK);
    struct catalogue *catalogue;
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    struct bytes openai = bytes_text("openai");
    const struct price *price =
        catalogue_price(catalogue, openai, bytes_text("gpt-5-nano-2025-08-07"), 0, NULL);
    ck_assert_int_eq(price->rates.in_uncached, 10000);
    ck_assert_int_eq(price->rates.in_cached, -1);
    price = catalogue_price(catalogue, openai, bytes_text("gpt-5-mini"), 0, NULL);
    ck_assert_int_eq(price->rates.in_uncached, 250000);
    catalogue_free(catalogue);

    write_file(folder, "providers/broken.yaml", "provider: acme\napi: chat\nwhat: 1\n");
    ck_assert_int_eq(catalogue_compile_folder(folder, &document, &problems), ERR_BAD_CONFIG);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&problems), "/providers/broken.yaml:3: what: no such"));
    ck_assert_int_eq(catalogue_compile_folder("/nowhere/at/all", &document, &problems), ERR_IO);
    buf_release(&document);
    buf_release(&problems);
    ck_assert_int_eq(nftw(folder, forget, 8, FTW_DEPTH | FTW_PHYS), 0);
}
END_TEST

// What comes from another process is believed only as far as it is a catalogue.
START_TEST(what_is_no_catalogue_is_refused) {
    static const char *const documents[] = {
        "",
        "{}",
        "[]",
        "{\"format\":2,\"providers\":[],\"prices\":[]}",
        "{\"format\":1,\"providers\":[{}],\"prices\":[]}",
        "{\"format\":1,\"providers\":[1],\"prices\":[]}",
        "{\"format\":1,\"providers\":[],\"prices\":[{\"provider\":\"a\",\"model\":\"b\"}]}",
        ("{\"format\":1,\"providers\":[],\"prices\":[{\"provider\":\"a\",\"model\":\"b\",\"spans\":"
         "[{\"input\":1,\"source\":\"s\",\"date\":\"2026-01-01\"}]},{\"provider\":\"a\",\"model\":"
         "\"b\",\"spans\":[{\"input\":1,\"source\":\"s\",\"date\":\"2026-01-01\"}]}]}"),
    };
    int64_t held = mem_held();
    for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
        struct catalogue *catalogue = NULL;
        ck_assert_msg(catalogue_load(bytes_text(documents[i]), &catalogue) == ERR_MALFORMED, "%s",
                      documents[i]);
        ck_assert_ptr_null(catalogue);
    }
    ck_assert_int_eq(mem_held(), held);
    struct catalogue *empty;
    ck_assert_int_eq(
        catalogue_load(bytes_text("{\"format\":1,\"providers\":[],\"prices\":[]}"), &empty),
        ERR_OK);
    ck_assert_ptr_null(catalogue_price(empty, bytes_text("a"), bytes_text("b"), 0, NULL));
    catalogue_free(empty);
    catalogue_free(NULL);
    ck_assert_int_eq(mem_held(), held);
}
END_TEST

// ---- What our own files say. -------------------------------------------------------------------

static struct catalogue *own_catalogue(void) {
    struct buf document, problems;
    struct catalogue *catalogue;
    buf_init(&document, CATALOGUE_BYTES_MAX);
    buf_init(&problems, 1 << 16);
    enum err e = catalogue_compile_folder(NULL, &document, &problems);
    ck_assert_msg(e == ERR_OK, "%s", buf_cstr(&problems));
    ck_assert_int_eq(catalogue_load(buf_bytes(&document), &catalogue), ERR_OK);
    buf_release(&document);
    buf_release(&problems);
    return catalogue;
}

// Retrying an exhausted quota burns every job's attempts; holding the lane for one bad request
// stops a whole night's work.
START_TEST(openais_answers_are_classed_by_status_and_words) {
    static const struct {
        unsigned status;
        const char *body;
        enum call_class class;
        const char *reason;
    } cases[] = {
        {200, "{}", CLASS_success, "answered"},
        {400, "{\"error\":{\"code\":\"context_length_exceeded\"}}", CLASS_permanent,
         "context_length_exceeded"},
        {400, "", CLASS_permanent, "http_400"},
        {401, "{\"error\":{\"code\":\"invalid_api_key\"}}", CLASS_lane_wide, "http_401"},
        {402, "payment", CLASS_lane_wide, "http_402"},
        {403, "<html>", CLASS_lane_wide, "http_403"},
        {404, "{\"error\":{\"code\":\"model_not_found\"}}", CLASS_permanent, "model_not_found"},
        {408, "", CLASS_retryable, "http_408"},
        {409, "", CLASS_retryable, "http_409"},
        {418, "", CLASS_permanent, "http_4xx"},
        {429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", CLASS_rate_limited, "http_429"},
        {429, "{\"error\":{\"type\":\"insufficient_quota\",\"code\":null}}", CLASS_lane_wide,
         "quota_exhausted"},
        {429, "{\"error\":{\"code\":\"insufficient_quota\"}}", CLASS_lane_wide, "quota_exhausted"},
        {429, "{\"error\":{\"code\":\"project_spend_limit_exceeded\"}}", CLASS_lane_wide,
         "spend_limit"},
        {429, "\"slow down\"", CLASS_rate_limited, "http_429"},
        {500, "", CLASS_retryable, "http_500"},
        {503, "", CLASS_retryable, "http_503"},
        {529, "", CLASS_retryable, "http_5xx"},
        {302, "", CLASS_permanent, "redirect"},
    };
    struct catalogue *catalogue = own_catalogue();
    const struct provider_api *api =
        catalogue_api(catalogue, bytes_text("openai"), bytes_text("chat"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct error_words words;
        provider_api_error(api, bytes_text(cases[i].body), &words);
        const struct retry_rule *rule = provider_api_retry(api, cases[i].status, &words);
        ck_assert_msg(rule != NULL, "%u", cases[i].status);
        ck_assert_msg(rule->class == cases[i].class, "%u %s", cases[i].status, cases[i].body);
        ck_assert_str_eq(rule->reason, cases[i].reason);
    }
    for (unsigned status = 200; status < 600; status++) {
        struct error_words none = {0};
        ck_assert_msg(provider_api_retry(api, status, &none) != NULL, "%u", status);
    }
    catalogue_free(catalogue);
}
END_TEST

// Error bodies come in every shape; what they say must reach the person who can mend it.
START_TEST(an_errors_words_are_found_in_every_shape) {
    static const struct {
        const char *body;
        const char *type;
        const char *code;
        const char *message;
    } cases[] = {
        {"{\"error\":{\"type\":\"t\",\"code\":\"c\",\"message\":\"m \\u00e9\"}}", "t", "c",
         "m \xc3\xa9"},
        {"{\"error\":{\"code\":429,\"message\":null}}", "", "429", ""},
        {"{\"error\":\"words\"}", "", "", "words"},
        {"{\"message\":\"words\"}", "", "", "words"},
        {"{\"detail\":[]}", "", "", ""},
        {"\"words\"", "", "", "words"},
        {"null", "", "", ""},
        {"<html>", "", "", ""},
        {"", "", "", ""},
    };
    struct catalogue *catalogue = own_catalogue();
    const struct provider_api *api =
        catalogue_api(catalogue, bytes_text("openai"), bytes_text("chat"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct error_words words;
        provider_api_error(api, bytes_text(cases[i].body), &words);
        ck_assert_str_eq(words.type, cases[i].type);
        ck_assert_str_eq(words.code, cases[i].code);
        ck_assert_str_eq(words.message, cases[i].message);
    }
    struct buf body;
    struct error_words words;
    buf_init(&body, 1 << 16);
    buf_text(&body, "{\"error\":{\"code\":\"");
    for (int i = 0; i < 100; i++)
        buf_text(&body, "\xc3\xa9");
    buf_text(&body, "\"}}");
    provider_api_error(api, buf_bytes(&body), &words);
    ck_assert_uint_eq(strlen(words.code), 126); // 127 would cut a character in two
    buf_release(&body);
    catalogue_free(catalogue);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("catalogue");
    TCase *all = tcase_create("all");
    tcase_add_test(all, the_document_is_canonical_and_its_hash_names_it);
    tcase_add_test(all, a_mistake_in_an_api_file_is_named_by_its_line);
    tcase_add_test(all, a_mistake_in_a_price_file_is_named_by_its_line);
    tcase_add_test(all, a_model_is_matched_by_name_alias_or_dated_snapshot_only);
    tcase_add_test(all, a_price_holds_from_its_first_to_before_its_last_instant);
    tcase_add_test(all, what_an_entry_says_of_requests_and_prices_is_read);
    tcase_add_test(all, names_and_urls_find_their_api);
    tcase_add_test(all, the_users_folder_replaces_what_it_names);
    tcase_add_test(all, what_is_no_catalogue_is_refused);
    tcase_add_test(all, openais_answers_are_classed_by_status_and_words);
    tcase_add_test(all, an_errors_words_are_found_in_every_shape);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
