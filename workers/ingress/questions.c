#include "workers/ingress/questions.h"

#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"

#include <stdio.h>
#include <sysexits.h>

// ---- who answers what ---------------------------------------------------------------------------

enum merge {
    MERGE_none, // one source
    MERGE_live, // the accountant's object with the broker's as member "live"
    MERGE_stat, // each as a member of its own, and ingress beside them
};

struct question_form {
    const char *what;
    const char *of_broker;     // what the broker is asked; NULL: nothing
    const char *of_accountant; // likewise
    enum merge merge;
};

static const struct question_form forms[] = {
    {"batch.show", "batch.live", "batch.show", MERGE_live},
    {"batch.list", "batch.list_live", "batch.list", MERGE_live},
    {"job.show", "job.live", "job.show", MERGE_live},
    {"stat", "stat", "stat", MERGE_stat},
    {"batch.known", "batch.known", "batch.known", MERGE_live},
    {"batch.live", "batch.live", NULL, MERGE_none},
    {"batch.list_live", "batch.list_live", NULL, MERGE_none},
    {"batch.cancel", "batch.cancel", NULL, MERGE_none},
    {"job.live", "job.live", NULL, MERGE_none},
    {"job.cancel", "job.cancel", NULL, MERGE_none},
    {"dead.list", "dead.list", NULL, MERGE_none},
    {"dead.show", "dead.show", "job.show", MERGE_live},
    {"dead.retry", "dead.retry", NULL, MERGE_none},
    {"dead.drop", "dead.drop", NULL, MERGE_none},
    {"lane.list", "lane.list", NULL, MERGE_none},
    {"lane.pause", "lane.pause", NULL, MERGE_none},
    {"lane.resume", "lane.resume", NULL, MERGE_none},
    {"batch.results", NULL, "batch.results", MERGE_none},
    {"batch.refused", NULL, "batch.refused", MERGE_none},
    {"conversation.list", NULL, "conversation.list", MERGE_none},
    {"conversation.show", NULL, "conversation.show", MERGE_none},
    {"conversation.resolve", NULL, "conversation.resolve", MERGE_none},
    {"conversation.live", "conversation.live", NULL, MERGE_none},
    {"answer.fields", NULL, "answer.fields", MERGE_none},
    {"cost.report", NULL, "cost.report", MERGE_none},
    {"find", NULL, "find", MERGE_none},
    {"ledger.status", NULL, "ledger.status", MERGE_none},
    {"check", NULL, "check", MERGE_none},
};

static const char *const source_names[SOURCES] = {"broker", "accountant"};

static const struct question_form *form_of(struct bytes what) {
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (bytes_is(what, forms[i].what))
            return &forms[i];
    return NULL;
}

static const char *asked_of(const struct question_form *form, enum source source) {
    return source == SOURCE_broker ? form->of_broker : form->of_accountant;
}

// ---- the table ----------------------------------------------------------------------------------

void questions_init(struct questions *questions) {
    *questions = (struct questions){.numbers = 0};
    questions->slots = mem_array(QUERIES_MAX, sizeof(*questions->slots));
}

static void forget(struct questions *questions, struct question *question) {
    for (int i = 0; i < SOURCES; i++)
        buf_release(&question->parts[i].answer);
    mem_free(question->arguments);
    memset(question, 0, sizeof(*question));
    questions->used--;
}

void questions_release(struct questions *questions) {
    for (uint32_t i = 0; questions->slots && i < QUERIES_MAX; i++)
        if (questions->slots[i].is_used)
            forget(questions, &questions->slots[i]);
    mem_free(questions->slots);
    questions->slots = NULL;
}

enum err questions_add(struct questions *questions, const struct route *client,
                       const struct query_head *query, uint64_t now_ms) {
    const struct question_form *form = form_of(query->what);
    uint32_t i = 0;
    if (!form)
        return ERR_NOT_FOUND;
    while (i < QUERIES_MAX && questions->slots[i].is_used)
        i++;
    if (i == QUERIES_MAX)
        return ERR_FULL;
    struct question *question = &questions->slots[i];
    *question = (struct question){
        .is_used = true,
        .client = *client,
        .client_request = query->request,
        .number = ++questions->numbers,
        .asked_ms = now_ms,
        .form = form,
        .arguments = mem_copy(query->arguments.at, query->arguments.size),
    };
    for (int k = 0; k < SOURCES; k++) {
        question->parts[k].is_asked = asked_of(form, (enum source)k) != NULL;
        buf_init(&question->parts[k].answer, FRAME_BYTES_MAX);
    }
    questions->used++;
    return ERR_OK;
}

