#include "common/conf.h"
#include "common/process.h"
#include "workers/extractor/extractor.h"

int main(int argc, char **argv) {
    int stop_fd = process_setup();
    struct conf conf;
    conf_load(&conf, "extractor", argc, argv);
    return extractor_run(&conf, stop_fd);
}
