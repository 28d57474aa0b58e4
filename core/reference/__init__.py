"""Dated reference data (参数): rates and base limits, each row with its source and a `verified` flag.

A figure without evidence is marked; a period without a row is refused, never guessed.
"""
