#include "tests/provider-sim/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { BILLED_SPAN_SIZE = 16 };

// What was found, class by class.
struct found {
    uint64_t billed, unnamed;                                        // lines
    uint64_t joined, jobs_twice, superfluous;                        // (a)
    uint64_t equal, unpriced;                                        // (b)
    uint64_t failed, unknown, unextracted;                           // (c)
    uint64_t not_started, unsent, errors, unheard, unknown_unbilled; // (d)
    int64_t bill_pusd, ledger_pusd, rest_pusd;
};

static void disagree(struct comparison *comparison, const char *class, const char *call,
                     const char *what) {
    if (comparison->disagreements++ < comparison->list_max)
        fprintf(stderr, "%s %s: %s\n", class, call[0] ? call : "(no call id)", what);
}

static void add_money(int64_t *sum, int64_t pusd) {
    if (!__builtin_add_overflow(*sum, pusd, sum))
        return;
    fputs("compare-bill: the sums are beyond nine million dollars\n", stderr);
    exit(EX_DATAERR);
}

static int by_call_of_bill(const void *left, const void *right) {
    const struct billed *a = left, *b = right;
    int order = strcmp(a->call, b->call);
    return order ? order : (a->n > b->n) - (a->n < b->n);
}

static int by_call_of_row(const void *left, const void *right) {
    return strcmp(((const struct row *)left)->call, ((const struct row *)right)->call);
}

static bool is_state(const struct row *row, const char *state) {
    return strcmp(row->state, state) == 0;
}

static bool is_whole(const struct row *row) {
    return row->status >= 200 && row->status < 300;
}

static bool is_success(const struct row *row) {
    return is_state(row, "answered") && is_whole(row);
}

// A success; a job may also end with a body that no extractor could read.
static bool settles(const struct row *row) {
    return is_success(row) || (row->is_answer && is_state(row, "unextracted") && is_whole(row));
}

// The bill may have the beginning of a call's id only.
static bool is_same_call(const char *row, const char *billed) {
    size_t size = strlen(billed);
    return size == BILLED_SPAN_SIZE ? strncmp(row, billed, size) == 0 : strcmp(row, billed) == 0;
}

// Sorts both sides by call and joins them; each call must be once on each side.
static void join(struct comparison *comparison) {
    struct billed *bill = comparison->bill;
    struct row *rows = comparison->rows;
    if (comparison->bill_count > 0)
        qsort(bill, comparison->bill_count, sizeof(*bill), by_call_of_bill);
    if (comparison->rows_count > 0)
        qsort(rows, comparison->rows_count, sizeof(*rows), by_call_of_row);
    for (size_t i = 0; i + 1 < comparison->bill_count; i++)
        if (bill[i].call[0] && strcmp(bill[i].call, bill[i + 1].call) == 0)
            disagree(comparison, "(a)", bill[i].call, "was sent more than once");
    for (size_t i = 0; i + 1 < comparison->rows_count; i++)
        if (strcmp(rows[i].call, rows[i + 1].call) == 0)
            disagree(comparison, "(a)", rows[i].call, "has more than one row");
    size_t at = 0;
    for (size_t i = 0; i < comparison->bill_count; i++) {
        while (at < comparison->rows_count && strcmp(rows[at].call, bill[i].call) < 0)
            at++;
        if (at == comparison->rows_count || !is_same_call(rows[at].call, bill[i].call))
            continue;
        bill[i].row = &rows[at];
        if (rows[at].billed == NULL || bill[i].is_billed)
            rows[at].billed = &bill[i];
    }
}

static void check_lines(struct comparison *comparison, struct found *found) {
    for (size_t i = 0; i < comparison->bill_count; i++) {
        const struct billed *billed = &comparison->bill[i];
        found->billed += billed->is_billed;
        if (billed->is_billed && billed->has_price)
            add_money(&found->bill_pusd, billed->pusd);
        if (billed->row != NULL)
            found->joined += billed->is_billed;
        else if (billed->is_billed)
            disagree(comparison, "(a)", billed->call, "was billed and has no row");
        else if (billed->call[0])
            disagree(comparison, "(a)", billed->call, "reached the provider and has no row");
        else
            found->unnamed++;
    }
}

