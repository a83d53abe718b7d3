#include "tests/provider-sim/bill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

_Noreturn static void bill_lost(const char *what) {
    fprintf(stderr, "provider-sim: %s the bill: %s\n", what, strerror(errno));
    exit(EX_IOERR);
}

// Counts the lines that are there; a line that was torn by a crash is ended.
static void bill_count(struct bill *bill) {
    char block[65536];
    char last = '\n';
    ssize_t size;
    while ((size = read(bill->fd, block, sizeof(block))) > 0) {
        for (ssize_t i = 0; i < size; i++)
            bill->n += block[i] == '\n';
        last = block[size - 1];
    }
    if (size < 0)
        bill_lost("read");
    if (last != '\n')
        text_add(&bill->pending, "\n");
}

void bill_open(struct bill *bill, const char *path) {
    *bill = (struct bill){.fd = -1};
    if (path == NULL)
        return;
    bill->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (bill->fd < 0)
        bill_lost("open");
    bill_count(bill);
}

static void bill_text(struct text *out, const char *name, struct span value) {
    text_add(out, ",\"");
    text_add(out, name);
    text_add(out, "\":\"");
    text_json(out, value);
    text_add(out, "\"");
}

// A value that is the inside of a JSON string already.
static void bill_raw(struct text *out, const char *name, struct span value) {
    text_add(out, ",\"");
    text_add(out, name);
    text_add(out, "\":\"");
    text_span(out, value);
    text_add(out, "\"");
}

static void bill_number(struct text *out, const char *name, int64_t value) {
    text_add(out, ",\"");
    text_add(out, name);
    text_add(out, "\":");
    text_number(out, (uint64_t)value);
}

static void bill_flag(struct text *out, const char *name, bool value) {
    text_add(out, ",\"");
    text_add(out, name);
    text_add(out, value ? "\":true" : "\":false");
}

static void bill_money(struct text *out, const struct charge *charge, bool is_billed) {
    struct tokens none = {0};
    const struct tokens *tokens = is_billed ? &charge->tokens : &none;
    bill_number(out, "input_tokens", tokens->input);
    bill_number(out, "cached_tokens", tokens->cached);
    bill_number(out, "cache_write_tokens", tokens->written);
    bill_number(out, "cache_write_1h_tokens", tokens->written_1h);
    bill_number(out, "output_tokens", tokens->output);
    bill_number(out, "reasoning_tokens", tokens->reasoning);
    bill_number(out, "tool_use_tokens", tokens->tool_use);
    bill_number(out, "web_searches", tokens->searches);
    if (is_billed && !charge->has_price)
        text_add(out, ",\"pusd\":null");
    else
        bill_number(out, "pusd", is_billed ? charge->pusd : 0);
}

void bill_add(struct bill *bill, const struct charge *charge, struct moment now) {
    if (bill->fd < 0 || charge->is_free)
        return;
    struct text *out = &bill->pending;
    bool is_billed = fault_is_billed(charge->fault);
    text_add(out, "{\"n\":");
    text_number(out, ++bill->n);
    bill_number(out, "at_ms", now.unix_ms);
    bill_raw(out, "api", span_of(charge->api == NULL ? "" : charge->api));
    bill_text(out, "call", (struct span){charge->call, charge->call_size});
    bill_raw(out, "request_id", (struct span){charge->request_id, charge->request_id_size});
    bill_raw(out, "response_id", (struct span){charge->response_id, charge->response_id_size});
    bill_raw(out, "model", (struct span){charge->model, charge->model_size});
    bill_raw(out, "model_requested",
             (struct span){charge->model_requested, charge->model_requested_size});
    bill_number(out, "status", charge->status);
    bill_flag(out, "billed", is_billed);
    bill_flag(out, "delivered", charge->fault == FAULT_NONE);
    bill_raw(out, "fault", span_of(fault_text(charge->fault)));
    bill_raw(out, "tier",
             span_of(charge->rate.is_flex   ? "flex"
                     : charge->rate.is_us   ? "us"
                     : charge->rate.is_peak ? "peak"
                                            : "default"));
    bill_money(out, charge, is_billed);
    bill_number(out, "messages", (int64_t)charge->messages);
    text_add(out, ",\"body_sha256\":\"");
    text_hex(out, charge->body_hash, charge->has_body ? HASH_SIZE : 0);
    text_add(out, "\"}\n");
}

void bill_flush(struct bill *bill) {
    size_t from = 0;
    while (from < bill->pending.size) {
        ssize_t size = write(bill->fd, bill->pending.at + from, bill->pending.size - from);
        if (size < 0 && errno != EINTR)
            bill_lost("write");
        from += size > 0 ? (size_t)size : 0;
    }
    text_reset(&bill->pending);
}

void bill_close(struct bill *bill) {
    bill_flush(bill);
    if (bill->fd >= 0)
        close(bill->fd);
    bill->fd = -1;
    text_release(&bill->pending);
}
