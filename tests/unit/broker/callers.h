// Callers of the broker's loop for tests, over real sockets in one thread: a loop in a folder of
// its own, and processes that say what they like and turn the loop until they hear what they wait
// for.
#ifndef TESTS_BROKER_CALLERS_H
#define TESTS_BROKER_CALLERS_H

#include "broker/loop.h"

enum { ROUNDS_MAX = 2000, WAIT_MS = 10 };

struct caller {
    struct sock sock;
    struct message message; // heard last
    struct id process;
};

extern struct loop *loop;
extern char endpoint[128];
extern struct caller ingress, accountant, worker, extractor;

// The fixture of a test: a loop that is open, and everything of it removed again.
void callers_open(void);
void callers_close(void);
void open_loop(void);
void caller_close(struct caller *caller);

// One turn of the loop, which never waits for its beginning.
void turn(void);
void say_raw(struct caller *caller, struct bytes header, const struct bytes *frames,
             uint32_t count);
// A message without items, with its frame if its kind has one.
void say(struct caller *caller, enum kind kind, const void *head, struct bytes frame);
void say_item(struct caller *caller, enum kind kind, const void *head, const void *item,
              const struct bytes *frames);
// Several items, one behind the other; frames: those of all items.
void say_items(struct caller *caller, enum kind kind, const void *head, const void *items,
               size_t item_size, uint32_t count, const struct bytes *frames);
// Turns the loop until a message of that kind comes; others that come before it are dropped.
void hear(struct caller *caller, enum kind kind, void *head);
void hear_item(struct caller *caller, enum kind kind, void *head, void *item);
struct hello_head hello_of(struct caller *caller, const char *role);
void join(struct caller *caller, const char *role);
// What was said before it has been served when this returns: messages keep their order.
void settle(struct caller *caller);

#endif
