"""Rules from the settings' files; the compiled set on disk is a shortcut and nothing more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dmz.waf.rule_store import MOST_KEPT, compile_stored, read_rules
from dmz.waf.seclang.engine import Engine
from dmz.waf.seclang.sent_request import read_request
from dmz.waf.settings import FirewallSettings
from wire_formats.settings_reader import SettingsError

RULES = """
SecRule TX:blocking_paranoia_level "@lt 2" "id:9,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS "@rx odd" "id:10,phase:2,log,pass,setvar:tx.score=+3"
SecMarker END
SecRule ARGS "@pm evil vile" "id:11,phase:2,log,pass,setvar:tx.score=+5"
SecRule TX:score "@ge %{tx.inbound_anomaly_score_threshold}" "id:12,phase:2,deny"
"""


def settings(folder: Path, **changed: object) -> FirewallSettings:
    (folder / "a.conf").write_text(RULES)
    return FirewallSettings(rules=(str(folder / "*.conf"),), **changed)  # type: ignore[arg-type]


def verdict(settings: FirewallSettings, cache: Path | None, query: str) -> tuple[frozenset[int], int]:
    judged = Engine(compile_stored(read_rules(settings), cache)).judge(
        read_request(f"GET /?{query} HTTP/1.1\n".encode())
    )
    return judged.ids(), judged.refused_by


def test_level_and_threshold_come_from_the_settings(tmp_path):
    assert verdict(settings(tmp_path), None, "a=evil+odd") == ({11, 12}, 12)
    assert verdict(settings(tmp_path, paranoia=2, threshold=9), None, "a=evil+odd") == ({10, 11}, 0)
    assert verdict(settings(tmp_path, paranoia=2, threshold=8), None, "a=evil+odd") == ({10, 11, 12}, 12)


def test_exclusions_come_first_and_adjustments_last(tmp_path):
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_text('SecRule REQUEST_FILENAME "@streq /x" "id:2,phase:1,pass,nolog,ctl:ruleRemoveById=11"')
    after.write_text('SecRuleUpdateTargetById 11 "!ARGS:remark"')
    both = settings(tmp_path, exclusions=(str(before),), adjustments=(str(after),))
    assert verdict(both, None, "a=evil")[1] == 12
    assert verdict(both, None, "remark=evil")[1] == 0
    engine = Engine(compile_stored(read_rules(both), None))
    assert engine.judge(read_request(b"GET /x?a=evil HTTP/1.1\n")).refused_by == 0


def test_a_compiled_set_is_stored_and_taken_again(tmp_path):
    cache = tmp_path / "cache"
    first = verdict(settings(tmp_path), cache, "a=evil")
    stored = list(cache.glob("*.patterns"))
    assert len(stored) == 1 and cache.stat().st_mode & 0o777 == 0o700
    before = stored[0].stat().st_mtime_ns
    assert verdict(settings(tmp_path), cache, "a=evil") == first == ({11, 12}, 12)
    assert stored[0].stat().st_mtime_ns == before, "what was loaded is not written again"


@pytest.mark.parametrize("damage", [b"", b"rubbish", b'{"format": 3}\nx'])
def test_a_damaged_set_is_made_anew(tmp_path, damage):
    cache = tmp_path / "cache"
    verdict(settings(tmp_path), cache, "a=evil")
    (stored,) = cache.glob("*.patterns")
    whole = stored.stat().st_size
    stored.write_bytes(damage)
    assert verdict(settings(tmp_path), cache, "a=evil") == ({11, 12}, 12)
    assert stored.stat().st_size == whole, "the next start is to be fast again"


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path):
    (tmp_path / "file").write_text("")
    assert verdict(settings(tmp_path), tmp_path / "file" / "cache", "a=evil") == ({11, 12}, 12)


def test_old_sets_are_forgotten(tmp_path):
    cache = tmp_path / "cache"
    for number in range(MOST_KEPT + 3):
        (tmp_path / "a.conf").write_text(RULES.replace("evil", f"evil{number}"))
        compile_stored(read_rules(FirewallSettings(rules=(str(tmp_path / "*.conf"),))), cache)
    assert len(list(cache.iterdir())) == MOST_KEPT


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('SecRule ARGS "@rx (" "id:7,phase:2,pass"', r"a\.conf:1: rule 7"),
        ("SecRule ARGS", r"a\.conf:1"),
        ('Include "/etc/passwd"', r"a\.conf:1"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path, text, told):
    with pytest.raises(SettingsError, match=told):
        compile_stored(read_rules(settings_of(tmp_path, text)), None)


def settings_of(folder: Path, text: str) -> FirewallSettings:
    (folder / "a.conf").write_text(text)
    return FirewallSettings(rules=(str(folder / "a.conf"),))


@pytest.mark.parametrize("name", ["relative.conf", "/nowhere/at/all/*.conf", "/nowhere/at/all.conf"])
def test_rules_that_are_not_there_are_a_mistake(name):
    with pytest.raises(SettingsError, match="firewall rules"):
        read_rules(FirewallSettings(rules=(name,)))


_RELOADS = """
import sys
import subprocess
import sys
from pathlib import Path
from dmz.waf.rule_store import compile_stored, read_rules
from dmz.waf.settings import FirewallSettings

def private_kib():
    return sum(int(line.split()[1]) for line in open("/proc/self/smaps_rollup") if line.startswith("Private_"))

held = None
for number in range(int(sys.argv[2])):
    held = compile_stored(read_rules(FirewallSettings()), Path(sys.argv[1]))
    if number in (2, int(sys.argv[2]) - 1):
        print(private_kib())
"""


def test_reading_the_rules_again_and_again_takes_no_more_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _RELOADS, str(tmp_path), "15"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4])
    first, last = map(int, told.stdout.split())
    assert last < first + 4_096, f"private memory grew from {first} to {last} KiB in twelve reloads"
