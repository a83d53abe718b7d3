// Where a line goes: the provider, its API and the model as the provider writes it, found from
// what a line says by the rules of the formats. Pure given the catalogue.
#ifndef WORKERS_INGRESS_ROUTE_H
#define WORKERS_INGRESS_ROUTE_H

#include "common/catalogue.h"
#include "workers/ingress/validate.h"

// Views; empty where nothing is said.
struct route_wish {
    struct bytes model; // perhaps with a provider before it
    struct bytes url;   // calls only
    struct bytes api;
    const char *member;    // of a call without a url: the member that holds its body; NULL
    struct bytes provider; // of the submission (--provider)
    // What an earlier turn of the conversation came to.
    struct bytes earlier_provider;
    struct bytes earlier_api;
    struct bytes earlier_model;
    bool is_turn;
};

struct route_found {
    struct bytes provider;
    struct bytes api;
    struct bytes model;
    const struct provider_api *entry;
};

// Provider: the model's first part if it is one of the catalogue's; else the submission's; else
// the earlier turn's; else the one whose url has that shape, or whose batches have lines with that
// member. API: what the line says; else by its url or that member; else the earlier turn's, where
// the provider is the same; else the provider's default. On a refusal, words (of a bounded size)
// says what is known.
enum refusal route_find(const struct catalogue *catalogue, const struct route_wish *wish,
                        struct route_found *found, struct buf *words);

#endif
