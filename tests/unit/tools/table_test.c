// The table of commands, and that whatever is written from it says the same.
#include "tests/unit/tools/caught.h"
#include "tools/call.h"
#include "tools/help.h"
#include "tools/nearest.h"
#include "tools/render.h"
#include "tools/words.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 1 << 20 };

// ---- what others say ----------------------------------------------------------------------------

// Runs a command line's reading in a process of its own; its exit code, and what it said.
static int read_line(char **argv, int argc, char *said, size_t size) {
    int fds[2], status = 0;
    ck_assert_int_eq(pipe(fds), 0);
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        static struct conf conf;
        static struct call call;
        (void)dup2(fds[1], STDERR_FILENO);
        words_read(&call, &conf, argc, argv);
        _exit(0);
    }
    (void)close(fds[1]);
    size_t used = 0;
    for (ssize_t got; used + 1 < size && (got = read(fds[0], said + used, size - used - 1)) > 0;)
        used += (size_t)got;
    said[used] = 0;
    (void)close(fds[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

// Splits a line as a shell would: blanks, single quotes; redirections are no words.
static int split(char *line, char **words, int max) {
    int count = 0;
    char *to = line;
    for (char *at = line; *at;) {
        at += strspn(at, " ");
        if (!*at)
            break;
        bool is_redirection = *at == '<' || *at == '>', is_quoted = false;
        char *begin = to;
        for (; *at && (is_quoted || *at != ' '); at++)
            if (*at == '\'')
                is_quoted = !is_quoted;
            else
                *to++ = *at;
        at += *at == ' ';
        *to++ = 0;
        ck_assert_int_lt(count, max - 1);
        if (!is_redirection)
            words[count++] = begin;
    }
    words[count] = NULL;
    return count;
}

static int read_text(const char *text, char *said, size_t size) {
    char *words[64], line[1024];
    (void)snprintf(line, sizeof(line), "%s ", text);
    int count = split(line, words, 64);
    return read_line(words, count, said, size);
}

static const char *text_of_help(const struct noun *noun, const struct command *command) {
    catch_output();
    help_about(noun, command);
    return caught();
}

// The part of a text from one mark to the next of another; fails where the first is missing.
static const char *part_of(const char *text, const char *from, const char *to) {
    static char part[TEXT_BYTES_MAX];
    const char *begin = strstr(text, from);
    ck_assert_msg(begin != NULL, "there is no %s", from);
    const char *end = strstr(begin + strlen(from), to);
    (void)snprintf(part, sizeof(part), "%.*s", (int)(end ? end - begin : (long)strlen(begin)),
                   begin);
    return part;
}

static void key_of(const struct command *command, char *key, size_t size) {
    (void)snprintf(key, size, "%s%s%s", command->noun, command->verb ? " " : "",
                   command->verb ? command->verb : "");
}

// ---- the table ----------------------------------------------------------------------------------

// An example is copied before anything else is read: one that is refused teaches distrust.
START_TEST(every_example_is_a_command_that_is_understood) {
    char said[4096], begin[128];
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        ck_assert_msg(command->examples[0].line != NULL, "%s has no example", command->noun);
        key_of(command, begin + 7, sizeof(begin) - 7);
        memcpy(begin, "colloq ", 7);
        for (int k = 0; k < EXAMPLES_MAX && command->examples[k].line; k++) {
            const char *line = command->examples[k].line;
            ck_assert_msg(strncmp(line, begin, strlen(begin)) == 0, "%s: not of %s", line, begin);
            int code = read_text(line, said, sizeof(said));
            ck_assert_msg(code == 0, "%s: %d, %s", line, code, said);
        }
    }
}
END_TEST

// A command without a word about it can only be tried.
START_TEST(every_noun_and_command_says_what_it_does) {
    const struct command *command;
    for (size_t i = 0; noun_at(i); i++) {
        ck_assert_uint_gt(strlen(noun_at(i)->summary), 0);
        bool is_used = false;
        for (size_t k = 0; (command = command_at(k)) != NULL; k++)
            is_used = is_used || strcmp(command->noun, noun_at(i)->name) == 0;
        ck_assert_msg(is_used, "%s has no command", noun_at(i)->name);
    }
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        ck_assert(command->run != NULL);
        ck_assert_ptr_eq(command_named(command->noun, command->verb), command);
        size_t size = strlen(command->description);
        ck_assert_msg(size > 20 && command->description[size - 1] == '.', "%s", command->noun);
    }
}
END_TEST

