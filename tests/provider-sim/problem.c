#include "tests/provider-sim/problem.h"

static const struct problem problems[] = {
    {.kind = PROBLEM_PATH, .status = 404, .message = "there is nothing at this URL"},
    {.kind = PROBLEM_METHOD,
     .status = 405,
     .message = "this method is not allowed here",
     .code = "method_not_supported"},
    {.kind = PROBLEM_NO_KEY,
     .status = 401,
     .fault = FAULT_DENIED,
     .message = "no API key was sent in the header that is for it"},
    {.kind = PROBLEM_KEY,
     .status = 401,
     .fault = FAULT_DENIED,
     .message = "the API key is not one of this simulator's",
     .code = "invalid_api_key"},
    {.kind = PROBLEM_QUOTA,
     .status = 429,
     .fault = FAULT_QUOTA,
     .message = "the simulated quota is exhausted",
     .type = "insufficient_quota",
     .code = "insufficient_quota"},
    {.kind = PROBLEM_MODEL,
     .status = 404,
     .message = "the model does not exist",
     .param = "model",
     .code = "model_not_found"},
    {.kind = PROBLEM_STATE,
     .status = 400,
     .fault = FAULT_STATE_LOST,
     .message = "nothing is stored under this id",
     .param = "previous_response_id",
     .code = "previous_response_not_found"},
    {.kind = PROBLEM_LOCKED,
     .status = 409,
     .message = "another response is being written to this conversation",
     .param = "conversation",
     .code = "conversation_locked"},
    {.kind = PROBLEM_CONTEXT,
     .status = 400,
     .fault = FAULT_HTTP_400,
     .message = "the context of this simulated model is too short for the messages",
     .param = "messages",
     .code = "context_length_exceeded"},
    {.kind = PROBLEM_BLOCKED,
     .status = 400,
     .fault = FAULT_BLOCKED,
     .message = "the simulated filter refuses this prompt",
     .code = "content_policy_violation"},
    {.kind = PROBLEM_RATE,
     .status = 429,
     .fault = FAULT_HTTP_429,
     .message = "a simulated rate limit was reached",
     .type = "requests",
     .code = "rate_limit_exceeded"},
    {.kind = PROBLEM_OVERLOAD,
     .status = 503,
     .fault = FAULT_HTTP_503,
     .message = "the simulated servers are overloaded",
     .type = "service_unavailable_error",
     .code = "server_is_overloaded"},
    {.kind = PROBLEM_SERVER,
     .status = 500,
     .fault = FAULT_HTTP_500,
     .message = "the simulated server had an error",
     .type = "server_error"},
};

enum { PROBLEMS = sizeof(problems) / sizeof(problems[0]) };

static struct problem whole(struct problem problem) {
    if (problem.type == NULL)
        problem.type = "invalid_request_error";
    if (problem.fault == FAULT_NONE)
        problem.fault = FAULT_BAD_REQUEST;
    problem.request_id = problem.model = (struct span){"", 0};
    return problem;
}

struct problem problem_of(enum fault fault) {
    for (size_t i = 0; i < PROBLEMS; i++)
        if (problems[i].fault == fault)
            return whole(problems[i]);
    struct problem problem = problem_named(PROBLEM_SERVER);
    problem.fault = fault;
    return problem;
}

struct problem problem_sent(const char *message, const char *param, const char *code) {
    return whole((struct problem){
        .kind = PROBLEM_REQUEST, .status = 400, .message = message, .param = param, .code = code});
}

struct problem problem_named(enum problem_kind kind) {
    size_t at = PROBLEMS - 1;
    for (size_t i = 0; i < PROBLEMS; i++)
        if (problems[i].kind == kind)
            at = i;
    return whole(problems[at]);
}
