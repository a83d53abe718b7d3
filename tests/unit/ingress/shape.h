// A judge of schemas/job.schema.json for the tests: the part of JSON Schema that it uses, and
// nothing else (an unknown keyword aborts, so that a change of the schema is not overlooked).
#ifndef TESTS_INGRESS_SHAPE_H
#define TESTS_INGRESS_SHAPE_H

#include <jansson.h>
#include <stdbool.h>

bool shape_fits(const json_t *schema, const json_t *value);

#endif
