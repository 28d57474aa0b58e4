"""Deterministic simulation of the whole road: the real ferry, worker end and core end on simulated time and disks.

scheduler   simulated time; processes that can die at any moment; their reactors and clocks
disk        files, names and what a power failure leaves of both; sqlite puts real SQLite on it
processes   worker, low half, high half, core: the product's own parts, started and started again
carrier     the gap: loses, tears, doubles, reorders, delays, repeats and forges files
faults      which faults a seed meets, and when
users       submit transactions and remember what they were told
checks      what must hold while it runs and after it ended
schedule    one seed from beginning to end
__main__    many seeds: make simulate SEEDS=n [FIRST=seed]
"""
