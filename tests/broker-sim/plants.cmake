# Planted bugs: each is a copy of one source with one text replaced. A simulator is linked with it
# and must notice.
include(${CMAKE_SOURCE_DIR}/tests/plant.cmake)
set(PLANTS "")

# plant(NAME DISK file from to [SEED]): DISK is memory, or power for the real journal. SEED: where its
# schedules begin. A bug that shows in less than one of ten thousand begins near one that shows it;
# when the simulator has changed, SCHEDULES=200000 SEED_FROM=1 finds the next.
function(plant name disk file from to)
    plant_source(${name} ${file} "${from}" "${to}" planted)
    set(apply $<TARGET_OBJECTS:broker-sim-apply>)
    if(file STREQUAL workers/accountant/apply.c)
        set(apply "")
    endif()
    sim_program(broker-sim-${name} ${disk} "${apply}" ${planted})
    # What a replaced text leaves unused is no fault of the plant.
    target_compile_options(broker-sim-${name} PRIVATE -Wno-unused -Wno-error=unused-function)
    target_include_directories(broker-sim-${name} PRIVATE ${CMAKE_BINARY_DIR}/broker/embedded)
    set_target_properties(broker-sim-${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    set(seed "")
    if(ARGC GREATER 5)
        set(seed ${ARGV5})
    endif()
    set(PLANTS ${PLANTS} ${name}:${seed} PARENT_SCOPE)
endfunction()

# ---- the core -------------------------------------------------------------------------------------

# An end under an older token ends the attempt that is open now.
plant(stale-end memory broker/core/attempt.c
    "bool is_last = job && id_equal(job->call, item->call);" "bool is_last = job;")
# The call leaves and its mark is in no transaction.
plant(mark-not-stored memory broker/core/attempt.c
    "    job_touch(core, job);\n    struct effect *effect = emit(core, EFFECT_send_lease);"
    "    struct effect *effect = emit(core, EFFECT_send_lease);")
# What a batch has taken in is forgotten by a crash, and taken in once more.
plant(stream-not-stored memory broker/core/submit.c
    "        batch->digest = head->after;\n        batch_touch(batch);"
    "        batch->digest = head->after;")
# A lease that is still on its way is taken for lost.
plant(seen-too-far memory broker/core/worker.c
    "job->lease_number > seen" "job->lease_number > seen + 1")
# The next turn goes when an answer is stored, before the ledger has it.
plant(turn-too-early memory broker/core/attempt.c
    "    if (ending->class == CLASS_success) {\n        job_state(core, job, JOB_ENDED);"
    "    if (ending->class == CLASS_success) {\n        turn_remove(core, job);\n        job_state(core, job, JOB_ENDED);")
# After a restart nobody waits for the attempts that were open.
plant(no-limit-after-start memory broker/core/restore.c
    "        timer_set(core, job, core->now_ms + job->limit_ms + CALL_MARGIN_MS);"
    "        timer_clear(core, job);")
# An open attempt is waited for by the limit of today's settings, not by its own.
plant(limit-of-today memory broker/core/restore.c
    "core->now_ms + job->limit_ms" "core->now_ms + core->config.call_limit_ms")
# A record whose confirmation was lost is never sent again.
plant(no-resend memory broker/core/record.c
    "core->records[core->sent.first].sent_ms >= RECORD_RESEND_MS)"
    "core->records[core->sent.first].sent_ms >= UINT64_MAX)")
# The broker does not wait for what a worker may still say at its limit.
plant(no-margin memory broker/core/attempt.c
    "    timer_set(core, job, core->now_ms + job->limit_ms + CALL_MARGIN_MS);\n    if (!worker"
    "    timer_set(core, job, core->now_ms + job->limit_ms);\n    if (!worker")
# What a dead process said before it died keeps its calls open.
plant(the-dead-renew memory broker/core/worker.c
    "if (worker->state != WORKER_REPLACED && job->due_ms < renewed)" "if (job->due_ms < renewed)")
# A worker whose older connection is closed is taken for gone, although it speaks.
plant(away-for-ever memory broker/core/worker.c
    "if (worker->state == WORKER_AWAY || worker->state == WORKER_JOINED) {"
    "if (worker->state == WORKER_JOINED) {" 33001)
# An old word of the accountant that is at work is taken for another ledger.
plant(old-word memory broker/core/worker.c
    "if (!fits && has_worked(core, event->join->process))" "if (false)")
# An end of a call that was never made answers a job.
plant(never-marked memory broker/core/attempt.c
    "call_id_counter(item->call) <= core->counters.calls" "true")
# The slot of a process that was replaced is given away while that process still speaks.
plant(slot-given-away memory broker/core/worker.c
    "worker->state == WORKER_REPLACED && !may_speak(core, worker)" "worker->state == WORKER_REPLACED")
# What may have been billed is tried again, whatever the batch says.
plant(no-policy memory broker/core/attempt.c
    "    case BILLED_fail:\n        dies(core, job, REASON_possibly_billed);\n        break;\n" "")
# An error within an answer that had begun counts as free.
plant(begun-for-free memory broker/core/attempt.c "|| had_begun ||" "||")
# Attempts are not counted.
plant(no-count memory broker/core/attempt.c "    job->counted++;\n" "")
# A job that was cancelled while its call was out is tried again.
plant(cancel-forgotten memory broker/core/attempt.c
    "    if (job->is_cancelled || batch_of(core, job)->is_cancelled) {" "    if (false) {")
# What an ingress that died had asked is answered to the next one under its number.
plant(opened-to-another memory broker/core/worker.c
    "    opened_by_nobody(core, event->peer);\n" "" 71001)
# A job whose outcome is taken back counts as settled.
plant(revived-uncounted memory broker/core/outcome.c
    "    if (job->recorded == job->revision)\n        batch->unsettled++;\n" "")
# The call of a job that has its answer keeps its room in the journal for ever.
plant(room-kept memory broker/core/room.c "    core->answers_room -= lane->answer_room;\n}" "}")

# ---- the loop -------------------------------------------------------------------------------------

# It speaks, and then writes down.
plant(speaks-first memory broker/loop.c
    "    write_down(loop);\n    outbox_send(&loop->outbox, &loop->sock, &loop->peers, gone, loop);"
    "    outbox_send(&loop->outbox, &loop->sock, &loop->peers, gone, loop);\n    write_down(loop);")
# Whoever could not be heard while the broker stood still is taken for silent.
plant(no-excuse memory broker/hear.c
    "    core_excuse(loop->core, loop->now.mono_ms);\n" "")
# Of several ends in a message all are stored with the answer of the first.
plant(first-frame memory broker/hear.c
    "        loop_step(loop, &event, message, i);" "        loop_step(loop, &event, message, 0);")
# The context of a job whose call has left stays behind for the next job in its place.
plant(context-left memory broker/compose.c
    "    keep_drop(&loop->contexts, effect->slot);\n    journal_release_payload" "    journal_release_payload")
# What was read of an answer stays in memory after the ledger has it.
plant(facts-left memory broker/compose.c
    "    keep_drop(&loop->facts, effect->slot);\n" "")
# Each outcome of a job is told as its first.
plant(first-revision memory broker/compose.c
    "    to->revision = effect->revision;" "    to->revision = 1;")
# Messages for one peer are gathered into another's.
plant(wrong-parcel memory broker/outbox.c
    "outbox->open[kind].peer == peer && outbox->parcels[at].kind == kind &&\n        outbox->parcels[at].peer == peer &&"
    "outbox->parcels[at].kind == kind &&")

# ---- the journal ----------------------------------------------------------------------------------

# The mark's row does not hold the call.
plant(row-without-call power broker/journal.c " call=?12," " ")
# The counter of calls is written only when something else is counted too.
plant(counter-not-stored power broker/journal.c
    "        now.calls == on_disk->calls && now.issued" "        now.issued")
# What has ended is there again after a start.
plant(job-comes-back power broker/journal.c
    "        delete_by_number(journal, DELETE_JOB, job->number);\n" "")
# Attempts of before a start do not count.
plant(counted-not-read power broker/journal_restore.c
    "        .counted = (uint16_t)db_u64(row, 16),\n" "")
# After a start a batch takes lines that it has.
plant(accepted-not-read power broker/journal_restore.c
    "        .accepted_through = db_u64(row, 4),\n" "")
# The disk is not waited for.
plant(no-sync power common/db.c "\"FULL\", \"2\"" "\"OFF\", \"0\"")

# ---- the protocol halves --------------------------------------------------------------------------

# A lease that came twice is taken twice.
plant(lease-twice memory workers/peer.c "number <= peer->seen)" "number < peer->seen)")
# Of two calls that are held one is found under the other's name.
plant(index-broken memory workers/peer.c
    "        peer->index[find(peer, last)] = (uint16_t)position;\n" "")
# A changed file is taken for the one that was sent before.
plant(changed-file memory workers/ingress/stream.c
    "    if (!digest_equal(digest, stream->skip_digest))\n" "    if (false)\n")
# Any answer is taken for the answer to the seal.
plant(seal-not-waited memory workers/ingress/stream.c
    "    } else if (is_answer(stream, stored->request)) {\n        move(stream, STREAM_DONE);"
    "    } else {\n        move(stream, STREAM_DONE);")
# A chunk that was lost is not said again.
plant(chunk-lost memory workers/ingress/stream.c
    "    stream->sent = 0;\n    stream->went_back" "    stream->went_back")
# An end that was lost is not said again.
plant(end-lost memory workers/provider/ends.c
    "now_ms - ends->said.first->said_ms >= END_RESEND_MS" "false")
# What a worker calls is not named in its heartbeats.
plant(call-not-named memory workers/provider/ends.c
    "    if (!peer_hold(ends->peer, lease->call))\n" "    if (false)\n")
# An end that comes late does not replace `unknown`.
plant(unknown-stays memory workers/accountant/apply.c
    "    if (held->call_state == CALL_unknown) {\n        plan->call = APPLY_replace;" "    if (held->call_state == CALL_unknown) {")
# `unknown` that is told again replaces what came in between.
plant(unknown-returns memory workers/accountant/apply.c
    "    if (told->state == CALL_unknown)\n        return;\n" "")
# An older outcome replaces the newer one.
plant(old-news memory workers/accountant/apply.c
    "if (told->revision > held->revision)" "if (told->revision != held->revision)")
# A turn counts as answered by what nobody could read.
plant(unread-answer memory workers/accountant/apply.c
    "    return told->state == CALL_answered && told->has_message;" "    return true;")
