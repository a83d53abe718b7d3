// doctor: who answers, the clocks, and the ports.
#include "common/catalogue.h"
#include "common/clock.h"
#include "common/limits.h"
#include "tools/doctor.h"
#include "tools/local.h"
#include "tools/provider.h"
#include "tools/render.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { OPEN_MS = 2000, CLOCK_NOTE_MS = 2000, CLOCK_PROBLEM_MS = 60 * 1000, DAY_MS = 86400000 };

// ---- processes ----------------------------------------------------------------------------------

static void check_peers(struct doctor *doctor, const json_t *stat) {
    static const char *const roles[] = {"extractor", "worker"};
    const char *logs = doctor_text("see its log in %s/log", doctor->call->conf->data);
    const json_t *broker = member_of(stat, "broker");
    bool has_broker = json_is_object(broker);
    bool has_accountant = json_is_object(member_of(stat, "accountant"));
    doctor_add(doctor, "processes", "broker", has_broker ? FINDING_ok : FINDING_problem,
               has_broker ? "answers" : "does not answer", NULL, has_broker ? NULL : logs);
    doctor_add(doctor, "processes", "accountant", has_accountant ? FINDING_ok : FINDING_problem,
               has_accountant ? "answers" : "does not answer", NULL, has_accountant ? NULL : logs);
    for (size_t r = 0; has_broker && r < sizeof(roles) / sizeof(roles[0]); r++) {
        const json_t *peer;
        size_t i, count = 0;
        json_array_foreach(member_of(broker, "peers"), i, peer) count +=
            strcmp(text_of(peer, "role", ""), roles[r]) == 0;
        bool is_worker = strcmp(roles[r], "worker") == 0;
        doctor_add(doctor, "processes", roles[r],
                   count       ? FINDING_ok
                   : is_worker ? FINDING_note
                               : FINDING_problem,
                   count ? doctor_text("%zu joined", count) : "none has joined", NULL,
                   count       ? NULL
                   : is_worker ? "no call is made until one joins (colloq dev, colloq-worker)"
                               : logs);
    }
    if (flag_of(member_of(broker, "journal"), "is_closed") ||
        flag_of(member_of(stat, "accountant"), "is_closed"))
        doctor_add(doctor, "processes", "disk", FINDING_problem, "a store is closed: disk full",
                   NULL, "make room on the disks named below; it opens by itself");
}

// ---- clocks -------------------------------------------------------------------------------------

static void check_other_clock(struct doctor *doctor, const json_t *stat, int64_t asked_ms,
                              int64_t heard_ms) {
    int64_t theirs = int_of(member_of(stat, "ingress"), "wall_ms", 0);
    char text[SHORT_TEXT_SIZE];
    if (theirs <= 0)
        return;
    // Between question and answer; what lies in between is nobody's difference.
    int64_t off = theirs < asked_ms ? asked_ms - theirs : theirs > heard_ms ? theirs - heard_ms : 0;
    enum finding finding = off > CLOCK_PROBLEM_MS ? FINDING_problem
                           : off > CLOCK_NOTE_MS  ? FINDING_note
                                                  : FINDING_ok;
    doctor_add(doctor, "clock", "colloq's", finding,
               off == 0 ? "agrees with this one"
                        : doctor_text("differs by %s", span_text(off, text)),
               doctor->call->conf->endpoint,
               finding == FINDING_ok ? NULL : "let both hosts keep their time by NTP");
}

// The prices that are built in were read before the build: a clock behind that day is wrong.
static void check_own_clock(struct doctor *doctor) {
    struct catalogue *catalogue = provider_builtin();
    char text[SHORT_TEXT_SIZE];
    char text_of_grace[SHORT_TEXT_SIZE];
    int64_t now_ms = clock_now().wall_ms;
    const char *read = "", *now = time_text(now_ms, text);
    // A day is over elsewhere before it is here.
    const char *latest = time_text(now_ms + DAY_MS, text_of_grace);
    for (size_t i = 0; i < catalogue_price_count(catalogue); i++)
        if (strcmp(catalogue_price_at(catalogue, i)->date, read) > 0)
            read = catalogue_price_at(catalogue, i)->date;
    bool is_behind = strncmp(latest, read, strlen(read)) < 0;
    doctor_add(doctor, "clock", "here", is_behind ? FINDING_problem : FINDING_ok, now, NULL,
               is_behind ? doctor_text("set the clock: prices of this build were read on %s", read)
                         : NULL);
    catalogue_free(catalogue);
}

