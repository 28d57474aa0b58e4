"""Inspection in a process of its own: it holds the key that opens requests, and no network and no folder.

    mover (ferry_high)  ── items as they came ──▶  inspector (ferry_inspector)  ── opened contents or refusals ──▶

Whoever takes the inspector over with a hostile request can read what it is given and answer nonsense, which the core
checks again; whoever takes the mover over has no key: he can have opened what he holds while he is there, and no
request that was recorded elsewhere or comes when he is gone.  The mover counts a bundle that kills the inspector
against that bundle, and holds it after the third time.

    frames    what goes over the socket
    port      what the high half asks of an inspector, and one in the same process
    client    an inspector at the other end of a Unix socket
    server    the inspector's own loop
    scanning  has what was opened scanned by clamd, where one is set up
    dialler   a process that opens connections to clamd, since the inspector may open none

Source: DESIGN invariant 2; research, section 7, points 9 and 10.
"""
