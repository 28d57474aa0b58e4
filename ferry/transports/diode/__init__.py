"""The diode transport: UDP one way, whole or not at all.  docs/diode.md is the protocol in words.

    put ─▶ schedule ─▶ framing (copies or RaptorQ) ─▶ pacing ─▶ socket ══▶ socket ─▶ datagram ─▶ reassembly ─▶ waiting

``datagram`` is the layout, ``redundancy`` how much is sent twice, ``coding`` the blocks, ``schedule`` the order,
``pacing`` the rate, ``batches`` the system calls; ``outlet`` and ``inlet`` put them together.
"""