static void ask_stat(struct doctor *doctor) {
    struct call *call = doctor->call;
    struct buf text;
    char detail[DETAIL_BYTES_MAX + 1];
    buf_init(&text, FRAME_BYTES_MAX);
    int64_t asked_ms = clock_now().wall_ms;
    int code = client_answer(&call->client, "stat", NULL, &text, detail, sizeof(detail));
    json_t *stat = code == 0 ? json_loadb((const char *)text.at, text.size, 0, NULL) : NULL;
    buf_release(&text);
    if (!stat) {
        doctor_add(doctor, "processes", "ingress", FINDING_problem, detail, NULL,
                   doctor_text("see its log in %s/log", call->conf->data));
        return;
    }
    check_peers(doctor, stat);
    check_other_clock(doctor, stat, asked_ms, clock_now().wall_ms);
    json_decref(stat);
}

void doctor_processes(struct doctor *doctor) {
    struct call *call = doctor->call;
    const struct conf *conf = call->conf;
    char refusal[DETAIL_BYTES_MAX + 1] = "";
    check_own_clock(doctor);
    if (!conf->is_endpoint_stated && !local_listens(conf)) {
        bool is_held = local_is_locked(conf->data, "dev.lock") ||
                       local_is_locked(conf->data, "broker.sock.lock");
        doctor_add(doctor, "processes", "ingress", is_held ? FINDING_problem : FINDING_note,
                   is_held ? "colloq runs here, but its ingress does not listen"
                           : "nobody listens; a command starts colloq for its own time",
                   conf->endpoint, is_held ? doctor_text("see %s/log", conf->data) : NULL);
        return;
    }
    if (!client_try_open_politely(&call->client, conf, call->stop_fd, OPEN_MS, refusal,
                                  sizeof(refusal))) {
        doctor_add(doctor, "processes", "ingress", FINDING_problem,
                   *refusal ? refusal : "does not answer",
                   doctor_text("%s, %s", conf->endpoint, conf_origin(conf, &conf->endpoint)),
                   *refusal ? "the client and colloq must mean the same kind, and version"
                            : "see whether colloq runs there and can be reached from here");
        return;
    }
    call->is_open = doctor->is_running = true;
    doctor_add(doctor, "processes", "ingress", FINDING_ok, "answers", conf->endpoint, NULL);
    ask_stat(doctor);
}

// ---- ports --------------------------------------------------------------------------------------

// Whether what listens there speaks ZeroMQ: the first byte of its greeting.
static bool is_zeromq(const struct addrinfo *address) {
    struct timeval limit = {.tv_usec = 500 * 1000};
    uint8_t first = 0;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    bool is_there = connect(fd, address->ai_addr, address->ai_addrlen) == 0 &&
                    recv(fd, &first, 1, 0) == 1 && first == 0xff;
    (void)close(fd);
    return is_there;
}

static void check_address(struct doctor *doctor, const char *name, const char *endpoint,
                          const struct addrinfo *address) {
    const int yes = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    int why = bind(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (fd >= 0)
        (void)close(fd);
    if (why == 0)
        doctor_add(doctor, "ports", name, doctor->is_running ? FINDING_problem : FINDING_ok, "free",
                   endpoint,
                   doctor->is_running ? "colloq runs and does not listen there; start it again"
                                      : NULL);
    else if (why == EADDRINUSE && is_zeromq(address))
        doctor_add(doctor, "ports", name, doctor->is_running ? FINDING_ok : FINDING_note,
                   doctor->is_running ? "colloq listens there" : "another colloq listens there",
                   endpoint, NULL);
    else
        doctor_add(doctor, "ports", name, FINDING_problem,
                   why == EADDRINUSE ? "another program has it" : strerror(why), endpoint,
                   "choose another with --listen, or broker.listen and ingress.listen");
}

static void check_port(struct doctor *doctor, const char *name, const char *endpoint) {
    struct endpoint_place place;
    struct addrinfo *found = NULL, wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    if (!endpoint || !endpoint_place(endpoint, &place))
        return;
    const char *host = strcmp(place.host, "*") == 0 ? NULL : place.host;
    if (getaddrinfo(host, doctor_text("%u", place.port), &wanted, &found) != 0 || !found)
        doctor_add(doctor, "ports", name, FINDING_problem, "no address of this host", endpoint,
                   "write an address of this host");
    else
        check_address(doctor, name, endpoint, found);
    if (found)
        freeaddrinfo(found);
}

void doctor_ports(struct doctor *doctor) {
    check_port(doctor, "broker", doctor->call->conf->listen);
    check_port(doctor, "ingress", doctor->call->conf->listen_ingress);
}
