// Sections of a provider's entry, for those who read them into struct provider_api.
#ifndef COMMON_CATALOGUE_SECTION_H
#define COMMON_CATALOGUE_SECTION_H

#include "common/catalogue_read.h"

struct section {
    struct reader *reader;
    const json_t *json;
    struct place place;
};

static inline const char *text(const struct section *from, const char *name, bool is_required) {
    return reader_text(from->reader, from->json, &(struct place){&from->place, name, 0},
                       is_required);
}

static inline const struct jsonpath *path(const struct section *from, const char *name,
                                          bool is_required) {
    return reader_path(from->reader, from->json, &(struct place){&from->place, name, 0},
                       is_required);
}

static inline bool flag(const struct section *from, const char *name) {
    return reader_flag(from->reader, from->json, &(struct place){&from->place, name, 0});
}

static inline const char *const *texts(const struct section *from, const char *name) {
    return reader_texts(from->reader, from->json, &(struct place){&from->place, name, 0});
}

static inline const struct jsonpath *const *paths(const struct section *from, const char *name) {
    return reader_paths(from->reader, from->json, &(struct place){&from->place, name, 0});
}

static inline void fail(const struct section *from, const char *name, const char *what) {
    reader_fail(from->reader, name ? &(struct place){&from->place, name, 0} : &from->place, what);
}

// A section of the entry; json is NULL if it is absent (and not required).
static inline struct section open_section(struct reader *reader, const json_t *entry,
                                          const char *name, bool is_required,
                                          const char *const *known) {
    struct section section = {.reader = reader, .place = {NULL, name, 0}};
    section.json = reader_object(reader, entry, &section.place, is_required);
    if (section.json && known)
        reader_only(reader, section.json, &section.place, known);
    return section;
}

// A list of mappings; its elements are opened one by one.
static inline const json_t *open_list(struct reader *reader, const json_t *entry,
                                      const char *name) {
    const json_t *list = json_object_get(entry, name);
    if (list && !json_is_array(list))
        reader_fail(reader, &(struct place){NULL, name, 0}, "must be a list");
    return json_is_array(list) ? list : NULL;
}

static inline struct section open_element(struct reader *reader, const json_t *list,
                                          const struct place *place, size_t i,
                                          const char *const *known) {
    struct section section = {
        .reader = reader, .json = json_array_get(list, i), .place = {place, NULL, i}};
    if (json_is_object(section.json))
        reader_only(reader, section.json, &section.place, known);
    else
        reader_fail(reader, &section.place, "must be a mapping");
    return section;
}

// Parts of an entry that files of their own read.
void catalogue_read_usage(struct reader *reader, const json_t *entry, struct provider_api *api);
void catalogue_read_stream(struct reader *reader, const json_t *entry, struct provider_api *api);
void catalogue_read_batch(struct reader *reader, const json_t *entry, struct provider_api *api);
// The list that the place names in an object: where identifiers of supported kinds stand.
const struct identifier_rule *
catalogue_read_identifiers(struct reader *reader, const json_t *object, const struct place *place,
                           const char *const *supported, size_t *count);
// The member, a list of rules.
struct stream_rules catalogue_read_rules(const struct section *section, const char *name);

#endif
