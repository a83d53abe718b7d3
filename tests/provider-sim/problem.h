// What is wrong with a request, or with the provider: said by each API in its own words.
#ifndef PROVIDER_SIM_PROBLEM_H
#define PROVIDER_SIM_PROBLEM_H

#include "tests/provider-sim/fault.h"

enum problem_kind {
    PROBLEM_REQUEST, // what was sent is not valid
    PROBLEM_PATH,
    PROBLEM_METHOD,
    PROBLEM_NO_KEY,
    PROBLEM_KEY,
    PROBLEM_QUOTA, // for a person to mend
    PROBLEM_MODEL, // there is none of that name
    PROBLEM_STATE, // there is nothing under the id that the request goes on from
    PROBLEM_LOCKED,
    PROBLEM_CONTEXT, // longer than the model's context
    PROBLEM_BLOCKED, // a filter refuses the prompt
    PROBLEM_RATE,
    PROBLEM_OVERLOAD,
    PROBLEM_SERVER,
};

struct problem {
    enum problem_kind kind;
    int status; // as OpenAI has it, which most others follow
    enum fault fault;
    const char *message;
    const char *type, *param, *code; // in OpenAI's words; NULL: none
    struct span request_id;          // of the answer that says it
    struct span model;               // as it was asked for; may be empty
    uint32_t wait_ms;                // how long the client is asked to wait; 0: it is not
};

// What stands for a fault that is the provider's own, or its limit.
struct problem problem_of(enum fault fault);
struct problem problem_sent(const char *message, const char *param, const char *code);
struct problem problem_named(enum problem_kind kind);

#endif
