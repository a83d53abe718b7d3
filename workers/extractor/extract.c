#include "workers/extractor/extract.h"

#include "common/wire.h"
#include "workers/extractor/headers.h"
#include "workers/extractor/shape.h"

#include <assert.h>

void extract_init(struct extract *extract) {
    memset(extract, 0, sizeof(*extract));
    json_scan_init(&extract->scan);
    json_scan_init(&extract->event);
    assembly_init(&extract->assembly);
    extract->assembly.keeps_rest = true;
    buf_init(&extract->assembled, ANSWER_BYTES_MAX);
    buf_init(&extract->place, EXTRACT_PLACE_BYTES_MAX);
    buf_init(&extract->pool, 2 * FRAME_BYTES_MAX);
    buf_init(&extract->metadata, ANSWER_BYTES_MAX);
    buf_init(&extract->header_json, HEADERS_JSON_BYTES_MAX);
    buf_init(&extract->message, ANSWER_BYTES_MAX);
    buf_init(&extract->usage_json, ANSWER_BYTES_MAX);
    for (size_t i = 0; i < EXTRACT_TEXTS; i++)
        buf_init(&extract->texts[i], ANSWER_BYTES_MAX);
}

void extract_release(struct extract *extract) {
    json_scan_release(&extract->scan);
    json_scan_release(&extract->event);
    assembly_release(&extract->assembly);
    buf_release(&extract->assembled);
    buf_release(&extract->place);
    buf_release(&extract->pool);
    buf_release(&extract->metadata);
    buf_release(&extract->header_json);
    buf_release(&extract->message);
    buf_release(&extract->usage_json);
    for (size_t i = 0; i < EXTRACT_TEXTS; i++)
        buf_release(&extract->texts[i]);
}

static bool is_success(const struct extract *extract) {
    return extract->answer.status >= 200 && extract->answer.status <= 299;
}

// ---- Streams. ----------------------------------------------------------------------------------

static void open_stream(struct extract *extract) {
    const struct provider_api *api = extract->answer.api;
    const struct answer_shape *shape = answer_shape_of(api->shape);
    extract->is_stream =
        extract->answer.of == ANSWER_call && answer_shape_is_stream(shape, extract->answer.body);
    extract->story = (struct stream_story){0};
    extract->stream_state = ERR_OK;
    assembly_reset(&extract->assembly);
    buf_reset(&extract->assembled);
    if (extract->is_stream && shape && shape->take_event && api->stream.is_served)
        extract->stream_state =
            answer_shape_assemble(shape, api, extract->answer.body, &extract->assembly,
                                  &extract->event, &extract->story, &extract->assembled);
}

struct bytes extract_body(const struct extract *extract) {
    if (!extract->is_stream)
        return extract->answer.body;
    return extract->assembled.size > 0 ? buf_bytes(&extract->assembled) : bytes_text("");
}

static const char *stream_refusal(const struct extract *extract) {
    const struct provider_api *api = extract->answer.api;
    const struct answer_shape *shape = answer_shape_of(api->shape);
    if (!shape || !shape->take_event || !api->stream.is_served)
        return "stream_not_served";
    if (extract->stream_state != ERR_OK)
        return "stream_too_large";
    if (extract->story.is_failed)
        return "error_in_answer";
    if (extract->story.is_malformed)
        return "stream_malformed";
    bool is_whole = stream_is_whole(&extract->story) && (!extract->is_json || !shape->is_finished ||
                                                         shape->is_finished(&extract->scan));
    return is_whole ? NULL : "stream_incomplete";
}

// ---- Opening. ----------------------------------------------------------------------------------

void extract_open(struct extract *extract, const struct answer *answer) {
    assert(answer->api);
    extract->answer = *answer;
    open_stream(extract);
    extract->is_json = json_scan(&extract->scan, extract_body(extract), NULL) == ERR_OK;
    extract->header_count = headers_split(answer->headers, extract->headers);
    extract->identifier_count = 0;
    extract->event_count = 0;
    extract->identifiers_left_out = 0;
    extract->has_identifiers = false;
    extract->paths_given_up = 0;
    extract->out_estimated = -2;
    buf_reset(&extract->pool);
}

// ---- Whether it can be read. -------------------------------------------------------------------

