#include "tools/words.h"

#include "tools/nearest.h"
#include "tools/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

// ---- what is wrong ------------------------------------------------------------------------------

void words_refuse_noun(const char *word) {
    char hint[96];
    struct nearest nearest;
    nearest_init(&nearest, word);
    for (size_t i = 0; noun_at(i); i++)
        nearest_try(&nearest, noun_at(i)->name, strlen(noun_at(i)->name));
    fail(EX_USAGE, "there is no command %.64s%s; colloq --help lists them", word,
         nearest_text(&nearest, "", hint, sizeof(hint)));
}

// "list, show or cancel"
static void list_verbs(const char *noun, char *text, size_t size) {
    const struct command *command;
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; (command = command_at(i)) != NULL && used < size; i++)
        if (command->verb && strcmp(command->noun, noun) == 0)
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", command->verb);
}

void words_refuse_verb(const char *noun, const char *word) {
    char hint[96], verbs[256];
    struct nearest nearest;
    const struct command *command;
    list_verbs(noun, verbs, sizeof(verbs));
    if (!word)
        fail(EX_USAGE, "%s: say what to do with it: %s; colloq %s --help says more", noun, verbs,
             noun);
    nearest_init(&nearest, word);
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        if (command->verb && strcmp(command->noun, noun) == 0)
            nearest_try(&nearest, command->verb, strlen(command->verb));
    fail(EX_USAGE, "%s: there is no %.64s%s; there is %s, and colloq %s --help says more", noun,
         word, nearest_text(&nearest, "", hint, sizeof(hint)), verbs, noun);
}

static _Noreturn void misuse(const struct call *call, const char *what, const char *about,
                             const char *hint) {
    const struct command *command = call->command;
    const char *verb = command->verb ? command->verb : "";
    fail(EX_USAGE, "%s%.100s%s\nUsage: colloq %s%s%s%s%s [options]; colloq %s%s%s --help says more",
         what, about, hint, command->noun, *verb ? " " : "", verb, *command->operands ? " " : "",
         command->operands, command->noun, *verb ? " " : "", verb);
}

static _Noreturn void refuse_option(const struct call *call, const char *argument) {
    char name[NEAREST_WORD_MAX + 2], hint[96];
    struct nearest nearest;
    struct conf_about about;
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    nearest_init(&nearest, name);
    for (const struct option *o = call->command->options; o->name; o++)
        nearest_try(&nearest, o->name, strlen(o->name));
    for (const struct option *o = common_options; o->name; o++)
        nearest_try(&nearest, o->name, strlen(o->name));
    for (size_t i = 0; conf_about("client", i, &about); i++)
        if (about.is_read)
            nearest_try(&nearest, about.flag, strlen(about.flag));
    misuse(call, "there is no option ", argument, nearest_text(&nearest, "--", hint, sizeof(hint)));
}

static void check_choice(const struct call *call, const struct option *option, const char *value) {
    char text[512], hint[96];
    struct nearest nearest;
    const char *list = option->choices, *word;
    size_t size, used = 0;
    if (word_is_in(option->choices, value))
        return;
    nearest_init(&nearest, value);
    while (word_next(&list, &word, &size) && used < sizeof(text)) {
        bool is_last = *list == 0;
        nearest_try(&nearest, word, size);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s",
                                 used == 0 ? ""
                                 : is_last ? " or "
                                           : ", ",
                                 (int)size, word);
    }
    char what[700];
    (void)snprintf(what, sizeof(what), "--%s is %s, not ", option->name, text);
    misuse(call, what, *value ? value : "nothing", nearest_text(&nearest, "", hint, sizeof(hint)));
}

static void check_count(const struct call *call, const struct option *option, const char *value) {
    char *end = NULL;
    unsigned long long number = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || number > INT64_MAX)
        misuse(call, "a whole number is needed: --", option->name, "");
}

// ---- operands and options -----------------------------------------------------------------------

static const struct option *option_in(const struct option *list, const char *name, size_t size) {
    for (const struct option *o = list; o && o->name; o++)
        if (strlen(o->name) == size && memcmp(o->name, name, size) == 0)
            return o;
    return NULL;
}

static const struct option *option_named(const struct call *call, const char *name, size_t size) {
    const struct option *option = option_in(call->command->options, name, size);
    return option ? option : option_in(call->command->own, name, size);
}

