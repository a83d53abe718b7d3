// make-lines N [SEED [PERCENT]]: a job file of N mixed lines on stdout: single calls and
// conversations of two to six turns whose lines stand far apart; PERCENT of the calls and of the
// conversations (0) go to Anthropic, calls as lines of its batches. The same arguments give the
// same file.
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_MAX_CONVERSATIONS = 64 };

struct talk {
    unsigned number, turn, left;
    bool is_for_anthropic;
};

static uint64_t state;
static unsigned percent;

static unsigned below(unsigned bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((state >> 33) % bound);
}

static const char *const models[] = {"gpt-4.1-mini", "gpt-5-nano", "gpt-4o-mini", "gpt-5-mini",
                                     "gpt-4.1"};
static const char *const claudes[] = {"claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-8",
                                      "claude-sonnet-4-6", "claude-opus-5"};
static const char *const teams[] = {"red", "green", "blue"};

static void words(unsigned count) {
    static const char *const some[] = {"river", "stone", "quiet", "lamp",  "seven",
                                       "north", "grass", "paper", "cloud", "w\\u00f6rter"};
    for (unsigned i = 0; i < count; i++)
        printf(" %s", some[below(10)]);
}

static void single(unsigned line) {
    printf("{\"custom_id\":\"single-%u\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\","
           "\"body\":{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"line %u",
           line, models[below(5)], line);
    words(10 + below(60));
    printf("\"}],\"max_completion_tokens\":%u}}\n", 40 + below(80));
}

// With none there is no draw, so that files of before stay as they are.
static bool is_for_anthropic(void) {
    return percent > 0 && below(100) < percent;
}

// Some cache their prompt, for 5 minutes or an hour, some think, some stay in one country.
static void single_batch(unsigned line) {
    static const char *const more[] = {
        "", ",\"cache_control\":{\"type\":\"ephemeral\"}",
        ",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}",
        ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}"};
    printf("{\"custom_id\":\"batch-%u\",\"params\":{\"model\":\"%s\",\"max_tokens\":%u%s,"
           "\"messages\":[{\"role\":\"user\",\"content\":\"line %u",
           line, claudes[below(5)], 1100 + below(80), more[below(4)], line);
    words(10 + below(60));
    printf("\"}]}}\n");
}

static void turn(struct talk *talk) {
    printf("{\"conversation\":\"talk-%u\",", talk->number);
    if (talk->turn++ == 0)
        printf("\"model\":\"%s/%s\",\"system\":\"answer in one sentence\","
               "\"tags\":{\"team\":\"%s\"},",
               talk->is_for_anthropic ? "anthropic" : "openai",
               talk->is_for_anthropic ? claudes[below(5)] : models[below(5)], teams[below(3)]);
    printf("\"input\":\"turn %u of talk %u", talk->turn, talk->number);
    words(3 + below(20));
    printf("\"}\n");
    talk->left--;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: make-lines N [SEED [PERCENT]]\n");
        return 64;
    }
    unsigned long count = strtoul(argv[1], NULL, 10);
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    percent = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    struct talk talks[OPEN_MAX_CONVERSATIONS] = {{0, 0, 0, false}};
    unsigned numbers = 0;
    for (unsigned line = 1; line <= count; line++) {
        struct talk *talk = &talks[below(OPEN_MAX_CONVERSATIONS)];
        if (below(5) < 3) {
            if (is_for_anthropic())
                single_batch(line);
            else
                single(line);
            continue;
        }
        if (talk->left == 0)
            *talk = (struct talk){
                .number = ++numbers, .left = 2 + below(5), .is_for_anthropic = is_for_anthropic()};
        turn(talk);
    }
    return 0;
}
