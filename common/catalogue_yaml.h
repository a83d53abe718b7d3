// A YAML file as a JSON document, with the line of each value: so that free keys are possible
// and every complaint can name its line. Plain whole numbers, true, false and null keep their
// meaning; every other scalar is a text, so that no price ever becomes a floating-point number.
// Anchors, aliases, tags and further documents are refused.
#ifndef COMMON_CATALOGUE_YAML_H
#define COMMON_CATALOGUE_YAML_H

#include "common/buf.h"

#include <jansson.h>

enum { YAML_DEPTH_MAX = 12, YAML_PLACE_MAX = 256 };

struct yaml_line {
    char *place;         // "/identifiers/3/path"
    const json_t *value; // belongs to the file
    int line;
};

struct yaml_file {
    json_t *json;
    struct yaml_line *lines;
    size_t count;
    size_t capacity;
    int error_line; // with ERR_MALFORMED
    char error[160];
};

// Accepts any bytes. ERR_MALFORMED: error and error_line say what is wrong and where.
enum err yaml_file_open(struct yaml_file *file, struct bytes text);
// Accepts a zeroed file.
void yaml_file_close(struct yaml_file *file);
// The line of the value at that place, or of the nearest one around it that has one.
int yaml_file_line(const struct yaml_file *file, const char *place);

#endif
