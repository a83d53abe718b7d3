// A process's connection to a broker: the peer protocol of peer.h over a DEALER socket. Says
// hello and heartbeats when due, answers for joining, keeps the catalogue, and hands every other
// message to its owner. Says in the log, within 3 s, whether it is connected, refused, or reaches
// nobody, once whenever that changes; it goes on trying in any case.
#ifndef WORKERS_LINK_H
#define WORKERS_LINK_H

#include "common/sock.h"
#include "workers/contact.h"
#include "workers/peer.h"
#include "workers/reach.h"

struct link {
    struct sock sock;
    struct peer peer;
    // What hello says; its texts belong to the owner and must live as long as the link.
    struct hello_head hello;
    struct message message; // the one that link_receive handed out last
    bool has_message;
    struct buf catalogue; // the compiled catalogue (JSON); empty until one came
    char catalogue_hash[65];
    uint64_t catalogue_version;  // counts its changes: 0, none yet
    uint64_t beat_stamp_ms;      // the broker's clock, as its last beat said it
    uint64_t beat_boot;          // who said that
    uint64_t beats;              // counts them
    uint64_t reconnections;      // each with another descriptor: sock_fd is another one then
    uint64_t welcomes;           // counts them
    struct welcome_head welcome; // what the broker said last; its texts are dead
    bool is_refused;             // an unwelcome other than join_first came, and no welcome since
    char refusal[REASON_BYTES_MAX + 1];
    char refusal_detail[DETAIL_BYTES_MAX + 1];
    struct contact contact; // what was told of it
    struct reach reach;     // why nobody answers
};

// Connects (no waiting) and takes over what hello says; hello.process is made here.
enum err link_open(struct link *link, const char *endpoint, const struct hello_head *hello);
void link_close(struct link *link, int linger_ms);

// Says what is due; connects anew when HELLOS_UNANSWERED_MAX hellos found no answer. Call once a
// turn, and let no turn be longer than link_rest_ms.
void link_tick(struct link *link, uint64_t now_ms);
long link_rest_ms(const struct link *link, uint64_t now_ms);
// The next message for the owner: one of its role's kinds. It lives until the next call.
// ERR_AGAIN: none waits, or so many were the link's own or not valid (these are logged and dropped)
// that the turn must go on first; then the sock can still be read.
enum err link_receive(struct link *link, uint64_t now_ms, struct message **message);
// Whether the process has joined: what needs a broker waits for it.
bool link_is_joined(const struct link *link);
// Tells the broker sooner than the next second what is held: at the next tick.
void link_hurry(struct link *link);
// Says hello once more, since what hello says has changed.
void link_introduce(struct link *link);

#endif
