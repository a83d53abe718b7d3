#include "common/conf.h"
#include "common/process.h"
#include "workers/accountant/accountant.h"

int main(int argc, char **argv) {
    int stop_fd = process_setup();
    struct conf conf;
    conf_load(&conf, "accountant", argc, argv);
    return accountant_run(&conf, stop_fd);
}
