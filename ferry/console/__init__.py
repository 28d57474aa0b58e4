"""The gatekeeper console (守闸台): one half's lanes, held bundles, media and records as a web page for operators.

    settings, service   what it is told; put together
    door                who may come in: whom the half's list of operators names, and the authority has not revoked
    site, visit         one request -> certificate, token, language, form
    pages, renderer     one visit -> one reply; media_pages, media_view those of media; *texts the words
    samples, plots      a short memory of the status file, and its pictures

It has no power of its own: it reads what the half wrote, and puts countersigned acts and orders where half and
media clerk read them.  On the low side it only looks.  TLS and HTTP come with the server that ops gives it; what it
shares with the staff window is ``wire_formats.inner_web``.

Source: catalogue E7; issue "the ferry at full strength", point 5; docs/gatekeeper.md.
"""
