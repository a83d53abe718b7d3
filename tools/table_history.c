// The table: questions about what was.
#include "tools/commands.h"
#include "tools/table_options.h"
#include "tools/words.h"

static const struct option json_only[] = {JSON, LAST};
static const struct option cost_options[] = {
    CHOICE("by", "WHAT", "none batch provider model day tag conversation message",
           "what the rows are; tag counts a call under each of its tags (none)"),
    OF_BATCH,
    LIMIT("100"),
    AFTER,
    JSON,
    LAST,
};
static const struct option migrate_options[] = {DRY_RUN, JSON, LAST};
static const struct option extract_options[] = {
    FLAG("stream", "the answers have to be streams of events; anything else is malformed"),
    TEXT("at", "DAY",
         "by whose prices answers without a date are rated: 2026-08-20, or 2026-08-20T16:30:00Z "
         "(now)"),
    FLAG("json", "what it writes in any case"),
    LAST,
};
static const struct option jsonpath_options[] = {
    FLAG("paths", "where they stand, as normalized paths, and not the nodes themselves"), LAST};
static const struct option help_options[] = {
    FLAG("man", "write the man page colloq.1"),
    CHOICE("completion", "SHELL", "bash zsh fish", "write the completion script of a shell"), LAST};

const struct command history_commands[] = {
    {
        .noun = "cost",
        .operands = "",
        .summary = "what was spent",
        .description = "Adds up what was spent: every call that has a price. Calls without one "
                       "and calls that may have been billed are named beside the sum, never "
                       "counted as nothing.",
        .options = cost_options,
        .settings = ASKS,
        .codes = "66 69 75",
        .schemas = "cost/1",
        .examples = {{"colloq cost --by model", "what each model has cost"},
                     {"colloq cost --by message --batch nightly", "each line of a batch"},
                     {"colloq cost --by day --json", "for programs"}},
        .run = cost_report,
    },
    {
        .noun = "find",
        .operands = "ID",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "the call, message and batch behind any identifier",
        .description = "Looks an identifier up: one that a provider returned (request id, answer "
                       "id …), a custom_id, or an id or name of a call, job, batch or "
                       "conversation.",
        .options = json_only,
        .settings = ASKS,
        .one = "nothing is known by it",
        .codes = "69",
        .schemas = "find/1",
        .examples = {{"colloq find req_0123456789abcdef", "a provider's request id"},
                     {"colloq find a-1 --json", "a custom_id"}},
        .run = find,
    },
    {
        .noun = "job",
        .verb = "show",
        .operands = "JOB",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "a line's job and its attempts",
        .description = "Shows the job of a line with all its attempts: state, reason, identifiers "
                       "and cost of each. Takes the job's id, or the line's custom_id.",
        .options = json_only,
        .settings = ASKS,
        .codes = "65 66 69",
        .schemas = "job.show/1",
        .examples = {{"colloq job show a-1", "by custom_id"},
                     {"colloq job show 01930000-0000-7000-8000-000000000001 --json", "by id"}},
        .run = job_show,
    },
    {
        .noun = "job",
        .verb = "cancel",
        .operands = "JOB",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "call one job off",
        .description = "Calls one job off. A call that is under way is ended and recorded with "
                       "what it may have cost.",
        .options = json_only,
        .settings = ASKS,
        .codes = "65 66 69",
        .schemas = "job.cancel/1",
        .examples = {{"colloq job cancel 01930000-0000-7000-8000-000000000001", "by id"}},
        .run = job_cancel,
    },
    {
        .noun = "check",
        .operands = "",
        .summary = "whether the ledger is whole and adds up",
        .description = "Names what the ledger could not take in as it came (quarantine, "
                       "conflicts), and adds every sum up anew from the calls themselves.",
        .options = json_only,
        .settings = ASKS,
        .one = "something was found: see what it says",
        .codes = "69 75",
        .schemas = "check/1",
        .examples = {{"colloq check", "ends with 1 if a person has to look"}},
        .run = check_show,
    },
    {
        .noun = "ledger",
        .verb = "status",
        .operands = "",
        .summary = "how the ledger stands",
        .description = "Shows how the ledger stands: what it holds, its size and its migrations. "
                       "Works also while nothing runs.",
        .options = json_only,
        .settings = "data simulate ingress ledger-folder",
        .codes = "65 66 69 74 77",
        .schemas = "ledger.status/1",
        .examples = {{"colloq ledger status", "of the usual folder"},
                     {"colloq ledger status --data /srv/colloq", "of another folder"}},
        .run = ledger_status,
    },
    {
        .noun = "ledger",
        .verb = "migrate",
        .operands = "",
        .summary = "bring the ledger up to date",
        .description = "Applies the migrations that the ledger misses, while nothing runs. A "
                       "colloq that starts does the same by itself.",
        .options = migrate_options,
        .settings = "data simulate ingress ledger-folder",
        .codes = "65 66 69 74 75 77",
        .schemas = "ledger.migrate/1",
        .examples = {{"colloq ledger migrate --dry-run", "only say what is missing"}},
        .run = ledger_migrate,
    },
    {
        .noun = "extract",
        .operands = "FILE...",
        .operands_min = 1,
        .operands_max = WORDS_MAX,
        .summary = "what the extractor finds in recorded answers",
        .description = "Reads recorded exchanges, {provider, request{url, body}, response{status, "
                       "headers, stream, body}}, and writes one line of JSON for each: "
                       "identifiers, metadata, usage, cost, error. Whose answer it is, the URL "
                       "says, else the name. Of what a provider answers about a batch of its own: "
                       "a line for the batch, and one for each result. Asks nobody, and starts "
                       "nothing.",
        .options = extract_options,
        .settings = "catalogue",
        .one = "an answer is of an API that the catalogue does not have",
        .codes = "65 66 69 74",
        .schemas = "extract/1",
        .examples = {{"colloq extract answer.json", "one answer"},
                     {"colloq extract recorded/*.json | jq -c '[.file, .cost.total_pusd]'",
                      "what each would cost"},
                     {"colloq extract --stream recorded/stream-*.json", "streams only"}},
        .run = extract_files,
    },
    {
        .noun = "jsonpath",
        .operands = "EXPR [DOCUMENT]",
        .operands_min = 1,
        .operands_max = 2,
        .summary = "the nodes of a document that a path selects",
        .description = "Writes the nodes that a path selects as a JSON array, which is empty where "
                       "it selects none. Asks nobody, and starts nothing.",
        .options = jsonpath_options,
        .settings = "",
        .codes = "65 66",
        .schemas = "",
        .examples = {{"colloq jsonpath '$.choices[*].message.content' answer.json",
                      "what a model has said"},
                     {"colloq jsonpath --paths '$..[?search(@, \"^req_\")]' answer.json",
                      "where something like a request id stands"}},
        .run = jsonpath_print,
    },
    {
        .noun = "help",
        .operands = "[NOUN [VERB]]",
        .operands_max = 2,
        .summary = "what a command does, and how",
        .description = "Shows the help of everything, of a noun or of one command; or writes the "
                       "man page or a shell's completion script, made from the same table.",
        .options = help_options,
        .settings = "",
        .codes = "",
        .schemas = "",
        .examples = {{"colloq help batch run", "the same as colloq batch run --help"},
                     {"colloq help --man >colloq.1", "the man page"},
                     {"colloq help --completion bash >colloq.bash", "to be sourced by bash"}},
        .run = help_show,
    },
    {.noun = NULL},
};
