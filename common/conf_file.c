#include "common/conf_file.h"

#include "common/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

// Where the reader stands: the keys on the way down, and whether the next scalar is a key.
struct place {
    char path[512];
    size_t ends[CONF_FILE_DEPTH_MAX]; // of the path, a level
    unsigned depth;
    bool has_key;
};

static bool complain(char *why, size_t why_size, unsigned line, const char *what,
                     const char *about) {
    (void)snprintf(why, why_size, "line %u: %s%s%s", line, what, *about ? ": " : "", about);
    return false;
}

static bool take_key(struct place *place, const char *key) {
    size_t start = place->depth > 1 ? place->ends[place->depth - 2] : 0;
    int n =
        snprintf(place->path + start, sizeof(place->path) - start, "%s%s", start ? "." : "", key);
    if (n < 0 || (size_t)n >= sizeof(place->path) - start)
        return false;
    place->ends[place->depth - 1] = start + (size_t)n;
    place->has_key = true;
    return true;
}

static bool add_entry(struct conf_file *file, const struct place *place, const char *value,
                      unsigned line, char *why, size_t why_size) {
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->entries[i].path, place->path) == 0)
            return complain(why, why_size, line, "this setting stands twice; remove one",
                            place->path);
    if (file->count == CONF_FILE_ENTRIES_MAX)
        return complain(why, why_size, line, "more settings than a file may have", "");
    file->entries[file->count++] = (struct conf_entry){
        .path = mem_copy(place->path, strlen(place->path)),
        .value = mem_copy(value, strlen(value)),
        .line = line,
    };
    return true;
}

static bool take_scalar(struct conf_file *file, struct place *place, const yaml_event_t *event,
                        char *why, size_t why_size) {
    const char *text = (const char *)event->data.scalar.value;
    unsigned line = (unsigned)event->start_mark.line + 1;
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (place->depth == 0)
        return (is_plain && *text == 0) ||
               complain(why, why_size, line, "expected \"name: value\" lines", "");
    if (strlen(text) != event->data.scalar.length)
        return complain(why, why_size, line, "a value holds a NUL byte", place->path);
    if (!place->has_key)
        return take_key(place, text) || complain(why, why_size, line, "the name is too long", "");
    place->has_key = false;
    if (is_plain && (*text == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
        return true; // a name without a value says nothing
    return add_entry(file, place, text, line, why, why_size);
}

// Takes one event; false: it is refused, and why is filled.
static bool take_event(struct conf_file *file, struct place *place, const yaml_event_t *event,
                       char *why, size_t why_size) {
    unsigned line = (unsigned)event->start_mark.line + 1;
    switch (event->type) {
    case YAML_MAPPING_START_EVENT:
        if (place->depth == CONF_FILE_DEPTH_MAX || (place->depth > 0 && !place->has_key))
            return complain(why, why_size, line, "a section in a place where none is known", "");
        place->depth++;
        place->has_key = false;
        return true;
    case YAML_MAPPING_END_EVENT:
        place->depth--;
        place->has_key = false;
        return true;
    case YAML_SCALAR_EVENT:
        return take_scalar(file, place, event, why, why_size);
    case YAML_SEQUENCE_START_EVENT:
        return complain(why, why_size, line, "no setting is a list; write \"name: value\"", "");
    case YAML_ALIAS_EVENT:
        return complain(why, why_size, line, "aliases are not served; write the value out", "");
    default:
        return true;
    }
}

static enum err read_events(struct conf_file *file, FILE *stream, char *why, size_t why_size) {
    yaml_parser_t parser;
    struct place place = {.depth = 0};
    bool is_good = true;
    bool is_over = false;
    if (!yaml_parser_initialize(&parser))
        mem_refused("libyaml");
    yaml_parser_set_input_file(&parser, stream);
    while (is_good && !is_over) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            if (parser.error == YAML_MEMORY_ERROR)
                mem_refused("libyaml");
            is_good = complain(why, why_size, (unsigned)parser.problem_mark.line + 1,
                               "not valid YAML", parser.problem ? parser.problem : "");
            break;
        }
        is_good = take_event(file, &place, &event, why, why_size);
        if (is_good && event.start_mark.index > CONF_FILE_BYTES_MAX)
            is_good = complain(why, why_size, 0, "the file is longer than settings can be", "");
        is_over = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return is_good ? ERR_OK : ERR_BAD_CONFIG;
}

enum err conf_file_read(struct conf_file *file, const char *path, char *why, size_t why_size) {
    memset(file, 0, sizeof(*file));
    FILE *stream = fopen(path, "re");
    if (!stream) {
        (void)snprintf(why, why_size, "%s", strerror(errno));
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_BAD_CONFIG;
    }
    enum err e = read_events(file, stream, why, why_size);
    (void)fclose(stream);
    return e;
}

void conf_file_release(struct conf_file *file) {
    for (size_t i = 0; i < file->count; i++) {
        mem_free(file->entries[i].path);
        mem_free(file->entries[i].value);
    }
    file->count = 0;
}
