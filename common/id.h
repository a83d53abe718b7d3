// Identifiers of ours: UUIDv7 for what is born (job, batch), a name-based UUIDv8 for what a name
// decides (a conversation inside its batch), SHA-256 for what bytes decide. What is drawn stands
// in random.c, the rest in id.c.
#ifndef COMMON_ID_H
#define COMMON_ID_H

#include "common/bytes.h"

enum { UUID_TEXT_SIZE = 37, ID_HEX_SIZE = 33, DIGEST_HEX_SIZE = 65 };

// 64 random bits from the kernel.
uint64_t random_u64(void);
// RFC 9562 version 7: unix milliseconds, then 74 random bits; ids of one process only grow.
struct id uuid_new(int64_t wall_ms);
// Version 8 over SHA-256 of (space, name): the same pair gives the same id, for ever.
struct id uuid_named(struct id space, struct bytes name);
// "018f…-…", NUL-terminated, lower case.
void uuid_text(struct id id, char text[UUID_TEXT_SIZE]);
// 32 lower-case hex digits: how a call id is written.
void id_hex(struct id id, char text[ID_HEX_SIZE]);
// Reads both forms, either case; false if the text is neither.
bool id_parse(struct bytes text, struct id *id);

// Incremental SHA-256.
struct hasher {
    void *state; // EVP_MD_CTX
};
void hasher_open(struct hasher *hasher);
// Accepts a zeroed hasher.
void hasher_close(struct hasher *hasher);
void hasher_add(struct hasher *hasher, const void *at, size_t size);
// The digest of all that was added so far; more may be added afterwards.
struct digest hasher_peek(const struct hasher *hasher);
struct digest digest_of(struct bytes bytes);
void digest_hex(struct digest digest, char text[DIGEST_HEX_SIZE]);
bool digest_parse(struct bytes text, struct digest *digest);

#endif
