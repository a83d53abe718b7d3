// stat and lane: the live state.
#include "tools/commands.h"
#include "tools/render.h"

#include <string.h>
#include <sysexits.h>

// ---- lanes --------------------------------------------------------------------------------------

static void table_of_lanes(const json_t *lanes) {
    static const struct table_column columns[] = {
        {"LANE", false, true},    {"STATE", false, false}, {"CALLS", true, false},
        {"WAITING", true, false}, {"WHY", false, true},    {NULL, false, false},
    };
    struct table table;
    const json_t *lane;
    size_t i;
    table_begin(&table, columns);
    json_array_foreach(lanes, i, lane) {
        char text[SHORT_TEXT_SIZE];
        const char *why = text_of(lane, "reason", "");
        table_row(&table);
        table_cell(&table, 0, "%s", text_of(lane, "lane", ""));
        table_cell(&table, 1, "%s", text_of(lane, "state", ""));
        table_cell(&table, 2, "%lld/%lld", (long long)int_of(lane, "in_flight", 0),
                   (long long)int_of(lane, "concurrency", 0));
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
        out_text("No lane yet: lanes appear with the first line for a model.\n");
    table_of_lanes(member_of(answer, "lanes"));
    json_decref(answer);
    return 0;
}

// The lane that the operand means: its whole name, or a part that only one has.
static char *find_lane(struct call *call) {
    json_t *answer = call_ask(call, "lane.list", NULL);
    const char *wanted = call->operands[0];
    const char *found = NULL;
    const json_t *lane;
    size_t i, count = 0;
    json_array_foreach(member_of(answer, "lanes"), i, lane) {
        const char *name = text_of(lane, "lane", "");
        if (strcmp(name, wanted) == 0) {
            found = name;
            count = 1;
            break;
        }
        if (strstr(name, wanted)) {
            found = name;
            count++;
        }
    }
    if (count != 1)
        fail(EX_NOINPUT, "%s lane is called %s; colloq lane list%s names them",
             count == 0 ? "no" : "more than one", wanted, call_settings(call));
    static char name[512];
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
        {"PROCESS", false, false}, {"NAME", false, true}, {"STATE", false, false},
        {"SLOTS", true, false},    {"HELD", true, false}, {"CPU", true, false},
        {NULL, false, false},
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
        table_cell(&table, 2, "%s", text_of(peer, "state", ""));
        table_cell(&table, 3, "%s", count_text(int_of(peer, "slots", 0), text));
        table_cell(&table, 4, "%s", count_text(int_of(peer, "held", 0), text));
        table_cell(&table, 5, "%s", span_text(int_of(peer, "cpu_us", 0) / 1000, text));
    }
    table_end(&table);
}

// A row a worker host; one that is silent keeps its calls until their time is over.
static void show_hosts(const json_t *broker) {
    static const struct table_column columns[] = {
        {"HOST", false, true},  {"WORKERS", true, false}, {"SLOTS", true, false},
        {"CALLS", true, false}, {"CPU", true, false},     {"HEARD", false, false},
        {NULL, false, false},
    };
    struct table table;
    const json_t *host;
    size_t i;
    table_begin(&table, columns);
    json_array_foreach(member_of(broker, "hosts"), i, host) {
        char text[SHORT_TEXT_SIZE];
        int64_t silent_ms = int_of(host, "silent_ms", -1), away = int_of(host, "away", 0);
        const char *name = text_of(host, "host", "");
        table_row(&table);
        table_cell(&table, 0, "%s", *name ? name : "not back yet");
        if (away > 0)
            table_cell(&table, 1, "%lld, %lld away", (long long)int_of(host, "workers", 0),
                       (long long)away);
        else
            table_cell(&table, 1, "%lld", (long long)int_of(host, "workers", 0));
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
    out_printf("broker      up %s%s, journal %s of ",
               span_text(int_of(broker, "uptime_ms", 0), text),
               flag_of(broker, "simulated") ? " (simulated money)" : "",
               size_text(int_of(journal, "bytes", 0), other));
    out_printf("%s, %lld records wait for the ledger\n",
               size_text(int_of(journal, "budget", 0), text),
               (long long)int_of(broker, "records_pending", 0));
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

static void show_others(const json_t *answer) {
    char text[SHORT_TEXT_SIZE];
    const json_t *accountant = member_of(answer, "accountant");
    const json_t *ingress = member_of(answer, "ingress");
    if (json_is_object(accountant))
        out_printf("accountant  %s records, %lld/s lately, %lld in quarantine, %lld conflicts\n",
                   count_text(int_of(accountant, "records", 0), text),
                   (long long)int_of(accountant, "records_per_second", 0),
                   (long long)int_of(accountant, "quarantined", 0),
                   (long long)int_of(accountant, "conflicts", 0));
    else
        out_text("accountant  does not answer\n");
    show_closed("accountant", accountant);
    out_printf("ingress     up %s, %lld files taken in, %lld now, ",
               span_text(int_of(ingress, "uptime_ms", 0), text),
               (long long)int_of(ingress, "submissions", 0), (long long)int_of(ingress, "open", 0));
    out_printf("%s lines\n\n", count_text(int_of(ingress, "lines", 0), text));
}

// What keeps a lane's jobs waiting is the first thing that an operator wants to know.
static void show_waits(const json_t *broker) {
    const json_t *lane;
    size_t i;
    json_array_foreach(member_of(broker, "lanes"), i,
                       lane) if (int_of(lane, "waiting", 0) > 0 &&
                                 strcmp(text_of(lane, "waits_for", ""), "no_key") == 0)
        out_printf("%s: no worker has a key for %s\n", text_of(lane, "lane", ""),
                   text_of(lane, "provider", ""));
}

int stat_show(struct call *call) {
    json_t *answer = call_show(call, "stat", NULL);
    if (!answer)
        return 0;
    const json_t *broker = member_of(answer, "broker");
    show_broker(broker);
    show_others(answer);
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
