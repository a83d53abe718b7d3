#include "tools/sink.h"

#include "common/json.h"
#include "tools/call.h"
#include "tools/render.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static FILE *open_file(const char *name) {
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file)
        fail(EX_CANTCREAT, "%s: cannot be written: %s; nothing was submitted", name,
             strerror(errno));
    return file;
}

void sink_open(struct sink *sink, const char *output, const char *errors) {
    *sink = (struct sink){.output = {.file = stdout, .name = output}, .errors = {.name = errors}};
    if (output)
        sink->output.file = open_file(output);
    if (errors)
        sink->errors.file = open_file(errors);
}

// ---- each a file of its own ---------------------------------------------------------------------

// Devices and pipes take whatever comes from everybody.
static bool is_regular(const struct sink_file *to, struct stat *info) {
    return to->file && fstat(fileno(to->file), info) == 0 && S_ISREG(info->st_mode);
}

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

void sink_expect_apart(const struct sink *sink, const char *input, const struct stat *info) {
    struct stat output, errors;
    bool has_output = is_regular(&sink->output, &output);
    bool has_errors = is_regular(&sink->errors, &errors);
    const char *option = sink->output.name ? "--output" : "stdout";
    if (has_output && is_same(&output, info))
        fail(EX_USAGE,
             "%s is both the input and %s: its lines would be lost; name another file for the "
             "results",
             input, option);
    if (has_errors && is_same(&errors, info))
        fail(EX_USAGE,
             "%s is both the input and --errors: its lines would be lost; name another file for "
             "the errors",
             input);
    if (has_output && has_errors && is_same(&output, &errors))
        fail(EX_USAGE, "%s is both %s and --errors: name a file for each", sink->errors.name,
             option);
}

// ---- writing ------------------------------------------------------------------------------------

static void check(const struct sink *sink, const struct sink_file *to, bool is_good) {
    if (!is_good)
        fail(EX_IOERR, "%s: cannot be written: %s; %s", to->name, strerror(errno),
             sink->has_batch ? "the batch goes on without this command" : "nothing was submitted");
}

static void begin(const struct sink *sink, struct sink_file *to) {
    struct stat info;
    if (to->name && !to->is_begun && is_regular(to, &info))
        check(sink, to, ftruncate(fileno(to->file), 0) == 0);
    to->is_begun = true;
}

void sink_begin(struct sink *sink) {
    sink->has_batch = true;
    begin(sink, &sink->output);
    begin(sink, &sink->errors);
}

static void put_line(const struct sink *sink, struct sink_file *to, struct bytes line) {
    if (!to->name) {
        if (sink->progress)
            progress_close(sink->progress);
        out_bytes(line);
        out_text("\n");
        return;
    }
    begin(sink, to);
    check(sink, to,
          fwrite(line.at, 1, line.size, to->file) == line.size && fputc('\n', to->file) != EOF);
}

static bool has_failed(struct bytes line) {
    struct bytes error;
    return json_member(line, "error", &error) && !bytes_is(error, "null");
}

void sink_result(struct sink *sink, struct bytes line) {
    sink->lines++;
    put_line(sink, &sink->output, line);
    if (!sink->errors.file || !has_failed(line))
        return;
    sink->failed++;
    put_line(sink, &sink->errors, line);
}

void sink_refused(struct sink *sink, uint64_t line, struct bytes custom_id, struct bytes reason,
                  struct bytes detail) {
    struct buf text;
    if (!sink->errors.file)
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
    put_line(sink, &sink->errors, buf_bytes(&text));
    buf_release(&text);
}

void sink_flush(struct sink *sink) {
    if (sink->output.name)
        check(sink, &sink->output, fflush(sink->output.file) == 0);
    else
        out_flush();
    if (sink->errors.file)
        check(sink, &sink->errors, fflush(sink->errors.file) == 0);
}

void sink_close(struct sink *sink) {
    sink_flush(sink);
    if (sink->output.name)
        check(sink, &sink->output, fclose(sink->output.file) == 0);
    if (sink->errors.file)
        check(sink, &sink->errors, fclose(sink->errors.file) == 0);
    *sink = (struct sink){.lines = 0};
}
