// Questions of clients on their way: each goes to the broker (live state), to the accountant
// (history), or to both, whose answers are then made one. Who does not answer in time is named
// in the answer. No sockets here: the owner sends what questions_next says.
#ifndef WORKERS_INGRESS_QUESTIONS_H
#define WORKERS_INGRESS_QUESTIONS_H

#include "common/envelope.h"
#include "common/sock.h"

enum source { SOURCE_broker, SOURCE_accountant, SOURCES };

// How one of the two was asked and what it said.
struct question_part {
    bool is_asked; // it concerns this source
    bool is_sent;
    bool is_here; // answered, or given up
    bool is_silent;
    uint64_t exit;
    char detail[DETAIL_BYTES_MAX + 1];
    struct buf answer;
};

struct question {
    bool is_used;
    struct route client;
    uint64_t client_request;
    uint64_t number;
    uint64_t asked_ms;
    const struct question_form *form; // how it is asked and merged
    char what[64 + 1];
    char *arguments;
    struct question_part parts[SOURCES];
};

struct questions {
    struct question *slots; // QUERIES_MAX
    uint64_t numbers;
    uint32_t used;
};

void questions_init(struct questions *questions);
void questions_release(struct questions *questions);

// Takes a question in. ERR_NOT_FOUND: nobody knows it. ERR_FULL: QUERIES_MAX wait already.
enum err questions_add(struct questions *questions, const struct route *client,
                       const struct query_head *query, uint64_t now_ms);
// The next part that has to be sent to the source; it counts as sent when *sent is set. False:
// none. Texts in *query live until the question is answered.
bool questions_next(struct questions *questions, enum source source, struct query_head *query,
                    bool **sent);
// What was sent to the source and not answered is to be sent again: it may be lost.
void questions_again(struct questions *questions, enum source source);
// A source answered. An answer to no question is ignored.
void questions_answer(struct questions *questions, enum source source,
                      const struct answer_head *head, struct bytes document);
// The next question whose answer is complete, or given up after QUERY_LIMIT_MS: fills *head
// and *document (own: what ingress says of itself, JSON). False: none. The question is gone
// afterwards; the head's texts live until the next call.
bool questions_ready(struct questions *questions, uint64_t now_ms, struct bytes own,
                     struct route *client, struct answer_head *head, struct buf *document);
// Milliseconds until questions_ready may give one up; -1: none waits.
long questions_rest_ms(const struct questions *questions, uint64_t now_ms);

#endif
