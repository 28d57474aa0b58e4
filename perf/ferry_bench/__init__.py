"""Figures of the ferry, each beside its target: ``make bench-ferry``.  Never a test; run it alone.

Knows what an operator knows: the commands, and the ground's formats.
"""
