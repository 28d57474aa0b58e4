"""The firewall alone, to be measured (``python -m ops.firewall_lab``): for `make bench-edge` only.

    python -m ops.firewall_lab --rules own --cache DIR      "own", or the folder of a core rule set

Writes two lines of JSON, one as soon as it could serve, the other when it has seen all:

    {"processor_s": 0.71}                                   spent until then
    {"memory_mib": 34.2, "reloads": [37.1, …],              private and shared memory at the start, after reloads
     "holds": [["<x y= in 1 field", 9.8, 63.1, 200], …]}     milliseconds of the longest step, of all steps, and status

What an edge is made of is imported, so that memory and start are those of an edge before its first connection.

A step is what the reactor waits for before anybody else has a turn, on top of ``dmz.waf.guard.SLICE_S``; it is measured
in processor time of the thread.  The texts are those on which some part of the firewall works longest.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from pathlib import Path
from typing import Final

from dmz.messages import HallRequest
from dmz.waf.pipeline import WafPipeline
from dmz.waf.routes import build_route_table
from dmz.waf.rule_store import compile_stored, read_rules
from dmz.waf.seclang.engine import Engine
from dmz.waf.settings import FirewallSettings
from ops.lab_rules import LONGEST_TEXT, OWN, lab_routes, settings_of
from ops.roles import edge
from ops.runtime.role_main import EXIT_CANNOT_START, say
from wire_formats.settings_reader import SettingsError

#: Bytes of all texts of a request, a little less than the firewall takes (its path and headers count too).
TEXT_BYTES: Final = 64_500
FIELD_COUNTS: Final = (1, 8)
RELOADS: Final = 50
RELOADS_SHOWN: Final = 10
#: Each is repeated until a field is full.
HOSTILE: Final = (
    "<x y=", "$(", "'", " ", "a=", "<", "union select ", "(", ";a", "%41", "\\u0041",
    "&#65;", "社保", "/*", "../", "1 or ",
    "onx= ", "QUJD", "a\n", "<!--", "'=", "{{", "=cmd|", '{"a":', "<a href=java", "@a", "a' and ", "-- ", "`a`",
    "<?php ", "http://a/", "1", "a", "0x41,", "concat(", "style=x ", "a,'b", "\\x41", "&lt;", "javascript:", "\0",
    "%u4e00", "||",
)  # fmt: skip
#: So that memory and start are those of an edge.
IMPORTED: Final = edge.__name__
_HEADERS: Final = {
    "host": "localhost",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64)",
    "accept": "*/*",
    "content-type": "application/x-www-form-urlencoded",
}


def hostile_request(text: str, fields: int) -> HallRequest:
    """Make a form that is filled with a text, again and again."""
    size = TEXT_BYTES // fields
    value = (text * (size // len(text.encode()) + 1)).encode()[: size - 4].decode("utf-8", "ignore")
    form = tuple((f"field{number}", f"{value}{number:02d}") for number in range(fields))
    return HallRequest("POST", "unit", "/form", form=form, headers=_HEADERS, address="192.0.2.1")


def hold(pipeline: WafPipeline, request: HallRequest) -> tuple[float, float, bool]:
    """Judge a request; gives milliseconds of the longest step and of all, and whether it may pass."""
    longest = whole = 0.0
    steps = pipeline.steps(request)
    while True:
        before = time.thread_time()
        verdict = None
        try:
            next(steps)
        except StopIteration as done:
            verdict = done.value
        took = (time.thread_time() - before) * 1e3
        longest, whole = max(longest, took), whole + took
        if verdict is not None:
            return longest, whole, verdict.allowed


def memory_mib() -> float:
    """Give the memory of this process, its share of what is shared included."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _load(settings: FirewallSettings, cache: Path) -> WafPipeline:
    engine = Engine(compile_stored(read_rules(settings), cache))
    return WafPipeline(build_route_table(lab_routes()), engine, most_text=LONGEST_TEXT)


def run(rules: str, cache: Path) -> None:
    """Load, tell, and measure.

    Raises:
        SettingsError: no such rules, or rules that cannot be used.
    """
    settings = settings_of(rules)
    pipeline = _load(settings, cache)
    _tell({"processor_s": time.process_time()})
    gc.collect()
    memory = memory_mib()
    holds = []
    for fields in FIELD_COUNTS:
        for text in HOSTILE:
            longest, whole, allowed = hold(pipeline, hostile_request(text, fields))
            holds.append((f"{text!r} in {fields} field{'s' if fields > 1 else ''}", longest, whole, allowed))
    after_holds = memory_mib()
    reloads = []
    for number in range(1, RELOADS + 1):
        pipeline = _load(settings, cache)
        if number % RELOADS_SHOWN == 0:
            gc.collect()
            reloads.append(memory_mib())
    _tell({"memory_mib": memory, "after_holds_mib": after_holds, "reloads": reloads, "holds": holds})


def _tell(seen: object) -> None:
    sys.stdout.write(json.dumps(seen) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Measure; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.firewall_lab", description=__doc__)
    parser.add_argument("--rules", default=OWN, help='"own", or the folder of a core rule set')
    parser.add_argument("--cache", type=Path, required=True, help="where compiled patterns are kept")
    words = parser.parse_args()
    try:
        run(words.rules, words.cache)
    except SettingsError as error:
        say(str(error))
        return EXIT_CANNOT_START
    return 0


if __name__ == "__main__":
    sys.exit(main())
