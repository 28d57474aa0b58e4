"""The worker: sessions, drafts, requests to the core and their answers; no HTML.

Map
    settings, metrics        what a worker is told, what it counts
    exchange_db, tables      the exchange database (交换库): one thread, group commit; migrations
    backend                  the facade the pages call (``dmz.hall.backend_port.Backend``); behind it four desks:
    session_desk             login, password, logout; session, session_store: keys that only the cookie unlocks
    request_desk             queries, transactions, progress; sent_list: cases and workbooks in one list
    draft_desk, drafts       saved forms, sealed with the account's own key
    batch_desk, batch*       workbooks: rows, chunks, results, failed rows; workbook: reading and writing Excel
    request_intake           a checked form becomes a sealed request (request_building), stored (request_store)
    bundler, flights         what waits becomes a bundle in the outbox
    answer_watch             answers and notices from the ferry, verified, handed to who waits
    housekeeping             resends until answered, gives up, sweeps
    credits, throttle        how much may be under way; failed logins and certificate downloads
    assembly                 puts one worker together out of its settings and collaborators

Invariants
    What a user was told is stored was stored: the reference number is shown after COMMIT.
    Nothing personal lies here in the clear: bodies are sealed to the high half before they are stored, answers
    to a key that grows out of the cookie, drafts and rows to a key the core gives at login.
    Everything that waits is counted and bounded; past the bound the user hears ``Unavailable`` at once.
"""
