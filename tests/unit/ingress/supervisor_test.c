// Programs that die are started again, but never for ever in vain.
#include "common/mem.h"
#include "tools/supervisor.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static struct supervisor supervisor;

// As in colloq itself, stop signals wait until somebody looks for them.
static void set_up(void) {
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &stops, NULL), 0);
}

static struct program *add_shell(const char *script) {
    struct program *program =
        supervisor_add(&supervisor, "shell", mem_copy("/bin/sh", strlen("/bin/sh")));
    program->environment = environ;
    program->log = mem_copy("/dev/null", strlen("/dev/null"));
    program_argument(program, "-c");
    program_argument(program, script);
    return program;
}

static void tear_down(void) {
    supervisor_kill(&supervisor);
    for (int i = 0; i < supervisor.count; i++) {
        mem_free(supervisor.programs[i].log);
        for (char **word = supervisor.programs[i].arguments; *word; word++)
            mem_free(*word);
    }
}

// Steps at a standing clock until the program's process has ended and was noticed.
static void step_until_over(const struct program *program, uint64_t now_ms) {
    supervisor_step(&supervisor, now_ms);
    ck_assert_int_gt(program->pid, 0);
    while (program->pid > 0 && supervisor.exit == 0) {
        siginfo_t info;
        // Waits for the end without taking it away from the supervisor.
        ck_assert_int_eq(waitid(P_PID, (id_t)program->pid, &info, WEXITED | WNOWAIT), 0);
        supervisor_step(&supervisor, now_ms);
    }
}

// A broker that dies at night must be back before anybody wakes up.
START_TEST(a_program_that_dies_is_started_again_later_and_later) {
    static const uint64_t pauses[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct program *program = add_shell("exit 1");
    uint64_t now = 1000;
    for (unsigned i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        step_until_over(program, now);
        ck_assert_uint_eq(program->restarts, i + 1);
        ck_assert_uint_eq(program->restart_ms, now + pauses[i]);
        supervisor_step(&supervisor, now + pauses[i] - 1);
        ck_assert_int_eq(program->pid, 0);
        now += pauses[i];
    }
    ck_assert_int_eq(supervisor.exit, 0);
}
END_TEST

// One that lived long died of something new: it is worth a quick restart again.
START_TEST(a_long_life_makes_the_next_restart_quick) {
    struct program *program = add_shell("kill -SEGV $$");
    step_until_over(program, 1000);
    step_until_over(program, 2000);
    ck_assert_uint_eq(program->backoff_ms, 400);
    supervisor_step(&supervisor, 3000);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)program->pid, &info, WEXITED | WNOWAIT), 0);
    supervisor_step(&supervisor, 3000 + BACKOFF_RESET_MS);
    ck_assert_uint_eq(program->restart_ms, 3000 + BACKOFF_RESET_MS + BACKOFF_FIRST_MS);
}
END_TEST

// Who kills a process, or runs out of memory, does not want to wait the longer each time.
START_TEST(what_was_killed_is_back_at_once_each_time) {
    struct program *program = add_shell("kill -9 $$");
    for (unsigned i = 0; i < 20; i++) {
        uint64_t now = 1000 + i * BACKOFF_FIRST_MS;
        step_until_over(program, now);
        ck_assert_uint_eq(program->restarts, i + 1);
        ck_assert_uint_eq(program->restart_ms, now + BACKOFF_FIRST_MS);
    }
    ck_assert_int_eq(supervisor.exit, 0);
}
END_TEST

static const int hopeless[] = {EX_CONFIG, EX_USAGE, EX_DATAERR};

// Restarting cannot mend a configuration; the user must hear of it instead.
START_TEST(what_no_restart_can_mend_ends_the_whole) {
    char script[32];
    (void)snprintf(script, sizeof(script), "exit %d", hopeless[_i]);
    struct program *program = add_shell(script);
    step_until_over(program, 1000);
    ck_assert_int_eq(supervisor.exit, hopeless[_i]);
    supervisor_step(&supervisor, 100000);
    ck_assert_int_eq(program->pid, 0);
}
END_TEST

// Nothing may be left running when dev ends.
START_TEST(a_stopped_program_ends_and_stays_ended) {
    struct program *program = add_shell("exec cat /dev/zero");
    supervisor_step(&supervisor, 1000);
    pid_t pid = program->pid;
    ck_assert_int_gt(pid, 0);
    ck_assert(!program_is_over(program));
    program_stop(program);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert(program_is_over(program));
    ck_assert_int_eq(kill(pid, 0), -1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("supervisor");
    TCase *all = tcase_create("supervisor");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 30);
    tcase_add_test(all, a_program_that_dies_is_started_again_later_and_later);
    tcase_add_test(all, a_long_life_makes_the_next_restart_quick);
    tcase_add_test(all, what_was_killed_is_back_at_once_each_time);
    tcase_add_loop_test(all, what_no_restart_can_mend_ends_the_whole, 0, 3);
    tcase_add_test(all, a_stopped_program_ends_and_stays_ended);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
