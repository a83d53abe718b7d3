// What the client says: the last line, tables, amounts, and results cut out of a page.
#include "common/json.h"
#include "common/mem.h"
#include "tests/unit/tools/caught.h"
#include "tools/call.h"
#include "tools/render.h"
#include "tools/submission.h"
#include "tools/watch.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static json_t *parse(const char *text) {
    json_t *value = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(value);
    return value;
}

static struct sink no_sink; // nothing comes

// The last line is what goes into the report: it must count truthfully, and leave nothing out.
START_TEST(the_last_line_counts_everything_that_happened) {
    char text[512];
    json_t *shown = parse("{\"accepted\":20000,\"refused\":0,\"done\":19950,\"cut\":14,"
                          "\"failed\":48,\"parked\":2,\"calls\":20431,"
                          "\"possibly_billed_calls\":3,\"possibly_billed_pusd\":40000000000,"
                          "\"possibly_billed_unpriced\":0,\"amount_pusd\":31870000000000,"
                          "\"unpriced_calls\":0}");
    ck_assert_str_eq(watch_last_line(shown, text, sizeof(text)),
                     "20,000 lines: 19,950 done (14 cut at the length limit), 48 failed, 2 parked; "
                     "20,431 calls; $31.87 + 3 unknown (at most $0.04)");
    ck_assert(!watch_is_all_done(shown));
    json_decref(shown);
    shown = parse("{\"accepted\":1,\"refused\":2,\"done\":1,\"calls\":1,\"amount_pusd\":null,"
                  "\"possibly_billed_calls\":1,\"possibly_billed_pusd\":null,"
                  "\"possibly_billed_unpriced\":1,\"unpriced_calls\":1}");
    ck_assert_str_eq(watch_last_line(shown, text, sizeof(text)),
                     "3 lines: 1 done, 2 refused; 1 call; 1 unpriced + 1 unknown (at most: not "
                     "known)");
    ck_assert(!watch_is_all_done(shown));
    json_decref(shown);
    shown = parse("{\"accepted\":5,\"done\":5,\"calls\":5,\"amount_pusd\":0}");
    ck_assert(watch_is_all_done(shown));
    json_decref(shown);
    // The ledger knows of 20 lines when the broker has taken in 500.
    shown = parse("{\"accepted\":20,\"refused\":1,\"done\":20,\"calls\":0,\"amount_pusd\":null,"
                  "\"live\":{\"jobs\":500,\"counts\":{\"refused\":3}}}");
    ck_assert_str_eq(watch_last_line(shown, text, sizeof(text)),
                     "503 lines: 20 done, 3 refused, 480 still to end; 0 calls; $0");
    json_decref(shown);
}
END_TEST

// Results are piped into other programs: each must be a line of its own, byte for byte.
START_TEST(a_page_of_results_becomes_json_lines) {
    static const char page[] = "{\"lines\": [\n{\"a\": 1},\n{\"b\":\"x, y\"}\n], \"next\": \"c9\"}";
    char *cursor = NULL;
    bool has_more = false;
    struct sink sink;
    catch_output();
    sink_open(&sink, NULL, NULL);
    ck_assert(results_print(bytes_text(page), &sink, &cursor, &has_more));
    ck_assert_str_eq(caught(), "{\"a\": 1}\n{\"b\":\"x, y\"}\n");
    ck_assert_uint_eq(sink.lines, 2);
    ck_assert(has_more);
    ck_assert_str_eq(cursor, "c9");
    mem_free(cursor);
}
END_TEST

// The last page names where to go on later; an empty one prints nothing.
START_TEST(the_last_page_of_results_keeps_its_cursor) {
    static const char *const pages[] = {"{\"lines\":[\n],\"next\":null,\"last\":\"c5\"}",
                                        "{\"lines\":[],\"next\":null,\"last\":\"c5\"}\n"};
    for (int i = 0; i < 2; i++) {
        char *cursor = NULL;
        bool has_more = true;
        struct sink sink;
        sink_open(&sink, NULL, NULL);
        ck_assert(results_print(bytes_text(pages[i]), &sink, &cursor, &has_more));
        ck_assert_uint_eq(sink.lines, 0);
        ck_assert(!has_more);
        ck_assert_str_eq(cursor, "c5");
        mem_free(cursor);
    }
    char *cursor;
    bool has_more;
    struct sink sink;
    sink_open(&sink, NULL, NULL);
    ck_assert(!results_print(bytes_text("no answer"), &sink, &cursor, &has_more));
}
END_TEST

