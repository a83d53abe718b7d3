// Endpoints as text, ipc://PATH and tcp://HOST:PORT: what is one, and how far it reaches. Nothing
// here opens or resolves anything.
#ifndef COMMON_ENDPOINT_H
#define COMMON_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

enum { ENDPOINT_SIZE = 256 };

// Why a text is no endpoint and what to write, for people; NULL: it is one.
const char *endpoint_refusal(const char *endpoint);

// Where a tcp endpoint leads: an IPv6 host stands without its brackets.
struct endpoint_place {
    char host[ENDPOINT_SIZE];
    unsigned port;
};
// False: it is no tcp endpoint.
bool endpoint_place(const char *endpoint, struct endpoint_place *place);
// Whether the host is a name, or an interface's, and no address.
bool endpoint_has_name(const struct endpoint_place *place);

// Whether what goes over it may leave this machine, or come from elsewhere: every tcp endpoint
// but those of 127.0.0.0/8, ::1 and localhost. Of a name nobody knows where it leads.
bool endpoint_is_exposed(const char *endpoint);

// The same host some ports further; false: there is no such port, or it is no tcp endpoint.
bool endpoint_beside(const char *endpoint, unsigned ports, char beside[ENDPOINT_SIZE]);

#endif
