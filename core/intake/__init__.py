"""Intake: from a bundle in the inbox to sealed answers in the outbox.

Map: `inbox` finds bundles · `verify` seals, digests, canonical form · `grants` who may · `dedupe` exactly once ·
`processor` one write transaction for many requests · `slow_work` passwords and the desk · `outflow` what may leave ·
`publisher` sealed bundles · `loop` the one intake thread.

Invariants: an effect, its `applied` row and its answer are one transaction; nothing is published before the commit;
a bundle is removed only after every request in it has been answered.
"""
