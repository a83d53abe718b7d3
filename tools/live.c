// stat and lane: the live state.
#include "tools/commands.h"
#include "tools/render.h"

#include <string.h>
#include <sysexits.h>

// ---- lanes --------------------------------------------------------------------------------------

static void table_of_lanes(const json_t *lanes) {
    static const struct table_column columns[] = {
        {"LANE", COLUMN_whole},     {"STATE", COLUMN_whole}, {"CALLS", COLUMN_number},
        {"WAITING", COLUMN_number}, {"WHY", COLUMN_text},    {NULL, COLUMN_whole},
    };
    struct table table;
    const json_t *lane;
    size_t i;
    table_begin(&table, columns);
    json_array_foreach(lanes, i, lane) {
        char text[SHORT_TEXT_SIZE], other[SHORT_TEXT_SIZE];
        const char *why = text_of(lane, "reason", "");
        table_row(&table);
        table_cell(&table, 0, "%s", text_of(lane, "lane", ""));
        table_state(&table, 1, text_of(lane, "state", ""));
        table_cell(&table, 2, "%s of %s", count_text(int_of(lane, "in_flight", 0), text),
                   count_text(int_of(lane, "concurrency", 0), other));
        table_cell(&table, 3, "%s", count_text(int_of(lane, "waiting", 0), text));
        table_cell(&table, 4, "%s", *why ? why : text_of(lane, "waits_for", ""));
    }
    table_end(&table);
    // Why a lane is held deserves its whole text.
    json_array_foreach(lanes, i, lane) if (*text_of(lane, "detail", ""))
        out_printf("%s: %s\n", text_of(lane, "lane", ""), text_of(lane, "detail", ""));
}

int lane_list(struct call *call) {
    json_t *answer = call_show(call, "lane.list", NULL);
    if (!answer)
        return 0;
    if (json_array_size(member_of(answer, "lanes")) == 0)
        call_say_empty(call, "there is no lane yet: one appears with the first line for a model:",
                       "batch run FILE.jsonl");
    table_of_lanes(member_of(answer, "lanes"));
    json_decref(answer);
    return 0;
}

// How a lane may be named, the most exact first.
enum lane_match { MATCH_whole, MATCH_model, MATCH_beginning, MATCHES };

static bool matches(const json_t *lane, const char *wanted, enum lane_match how) {
    char both[512];
    const char *name = text_of(lane, "lane", ""), *model = text_of(lane, "model", "");
    (void)snprintf(both, sizeof(both), "%s/%s", text_of(lane, "provider", ""), model);
    switch (how) {
    case MATCH_whole:
        return strcmp(name, wanted) == 0;
    case MATCH_model:
        return strcmp(both, wanted) == 0 || strcmp(model, wanted) == 0;
    case MATCH_beginning:
        return strncmp(name, wanted, strlen(wanted)) == 0;
    case MATCHES:
        break;
    }
    return false;
}

// Says which lanes there are to choose from, and ends.
static _Noreturn void refuse_lane(const struct call *call, const json_t *lanes,
                                  enum lane_match how) {
    const char *wanted = call->operands[0];
    bool is_known = how != MATCHES;
    struct buf text;
    const json_t *lane;
    size_t i;
    buf_init(&text, 64 << 10);
    json_array_foreach(lanes, i, lane) if (!is_known || matches(lane, wanted, how))
        buf_printf(&text, "\n  %s", text_of(lane, "lane", ""));
    if (is_known)
        fail(EX_DATAERR, "%s means more than one lane; write one of these whole:%s", wanted,
             buf_cstr(&text));
    fail(EX_NOINPUT, "no lane is called %s, has that model or begins so; %s%s", wanted,
         json_array_size(lanes) > 0 ? "there is:" : "there is none yet", buf_cstr(&text));
}

