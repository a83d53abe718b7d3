// The operating errors of the whole system: one list, from which come the enum, the names and
// the texts. A programmer's error is an assert; a lost environment is fatal() in log.h.
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#define ERR_MAP(X)                                               \
    X(OK, "ok")                                                  \
    X(MALFORMED, "not valid for its schema")                     \
    X(VERSION, "speaks another protocol version")                \
    X(TOO_BIG, "exceeds a limit")                                \
    X(FULL, "no room left")                                      \
    X(IO, "storage failed; the outcome of the write is unknown") \
    X(AGAIN, "nothing there now")                                \
    X(GONE, "the peer is not there")                             \
    X(NOT_FOUND, "not found")                                    \
    X(EXISTS, "is there already")                                \
    X(DENIED, "not permitted")                                   \
    X(BAD_CONFIG, "configuration is not valid")                  \
    X(OVERFLOW, "a sum exceeds what can be counted")

enum err {
#define X(name, text) ERR_##name,
    ERR_MAP(X)
#undef X
};

// The text of an error, lower case, without a full stop; static storage.
const char *err_text(enum err e);

#endif
