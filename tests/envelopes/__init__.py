"""Mutation of signed envelopes: whatever is changed in one, nobody takes it for true.

::

    real envelopes ──▶ mutations ──▶ the door that reads them ──▶ PeerError, or a finding

``python -m tests.envelopes`` runs a campaign (bounded by a count, its seed printed); ``test_envelopes`` runs a short one
with a fixed seed, and plants faults that it must find.

Source: research, section 10 ("mutated envelopes: 0 accepted, 0 crashes").
"""
