#include "workers/provider/adapter.h"

const struct adapter *adapter_for(const char *shape) {
    static const struct adapter *const adapters[] = {&adapter_openai_chat,
                                                     &adapter_anthropic_messages};
    for (size_t i = 0; i < sizeof(adapters) / sizeof(adapters[0]); i++)
        if (strcmp(adapters[i]->shape, shape) == 0)
            return adapters[i];
    return NULL;
}
