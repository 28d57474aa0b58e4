"""What web servers on the inside share: the staff window (core) and the gatekeepers' console (ferry).

Both serve a few people with certificates of the own authority, over a port that the internet does not reach.  Their
pages, words, rights and sessions are their zones' own; here is the frame around them, so that a fault in it is mended
once.

    tls           the context that asks for a client certificate
    revocation    the authority's list of revoked serials, read again when it changes
    site          HTTP in and out: bounded bodies and connections, security headers, the life of one request
    requests      reading a request: certificate, method, target, form, and whether a page of ours made it
    replies       what goes back, and with which status
    language      which of the two languages a page speaks
    listening     addresses that may be bound

A second ground beside ``wire_formats``, and not pure: it knows Twisted's HTTP and OpenSSL, no zone, no database, no
template.  Only ``core.staff`` and ``ferry.console`` use it (contracts in setup.cfg).

Source: decision 0027.
"""
