-- The journal: jobs on their way. Narrow rows are read whole at a start; what is wide stands in
-- rows of its own, read when it is needed. No index on random values.

CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    journal BLOB NOT NULL,      -- which journal this is; the ledger names it too
    simulated INTEGER NOT NULL, -- whether its money is simulated
    starts INTEGER NOT NULL,    -- how often a broker has opened it
    jobs INTEGER NOT NULL,      -- highest job number given
    batches INTEGER NOT NULL,
    calls INTEGER NOT NULL,     -- highest call counter: never goes back
    issued INTEGER NOT NULL,    -- highest record number stored
    recorded INTEGER NOT NULL   -- highest record number that the ledger confirmed
) STRICT;

CREATE TABLE lane (
    slot INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    key TEXT NOT NULL,
    model TEXT NOT NULL,
    state INTEGER NOT NULL,
    held_reason TEXT NOT NULL,
    held_detail TEXT NOT NULL
) STRICT;

-- Processes that have attempts open.
CREATE TABLE worker (
    slot INTEGER PRIMARY KEY,
    process BLOB NOT NULL,
    name TEXT NOT NULL,
    slots INTEGER NOT NULL
) STRICT;

CREATE TABLE batch (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    tags TEXT NOT NULL,
    digest BLOB NOT NULL, -- SHA-256 of all lines up to accepted_through
    accepted_through INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    parked INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    attempts_max INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    state INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    billed INTEGER NOT NULL,     -- policy for attempts that may have been billed
    unanswered INTEGER NOT NULL, -- policy for the turns behind one without answer
    is_cancelled INTEGER NOT NULL,
    head BLOB NOT NULL           -- SHA-256 of the file's first lines
) STRICT;

-- Conversations of which a turn has no answer.
CREATE TABLE conversation (
    id BLOB PRIMARY KEY,
    batch INTEGER NOT NULL,
    highest_marked INTEGER NOT NULL, -- turn: one before it cannot be revived
    broken_at INTEGER NOT NULL       -- turn: what comes behind it is held up; 0: nothing is
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    batch INTEGER NOT NULL,
    conversation BLOB, -- NULL: a single call
    lane INTEGER NOT NULL,
    line INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    state INTEGER NOT NULL,
    tokens_estimate INTEGER NOT NULL,
    cost_max_pusd INTEGER NOT NULL,
    call BLOB, -- of the last attempt
    worker INTEGER NOT NULL,
    lease_number INTEGER NOT NULL,
    marked_wall_ms INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    backoffs INTEGER NOT NULL,
    delay_from_wall_ms INTEGER NOT NULL,
    delay_ms INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    recorded INTEGER NOT NULL,
    end_mark INTEGER NOT NULL,
    answer BLOB, -- the call whose end became the answer
    limit_ms INTEGER NOT NULL, -- of the last attempt's call
    is_cancelled INTEGER NOT NULL -- by a person, while a call was out
) STRICT;

-- Written once, when the job comes.
CREATE TABLE payload (
    job INTEGER PRIMARY KEY,
    custom_id TEXT NOT NULL,
    conversation TEXT NOT NULL,
    api TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    line BLOB NOT NULL,
    origin BLOB -- batch in which the conversation began; NULL: the job's own
) STRICT;

-- What the ledger must know and has not confirmed. The item is a `record` item of the protocol.
CREATE TABLE record (
    number INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    type INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    batch_state INTEGER NOT NULL,
    is_answer_in INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    item BLOB NOT NULL,
    headers BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
