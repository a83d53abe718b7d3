#include "workers/ingress/door.h"

#include "common/id.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

// Beyond the time that a question is given: then one at least was given up.
enum { ACCOUNTANT_SILENT_MS = QUERY_LIMIT_MS + 1000 };

static char host_name[NAME_BYTES_MAX + 1];

void door_open(struct door *door, const struct conf *conf) {
    static char name[NAME_BYTES_MAX + 1];
    memset(door, 0, sizeof(*door));
    door->conf = conf;
    door->started_ms = clock_now().mono_ms;
    door->own_boot = random_u64() >> 1; // numbers of the protocol fit a signed column
    (void)gethostname(host_name, sizeof(host_name) - 1);
    (void)snprintf(name, sizeof(name), "ingress/%.200s", host_name);
    struct hello_head hello = {
        .role = bytes_text("ingress"),
        .name = bytes_text(name),
        .host = bytes_text(host_name),
        .version = bytes_text(COLLOQ_VERSION),
        .simulated = conf->simulated,
    };
    sock_serve(&door->clients, conf->ingress, conf->listen_ingress);
    if (sock_connect(&door->accountant, conf->accountant) != ERR_OK ||
        link_open(&door->link, conf->broker, &hello) != ERR_OK)
        fatal(EX_CONFIG, "ingress.unconnected", "broker=%s accountant=%s", conf->broker,
              conf->accountant);
    questions_init(&door->questions);
    buf_init(&door->header, HEADER_BYTES_MAX);
    buf_init(&door->document, FRAME_BYTES_MAX);
    log_line(LOG_INFO, "ingress.open", "endpoint=%s", conf->ingress);
}

void door_close(struct door *door) {
    for (uint32_t i = 0; i < door->session_count; i++)
        session_free(door->sessions[i]);
    questions_release(&door->questions);
    sock_close(&door->clients, 1000);
    sock_close(&door->accountant, 0);
    link_close(&door->link, 1000);
    catalogue_free(door->catalogue);
    buf_release(&door->header);
    buf_release(&door->document);
    sock_context_close();
}

// ---- submissions --------------------------------------------------------------------------------

static bool is_from(const struct session *session, const struct route *client) {
    return session->client.size == client->size &&
           memcmp(session->client.at, client->at, client->size) == 0;
}

static struct session *find_session(struct door *door, const struct route *client,
                                    uint64_t request) {
    for (uint32_t i = 0; i < door->session_count; i++)
        if (door->sessions[i] && door->sessions[i]->request == request &&
            is_from(door->sessions[i], client))
            return door->sessions[i];
    return NULL;
}

static void end_session(struct door *door, uint32_t i) {
    door->lines += door->sessions[i]->split.lines;
    door->refused += door->sessions[i]->refused;
    session_free(door->sessions[i]);
    door->sessions[i] = NULL;
}

static void say_failure(struct door *door, const struct route *client, uint64_t request, int code,
                        const char *reason, const char *detail) {
    struct progress_head head = {
        .request = request,
        .exit = (uint64_t)code,
        .reason = bytes_text(reason),
        .detail = bytes_text(detail),
    };
    (void)sock_send_head(&door->clients, client, KIND_progress, &head, NULL, 0);
}

// A client that begins anew has given up what it had begun; its heartbeats would keep it alive.
static void end_replaced(struct door *door, const struct route *client,
                         const struct submit_head *submit) {
    for (uint32_t i = 0; i < door->session_count; i++)
        if (door->sessions[i] && session_is_replaced(door->sessions[i], client, submit))
            end_session(door, i);
}

// Whether a policy is one that the broker knows; an empty one is its default.
static bool is_policy(struct bytes name, const char *const names[3]) {
    return name.size == 0 || bytes_is(name, names[0]) || bytes_is(name, names[1]) ||
           bytes_is(name, names[2]);
}

static bool has_policies(const struct submit_head *submit) {
    static const char *const billed[] = {"retry", "park", "fail"};
    static const char *const unanswered[] = {"stop", "skip", "fail"};
    return is_policy(submit->billed, billed) && is_policy(submit->unanswered, unanswered);
}

