// The messages of schemas/envelope.def as C: for each kind `lease` a struct lease_head, for
// kinds with items a struct lease_item, and the enum value KIND_lease. Texts and bins in them
// are views: into the received frame when decoded, into the caller's memory when encoding.
#ifndef COMMON_ENVELOPE_H
#define COMMON_ENVELOPE_H

#include "common/bytes.h"
#include "common/limits.h"

#define MEMBER_u64(name)    uint64_t name;
#define MEMBER_i64(name)    int64_t name;
#define MEMBER_flag(name)   bool name;
#define MEMBER_text(name)   struct bytes name;
#define MEMBER_bin(name)    struct bytes name;
#define MEMBER_id(name)     struct id name;
#define MEMBER_digest(name) struct digest name;

#define KIND(kind, from, to, frames, doc)
#define HEAD_BEGIN(kind) struct kind##_head {
#define HEAD_END(kind) \
    }                  \
    ;
#define ITEM_BEGIN(kind) struct kind##_item {
#define ITEM_END(kind) \
    }                  \
    ;
#define NO_ITEMS(kind)
#define FIELD(owner, type, name, need, max, doc) MEMBER_##type(name)
#include "schemas/envelope.def"

#include "common/envelope_undef.h"

enum kind {
    KIND_none,
#define KIND(kind, from, to, frames, doc) KIND_##kind,
#define HEAD_BEGIN(kind)
#define HEAD_END(kind)
#define ITEM_BEGIN(kind)
#define ITEM_END(kind)
#define NO_ITEMS(kind)
#define FIELD(owner, type, name, need, max, doc)
#include "schemas/envelope.def"

#include "common/envelope_undef.h"
    KINDS
};

#endif
