#include "common/conf.h"
#include "common/process.h"
#include "workers/extractor/extractor.h"
#include "workers/extractor/offline.h"

#include <string.h>

int main(int argc, char **argv) {
    int stop_fd = process_setup();
    if (argc > 1 && strcmp(argv[1], "--offline") == 0)
        return offline_run(argc, argv, stop_fd);
    struct conf conf;
    conf_load(&conf, "extractor", argc, argv);
    return extractor_run(&conf, stop_fd);
}
