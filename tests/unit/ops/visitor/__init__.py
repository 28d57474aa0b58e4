"""Tests of composition, runtime and supervisor."""
