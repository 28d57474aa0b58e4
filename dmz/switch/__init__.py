"""The content switch: from an edge to a worker, and back, over framed and multiplexed Unix sockets.

    frames         bytes ↔ frames (pure)
    multiplex      frames ↔ messages: order, limits, windows of one connection (pure)
    balancer       which worker gets a request (pure)
    ejection       which worker is left alone for a while after errors (pure)
    wait_queue     requests that wait for a free place (pure)
    retry          what may be sent a second time, and how often (pure)
    worker_health  the life of a worker as an edge sees it (machine)
    mux_protocol   one connection on the wire (I/O)
    worker_link    the edge's connection to one worker, kept up (I/O)
    relay          a pool of workers as a handler (I/O)
    content_switch which pool a path belongs to
    worker_port    the worker's end; unix_acceptor its socket, which a successor can take over (I/O)

Invariants: a request is executed by at most one worker unless it is safe to execute twice; every queue, window and wait
is bounded; a worker that leaves says so first and loses nothing; bytes of a peer are frames or ``PeerError``.
"""
