// The client's half of a submission: sends a file as blocks as far as the credit goes, reports
// refused lines, and starts again from the file's first byte when ingress or the broker lost
// what was on its way; the batch goes on where it stood. Nothing here waits.
#ifndef TOOLS_SUBMISSION_H
#define TOOLS_SUBMISSION_H

#include "common/id.h"
#include "tools/client.h"
#include "tools/progress.h"
#include "tools/sink.h"

enum {
    REFUSALS_SHOWN_MAX = 20,           // in full; the rest is counted by reason
    REFUSAL_REASONS_MAX = 64,          // different reasons that are counted
    SUBMISSION_AGAIN_MS = 5000,        // ingress said nothing: start again
    SUBMISSION_GIVE_UP_MS = 60 * 1000, // nothing went on for this long
};

// Lines that were refused, for people.
struct refusals {
    uint64_t count;
    uint64_t shown;
    uint64_t highest_line; // those up to it were reported
    struct {
        char reason[REASON_BYTES_MAX + 1];
        uint64_t count;
        uint64_t unseen; // not shown in full
    } reasons[REFUSAL_REASONS_MAX];
    int reason_count;
};

struct submission {
    struct client *client;
    struct progress *progress;
    struct sink *sink;         // takes refused lines
    struct submit_head submit; // what is asked; its texts live as long as it
    int fd;                    // of the file
    uint64_t file_bytes;
    uint64_t boot;   // of the ingress that was told last
    uint64_t offset; // bytes sent
    uint64_t credit; // bytes that may be sent
    bool is_sent;    // the submit message has left
    bool was_sent;   // at least once
    bool has_sent_last;
    bool is_done;
    int exit; // other than 0: it has failed
    char detail[DETAIL_BYTES_MAX + 1];
    char waits_for[REASON_BYTES_MAX + 1]; // why ingress does not go on; empty: it does
    char waits_detail[DETAIL_BYTES_MAX + 1];
    uint64_t stuck_ms; // since when only a person can move it; 0: it may move by itself
    struct id batch;
    bool is_known; // the key was known: an earlier submission is taken up
    uint64_t lines, accepted_through;
    uint64_t heard_ms, moved_ms, again_ms;
    uint64_t told_ms; // when it moved or was told why it does not
    struct refusals refusals;
};

// submit: the request's number is set here. The texts and the file must outlive the submission.
void submission_start(struct submission *submission, struct client *client,
                      struct progress *progress, struct sink *sink,
                      const struct submit_head *submit, int fd, uint64_t file_bytes,
                      uint64_t now_ms);
// Sends what may be sent; looks after silence.
void submission_step(struct submission *submission, uint64_t now_ms);
// Whether the message was for this submission.
bool submission_take(struct submission *submission, struct message *message, uint64_t now_ms);
// Whether it has not ended well, and a part of the file may be taken in: the file, sent again under
// the same key, goes on from there.
bool submission_is_partial(const struct submission *submission);
// Says how many lines were refused for which reasons beyond those shown in full, and how to see
// them all; settings as they stand on a further command line.
void submission_report(struct submission *submission, const char *settings);
// Why nothing moved lately, for people.
// Returns text.
const char *submission_wait_text(const struct submission *submission, uint64_t now_ms, char *text,
                                 size_t size);
// How much of the file is taken in for good; 100 only when all of it is.
int submission_percent(const struct submission *submission);

#endif
