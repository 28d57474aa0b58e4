"""The production database: tables, engine and migrations.

Invariants: every large table carries its distribution key (`district` or `unit_id`) first in its primary key;
money is integer fen, time is integer milliseconds since the epoch (UTC), a month is the integer YYYYMM;
insert-only tables are guarded by triggers on both databases (see `insert_only`).
"""
