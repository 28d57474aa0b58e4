"""`make bench-edge`: the edge and its firewall beside nginx, HAProxy and Apache, in one run, as ratios.

    targets      what is asked of us, and what is printed beside each figure (pure)
    pki          one CA, a server and some clients, a revocation list
    requests     what is sent: small requests, forms, uploads, hostile fields (pure)
    configs      the candidates' configuration files (pure)
    crs          where a core rule set lies, and what loads it
    processes    start on a core, stop, processor time, memory
    candidates   each front end: what it needs, how it starts
    wire         TLS clients on one epoll loop; load: closed loop, open loop, handshakes
    newer_openssl  a libssl of our own generation for the peers
    plan         how candidates take turns
    plain, hardship, firewall    the parts of the bench

Every candidate serves on one process pinned to core 0; load and backends run on core 1. The figure that leads is the
processor time of the candidate's own processes for one operation: it hardly depends on what else the machine does.
"""
