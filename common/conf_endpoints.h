// What is wrong with the endpoints of the settings, each of which is known by now.
#ifndef COMMON_CONF_ENDPOINTS_H
#define COMMON_CONF_ENDPOINTS_H

#include "common/conf.h"

// ERR_BAD_CONFIG fills *error: one that is none, or that reaches beyond this machine although
// nobody has said `insecure`.
enum err conf_check_endpoints(const struct conf *conf, struct conf_error *error);

#endif
