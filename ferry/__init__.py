"""The ferry: two processes that carry bundles over the gap (网闸, 摆渡), and share nothing but it.

Map
    lane/               pure: sender and receiver state, checks, states of a crossing, fair shares
    inspection, answers pure: what the high half checks in a request; the answer to one it rejects
    transports/         how files cross the gap: directory, diode, media; a proven memory one for tests
    media/              what people carry: export, import, receipts, the register of media
    journal             every crossing with its state and leaf digest (SQLite)
    spool, quarantine   bundles until acknowledged; bundles that may not pass, with the reason
    folders, ports      reading what others write: one folder, or one lane of a transport
    intake              takes files one after the other and decides what becomes of each
    sending, receiving  one lane each: what a handler of the intake does, one small step at a time
    sender              numbers, sends again what is not acknowledged, and under which epoch
    control, notices    heartbeats, acknowledgements; deny-list increments
    heard               signs of life of the other half, over restarts
    witness/            the witnessed log: every crossing a leaf, cosigned by the other half; evidence, audit
    pump                shares the loop between lanes: interactive before bulk, bulk never starved
    half                one side's lanes and ticks; low_half and high_half fill it in
    parts, status, metrics, settings, service

Invariants
    A bundle leaves the folder it came from only when it lies in the spool and on the transport, or
    in the quarantine, or in the folder it was meant for.
    One crossing number (epoch, sequence) never stands for two different bundles.
    Whatever is not acknowledged is sent again; duplicates are recognised by author and number.
    Nothing that fails a check reaches the other side; every refusal has one fixed reason word.
    Every crossing is a leaf of this half's log, committed with its state; what was signed of it stays.
    One step of a lane is short; between steps the reactor runs.
"""
