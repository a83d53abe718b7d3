// What the provider does with one whole request: checks it, draws its fate, makes the answer's
// bytes and the line of the bill. Knows nothing of connections.
#ifndef PROVIDER_SIM_SERVICE_H
#define PROVIDER_SIM_SERVICE_H

#include "tests/provider-sim/answer.h"
#include "tests/provider-sim/bill.h"
#include "tests/provider-sim/cache.h"
#include "tests/provider-sim/keys.h"
#include "tests/provider-sim/reply.h"
#include "tests/provider-sim/state.h"

// What follows when the answer's bytes have left.
enum ending {
    ENDING_KEEP,  // the connection waits for its next request
    ENDING_CLOSE, // it is closed in order
    ENDING_RESET, // it is reset
    ENDING_HANG,  // nothing happens any more
};

struct heard {
    struct span method, target, version, call, body;
    struct span keys[KEY_PLACES]; // as their headers have them
    bool is_kept_alive;
};

struct served {
    const struct api *api;
    struct charge charge;
    enum ending ending;
    uint32_t delay_ms;
    size_t early_bytes;   // of the answer, which do not wait for it
    uint32_t piece_bytes; // the answer leaves in pieces of that size; 0: at once
    uint32_t pace_ms;     // and so far apart
};

struct service {
    const struct options *options;
    struct keys keys;
    struct seen seen;
    struct dice ids; // never the same twice, whatever the seed
    struct moment now;
    int64_t date_s;
    char date[32];
    struct reply reply;
    struct state state;
    struct cache cache;
    struct stream stream;
    // Kept for their memory.
    struct text transcript, body, headers, pretty, request_id, response_id, before_id;
};

void service_init(struct service *service, const struct options *options);
void service_release(struct service *service);
// Takes the time and looks at the files that switch keys and quota; called before each round.
void service_refresh(struct service *service, struct moment now);
// Appends the bytes to send, if any, to out.
void service_answer(struct service *service, const struct heard *heard, struct served *served,
                    struct text *out);
// A request that broke the rules of HTTP, or was too large: the answer says so and is the last.
void service_refuse(struct service *service, struct span call, int status, const char *why,
                    struct served *served, struct text *out);
// Whether a request is turned away before its body is read; if so the charge is filled.
bool service_turns_away(struct service *service, struct span call, struct served *served);
// A request that ended before it was whole.
void service_incomplete(struct service *service, struct span call, struct served *served);

// ---- for the parts of the service ---------------------------------------------------------------

struct answer answer_begin(struct service *service, const struct served *served, int status);
// Answers with an error that is the client's to mend.
void serve_problem(struct service *service, const struct problem *problem, struct served *served,
                   struct text *out);
// Reads or makes what is kept: conversations and answers.
void serve_kept(struct service *service, const struct route *route, struct span body,
                struct served *served, struct text *out);
// Finds what the request goes on from; kept stays NULL if it goes on from nothing. False: it
// cannot, and the problem says why.
bool serve_find(struct service *service, const struct route *route, struct span body,
                struct kept **kept, struct problem *problem);
// Keeps the answer, where the API does, and adds it to its conversation.
void serve_keep(struct service *service, const struct asked *asked, struct kept *conversation,
                struct served *served);
// The answer's bytes, whole or as the charge's fault breaks them.
void serve_processed(struct service *service, struct dice *dice, struct served *served,
                     struct text *out);

#endif
