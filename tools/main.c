// colloq, the client: NOUN VERB [operands] [--options]. The table says what there is.
#include "common/process.h"
#include "tools/commands.h"
#include "tools/doctor.h"
#include "tools/help.h"
#include "tools/render.h"
#include "tools/words.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void help_if_wanted(int argc, char **argv) {
    const struct noun *noun;
    const struct command *command;
    bool is_help = words_have(argc, argv, "--help") || words_have(argc, argv, "-h");
    if (words_have(argc, argv, "--version")) {
        out_printf("colloq %s\n", COLLOQ_VERSION);
        out_flush();
        exit(0);
    }
    if (!is_help && argc > 1)
        return;
    if (words_have(argc, argv, "--no-color"))
        out_without_color();
    words_name(argc, argv, &noun, &command);
    help_about(noun, command);
    out_flush();
    exit(is_help ? 0 : EX_USAGE);
}

int main(int argc, char **argv) {
    static struct conf conf;
    static struct call call;
    int stop = process_setup();
    help_if_wanted(argc, argv);
    if (argc > 1 && strcmp(argv[1], "doctor") == 0 && !doctor_may_begin(argc, argv))
        return EXIT_SOME_FAILED;
    words_read(&call, &conf, argc, argv);
    call.stop_fd = stop;
    int code = call.command->run(&call);
    out_flush();
    if (call.is_open)
        client_close(&call.client);
    return code;
}
