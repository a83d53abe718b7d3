// Whose answer a recording holds.
#include "workers/extractor/recording.h"

// What stood in the place of the holes {model} and {batch}.
struct pieces {
    struct bytes model;
    struct bytes batch;
};

static void note_piece(struct pieces *pieces, const char *hole, struct bytes piece) {
    if (strncmp(hole, "{model}", 7) == 0)
        pieces->model = piece;
    else if (strncmp(hole, "{batch}", 7) == 0)
        pieces->batch = piece;
}

// Whether text is what a template says, with a piece without slashes in the place of each hole
// {name}.
static bool fits(const char *template, struct bytes text, struct pieces *pieces) {
    for (;;) {
        size_t fixed = strcspn(template, "{");
        if (text.size < fixed || memcmp(text.at, template, fixed) != 0)
            return false;
        text = bytes_of(text.at + fixed, text.size - fixed);
        if (template[fixed] == 0)
            return text.size == 0;
        const char *hole = template + fixed;
        size_t hole_size = strcspn(hole, "}");
        template = hole + hole_size + (hole[hole_size] ? 1 : 0);
        // The piece ends where the text behind the hole begins: the last of these in the segment.
        size_t next = strcspn(template, "{"), size = 0;
        const uint8_t *slash = text.size > 0 ? memchr(text.at, '/', text.size) : NULL;
        size_t segment = slash ? (size_t)(slash - text.at) : text.size;
        for (size_t i = 1; i <= segment; i++)
            if (next == 0 ? i == segment
                          : text.size - i >= next && memcmp(text.at + i, template, next) == 0)
                size = i;
        if (size == 0)
            return false;
        note_piece(pieces, hole, bytes_of(text.at, size));
        text = bytes_of(text.at + size, text.size - size);
    }
}

// Whether the URL is that path of the API, which may have a query of its own.
static bool is_at(const struct provider_api *api, const char *path, struct bytes url,
                  struct pieces *pieces) {
    char template[2048];
    size_t size = strlen(api->base_url), path_size = strcspn(path, "?");
    *pieces = (struct pieces){0};
    if (size + path_size >= sizeof(template))
        return false;
    memcpy(template, api->base_url, size);
    memcpy(template + size, path, path_size);
    template[size + path_size] = 0;
    return fits(template, url, pieces);
}

static bool is_endpoint(const struct provider_api *api, struct bytes url, struct bytes *model) {
    struct pieces pieces;
    bool is_one = is_at(api, api->path, url, &pieces) ||
                  (api->path_stream && is_at(api, api->path_stream, url, &pieces));
    *model = pieces.model;
    return is_one;
}

// The URL without its query and fragment.
static struct bytes bare(struct bytes url) {
    size_t size = 0;
    while (size < url.size && url.at[size] != '?' && url.at[size] != '#')
        size++;
    return bytes_of(url.at, size);
}

static bool is_one_of(const struct provider_api *api, const char *const *paths, struct bytes url,
                      struct pieces *pieces) {
    bool is_one = false;
    for (; *paths && !is_one; paths++)
        is_one = is_at(api, *paths, bare(url), pieces);
    return is_one;
}

bool recording_is_results(const struct provider_api *api, struct bytes url) {
    struct pieces pieces;
    return is_one_of(api, api->batch.results, url, &pieces);
}

bool recording_is_batch(const struct provider_api *api, struct bytes url) {
    struct pieces pieces;
    return recording_is_results(api, url) || is_one_of(api, api->batch.urls, url, &pieces);
}

void recording_batch_names(const struct provider_api *api, struct bytes url, struct bytes *batch,
                           struct bytes *model) {
    struct pieces pieces = {0};
    if (!is_one_of(api, api->batch.results, url, &pieces))
        (void)is_one_of(api, api->batch.urls, url, &pieces);
    *batch = pieces.batch;
    *model = pieces.model;
}

// "openai-chat" is openai's chat.
static bool is_name(const struct provider_api *api, struct bytes name) {
    size_t size = strlen(api->provider);
    return name.size > size + 1 && memcmp(name.at, api->provider, size) == 0 &&
           name.at[size] == '-' &&
           bytes_is(bytes_of(name.at + size + 1, name.size - size - 1), api->api);
}

static const struct provider_api *by_name(const struct catalogue *catalogue, struct bytes name) {
    for (size_t i = 0; i < catalogue_api_count(catalogue); i++)
        if (is_name(catalogue_api_at(catalogue, i), name))
            return catalogue_api_at(catalogue, i);
    return name.size > 0 ? catalogue_default_api(catalogue, name) : NULL;
}

const struct provider_api *recording_api(const struct recording *recording,
                                         const struct catalogue *catalogue, const char **by,
                                         struct bytes *model) {
    struct bytes url = bare(recording->url);
    *by = "url";
    for (size_t i = 0; url.size > 0 && i < catalogue_api_count(catalogue); i++)
        if (is_endpoint(catalogue_api_at(catalogue, i), url, model))
            return catalogue_api_at(catalogue, i);
    *by = "name";
    *model = bytes_of(NULL, 0);
    const struct provider_api *api = by_name(catalogue, recording->flavor);
    return api ? api : by_name(catalogue, recording->provider);
}