// Takes the option at argv[*at], and its value.
static void take_option(struct call *call, int argc, char **argv, int *at) {
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *option = option_named(call, name, size);
    if (!option)
        refuse_option(call, argv[*at]);
    const char *value = equals ? equals + 1 : NULL;
    if (option->type == OPTION_flag && value)
        misuse(call, "this option takes no value: --", option->name, "");
    if (option->type != OPTION_flag && !value && *at + 1 < argc)
        value = argv[++*at];
    if (option->type != OPTION_flag && !value)
        misuse(call, "a value is missing: --", option->name, "");
    if (value && option->type == OPTION_count)
        check_count(call, option, value);
    if (value && option->choices)
        check_choice(call, option, value);
    if (!option->may_repeat && call_has(call, option->name))
        misuse(call, "this option stands twice: --", option->name, "");
    if (call->value_count == VALUES_MAX)
        misuse(call, "too many options", "", "");
    call->values[call->value_count].option = option;
    call->values[call->value_count++].value = value;
}

void call_read(struct call *call, int argc, char **argv) {
    static const char *operands[WORDS_MAX];
    bool is_over = false;
    call->operands = operands;
    for (int i = 0; i < argc; i++) {
        if (!is_over && strcmp(argv[i], "--") == 0) {
            is_over = true;
        } else if (!is_over && strncmp(argv[i], "--", 2) == 0) {
            take_option(call, argc, argv, &i);
        } else {
            if (call->operand_count == call->command->operands_max)
                misuse(call, "there is an operand too many: ", argv[i], "");
            // An empty one is a variable that was not set, and must not mean everything.
            if (*argv[i] == 0)
                misuse(call, "an operand is empty: ", call->command->operands, "");
            operands[call->operand_count++] = argv[i];
        }
    }
    if (call->operand_count < call->command->operands_min)
        misuse(call, "an operand is missing: ", call->command->operands, "");
}

// ---- the whole line -----------------------------------------------------------------------------

bool words_have(int argc, char **argv, const char *word) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

void words_name(int argc, char **argv, const struct noun **noun, const struct command **command) {
    *noun = NULL;
    *command = NULL;
    if (argc > 1 && argv[1][0] != '-' && !noun_named(argv[1]))
        words_refuse_noun(argv[1]);
    for (int i = 1; i < argc && !*noun; i++) {
        *noun = noun_named(argv[i]);
        if (!*noun)
            continue;
        *command = command_named((*noun)->name, i + 1 < argc ? argv[i + 1] : NULL);
        bool has_word = i + 1 < argc && argv[i + 1][0] != '-';
        if (!*command && has_word)
            words_refuse_verb((*noun)->name, argv[i + 1]);
    }
}

// The command of the words; *used is how many of them name it.
static const struct command *find_command(int argc, char **argv, int *used) {
    const char *verb = argc > 2 ? argv[2] : NULL;
    if (!noun_named(argv[1]))
        words_refuse_noun(argv[1]);
    const struct command *command = command_named(argv[1], verb);
    if (!command)
        words_refuse_verb(argv[1], verb);
    *used = command->verb ? 2 : 1;
    return command;
}

// Takes --no-color out, which is neither a setting nor an option of one command.
static int take_color(int argc, char **argv) {
    int kept = 0;
    bool is_over = false;
    for (int i = 0; i < argc; i++) {
        is_over = is_over || strcmp(argv[i], "--") == 0;
        if (is_over || strcmp(argv[i], "--no-color") != 0)
            argv[kept++] = argv[i];
        else
            out_without_color();
    }
    argv[kept] = NULL;
    return kept;
}

void words_read(struct call *call, struct conf *conf, int argc, char **argv) {
    static char *words[WORDS_MAX];
    int used = 0;
    if (argc >= WORDS_MAX)
        fail(EX_USAGE, "there are more than %d words: too many", WORDS_MAX - 1);
    memcpy(words, argv, (size_t)argc * sizeof(words[0]));
    int count = conf_take(conf, "client", take_color(argc, words), words);
    if (count < 2)
        fail(EX_USAGE, "say what to do; colloq --help lists it");
    *call = (struct call){.conf = conf, .argv = argv, .argc = argc};
    call->command = find_command(count, words, &used);
    call_read(call, count - 1 - used, words + 1 + used);
}
