// The members of a request's body: those of a native one, the parameters of a turn, and what a
// request for a stream needs.
#include "workers/provider/adapters/neutral.h"

#include <stdio.h>
#include <string.h>

// ---- streams ------------------------------------------------------------------------------------

// What the catalogue wants in the body of a request for a stream, scanned; count 0: nothing.
static void open_needs(const struct adapter_job *job, struct json_scan *needs) {
    json_scan_init(needs);
    if (job->is_stream && job->api->stream.with)
        (void)json_scan(needs, bytes_text(job->api->stream.with), NULL);
}

static uint32_t find_like(const struct json_scan *in, uint32_t object, const struct json_scan *scan,
                          uint32_t node) {
    const struct json_node *at = &scan->nodes[node];
    struct bytes name = bytes_of(scan->text.at + at->name_at, at->name_size);
    if (!has_shape(in, object, JSON_SHAPE_object))
        return 0;
    for (uint32_t i = first_in(object); i < next_in(in, object); i = next_in(in, i))
        if (json_is_named(in, i, name))
            return i;
    return 0;
}

// The members of `from` that the object does not state; null states nothing.
static void put_missing(struct buf *out, const struct json_scan *from, uint32_t all,
                        const struct json_scan *scan, uint32_t object, const char *comma) {
    for (uint32_t i = first_in(all); i < next_in(from, all); i = next_in(from, i)) {
        uint32_t stated = find_like(scan, object, from, i);
        if (stated && !has_shape(scan, stated, JSON_SHAPE_null))
            continue;
        buf_text(out, comma);
        comma = ",";
        put_member(out, from, i);
    }
}

// Whether a member is a null in the place of what `from` has.
static bool gives_way(const struct json_scan *from, uint32_t all, const struct json_scan *scan,
                      uint32_t node) {
    return has_shape(scan, node, JSON_SHAPE_null) && find_like(from, all, scan, node);
}

// An object's member, with what it does not state of an object `from`.
static void put_filled(struct buf *out, const struct json_scan *from, uint32_t all,
                       const struct json_scan *scan, uint32_t object) {
    const char *comma = "";
    put_name(out, scan, object);
    buf_text(out, "{");
    for (uint32_t i = first_in(object); i < next_in(scan, object); i = next_in(scan, i)) {
        if (gives_way(from, all, scan, i))
            continue;
        buf_text(out, comma);
        comma = ",";
        put_member(out, scan, i);
    }
    put_missing(out, from, all, scan, object, comma);
    buf_text(out, "}");
}

// A member of what the line states for the body, "name":value as it stands; where the API wants
// more in an object of that name from a request for a stream, with that in it.
static void put_stated(struct buf *out, const struct adapter_job *job, const struct json_scan *scan,
                       uint32_t node) {
    struct json_scan needs;
    open_needs(job, &needs);
    uint32_t need = needs.count > 0 ? find_like(&needs, 0, scan, node) : 0;
    if (need && has_shape(&needs, need, JSON_SHAPE_object) &&
        has_shape(scan, node, JSON_SHAPE_object))
        put_filled(out, &needs, need, scan, node);
    else
        put_member(out, scan, node);
    json_scan_release(&needs);
}

// Whether it is a null, and a request for a stream needs more.
static bool is_needed(const struct adapter_job *job, const struct json_scan *scan, uint32_t node) {
    struct json_scan needs;
    open_needs(job, &needs);
    bool is_it = needs.count > 0 && gives_way(&needs, 0, scan, node);
    json_scan_release(&needs);
    return is_it;
}

// Whether the body leaves out a member of a line: "stream", unless it asks for one here.
static bool is_left_out(const struct adapter_job *job, const struct json_scan *scan,
                        uint32_t node) {
    return json_is_named(scan, node, bytes_text("stream")) &&
           (!job->is_stream || job->api->stream.is_asked_by_path);
}

