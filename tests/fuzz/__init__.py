"""Fuzzing of the front door: mutated requests through the parser, the request builder and the firewall, and over TLS.

::

    seeds ──▶ mutations ──▶ oracle      in this process: one request is one call
                       └──▶ sockets     the same bytes at a real edge with a client certificate

``python -m tests.fuzz`` runs a campaign (bounded by a count, its seed printed); ``tests/property/test_front_door_fuzz``
runs a short one with fixed seeds.

Source: the issue of the front door, "Bad input"; firewall research, section 6.
"""
