// What the end of an exchange means: answered, failed or not started, its class, its reason, and
// how long the provider asks to wait. Pure; decides nothing about retries, which are the broker's.
#ifndef PROVIDER_CLASSIFY_H
#define PROVIDER_CLASSIFY_H

#include "common/catalogue.h"
#include "common/json.h"
#include "workers/provider/adapter.h"
#include "workers/provider/transfer.h"

enum { CLASSIFY_DETAIL_BYTES_MAX = 256 };

// How an exchange ended, as transfer.h tells it.
struct outcome {
    enum transfer_end end;
    enum http_end http_end;
    unsigned status;
    bool has_left;
    struct bytes head;
    struct bytes body;
    const char *words; // the HTTP library's, where there is no answer; never NULL
    int64_t now_ms;    // Unix time
};

struct verdict {
    const char *ended; // answered | failed | not_started
    enum call_class class;
    char reason[REASON_BYTES_MAX + 1];
    char detail[CLASSIFY_DETAIL_BYTES_MAX]; // without content and keys
    unsigned status;                        // 0: no complete answer
    uint64_t retry_after_ms;
    bool has_begun; // no success, but something was generated: it may be billed
};

// scan is for its use.
void classify(const struct provider_api *api, const struct adapter *adapter,
              const struct outcome *outcome, struct json_scan *scan, struct verdict *verdict);

#endif