bool questions_next(struct questions *questions, enum source source, struct query_head *query,
                    bool **sent) {
    for (uint32_t i = 0; questions->used > 0 && i < QUERIES_MAX; i++) {
        struct question *question = &questions->slots[i];
        struct question_part *part = &question->parts[source];
        if (!question->is_used || !part->is_asked || part->is_sent || part->is_here)
            continue;
        *query = (struct query_head){
            .request = question->number,
            .what = bytes_text(asked_of(question->form, source)),
            .arguments = bytes_text(question->arguments),
        };
        *sent = &part->is_sent;
        return true;
    }
    return false;
}

void questions_again(struct questions *questions, enum source source) {
    for (uint32_t i = 0; questions->used > 0 && i < QUERIES_MAX; i++)
        questions->slots[i].parts[source].is_sent = false;
}

void questions_answer(struct questions *questions, enum source source,
                      const struct answer_head *head, struct bytes document) {
    for (uint32_t i = 0; i < QUERIES_MAX; i++) {
        struct question *question = &questions->slots[i];
        struct question_part *part = &question->parts[source];
        if (!question->is_used || question->number != head->request || !part->is_asked ||
            part->is_here)
            continue;
        part->is_here = true;
        part->exit = head->exit;
        (void)snprintf(part->detail, sizeof(part->detail), "%.*s", (int)head->detail.size,
                       (const char *)head->detail.at);
        buf_put(&part->answer, document.at, document.size);
        return;
    }
}

// ---- making one answer --------------------------------------------------------------------------

// The object's text without its braces and the blanks around them; false if it is none.
static bool inside_of(const struct question_part *part, struct bytes *inside) {
    struct bytes text = buf_bytes(&part->answer);
    while (text.size > 0 && (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == ' '))
        text.size--;
    if (part->exit != 0 || part->is_silent || text.size < 2 || text.at[0] != '{' ||
        text.at[text.size - 1] != '}')
        return false;
    *inside = bytes_of(text.at + 1, text.size - 2);
    while (inside->size > 0 && (inside->at[0] == '\n' || inside->at[0] == ' '))
        *inside = bytes_of(inside->at + 1, inside->size - 1);
    return true;
}

static bool is_good(const struct question_part *part) {
    struct bytes inside;
    return part->is_asked && inside_of(part, &inside);
}

static void put_silent(const struct question *question, struct buf *document) {
    bool is_first = true;
    buf_text(document, ",\"silent\":[");
    for (int i = 0; i < SOURCES; i++) {
        if (!question->parts[i].is_silent)
            continue;
        buf_printf(document, "%s\"%s\"", is_first ? "" : ",", source_names[i]);
        is_first = false;
    }
    buf_byte(document, ']');
}

static void put_document(const struct question_part *part, struct buf *document) {
    struct bytes answer = buf_bytes(&part->answer);
    if (is_good(part))
        buf_put(document, answer.at, answer.size);
    else
        buf_text(document, "null");
}

static void merge_live(const struct question *question, struct buf *document) {
    struct bytes inside;
    buf_byte(document, '{');
    if (inside_of(&question->parts[SOURCE_accountant], &inside) && inside.size > 0) {
        buf_put(document, inside.at, inside.size);
        buf_byte(document, ',');
    }
    buf_text(document, "\"live\":");
    put_document(&question->parts[SOURCE_broker], document);
    put_silent(question, document);
    buf_byte(document, '}');
}

