"""The hall's firewall with its own rules, built once for all tests of a process: compiling them takes seconds."""

from __future__ import annotations

from functools import lru_cache

from dmz.waf.guard import build_firewall
from dmz.waf.pipeline import WafPipeline
from dmz.waf.settings import FirewallSettings


@lru_cache(maxsize=1)
def hall_firewall() -> WafPipeline:
    """Give the firewall of an installation with default settings."""
    return build_firewall(FirewallSettings())