// Whoever reads the narrow line must learn what is waited for, whatever else has to go.
START_TEST(a_narrow_progress_line_keeps_what_is_waited_for) {
    char text[PROGRESS_TEXT_SIZE];
    struct progress_parts parts = {.task = "submitting 40%",
                                   .counts = "3 of 20,000+ lines",
                                   .rate = "12/s",
                                   .rest = "ETA 28 min",
                                   .cost = "$0.01",
                                   .wait = "no worker has a key for openai"};
    progress_join(&parts, 0, text, sizeof(text));
    ck_assert_str_eq(text, "submitting 40%  3 of 20,000+ lines  12/s  ETA 28 min  $0.01  "
                           "waits: no worker has a key for openai");
    progress_join(&parts, 80, text, sizeof(text));
    ck_assert_str_eq(text, "submitting 40%  3 of 20,000+ lines  $0.01  waits: no worker has a key "
                           "for openai");
    progress_join(&parts, 60, text, sizeof(text));
    ck_assert_str_eq(text, "3 of 20,000+ lines  waits: no worker has a key for openai");
    progress_join(&parts, 20, text, sizeof(text));
    ck_assert_str_eq(text, "waits: no worker has a key for openai");
    parts = (struct progress_parts){"", "1 of 2 lines", "", "", "", "waits to try again: in 3 s"};
    progress_join(&parts, 80, text, sizeof(text));
    ck_assert_str_eq(text, "1 of 2 lines  waits to try again: in 3 s");
}
END_TEST

// The submission's view of a message of ingress with one refused line after another.
static void take_refused(struct submission *submission, unsigned lines, const char *reason,
                         const char *wait) {
    struct buf header;
    struct wire_writer writer;
    struct message message;
    memset(&message, 0, sizeof(message));
    struct progress_head head = {.request = submission->submit.request,
                                 .credit_offset = 1,
                                 .lines = 100,
                                 .batch_id = {{7}},
                                 .reason = bytes_text(wait)};
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_progress, &head, lines);
    for (unsigned i = 1; i <= lines; i++) {
        struct progress_item item = {.line = i,
                                     .custom_id = bytes_text("id\x1b"),
                                     .reason = bytes_text(reason),
                                     .detail = bytes_text("why")};
        wire_item(&writer, &item);
    }
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    ck_assert_int_eq(wire_open(buf_bytes(&header), &message.wire), ERR_OK);
    ck_assert(submission_take(submission, &message, 5000));
    buf_release(&header);
}

static const char *say_refused(struct sink *sink, bool is_json) {
    static struct client client;
    struct submission submission;
    struct submit_head submit = {.key = bytes_text("key")};
    struct progress progress = {.is_json = is_json};
    client = (struct client){.requests = 0};
    catch_fd(STDERR_FILENO);
    submission_start(&submission, &client, &progress, sink, &submit, -1, 1000, 0);
    take_refused(&submission, 30, "no_model", "");
    submission_report(&submission, " --data /x");
    return caught();
}

