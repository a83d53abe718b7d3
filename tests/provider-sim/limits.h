// Every limit of the provider simulator.
#ifndef PROVIDER_SIM_LIMITS_H
#define PROVIDER_SIM_LIMITS_H

enum {
    HEAD_BYTES_MAX = 64 << 10,        // request line and headers
    HEADERS_MAX = 128,                // header lines of one request
    BODY_BYTES_MAX = 32 << 20,        // a request body, decoded
    CHUNK_LINE_BYTES_MAX = 1024,      // a chunk's size line, or one trailer line
    TEXT_BYTES_MAX = 128 << 20,       // any growing buffer
    OUT_BYTES_MAX = 1 << 20,          // answers waiting for a reader; beyond, no request is taken
    READ_BYTES_MAX = 1 << 20,         // taken from one connection in one round
    LINGER_BYTES_MAX = 64 << 20,      // thrown away while a closing connection still sends
    IDLE_BUFFER_BYTES_MAX = 16 << 10, // memory that a quiet connection may keep
    EVENTS_MAX = 512,                 // epoll events of one round
    KEYS_MAX = 64,                    // keys given by --key, and again as many in the key file
    KEY_BYTES_MAX = 512,
    KEY_FILE_BYTES_MAX = KEYS_MAX * KEY_BYTES_MAX,
    CALL_BYTES_MAX = 512, // X-Client-Request-Id
    MODEL_NAME_BYTES_MAX = 256,
    JSON_NESTING_MAX = 128,
    CHOICES_MAX = 8,
    MESSAGES_MAX = 100000,
    SEEN_ENTRIES_MAX = 1 << 22,   // request bodies whose repetitions are counted
    STATES_MAX = 1 << 17,         // answers and conversations that are kept
    STATE_BYTES_MAX = 256 << 20,  // and their bytes
    CACHE_ENTRIES_MAX = 1 << 20,  // beginnings of prompts that are kept
    REQUEST_LIMIT_MS = 30 * 1000, // from a request's first byte to its last
    LINGER_LIMIT_MS = 2000,
    LATENCY_FACTOR_MAX = 20, // no answer takes longer than this many times the mean
};

#endif
