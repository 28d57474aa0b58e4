"""What web servers on the inside share: the staff window (core) and the gatekeepers' console (ferry).

Both serve a few people with certificates of the own authority, over a port that the internet does not reach.  Their
pages, words, rights and sessions are their zones' own; what is the same in both stands here once.

    site          what a zone gives (pages), what it is given (a server), as Protocols; ops brings the two together
    requests      one request as a value, and reading it: certificate, target, form, and whether a page of ours made it
    replies       what goes back, and with which status
    revocation    the authorities' certificates and their list of revoked serials, read again when it changes
    language      which of the two languages a page speaks
    listening     addresses that may be bound

Pure like the rest of the ground: what knows Twisted's HTTP and OpenSSL is ``ops.runtime.inner_site``, ``inner_tls`` and
``inner_server``.  Of the zones only ``core.staff`` and ``ferry.console`` use it (a contract in setup.cfg).

Source: decision 0027.
"""
