// For tests that speak all APIs: one table of them, requests in the words of each, and what an
// answer says, whether it came whole or as a stream.
#ifndef PROVIDER_SIM_TEST_SPEAK_H
#define PROVIDER_SIM_TEST_SPEAK_H

#include "tests/provider-sim/test_world.h"

enum form { FORM_CHAT, FORM_RESPONSES, FORM_MESSAGES, FORM_GENERATE, FORM_INTERACTIONS };

struct spoken {
    const char *name;
    enum form form;
    const char *path, *stream_path;
    const char *model, *served;
    int64_t input, cached, output; // pico-USD a token; 0: it has no price
    const char *request_header;    // names the request; NULL: none does
    const char *id_begins;
};

enum { SPOKEN = 16 };
extern const struct spoken spoken[SPOKEN];
// By its name.
const struct spoken *spoken_named(const char *name);

// Sends a request with good keys in all the headers that they may come in. The body may be NULL.
void say(const struct sim *sim, const char *method, const char *path, const char *body,
         struct got *got);
// The same with headers of one's own, whole lines.
void say_with(const struct sim *sim, const char *method, const char *path, const char *headers,
              const char *body, struct got *got);
// Asks an API with one user message; `more` are members with a comma behind them.
void say_to(const struct sim *sim, const struct spoken *to, bool is_stream, const char *said,
            const char *more, struct got *got);

// What an answer comes to.
struct told {
    char id[128], model[128], finish[64];
    struct text said, thought;
    struct text calls;                                           // "name(arguments)" of each
    int64_t input, cached, written, output, reasoning, tool_use; // as in the bill
    bool has_usage, is_complete;
    json_t *usage; // as it was sent
};

// Reads a whole answer.
void told_whole(const struct spoken *by, json_t *answer, struct told *told);
// Reads a stream's events; what is not an event of JSON fails the test.
void told_stream(const struct spoken *by, const struct text *body, struct told *told);
void told_release(struct told *told);

#endif
