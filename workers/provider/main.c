#include "common/conf.h"
#include "common/process.h"
#include "workers/provider/worker.h"

int main(int argc, char **argv) {
    int stop_fd = process_setup();
    struct conf conf;
    conf_load(&conf, "worker", argc, argv);
    return worker_run(&conf, stop_fd);
}
