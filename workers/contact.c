#include "workers/contact.h"

#include <stdio.h>
#include <string.h>

// What a refusal means, and what to do. A broker says more of some in the message itself.
static const char *words_of(const char *refusal) {
    static const struct {
        const char *code;
        const char *words;
    } all[] = {
        {"other_version", "install the same version of colloq on both hosts"},
        {"other_money", "give --simulate to both or to none"},
        {"name_in_use", "a later process has this one's name: each host, and each copy of a host, "
                        "needs a folder of its own for --names"},
        {"too_many_workers", "as many workers as can be have joined"},
        {"too_many_peers", "as many processes as can be have joined"},
        {"unknown_role", "it does not know this kind of process: install the same version of "
                         "colloq on both hosts"},
        {"no_broker", "give --broker the broker's endpoint"},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i].code, refusal) == 0)
            return all[i].words;
    return "";
}

static void say_joined(struct contact *contact, const struct contact_facts *facts, char *text) {
    int used =
        snprintf(text, CONTACT_TEXT_SIZE, "connected to %s as %s", facts->endpoint, facts->name);
    if (facts->slots > 0 && used > 0 && used < CONTACT_TEXT_SIZE)
        (void)snprintf(text + used, CONTACT_TEXT_SIZE - (size_t)used, ", %llu calls at once",
                       (unsigned long long)facts->slots);
    contact->state = CONTACT_joined;
    contact->boot = facts->boot;
}

static void say_refused(struct contact *contact, const struct contact_facts *facts, char *text) {
    const char *words = words_of(facts->refusal);
    bool has_detail = facts->detail && *facts->detail;
    (void)snprintf(text, CONTACT_TEXT_SIZE, "%s refuses this process: %s%s%s (trying on)",
                   facts->endpoint, has_detail ? facts->detail : "",
                   has_detail && *words ? ": " : "", *words || has_detail ? words : facts->refusal);
    (void)snprintf(contact->refusal, sizeof(contact->refusal), "%s", facts->refusal);
    contact->state = CONTACT_refused;
}

static void say_nobody(struct contact *contact, const struct contact_facts *facts, char *text) {
    bool is_lost = contact->boot != 0;
    (void)snprintf(text, CONTACT_TEXT_SIZE, "%s %s: %s (trying on)",
                   is_lost ? "the connection is lost to" : "nobody answers at", facts->endpoint,
                   facts->found ? facts->found : "nothing is known of it yet");
    contact->state = CONTACT_nobody;
}

bool contact_wants_look(const struct contact *contact, uint64_t now_ms) {
    return contact->is_alone && contact->state != CONTACT_nobody &&
           now_ms - contact->alone_ms >= CONTACT_LOOK_MS;
}

bool contact_step(struct contact *contact, const struct contact_facts *facts, uint64_t now_ms,
                  char text[CONTACT_TEXT_SIZE]) {
    bool is_alone = !facts->is_joined && !facts->refusal;
    if (is_alone && !contact->is_alone)
        contact->alone_ms = now_ms;
    contact->is_alone = is_alone;
    if (facts->refusal) {
        if (contact->state == CONTACT_refused && strcmp(contact->refusal, facts->refusal) == 0)
            return false;
        say_refused(contact, facts, text);
        return true;
    }
    if (facts->is_joined) {
        if (contact->state == CONTACT_joined && contact->boot == facts->boot)
            return false;
        say_joined(contact, facts, text);
        return true;
    }
    uint64_t alone_ms = now_ms - contact->alone_ms;
    if (contact->state == CONTACT_nobody ||
        alone_ms < (facts->found ? CONTACT_LOOK_MS : CONTACT_NOBODY_MS))
        return false;
    say_nobody(contact, facts, text);
    return true;
}