static void check_equal(struct comparison *comparison, struct found *found, const struct row *row) {
    const struct billed *billed = row->billed;
    int64_t in = row->in_uncached + row->in_cached + row->in_cache_write + row->in_cache_write_1h +
                 row->in_tool_use;
    bool has_tokens =
        in == billed->input + billed->tool_use && row->in_cached == billed->cached &&
        row->in_cache_write == billed->written && row->in_cache_write_1h == billed->written_1h &&
        row->out_reasoning == billed->reasoning && row->web_searches == billed->searches &&
        row->out_visible + row->out_reasoning == billed->output;
    bool has_money = row->has_amount == billed->has_price && row->pusd == billed->pusd;
    if (!has_tokens)
        disagree(comparison, "(b)", row->call, "tokens differ");
    if (!has_money)
        disagree(comparison, "(b)", row->call, "money differs");
    if (row->is_possibly_billed)
        disagree(comparison, "(b)", row->call, "is settled, and flagged possibly billed");
    found->unpriced += !billed->has_price;
    found->equal += has_tokens && has_money;
}

// Billed, and the ledger has no usage for it.
static void check_rest(struct comparison *comparison, struct found *found, const struct row *row) {
    const struct billed *billed = row->billed;
    if (is_state(row, "failed"))
        found->failed++;
    else if (is_state(row, "unknown"))
        found->unknown++;
    else if (is_state(row, "unextracted"))
        found->unextracted++;
    else
        disagree(comparison, "(c)", row->call,
                 "was billed without a whole answer, and is not failed, unknown or unextracted");
    if (!row->is_possibly_billed)
        disagree(comparison, "(c)", row->call, "was billed, and is not flagged possibly billed");
    if (row->has_amount && row->pusd != 0)
        disagree(comparison, "(c)", row->call, "has money without usage");
    if (billed->has_price)
        add_money(&found->rest_pusd, billed->pusd);
}

// An error that the provider sent, whether an extractor could read it or not.
static bool is_error(const struct row *row) {
    return (is_state(row, "answered") || is_state(row, "unextracted")) && row->status >= 300;
}

static void check_unbilled(struct comparison *comparison, struct found *found,
                           const struct row *row) {
    const struct billed *seen = row->billed;
    if (row->has_amount && row->pusd != 0)
        disagree(comparison, "(d)", row->call, "has money without a billed request");
    if (is_state(row, "not_started") || is_state(row, "not started")) {
        found->not_started++;
        if (seen != NULL)
            disagree(comparison, "(d)", row->call, "reached the provider, and is not started");
    } else if (is_state(row, "failed") && seen == NULL && !row->is_possibly_billed) {
        found->unsent++;
    } else if (is_error(row) && seen != NULL && row->status == seen->status) {
        found->errors++;
    } else if (is_state(row, "failed") && seen != NULL) {
        found->unheard++;
    } else if (is_state(row, "unknown")) {
        if (++found->unknown_unbilled > comparison->unknown_max)
            disagree(comparison, "(d)", row->call, "is unknown, and was never billed");
    } else {
        disagree(comparison, "(d)", row->call, "has no billed request that would explain it");
    }
}

static void check_rows(struct comparison *comparison, struct found *found) {
    for (size_t i = 0; i < comparison->rows_count; i++) {
        const struct row *row = &comparison->rows[i];
        if (row->has_amount)
            add_money(&found->ledger_pusd, row->pusd);
        if (row->billed == NULL || !row->billed->is_billed)
            check_unbilled(comparison, found, row);
        else if (is_success(row) && row->billed->is_delivered)
            check_equal(comparison, found, row);
        else
            check_rest(comparison, found, row);
    }
}

static int by_job(const void *left, const void *right) {
    const struct row *const *a = left, *const *b = right;
    int order = strcmp((*a)->job, (*b)->job);
    if (order != 0)
        return order;
    uint64_t n_a = (*a)->billed ? (*a)->billed->n : 0, n_b = (*b)->billed ? (*b)->billed->n : 0;
    return (n_a > n_b) - (n_a < n_b);
}

