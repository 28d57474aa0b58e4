"""The ferry: two processes that carry bundles over the gap (网闸, 摆渡), and share nothing but it.

Map, along a bundle's way (ARCHITECTURE.md has the drawing)
    pump, half          one side's loop: stations take turns, interactive before bulk; low_half, high_half fill it in
    ports, folders      where files are taken from: one folder, or one lane of a transport
    intake              takes files one after the other, whatever they are, and decides what becomes of each
    lane/               pure: checks, numbers of sender and receiver, states of a crossing, fair shares of the loop
    sending, receiving  the two stations of a lane: what a handler of the intake does, one small step at a time
    sender              numbers, sends again what is not acknowledged, and under which epoch
    spool, spooled      bundles until acknowledged; what an earlier run left of them
    transports/         how files cross the gap: directory, diode, media; a proven memory one for tests
    request_delivery    what the high half does with requests; answers: to those it refuses
    inspector/          requests opened and checked in a process of its own; inspection is the rule
    own_seals           what a half puts before others of its side
    journal             every crossing with its state and leaf digest (SQLite); journal_search, looking: from outside
    witness/            the witnessed log: every crossing a leaf, cosigned by the other half; evidence, audit
    control, notices    heartbeats, acknowledgements; deny-list increments
    heard               signs of life of the other half, over restarts
    one_way/            lanes without a way back: manifests, resend lists
Beside it
    quarantine, shelves bundles that may not pass, and the notice beside each; set_aside: looking at them
    acts/               what operators say: held bundles released or rejected by two, lanes paused
    media/              what people carry: export, import, receipts, the register of media, the clerk
    console/            the operators' page, a process of its own
    chained_ledger      what the ledgers of acts and media are
    service, parts, own_keys, settings, status, metrics, seldom

Invariants
    A bundle leaves the folder it came from only when it lies in the spool and on the transport, or
    in the quarantine, or in the folder it was meant for.
    One crossing number (epoch, sequence) never stands for two different bundles.
    Whatever is not acknowledged is sent again; duplicates are recognised by author and number.
    Nothing that fails a check reaches the other side; every refusal has one fixed reason word.
    Every crossing is a leaf of this half's log, committed with its state; what was signed of it stays.
    One step of a lane is short; between steps the reactor runs.
"""
