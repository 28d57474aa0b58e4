"""Handlers: one synchronous function `(context, request) -> answer` per service of the catalogue.

A handler sees the database only through its context, decides by what the grant says (never by what the body claims),
raises `Refused` for what is not allowed, and leaves commit and rollback to intake.
"""
