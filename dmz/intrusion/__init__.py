"""The intrusion watch (入侵检测): offences raise a score, a score slows down, then bans for a time.

Pure (values in, values out; no sockets, no files, no clock):
    offences   what counts as an offence and how much, from refusals, verdicts and answers
    subjects   who offends: a certificate, or an address where there is no valid certificate
    score      the ledger of offenders: decaying scores, in bounded tables
    bans       who is banned until when; the next ban of the same offender is longer
    cef        events as lines for a SIEM

With files, sockets and metrics:
    watch      what the edge asks and tells; joins the parts
    ban_board  bans as files in a drop: shared by all children of an edge within a second, kept over restarts
    shared_offences
               offences told from child to child, in memory that they share
    events     metrics, log and CEF lines of what happens
    syslog     CEF lines to a collector over UDP
    handler    watches what the firewall refuses and what the workers answer
    uploads    has uploads looked at by clamd (optional); clamd is its protocol

Who is counted. A request with a valid certificate counts on its certificate alone, any other on its address: one bad
clerk must not lock out the community office whose address he shares. For the same reason a banned address keeps out
only those without a valid certificate; certificates are banned by themselves.

What is kept. Scores are in memory only, shared by the children of an edge. A ban's file holds an address or a
certificate's fingerprint, a word for the reason and two instants, and is deleted when it is no longer needed: no
person's history (DESIGN, invariant 5).

Source: catalogue E5; issue "The front door", point 5.
"""
