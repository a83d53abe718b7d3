// The table: batches and conversations.
#include "tools/commands.h"
#include "tools/table_options.h"

#define SUBMIT_OPTIONS                                                                            \
    TEXT("provider", "NAME", "provider of the lines that name none"),                             \
        TEXTS("tag", "NAME=VALUE", "a tag of the batch; may stand several times"),                \
        TEXT("name", "NAME", "the batch's name for people (the file's)"),                         \
        TEXT("idempotency-key", "KEY", "the same key is the same batch (the file's digest)"),     \
        FLAG("again", "a new batch, although the same lines were submitted before"),              \
        NUMBER("limit", "N", "only the first N lines"),                                           \
        FLAG("continue", "conversations go on from the ledger, by name or id"),                   \
        CHOICE("priority", "WHAT", "high normal low", "before or after other batches (normal)"),  \
        NUMBER("attempts", "N", "counted attempts of a line, at most 100 (5)"),                   \
        CHOICE("billed", "WHAT", "retry park fail",                                               \
               "what becomes of an attempt that may have been billed and brought nothing "        \
               "(retry)"),                                                                        \
        CHOICE("unanswered", "WHAT", "stop skip fail",                                            \
               "what becomes of the turns behind one without an answer; stop parks them (stop)"), \
        FLAG("strict", "submit nothing if a line is refused")

#define PATIENCE                  \
    NUMBER("patience", "SECONDS", \
           "without a terminal: end with 75 when for so long only a person can move it (60)")

static const struct option run_options[] = {
    SUBMIT_OPTIONS,
    TEXT("output", "FILE", "results into this file, as they come, those of failed lines too"),
    TEXT("errors", "FILE",
         "lines that failed into this file too, and those that were refused, which have no result"),
    FLAG("quiet", "say nothing but why it cannot go on"),
    PATIENCE,
    JSON_EVENTS,
    LAST};
static const struct option submit_options[] = {SUBMIT_OPTIONS, PATIENCE, JSON, LAST};
static const struct option watch_options[] = {
    FLAG("results", "also print the results, from the first"), PATIENCE, JSON_EVENTS, LAST};
static const struct option list_options[] = {LIMIT("50"), AFTER, JSON, LAST};
static const struct option show_options[] = {
    FLAG("refused", "list its refused lines, each with its reason"), JSON, LAST};
static const struct option results_options[] = {
    CHOICE("order", "ORDER", "input finished",
           "as the lines stood in the file, or as they were finished (input)"),
    FLAG("json", "changes nothing: results are JSON lines"), LAST};
static const struct option json_only[] = {JSON, LAST};
static const struct option conversation_list_options[] = {OF_BATCH, LIMIT("100"), AFTER, JSON,
                                                          LAST};
static const struct option conversation_show_options[] = {
    TEXT("batch", "BATCH", "the batch that the name belongs to, where several have it"), JSON,
    LAST};

