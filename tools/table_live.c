// The table: what runs and what holds it back.
#include "tools/commands.h"
#include "tools/table_options.h"

#define REASON TEXT("reason", "REASON", "of this reason only, as dead list names it")

static const struct option json_only[] = {JSON, LAST};
static const struct option dev_options[] = {
    FLAG("verbose", "the processes' logs on stderr, not in DATA/log"),
    TEXT("simulator", "WORDS", "with --simulate: options of provider-sim, in one word"), LAST};
static const struct option dev_own_options[] = {TEXT("brief", "WHAT", "see local.h"), LAST};
static const struct option dead_list_options[] = {OF_BATCH, REASON, LIMIT("100"),
                                                  AFTER,    JSON,   LAST};
static const struct option dead_retry_options[] = {
    OF_BATCH, REASON, TEXT("rate", "N/s", "so many a second, not all at once"),
    DRY_RUN,  JSON,   LAST};
static const struct option dead_drop_options[] = {OF_BATCH, REASON, DRY_RUN, JSON, LAST};

const struct command live_commands[] = {
    {
        .noun = "doctor",
        .operands = "",
        .summary = "what is in force here, and what is wrong with it",
        .description = "Says which files, folders, endpoints, versions and names of keys are in "
                       "force and where each comes from, looks at disks, clock, limits, ports and "
                       "processes, and names what to do about each problem. Starts nothing.",
        .options = json_only,
        .settings = "data simulate config context endpoint listen insecure",
        .one = "there is a problem",
        .codes = "78",
        .schemas = "doctor/1",
        .examples = {{"colloq doctor", "before anything else, or when something is odd"},
                     {"colloq doctor --json", "for programs"}},
        .run = doctor,
    },
    {
        .noun = "dev",
        .operands = "",
        .summary = "run all processes here until Ctrl-C",
        .description = "Starts the five processes here, starts again what dies, and ends them in "
                       "order at Ctrl-C. With --simulate no real provider is called; with "
                       "--listen other hosts may join.",
        .options = dev_options,
        .own = dev_own_options,
        .settings = "data simulate listen listen-ingress insecure concurrency lane-concurrency "
                    "call-limit catalogue",
        .codes = "69 73 75",
        .schemas = "",
        .examples = {{"colloq dev --simulate", "with a simulated provider and simulated money"},
                     {"colloq dev --listen tcp://0.0.0.0:5555 --insecure",
                      "for workers and submitters on other hosts"},
                     {"colloq dev --simulate --simulator '--latency-ms 500'",
                      "with a slow provider"}},
        .run = dev,
    },
    {
        .noun = "dead",
        .verb = "list",
        .operands = "",
        .summary = "the jobs without an answer, dead or parked",
        .description = "Lists the jobs that ended without an answer and are kept: dead ones, and "
                       "turns that are parked behind them.",
        .options = dead_list_options,
        .settings = ASKS,
        .codes = "65 66 69",
        .schemas = "dead.list/1",
        .examples = {{"colloq dead list --batch nightly", "of one batch"},
                     {"colloq dead list --reason possibly_billed --json", "of one reason"}},
        .run = dead_list,
    },
    {
        .noun = "dead",
        .verb = "show",
        .operands = "JOB",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "one of them, and what can be done",
        .description = "Shows one job without an answer with all its attempts, whether it can be "
                       "tried again, and what is parked behind it.",
        .options = json_only,
        .settings = ASKS,
        .codes = "65 66 69",
        .schemas = "dead.show/1",
        .examples = {{"colloq dead show 01930000-0000-7000-8000-000000000001", "by id"}},
        .run = dead_show,
    },
    {
        .noun = "dead",
        .verb = "retry",
        .operands = "[JOB]",
        .operands_max = 1,
        .summary = "try one, or those of a batch or reason, again",
        .description = "Tries jobs without an answer again: one, or all of a batch or reason. "
                       "What is parked behind one follows when its answer is there.",
        .options = dead_retry_options,
        .settings = ASKS,
        .one = "there is none that could be tried again",
        .codes = "65 66 69",
        .schemas = "dead.retry/1",
        .examples = {{"colloq dead retry --batch nightly --rate 2/s",
                      "all of a batch, two a second"},
                     {"colloq dead retry --reason permanent_error --dry-run",
                      "only say how many that would be"}},
        .run = dead_retry,
    },
    {
        .noun = "dead",
        .verb = "drop",
        .operands = "[JOB]",
        .operands_max = 1,
        .summary = "let one, or those of a batch or reason, go for good",
        .description = "Lets jobs without an answer go for good: they keep their outcome and "
                       "cannot be tried again. Turns parked behind one go with it.",
        .options = dead_drop_options,
        .settings = ASKS,
        .one = "there is none that could be dropped",
        .codes = "65 66 69",
        .schemas = "dead.drop/1",
        .examples = {{"colloq dead drop --batch nightly --dry-run", "only say how many"}},
        .run = dead_drop,
    },
    {
        .noun = "lane",
        .verb = "list",
        .operands = "",
        .summary = "the lanes and what holds them",
        .description = "Lists the lanes, each a provider, key and model, with the calls in flight, "
                       "what waits, and why one is held.",
        .options = json_only,
        .settings = ASKS,
        .codes = "69",
        .schemas = "lane.list/1",
        .examples = {{"colloq lane list", "with the reason in full where one is held"}},
        .run = lane_list,
    },
    {
        .noun = "lane",
        .verb = "pause",
        .operands = "LANE",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "stop a lane",
        .description = "Stops a lane: calls under way end, no further one begins. Jobs wait.",
        .options = json_only,
        .settings = ASKS,
        .codes = "65 66 69",
        .schemas = "lane.pause/1",
        .examples = {{"colloq lane pause openai/gpt-4o-mini", "by provider and model"}},
        .run = lane_pause,
    },
    {
        .noun = "lane",
        .verb = "resume",
        .operands = "LANE",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "let a paused or held lane go on",
        .description = "Lets a lane go on that was paused, or that is held because of a key or an "
                       "exhausted quota; one that is held is tried with a single call first.",
        .options = json_only,
        .settings = ASKS,
        .codes = "65 66 69",
        .schemas = "lane.resume/1",
        .examples = {{"colloq lane resume openai/gpt-4o-mini", "by provider and model"}},
        .run = lane_resume,
    },
    {
        .noun = "stat",
        .operands = "",
        .summary = "processes, lanes and what waits",
        .description = "Shows whether everything runs and moves: each process and host, the jobs "
                       "by state, the journal's size, and each lane with what holds it back.",
        .options = json_only,
        .settings = ASKS,
        .codes = "69",
        .schemas = "stat/1",
        .examples = {{"colloq stat", "does it move, and what holds it back"}},
        .run = stat_show,
    },
    {.noun = NULL},
};
