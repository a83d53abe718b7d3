#include "tests/unit/ingress/shape.h"

#include <check.h>
#include <regex.h>
#include <string.h>

static const json_t *root;

static bool fits(const json_t *schema, const json_t *value);

static bool has_type(const char *type, const json_t *value) {
    if (strcmp(type, "string") == 0)
        return json_is_string(value);
    if (strcmp(type, "object") == 0)
        return json_is_object(value);
    if (strcmp(type, "array") == 0)
        return json_is_array(value);
    if (strcmp(type, "null") == 0)
        return json_is_null(value);
    ck_abort_msg("type %s", type);
    return false;
}

static bool fits_type(const json_t *type, const json_t *value) {
    const json_t *one;
    size_t i;
    if (json_is_string(type))
        return has_type(json_string_value(type), value);
    json_array_foreach(type, i, one) if (has_type(json_string_value(one), value)) return true;
    return false;
}

static size_t characters(const json_t *text) {
    size_t count = 0;
    for (const char *c = json_string_value(text); *c; c++)
        count += ((unsigned char)*c & 0xc0) != 0x80;
    return count;
}

static unsigned count_fitting(const json_t *schemas, const json_t *value) {
    const json_t *schema;
    unsigned count = 0;
    size_t i;
    json_array_foreach(schemas, i, schema) count += fits(schema, value);
    return count;
}

static bool fits_required(const json_t *names, const json_t *value) {
    const json_t *name;
    size_t i;
    json_array_foreach(names, i,
                       name) if (json_is_object(value) &&
                                 !json_object_get(value, json_string_value(name))) return false;
    return true;
}

static bool fits_properties(const json_t *schema, const json_t *value) {
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member) {
        const json_t *own = json_object_get(properties, name);
        if (own ? !fits(own, member) : others && !fits(others, member))
            return false;
    }
    return true;
}

static bool fits_items(const json_t *items, const json_t *value) {
    const json_t *item;
    size_t i;
    json_array_foreach(value, i, item) if (!fits(items, item)) return false;
    return true;
}

static bool fits_enum(const json_t *list, const json_t *value) {
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one) if (json_equal(one, value)) return true;
    return false;
}

static const json_t *referred(const char *reference) {
    ck_assert(strncmp(reference, "#/$defs/", 8) == 0);
    const json_t *schema = json_object_get(json_object_get(root, "$defs"), reference + 8);
    ck_assert_ptr_nonnull(schema);
    return schema;
}

static bool fits_pattern(const char *pattern, const json_t *value) {
    regex_t compiled;
    if (!json_is_string(value))
        return true;
    ck_assert_int_eq(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool does = regexec(&compiled, json_string_value(value), 0, NULL, 0) == 0;
    regfree(&compiled);
    return does;
}

// One keyword; true also where it says nothing about such a value.
static bool fits_keyword(const json_t *schema, const char *keyword, const json_t *operand,
                         const json_t *value) {
    static const char *const silent[] = {"$schema", "$defs", "title", "description"};
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        if (strcmp(keyword, silent[i]) == 0)
            return true;
    if (strcmp(keyword, "$ref") == 0)
        return fits(referred(json_string_value(operand)), value);
    if (strcmp(keyword, "type") == 0)
        return fits_type(operand, value);
    if (strcmp(keyword, "required") == 0)
        return fits_required(operand, value);
    if (strcmp(keyword, "properties") == 0 || strcmp(keyword, "additionalProperties") == 0)
        return fits_properties(schema, value);
    if (strcmp(keyword, "items") == 0)
        return fits_items(operand, value);
    if (strcmp(keyword, "oneOf") == 0)
        return count_fitting(operand, value) == 1;
    if (strcmp(keyword, "anyOf") == 0)
        return count_fitting(operand, value) > 0;
    if (strcmp(keyword, "allOf") == 0)
        return count_fitting(operand, value) == json_array_size(operand);
    if (strcmp(keyword, "const") == 0)
        return json_equal(operand, value);
    if (strcmp(keyword, "enum") == 0)
        return fits_enum(operand, value);
    if (strcmp(keyword, "pattern") == 0)
        return fits_pattern(json_string_value(operand), value);
    size_t bound = (size_t)json_integer_value(operand);
    if (strcmp(keyword, "minLength") == 0)
        return !json_is_string(value) || characters(value) >= bound;
    if (strcmp(keyword, "maxLength") == 0)
        return !json_is_string(value) || characters(value) <= bound;
    if (strcmp(keyword, "minItems") == 0)
        return !json_is_array(value) || json_array_size(value) >= bound;
    ck_abort_msg("the schema uses %s, which is not judged here", keyword);
    return false;
}

static bool fits(const json_t *schema, const json_t *value) {
    const char *keyword;
    json_t *operand;
    if (json_is_boolean(schema))
        return json_is_true(schema);
    json_object_foreach((json_t *)schema, keyword,
                        operand) if (!fits_keyword(schema, keyword, operand, value)) return false;
    return true;
}

bool shape_fits(const json_t *schema, const json_t *value) {
    root = schema;
    return fits(schema, value);
}
