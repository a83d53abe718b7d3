// colloq, the client: NOUN VERB [operands] [--options]. One table names every command; the
// dispatcher and the help both read it.
#include "common/process.h"
#include "tools/commands.h"
#include "tools/doctor.h"
#include "tools/render.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define JSON_OPTION \
    { "json", OPTION_flag, NULL, "the answer as JSON", false }
#define PAGE_OPTIONS                                                                \
    {"limit", OPTION_count, "N", "at most so many entries", false}, {               \
        "after", OPTION_text, "CURSOR", "what follows after an earlier page", false \
    }
#define END_OF_OPTIONS \
    { NULL, OPTION_flag, NULL, NULL, false }
#define SUBMIT_OPTIONS                                                                      \
    {"provider", OPTION_text, "NAME", "provider of lines that name none", false},           \
        {"tag", OPTION_text, "K=V", "a tag of the batch; may stand several times", true},   \
        {"name", OPTION_text, "NAME", "the batch's name for people (the file's)", false},   \
        {"idempotency-key", OPTION_text, "KEY",                                             \
         "the same key is the same batch (the file's digest)", false},                      \
        {"again", OPTION_flag, NULL, "a new batch, although the same was submitted before", \
         false},                                                                            \
        {"limit", OPTION_count, "N", "only the first N lines", false},                      \
        {"continue", OPTION_flag, NULL, "conversations go on from the ledger", false},      \
        {"priority", OPTION_text, "WHAT", "high, normal or low", false},                    \
        {"attempts", OPTION_count, "N", "counted attempts of a line", false},               \
        {"billed", OPTION_text, "WHAT",                                                     \
         "after an attempt that may have been billed: retry, park or fail", false},         \
        {"unanswered", OPTION_text, "WHAT",                                                 \
         "turns behind one without answer: stop (they are parked), skip or fail", false},   \
    {                                                                                       \
        "strict", OPTION_flag, NULL, "submit nothing if a line is refused", false           \
    }

static const struct option json_only[] = {JSON_OPTION, END_OF_OPTIONS};
static const struct option page_options[] = {PAGE_OPTIONS, JSON_OPTION, END_OF_OPTIONS};
#define PATIENCE_OPTION                                                                           \
    {                                                                                             \
        "patience", OPTION_count, "SECONDS",                                                      \
            "without a terminal: end (75) when only a person can move it for so long (60)", false \
    }
static const struct option run_options[] = {
    SUBMIT_OPTIONS,
    {"output", OPTION_text, "FILE", "results into this file, as they come", false},
    {"errors", OPTION_text, "FILE", "lines that failed or were refused into this one", false},
    {"quiet", OPTION_flag, NULL, "say nothing but why it cannot go on", false},
    PATIENCE_OPTION,
    {"json", OPTION_flag, NULL, "what is said on stderr as JSON lines", false},
    END_OF_OPTIONS,
};
static const struct option submit_options[] = {SUBMIT_OPTIONS, JSON_OPTION, END_OF_OPTIONS};
static const struct option watch_options[] = {
    PATIENCE_OPTION,
    {"results", OPTION_flag, NULL, "also print the results, from the first", false},
    {"json", OPTION_flag, NULL, "what is said on stderr as JSON lines", false},
    END_OF_OPTIONS,
};
static const struct option show_options[] = {
    {"refused", OPTION_flag, NULL, "list its refused lines, each with its reason", false},
    JSON_OPTION,
    END_OF_OPTIONS,
};
static const struct option results_options[] = {
    {"order", OPTION_text, "ORDER", "input (as the lines stood) or finished", false},
    JSON_OPTION,
    END_OF_OPTIONS,
};
static const struct option conversation_list_options[] = {
    {"batch", OPTION_text, "BATCH", "of this batch only", false},
    PAGE_OPTIONS,
    JSON_OPTION,
    END_OF_OPTIONS,
};
static const struct option conversation_show_options[] = {
    {"batch", OPTION_text, "BATCH", "the batch that the name belongs to", false},
    JSON_OPTION,
    END_OF_OPTIONS,
};
static const struct option cost_options[] = {
    {"by", OPTION_text, "WHAT", "batch, provider, model, day, tag, conversation or message", false},
    {"batch", OPTION_text, "BATCH", "of this batch only", false},
    PAGE_OPTIONS,
    JSON_OPTION,
    END_OF_OPTIONS,
};
#define DEAD_OPTIONS                                                  \
    {"batch", OPTION_text, "BATCH", "of this batch only", false}, {   \
        "reason", OPTION_text, "REASON", "of this reason only", false \
    }