const char *extract_refusal(const struct extract *extract) {
    if (!is_success(extract) || extract->answer.of == ANSWER_results)
        return NULL;
    const char *refusal = extract->is_stream ? stream_refusal(extract) : NULL;
    if (refusal)
        return refusal;
    if (extract->answer.body.size == 0)
        return "empty_body";
    if (!extract->is_json)
        return "not_json";
    const struct answer_shape *shape = answer_shape_of(extract->answer.api->shape);
    struct error_words words;
    if (provider_api_failed(extract->answer.api, &extract->scan, &words))
        return "error_in_answer";
    if (extract->answer.of == ANSWER_batch)
        return NULL;
    return shape ? shape->refusal(&extract->scan) : "shape_not_served";
}

// ---- Metadata. ---------------------------------------------------------------------------------

static bool mark_content(void *context, const struct json_scan *scan, uint32_t node) {
    (void)scan;
    struct extract *extract = context;
    extract->scan.nodes[node].is_marked = true;
    return true;
}

// False if the search for one of them was given up.
static bool mark_all(struct extract *extract, const struct jsonpath *const *content) {
    bool is_whole = true;
    for (; *content; content++)
        is_whole &= jsonpath_all(*content, &extract->scan, mark_content, extract, NULL) == ERR_OK;
    return is_whole;
}

// What stood in the stream's events only; null if it found no room, or would nest too deep here.
static void put_events(struct extract *extract, struct buf *out) {
    enum { ABOVE = 2 }; // the metadata, and what is put here
    const struct grown *rest = &extract->assembly.rest;
    bool has_rest = grown_state(rest) == ERR_OK && grown_depth(rest) + ABOVE <= JSON_DEPTH_MAX;
    buf_printf(out, "\"stream_events\":{\"count\":%llu,\"last\":",
               (unsigned long long)extract->story.events);
    if (has_rest)
        grown_put(rest, 0, out);
    else
        buf_text(out, "null");
    buf_byte(out, '}');
    extract->paths_given_up += !has_rest;
}

// What is around the answer in its item: null if it would nest too deep here.
static void put_item(struct extract *extract, struct buf *out) {
    struct buf *around = &extract->assembled; // of no use where there is no stream
    buf_reset(around);
    if (extract_open_item(extract))
        json_put_node(around, &extract->event, 0);
    bool has_item = json_scan(&extract->event, buf_bytes(around), NULL) == ERR_OK &&
                    json_depth(&extract->event) < JSON_DEPTH_MAX;
    buf_text(out, "\"batch_item\":");
    if (has_item)
        json_put_node(out, &extract->event, 0);
    else
        buf_text(out, "null");
    extract->paths_given_up += !has_item;
}

static void put_left_out(struct extract *extract, struct buf *out) {
    buf_printf(out, "\"identifiers_left_out\":%u", extract->identifiers_left_out);
}

static void put_estimate(struct extract *extract, struct buf *out) {
    buf_printf(out, "\"out_visible_estimated\":%lld", (long long)extract_output_estimate(extract));
}

// Behind the last member of the body's metadata: what is to be said about the answer, under names
// that the body does not have itself.
static void put_remarks(struct extract *extract) {
    const bool is_in_item = extract->answer.item.size > 0 && !extract_is_item(extract);
    const struct {
        const char *name;
        bool is_said;
        void (*put)(struct extract *extract, struct buf *out);
    } remarks[] = {{"stream_events", extract->is_stream, put_events},
                   {"batch_item", is_in_item, put_item},
                   {"out_visible_estimated", extract_output_estimate(extract) >= 0, put_estimate},
                   {"identifiers_left_out", extract->identifiers_left_out > 0, put_left_out}};
    struct buf *out = &extract->metadata;
    bool is_object = extract->scan.nodes[0].shape == JSON_SHAPE_object && out->size >= 2;
    if (!is_object && !extract->is_stream)
        return;
    if (is_object)
        out->size--;
    else
        buf_reset(out);
    if (!is_object)
        buf_byte(out, '{');
    const char *comma = out->size > 1 ? "," : "";
    for (size_t i = 0; i < sizeof(remarks) / sizeof(remarks[0]); i++) {
        if (!remarks[i].is_said || json_find(&extract->scan, 0, remarks[i].name) != 0)
            continue;
        buf_text(out, comma);
        remarks[i].put(extract, out);
        comma = ",";
    }
    buf_byte(out, '}');
}

static bool mark_contents(struct extract *extract) {
    const struct provider_api *api = extract->answer.api;
    if (extract->answer.of != ANSWER_call)
        return mark_all(extract, api->batch.items) && mark_all(extract, api->batch.content);
    return mark_all(extract, extract_is_item(extract) ? api->batch.item_content : api->content);
}

