#include "common/catalogue_yaml.h"

#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

// An open mapping or sequence.
struct level {
    json_t *json; // borrowed
    char *name;   // mapping: the key whose value comes next
    int name_line;
    size_t place; // how much of the builder's place leads to it
};

struct builder {
    struct yaml_file *file;
    struct level levels[YAML_DEPTH_MAX];
    size_t depth;
    char place[YAML_PLACE_MAX];
    size_t place_size;
    bool is_failed;
};

static int line_of(const yaml_event_t *event) {
    return (int)event->start_mark.line + 1;
}

static void refuse(struct builder *builder, const yaml_event_t *event, const char *what) {
    builder->is_failed = true;
    builder->file->error_line = line_of(event);
    (void)snprintf(builder->file->error, sizeof(builder->file->error), "%s", what);
}

static void note_line(struct builder *builder, int line, const json_t *value) {
    struct yaml_file *file = builder->file;
    if (file->count == file->capacity) {
        file->capacity = file->capacity ? file->capacity * 2 : 256;
        file->lines = mem_grow(file->lines, file->capacity * sizeof(*file->lines));
    }
    file->lines[file->count++] = (struct yaml_line){
        .place = mem_copy(builder->place, builder->place_size), .value = value, .line = line};
}

// Appends "/name" or "/index" to the place; false if it does not fit.
static bool push_place(struct builder *builder, const struct level *level) {
    size_t room = sizeof(builder->place) - builder->place_size;
    int size = json_is_array(level->json)
                   ? snprintf(builder->place + builder->place_size, room, "/%zu",
                              json_array_size(level->json))
                   : snprintf(builder->place + builder->place_size, room, "/%s", level->name);
    if (size < 0 || (size_t)size >= room)
        return false;
    builder->place_size += (size_t)size;
    return true;
}

// Puts a value where it belongs; takes the reference.
static void put(struct builder *builder, const yaml_event_t *event, json_t *new_value) {
    if (!new_value) {
        refuse(builder, event, "not valid UTF-8");
        return;
    }
    if (builder->depth == 0) {
        builder->file->json = new_value;
        note_line(builder, line_of(event), new_value);
        return;
    }
    struct level *level = &builder->levels[builder->depth - 1];
    if (!push_place(builder, level)) {
        refuse(builder, event, "nested names are too long");
        json_decref(new_value);
        return;
    }
    // A block begins behind the line of its name.
    bool is_named = json_is_object(level->json);
    note_line(builder, is_named ? level->name_line : line_of(event), new_value);
    int failed = json_is_array(level->json)
                     ? json_array_append_new(level->json, new_value)
                     : json_object_set_new(level->json, level->name, new_value);
    if (failed)
        refuse(builder, event, "not valid UTF-8");
    mem_free(level->name);
    level->name = NULL;
}

static void leave_place(struct builder *builder) {
    builder->place_size = builder->depth > 0 ? builder->levels[builder->depth - 1].place : 0;
}

static bool is_whole_number(const char *text) {
    const char *digits = text + (*text == '-');
    size_t size = strlen(digits);
    return size > 0 && size < 19 && strspn(digits, "0123456789") == size &&
           (size == 1 || *digits != '0');
}

static json_t *scalar_value(const yaml_event_t *event) {
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return json_stringn(text, size);
    if (size == 0 || strcmp(text, "null") == 0 || strcmp(text, "~") == 0)
        return json_null();
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(*text == 't');
    if (is_whole_number(text))
        return json_integer(strtoll(text, NULL, 10));
    return json_stringn(text, size);
}

static void take_scalar(struct builder *builder, const yaml_event_t *event) {
    struct level *level = builder->depth > 0 ? &builder->levels[builder->depth - 1] : NULL;
    if (event->data.scalar.anchor) {
        refuse(builder, event, "anchors are not supported");
    } else if (memchr(event->data.scalar.value, 0, event->data.scalar.length)) {
        refuse(builder, event, "a text holds the character \\0");
    } else if (level && json_is_object(level->json) && !level->name) {
        level->name_line = line_of(event);
        level->name = mem_copy(event->data.scalar.value, event->data.scalar.length);
        if (json_object_get(level->json, level->name))
            refuse(builder, event, "this name stands twice");
    } else {
        put(builder, event, scalar_value(event));
        leave_place(builder);
    }
}

static void enter(struct builder *builder, const yaml_event_t *event, json_t *new_container) {
    struct level *level = builder->depth > 0 ? &builder->levels[builder->depth - 1] : NULL;
    bool is_key = level && json_is_object(level->json) && !level->name;
    if (is_key || builder->depth == YAML_DEPTH_MAX) {
        refuse(builder, event, is_key ? "a name must be a text" : "nested too deeply");
        json_decref(new_container);
        return;
    }
    put(builder, event, new_container);
    if (!builder->is_failed)
        builder->levels[builder->depth++] =
            (struct level){.json = new_container, .place = builder->place_size};
}

static void take_event(struct builder *builder, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        take_scalar(builder, event);
        break;
    case YAML_MAPPING_START_EVENT:
        enter(builder, event, json_object());
        break;
    case YAML_SEQUENCE_START_EVENT:
        enter(builder, event, json_array());
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        builder->depth--;
        leave_place(builder);
        break;
    case YAML_ALIAS_EVENT:
        refuse(builder, event, "aliases are not supported");
        break;
    case YAML_DOCUMENT_START_EVENT:
        if (builder->file->json)
            refuse(builder, event, "a second document is not supported");
        break;
    default:
        break;
    }
}

static void run(struct builder *builder, yaml_parser_t *parser) {
    for (bool is_done = false; !is_done && !builder->is_failed;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            if (parser->error == YAML_MEMORY_ERROR)
                mem_refused("libyaml");
            builder->is_failed = true;
            builder->file->error_line = (int)parser->problem_mark.line + 1;
            (void)snprintf(builder->file->error, sizeof(builder->file->error), "not valid YAML: %s",
                           parser->problem ? parser->problem : "unreadable");
            return;
        }
        take_event(builder, &event);
        is_done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
}

enum err yaml_file_open(struct yaml_file *file, struct bytes text) {
    *file = (struct yaml_file){0};
    struct builder builder = {.file = file};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        mem_refused("libyaml");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.at ? text.at : (const uint8_t *)"", text.size);
    run(&builder, &parser);
    yaml_parser_delete(&parser);
    for (size_t i = 0; i < YAML_DEPTH_MAX; i++)
        mem_free(builder.levels[i].name);
    if (!builder.is_failed && !json_is_object(file->json)) {
        builder.is_failed = true;
        file->error_line = 1;
        (void)snprintf(file->error, sizeof(file->error), "a mapping of names is expected");
    }
    return builder.is_failed ? ERR_MALFORMED : ERR_OK;
}

void yaml_file_close(struct yaml_file *file) {
    json_decref(file->json);
    for (size_t i = 0; i < file->count; i++)
        mem_free(file->lines[i].place);
    mem_free(file->lines);
    *file = (struct yaml_file){0};
}

static const struct yaml_line *find_line(const struct yaml_file *file, const char *place,
                                         size_t size) {
    for (size_t i = 0; i < file->count; i++)
        if (strncmp(file->lines[i].place, place, size) == 0 && file->lines[i].place[size] == 0)
            return &file->lines[i];
    return NULL;
}

int yaml_file_line(const struct yaml_file *file, const char *place) {
    for (size_t size = strlen(place);; size--) {
        const struct yaml_line *line = find_line(file, place, size);
        if (line || size == 0)
            return line ? line->line : 1;
        while (size > 1 && place[size - 1] != '/')
            size--;
    }
}