// A bad line that is only counted is a line that nobody can mend; ten thousand of them in full bury
// everything else.
START_TEST(refused_lines_are_reported_and_the_many_are_counted_and_kept) {
    static const char path[] = "refused-lines.test";
    struct sink sink;
    char line[128];
    sink_open(&sink, NULL, path);
    const char *said = say_refused(&sink, false);
    for (int k = 1; k <= 20; k++) {
        (void)snprintf(line, sizeof(line), "line %d: no_model: why (custom_id id )\n", k);
        ck_assert_ptr_nonnull(strstr(said, line));
    }
    ck_assert_ptr_null(strstr(said, "line 21: "));
    ck_assert_ptr_nonnull(strstr(said, "10 more lines refused: no_model"));
    ck_assert_ptr_nonnull(strstr(said, "colloq batch show 07000000-0000-0000-0000-000000000000 "
                                       "--refused --data /x"));
    ck_assert_uint_eq(sink.refused, 30);
    sink_close(&sink);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    char last[256] = "";
    while (fgets(last, sizeof(last), file))
        ck_assert(json_is_complete(bytes_of(last, strlen(last) - 1)));
    (void)fclose(file);
    (void)unlink(path);
    ck_assert_str_eq(last, "{\"id\":null,\"custom_id\":\"id\\u001b\",\"response\":null,\"error\":"
                           "{\"code\":\"no_model\",\"message\":\"why\"},\"colloq\":{\"line\":30,"
                           "\"outcome\":\"refused\"}}\n");
    said = say_refused(&no_sink, true);
    ck_assert_ptr_nonnull(strstr(said, "\"line\":20,\"custom_id\":\"id\\u001B\",\"reason\":"
                                       "\"no_model\",\"detail\":\"why\"}"));
}
END_TEST

// "100 %" of a file that nobody has stored yet would let people end the client too early.
START_TEST(what_is_not_stored_is_not_submitted) {
    static struct client client;
    struct submission submission;
    struct progress progress = {.is_json = true};
    struct submit_head submit = {.key = bytes_text("key")};
    uint64_t credit = (uint64_t)STREAM_BLOCK_BYTES_MAX * STREAM_BLOCKS_CREDIT;
    submission_start(&submission, &client, &progress, &no_sink, &submit, -1, 1000, 0);
    submission.offset = 1000; // sent, and lying in ingress
    ck_assert_int_eq(submission_percent(&submission), 0);
    submission.credit = credit + 1000; // read
    submission.lines = 10;
    submission.accepted_through = 5;
    ck_assert_int_eq(submission_percent(&submission), 50);
    submission.accepted_through = 10;
    ck_assert_int_eq(submission_percent(&submission), 99);
    submission.is_done = true;
    ck_assert_int_eq(submission_percent(&submission), 100);
}
END_TEST

// An ingress that says that it waits is no silent one: the client waits with it.
// An ingress as a client sees it: a socket that hears a message of any kind and says who sent it.
static struct route hear_from(struct sock *ingress) {
    static struct message heard;
    struct sock *socks[] = {ingress};
    enum err e;
    while ((e = sock_receive(ingress, &heard)) == ERR_AGAIN)
        sock_wait(socks, 1, NULL, 0, 100);
    ck_assert_int_eq(e, ERR_OK);
    struct route route = heard.route;
    message_release(&heard);
    return route;
}