struct bytes extract_all_metadata(struct extract *extract) {
    buf_reset(&extract->metadata);
    if (!extract->is_json)
        return bytes_of(NULL, 0);
    size_t count;
    (void)extract_all_identifiers(extract, &count); // how many are left out
    bool is_whole = mark_contents(extract);
    // Content that was not found for want of steps must not pass for metadata.
    if (is_whole) {
        json_put_node(&extract->metadata, &extract->scan, 0);
        put_remarks(extract);
    }
    extract->paths_given_up += !is_whole;
    for (uint32_t i = 0; i < extract->scan.count; i++)
        extract->scan.nodes[i].is_marked = false;
    return buf_bytes(&extract->metadata);
}

struct bytes extract_headers(struct extract *extract) {
    buf_reset(&extract->header_json);
    headers_put_json(extract->headers, extract->header_count, &extract->header_json);
    return buf_bytes(&extract->header_json);
}

// ---- Finish and message. -----------------------------------------------------------------------

// A text of the body, or nothing. Each has its own buffer, since it is kept until the facts are
// written.
static struct bytes text_at(struct extract *extract, const struct jsonpath *path,
                            struct buf *resolved, size_t size_max) {
    uint32_t node;
    buf_reset(resolved);
    if (!jsonpath_first(path, &extract->scan, &node))
        return bytes_of(NULL, 0);
    return bytes_cut(json_text(&extract->scan, node, resolved), size_max);
}

static const char *neutral_finish(const struct provider_api *api, struct bytes raw) {
    for (size_t i = 0; i < api->finish_count; i++)
        if (bytes_is(raw, api->finishes[i].from))
            return api->finishes[i].to;
    return "unknown";
}

// The tier that served, which in a batch is the batch's, and whatever else the price depends on,
// with + between them.
static struct bytes tier_of(struct extract *extract) {
    const struct provider_api *api = extract->answer.api;
    struct buf *out = &extract->texts[1];
    struct bytes tier = extract->answer.item.size > 0
                            ? bytes_text(api->batch.tier)
                            : text_at(extract, api->service_tier, out, SERVICE_TIER_BYTES_MAX);
    for (size_t i = 0; i < api->dimension_count; i++) {
        struct bytes word =
            text_at(extract, api->dimensions[i].path, &extract->texts[3], SERVICE_TIER_BYTES_MAX);
        bool is_plain = word.size == 0;
        for (const char *const *plain = api->dimensions[i].plain; *plain; plain++)
            is_plain = is_plain || bytes_is(word, *plain);
        if (is_plain)
            continue;
        if (tier.at != out->at) {
            buf_reset(out);
            buf_put(out, tier.at, tier.size);
        }
        if (out->size > 0)
            buf_byte(out, '+');
        buf_put(out, word.at, word.size);
        tier = buf_bytes(out);
    }
    return bytes_cut(tier, SERVICE_TIER_BYTES_MAX);
}

static void read_answer(struct extract *extract, struct facts_head *head) {
    const struct provider_api *api = extract->answer.api;
    const struct answer_shape *shape = answer_shape_of(api->shape);
    uint32_t message;
    head->model = text_at(extract, api->model, &extract->texts[0], MODEL_BYTES_MAX);
    head->service_tier = tier_of(extract);
    head->finish_raw = text_at(extract, api->finish, &extract->texts[2], 256);
    head->finish = bytes_text(neutral_finish(api, head->finish_raw));
    if (!jsonpath_first(api->message, &extract->scan, &message) ||
        extract->scan.nodes[message].shape != JSON_SHAPE_object)
        return;
    bool is_stop = bytes_is(head->finish, "stop");
    if (is_stop && shape->is_declined && shape->is_declined(&extract->scan, message))
        head->finish = bytes_text("refusal");
    else if (is_stop && shape->is_calling && shape->is_calling(&extract->scan, message))
        head->finish = bytes_text("tool_calls");
    buf_reset(&extract->message);
    shape->put_message(&extract->scan, message, &extract->message);
    head->message = buf_bytes(&extract->message);
}

// ---- Errors. -----------------------------------------------------------------------------------

