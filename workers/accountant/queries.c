#include "workers/accountant/queries.h"

#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/sock.h"
#include "workers/accountant/inquirer.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queries {
    struct inquirer inquirer;
    struct sock sock;
    struct message message;
    pthread_t thread;
    int stop_fd;
    _Atomic bool is_stopping;
};

static void answer(struct queries *queries, struct message *message) {
    struct inquirer *inquirer = &queries->inquirer;
    struct query_head query;
    if (message->wire.kind != KIND_query || wire_head(&message->wire, &query) != ERR_OK) {
        log_line(LOG_WARN, "query.malformed", "kind=%s", wire_kind(message->wire.kind)->name);
        return;
    }
    int exit = inquirer_ask(inquirer, query.what, query.arguments);
    const struct answer_head head = {
        .request = query.request,
        .exit = (uint64_t)exit,
        .detail = bytes_text(inquirer->detail),
    };
    struct bytes frame = exit == 0 ? buf_bytes(&inquirer->answer) : bytes_text("{}");
    // Who does not wait for the answer any more gets none.
    (void)sock_send_head(&queries->sock, &message->route, KIND_answer, &head, &frame, 1);
    atomic_fetch_add(&inquirer->figures->queries, 1);
}

static void *serve(void *argument) {
    struct queries *queries = argument;
    struct sock *socks[] = {&queries->sock};
    while (!atomic_load(&queries->is_stopping)) {
        enum err e = sock_receive(&queries->sock, &queries->message);
        if (e == ERR_AGAIN) {
            sock_wait(socks, 1, &queries->stop_fd, 1, -1);
        } else if (e == ERR_OK) {
            answer(queries, &queries->message);
            message_release(&queries->message);
        }
    }
    return NULL;
}

enum err queries_open(struct queries **queries, const char *endpoint, const char *path,
                      struct findex *findex, struct figures *figures) {
    struct queries *new_queries = mem_new(sizeof(*new_queries));
    new_queries->stop_fd = eventfd(0, EFD_CLOEXEC);
    enum err e = new_queries->stop_fd < 0 ? ERR_IO : sock_bind(&new_queries->sock, endpoint);
    if (e == ERR_OK) {
        e = inquirer_open(&new_queries->inquirer, path, findex, figures);
        if (e == ERR_OK && pthread_create(&new_queries->thread, NULL, serve, new_queries) != 0)
            e = ERR_IO;
        if (e != ERR_OK) {
            inquirer_close(&new_queries->inquirer);
            sock_close(&new_queries->sock, 0);
        }
    }
    if (e == ERR_OK) {
        *queries = new_queries;
        return ERR_OK;
    }
    if (new_queries->stop_fd >= 0)
        (void)close(new_queries->stop_fd);
    mem_free(new_queries);
    return e;
}

void queries_close(struct queries *queries) {
    const uint64_t one = 1;
    if (!queries)
        return;
    atomic_store(&queries->is_stopping, true);
    db_interrupt(&queries->inquirer.db);
    if (write(queries->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
        log_line(LOG_WARN, "queries.stop", "why=\"the thread could not be woken\"");
    (void)pthread_join(queries->thread, NULL);
    inquirer_close(&queries->inquirer);
    sock_close(&queries->sock, 0);
    (void)close(queries->stop_fd);
    mem_free(queries);
}