// Rows of one job, in the order of their requests.
static void check_job(struct comparison *comparison, struct found *found, const struct row **rows,
                      size_t count) {
    uint64_t billed = 0, answers = 0;
    const struct row *success = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct row *row = rows[i];
        answers += row->is_answer;
        if (row->is_answer && !settles(row))
            disagree(comparison, "(a)", row->call, "is its job's answer, and no success");
        if (row->billed == NULL || !row->billed->is_billed)
            continue;
        billed++;
        if (success != NULL && ++found->superfluous > comparison->superfluous_max)
            disagree(comparison, "(a)", row->call, "was billed after its job had a success");
        if (settles(row))
            success = row;
    }
    found->jobs_twice += billed > 1;
    if (answers > 1)
        disagree(comparison, "(a)", rows[0]->call, "its job has more than one answer");
}

static void check_jobs(struct comparison *comparison, struct found *found) {
    size_t count = comparison->rows_count;
    const struct row **rows = memory_new(count + 1, sizeof(*rows));
    for (size_t i = 0; i < count; i++)
        rows[i] = &comparison->rows[i];
    qsort(rows, count, sizeof(*rows), by_job);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && strcmp(rows[from]->job, rows[to]->job) == 0; to++)
            continue;
        check_job(comparison, found, rows + from, to - from);
    }
    memory_free(rows);
}

// Pico-USD as dollars with all twelve places.
static void print_money(const char *before, int64_t pusd, const char *after) {
    const char *sign = pusd < 0 ? "-" : "";
    uint64_t size = pusd < 0 ? 0 - (uint64_t)pusd : (uint64_t)pusd;
    printf("%s%s$%" PRIu64 ".%012" PRIu64 "%s", before, sign, size / 1000000000000,
           size % 1000000000000, after);
}

static void print_found(const struct comparison *comparison, const struct found *found) {
    printf("bill: %zu lines, %" PRIu64 " billed", comparison->bill_count, found->billed);
    print_money(", ", found->bill_pusd, "");
    printf(", %" PRIu64 " unnamed and not billed\n", found->unnamed);
    printf("ledger: %zu calls", comparison->rows_count);
    print_money(", ", found->ledger_pusd, "\n");
    printf("(a) billed requests with exactly one row: %" PRIu64 " of %" PRIu64
           "; jobs billed more than once: %" PRIu64 "; billed after a success: %" PRIu64 "\n",
           found->joined, found->billed, found->jobs_twice, found->superfluous);
    printf("(b) answered, tokens and money equal: %" PRIu64 " (%" PRIu64 " unpriced)\n",
           found->equal, found->unpriced);
    printf("(c) billed, usage not known to the ledger: %" PRIu64 " (failed %" PRIu64
           ", unknown %" PRIu64 ", unextracted %" PRIu64 ")",
           found->failed + found->unknown + found->unextracted, found->failed, found->unknown,
           found->unextracted);
    print_money(", ", found->rest_pusd, "");
    print_money("; bill minus ledger: ", found->bill_pusd - found->ledger_pusd, "\n");
    printf("(d) not billed: %" PRIu64 " (not started %" PRIu64
           ", failed before a byte left %" PRIu64 ", answered with an error %" PRIu64
           ", refused by the provider %" PRIu64 ", unknown %" PRIu64 " of at most %" PRIu64 ")\n",
           found->not_started + found->unsent + found->errors + found->unheard +
               found->unknown_unbilled,
           found->not_started, found->unsent, found->errors, found->unheard,
           found->unknown_unbilled, comparison->unknown_max);
    printf("disagreements: %" PRIu64 "\n", comparison->disagreements);
}

bool comparison_print(struct comparison *comparison) {
    struct found found = {0};
    join(comparison);
    check_lines(comparison, &found);
    check_rows(comparison, &found);
    check_jobs(comparison, &found);
    if (found.bill_pusd - found.ledger_pusd != found.rest_pusd)
        disagree(comparison, "(c)", "all", "bill minus ledger is not the money of these calls");
    print_found(comparison, &found);
    return comparison->disagreements == 0;
}