// The help of one command must be that of this command, and whole.
START_TEST(the_help_of_a_command_has_all_its_options_and_no_other_command) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        char words[128], usage[160];
        const char *text = text_of_help(noun_named(command->noun), command);
        key_of(command, words, sizeof(words));
        (void)snprintf(usage, sizeof(usage), "Usage: colloq %s", words);
        ck_assert_msg(strstr(text, usage) == text, "%s", text);
        ck_assert_ptr_null(strstr(text + 1, "Usage: "));
        for (const struct option *o = command->options; o->name; o++) {
            (void)snprintf(words, sizeof(words), "\n  --%s", o->name);
            ck_assert_msg(strstr(text, words) != NULL, "%s: no --%s", usage, o->name);
            const char *list = o->choices, *word;
            for (size_t size; word_next(&list, &word, &size);) {
                (void)snprintf(words, sizeof(words), "%.*s", (int)size, word);
                ck_assert_ptr_nonnull(strstr(text, words));
            }
        }
        for (char *line = strtok((char *)text, "\n"); line; line = strtok(NULL, "\n"))
            ck_assert_msg(text_columns(line) <= LINE_COLUMNS, "%s", line);
    }
    const char *all = text_of_help(NULL, NULL);
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        char words[128];
        key_of(command, words, sizeof(words));
        ck_assert_ptr_nonnull(strstr(all, words));
        ck_assert_ptr_nonnull(strstr(all, command->summary));
    }
}
END_TEST

// Who reads the man page must find what the program takes.
START_TEST(the_man_page_has_every_command_and_option) {
    static const char *const sections[] = {"NAME",     "SYNOPSIS",    "DESCRIPTION", "COMMANDS",
                                           "OPTIONS",  "EXIT STATUS", "ENVIRONMENT", "FILES",
                                           "EXAMPLES", "SEE ALSO"};
    const struct command *command;
    struct buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    help_man(&text);
    const char *page = buf_cstr(&text);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        char line[64];
        (void)snprintf(line, sizeof(line), "\n.SH %s\n", sections[i]);
        ck_assert_msg(strstr(page, line) != NULL, "no section %s", sections[i]);
    }
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        char words[160], title[200];
        key_of(command, words, sizeof(words));
        (void)snprintf(title, sizeof(title), ".SS \"%s\"\n", words);
        const char *part = part_of(page, title, "\n.S");
        for (const struct option *o = command->options; o->name; o++) {
            size_t used = (size_t)snprintf(words, sizeof(words), ".B \\-\\-");
            for (const char *c = o->name; *c; c++)
                used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%c",
                                         *c == '-' ? "\\" : "", *c);
            ck_assert_msg(strstr(part, words) != NULL, "%s has no %s", title, words);
        }
    }
    buf_release(&text);
}
END_TEST

static const char *script_of(const char *shell) {
    static struct buf text;
    buf_release(&text);
    buf_init(&text, TEXT_BYTES_MAX);
    help_complete(&text, shell);
    return buf_cstr(&text);
}

// An option that no shell completes is one that nobody finds.
START_TEST(every_shell_completes_every_command_and_option) {
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (int i = 0; i < 3; i++) {
        const char *script = script_of(shells[i]);
        const struct command *command;
        bool is_fish = i == 2;
        for (size_t k = 0; noun_at(k); k++)
            ck_assert_ptr_nonnull(strstr(script, noun_at(k)->name));
        for (size_t k = 0; (command = command_at(k)) != NULL; k++) {
            char key[128], mark[160];
            key_of(command, key, sizeof(key));
            for (const struct option *o = command->options; o->name; o++) {
                if (is_fish)
                    (void)snprintf(mark, sizeof(mark), "-n '__colloq_in %s' -l %s ", key, o->name);
                else
                    (void)snprintf(mark, sizeof(mark), "'%s')", key);
                if (is_fish)
                    ck_assert_msg(strstr(script, mark) != NULL, "fish: %s", mark);
                else
                    ck_assert_msg(strstr(part_of(script, mark, ";;"), o->name) != NULL,
                                  "%s: %s --%s", shells[i], key, o->name);
                if (o->choices)
                    ck_assert_ptr_nonnull(strstr(script, o->choices));
            }
        }
    }
}
END_TEST

// ---- what is refused ----------------------------------------------------------------------------

