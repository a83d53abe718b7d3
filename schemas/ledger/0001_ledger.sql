-- The ledger: every provider call named and priced. Ids are 16 bytes (UUIDs of jobs, batches and
-- conversations; call ids), instants Unix ms, money integer pico-USD (1 USD = 10^12); NULL is
-- "not stated" or "no price", never 0. Columns named evidence, line, content and document hold
-- compressed bytes (common/squeeze.h).

CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL,
    simulated INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    journal BLOB,                          -- the journal that it last worked with
    applied INTEGER NOT NULL DEFAULT 0,    -- highest record number committed
    records INTEGER NOT NULL DEFAULT 0,    -- records applied, repeats included
    finished INTEGER NOT NULL DEFAULT 0,   -- newest value of job.finished
    run INTEGER NOT NULL DEFAULT 0,        -- newest run of the value index
    indexed_call INTEGER NOT NULL DEFAULT 0,
    indexed_job INTEGER NOT NULL DEFAULT 0,
    indexed_conversation INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What the catalogue says. Rows of former catalogues stay: calls refer to them.
CREATE TABLE catalogue (
    catalogue INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    at_ms INTEGER NOT NULL,
    document BLOB                          -- NULL: known by its hash only
) STRICT;

CREATE TABLE ai_platform (
    platform INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    api TEXT NOT NULL,
    base_url TEXT,
    api_stateful INTEGER,
    is_listed INTEGER NOT NULL,            -- in the present catalogue
    entry TEXT,                            -- as the catalogue has it, JSON
    UNIQUE (provider, api)
) STRICT;

CREATE TABLE model (
    model INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    is_listed INTEGER NOT NULL,            -- has a price entry in the present catalogue
    UNIQUE (provider, name)
) STRICT;

-- Rates are pico-USD per token.
CREATE TABLE price (
    price INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,             -- provider/model@date: what a rating was made by
    model INTEGER REFERENCES model,
    from_ms INTEGER,
    until_ms INTEGER,                      -- NULL: until further notice
    in_uncached INTEGER,
    in_cached INTEGER,
    in_cache_write INTEGER,
    in_audio INTEGER,
    out INTEGER,
    out_audio INTEGER,
    in_cache_write_1h INTEGER,
    in_image INTEGER,
    out_image INTEGER,
    per_request INTEGER,
    web_search INTEGER,
    source TEXT,
    read_on TEXT,
    is_listed INTEGER NOT NULL,
    entry TEXT
) STRICT;

