// Every limit of the system, and the proof that they fit into each other.
#ifndef COMMON_LIMITS_H
#define COMMON_LIMITS_H

#define KIB (1024ull)
#define MIB (1024ull * 1024ull)

// What one call may count and cost; a number beyond is believed of nobody. So no sum over the calls
// that a row can have leaves 64 bits: a ledger whose sums do not fit could record nothing more.
#define CALL_COUNT_MAX 10000000000ll       // tokens, or searches
#define CALL_PUSD_MAX  10000000000000000ll // 10,000 USD

enum {
    PROTOCOL_VERSION = 1,

    // Envelopes.
    HEADER_BYTES_MAX = 1 << 20,   // one MessagePack header
    FRAME_BYTES_MAX = 9 << 20,    // any frame; ZMQ_MAXMSGSIZE, never to be met
    ITEMS_MAX = 64,               // items in one message
    FRAMES_PER_ITEM_MAX = 4,      // payload frames of one item
    MESSAGE_BYTES_SOFT = 4 << 20, // a sender starts a new message beyond this
    WIRE_DEPTH_MAX = 8,           // nesting of MessagePack containers
    WIRE_NODES_MAX = 10000,       // MessagePack values in one header
    HELD_MAX = 20000,             // call ids that one heartbeat may name

    // Payloads.
    LINE_BYTES_MAX = 8 << 20,   // one line of a job file
    ANSWER_BYTES_MAX = 8 << 20, // one provider answer's body
    ANSWER_HEADERS_BYTES_MAX = 256 << 10,
    HEADERS_JSON_BYTES_MAX =
        6 * ANSWER_HEADERS_BYTES_MAX,   // the same as JSON: \u00xx is the longest
    CONTEXT_BYTES_MAX = 8 << 20,        // a prepared conversation turn
    ENDS_UNSTORED_BYTES_MAX = 64 << 20, // answers of one worker that wait to be called stored
    FACTS_BYTES_MAX = 9 << 20,          // what an extractor found
    CATALOGUE_BYTES_MAX = 4 << 20,      // the compiled catalogue
    BYTES_PER_TOKEN = 4, // of ordinary text, where a number of tokens has to be estimated
    JSON_DEPTH_MAX = 64,
    STREAM_EVENT_BYTES_MAX = ANSWER_BYTES_MAX, // one event of an answer that comes as a stream
    // What is put together from a stream's events.
    GROWN_BYTES_MAX = 2 * ANSWER_BYTES_MAX,
    GROWN_NODES_MAX = 1 << 20,
    GROWN_WORK_MAX = 32 << 20,          // members and elements that are passed by to find others
    STREAM_BLOCK_BYTES_MAX = 256 << 10, // a block of a submitted file, client to ingress
    STREAM_BLOCKS_CREDIT = 16,          // blocks that a client may have on their way
    ANSWER_PAGE_BYTES_MAX = 4 << 20,    // one page of a query's answer

    // Ingress and client.
    SUBMISSIONS_MAX = 256,              // submissions that are read at once
    STREAM_CHUNKS_MAX = 32,             // chunks of a submission on their way to the broker
    STREAM_CHUNKS_BYTES_MAX = 16 << 20, // and their lines' bytes, beyond the first
    CHUNK_LINES_MAX = 4096,             // lines of a chunk, blank ones included
    CUSTOM_IDS_MAX = 20000000,          // custom_ids of a submission that can be compared
    CONVERSATIONS_MAX = 10000000,       // conversations of a submission
    ROUTES_MAX = 4096,                  // different models that its turns name
    OUTPUT_TOKENS_MAX = 131072,         // what a call may write that states no limit of its own
    TOOLS_TOKENS_MAX = 1024,            // what an API adds to an input with tools, unseen
    QUERIES_MAX = 1024,                 // questions that wait for their answers at once
    QUERY_LIMIT_MS = 3000,              // and how long
    SUBMISSION_SILENT_MS = 30 * 1000,   // a client that says nothing this long is gone
    PUT_RESEND_MS = 3000,               // a chunk is said again until it is stored
    PUT_RETRY_MS = 1000,                // a chunk that the broker had no room for is offered again

    // Stores.
    DB_VALUE_BYTES_MAX = 32 << 20, // one value in a database
    WAL_PAGES_IDLE = 1000,         // checkpoint from here when there is nothing else to do
    WAL_PAGES_MAX = 16000,         // checkpoint from here in any case
    WAL_BYTES_KEPT = 64 << 20,     // what is kept of a write-ahead log that was emptied
    JOURNAL_BYTES_MIN = 64 << 20,  // smallest budget of a journal
    RESERVE_BYTES_MIN = 4 << 20,   // smallest reserve of a store
    JOURNAL_WAL_BYTES_MAX = WAL_PAGES_MAX * 4096,
    JOURNAL_FREE_BYTES_KEPT = 16 << 20, // unused pages that the next batch will want again

    // The accountant.
    RECORDS_CREDIT = 4096,             // records on their way to it at once
    RECORDS_TURN_MAX = 2048,           // records of one transaction
    RECORDS_TURN_BYTES_MAX = 32 << 20, // and their payload
    QUERY_SNAPSHOT_MS = 10 * 1000,     // longest snapshot of a question
    QUERY_PAGE_DEFAULT = 1000,         // entries of a page, unless asked for
    QUERY_PAGE_MAX = 10000,
    FIND_MATCHES_MAX = 1000, // what one value may name in an answer