// A way that was cut in the middle, or an ingress that stood still, leaves a connection behind that
// looks as if it stood: only another one is heard.
START_TEST(a_client_that_hears_nothing_connects_anew) {
    static struct client client;
    struct sock ingress = {0};
    char folder[] = "/tmp/colloq-client-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "ipc://%s/s", folder);
    ck_assert_int_eq(sock_bind(&ingress, path), ERR_OK);
    client = (struct client){.endpoint = path, .stop_fd = -1, .heard_ms = 10000, .said_ms = 1};
    ck_assert_int_eq(sock_connect(&client.sock, path), ERR_OK);
    while (client.said_ms == 1) // the connection takes a moment to stand
        client_tick(&client, 10000 + HEARTBEAT_MS);
    struct route first = hear_from(&ingress);
    client.said_ms = 1;
    client_tick(&client, 10000 + CLIENT_SILENT_MS - 1);
    struct route same = hear_from(&ingress);
    ck_assert_int_eq(memcmp(first.at, same.at, first.size), 0);
    client.said_ms = 1;
    while (client.said_ms == 1)
        client_tick(&client, 10000 + CLIENT_SILENT_MS);
    struct route next = hear_from(&ingress);
    ck_assert_int_ne(memcmp(first.at, next.at, first.size), 0);
    ck_assert_uint_eq(client.heard_ms, 10000 + CLIENT_SILENT_MS); // it is given its time again
    client_close(&client);
    sock_close(&ingress, 0);
    sock_context_close();
    (void)unlink(path + strlen("ipc://"));
    (void)snprintf(path, sizeof(path), "%s/s.lock", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}
END_TEST

// What an ingress was told dies with it: a client that waits for its silence to be long enough
// leaves a batch standing still for as long.
START_TEST(what_another_ingress_was_told_is_said_again_at_once) {
    static struct client client;
    struct submission submission;
    struct watch watch;
    struct progress progress = {.is_json = true};
    struct submit_head submit = {.key = bytes_text("key")};
    client = (struct client){.boot = 7, .stop_fd = -1};
    ck_assert_int_eq(sock_connect(&client.sock, "ipc:///tmp/colloq-nobody"), ERR_OK);
    submission_start(&submission, &client, &progress, &no_sink, &submit, -1, 1000, 1000);
    submission.is_sent = true;
    submission_step(&submission, 1001);
    ck_assert(submission.is_sent);
    uint64_t request = submission.submit.request;
    watch_start(&watch, &client, "b", &no_sink, 1000);
    watch.show = watch.results = (struct watch_question){9, 1000, 7, 0};
    watch_step(&watch, false, 1001);
    ck_assert_uint_eq(watch.show.number, 9);
    client.boot = 8;
    submission_step(&submission, 1002);
    ck_assert_uint_ne(submission.submit.request, request);
    watch_step(&watch, false, 1002);
    ck_assert_uint_ne(watch.show.number, 9);
    ck_assert_uint_ne(watch.results.number, 9);
    ck_assert(!watch.is_silent);
    watch_end(&watch);
    client_close(&client);
    sock_context_close();
}
END_TEST

static void answer(struct watch *watch, uint64_t number, int code, uint64_t now_ms) {
    const struct answer_head head = {
        .request = number, .exit = (uint64_t)code, .detail = bytes_text("the ledger is damaged")};
    struct message message;
    struct wire_writer writer;
    struct buf header;
    memset(&message, 0, sizeof(message));
    message.count = 1; // of the frames, which holds nothing
    ck_assert_int_eq(zmq_msg_init(&message.frames[1]), 0);
    buf_init(&header, HEADER_BYTES_MAX);
    wire_begin(&writer, &header, KIND_answer, &head, 0);
    ck_assert_int_eq(wire_end(&writer), ERR_OK);
    ck_assert_int_eq(wire_open(buf_bytes(&header), &message.wire), ERR_OK);
    ck_assert(watch_take(watch, &message, now_ms));
    buf_release(&header);
}

// A question that fails for good was put again at once and for ever: a processor kept busy, and a
// command that never ends.
START_TEST(a_question_that_fails_for_good_is_put_with_pauses_and_given_up) {
    static struct client client;
    struct watch watch;
    client = (struct client){.boot = 7, .stop_fd = -1};
    ck_assert_int_eq(sock_connect(&client.sock, "ipc:///tmp/colloq-nobody"), ERR_OK);
    watch_start(&watch, &client, "b", &no_sink, 1000);
    watch.is_settled = true;
    watch.pause_ms = WATCH_PAUSE_MS;
    watch.results = (struct watch_question){5, 1000, 7, 0};
    answer(&watch, 5, EX_IOERR, 1000);
    watch_step(&watch, false, 1000 + WATCH_PAUSE_MS - 1);
    ck_assert_uint_eq(watch.results.asked_ms, 1000);
    watch_step(&watch, false, 1000 + WATCH_PAUSE_MS);
    ck_assert_uint_eq(watch.results.asked_ms, 1000 + WATCH_PAUSE_MS);
    // One that passes begins the count again.
    static const struct {
        int code;
        uint64_t at_ms;
        bool is_over;
    } answers[] = {{EX_UNAVAILABLE, 1000 + WATCH_FAILED_MS, false},
                   {EX_IOERR, 2000 + WATCH_FAILED_MS, false},
                   {EX_NOINPUT, 1999 + 2 * WATCH_FAILED_MS, false},
                   {EX_IOERR, 2000 + 2 * WATCH_FAILED_MS, true}};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        watch.results.number = 6 + i;
        answer(&watch, 6 + i, answers[i].code, answers[i].at_ms);
        ck_assert_int_eq(watch.is_over, answers[i].is_over);
    }
    ck_assert_int_eq(watch.exit, EX_IOERR);
    ck_assert_str_eq(watch.detail, "the ledger is damaged");
    watch_end(&watch);
    client_close(&client);
    sock_context_close();
}
END_TEST

