#include "tools/progress.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"
#include "tools/render.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void progress_open(struct progress *progress, bool is_json, bool is_quiet) {
    *progress = (struct progress){
        .is_quiet = is_quiet,
        .is_terminal = !is_json && isatty(STDERR_FILENO),
        .is_json = is_json,
    };
}

static size_t terminal_columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10)
        return size.ws_col;
    return LINE_COLUMNS;
}

size_t progress_columns(const struct progress *progress) {
    return progress->is_terminal ? terminal_columns() - 1 : 0;
}

// stderr that cannot be written has nowhere to be reported: errors are not looked at.
void progress_event(struct progress *progress, const char *event, const char *text,
                    const json_t *members) {
    if (progress->is_quiet)
        return;
    json_t *line =
        json_pack("{s:s, s:s, s:s}", "schema", "colloq/event/1", "event", event, "text", text);
    bool is_whole = line && json_object_update(line, (json_t *)members) == 0;
    char *dumped = is_whole ? json_dumps(line, JSON_COMPACT) : NULL;
    progress_close(progress);
    (void)fprintf(stderr, "%s\n", dumped ? dumped : "{}");
    mem_free(dumped);
    json_decref(line);
}

void progress_document(struct progress *progress, const char *event, const char *text,
                       const char *name, const json_t *document) {
    struct buf line;
    if (progress->is_quiet)
        return;
    char *dumped = document ? json_dumps(document, JSON_COMPACT) : NULL;
    progress_close(progress);
    buf_init(&line, 1 << 20);
    buf_printf(&line, "{\"schema\":\"colloq/event/1\",\"event\":\"%s\",\"text\":", event);
    json_put_text(&line, bytes_text(text));
    if (dumped)
        buf_printf(&line, ",\"%s\":%s", name, dumped);
    buf_text(&line, "}\n");
    (void)fputs(buf_cstr(&line), stderr);
    buf_release(&line);
    mem_free(dumped);
}

void progress_join(const struct progress_parts *parts, size_t columns, char *text, size_t size) {
    const char *shown[] = {parts->task, parts->counts, parts->rate, parts->rest, parts->cost};
    static const int given_up[] = {2, 3, 4, 0, 1}; // in this order, where there is no room
    enum { PARTS = sizeof(shown) / sizeof(shown[0]) };
    bool has_own_word = strncmp(parts->wait, "waits", 5) == 0;
    for (int i = 0; i <= PARTS; i++) {
        size_t used = 0;
        text[0] = 0;
        for (int k = 0; k < PARTS; k++)
            if (*shown[k] && used < size)
                used +=
                    (size_t)snprintf(text + used, size - used, "%s%s", used ? "  " : "", shown[k]);
        if (*parts->wait && used < size)
            (void)snprintf(text + used, size - used, "%s%s%s", used ? "  " : "",
                           has_own_word ? "" : "waits: ", parts->wait);
        if (columns == 0 || i == PARTS || text_columns(text) <= columns)
            return;
        shown[given_up[i]] = "";
    }
}

// Whether two texts differ in more than their numbers: seconds that run down are no news.
static bool differ(const char *a, const char *b) {
    for (;; a++, b++) {
        while (isdigit((unsigned char)*a))
            a++;
        while (isdigit((unsigned char)*b))
            b++;
        if (*a != *b)
            return true;
        if (*a == 0)
            return false;
    }
}

void progress_long_wait(struct progress *progress, char *wait, size_t size) {
    size_t columns = progress_columns(progress);
    if (columns == 0 || text_columns(wait) <= columns / 2)
        return;
    if (differ(wait, progress->told)) {
        progress_note(progress, "waits", "Waits: %s", wait);
        (void)snprintf(progress->told, sizeof(progress->told), "%s", wait);
    }
    (void)snprintf(wait, size, "waits, see above");
}

void progress_show(struct progress *progress, const char *text, const char *state,
                   uint64_t now_ms) {
    bool is_news = differ(state, progress->state);
    if (progress->is_quiet)
        return;
    (void)snprintf(progress->state, sizeof(progress->state), "%s", state);
    if (progress->is_terminal) {
        char line[PROGRESS_TEXT_SIZE];
        text_fit(text, terminal_columns() - 1, line, sizeof(line));
        if (progress->has_line && strcmp(line, progress->said) == 0)
            return;
        (void)fprintf(stderr, "\r%s\033[K", line);
        (void)fflush(stderr);
        progress->has_line = true;
        (void)snprintf(progress->said, sizeof(progress->said), "%s", line);
        return;
    }
    // What is over at once needs no report on its way.
    if (progress->said_ms == 0)
        progress->said_ms = now_ms;
    if (!is_news && now_ms - progress->said_ms < PROGRESS_PLAIN_MS)
        return;
    if (progress->is_json)
        progress_document(progress, "progress", text, NULL, NULL);
    else
        (void)fprintf(stderr, "%s\n", text);
    progress->said_ms = now_ms;
}

void progress_note(struct progress *progress, const char *event, const char *format, ...) {
    char text[4096];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (progress->is_quiet)
        return;
    if (progress->is_json) {
        progress_document(progress, event, text, NULL, NULL);
        return;
    }
    progress_close(progress);
    text_clean(text, true);
    (void)fprintf(stderr, "%s\n", text);
}

void progress_close(struct progress *progress) {
    if (progress->has_line)
        (void)fprintf(stderr, "\r\033[K");
    progress->has_line = false;
}