    // Paths (JSONPath).
    JSONPATH_TEXT_MAX = 4096,         // bytes of an expression
    JSONPATH_STEPS_MAX = 16,          // steps of a path without filters that is searched fastest
    JSONPATH_NESTING_MAX = 64,        // brackets, parentheses and calls that are open at once
    JSONPATH_WORK_MAX = 50000000,     // steps of one evaluation: about a second
    JSONPATH_HELD_MAX = 4 << 20,      // nodes that it may remember to go through them backwards
    JSONPATH_PATTERN_BYTES_MAX = 512, // a regular expression of match() and search()
    JSONPATH_STATES_MAX = 512,        // states in which it may be at once

    // Names.
    CUSTOM_ID_BYTES_MAX = 512,
    NAME_BYTES_MAX = 256,
    MODEL_BYTES_MAX = 256,
    PROVIDER_BYTES_MAX = 64,
    REASON_BYTES_MAX = 64,
    DETAIL_BYTES_MAX = 1024,
    TAGS_BYTES_MAX = 4096,
    IDEMPOTENCY_KEY_BYTES_MAX = 128,
    IDENTIFIER_KIND_BYTES_MAX = 64,
    IDENTIFIER_VALUE_BYTES_MAX = 1024,
    IDENTIFIERS_MAX = 512,       // identifiers of one call
    EVENT_IDENTIFIERS_MAX = 256, // of those: in events of a stream only
    HEADER_IDENTIFIERS_MAX = 64, // of those: kept free for the headers
    EXTRACT_RULES_MAX = 128,     // identifiers of the user's own in the settings
    SERVICE_TIER_BYTES_MAX = 64,
    PROVIDER_HEADERS_MAX = 4, // header lines that the catalogue adds to a request
    PROVIDER_QUERIES_MAX = 4, // parameters that it adds to a request's URL
    URL_BYTES_MAX = 4096,     // of a request, with its model in the path

    // The broker.
    PEERS_MAX = 1024,
    WORKERS_MAX = 256,
    LANES_MAX = 1024,
    BATCHES_MAX = 4096,
    PRIORITIES = 3,            // high, normal, low
    LANE_CONCURRENCY = 16,     // calls in flight in a lane, unless configured
    SLOTS_MAX = 10000,         // call slots of one worker
    ATTEMPTS_MAX = 5,          // counted attempts of a job, unless configured
    TURN_MESSAGES_MAX = 512,   // messages that a turn of a process takes in
    TURN_BYTES_MAX = 16 << 20, // and their payload
    EXTRACTIONS_LOST_MAX = 3,  // extractors that may vanish over one answer

    // Times, in milliseconds.
    HEARTBEAT_MS = 1000,
    HELLO_MS = 100,             // between two hellos, until one is answered
    HELLOS_UNANSWERED_MAX = 30, // then another connection is tried
    HELLOS_PATIENCE_MAX = 120,  // where that was in vain, twice as many, up to so many
    PEER_SILENT_MS = 5000,      // a peer that says nothing this long is silent
    CALL_LIMIT_MS = 600 * 1000, // the whole of one provider call, unless configured
    CALL_MARGIN_MS = 5000,      // what the broker waits beyond a call's limit
    CONNECT_LIMIT_MS = 10 * 1000,
    STALL_LIMIT_MS = 60 * 1000, // no byte moves for this long
    END_RESEND_MS = 3000,       // an end is said again until it is stored
    RETRY_BASE_MS = 500,
    RETRY_MAX_MS = 60 * 1000,
    RETRY_HINT_MAX_MS = 24 * 3600 * 1000, // what a provider may ask to wait; more counts as this
    PROBE_BASE_MS = 5000,                 // first probe of a held lane
    PROBE_MAX_MS = 300 * 1000,
    HEAD_LINES = 100,     // of a file, by whose digests it is known that it was submitted before
    DRAIN_MS = 30 * 1000, // what a process may take to end when asked
};

_Static_assert(LINE_BYTES_MAX < FRAME_BYTES_MAX, "a line fits a frame");
_Static_assert(CONTEXT_BYTES_MAX < FRAME_BYTES_MAX, "a context fits a frame");
_Static_assert(ANSWER_BYTES_MAX + ANSWER_HEADERS_BYTES_MAX < FRAME_BYTES_MAX,
               "an answer and its headers fit a frame");
_Static_assert(STREAM_EVENT_BYTES_MAX >= ANSWER_BYTES_MAX, "one event may be the whole answer");
_Static_assert(HEADER_BYTES_MAX < FRAME_BYTES_MAX, "a header fits a frame");
_Static_assert(CATALOGUE_BYTES_MAX < FRAME_BYTES_MAX, "the catalogue fits a frame");
_Static_assert(HELD_MAX * 16 < HEADER_BYTES_MAX, "a heartbeat's calls fit its header");
_Static_assert(SLOTS_MAX < HELD_MAX, "a worker can name every call that it may hold");

#endif
