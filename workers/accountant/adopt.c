// Enters a catalogue into the ledger: the tables that people and reports see. Rows of former
// catalogues stay, since calls refer to them, and are only no longer listed.
#include "common/limits.h"
#include "workers/accountant/ledger.h"

#include <limits.h>

static void bind_rate(sqlite3_stmt *put, int at, int64_t rate) {
    if (rate < 0)
        db_bind_null(put, at);
    else
        db_bind_i64(put, at, rate);
}

static void bind_span_end(sqlite3_stmt *put, int at, int64_t until_ms) {
    if (until_ms == INT64_MAX)
        db_bind_null(put, at);
    else
        db_bind_i64(put, at, until_ms);
}

static enum err put_platforms(struct ledger *ledger, const struct catalogue *catalogue) {
    sqlite3_stmt *put = NULL;
    enum err e = db_prepare(
        &ledger->db,
        "INSERT INTO ai_platform (provider, api, base_url, api_stateful, is_listed, entry) "
        "VALUES (?1,?2,?3,?4,1,?5) ON CONFLICT (provider, api) DO UPDATE SET "
        "base_url=excluded.base_url, api_stateful=excluded.api_stateful, is_listed=1, "
        "entry=excluded.entry",
        &put);
    for (size_t i = 0; e == ERR_OK && i < catalogue_api_count(catalogue); i++) {
        const struct provider_api *api = catalogue_api_at(catalogue, i);
        db_bind_text(put, 1, bytes_text(api->provider));
        db_bind_text(put, 2, bytes_text(api->api));
        db_bind_text(put, 3, bytes_text(api->base_url));
        db_bind_i64(put, 4, api->api_stateful);
        db_bind_text(put, 5, bytes_text(api->json));
        e = db_run(put);
    }
    (void)sqlite3_finalize(put);
    return e;
}

static enum err put_models(struct ledger *ledger, const struct catalogue *catalogue) {
    sqlite3_stmt *put = NULL;
    enum err e = db_prepare(&ledger->db,
                            "INSERT INTO model (provider, name, is_listed) VALUES (?1,?2,1) "
                            "ON CONFLICT (provider, name) DO UPDATE SET is_listed=1",
                            &put);
    for (size_t i = 0; e == ERR_OK && i < catalogue_price_count(catalogue); i++) {
        const struct price *price = catalogue_price_at(catalogue, i);
        db_bind_text(put, 1, bytes_text(price->provider));
        db_bind_text(put, 2, bytes_text(price->model));
        e = db_run(put);
    }
    (void)sqlite3_finalize(put);
    return e;
}

static void bind_price(sqlite3_stmt *put, const struct price *price) {
    const int64_t rates[] = {
        price->rates.in_uncached, price->rates.in_cached, price->rates.in_cache_write,
        price->rates.in_audio,    price->rates.out,       price->rates.out_audio};
    bind_rate(put, 16, price->rates.in_cache_write_1h);
    bind_rate(put, 17, price->web_search);
    bind_rate(put, 18, price->rates.in_image);
    bind_rate(put, 19, price->rates.out_image);
    db_bind_text(put, 1, bytes_text(price->name));
    db_bind_text(put, 2, bytes_text(price->provider));
    db_bind_text(put, 3, bytes_text(price->model));
    db_bind_i64(put, 4, price->from_ms);
    bind_span_end(put, 5, price->until_ms);
    for (int i = 0; i < 6; i++)
        bind_rate(put, 6 + i, rates[i]);
    db_bind_i64(put, 12, price->per_request);
    db_bind_text(put, 13, bytes_text(price->source));
    db_bind_text(put, 14, bytes_text(price->date));
    db_bind_text(put, 15, bytes_text(price->json));
}

static enum err put_prices(struct ledger *ledger, const struct catalogue *catalogue) {
    sqlite3_stmt *put = NULL;
    enum err e = db_prepare(
        &ledger->db,
        "INSERT INTO price (name, model, from_ms, until_ms, in_uncached, in_cached, "
        "in_cache_write, in_audio, out, out_audio, per_request, source, read_on, entry, "
        "in_cache_write_1h, web_search, in_image, out_image, is_listed) "
        "VALUES (?1, (SELECT model FROM model WHERE provider=?2 AND name=?3), "
        "?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,1) ON CONFLICT (name) DO UPDATE "
        "SET "
        "model=excluded.model, from_ms=excluded.from_ms, until_ms=excluded.until_ms, "
        "in_uncached=excluded.in_uncached, in_cached=excluded.in_cached, "
        "in_cache_write=excluded.in_cache_write, in_audio=excluded.in_audio, out=excluded.out, "
        "out_audio=excluded.out_audio, per_request=excluded.per_request, source=excluded.source, "
        "read_on=excluded.read_on, entry=excluded.entry, "
        "in_cache_write_1h=excluded.in_cache_write_1h, web_search=excluded.web_search, "
        "in_image=excluded.in_image, out_image=excluded.out_image, "
        "is_listed=1",
        &put);
    for (size_t i = 0; e == ERR_OK && i < catalogue_price_count(catalogue); i++) {
        bind_price(put, catalogue_price_at(catalogue, i));
        e = db_run(put);
    }
    (void)sqlite3_finalize(put);
    return e;
}

static enum err put_document(struct ledger *ledger, const char *hash, struct bytes document) {
    sqlite3_stmt *put = NULL;
    enum err e = db_prepare(&ledger->db,
                            "INSERT INTO catalogue (hash, at_ms, document) VALUES (?1,?2,?3) "
                            "ON CONFLICT (hash) DO UPDATE SET document=excluded.document",
                            &put);
    if (e == ERR_OK)
        e = squeeze(&ledger->squeezer, document, &ledger->squeezed);
    if (e == ERR_OK) {
        db_bind_text(put, 1, bytes_text(hash));
        db_bind_i64(put, 2, ledger->now_ms);
        db_bind_blob(put, 3, buf_bytes(&ledger->squeezed));
        e = db_run(put);
    }
    (void)sqlite3_finalize(put);
    return e;
}

enum err ledger_adopt(struct ledger *ledger, const struct catalogue *catalogue,
                      struct bytes document) {
    enum err e = db_begin(&ledger->db);
    if (e == ERR_OK)
        e = db_exec(&ledger->db, "UPDATE ai_platform SET is_listed=0; UPDATE model SET is_listed=0;"
                                 "UPDATE price SET is_listed=0");
    if (e == ERR_OK)
        e = put_platforms(ledger, catalogue);
    if (e == ERR_OK)
        e = put_models(ledger, catalogue);
    if (e == ERR_OK)
        e = put_prices(ledger, catalogue);
    if (e == ERR_OK)
        e = put_document(ledger, catalogue_hash(catalogue), document);
    if (e == ERR_OK)
        e = db_commit(&ledger->db);
    else
        db_rollback(&ledger->db);
    ledger->catalogue = catalogue;
    return e;
}
