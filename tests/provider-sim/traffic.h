// What happens on a connection: bytes come, a deadline passes, bytes may leave.
#ifndef PROVIDER_SIM_TRAFFIC_H
#define PROVIDER_SIM_TRAFFIC_H

#include "tests/provider-sim/server.h"

// The socket has something to read, or its client has left. May drop the connection.
void traffic_receive(struct server *server, struct connection *connection);
// Its timer is due. May drop the connection.
void traffic_due(struct server *server, struct connection *connection);
// Sends what may leave; the bill must have been written. May drop the connection.
void traffic_send(struct server *server, struct connection *connection);
// The line for a request that the connection's end leaves without its answer, if there is one.
void traffic_bill_rest(struct server *server, struct connection *connection, enum fault fault);

#endif
