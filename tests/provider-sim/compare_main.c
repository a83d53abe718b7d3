#include "tests/provider-sim/compare.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const char help[] =
    "compare-bill [options] BILL [CALLS]: compares a provider-sim bill with a ledger's calls.\n"
    "\n"
    "CALLS (default: stdin) is JSON lines, one a call row, with all of the fields\n"
    "  call                 call id, as it was sent in X-Client-Request-Id; of the bill's calls "
    "that\n"
    "                       were named in a traceparent, the first 16 digits are compared\n"
    "  job                  what tells jobs apart, any string\n"
    "  state                answered, failed, not_started, unknown, unextracted\n"
    "  http_status          of the answer; 0 or null: none\n"
    "  in_uncached, in_cached, in_cache_write, in_cache_write_1h, out_visible, out_reasoning,\n"
    "  web_searches\n"
    "                       disjoint token counts; null or -1: not stated, counts as 0\n"
    "  amount_pusd          pico-USD; null or -1: none (unpriced, or no usage)\n"
    "  is_possibly_billed, is_answer   true or false, or 1 or 0\n"
    "Further fields are ignored.\n"
    "\n"
    "Classes:\n"
    "  (a) each billed request has exactly one row; each call was sent once; a job has no further\n"
    "      billed request after a success, and at most one answer: a success, or a whole body\n"
    "      that no extractor could read\n"
    "  (b) a row answered with 2xx whose answer was delivered: tokens and money are equal\n"
    "  (c) other billed requests: failed, unknown or unextracted, flagged possibly billed, "
    "without\n"
    "      money; their money on the bill is exactly bill minus ledger\n"
    "  (d) rows without a billed request: not started, failed before a byte left, answered with\n"
    "      the error that the provider sent, refused unbilled by the provider, or unknown\n"
    "\n"
    "  --unknown-max N      so many unknown rows may have no billed request: for runs with kills,\n"
    "                       the leases that were out (default 0)\n"
    "  --superfluous-max N  so many requests may have been billed after a success (default 0)\n"
    "  --list N             disagreements that are named on stderr (default 20)\n"
    "\n"
    "Prints the counts. Exit 0: all agrees; 1: there are disagreements; 65: an input cannot be\n"
    "read.\n";

static uint64_t number_of(const char *text) {
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0') {
        fprintf(stderr, "compare-bill: no number: %s\n", text);
        exit(EX_USAGE);
    }
    return number;
}

int main(int argc, char **argv) {
    static const struct option known[] = {{"help", no_argument, NULL, 'h'},
                                          {"unknown-max", required_argument, NULL, 'u'},
                                          {"superfluous-max", required_argument, NULL, 's'},
                                          {"list", required_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
    struct comparison comparison = {.list_max = 20};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return 0;
        } else if (option == 'u') {
            comparison.unknown_max = number_of(optarg);
        } else if (option == 's') {
            comparison.superfluous_max = number_of(optarg);
        } else if (option == 'l') {
            comparison.list_max = number_of(optarg);
        } else {
            return EX_USAGE;
        }
    }
    if (argc - optind < 1 || argc - optind > 2) {
        fputs("compare-bill: a bill is needed, and at most one file of calls (try --help)\n",
              stderr);
        return EX_USAGE;
    }
    int code = EX_DATAERR;
    if (comparison_read_bill(&comparison, argv[optind]) &&
        comparison_read_rows(&comparison, argc - optind == 2 ? argv[optind + 1] : "-"))
        code = comparison_print(&comparison) ? 0 : 1;
    comparison_release(&comparison);
    return code;
}