// What a request for a stream needs besides, each with a comma before it, as far as the object does
// not state it.
static void put_stream_needs(struct buf *out, const struct adapter_job *job,
                             const struct json_scan *scan, uint32_t object) {
    struct json_scan needs;
    open_needs(job, &needs);
    if (needs.count > 0)
        put_missing(out, &needs, 0, scan, object, ",");
    json_scan_release(&needs);
}

// ---- a native body ------------------------------------------------------------------------------

static bool find_body(const struct adapter_job *job, struct bytes *body) {
    const char *other = job->api->line_member;
    bool is_there =
        json_member(job->line, "body", body) || (other && json_member(job->line, other, body));
    return is_there && body->size >= 2 && body->at[0] == '{';
}

// Members that stand in the path, or are said by it.
static bool is_in_path(const struct adapter_job *job, const struct json_scan *scan, uint32_t node) {
    static const char *const stream[] = {"stream", NULL}, *const model[] = {"model", NULL};
    bool is_field = is_one_of(scan, node, job->api->request_fields);
    return (job->api->stream.is_asked_by_path && is_one_of(scan, node, stream)) ||
           (job->api->is_model_in_path && !is_field && is_one_of(scan, node, model));
}

// Each member as it stands, but for the model, what the path says, and what a stream needs.
static const char *copy_members(const struct adapter_job *job, struct json_scan *scan,
                                struct bytes body, struct buf *out) {
    const char *comma = "";
    if (json_scan(scan, body, NULL) != ERR_OK)
        return "body_malformed";
    buf_text(out, "{");
    for (uint32_t i = first_in(0); i < next_in(scan, 0); i = next_in(scan, i)) {
        if (is_in_path(job, scan, i) || is_needed(job, scan, i))
            continue;
        buf_text(out, comma);
        comma = ",";
        if (json_is_named(scan, i, bytes_text("model"))) {
            buf_text(out, "\"model\":");
            json_put_text(out, job->model);
        } else {
            put_stated(out, job, scan, i);
        }
    }
    put_stream_needs(out, job, scan, 0);
    buf_text(out, "}");
    return NULL;
}

static const char *native_write(const struct adapter_job *job, struct json_scan *scan,
                                struct buf *out) {
    struct bytes body, model;
    if (!find_body(job, &body))
        return "line_without_body";
    bool has_model = json_member(body, "model", &model);
    if (!has_model && !job->api->is_model_in_path)
        return "body_without_model";
    if (job->is_stream || job->api->is_model_in_path)
        return copy_members(job, scan, body, out);
    size_t before = (size_t)(model.at - body.at);
    bool is_same = model.size == job->model.size + 2 &&
                   memcmp(model.at + 1, job->model.at, job->model.size) == 0;
    if (is_same) {
        put_bytes(out, body);
        return NULL;
    }
    put_bytes(out, bytes_of(body.at, before));
    json_put_text(out, job->model);
    put_bytes(out, bytes_of(model.at + model.size, body.size - before - model.size));
    return NULL;
}

const char *request_write(const struct adapter_job *job, struct json_scan *scan, struct buf *out,
                          const char *(*write_turn)(const struct adapter_job *job,
                                                    struct json_scan *scan, struct buf *out)) {
    if (job->is_stream && !api_streams(job->api))
        return "stream_not_served"; // settings that hold from a turn for another API
    const char *refusal =
        job->context.size > 0 ? write_turn(job, scan, out) : native_write(job, scan, out);
    return !refusal && buf_state(out) != ERR_OK ? "request_too_large" : refusal;
}

// ---- parameters ---------------------------------------------------------------------------------

// The field that a parameter is by another name of it; NULL if it is none.
static const char *field_of(const struct provider_api *api, const struct json_scan *scan,
                            uint32_t param) {
    if (is_one_of(scan, param, api->request_fields))
        return NULL;
    for (size_t i = 0; i < api->field_name_count; i++)
        if (json_is_named(scan, param, bytes_text(api->field_names[i].from)))
            return api->field_names[i].to;
    return NULL;
}