// The lane that the operand means: a part of a name that stands somewhere inside means none.
static const char *find_lane(struct call *call) {
    static char name[512];
    json_t *answer = call_ask(call, "lane.list", NULL);
    const json_t *lanes = member_of(answer, "lanes"), *lane;
    const char *found = NULL;
    size_t i;
    for (int how = MATCH_whole; how < MATCHES && !found; how++) {
        json_array_foreach(lanes, i, lane) {
            if (!matches(lane, call->operands[0], (enum lane_match)how))
                continue;
            if (found)
                refuse_lane(call, lanes, (enum lane_match)how);
            found = text_of(lane, "lane", "");
        }
    }
    if (!found)
        refuse_lane(call, lanes, MATCHES);
    (void)snprintf(name, sizeof(name), "%s", found);
    json_decref(answer);
    return name;
}

static int decide(struct call *call, const char *what) {
    json_t *answer = call_show(call, what, arguments_of("lane", find_lane(call)));
    if (answer)
        out_printf("%s: %s\n", text_of(answer, "lane", ""), text_of(answer, "state", ""));
    json_decref(answer);
    return 0;
}

int lane_pause(struct call *call) {
    return decide(call, "lane.pause");
}

int lane_resume(struct call *call) {
    return decide(call, "lane.resume");
}

// ---- stat ---------------------------------------------------------------------------------------

static void show_peers(const json_t *broker) {
    static const struct table_column columns[] = {
        {"PROCESS", COLUMN_whole}, {"NAME", COLUMN_text},   {"STATE", COLUMN_whole},
        {"SLOTS", COLUMN_number},  {"HELD", COLUMN_number}, {"CPU", COLUMN_number},
        {NULL, COLUMN_whole},
    };
    struct table table;
    const json_t *peer;
    size_t i;
    table_begin(&table, columns);
    json_array_foreach(member_of(broker, "peers"), i, peer) {
        char text[SHORT_TEXT_SIZE];
        table_row(&table);
        table_cell(&table, 0, "%s", text_of(peer, "role", ""));
        table_cell(&table, 1, "%s", text_of(peer, "name", ""));
        table_state(&table, 2, text_of(peer, "state", ""));
        table_cell(&table, 3, "%s", count_text(int_of(peer, "slots", 0), text));
        table_cell(&table, 4, "%s", count_text(int_of(peer, "held", 0), text));
        table_cell(&table, 5, "%s", span_text(int_of(peer, "cpu_us", 0) / 1000, text));
    }
    table_end(&table);
}

// A row a worker host; one that is silent keeps its calls until their time is over.
static void show_hosts(const json_t *broker) {
    static const struct table_column columns[] = {
        {"HOST", COLUMN_text},    {"WORKERS", COLUMN_number}, {"SLOTS", COLUMN_number},
        {"CALLS", COLUMN_number}, {"CPU", COLUMN_number},     {"HEARD", COLUMN_whole},
        {NULL, COLUMN_whole},
    };
    struct table table;
    const json_t *host;
    size_t i;
    table_begin(&table, columns);
    json_array_foreach(member_of(broker, "hosts"), i, host) {
        char text[SHORT_TEXT_SIZE], other[SHORT_TEXT_SIZE];
        int64_t silent_ms = int_of(host, "silent_ms", -1), away = int_of(host, "away", 0);
        const char *name = text_of(host, "host", "");
        table_row(&table);
        table_cell(&table, 0, "%s", *name ? name : "not back yet");
        (void)count_text(int_of(host, "workers", 0), text);
        if (away > 0)
            table_cell(&table, 1, "%s, %s away", text, count_text(away, other));
        else
            table_cell(&table, 1, "%s", text);
        table_cell(&table, 2, "%s", count_text(int_of(host, "slots", 0), text));
        table_cell(&table, 3, "%s", count_text(int_of(host, "in_flight", 0), text));
        table_cell(&table, 4, "%lld%%", (long long)int_of(host, "cpu_percent", 0));
        if (silent_ms >= 0)
            table_cell(&table, 5, "%s ago", span_text(silent_ms, text));
    }
    table_end(&table);
}

// A store whose disk is full takes nothing new in.
static void show_closed(const char *process, const json_t *store) {
    char text[SHORT_TEXT_SIZE], other[SHORT_TEXT_SIZE];
    if (flag_of(store, "is_closed"))
        out_printf("%-11s closed, disk full: %s free, needs %s\n", process,
                   size_text(int_of(store, "disk_free", 0), text),
                   size_text(int_of(store, "needs", 0), other));
}