CREATE TABLE worker (
    worker INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- "key=value", from --tag, a turn's tags or a native body's metadata.
CREATE TABLE tag (
    tag INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE batch (
    batch INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    key TEXT,                              -- idempotency key; NULL until its record came
    digest BLOB,                           -- SHA-256 of all lines
    head BLOB,                             -- SHA-256 of the file's first lines
    name TEXT,
    tags TEXT,                             -- JSON object of texts
    state TEXT,                            -- open, sealed, settled, cancelled
    revision INTEGER NOT NULL DEFAULT 0,
    record INTEGER NOT NULL DEFAULT 0,     -- number of the record that told it
    lines INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    settled_ms INTEGER,
    -- Counters of its jobs, changed with them.
    jobs INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    answered INTEGER NOT NULL DEFAULT 0,
    cut INTEGER NOT NULL DEFAULT 0,        -- of the answered: at the length limit
    dead INTEGER NOT NULL DEFAULT 0,
    parked INTEGER NOT NULL DEFAULT 0,
    expired INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    conversations INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX batch_by_key ON batch (key);
CREATE INDEX batch_by_name ON batch (name);
CREATE INDEX batch_by_head ON batch (head) WHERE head IS NOT NULL;

CREATE TABLE batch_tag (
    tag INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    PRIMARY KEY (tag, batch)
) STRICT, WITHOUT ROWID;

-- Conversations of turns, each under the batch and the name that it began with; its later turns may
-- be of other batches. A single call is a conversation of its own, under its job's id, and
-- has no row here.
CREATE TABLE conversation (
    conversation INTEGER PRIMARY KEY,
    id BLOB NOT NULL,                      -- found through value_index
    batch INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    is_continued INTEGER NOT NULL DEFAULT 0, -- other batches have turns of it, too
    UNIQUE (batch, name)
) STRICT;
CREATE INDEX conversation_continued ON conversation (conversation) WHERE is_continued;

-- A job, from its first record on. `line` stands in job_line.
CREATE TABLE job (
    job INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    number INTEGER NOT NULL,               -- in the journal
    batch INTEGER NOT NULL,
    line INTEGER NOT NULL,                 -- 0: made by us
    custom_id TEXT,
    conversation INTEGER,                  -- NULL: a single call
    turn INTEGER NOT NULL,
    platform INTEGER NOT NULL,
    model INTEGER NOT NULL,                -- as asked for
    key TEXT NOT NULL,                     -- alias of the provider key
    tags TEXT,                             -- of line and conversation, JSON object of texts
    states INTEGER NOT NULL,               -- what its line states: 1 system, 2 params, 4 tools
    outcome TEXT,                          -- NULL: it goes on
    revision INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    answer INTEGER,                        -- the call whose answer it is
    is_cut INTEGER NOT NULL DEFAULT 0,     -- the answer ended at the length limit
    finished INTEGER,                      -- grows with each outcome; moves when it is replaced
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX job_by_line ON job (batch, line);
CREATE INDEX job_by_finish ON job (batch, finished) WHERE finished IS NOT NULL;
CREATE INDEX job_by_turn ON job (conversation, turn) WHERE conversation IS NOT NULL;

CREATE TABLE job_line (
    job INTEGER PRIMARY KEY,
    line BLOB NOT NULL
) STRICT;

-- The two sides of each answered turn, as neutral messages.
CREATE TABLE message (
    message INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    role TEXT NOT NULL,                    -- user; brought: the assistant's, from before; assistant
    job INTEGER NOT NULL,
    call INTEGER NOT NULL,                 -- whose answer made the turn part of the conversation
    at_ms INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;
CREATE INDEX message_by_turn ON message (conversation, turn);

-- One row an attempt, in every state.
CREATE TABLE call (
    call INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    job INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    conversation INTEGER,
    turn INTEGER NOT NULL,
    record INTEGER NOT NULL,               -- number of the record that told it
    state TEXT NOT NULL,                   -- answered, failed, not_started, unknown, unextracted
    role TEXT NOT NULL,                    -- answer, superfluous, none
    platform INTEGER NOT NULL,
    model INTEGER NOT NULL,                -- asked for
    served INTEGER,                        -- model that served
    tier TEXT,
    status INTEGER,
    class TEXT,
    reason TEXT,
    detail TEXT,
    bytes_left INTEGER NOT NULL,
    worker INTEGER,
    catalogue INTEGER,
    traceparent TEXT,
    strategy TEXT,
    context BLOB,                          -- SHA-256 of the context that was sent
    context_turns TEXT,                    -- the turns in it: 1-3,5
    digest BLOB NOT NULL,                  -- of the end, as the worker gave it
    marked_ms INTEGER,
    started_ms INTEGER,
    first_byte_ms INTEGER,
    first_token_ms INTEGER,                -- of a stream
    duration_ms INTEGER,
    retry_after_ms INTEGER,
    at_ms INTEGER NOT NULL,
    day INTEGER NOT NULL,                  -- of the mark, days since 1970-01-01 UTC
    finish TEXT,
    finish_raw TEXT,
    error_type TEXT,
    error_code TEXT,
    error_message TEXT,
    in_uncached INTEGER,                   -- disjoint
    in_cached INTEGER,
    in_cache_write INTEGER,                -- for the provider's ordinary time
    in_audio INTEGER,
    out_visible INTEGER,
    out_reasoning INTEGER,
    out_audio INTEGER,
    in_cache_write_1h INTEGER,
    web_searches INTEGER,                  -- no tokens
    in_tool_use INTEGER,
    in_image INTEGER,
    out_image INTEGER,
    total_stated INTEGER,
    is_inconsistent INTEGER NOT NULL,
    cost_state TEXT NOT NULL,              -- priced, unpriced, stated, none
    amount_pusd INTEGER,
    stated_pusd INTEGER,
    computed_pusd INTEGER,
    price INTEGER,
    unpriced TEXT,                         -- why there is no price
    is_possibly_billed INTEGER NOT NULL,
    possibly_pusd INTEGER,                 -- upper bound; NULL with the flag: no price for one
    identifiers BLOB                       -- packed: workers/accountant/identifiers.h
) STRICT;
CREATE INDEX call_by_job ON call (job, attempt);

-- Answer headers, body, metadata, raw usage and neutral message, packed and compressed.
CREATE TABLE answer (
    call INTEGER PRIMARY KEY,
    evidence BLOB NOT NULL
) STRICT;

CREATE TABLE identifier_kind (
    kind INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    source TEXT NOT NULL,                  -- JSONPath, or header:name
    UNIQUE (name, source)
) STRICT;

-- Hashes of values to what they name, in runs that are each sorted and only ever appended.
-- target is row * 4 + 0 call, 1 job, 2 conversation.
CREATE TABLE value_index (
    run INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    target INTEGER NOT NULL,
    PRIMARY KEY (run, hash, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE refused_line (
    batch INTEGER NOT NULL,
    line INTEGER NOT NULL,
    custom_id TEXT,
    conversation_name TEXT,
    reason TEXT NOT NULL,
    detail TEXT,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (batch, line)
) STRICT, WITHOUT ROWID;

-- Sums, changed in the transaction of the calls that they sum up. By tag only what lines and
-- conversations state: a batch's own tags are joined in by batch_tag.
CREATE TABLE sum_by_model (
    batch INTEGER NOT NULL,
    day INTEGER NOT NULL,
    platform INTEGER NOT NULL,
    model INTEGER NOT NULL,                -- as served, else as asked for
    calls INTEGER NOT NULL,
    answers INTEGER NOT NULL,
    superfluous INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    not_started INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    unextracted INTEGER NOT NULL,
    priced INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    inconsistent INTEGER NOT NULL,
    possibly_billed INTEGER NOT NULL,
    possibly_unpriced INTEGER NOT NULL,
    amount_pusd INTEGER NOT NULL,
    possibly_pusd INTEGER NOT NULL,
    in_uncached INTEGER NOT NULL,
    in_cached INTEGER NOT NULL,
    in_cache_write INTEGER NOT NULL,
    in_audio INTEGER NOT NULL,
    out_visible INTEGER NOT NULL,
    out_reasoning INTEGER NOT NULL,
    out_audio INTEGER NOT NULL,
    in_cache_write_1h INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    in_tool_use INTEGER NOT NULL,
    in_image INTEGER NOT NULL,
    out_image INTEGER NOT NULL,
    PRIMARY KEY (batch, day, platform, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE sum_by_tag (
    tag INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    answers INTEGER NOT NULL,
    superfluous INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    not_started INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    unextracted INTEGER NOT NULL,
    priced INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    inconsistent INTEGER NOT NULL,
    possibly_billed INTEGER NOT NULL,
    possibly_unpriced INTEGER NOT NULL,
    amount_pusd INTEGER NOT NULL,
    possibly_pusd INTEGER NOT NULL,
    in_uncached INTEGER NOT NULL,
    in_cached INTEGER NOT NULL,
    in_cache_write INTEGER NOT NULL,
    in_audio INTEGER NOT NULL,
    out_visible INTEGER NOT NULL,
    out_reasoning INTEGER NOT NULL,
    out_audio INTEGER NOT NULL,
    in_cache_write_1h INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    in_tool_use INTEGER NOT NULL,
    in_image INTEGER NOT NULL,
    out_image INTEGER NOT NULL,
    PRIMARY KEY (tag, batch)
) STRICT, WITHOUT ROWID;

CREATE TABLE sum_by_conversation (
    conversation INTEGER PRIMARY KEY,
    calls INTEGER NOT NULL,
    answers INTEGER NOT NULL,
    superfluous INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    not_started INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    unextracted INTEGER NOT NULL,
    priced INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    inconsistent INTEGER NOT NULL,
    possibly_billed INTEGER NOT NULL,
    possibly_unpriced INTEGER NOT NULL,
    amount_pusd INTEGER NOT NULL,
    possibly_pusd INTEGER NOT NULL,
    in_uncached INTEGER NOT NULL,
    in_cached INTEGER NOT NULL,
    in_cache_write INTEGER NOT NULL,
    in_audio INTEGER NOT NULL,
    out_visible INTEGER NOT NULL,
    out_reasoning INTEGER NOT NULL,
    out_audio INTEGER NOT NULL,
    in_cache_write_1h INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    in_tool_use INTEGER NOT NULL,
    in_image INTEGER NOT NULL,
    out_image INTEGER NOT NULL
) STRICT;

-- A record that could not be applied, verbatim.
CREATE TABLE quarantine (
    quarantine INTEGER PRIMARY KEY,
    record INTEGER NOT NULL,
    job_id BLOB,
    call_id BLOB,
    why TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    item BLOB NOT NULL,                    -- the record as it came, MessagePack
    frames BLOB NOT NULL                   -- line, headers, body, facts; packed like evidence
) STRICT;
CREATE INDEX quarantine_by_record ON quarantine (record);
CREATE INDEX quarantine_by_job ON quarantine (job_id);

-- A record that says something else than an earlier one of the same call or outcome.
CREATE TABLE conflict (
    conflict INTEGER PRIMARY KEY,
    record INTEGER NOT NULL,
    job_id BLOB NOT NULL,
    call_id BLOB,
    what TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    item BLOB NOT NULL,
    frames BLOB NOT NULL
) STRICT;
CREATE INDEX conflict_by_record ON conflict (record);
CREATE INDEX conflict_by_job ON conflict (job_id);