START_TEST(a_client_that_is_told_to_wait_does_not_give_up) {
    static struct client client;
    struct submission submission;
    struct progress progress = {.is_json = true};
    struct submit_head submit = {.key = bytes_text("key")};
    submission_start(&submission, &client, &progress, &no_sink, &submit, -1, 1000, 0);
    char text[256];
    take_refused(&submission, 0, "", "broker_away");
    ck_assert_str_eq(submission_wait_text(&submission, 5100, text, sizeof(text)),
                     "the broker does not answer");
    take_refused(&submission, 0, "", "");
    ck_assert_str_eq(submission_wait_text(&submission, 5100, text, sizeof(text)),
                     "what was read is being stored");
    ck_assert_str_eq(submission_wait_text(&submission, 9000, text, sizeof(text)),
                     "ingress does not answer");
    submission.again_ms = UINT64_MAX; // it has nothing to send
    submission_step(&submission, 5000 + SUBMISSION_GIVE_UP_MS);
    ck_assert_int_eq(submission.exit, 0);
    submission_step(&submission, 5001 + SUBMISSION_GIVE_UP_MS);
    ck_assert_int_eq(submission.exit, EX_UNAVAILABLE);
}
END_TEST

// A control byte of a name could write over the terminal.
START_TEST(texts_are_cut_at_characters_and_freed_of_control_bytes) {
    char out[64];
    text_fit("caf\u00e9s", 4, out, sizeof(out));
    ck_assert_str_eq(out, "caf\u2026");
    text_fit("caf\u00e9", 4, out, sizeof(out));
    ck_assert_str_eq(out, "caf\u00e9");
    text_fit("a\x1b[2Jb\n", 20, out, sizeof(out));
    ck_assert_str_eq(out, "a [2Jb ");
}
END_TEST

// Spans and sizes are read at a glance or not at all.
START_TEST(spans_and_sizes_are_rounded_for_people) {
    char text[SHORT_TEXT_SIZE];
    ck_assert_str_eq(span_text(850, text), "850 ms");
    ck_assert_str_eq(span_text(6400, text), "6 s");
    ck_assert_str_eq(span_text(12 * 60 * 1000, text), "12 min");
    ck_assert_str_eq(span_text(200 * 60 * 1000, text), "3 h 20 min");
    ck_assert_str_eq(span_text(-5, text), "0 ms");
    ck_assert_str_eq(size_text(1000, text), "1000 B");
    ck_assert_str_eq(size_text(8ll << 30, text), "8.0 GiB");
    ck_assert_str_eq(time_text(0, text), "-");
    ck_assert_str_eq(amount_text(NULL, text), "-");
}
END_TEST

// An answer of a later version, or of a broken peer, must not end the client.
START_TEST(members_of_the_wrong_type_count_as_absent) {
    json_t *answer = parse("{\"n\":\"5\",\"t\":5,\"f\":\"true\"}");
    ck_assert_int_eq(int_of(answer, "n", -1), -1);
    ck_assert_str_eq(text_of(answer, "t", "none"), "none");
    ck_assert(!flag_of(answer, "f"));
    ck_assert_ptr_null(member_of(NULL, "x"));
    ck_assert_uint_eq(watch_finished(answer), 0);
    json_decref(answer);
}
END_TEST

static const struct option options[] = {
    {"json", OPTION_flag, NULL, "", false, NULL},
    {"tag", OPTION_text, "K=V", "", true, NULL},
    {"limit", OPTION_count, "N", "", false, NULL},
    {NULL, OPTION_flag, NULL, NULL, false, NULL},
};
static const struct command command = {.noun = "batch",
                                       .verb = "run",
                                       .operands = "FILE",
                                       .operands_min = 1,
                                       .operands_max = 2,
                                       .options = options,
                                       .schemas = "batch.run/1 event/1"};

