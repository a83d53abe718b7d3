#include "workers/extractor/assembly.h"

#include <string.h>

void assembly_init(struct assembly *assembly) {
    grown_init(&assembly->body);
    grown_init(&assembly->aside);
    grown_init(&assembly->rest);
    assembly->keeps_rest = false;
}

void assembly_release(struct assembly *assembly) {
    grown_release(&assembly->body);
    grown_release(&assembly->aside);
    grown_release(&assembly->rest);
    memset(assembly, 0, sizeof(*assembly));
}

void assembly_reset(struct assembly *assembly) {
    grown_reset(&assembly->body);
    grown_reset(&assembly->aside);
    grown_reset(&assembly->rest);
}

void assembly_aside_text(const struct assembly *assembly, uint32_t node, struct buf *out) {
    struct buf raw;
    struct json_scan scan;
    buf_init(&raw, GROWN_BYTES_MAX);
    json_scan_init(&scan);
    grown_put(&assembly->aside, node, &raw);
    if (buf_state(&raw) == ERR_OK && json_scan(&scan, buf_bytes(&raw), NULL) == ERR_OK) {
        struct buf scratch;
        buf_init(&scratch, GROWN_BYTES_MAX);
        struct bytes text = json_text(&scan, 0, &scratch);
        buf_put(out, text.at, text.size);
        buf_release(&scratch);
    }
    json_scan_release(&scan);
    buf_release(&raw);
}