const struct command batch_commands[] = {
    {
        .noun = "batch",
        .verb = "run",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "submit a file, print results as they come",
        .description =
            "Submits the file, watches the batch until it ends and prints each result as a JSON "
            "line on stdout as soon as it is there. The same file takes its batch up where it "
            "stands, so that a command given twice is not paid twice; one whose first lines were "
            "submitted before is asked about.",
        .options = run_options,
        .settings = ASKS,
        .one = "a line failed or was refused; the last line on stderr counts them",
        .codes = "65 66 69 73 75",
        .schemas = "event/1 batch.results/1",
        .examples = {{"colloq batch run jobs.jsonl >results.jsonl",
                      "the results into a file; how it goes on stays on the terminal"},
                     {"colloq batch run jobs.jsonl --tag team=search --billed park",
                      "an attempt that may have been billed is not repeated by itself"},
                     {"colloq batch run jobs.jsonl --limit 10 --output out.jsonl",
                      "the first ten lines, for a try"}},
        .run = batch_run,
    },
    {
        .noun = "batch",
        .verb = "submit",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "submit a file and return",
        .description = "Submits the file, prints the batch's id and returns when every line is "
                       "stored. The batch goes on by itself.",
        .options = submit_options,
        .settings = ASKS,
        .one = "a line was refused",
        .codes = "65 66 69 75",
        .schemas = "batch.submit/1 event/1",
        .examples = {{"colloq batch submit jobs.jsonl --name nightly", "prints the batch's id"},
                     {"colloq batch submit jobs.jsonl --again --priority low",
                      "the same file once more, as a new batch behind all others"}},
        .run = batch_submit,
    },
    {
        .noun = "batch",
        .verb = "watch",
        .operands = "BATCH",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "show how a batch goes on until it ends",
        .description = "Shows on stderr how the batch goes on, what it waits for and what it "
                       "costs, until it ends. Ctrl-C ends the watching only.",
        .options = watch_options,
        .settings = ASKS,
        .one = "a line failed or was refused",
        .codes = "65 66 69 75",
        .schemas = "event/1 batch.results/1",
        .examples = {{"colloq batch watch nightly", "by name"},
                     {"colloq batch watch nightly --results >results.jsonl",
                      "also the results, from the first"}},
        .run = batch_watch,
    },
    {
        .noun = "batch",
        .verb = "list",
        .operands = "",
        .summary = "the batches, newest first",
        .description = "Lists the batches, newest first: how many of their lines have ended and "
                       "are done, and what they have cost so far.",
        .options = list_options,
        .settings = ASKS,
        .codes = "69",
        .schemas = "batch.list/1",
        .examples = {{"colloq batch list", "the newest 50"},
                     {"colloq batch list --limit 5 --json", "for programs"}},
        .run = batch_list,
    },
    {
        .noun = "batch",
        .verb = "show",
        .operands = "BATCH",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "how a batch stands",
        .description = "Shows how a batch stands: outcomes of its lines, the commonest reasons of "
                       "failures, what it waits for and what it has cost.",
        .options = show_options,
        .settings = ASKS,
        .codes = "65 66 69",
        .schemas = "batch.show/1 batch.refused/1",
        .examples = {{"colloq batch show nightly", "by name"},
                     {"colloq batch show nightly --refused",
                      "the lines that were not accepted, and why"}},
        .run = batch_show,
    },
    {
        .noun = "batch",
        .verb = "results",
        .operands = "BATCH",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "its results as JSON lines",
        .description = "Prints the results that are there, a JSON line each, in OpenAI's batch "
                       "output form with a member colloq: identifiers, usage, cost and timing.",
        .options = results_options,
        .settings = ASKS,
        .codes = "65 66 69",
        .schemas = "batch.results/1",
        .examples = {{"colloq batch results nightly >results.jsonl", "in the order of the file"},
                     {"colloq batch results nightly --order finished",
                      "in the order in which they were finished"}},
        .run = batch_results,
    },
    {
        .noun = "batch",
        .verb = "cancel",
        .operands = "BATCH",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "call it off",
        .description = "Calls a batch off: what waits is cancelled, calls under way are ended and "
                       "recorded with what they may have cost.",
        .options = json_only,
        .settings = ASKS,
        .one = "it is settled already: nothing was cancelled",
        .codes = "65 66 69",
        .schemas = "batch.cancel/1",
        .examples = {{"colloq batch cancel nightly", "by name"}},
        .run = batch_cancel,
    },
    {
        .noun = "conversation",
        .verb = "list",
        .operands = "",
        .summary = "the conversations of more than one turn",
        .description = "Lists the conversations of more than one turn by name, with what each has "
                       "cost so far.",
        .options = conversation_list_options,
        .settings = ASKS,
        .codes = "65 66 69",
        .schemas = "conversation.list/1",
        .examples = {{"colloq conversation list --batch nightly", "of one batch"},
                     {"colloq conversation list --limit 10 --json", "for programs"}},
        .run = conversation_list,
    },
    {
        .noun = "conversation",
        .verb = "show",
        .operands = "CONVERSATION",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "its messages, identifiers and cost",
        .description = "Shows a conversation whole: its messages, every identifier that the "
                       "provider returned, and what each call cost. With --json the answers' "
                       "bodies and headers, too.",
        .options = conversation_show_options,
        .settings = ASKS,
        .codes = "65 66 69 75",
        .schemas = "conversation.show/1",
        .examples = {{"colloq conversation show support-17", "by name"},
                     {"colloq conversation show support-17 --batch nightly --json",
                      "of one batch, with all metadata"}},
        .run = conversation_show,
    },
    {.noun = NULL},
};