static const uint8_t *find_text(struct bytes in, const char *text) {
    return in.size > 0 ? memmem(in.at, in.size, text, strlen(text)) : NULL;
}

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// What an error's body that is no JSON says: a page's title, or a short plain text. In what begins
// as JSON and was cut or spoiled, content may stand.
static struct bytes plain_words(struct bytes body) {
    while (body.size > 0 && is_blank(*body.at))
        body = bytes_of(body.at + 1, body.size - 1);
    if (body.size == 0 || *body.at == '{' || *body.at == '[' || *body.at == '"')
        return bytes_of(NULL, 0);
    struct bytes words = body;
    const uint8_t *title = find_text(body, "<title>");
    if (title) {
        title += strlen("<title>");
        words = bytes_of(title, (size_t)(body.at + body.size - title));
        const uint8_t *end = find_text(words, "</title>");
        words.size = end ? (size_t)(end - words.at) : 0;
    } else if (*body.at == '<') {
        return bytes_of(NULL, 0);
    }
    words = bytes_cut(words, 512);
    return utf8_is_valid(words) ? words : bytes_of(NULL, 0);
}

// A success has words only where it says that it failed: anything else in it may be content.
static void read_error(struct extract *extract, struct error_words *words,
                       struct facts_head *head) {
    if (extract->story.is_failed)
        *words = extract->story.words;
    else if (is_success(extract))
        (void)provider_api_failed(extract->answer.api, &extract->scan, words);
    else
        provider_api_error_of(extract->answer.api, &extract->scan, words);
    head->finish = bytes_text("error");
    head->error_type = bytes_text(words->type);
    head->error_code = bytes_text(words->code);
    // Neither a success nor a stream is a plain text: content would stand in it.
    bool has_words = extract->is_json || extract->is_stream || is_success(extract);
    head->error_message =
        has_words ? bytes_text(words->message) : plain_words(extract->answer.body);
}

// ---- Facts. ------------------------------------------------------------------------------------

static void put_usage(const struct usage *usage, struct facts_head *head) {
    head->usage = usage->raw;
    head->has_usage = usage->has_usage;
    head->in_uncached = usage->counters.in_uncached;
    head->in_cached = usage->counters.in_cached;
    head->in_cache_write = usage->counters.in_cache_write;
    head->in_cache_write_1h = usage->counters.in_cache_write_1h;
    head->web_searches = usage->counters.web_searches;
    head->in_audio = usage->counters.in_audio;
    head->out_visible = usage->counters.out_visible;
    head->out_reasoning = usage->counters.out_reasoning;
    head->out_audio = usage->counters.out_audio;
    head->in_tool_use = usage->counters.in_tool_use;
    head->in_image = usage->counters.in_image;
    head->out_image = usage->counters.out_image;
    head->total_stated = usage->total_stated;
    head->cost_stated_pusd = usage->cost_stated_pusd;
    head->is_inconsistent = usage->is_inconsistent;
    head->has_more = usage->has_more;
}

// Whether all parts found room: one that did not would be missing without a word. What a shape
// writes anew can be longer than it was in the answer.
static bool has_all_parts(const struct extract *extract) {
    bool has_all = buf_state(&extract->metadata) == ERR_OK &&
                   buf_state(&extract->header_json) == ERR_OK &&
                   buf_state(&extract->message) == ERR_OK &&
                   buf_state(&extract->usage_json) == ERR_OK && buf_state(&extract->pool) == ERR_OK;
    for (size_t i = 0; i < EXTRACT_TEXTS; i++)
        has_all = has_all && buf_state(&extract->texts[i]) == ERR_OK;
    return has_all;
}

enum err extract_facts(struct extract *extract, struct buf *out) {
    struct facts_head head = {0};
    struct error_words words;
    buf_reset(&extract->message);
    buf_reset(&extract->usage_json);
    for (size_t i = 0; i < EXTRACT_TEXTS; i++)
        buf_reset(&extract->texts[i]);
    struct usage usage = extract_usage(extract);
    put_usage(&usage, &head);
    if (is_success(extract) && !extract_refusal(extract)) {
        if (extract->answer.of == ANSWER_call)
            read_answer(extract, &head);
    } else {
        read_error(extract, &words, &head);
    }
    head.metadata = extract_all_metadata(extract);
    head.headers = extract_headers(extract);

    size_t count;
    const struct identifier *identifiers = extract_all_identifiers(extract, &count);
    if (!has_all_parts(extract))
        return ERR_TOO_BIG;
    struct wire_writer writer;
    wire_begin(&writer, out, KIND_facts, &head, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        struct facts_item item = {identifiers[i].kind, identifiers[i].value, identifiers[i].path};
        wire_item(&writer, &item);
    }
    return wire_end(&writer);
}