static void merge_stat(const struct question *question, struct bytes own, struct buf *document) {
    struct bytes inside;
    buf_text(document, "{\"broker\":");
    put_document(&question->parts[SOURCE_broker], document);
    buf_byte(document, ',');
    if (inside_of(&question->parts[SOURCE_accountant], &inside) && inside.size > 0)
        buf_put(document, inside.at, inside.size);
    else
        buf_text(document, "\"accountant\":null");
    buf_text(document, ",\"ingress\":");
    buf_put(document, own.at, own.size);
    put_silent(question, document);
    buf_byte(document, '}');
}

// What to say when no source gave an answer: the accountant's word, or the only one's.
static void fill_failure(const struct question *question, struct answer_head *head) {
    const struct question_part *part = &question->parts[SOURCE_accountant];
    if (!part->is_asked || (part->is_silent && question->parts[SOURCE_broker].exit != 0))
        part = &question->parts[SOURCE_broker];
    head->exit = part->exit ? part->exit : EX_SOFTWARE;
    head->detail = bytes_text(part->detail);
}

// The accountant, who knows all batches, says that a name means several: the broker, who knows
// only some, must not choose one.
static bool is_ambiguous(const struct question *question) {
    const struct question_part *part = &question->parts[SOURCE_accountant];
    return part->is_asked && !part->is_silent && part->exit == EX_DATAERR;
}

static void fill_answer(const struct question *question, struct bytes own, struct answer_head *head,
                        struct buf *document) {
    const struct question_part *parts = question->parts;
    buf_reset(document);
    *head = (struct answer_head){.request = question->client_request};
    if (question->form->merge == MERGE_stat)
        merge_stat(question, own, document);
    else if (is_ambiguous(question) ||
             (!is_good(&parts[SOURCE_broker]) && !is_good(&parts[SOURCE_accountant])))
        fill_failure(question, head);
    else if (question->form->merge == MERGE_live)
        merge_live(question, document);
    else
        put_document(&parts[parts[SOURCE_broker].is_asked ? SOURCE_broker : SOURCE_accountant],
                     document);
    if (buf_state(document) != ERR_OK || document->size > FRAME_BYTES_MAX) {
        head->exit = EX_SOFTWARE;
        head->detail = bytes_text("the answer is larger than a message; ask for a smaller page");
        buf_reset(document);
    }
}

static void give_up(struct question *question) {
    for (int i = 0; i < SOURCES; i++) {
        struct question_part *part = &question->parts[i];
        if (!part->is_asked || part->is_here)
            continue;
        part->is_here = part->is_silent = true;
        part->exit = EX_UNAVAILABLE;
        (void)snprintf(part->detail, sizeof(part->detail), "the %s did not answer within %d s",
                       source_names[i], QUERY_LIMIT_MS / 1000);
    }
}

static bool is_complete(const struct question *question) {
    for (int i = 0; i < SOURCES; i++)
        if (question->parts[i].is_asked && !question->parts[i].is_here)
            return false;
    return true;
}

bool questions_ready(struct questions *questions, uint64_t now_ms, struct bytes own,
                     struct route *client, struct answer_head *head, struct buf *document) {
    static char detail[DETAIL_BYTES_MAX + 1]; // outlives the question, until the next call
    for (uint32_t i = 0; questions->used > 0 && i < QUERIES_MAX; i++) {
        struct question *question = &questions->slots[i];
        if (!question->is_used)
            continue;
        if (now_ms - question->asked_ms >= QUERY_LIMIT_MS)
            give_up(question);
        if (!is_complete(question))
            continue;
        fill_answer(question, own, head, document);
        (void)snprintf(detail, sizeof(detail), "%.*s", (int)head->detail.size,
                       head->detail.size ? (const char *)head->detail.at : "");
        head->detail = bytes_text(detail);
        *client = question->client;
        forget(questions, question);
        return true;
    }
    return false;
}

long questions_rest_ms(const struct questions *questions, uint64_t now_ms) {
    long rest = -1;
    for (uint32_t i = 0; questions->used > 0 && i < QUERIES_MAX; i++) {
        const struct question *question = &questions->slots[i];
        if (!question->is_used)
            continue;
        uint64_t age = now_ms - question->asked_ms;
        long left = age < QUERY_LIMIT_MS ? (long)(QUERY_LIMIT_MS - age) : 0;
        if (rest < 0 || left < rest)
            rest = left;
    }
    return rest;
}
