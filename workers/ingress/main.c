// colloq-ingress: the door for clients.
#include "common/process.h"
#include "workers/ingress/door.h"

int main(int argc, char **argv) {
    static struct conf conf;
    static struct door door;
    int stop = process_setup();
    conf_load(&conf, "ingress", argc, argv);
    door_open(&door, &conf);
    while (!process_is_stopped(stop))
        door_turn(&door, stop);
    door_close(&door);
    return 0;
}
