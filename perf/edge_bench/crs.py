"""A core rule set as ModSecurity loads it: any tree of the OWASP CRS, or the one Debian installs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

DEBIAN_TREE: Final = Path("/usr/share/modsecurity-crs")
_DEBIAN_SETUP: Final = Path("/etc/modsecurity/crs/crs-setup.conf")
_UNICODE_MAPS: Final = (Path("/etc/nginx/unicode.mapping"), Path("/etc/modsecurity/unicode.mapping"))
_VERSION: Final = re.compile(r"(?:CRS|Core Rule Set) ver\.(\S+)")


class NoRulesError(Exception):
    """No rule set there; the text says what to do."""


def setup_of(tree: Path) -> Path:
    """Give the set-up file of a tree.

    Raises:
        NoRulesError: it has none, or no rules.
    """
    if not any((tree / "rules").glob("*.conf")):
        raise NoRulesError(
            f"{tree}: no rules/*.conf; apt-get install modsecurity-crs, or CRS=<a tree of the OWASP CRS>"
        )
    for path in (tree / "crs-setup.conf", tree / "crs-setup.conf.example", _DEBIAN_SETUP):
        if path.is_file():
            return path
    raise NoRulesError(f"{tree}: no crs-setup.conf")


def main_file(tree: Path, folder: Path) -> str:
    """Write the file that turns ModSecurity on with a rule set, in blocking mode, as its authors recommend.

    Args:
        tree: of the rule set.
        folder: for what ModSecurity writes.

    Raises:
        NoRulesError: the tree cannot be used.
    """
    setup = setup_of(tree)
    unicode_map = next((path for path in _UNICODE_MAPS if path.is_file()), None)
    mapping = f"SecUnicodeMapFile {unicode_map} 20127\n" if unicode_map else ""
    return f"""SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 1048576
SecRequestBodyLimitAction Reject
SecResponseBodyAccess Off
SecPcreMatchLimit 1000
SecPcreMatchLimitRecursion 1000
SecTmpDir {folder}
SecDataDir {folder}
SecAuditEngine Off
SecArgumentSeparator &
SecCookieFormat 0
{mapping}Include {setup}
Include {tree}/rules/*.conf
"""


def version_of(tree: Path) -> str:
    """Give the version that the set-up file names, such as "3.3.4"; "?" if it names none."""
    match = _VERSION.search(setup_of(tree).read_text(encoding="utf-8", errors="replace"))
    return match[1] if match else "?"