static void take_submit(struct door *door, const struct route *client,
                        const struct submit_head *submit, struct moment now) {
    struct session *known = find_session(door, client, submit->request);
    uint32_t i = 0;
    if (known) {
        known->is_dirty = true;
        return;
    }
    if (!has_policies(submit)) {
        say_failure(door, client, submit->request, EX_USAGE, "unknown_policy",
                    "billed is retry, park or fail; unanswered is stop, skip or fail");
        return;
    }
    end_replaced(door, client, submit);
    while (i < SUBMISSIONS_MAX && door->sessions[i])
        i++;
    if (i == SUBMISSIONS_MAX) {
        say_failure(door, client, submit->request, EX_TEMPFAIL, "too_many_submissions",
                    "as many files as can be are being read; try again in a moment");
        log_line(LOG_WARN, "submission.refused", "why=too_many_submissions");
        return;
    }
    door->submissions++;
    door->sessions[i] =
        session_new(submit, client, uuid_new(now.wall_ms), ++door->streams, now.mono_ms);
    session_catalogue(door->sessions[i], door->catalogue);
    if (i >= door->session_count)
        door->session_count = i + 1;
}

static void take_block(struct door *door, struct message *message, struct moment now) {
    struct block_head block;
    if (wire_head(&message->wire, &block) != ERR_OK)
        return;
    struct session *session = find_session(door, &message->route, block.request);
    if (session)
        session_block(session, &block, message_frame(message, 0), now.mono_ms);
    else
        say_failure(door, &message->route, block.request, EX_TEMPFAIL, "unknown_stream",
                    "ingress does not know this submission (any more)");
}

// Sends what the streams have to say. A broker that is not there hears it later.
static void tell_broker(struct door *door, uint64_t now_ms) {
    struct stream_message message;
    for (uint32_t i = 0; i < door->session_count; i++) {
        struct session *session = door->sessions[i];
        if (!session || session->is_validation || !link_is_joined(&door->link))
            continue;
        while (session->failure.exit == 0 && stream_next(&session->stream, now_ms, &message))
            if (sock_send(&door->link.sock, NULL, message.header, message.frames,
                          message.frame_count) != ERR_OK)
                break; // said again after PUT_RESEND_MS
    }
}

// Why a submission does not move although it should; NULL: it does.
static const char *waits_for(const struct door *door, const struct session *session) {
    if (!session->is_validation && !link_is_joined(&door->link))
        return "broker_away";
    if (!door->catalogue)
        return "no_catalogue";
    if (session->resolve.state != RESOLVE_IDLE)
        return resolve_waits_for(&session->resolve);
    if (session->is_validation)
        return NULL;
    if (session->stream.lacks)
        return session->stream.lacks;
    return session->stream.state == STREAM_OPENING ? "batch_opening" : NULL;
}

// Tells a client how its submission stands. False: the client is gone.
static bool tell_client(struct door *door, struct session *session, uint64_t now_ms) {
    if (!session_progress(session, waits_for(door, session), now_ms, &door->header))
        return true;
    enum err e = sock_send(&door->clients, &session->client, buf_bytes(&door->header), NULL, 0);
    return e == ERR_OK;
}

// Lets every submission read. True: there is more to do at once.
static bool work_sessions(struct door *door, struct moment now) {
    bool has_more = false;
    for (uint32_t i = 0; i < door->session_count; i++) {
        struct session *session = door->sessions[i];
        if (!session)
            continue;
        has_more = session_work(session, now) || has_more;
        bool is_here = tell_client(door, session, now.mono_ms);
        if (is_here && !session->is_told && now.mono_ms - session->heard_ms < SUBMISSION_SILENT_MS)
            continue;
        if (!session->is_told)
            log_line(LOG_INFO, "submission.abandoned", "lines=%llu why=\"the client is gone\"",
                     (unsigned long long)session->split.lines);
        end_session(door, i);
    }
    return has_more;
}

// ---- questions ----------------------------------------------------------------------------------

