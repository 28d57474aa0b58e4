"""The edge: TLS with client certificates, strict HTTP/1.1, limits, and one answer for every refusal.

Pure (bytes in, values or refusals out; no sockets, no clock):
    refusals          every reason the edge refuses for, with its public kind and HTTP status
    http_grammar      the incremental parser of requests; http_fields its header rules; body_buffer its memory
    http_response     the one serialiser of responses, with the security headers
    target            the canonical decode of path and query
    body_forms        urlencoded bodies; body_multipart the multipart ones
    request_builder   head + body + identity → ``dmz.messages.HallRequest``
    connection_limits token buckets and counters, in bounded tables
    client_identity   certificate → ``ClientIdentity``; caller who is at the other end
    answer_flow       a large answer in slices, with its memory accounted
    watch_port        what the edge asks and tells the intrusion watch (``dmz.intrusion``)
    error_answers     a page for every refusal, in both languages

With sockets, files or processes:
    deny_set          revoked serials, from signed increments; cuts live connections
    tls_context       pyOpenSSL contexts per kind of port
    connection        one client connection; conversation its requests one after another
    master            binds (listeners), forks, restarts, drains
    service           one forked edge process; surroundings is what its conversations share
    front_socket      plain HTTP/1.1 from a trusted front to a worker; off by default

Invariants: a byte that HTTP does not allow is refused, never repaired; an HTTP request is parsed once, here; every
refusal has a reason, a page and a log line; every table, buffer and wait has a limit; a certificate's serial is
checked against the deny set for every request, on resumed sessions too. docs/http-strictness.md lists every check.
"""
