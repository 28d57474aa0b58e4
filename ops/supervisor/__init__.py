"""Keeps the roles of one host alive: starts, watches, restarts, replaces and stops them.

`restart_policy` and `process_table` decide and are pure; `child`, `probe`, `control` and `supervisor` act.
Invariants: no role outlives the supervisor; a role never runs twice; stop is ordered and bounded.
"""
