// The table: providers and their catalogue.
#include "tools/commands.h"
#include "tools/table_options.h"

static const struct option json_only[] = {JSON, LAST};
static const struct option configure_options[] = {DRY_RUN, JSON, LAST};
static const struct option gaps_options[] = {
    NUMBER("limit", "N", "look at so many answers, the newest first (10000)"), JSON, LAST};
static const struct option document_options[] = {
    FLAG("dry-run", "only say which pages differ; 1 if one does"), JSON, LAST};

const struct command provider_commands[] = {
    {
        .noun = "provider",
        .verb = "list",
        .operands = "",
        .summary = "the APIs that the catalogue has",
        .description = "Lists the APIs of the catalogue, yours included. Asks nobody.",
        .options = json_only,
        .settings = "catalogue",
        .codes = "",
        .schemas = "provider.list/1",
        .examples = {{"colloq provider list", "every API, a line each"}},
        .run = provider_list,
    },
    {
        .noun = "provider",
        .verb = "show",
        .operands = "PROVIDER",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "what an API can do, and where its identifiers stand",
        .description = "Shows what the catalogue says of an API: state, identifiers with their "
                       "places, metadata, notes, what lowers the cost.",
        .options = json_only,
        .settings = "catalogue",
        .codes = "66",
        .schemas = "provider.show/1",
        .examples = {{"colloq provider show openai", "its API for conversations"},
                     {"colloq provider show anthropic.messages --json", "all of it"}},
        .run = provider_show,
    },
    {
        .noun = "provider",
        .verb = "configure",
        .operands = "",
        .summary = "enter the catalogue into the ledger",
        .description = "Enters the catalogue, ours and then your own folder's, into the ledger's "
                       "tables ai_platform, model and price, while nothing runs, and says what "
                       "that changes; --dry-run also says it while colloq runs. A colloq that "
                       "starts does the same by itself.",
        .options = configure_options,
        .settings = "data simulate catalogue ledger-folder",
        .codes = "65 69 74 75 77",
        .schemas = "provider.configure/1",
        .examples = {{"colloq provider configure --dry-run", "what your own files would change"},
                     {"colloq provider configure", "enter them"}},
        .run = provider_configure,
    },
    {
        .noun = "provider",
        .verb = "gaps",
        .operands = "[PROVIDER]",
        .operands_max = 1,
        .summary = "what answers hold beside what is declared",
        .description = "Compares what the catalogue declares with what the recorded answers really "
                       "held: seen and not declared (with how many answers, and when), declared "
                       "and never seen, both. So a change at a provider shows up.",
        .options = gaps_options,
        .settings = ASKS " catalogue",
        .codes = "66 69 75",
        .schemas = "provider.gaps/1",
        .examples = {{"colloq provider gaps", "of all APIs"},
                     {"colloq provider gaps openai.chat --json", "of one, for programs"}},
        .run = provider_gaps,
    },
    {
        .noun = "provider",
        .verb = "document",
        .operands = "[FOLDER]",
        .operands_max = 1,
        .summary = "write the catalogue as pages to read",
        .description = "Writes FOLDER/providers/*.md (an API each), identifiers.md (which kind "
                       "stands where) and gap-analysis.md (what is offered and not used), made of "
                       "the catalogue alone. Pages that are right already are left alone.",
        .options = document_options,
        .settings = "catalogue",
        .one = "with --dry-run: a page differs from the catalogue",
        .codes = "73",
        .schemas = "provider.document/1",
        .examples = {{"colloq provider document", "into docs/"},
                     {"colloq provider document --dry-run docs", "for CI: whether they are right"}},
        .run = provider_document,
    },
    {.noun = NULL},
};
