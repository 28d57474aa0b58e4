"""The gatekeeper console (守闸台): one half's lanes, held bundles, media and records as a web page for operators.

    settings, service   what it is told; put together
    tls                 who may come in: holders of a certificate that the half's list of operators names
    site, visit         HTTP in and out, with bounds
    revoked             who was put out by the authority
    pages, renderer     one visit -> one reply; media_pages, media_view those of media; *texts the words
    samples, plots      a short memory of the status file, and its pictures

It has no power of its own: it reads what the half wrote, and puts countersigned acts and orders where half and
media clerk read them.  On the low side it only looks.

Source: catalogue E7; issue "the ferry at full strength", point 5; docs/gatekeeper.md.
"""
