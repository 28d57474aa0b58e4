"""A Core Rule Set tree, made ready for judging: settings first, then its rules as they are.

The settings are ours and do for v3 and v4: both names of the paranoia level, the limits that the corpus was written for
(its ``tests/docker-compose.yml`` and README), and the choice of a body's reader by its type, which a rule set leaves to
the server's own configuration.

Source: CRS, crs-setup.conf.example, tests/regression/README.md; waf research, section 1.
"""

from __future__ import annotations

from pathlib import Path

from dmz.waf.seclang.files import DirectoryFiles
from dmz.waf.seclang.model import RuleSet, RuleSetError
from dmz.waf.seclang.reader import read_rule_set

#: For the corpus: low enough that its tests of limits can pass them.
CORPUS_LIMITS = {
    "arg_name_length": 100,
    "arg_length": 400,
    "total_arg_length": 6400,
    "max_num_args": 255,
    "max_file_size": 64100,
    "combined_file_sizes": 65535,
    "crs_validate_utf8_encoding": 1,
}
_SETTINGS = "conformance-settings.conf"
_SETTINGS_TEXT = """
SecRuleEngine {engine}
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecDefaultAction "phase:1,log,pass"
SecDefaultAction "phase:2,log,pass"
SecRule REQUEST_HEADERS:Content-Type "@rx ^(?:application(?:/soap\\+|/)|text/)xml" \
    "id:1001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/(?:[a-z0-9.-]+\\+)?json" \
    "id:1002,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecAction "id:1003,phase:1,t:none,nolog,pass,{variables}"
"""


def settings_of(level: int, *, blocks: bool, limits: dict[str, int] | None = None) -> str:
    """Write the settings in the rules' own language.

    Args:
        level: paranoia, 1 to 4.
        blocks: whether a request is refused, or judged to its end.
        limits: further variables; none for a rule set's defaults.
    """
    names = ("paranoia_level", "executing_paranoia_level", "blocking_paranoia_level", "detection_paranoia_level")
    variables = {"crs_setup_version": 400, **dict.fromkeys(names, level), **(limits or {})}
    text = ",".join(f"setvar:tx.{name}={value}" for name, value in variables.items())
    return _SETTINGS_TEXT.format(engine="On" if blocks else "DetectionOnly", variables=text)


class TreeFiles:
    """The files of a tree, and one that is not on any disk: the settings."""

    def __init__(self, root: Path, settings: str) -> None:
        self._disk = DirectoryFiles(root)
        self._settings = settings

    def find(self, pattern: str, beside: str) -> tuple[str, ...]:
        """Find as RuleFiles says."""
        return (_SETTINGS,) if pattern == _SETTINGS else self._disk.find(pattern, beside)

    def read(self, file: str, most: int) -> bytes:
        """Read as RuleFiles says."""
        return self._settings.encode() if file == _SETTINGS else self._disk.read(file, most)


def read_tree(root: Path, settings: str) -> RuleSet:
    """Read a tree behind settings.

    Raises:
        RuleSetError: no rules there, or rules that cannot be used.
    """
    if not any((root / "rules").glob("*.conf")):
        raise RuleSetError(f"no rules below {root / 'rules'}")
    return read_rule_set([_SETTINGS, str(root.resolve() / "rules" / "*.conf")], TreeFiles(root, settings))


def levels_of(rules: RuleSet) -> dict[int, int]:
    """Give each rule's paranoia level by its tag; a rule without one has level 0."""
    found = {}
    for rule in rules.items:
        tags = rule.all_of("tag") if hasattr(rule, "all_of") else ()
        found[getattr(rule, "id", 0)] = next(
            (int(tag.removeprefix("paranoia-level/")) for tag in tags if tag.startswith("paranoia-level/")), 0
        )
    return found
