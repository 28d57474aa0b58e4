"""The laboratory: the real system in network namespaces, as if on five machines, to prove the gap (E6, E7).

    internet ── dmz ── low ─▶─ high ── core        (─▶─ and back: one-way links, or no link at all over the directory)

``plan`` says which machine has which links, roles and users; ``netns`` makes them; ``machine`` runs a role on one, as
its user and with its folders only; ``attempts`` tries to get through; ``proof`` puts it together.  Run as
``python -m ops.lab`` by root on a Linux with ip(8) and nft(8); everything is taken down at the end.
"""
