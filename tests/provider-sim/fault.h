// Everything that can happen to a request, by the names that the bill uses. Groups have a rate
// each; which member of its group happens is drawn.
#ifndef PROVIDER_SIM_FAULT_H
#define PROVIDER_SIM_FAULT_H

#include "tests/provider-sim/text.h"

// name, group, text, whether the request was processed and is billed
#define FAULT_MAP(X)                                                                              \
    X(NONE, NONE, "", true)                                                                       \
    X(HTTP_500, ERROR, "http_500", false)                                                         \
    X(HTTP_502, ERROR, "http_502", false)                                                         \
    X(HTTP_503, ERROR, "http_503", false)                                                         \
    X(HTTP_504, ERROR, "http_504", false)                                                         \
    X(HTTP_429, LIMIT, "http_429", false)                                                         \
    X(HTTP_400, REJECT, "http_400", false)                                                        \
    X(HANG, HANG, "hang", true)                                                                   \
    X(HANG_MIDWAY, HANG, "hang_midway", true)                                                     \
    X(CUT_LENGTH, CUT, "cut_length", true)                                                        \
    X(CUT_CHUNKED, CUT, "cut_chunked", true)                                                      \
    X(CUT_HEAD, CUT, "cut_head", true)                                                            \
    X(CUT_RESET, CUT, "cut_reset", true)                                                          \
    X(MALFORMED_TRUNCATED, MALFORMED, "malformed_truncated", true)                                \
    X(MALFORMED_GARBAGE, MALFORMED, "malformed_garbage", true)                                    \
    X(MALFORMED_HTML, MALFORMED, "malformed_html", true)                                          \
    X(MALFORMED_EMPTY, MALFORMED, "malformed_empty", true)                                        \
    X(LATE_CLOSE, LATE_CLOSE, "late_close", true)                                                 \
    X(LATE_RESET, LATE_CLOSE, "late_reset", true)                                                 \
    X(STREAM_CUT, STREAM, "stream_cut", true)                                                     \
    X(STREAM_TORN, STREAM, "stream_torn", true)                                                   \
    X(STREAM_ERROR, STREAM, "stream_error", true)                                                 \
    X(STREAM_STALL, STREAM, "stream_stall", true)                                                 \
    X(ERROR_IN_200, FALSE_200, "error_in_200", false)                                             \
    X(REFUSED, REFUSE, "refused", false)                                                          \
    X(BLOCKED, FILTER, "blocked", false)       /* by a filter, before the model saw it */         \
    X(STATE_LOST, NONE, "state_lost", false)   /* what it goes on from is not there */            \
    X(DENIED, NONE, "denied", false)           /* 401 */                                          \
    X(QUOTA, NONE, "quota", false)             /* 429, for a person to mend */                    \
    X(BAD_REQUEST, NONE, "bad_request", false) /* 4xx for what was sent */                        \
    X(INCOMPLETE, NONE, "incomplete", false)   /* the client left before its request was whole */ \
    X(CLIENT_GONE, NONE, "client_gone", true)  /* the client left before its answer */            \
    X(SHUTDOWN, NONE, "shutdown", true)        /* the simulator ended before the answer */

enum fault {
#define X(name, group, text, is_billed) FAULT_##name,
    FAULT_MAP(X)
#undef X
        FAULTS
};

enum fault_group {
    GROUP_NONE,
    GROUP_ERROR,
    GROUP_LIMIT,
    GROUP_REJECT,
    GROUP_HANG,
    GROUP_CUT,
    GROUP_MALFORMED,
    GROUP_LATE_CLOSE,
    GROUP_STREAM, // only where a stream was asked for
    GROUP_FALSE_200,
    GROUP_REFUSE,
    GROUP_FILTER, // never drawn
    GROUPS,
};

const char *fault_text(enum fault fault);
enum fault_group fault_group(enum fault fault);
bool fault_is_billed(enum fault fault);
// FAULTS if there is none of that name.
enum fault fault_named(struct span name);

#endif
