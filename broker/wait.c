#include "broker/wait.h"

#include "common/catalogue.h"
#include "common/text.h"

#include <stdio.h>

enum { WAITS_MAX = 32, TEXT_SIZE = 1200 };

static void key_hint(const struct loop *loop, const struct lane *lane, char *to, size_t room) {
    struct catalogue *catalogue = NULL;
    (void)snprintf(to, room, "give the worker its key");
    if (loop->catalogue.size == 0 ||
        catalogue_load(buf_bytes(&loop->catalogue), &catalogue) != ERR_OK)
        return;
    const struct provider_api *api = catalogue_default_api(catalogue, bytes_text(lane->provider));
    if (api && api->key_envs && api->key_envs[0])
        (void)snprintf(to, room, "set %s where the worker runs", api->key_envs[0]);
    catalogue_free(catalogue);
}

static const char *accountant_text(const struct loop *loop) {
    if (!core_has_accountant(loop->core))
        return "and the accountant is away";
    return core_accountant_takes(loop->core) ? "until the accountant has recorded them"
                                             : "and the accountant takes none: its disk is full";
}

static void closed_text(const struct loop *loop, char *to, size_t room) {
    (void)snprintf(to, room, "the broker is closed, disk full: %llu MiB free, needs %llu MiB",
                   (unsigned long long)(loop->reserve.free_bytes / MIB),
                   (unsigned long long)(reserve_needs(&loop->reserve) / MIB));
}

// How the turn stands that another one waits for.
static const char *standing(const struct job *turn) {
    if (job_is_marked(turn))
        return "is under way";
    switch (turn->state) {
    case JOB_DELAYED:
        return "will be tried again";
    case JOB_DEAD:
    case JOB_PARKED:
        return "failed";
    case JOB_ENDED:
        return "is being recorded";
    default:
        return "waits for its own call";
    }
}

static void turn_text(struct loop *loop, const struct job *job, char *to, size_t room) {
    struct payload payload;
    const struct conversation *conversation = core_conversation(loop->core, job->conversation);
    const struct job *first = core_job(loop->core, conversation->first_turn);
    bool is_known = conversation->first_turn != 0 && first != job &&
                    journal_get_payload(&loop->journal, first->number, &payload);
    if (!is_known) {
        (void)snprintf(to, room, "an earlier turn of the conversation has no answer yet");
        return;
    }
    text_print(to, room, "turn %u of %.*s %s", first->turn, (int)payload.conversation.size,
               (const char *)payload.conversation.at, standing(first));
    journal_release_payload(&loop->journal);
}

static void lane_text(const struct loop *loop, const struct wait *wait, char *to, size_t room) {
    const struct lane *lane = core_lane(loop->core, wait->lane);
    char hint[128];
    switch (wait->reason) {
    case REASON_no_worker:
        (void)snprintf(to, room, "no worker is here: colloq dev starts one, or colloq-worker");
        break;
    case REASON_no_key:
        key_hint(loop, lane, hint, sizeof(hint));
        (void)snprintf(to, room, "no worker has a key for %s: %s", lane->provider, hint);
        break;
    case REASON_lane_held:
        text_print(to, room, "lane held: %s from %s/%s%s%s", lane->held_reason, lane->provider,
                   lane->model, lane->held_detail[0] ? ": " : "", lane->held_detail);
        break;
    case REASON_lane_paused:
        (void)snprintf(to, room, "lane paused: colloq lane resume %s/%s/%s lets it go on",
                       lane->provider, lane->key, lane->model);
        break;
    case REASON_workers_busy:
        (void)snprintf(to, room, "every worker with a key for %s is busy", lane->provider);
        break;
    case REASON_lane_full:
        (void)snprintf(to, room, "lane %s/%s: %u calls in flight, as many as it allows",
                       lane->provider, lane->model, lane->marks);
        break;
    default:
        (void)snprintf(to, room, "rate limit of %s/%s", lane->provider, lane->model);
        break;
    }
}

static void wait_text(struct loop *loop, const struct wait *wait, char *to, size_t room) {
    switch (wait->reason) {
    case REASON_no_worker:
    case REASON_no_key:
    case REASON_lane_held:
    case REASON_lane_paused:
    case REASON_workers_busy:
    case REASON_lane_full:
    case REASON_rate_limited:
        lane_text(loop, wait, to, room);
        break;
    case REASON_delayed:
        (void)snprintf(to, room, "will be tried again");
        break;
    case REASON_earlier_turn:
        turn_text(loop, core_job(loop->core, wait->job), to, room);
        break;
    case REASON_accountant_away:
        (void)snprintf(to, room,
                       "the accountant is away: no turn is prepared and no answer recorded");
        break;
    case REASON_journal_full:
        (void)snprintf(to, room,
                       "the journal has no room for further answers: %llu records wait, %s",
                       (unsigned long long)core_records_pending(loop->core), accountant_text(loop));
        break;
    case REASON_disk_full:
        closed_text(loop, to, room);
        break;
    case REASON_ledger_full:
        (void)snprintf(to, room, "the accountant is closed, its disk is full: records wait");
        break;
    case REASON_not_sent:
        (void)snprintf(to, room,
                       "the end of its file: who submits it has not sent it yet, and the same "
                       "command again does");
        break;
    default:
        (void)snprintf(to, room, "%s", reason_name(wait->reason));
        break;
    }
}

// A worker, a key, a resume, room on a disk: nothing of that comes by itself.
static bool needs_person(enum reason reason) {
    switch (reason) {
    case REASON_no_worker:
    case REASON_no_key:
    case REASON_lane_held:
    case REASON_lane_paused:
    case REASON_accountant_away:
    case REASON_disk_full:
    case REASON_ledger_full:
    case REASON_not_sent:
        return true;
    default:
        return false;
    }
}

json_t *wait_json(struct loop *loop, const struct wait *wait) {
    char at[TEXT_SIZE];
    json_t *entry = json_object();
    wait_text(loop, wait, at, sizeof(at));
    put(entry, "reason", text(reason_name(wait->reason)));
    put(entry, "text", text(at));
    put(entry, "jobs", number(wait->jobs));
    put(entry, "until_ms",
        wait->due_ms > loop->now.mono_ms
            ? number((uint64_t)loop->now.wall_ms + wait->due_ms - loop->now.mono_ms)
            : json_null());
    put(entry, "needs_person", json_boolean(needs_person(wait->reason)));
    return entry;
}

json_t *waits_json(struct loop *loop, uint32_t batch) {
    struct wait waits[WAITS_MAX];
    uint32_t count = core_waits(loop->core, batch, waits, WAITS_MAX);
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++)
        (void)json_array_append_new(list, wait_json(loop, &waits[i]));
    return list;
}