// "reasoning.effort" is a member of an object, which is a field too.
static struct bytes head_of(const char *field) {
    return bytes_of(field, strcspn(field, "."));
}

// Whether an earlier one of the params is another name of the field too.
static bool is_stated_before(const struct provider_api *api, const struct json_scan *scan,
                             uint32_t params, uint32_t param, const char *field) {
    bool is_before = false;
    for (uint32_t i = first_in(params); !is_before && i < param; i = next_in(scan, i)) {
        const char *earlier = field_of(api, scan, i);
        is_before = earlier && !has_shape(scan, i, JSON_SHAPE_null) && strcmp(earlier, field) == 0;
    }
    return is_before;
}

// Whether the parameter has a field's other name and the field itself (or the object that it goes
// into), or an earlier name of it, is stated among params too.
static bool is_stated_twice(const struct provider_api *api, const struct json_scan *scan,
                            uint32_t params, uint32_t param) {
    const char *field = field_of(api, scan, param);
    bool is_twice = field && is_stated_before(api, scan, params, param, field);
    for (uint32_t i = first_in(params); field && !is_twice && i < next_in(scan, params);
         i = next_in(scan, i))
        is_twice = json_is_named(scan, i, head_of(field)) && !has_shape(scan, i, JSON_SHAPE_null);
    return is_twice;
}

// The members of one of the params, an object, that are stated beside it, as an object.
static void put_beside(struct buf *out, const struct provider_api *api,
                       const struct json_scan *scan, uint32_t params, uint32_t object) {
    const char *comma = "";
    buf_text(out, "{");
    for (uint32_t i = first_in(params); i < next_in(scan, params); i = next_in(scan, i)) {
        const char *field = field_of(api, scan, i), *dot = field ? strchr(field, '.') : NULL;
        if (!dot || has_shape(scan, i, JSON_SHAPE_null) ||
            !json_is_named(scan, object, head_of(field)) ||
            is_stated_before(api, scan, params, i, field))
            continue;
        buf_printf(out, "%s\"%s\":", comma, dot + 1);
        put_bytes(out, json_raw(scan, i));
        comma = ",";
    }
    buf_text(out, "}");
}

// One of the params under its own name, with what is stated beside it; its own holds.
static void put_whole(struct buf *out, const struct adapter_job *job, const struct json_scan *scan,
                      uint32_t params, uint32_t param) {
    struct json_scan from;
    struct buf beside;
    json_scan_init(&from);
    buf_init(&beside, CONTEXT_BYTES_MAX);
    if (has_shape(scan, param, JSON_SHAPE_object))
        put_beside(&beside, job->api, scan, params, param);
    if (beside.size > 2 && json_scan(&from, buf_bytes(&beside), NULL) == ERR_OK)
        put_filled(out, &from, 0, scan, param);
    else
        put_stated(out, job, scan, param);
    buf_release(&beside);
    json_scan_release(&from);
}

static bool is_mapped(const struct param_names *names, const struct json_scan *scan,
                      uint32_t param) {
    bool is_it = names->mapped && is_one_of(scan, param, names->mapped);
    for (const char *const(*pair)[2] = names->moved; !is_it && pair && (*pair)[0]; pair++)
        is_it = json_is_named(scan, param, bytes_text((*pair)[0]));
    return is_it;
}

// Under the name that the API has for it.
static void put_param(struct buf *out, const struct adapter_job *job, const struct json_scan *scan,
                      uint32_t params, uint32_t param) {
    const char *field = field_of(job->api, scan, param);
    if (!field) {
        put_whole(out, job, scan, params, param);
        return;
    }
    const char *dot = strchr(field, '.');
    buf_printf(out, "\"%.*s\":", (int)head_of(field).size, field);
    if (dot)
        buf_printf(out, "{\"%s\":", dot + 1);
    put_bytes(out, json_raw(scan, param));
    buf_text(out, dot ? "}" : "");
}