static void take_query(struct door *door, struct message *message, struct moment now) {
    struct query_head query;
    if (wire_head(&message->wire, &query) != ERR_OK)
        return;
    enum err e = questions_add(&door->questions, &message->route, &query, now.mono_ms);
    if (e == ERR_OK)
        return;
    struct answer_head head = {
        .request = query.request,
        .exit = e == ERR_FULL ? EX_TEMPFAIL : EX_USAGE,
        .detail = bytes_text(e == ERR_FULL ? "too many questions wait; ask again in a moment"
                                           : "no part of colloq knows this question"),
    };
    struct bytes none = bytes_of("", 0);
    (void)sock_send_head(&door->clients, &message->route, KIND_answer, &head, &none, 1);
}

// Returns whether a question left.
static bool ask_source(struct door *door, enum source source, struct sock *sock) {
    struct query_head query;
    bool *sent, has_left = false;
    while (questions_next(&door->questions, source, &query, &sent)) {
        if (sock_send_head(sock, NULL, KIND_query, &query, NULL, 0) != ERR_OK)
            break; // it is not there now; asked again until the time is over
        *sent = has_left = true;
    }
    return has_left;
}

// An accountant that was asked and says nothing at all may be behind a connection that is gone:
// it is connected to anew, and what waits is asked again. A long question costs one connection.
static void ask_accountant(struct door *door, uint64_t now_ms) {
    if (door->accountant_asked_ms && now_ms - door->accountant_asked_ms > ACCOUNTANT_SILENT_MS) {
        if (sock_reconnect(&door->accountant) != ERR_OK)
            fatal(EX_OSERR, "socket.failed", "endpoint=%s", door->conf->accountant);
        questions_again(&door->questions, SOURCE_accountant);
        door->accountant_asked_ms = 0;
    }
    if (ask_source(door, SOURCE_accountant, &door->accountant) && !door->accountant_asked_ms)
        door->accountant_asked_ms = now_ms;
}

static void own_stat(struct door *door, struct moment now, struct buf *out) {
    uint64_t open = 0, lines = door->lines, refused = door->refused;
    for (uint32_t i = 0; i < door->session_count; i++) {
        if (!door->sessions[i])
            continue;
        open++;
        lines += door->sessions[i]->split.lines;
        refused += door->sessions[i]->refused;
    }
    buf_reset(out);
    buf_printf(
        out,
        "{\"uptime_ms\":%llu,\"wall_ms\":%lld,\"submissions\":%llu,\"open\":%llu,\"lines\":%llu,"
        "\"refused\":%llu,\"questions\":%u,\"is_joined\":%s,\"cpu_us\":%llu}",
        (unsigned long long)(now.mono_ms - door->started_ms), (long long)now.wall_ms,
        (unsigned long long)door->submissions, (unsigned long long)open, (unsigned long long)lines,
        (unsigned long long)refused, door->questions.used,
        link_is_joined(&door->link) ? "true" : "false", (unsigned long long)clock_cpu_us());
}

// Puts the submissions' own questions; their answers go to nobody's address.
static void ask_for_sessions(struct door *door, uint64_t now_ms) {
    static const struct route own = {.size = 0};
    struct query_head query = {.request = 0};
    const char *what;
    for (uint32_t i = 0; i < door->session_count; i++) {
        struct session *session = door->sessions[i];
        if (!session || !resolve_next(&session->resolve, now_ms, &what, &door->header))
            continue;
        query.request = session->number;
        query.what = bytes_text(what);
        query.arguments = buf_bytes(&door->header);
        if (questions_add(&door->questions, &own, &query, now_ms) != ERR_OK)
            session->resolve.is_asked = false; // too many wait
    }
}

// The submission goes on with the answer at once.
static void answer_session(struct door *door, const struct answer_head *head, uint64_t now_ms) {
    for (uint32_t i = 0; i < door->session_count; i++)
        if (door->sessions[i] && door->sessions[i]->number == head->request)
            resolve_answer(&door->sessions[i]->resolve, head->exit, head->detail,
                           buf_bytes(&door->document), now_ms);
}