// A word that was mistyped is mended at once by who is told which it is.
START_TEST(what_was_probably_meant_is_said) {
    static const struct {
        const char *line, *says;
    } lines[] = {
        {"colloq bacth run f", "did you mean batch?"},
        {"colloq batch rnu f", "did you mean run?"},
        {"colloq batch run f --tga a=b", "did you mean --tag?"},
        {"colloq batch list --jsno", "did you mean --json?"},
        {"colloq batch list --dta x", "did you mean --data?"},
        {"colloq cost --by modle", "did you mean model?"},
        {"colloq cost --by modle", "none, batch, provider, model, day, tag, conversation or"},
        {"colloq batch run f --billed", "a value is missing: --billed"},
        {"colloq batch run f --billed ''", "--billed is retry, park or fail, not nothing"},
        {"colloq batch list --limit x", "a whole number is needed: --limit"},
        {"colloq batch list --json --json", "stands twice"},
        {"colloq batch list x", "an operand too many: x"},
        {"colloq batch show", "an operand is missing: BATCH"},
        {"colloq batch", "run, submit, watch, list"},
        {"colloq frobnicate", "there is no command frobnicate; colloq --help lists them"},
        {"colloq cost --json=yes", "takes no value: --json"},
    };
    char said[4096];
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_msg(read_text(lines[i].line, said, sizeof(said)) == EX_USAGE, "%s: %s",
                      lines[i].line, said);
        ck_assert_msg(strstr(said, lines[i].says) != NULL, "%s: %s", lines[i].line, said);
    }
    ck_assert_int_eq(read_text("colloq cost --by=model --no-color", said, sizeof(said)), 0);
}
END_TEST

START_TEST(words_are_near_by_two_letters_at_most) {
    static const struct {
        const char *a, *b;
        size_t distance;
    } pairs[] = {{"batch", "batch", 0}, {"bacth", "batch", 1}, {"", "ab", 2},
                 {"jsno", "json", 1},   {"lane", "lost", 3},   {"kitten", "sitting", 3}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        ck_assert_uint_eq(
            edit_distance(pairs[i].a, strlen(pairs[i].a), pairs[i].b, strlen(pairs[i].b)),
            pairs[i].distance);
    struct nearest nearest;
    char text[64];
    nearest_init(&nearest, "xy");
    nearest_try(&nearest, "ab", 2); // two of two letters: nothing in common
    ck_assert_str_eq(nearest_text(&nearest, "", text, sizeof(text)), "");
}
END_TEST

// ---- schemas ------------------------------------------------------------------------------------

static bool has_option(const struct command *command, const char *name) {
    for (const struct option *o = command->options; o->name; o++)
        if (strcmp(o->name, name) == 0)
            return true;
    return false;
}

static void file_of(const char *name, size_t size, char *path, size_t path_size) {
    (void)snprintf(path, path_size, "%.*s.json", (int)size, name);
    char *slash = strchr(path, '/');
    ck_assert_ptr_nonnull(slash);
    *slash = '.';
}

static bool is_named(const char *file) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        const char *list = command->schemas, *word;
        for (size_t size; word_next(&list, &word, &size);) {
            char path[128];
            file_of(word, size, path, sizeof(path));
            if (strcmp(path, file) == 0)
                return true;
        }
    }
    return false;
}

// A program that reads answers needs their schema; a schema that nothing follows is a lie.
START_TEST(every_json_answer_has_a_schema_and_every_schema_a_command) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        const char *list = command->schemas, *word;
        ck_assert_msg(has_option(command, "json") == (*list != 0), "%s %s", command->noun,
                      command->verb ? command->verb : "");
        for (size_t size; word_next(&list, &word, &size);) {
            char file[128], path[512];
            file_of(word, size, file, sizeof(file));
            (void)snprintf(path, sizeof(path), "%s/%s", SCHEMAS, file);
            ck_assert_msg(access(path, R_OK) == 0, "there is no %s", path);
        }
    }
    DIR *folder = opendir(SCHEMAS);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "common.json") != 0)
            ck_assert_msg(is_named(entry->d_name), "no command has the schema %s", entry->d_name);
    (void)closedir(folder);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("table");
    TCase *tests = tcase_create("table");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_example_is_a_command_that_is_understood);
    tcase_add_test(tests, every_noun_and_command_says_what_it_does);
    tcase_add_test(tests, the_help_of_a_command_has_all_its_options_and_no_other_command);
    tcase_add_test(tests, the_man_page_has_every_command_and_option);
    tcase_add_test(tests, every_shell_completes_every_command_and_option);
    tcase_add_test(tests, what_was_probably_meant_is_said);
    tcase_add_test(tests, words_are_near_by_two_letters_at_most);
    tcase_add_test(tests, every_json_answer_has_a_schema_and_every_schema_a_command);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