void put_params(struct buf *out, const struct adapter_job *job, const struct json_scan *scan,
                const struct turn *turn, const struct param_names *names) {
    for (uint32_t i = first_in(turn->params); i < next_in(scan, turn->params);
         i = next_in(scan, i)) {
        bool is_elsewhere = is_mapped(names, scan, i) ||
                            (turn->tools && json_is_named(scan, i, bytes_text("tools")));
        if (has_shape(scan, i, JSON_SHAPE_null) || is_left_out(job, scan, i) || is_elsewhere ||
            is_stated_twice(job->api, scan, turn->params, i))
            continue;
        buf_text(out, ",");
        put_param(out, job, scan, turn->params, i);
    }
    put_stream_needs(out, job, scan, turn->params);
}

void put_raw(struct buf *out, const struct json_scan *scan, uint32_t node) {
    put_bytes(out, json_raw(scan, node));
}

// Every API answers with a text anyway.
static bool says_more(const struct json_scan *scan, uint32_t value) {
    return value && !is_part(scan, value, "text");
}

void put_joined(struct buf *out, const struct json_scan *scan, uint32_t params,
                const struct joined *joined) {
    uint32_t object = stated_in(scan, params, joined->name), beside[2] = {0};
    const char *left_out[3] = {NULL}, *between = "";
    for (size_t i = 0, k = 0; i < 2; i++) {
        const char *name = joined->members[i].beside, *inside = joined->members[i].inside;
        if (!name || (object && says_more(scan, stated_in(scan, object, inside))))
            continue;
        uint32_t node = stated_in(scan, params, name);
        beside[i] = says_more(scan, node) ? node : 0;
        if (beside[i])
            left_out[k++] = inside;
    }
    if (!object && !beside[0] && !beside[1])
        return;
    buf_printf(out, ",\"%s\":{", joined->name);
    for (uint32_t i = first_in(object); object && i < next_in(scan, object); i = next_in(scan, i)) {
        if (is_one_of(scan, i, left_out))
            continue;
        buf_text(out, between);
        put_member(out, scan, i);
        between = ",";
    }
    for (size_t i = 0; i < 2; i++) {
        if (!beside[i])
            continue;
        buf_printf(out, "%s\"%s\":", between, joined->members[i].inside);
        joined->members[i].put(out, scan, beside[i]);
        between = ",";
    }
    buf_text(out, "}");
}

static bool takes_any(const struct provider_api *api) {
    bool does = api->request_fields[0] == NULL;
    for (const char *const *field = api->request_fields; *field; field++)
        does = does || strcmp(*field, "*") == 0;
    return does;
}

bool takes_params(const struct provider_api *api, const struct json_scan *line, uint32_t params,
                  const struct param_names *names, struct buf *words) {
    static const char *const stream[] = {"stream", NULL};
    bool has_any = takes_any(api);
    if (!api_takes_fields(api, line, params, words))
        return false;
    for (uint32_t i = first_in(params); i < next_in(line, params); i = next_in(line, i)) {
        const struct json_node *node = &line->nodes[i];
        bool is_ours = is_one_of(line, i, names->ours);
        if (!is_ours && (has_any || is_mapped(names, line, i) || is_one_of(line, i, stream) ||
                         is_one_of(line, i, api->request_fields) || field_of(api, line, i)))
            continue;
        struct bytes name = bytes_cut(bytes_of(line->text.at + node->name_at, node->name_size), 64);
        buf_printf(words,
                   is_ours ? "a turn cannot have the parameter \"%.*s\": the conversation says it"
                           : "this API has no parameter \"%.*s\"",
                   (int)name.size, (const char *)name.at);
        return false;
    }
    return true;
}
