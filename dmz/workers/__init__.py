"""The worker: sessions, drafts, requests to the core and their answers; no HTML.

Map
    settings, metrics        what a worker is told, what it counts
    exchange_db, tables      the exchange database (交换库): one thread, group commit; migrations
    session, session_store   who is logged in; keys that only the cookie unlocks
    drafts                   saved forms, sealed with the account's own key
    throttle                 failed logins and certificate downloads
    request_intake           a checked form becomes a sealed request
    bundler                  what waits becomes a bundle in the outbox; resend until answered
    sent_list                what an account has sent: cases and workbooks in one list
    answer_watch             answers and notices from the ferry, verified, handed to who waits
    backend                  the facade the pages call (``dmz.hall.backend_port.Backend``)
    workbook, batch          Excel: rows, chunks, results, failed rows

Invariants
    What a user was told is stored was stored: the reference number is shown after COMMIT.
    Nothing personal lies here in the clear: bodies are sealed to the high half before they are stored, answers
    to a key that grows out of the cookie, drafts and rows to a key the core gives at login.
    Everything that waits is counted and bounded; past the bound the user hears ``Unavailable`` at once.
"""
