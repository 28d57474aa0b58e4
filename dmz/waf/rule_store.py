"""The firewall's rules from disk, compiled; the compiled pattern set is kept on disk, since making it takes seconds.

    <cache>/<key>.patterns     key: digest of all patterns and of the library's version; the newest MOST_KEPT stay
    PREPARED/<key>.patterns    the sets of the rules that ship with the product, made when it is installed

What is kept is only a shortcut: a file that is missing, foreign or damaged is made anew.  Both folders are as private
as the program: whoever can write there could as well change the rules.

Source: firewall research, section 4 (compile time, cached database).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dmz.waf.seclang.compiled import Table
from dmz.waf.seclang.compiler import compile_rules
from dmz.waf.seclang.files import DirectoryFiles
from dmz.waf.seclang.model import RuleSet, RuleSetError
from dmz.waf.seclang.pattern_set import PatternSet
from dmz.waf.seclang.reader import read_rule_set
from dmz.waf.settings import FirewallSettings
from wire_formats.settings_reader import SettingsError

OWN_RULES: Final = Path(__file__).parent / "rule_sets"
#: Belongs to the Python environment, like the program itself.
PREPARED: Final = Path(sys.prefix) / "share" / "ferrygate" / "rules"
MOST_KEPT: Final = 4
MOST_STORED_BYTES: Final = 256 << 20
_SETUP: Final = "(settings)"


def read_rules(settings: FirewallSettings) -> RuleSet:
    """Read the rules that the settings name.

    Raises:
        SettingsError: a file that is missing or cannot be used; names file and line.
    """
    rules = settings.rules or (str(OWN_RULES / "*.conf"),)
    names = (_SETUP, *settings.exclusions, *rules, *settings.adjustments)
    roots = {_root(name) for name in names[1:]}
    try:
        return read_rule_set(names, _WithSetup(DirectoryFiles(*sorted(roots)), _setup(settings)))
    except RuleSetError as error:
        raise SettingsError(f"firewall rules: {error}") from None


def compile_stored(rules: RuleSet, cache: Path | None) -> Table:
    """Compile rules with the stored pattern set, or store it.

    Args:
        rules: as read.
        cache: a private folder, made if it is missing; None: nothing is stored.

    Raises:
        SettingsError: a rule that cannot be used; names file and line.
    """
    store = _Store(cache)
    try:
        table = compile_rules(rules, store.load)
    except RuleSetError as error:
        raise SettingsError(f"firewall rules: {error}") from None
    store.keep(table.patterns)
    _give_back_memory()
    return table


def _give_back_memory() -> None:
    """Return to the system what reading has used: glibc keeps it, in pieces that the next reading cannot use."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class _WithSetup:
    """Rule files, and a first one made from the settings."""

    def __init__(self, inner: DirectoryFiles, setup: bytes) -> None:
        self._inner = inner
        self._setup = setup

    def find(self, pattern: str, beside: str) -> tuple[str, ...]:
        return (_SETUP,) if pattern == _SETUP and not beside else self._inner.find(pattern, beside)

    def read(self, file: str, most: int) -> bytes:
        return self._setup if file == _SETUP else self._inner.read(file, most)


def _setup(settings: FirewallSettings) -> bytes:
    """Write level and threshold as rules; each rule set has its own names for them."""
    level, threshold = settings.paranoia, settings.threshold
    variables = {
        "blocking_paranoia_level": level,
        "detection_paranoia_level": level,
        "paranoia_level": level,
        "executing_paranoia_level": level,
        "inbound_anomaly_score_threshold": threshold,
        "outbound_anomaly_score_threshold": max(threshold - 1, 1),  # as in the CRS: one error in an answer is enough
    }
    setting = ",".join(f"setvar:tx.{name}={value}" for name, value in variables.items())
    return f'SecAction "id:1,phase:1,pass,nolog,{setting}"\n'.encode()


def _root(name: str) -> Path:
    """Give the folder of a file, or the one that holds a pattern's matches."""
    path = Path(name)
    if not path.is_absolute():
        raise SettingsError(f"firewall rules: {name}: name an absolute path")
    return path.parent


class _Store:
    """Compiled pattern sets in a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._path: Path | None = None

    def load(self, key: str) -> bytes | None:
        """Give a stored set; remembers under which name ``keep`` stores it."""
        name = f"{key}.patterns"
        self._path = None if self._folder is None else self._folder / name
        for path in (self._path, PREPARED / name):
            data = None if path is None else _read(path)
            if data is not None:
                return data
        return None

    def keep(self, patterns: PatternSet) -> None:
        """Store a set that was compiled; a disk that is full or read-only costs time at the next start, no more."""
        data = None if patterns.was_stored or self._path is None else patterns.dump()
        if data is None or self._path is None:
            return
        temporary = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            return
        _forget_oldest(self._path.parent)


def _read(path: Path) -> bytes | None:
    with contextlib.suppress(OSError):
        if path.stat().st_size <= MOST_STORED_BYTES:
            return path.read_bytes()
    return None


def _forget_oldest(folder: Path) -> None:
    with contextlib.suppress(OSError):
        stored: Sequence[Path] = sorted(folder.glob("*.patterns"), key=lambda path: path.stat().st_mtime)
        for path in stored[:-MOST_KEPT]:
            path.unlink()