// Returns whether a submission got an answer, and has more to do at once.
static bool work_questions(struct door *door, struct moment now) {
    struct answer_head head;
    struct route client;
    bool has_own = false;
    ask_for_sessions(door, now.mono_ms);
    if (door->questions.used == 0)
        return false;
    ask_accountant(door, now.mono_ms);
    if (link_is_joined(&door->link))
        (void)ask_source(door, SOURCE_broker, &door->link.sock);
    own_stat(door, now, &door->header);
    char own[512];
    (void)snprintf(own, sizeof(own), "%s", buf_cstr(&door->header));
    while (questions_ready(&door->questions, now.mono_ms, bytes_text(own), &client, &head,
                           &door->document)) {
        struct bytes document = buf_bytes(&door->document);
        if (client.size == 0) {
            answer_session(door, &head, now.mono_ms);
            has_own = true;
            continue;
        }
        // A client that did not wait for its answer has no more use for it.
        (void)sock_send_head(&door->clients, &client, KIND_answer, &head, &document, 1);
    }
    return has_own;
}

// ---- hearing ------------------------------------------------------------------------------------

static void say_welcome(struct door *door, const struct route *client) {
    const char *catalogue = door->catalogue ? catalogue_hash(door->catalogue) : "";
    struct welcome_head head = {.boot = door->own_boot,
                                .simulated = door->conf->simulated,
                                .catalogue = bytes_text(catalogue)};
    struct bytes none = bytes_of("", 0);
    (void)sock_send_head(&door->clients, client, KIND_welcome, &head, &none, 1);
}

// A client that means the ingress before this one waits for answers that nobody will give: it is
// told who is here.
static void take_heartbeat(struct door *door, struct message *message, uint64_t now_ms) {
    const struct route *client = &message->route;
    struct heartbeat_head beat;
    if (wire_head(&message->wire, &beat) == ERR_OK && beat.boot != door->own_boot)
        say_welcome(door, client);
    for (uint32_t i = 0; i < door->session_count; i++)
        if (door->sessions[i] && is_from(door->sessions[i], client))
            door->sessions[i]->heard_ms = now_ms;
}

static void say_unwelcome(struct door *door, const struct route *route, const char *reason,
                          const char *detail) {
    struct unwelcome_head head = {.reason = bytes_text(reason), .detail = bytes_text(detail)};
    (void)sock_send_head(&door->clients, route, KIND_unwelcome, &head, NULL, 0);
}

static void take_hello(struct door *door, struct message *message) {
    struct hello_head hello;
    if (wire_head(&message->wire, &hello) != ERR_OK)
        return;
    if (!bytes_is(hello.role, "client")) {
        say_unwelcome(door, &message->route, "no_broker", "this is an ingress, for clients only");
        return;
    }
    if (hello.simulated != door->conf->simulated) {
        say_unwelcome(door, &message->route, "other_money",
                      door->conf->simulated
                          ? "colloq runs with simulated money here; give --simulate"
                          : "colloq runs with real money here; leave out "
                            "--simulate");
        return;
    }
    say_welcome(door, &message->route);
}

static void take_client(struct door *door, struct message *message, struct moment now) {
    struct submit_head submit;
    switch (message->wire.kind) {
    case KIND_hello:
        take_hello(door, message);
        break;
    case KIND_submit:
        if (wire_head(&message->wire, &submit) == ERR_OK)
            take_submit(door, &message->route, &submit, now);
        break;
    case KIND_block:
        take_block(door, message, now);
        break;
    case KIND_query:
        take_query(door, message, now);
        break;
    case KIND_heartbeat:
        take_heartbeat(door, message, now.mono_ms);
        break;
    default:
        log_line(LOG_WARN, "message.dropped", "from=client kind=%s",
                 wire_kind(message->wire.kind)->name);
    }
}

// The stream whose question has that number; NULL: it is gone.
static struct stream *stream_of(struct door *door, uint64_t request) {
    for (uint32_t i = 0; i < door->session_count; i++) {
        struct session *session = door->sessions[i];
        if (session && !session->is_validation && session->stream.request >> 32 == request >> 32)
            return &session->stream;
    }
    return NULL;
}

static void take_opened(struct door *door, struct message *message) {
    struct opened_head opened;
    struct stream *stream = NULL;
    if (wire_head(&message->wire, &opened) == ERR_OK)
        stream = stream_of(door, opened.request);
    if (stream)
        stream_opened(stream, &opened);
}

static void take_stored(struct door *door, struct message *message, uint64_t now_ms) {
    struct put_stored_head stored;
    struct stream *stream = NULL;
    if (wire_head(&message->wire, &stored) == ERR_OK)
        stream = stream_of(door, stored.request);
    if (stream)
        stream_stored(stream, &stored, now_ms);
}