static const struct option dead_list_options[] = {
    DEAD_OPTIONS,
    PAGE_OPTIONS,
    JSON_OPTION,
    END_OF_OPTIONS,
};
static const struct option dead_retry_options[] = {
    DEAD_OPTIONS,
    {"rate", OPTION_text, "N/s", "so many a second, not all at once", false},
    {"dry-run", OPTION_flag, NULL, "only say which", false},
    JSON_OPTION,
    END_OF_OPTIONS,
};
static const struct option dead_drop_options[] = {
    DEAD_OPTIONS,
    {"dry-run", OPTION_flag, NULL, "only say which", false},
    JSON_OPTION,
    END_OF_OPTIONS,
};
static const struct option migrate_options[] = {
    {"dry-run", OPTION_flag, NULL, "only say what is missing", false},
    JSON_OPTION,
    END_OF_OPTIONS,
};
static const struct option dev_options[] = {
    {"verbose", OPTION_flag, NULL, "the processes' logs on stderr, not in DATA/log", false},
    {"simulator", OPTION_text, "WORDS", "with --simulate: options of provider-sim", false},
    {"brief", OPTION_text, "WHAT", NULL, false}, // for a command that starts it: see local.h
    END_OF_OPTIONS,
};

static const struct command commands[] = {
    {"dev", NULL, "", 0, 0,
     "run all processes here (--simulate: no real provider; --listen: for other hosts)",
     dev_options, dev},
    {"batch", "run", "FILE", 1, 1, "submit a file (-: stdin), print results as they come",
     run_options, batch_run},
    {"batch", "submit", "FILE", 1, 1, "submit a file and return", submit_options, batch_submit},
    {"batch", "watch", "BATCH", 1, 1, "show how a batch goes on until it ends", watch_options,
     batch_watch},
    {"batch", "list", "", 0, 0, "the batches, newest first", page_options, batch_list},
    {"batch", "show", "BATCH", 1, 1, "how a batch stands", show_options, batch_show},
    {"batch", "results", "BATCH", 1, 1, "its results as JSON lines", results_options,
     batch_results},
    {"batch", "cancel", "BATCH", 1, 1, "call it off (1: it is settled already)", json_only,
     batch_cancel},
    {"conversation", "list", "", 0, 0, "the conversations of more than one turn",
     conversation_list_options, conversation_list},
    {"conversation", "show", "ID|NAME", 1, 1, "its messages, identifiers and cost",
     conversation_show_options, conversation_show},
    {"cost", NULL, "", 0, 0, "what was spent", cost_options, cost_report},
    {"check", NULL, "", 0, 0,
     "what the ledger could not take in, and whether it adds up (1: see what it says)", json_only,
     check_show},
    {"dead", "list", "", 0, 0, "the jobs without an answer, dead or parked", dead_list_options,
     dead_list},
    {"dead", "show", "JOB", 1, 1, "one of them, and what can be done", json_only, dead_show},
    {"dead", "retry", "[JOB]", 0, 1, "try one, or those of a batch or reason, again",
     dead_retry_options, dead_retry},
    {"dead", "drop", "[JOB]", 0, 1, "let one, or those of a batch, go for good", dead_drop_options,
     dead_drop},
    {"doctor", NULL, "", 0, 0, "what is in force here, and what is wrong with it (1: a problem)",
     json_only, doctor},
    {"find", NULL, "ID", 1, 1, "the call, message and batch behind any identifier", json_only,
     find},
    {"job", "show", "JOB", 1, 1, "a line's job and its attempts", json_only, job_show},
    {"job", "cancel", "JOB", 1, 1, "call one job off", json_only, job_cancel},
    {"lane", "list", "", 0, 0, "the lanes (provider, key, model) and what holds them", json_only,
     lane_list},
    {"lane", "pause", "LANE", 1, 1, "stop a lane", json_only, lane_pause},
    {"lane", "resume", "LANE", 1, 1, "let a paused or held lane go on", json_only, lane_resume},
    {"ledger", "status", "", 0, 0, "how the ledger stands", json_only, ledger_status},
    {"ledger", "migrate", "", 0, 0, "bring the ledger up to date", migrate_options, ledger_migrate},
    {"stat", NULL, "", 0, 0, "processes, lanes and what waits", json_only, stat_show},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

// ---- help ---------------------------------------------------------------------------------------

static void help_line(const struct command *command) {
    char words[64];
    (void)snprintf(words, sizeof(words), "%s%s%s%s%s", command->noun, command->verb ? " " : "",
                   command->verb ? command->verb : "", *command->operands ? " " : "",
                   command->operands);
    out_printf("  %-25s %s\n", words, command->summary);
}

static void help_all(void) {
    out_text("Usage: colloq NOUN [VERB] [ID] [--options]\n\n");
    for (int i = 0; i < COMMANDS; i++)
        help_line(&commands[i]);
    out_text(
        "\n"
        "  colloq NOUN --help        its options\n"
        "  --data DIR, --simulate, --config FILE and every other setting may stand anywhere;\n"
        "  colloq-broker --help and the other programs' list them.\n"
        "  --context NAME, --endpoint ADDRESS: which colloq is asked. Where nobody listens in\n"
        "  the data folder it is started for the time of the command, but not with --no-start.\n\n"
        "Results and answers go to stdout, all else to stderr. Exit codes: 0 all done,\n"
        "1 some lines failed, nothing was found or left to do, or check found something, 130\n"
        "stopped by Ctrl-C, 141 the reader of stdout is gone; else those of sysexits.h (64\n"
        "usage, 65 data, 66 no such thing, 69 nobody answers, or it is not on its way any\n"
        "more, 75 try again, 78 settings).\n");
}

static void help_noun(const char *noun) {
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].noun, noun) != 0)
            continue;
        help_line(&commands[i]);
        for (const struct option *o = commands[i].options; o->name; o++) {
            char words[64];
            if (!o->help)
                continue;
            (void)snprintf(words, sizeof(words), "--%s%s%s", o->name, o->argument ? " " : "",
                           o->argument ? o->argument : "");
            out_printf("      %-21s %s\n", words, o->help);
        }
    }
}

