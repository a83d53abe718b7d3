// The bill: one JSON line for each request, appended with write(2). Lines are collected for a
// round and written before any answer of that round leaves.
#ifndef PROVIDER_SIM_BILL_H
#define PROVIDER_SIM_BILL_H

#include "tests/provider-sim/fault.h"
#include "tests/provider-sim/hash.h"
#include "tests/provider-sim/limits.h"
#include "tests/provider-sim/moment.h"
#include "tests/provider-sim/tariff.h"

enum { ID_BYTES_MAX = 128 };

struct charge {
    char call[CALL_BYTES_MAX]; // as sent, unescaped
    size_t call_size;
    const char *api; // its name; NULL: it was not found out
    char request_id[ID_BYTES_MAX];
    size_t request_id_size; // 0: the API has none
    char response_id[ID_BYTES_MAX];
    size_t response_id_size;          // 0: none
    char model[MODEL_NAME_BYTES_MAX]; // both as the inside of a JSON string
    size_t model_size;
    char model_requested[MODEL_NAME_BYTES_MAX];
    size_t model_requested_size;
    int status;
    enum fault fault;
    struct rate rate;
    bool has_price;
    struct tokens tokens;
    int64_t pusd;
    uint64_t messages;
    uint8_t body_hash[HASH_SIZE];
    bool has_body;
    bool is_free; // it reads or makes what is kept, and has no line
};

struct bill {
    int fd; // -1: none is kept
    uint64_t n;
    struct text pending;
};

// Appends to an existing bill and counts on. NULL: none is kept. Ends the process on failure.
void bill_open(struct bill *bill, const char *path);
void bill_add(struct bill *bill, const struct charge *charge, struct moment now);
// Writes what is pending; ends the process if that fails.
void bill_flush(struct bill *bill);
void bill_close(struct bill *bill);

#endif
