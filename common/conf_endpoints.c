#include "common/conf_endpoints.h"

#include "common/endpoint.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static enum err refuse(struct conf_error *error, const char *endpoint, const char *why) {
    (void)snprintf(error->text, sizeof(error->text), "%s: %s", endpoint, why);
    error->exit = EX_CONFIG;
    return ERR_BAD_CONFIG;
}

static enum err check(const struct conf *conf, const char *endpoint, struct conf_error *error) {
    const char *refusal = endpoint_refusal(endpoint);
    if (refusal)
        return refuse(error, endpoint, refusal);
    if (!endpoint_is_exposed(endpoint) || conf->insecure)
        return ERR_OK;
    return refuse(error, endpoint,
                  "beyond this machine others could read and forge what is said, since nothing is "
                  "encrypted yet. Take an address of this machine (tcp://127.0.0.1:PORT) and a "
                  "tunnel to it; or, in a network that you trust, permit it with --insecure, "
                  "COLLOQ_INSECURE=true, or insecure: true in the file");
}

enum err conf_check_endpoints(const struct conf *conf, struct conf_error *error) {
    const char *const endpoints[] = {conf->broker, conf->ingress,        conf->accountant,
                                     conf->listen, conf->listen_ingress, conf->endpoint};
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
        if (endpoints[i])
            e = check(conf, endpoints[i], error);
    if (e == ERR_OK && conf->listen && strncmp(conf->listen, "tcp://", 6) != 0)
        return refuse(error, conf->listen, "for other hosts write tcp://ADDRESS:PORT");
    if (e == ERR_OK && conf->listen && !conf->listen_ingress)
        return refuse(error, conf->listen,
                      "the ingress takes the port after it, and there is none; choose a lower one");
    return e;
}
