# Bugs that only a disk sees: planted in the journal, in the ledger and in what they stand on.
include(${CMAKE_SOURCE_DIR}/tests/plant.cmake)
set(PLANTS "")

# power_plant(SUBJECT NAME FILE FROM TO): the subject's program, with that bug.
function(power_plant subject name file from to)
    set(program power-cuts-${subject}-${name})
    plant_source(${subject}-${name} ${file} "${from}" "${to}" planted)
    add_executable(${program} $<TARGET_OBJECTS:power-story> $<TARGET_OBJECTS:power-${subject}>
        ${planted})
    target_link_libraries(${program} PRIVATE ${LIBRARIES_${subject}})
    target_include_directories(${program} PRIVATE ${CMAKE_BINARY_DIR}/broker/embedded
        ${CMAKE_BINARY_DIR}/workers/accountant/embedded)
    set_target_properties(${program} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    set(PLANTS ${PLANTS} ${subject}-${name} PARENT_SCOPE)
endfunction()

foreach(subject journal ledger)
    # Commits are not synced: the setting that most guides recommend.
    power_plant(${subject} normal common/db.c [["synchronous", "FULL", "2"]] [["synchronous", "NORMAL", "1"]])
    # A migration and the note that it was applied are two transactions.
    power_plant(${subject} migration-half common/db.c
        "    if (e == ERR_OK)\n        e = note_migration(db, number, file);"
        "    if (e == ERR_OK)\n        e = db_exec(db, \"COMMIT; BEGIN IMMEDIATE\");\n    if (e == ERR_OK)\n        e = note_migration(db, number, file);")
endforeach()

# The world is told before the commit: every third turn's waits for the next turn.
power_plant(journal told-early broker/journal.c "    if (!journal->is_open)\n        return;\n    check("
    "    if (!journal->is_open || ++journal->commits % 3 == 0)\n        return;\n    check(")
# Nobody hears that the commit has failed.
power_plant(journal commit-unheard broker/journal.c
    [[    check(journal, db_commit(&journal->db), "commit");]] "    (void)db_commit(&journal->db);")
# The counters follow in a transaction of their own.
power_plant(journal counters-later broker/journal.c
    "    sqlite3_stmt *to = write_with(journal, UPDATE_META);"
    "    journal_commit(journal);\n    sqlite3_stmt *to = write_with(journal, UPDATE_META);")
# A record is forgotten before that which follows from its confirmation is stored.
power_plant(journal delete-alone broker/journal.c
    "    delete_by_number(journal, DELETE_RECORD, number);"
    "    delete_by_number(journal, DELETE_RECORD, number);\n    journal_commit(journal);")
# A start is not counted: two boots have one number.
power_plant(journal start-uncounted broker/journal.c "SET starts = starts + 1" "SET starts = starts")

# Nobody hears that the commit has failed.
power_plant(ledger commit-unheard workers/accountant/ledger.c
    "        e = db_commit(&ledger->db);\n    ledger->is_open_transaction = false;"
    "        (void)db_commit(&ledger->db);\n    ledger->is_open_transaction = false;")
# What was applied is noted after the transaction that applied it.
power_plant(ledger noted-later workers/accountant/ledger.c "        e = write_state(ledger);"
    "        e = db_commit(&ledger->db);\n    if (e == ERR_OK)\n        e = db_begin(&ledger->db);\n    if (e == ERR_OK)\n        e = write_state(ledger);")
# Roll-ups follow in a transaction of their own.
power_plant(ledger sums-later workers/accountant/ledger.c
    "    enum err e = rollups_flush(&ledger->rollups);"
    "    enum err e = db_commit(&ledger->db);\n    if (e == ERR_OK)\n        e = db_begin(&ledger->db);\n    if (e == ERR_OK)\n        e = rollups_flush(&ledger->rollups);")
# Values count as indexed before they are.
power_plant(ledger indexed-early workers/accountant/ledger.c "        e = write_run(ledger);"
    "        ledger->indexed_call = ledger->rows.call;\n    if (e == ERR_OK)\n        e = ledger_commit(ledger);\n    if (e == ERR_OK)\n        e = begin(ledger);\n    if (e == ERR_OK)\n        e = write_run(ledger);")
