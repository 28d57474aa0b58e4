"""The firewall with its own rules, built once for all tests of a process; compiling takes seconds, so patterns are kept."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from dmz.waf.guard import build_firewall
from dmz.waf.pipeline import WafPipeline
from dmz.waf.rule_store import compile_stored, read_rules
from dmz.waf.seclang.engine import Engine
from dmz.waf.settings import FirewallSettings

#: Compiled patterns of the levels and settings that tests ask for, for the next process and the next run.
KEPT = Path(__file__).parents[2] / ".cache" / "own-rules"


@cache
def hall_firewall() -> WafPipeline:
    """Give the firewall of an installation with default settings."""
    return build_firewall(FirewallSettings(), KEPT)


@cache
def own_rules(settings: FirewallSettings) -> Engine:
    """Give our own rules, compiled for other settings."""
    return Engine(compile_stored(read_rules(settings), KEPT))