static void show_broker(const json_t *broker) {
    char text[SHORT_TEXT_SIZE], other[SHORT_TEXT_SIZE];
    const json_t *journal = member_of(broker, "journal");
    const char *state;
    const json_t *count;
    bool is_first = true;
    if (!json_is_object(broker)) {
        out_text("broker      does not answer\n");
        return;
    }
    out_printf("broker      up %s%s, ", span_text(int_of(broker, "uptime_ms", 0), text),
               flag_of(broker, "simulated") ? " (simulated money)" : "");
    int64_t pending = int_of(broker, "records_pending", 0);
    out_printf("%s %s for the ledger\n", counted_text(pending, "record", text),
               pending == 1 ? "waits" : "wait");
    out_printf("journal     %s of %s\n", size_text(int_of(journal, "bytes", 0), other),
               size_text(int_of(journal, "budget", 0), text));
    show_closed("broker", journal);
    out_text("jobs        ");
    json_object_foreach((json_t *)member_of(broker, "jobs"), state, count) {
        if (json_integer_value(count) == 0)
            continue;
        out_printf("%s%s %s", is_first ? "" : ", ", count_text(json_integer_value(count), text),
                   state);
        is_first = false;
    }
    out_printf("%s\n", is_first ? "none on their way" : "");
}

static void show_accountant(const json_t *accountant) {
    char records[SHORT_TEXT_SIZE], rate[SHORT_TEXT_SIZE], kept[SHORT_TEXT_SIZE],
        conflicts[SHORT_TEXT_SIZE];
    if (!json_is_object(accountant)) {
        out_text("accountant  does not answer\n");
        return;
    }
    out_printf("accountant  %s, %s/s lately, %s in quarantine, %s\n",
               counted_text(int_of(accountant, "records", 0), "record", records),
               count_text(int_of(accountant, "records_per_second", 0), rate),
               count_text(int_of(accountant, "quarantined", 0), kept),
               counted_text(int_of(accountant, "conflicts", 0), "conflict", conflicts));
    show_closed("accountant", accountant);
}

static void show_ingress(const json_t *ingress) {
    char up[SHORT_TEXT_SIZE], files[SHORT_TEXT_SIZE], open[SHORT_TEXT_SIZE], lines[SHORT_TEXT_SIZE];
    out_printf("ingress     up %s, %s taken in, %s now, %s\n\n",
               span_text(int_of(ingress, "uptime_ms", 0), up),
               counted_text(int_of(ingress, "submissions", 0), "file", files),
               count_text(int_of(ingress, "open", 0), open),
               counted_text(int_of(ingress, "lines", 0), "line", lines));
}

// What keeps a lane's jobs waiting is the first thing that an operator wants to know.
static void show_waits(const json_t *broker) {
    const json_t *lane;
    size_t i;
    json_array_foreach(member_of(broker, "lanes"), i, lane) {
        const char *reason = text_of(lane, "waits_for", "");
        if (int_of(lane, "waiting", 0) == 0)
            continue;
        if (strcmp(reason, "no_key") == 0)
            out_printf("%s: no worker has a key for %s\n", text_of(lane, "lane", ""),
                       text_of(lane, "provider", ""));
        if (strcmp(reason, "no_worker") == 0)
            out_printf("%s: no worker is here\n", text_of(lane, "lane", ""));
    }
}

int stat_show(struct call *call) {
    json_t *answer = call_show(call, "stat", NULL);
    if (!answer)
        return 0;
    const json_t *broker = member_of(answer, "broker");
    show_broker(broker);
    show_accountant(member_of(answer, "accountant"));
    show_ingress(member_of(answer, "ingress"));
    show_peers(broker);
    if (json_array_size(member_of(broker, "hosts")) > 0) {
        out_text("\n");
        show_hosts(broker);
    }
    if (json_array_size(member_of(broker, "lanes")) > 0)
        out_text("\n");
    table_of_lanes(member_of(broker, "lanes"));
    show_waits(broker);
    json_decref(answer);
    return 0;
}