static const struct option paged_options[] = {
    {"json", OPTION_flag, NULL, "", false, NULL},
    {"limit", OPTION_count, "N", "", false, NULL},
    {"after", OPTION_text, "CURSOR", "", false, NULL},
    {NULL, OPTION_flag, NULL, NULL, false, NULL},
};
static const struct command paged = {.noun = "batch",
                                     .verb = "run",
                                     .operands = "FILE",
                                     .operands_min = 1,
                                     .operands_max = 2,
                                     .options = paged_options};

// Words in any order mean the same; a value is not taken for an operand.
START_TEST(options_and_operands_may_stand_in_any_order) {
    char *words[] = {(char *)"--tag",  (char *)"a=1",       (char *)"file",
                     (char *)"--json", (char *)"--tag=b=2", (char *)"--limit",
                     (char *)"7",      (char *)"--",        (char *)"--odd"};
    struct call call = {.command = &command};
    call_read(&call, 9, words);
    ck_assert_int_eq(call.operand_count, 2);
    ck_assert_str_eq(call.operands[0], "file");
    ck_assert_str_eq(call.operands[1], "--odd");
    ck_assert(call_has(&call, "json"));
    ck_assert_str_eq(call_value(&call, "tag", 0), "a=1");
    ck_assert_str_eq(call_value(&call, "tag", 1), "b=2");
    ck_assert_ptr_null(call_value(&call, "tag", 2));
    ck_assert_uint_eq(call_count(&call, "limit", 3), 7);
}
END_TEST

// A next command that forgets the settings asks somebody else, or about something else.
START_TEST(a_next_command_repeats_options_and_settings) {
    char *argv[] = {(char *)"colloq", (char *)"batch",    (char *)"run",
                    (char *)"--data", (char *)"/my data", (char *)"--endpoint=ipc://x"};
    char *words[] = {(char *)"it's",   (char *)"--limit", (char *)"7",
                     (char *)"--json", (char *)"--after", (char *)"c1"};
    struct conf conf = {.simulated = true};
    struct call call = {.command = &paged, .conf = &conf, .argv = argv, .argc = 6};
    call_read(&call, 6, words);
    ck_assert_str_eq(call_settings(&call), " --simulate --data '/my data' --endpoint=ipc://x");
    catch_output();
    call_say_more(&call, NULL);
    call_say_more(&call, "c2");
    ck_assert_str_eq(caught(), "There are more: colloq batch run 'it'\\''s' --limit 7 --after c2 "
                               "--simulate --data '/my data' --endpoint=ipc://x\n");
}
END_TEST

static const char *const misuses[] = {"--no-such", "--limit", "--limit=x", "--json=1"};

// A mistyped option that is passed over changes what is done without a word.
START_TEST(a_misused_option_is_a_usage_error) {
    char *words[] = {(char *)"file", (char *)misuses[_i]};
    struct call call = {.command = &command};
    call_read(&call, 2, words);
    ck_abort_msg("%s was taken", misuses[_i]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("client");
    TCase *all = tcase_create("client");
    tcase_add_test(all, the_last_line_counts_everything_that_happened);
    tcase_add_test(all, a_page_of_results_becomes_json_lines);
    tcase_add_test(all, the_last_page_of_results_keeps_its_cursor);
    tcase_add_test(all, a_narrow_progress_line_keeps_what_is_waited_for);
    tcase_add_test(all, refused_lines_are_reported_and_the_many_are_counted_and_kept);
    tcase_add_test(all, what_is_not_stored_is_not_submitted);
    tcase_add_test(all, a_client_that_hears_nothing_connects_anew);
    tcase_add_test(all, a_client_that_is_told_to_wait_does_not_give_up);
    tcase_add_test(all, what_another_ingress_was_told_is_said_again_at_once);
    tcase_add_test(all, a_question_that_fails_for_good_is_put_with_pauses_and_given_up);
    tcase_add_test(all, a_next_command_repeats_options_and_settings);
    tcase_add_test(all, texts_are_cut_at_characters_and_freed_of_control_bytes);
    tcase_add_test(all, spans_and_sizes_are_rounded_for_people);
    tcase_add_test(all, members_of_the_wrong_type_count_as_absent);
    tcase_add_test(all, options_and_operands_may_stand_in_any_order);
    tcase_add_loop_exit_test(all, a_misused_option_is_a_usage_error, 64, 0, 4);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