static bool is_noun(const char *word) {
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].noun, word) == 0)
            return true;
    return false;
}

static bool wants(int argc, char **argv, const char *word) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

static void help_if_wanted(int argc, char **argv) {
    bool is_help = wants(argc, argv, "--help") || wants(argc, argv, "-h");
    if (wants(argc, argv, "--version")) {
        out_printf("colloq %s\n", COLLOQ_VERSION);
        out_flush();
        exit(0);
    }
    if (argc > 1 && strcmp(argv[1], "help") == 0) {
        argv++;
        argc--;
        is_help = true;
    }
    if (!is_help && argc > 1)
        return;
    if (argc > 1 && is_noun(argv[1]))
        help_noun(argv[1]);
    else
        help_all();
    out_flush();
    exit(is_help ? 0 : EX_USAGE);
}

// ---- dispatch -----------------------------------------------------------------------------------

// The command of the words; *used is how many of them name it.
static const struct command *find_command(int argc, char **argv, int *used) {
    if (!is_noun(argv[1]))
        fail(EX_USAGE, "there is no command %s; colloq --help lists them", argv[1]);
    for (int i = 0; i < COMMANDS; i++) {
        const struct command *command = &commands[i];
        if (strcmp(command->noun, argv[1]) != 0)
            continue;
        *used = command->verb ? 2 : 1;
        if (!command->verb || (argc > 2 && strcmp(command->verb, argv[2]) == 0))
            return command;
    }
    fail(EX_USAGE, "%s: say what to do with it; colloq %s --help lists it", argv[1], argv[1]);
}

int main(int argc, char **argv) {
    static struct conf conf;
    static struct call call;
    static char *words[1024];
    int used = 0;
    int stop = process_setup();
    if (argc >= (int)(sizeof(words) / sizeof(words[0])))
        fail(EX_USAGE, "too many words");
    memcpy(words, argv, (size_t)argc * sizeof(words[0]));
    help_if_wanted(argc, argv);
    if (argc > 1 && strcmp(argv[1], "doctor") == 0 && !doctor_may_begin(argc, argv))
        return 1;
    int count = conf_take(&conf, "client", argc, words);
    if (count < 2)
        fail(EX_USAGE, "say what to do; colloq --help lists it");
    call = (struct call){.conf = &conf, .stop_fd = stop, .argv = argv, .argc = argc};
    call.command = find_command(count, words, &used);
    call_read(&call, count - 1 - used, words + 1 + used);
    int code = call.command->run(&call);
    out_flush();
    if (call.is_open)
        client_close(&call.client);
    return code;
}
