// make-lines N [SEED]: a job file of N mixed lines on stdout: single calls and conversations of
// two to six turns whose lines stand far apart. The same arguments give the same file.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_MAX_CONVERSATIONS = 64 };

struct talk {
    unsigned number, turn, left;
};

static uint64_t state;

static unsigned below(unsigned bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((state >> 33) % bound);
}

static const char *const models[] = {"gpt-4.1-mini", "gpt-5-nano", "gpt-4o-mini", "gpt-5-mini",
                                     "gpt-4.1"};
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

static void turn(struct talk *talk) {
    printf("{\"conversation\":\"talk-%u\",", talk->number);
    if (talk->turn++ == 0)
        printf("\"model\":\"openai/%s\",\"system\":\"answer in one sentence\","
               "\"tags\":{\"team\":\"%s\"},",
               models[below(5)], teams[below(3)]);
    printf("\"input\":\"turn %u of talk %u", talk->turn, talk->number);
    words(3 + below(20));
    printf("\"}\n");
    talk->left--;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: make-lines N [SEED]\n");
        return 64;
    }
    unsigned long count = strtoul(argv[1], NULL, 10);
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct talk talks[OPEN_MAX_CONVERSATIONS] = {{0, 0, 0}};
    unsigned numbers = 0;
    for (unsigned line = 1; line <= count; line++) {
        struct talk *talk = &talks[below(OPEN_MAX_CONVERSATIONS)];
        if (below(5) < 3) {
            single(line);
            continue;
        }
        if (talk->left == 0)
            *talk = (struct talk){.number = ++numbers, .left = 2 + below(5)};
        turn(talk);
    }
    return 0;
}
