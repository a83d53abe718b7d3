#include "tests/provider-sim/fault.h"

static const struct {
    const char *text;
    enum fault_group group;
    bool is_billed;
} faults[] = {
#define X(name, group, text, is_billed) {text, GROUP_##group, is_billed},
    FAULT_MAP(X)
#undef X
};

const char *fault_text(enum fault fault) {
    return faults[fault].text;
}

enum fault_group fault_group(enum fault fault) {
    return faults[fault].group;
}

bool fault_is_billed(enum fault fault) {
    return faults[fault].is_billed;
}

enum fault fault_named(struct span name) {
    for (int fault = FAULT_NONE + 1; fault < FAULTS; fault++)
        if ((faults[fault].group != GROUP_NONE || fault == FAULT_STATE_LOST) &&
            span_is(name, faults[fault].text))
            return (enum fault)fault;
    return FAULTS;
}
