#include "tests/provider-sim/server.h"

int main(int argc, char **argv) {
    static struct options options;
    static struct server server;
    options_read(&options, argc, argv);
    server_open(&server, &options);
    server_run(&server);
    server_close(&server);
    return 0;
}