static void take_answer(struct door *door, enum source source, struct message *message) {
    struct answer_head head;
    if (message->wire.kind == KIND_answer && wire_head(&message->wire, &head) == ERR_OK)
        questions_answer(&door->questions, source, &head, message_frame(message, 0));
}

static void take_catalogue(struct door *door) {
    struct catalogue *fresh = NULL;
    if (door->link.catalogue_version == door->catalogue_version)
        return;
    door->catalogue_version = door->link.catalogue_version;
    if (catalogue_load(buf_bytes(&door->link.catalogue), &fresh) != ERR_OK) {
        log_line(LOG_ERROR, "catalogue.refused", "why=\"it cannot be read\"");
        return;
    }
    for (uint32_t i = 0; i < door->session_count; i++)
        if (door->sessions[i])
            session_catalogue(door->sessions[i], fresh);
    catalogue_free(door->catalogue);
    door->catalogue = fresh;
}

static void hear_broker(struct door *door, struct moment now) {
    struct message *message;
    for (int i = 0; i < TURN_MESSAGES_MAX; i++) {
        if (link_receive(&door->link, now.mono_ms, &message) != ERR_OK)
            break;
        switch (message->wire.kind) {
        case KIND_opened:
            take_opened(door, message);
            break;
        case KIND_put_stored:
            take_stored(door, message, now.mono_ms);
            break;
        default:
            take_answer(door, SOURCE_broker, message);
        }
    }
    take_catalogue(door);
    if (door->link.peer.boot == door->boot)
        return;
    door->boot = door->link.peer.boot;
    for (uint32_t i = 0; i < door->session_count; i++)
        if (door->sessions[i] && !door->sessions[i]->is_validation)
            stream_restart(&door->sessions[i]->stream);
}

static void hear_others(struct door *door, struct moment now) {
    struct message message;
    enum err e;
    for (int i = 0; i < TURN_MESSAGES_MAX; i++) {
        e = sock_receive(&door->clients, &message);
        if (e == ERR_AGAIN)
            break;
        if (e != ERR_OK) {
            log_line(LOG_WARN, "message.dropped", "from=client why=\"%s\"", err_text(e));
            if (e == ERR_VERSION)
                say_unwelcome(door, &message.route, "other_version",
                              "colloq " COLLOQ_VERSION " runs here, and speaks another version of "
                              "the protocol: install the same on both hosts");
            continue;
        }
        take_client(door, &message, now);
        message_release(&message);
    }
    for (int i = 0; i < TURN_MESSAGES_MAX; i++) {
        e = sock_receive(&door->accountant, &message);
        if (e == ERR_AGAIN)
            break;
        if (e != ERR_OK)
            continue;
        door->accountant_asked_ms = 0;
        take_answer(door, SOURCE_accountant, &message);
        message_release(&message);
    }
}

// ---- the loop -----------------------------------------------------------------------------------

// How long nothing is due. A stream looks after its own resending a few times a second.
static long rest_ms(const struct door *door, uint64_t now_ms) {
    enum { LOOK_AGAIN_MS = 200 };
    long rest = link_rest_ms(&door->link, now_ms);
    long question = questions_rest_ms(&door->questions, now_ms);
    bool has_session = false;
    for (uint32_t i = 0; i < door->session_count; i++)
        has_session = has_session || door->sessions[i];
    if (question >= 0 && question < rest)
        rest = question;
    if ((has_session || door->questions.used > 0) && rest > LOOK_AGAIN_MS)
        rest = LOOK_AGAIN_MS;
    return rest;
}

void door_turn(struct door *door, int stop_fd) {
    struct moment now = clock_now();
    link_tick(&door->link, now.mono_ms);
    hear_broker(door, now);
    hear_others(door, now);
    bool has_more = work_sessions(door, now);
    tell_broker(door, now.mono_ms);
    has_more = work_questions(door, now) || has_more;
    struct sock *socks[] = {&door->link.sock, &door->clients, &door->accountant};
    sock_wait(socks, 3, &stop_fd, 1, has_more ? 0 : rest_ms(door, now.mono_ms));
}
