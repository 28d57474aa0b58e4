"""The DMZ: what the public reaches, and what never reaches the core.

``edge`` speaks TLS and strict HTTP/1.1, ``waf`` judges, ``intrusion`` bans offenders, ``switch`` chooses a worker,
``workers`` and ``hall`` make the pages and the requests. ``messages`` holds what an edge and a worker say to one
another. Nothing here imports another zone; only ``wire_formats`` is shared with the rest of the house.
"""
