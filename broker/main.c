#include "broker/loop.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/process.h"

int main(int argc, char **argv) {
    struct conf conf;
    int stop = process_setup();
    conf_load(&conf, "broker", argc, argv);
    struct loop *loop = mem_new(sizeof(*loop));
    loop_open(loop, &conf);
    while (!process_is_stopped(stop))
        loop_turn(loop, stop);
    loop_close(loop);
    sock_context_close();
    mem_free(loop);
    log_line(LOG_INFO, "broker.stopped", "why=asked");
    return 0;
}
