#include "common/endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SOCKET_PATH_MAX = 107, PORT_MAX = 65535, PORT_DIGITS_MAX = 5 };

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_host_byte(char c) {
    return isalnum((unsigned char)c) || strchr("-._*%:", c) != NULL;
}

// The port behind the last colon; 0: there is none.
static unsigned port_of(const char *digits) {
    unsigned port = 0;
    size_t count = strlen(digits);
    if (count == 0 || count > PORT_DIGITS_MAX || strspn(digits, "0123456789") != count)
        return 0;
    for (; *digits; digits++)
        port = port * 10 + (unsigned)(*digits - '0');
    return port <= PORT_MAX ? port : 0;
}

bool endpoint_place(const char *endpoint, struct endpoint_place *place) {
    if (!starts_with(endpoint, "tcp://") || strlen(endpoint) >= ENDPOINT_SIZE)
        return false;
    const char *host = endpoint + strlen("tcp://");
    const char *colon = strrchr(host, ':');
    size_t size = colon ? (size_t)(colon - host) : 0;
    bool has_brackets = size > 2 && host[0] == '[' && host[size - 1] == ']';
    if (has_brackets) {
        host++;
        size -= 2;
    }
    if (size == 0 || (!has_brackets && memchr(host, ':', size)))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_host_byte(host[i]))
            return false;
    (void)snprintf(place->host, sizeof(place->host), "%.*s", (int)size, host);
    place->port = port_of(colon + 1);
    return place->port != 0;
}

const char *endpoint_refusal(const char *endpoint) {
    struct endpoint_place place;
    if (starts_with(endpoint, "ipc://") && strlen(endpoint + strlen("ipc://")) > SOCKET_PATH_MAX)
        return "a socket's path has at most 107 bytes; choose a shorter --data folder";
    if (starts_with(endpoint, "ipc:///"))
        return NULL;
    if (starts_with(endpoint, "tcp://") && !endpoint_place(endpoint, &place))
        return "write tcp://HOST:PORT, an IPv6 address in brackets and a port from 1 to 65535";
    return starts_with(endpoint, "tcp://") ? NULL : "an endpoint is ipc://PATH or tcp://HOST:PORT";
}

// An address as text; AF_UNSPEC: it is none. at has room for the longer kind.
static int address_of(const char *host, unsigned char at[16]) {
    if (inet_pton(AF_INET, host, at) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, host, at) == 1 ? AF_INET6 : AF_UNSPEC;
}

bool endpoint_has_name(const struct endpoint_place *place) {
    unsigned char at[16];
    return address_of(place->host, at) == AF_UNSPEC;
}

bool endpoint_is_exposed(const char *endpoint) {
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const unsigned char itself[16] = {[15] = 1};
    struct endpoint_place place;
    unsigned char at[16];
    if (!endpoint_place(endpoint, &place))
        return starts_with(endpoint, "tcp://");
    switch (address_of(place.host, at)) {
    case AF_INET:
        return at[0] != 127;
    case AF_INET6:
        if (memcmp(at, mapped, sizeof(mapped)) == 0)
            return at[12] != 127;
        return memcmp(at, itself, sizeof(itself)) != 0;
    default:
        return strcasecmp(place.host, "localhost") != 0;
    }
}

bool endpoint_beside(const char *endpoint, unsigned ports, char beside[ENDPOINT_SIZE]) {
    struct endpoint_place place;
    if (!endpoint_place(endpoint, &place) || place.port + ports > PORT_MAX)
        return false;
    const char *colon = strrchr(endpoint, ':');
    int size = snprintf(beside, ENDPOINT_SIZE, "%.*s:%u", (int)(colon - endpoint), endpoint,
                        place.port + ports);
    return size > 0 && size < ENDPOINT_SIZE;
}
