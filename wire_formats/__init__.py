"""The ground under every zone: what may be said between processes, and how.

Map
    errors, error_texts      kinds of refusal with fixed numbers, and their public words
    bilingual, instants, ids small typed values: labels in two languages, times, identifiers
    collaborators            Protocols of what is passed in: clock, randomness, watches, background work, threads
    cbor, canonical          strict deterministic CBOR (headers: header_reader) and canonical JSON (bodies)
    suites, trust, cose      signing suites, known signers, COSE_Sign1
    seal                     HPKE seals: to the high half, to the core, to a session
    merkle                   RFC 9162 trees: one signature for many requests
    tlog                     the witnessed log of crossings: trees that grow, checkpoints, evidence
    request, answer, bundle  what crosses the gap
    grant                    what the core signs at login
    medium, medium_receipt   files that people carry over the gap: manifest, content, receipt
    lane_control, deny_list  heartbeats, acknowledgements, progress, tree heads; revocations
    fields, field_kinds      the grammar of a field; field_faults: what can be wrong, in both languages
    identifiers              Chinese identity and unit numbers
    catalogue                every service, declared once; openapi: as an OpenAPI document
    checking                 form texts -> body, body -> verdict
    desk_messages            core <-> certificate desk
    drop                     how a bundle lies in a directory
    inner_web                what the two web servers on the inside share: staff window and gatekeepers' console
    settings_reader, log_fields, metric_names, certificate_names

Invariants
    Pure: no Twisted, no database, no clock, no sockets.  Three modules touch the file system:
    ``drop``, since a directory *is* the wire there, ``settings_reader``, which reads its file, and
    ``inner_web.revocation``, which reads a list again when its file changes.
    Every parser of foreign bytes gives a value or raises PeerError, nothing else, and accepts
    only the bytes that encoding the value again would give.
    Verification raises; it never returns a bool.
"""
