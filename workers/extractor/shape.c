#include "workers/extractor/shape.h"

const struct answer_shape *answer_shape_of(const char *name) {
    static const struct answer_shape *const shapes[] = {&shape_openai_chat,
                                                        &shape_anthropic_messages};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
        if (strcmp(shapes[i]->name, name) == 0)
            return shapes[i];
    return NULL;
}
