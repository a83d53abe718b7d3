#include "tools/sink.h"

#include "common/json.h"
#include "tools/call.h"
#include "tools/render.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

static FILE *open_file(const char *name) {
    FILE *file = fopen(name, "we");
    if (!file)
        fail(EX_CANTCREAT, "%s: cannot be written: %s; nothing was submitted", name,
             strerror(errno));
    return file;
}

void sink_open(struct sink *sink, const char *output, const char *errors) {
    *sink = (struct sink){.output = stdout, .output_name = output, .errors_name = errors};
    if (output)
        sink->output = open_file(output);
    if (errors)
        sink->errors = open_file(errors);
}

static void check(const char *name, bool is_good) {
    if (!is_good)
        fail(EX_IOERR, "%s: cannot be written: %s; the batch goes on without this command", name,
             strerror(errno));
}

static void put_line(const struct sink *sink, FILE *file, const char *name, struct bytes line) {
    if (!name) {
        if (sink->progress)
            progress_close(sink->progress);
        out_bytes(line);
        out_text("\n");
        return;
    }
    check(name, fwrite(line.at, 1, line.size, file) == line.size && fputc('\n', file) != EOF);
}

static bool has_failed(struct bytes line) {
    struct bytes error;
    return json_member(line, "error", &error) && !bytes_is(error, "null");
}

void sink_result(struct sink *sink, struct bytes line) {
    sink->lines++;
    put_line(sink, sink->output, sink->output_name, line);
    if (!sink->errors || !has_failed(line))
        return;
    sink->failed++;
    put_line(sink, sink->errors, sink->errors_name, line);
}

void sink_refused(struct sink *sink, uint64_t line, struct bytes custom_id, struct bytes reason,
                  struct bytes detail) {
    struct buf text;
    if (!sink->errors)
        return;
    sink->refused++;
    buf_init(&text, 64 << 10);
    buf_text(&text, "{\"id\":null,\"custom_id\":");
    if (custom_id.size > 0)
        json_put_text(&text, custom_id);
    else
        buf_text(&text, "null");
    buf_text(&text, ",\"response\":null,\"error\":{\"code\":");
    json_put_text(&text, reason);
    buf_text(&text, ",\"message\":");
    json_put_text(&text, detail);
    buf_printf(&text, "},\"colloq\":{\"line\":%llu,\"outcome\":\"refused\"}}",
               (unsigned long long)line);
    put_line(sink, sink->errors, sink->errors_name, buf_bytes(&text));
    buf_release(&text);
}

void sink_flush(struct sink *sink) {
    if (sink->output_name)
        check(sink->output_name, fflush(sink->output) == 0);
    else
        out_flush();
    if (sink->errors)
        check(sink->errors_name, fflush(sink->errors) == 0);
}

void sink_close(struct sink *sink) {
    sink_flush(sink);
    if (sink->output_name)
        check(sink->output_name, fclose(sink->output) == 0);
    if (sink->errors)
        check(sink->errors_name, fclose(sink->errors) == 0);
    *sink = (struct sink){.output = NULL};
}
