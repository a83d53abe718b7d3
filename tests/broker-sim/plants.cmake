# Planted bugs: each is a copy of one source of the core with one text replaced. The simulator is
# linked with it and must notice. A text that does not stand exactly once is an error, so that a
# plant cannot silently become the real thing.
set(PLANTS "")

function(plant name file from to)
    set(source ${CMAKE_SOURCE_DIR}/broker/core/${file})
    set(planted ${CMAKE_CURRENT_BINARY_DIR}/plants/${name}.c)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    file(READ ${source} text)
    string(REPLACE ";" "<semicolon>" text "${text}")
    string(REPLACE ";" "<semicolon>" from "${from}")
    string(REPLACE ";" "<semicolon>" to "${to}")
    string(FIND "${text}" "${from}" first)
    string(FIND "${text}" "${from}" last REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL last)
        message(FATAL_ERROR "plant ${name}: its text does not stand once in ${file}: ${from}")
    endif()
    string(REPLACE "${from}" "${to}" text "${text}")
    string(REPLACE "<semicolon>" ";" text "${text}")
    file(CONFIGURE OUTPUT ${planted} CONTENT "@text@" @ONLY)
    add_executable(broker-sim-${name} $<TARGET_OBJECTS:broker-sim-world> ${planted})
    target_link_libraries(broker-sim-${name} PRIVATE core peer)
    set_target_properties(broker-sim-${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    set(PLANTS ${PLANTS} ${name} PARENT_SCOPE)
endfunction()

# An end under an older token ends the attempt that is open now.
plant(stale-end attempt.c "bool is_last = job && id_equal(job->call, item->call);" "bool is_last = job;")
# The call leaves and its mark is in no transaction.
plant(mark-not-stored attempt.c
    "    job_touch(core, job);\n    struct effect *effect = emit(core, EFFECT_send_lease);"
    "    struct effect *effect = emit(core, EFFECT_send_lease);")
# What a batch has taken in is forgotten by a crash, and taken in once more.
plant(stream-not-stored submit.c "        batch->digest = head->after;\n        batch_touch(batch);"
    "        batch->digest = head->after;")
# A lease that is still on its way is taken for lost.
plant(seen-too-far worker.c "job->lease_number > seen" "job->lease_number > seen + 1")
# The next turn goes when an answer is stored, before the ledger has it.
plant(turn-too-early attempt.c
    "    if (ending->class == CLASS_success) {\n        job_state(core, job, JOB_ENDED);"
    "    if (ending->class == CLASS_success) {\n        turn_remove(core, job);\n        job_state(core, job, JOB_ENDED);")
# After a restart nobody waits for the attempts that were open.
plant(no-limit-after-start restore.c
    "        timer_set(core, job, core->now_ms + core->config.call_limit_ms + CALL_MARGIN_MS);"
    "        timer_clear(core, job);")
# A record whose confirmation was lost is never sent again.
plant(no-resend record.c "core->records[core->sent.first].sent_ms >= RECORD_RESEND_MS)"
    "core->records[core->sent.first].sent_ms >= UINT64_MAX)")
