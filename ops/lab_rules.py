"""What is judged, and by which rules, where the edge or its firewall is measured (``edge_lab``, ``firewall_lab``)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dmz.waf.routes import ParamRule, RouteRule
from dmz.waf.settings import FirewallSettings
from wire_formats.settings_reader import SettingsError

OWN: Final = "own"
_DEBIAN_SETUP: Final = Path("/etc/modsecurity/crs/crs-setup.conf")
#: Longest text of a parameter of the lab's routes.
LONGEST_TEXT: Final = 65_536
_FORM_FIELDS: Final = 20
_QUERY: Final = ("id", "name", "from", "to", "page")


def settings_of(rules: str) -> FirewallSettings:
    """Give the firewall's settings for its own rules (OWN), or for the core rule set in a folder.

    Raises:
        SettingsError: no such rule tree.
    """
    return FirewallSettings() if rules == OWN else FirewallSettings(rules=rule_files(Path(rules)))


def rule_files(tree: Path) -> tuple[str, ...]:
    """Give the files of a core rule set; Debian keeps the set-up file elsewhere.

    Raises:
        SettingsError: there are none.
    """
    setups = (tree / "crs-setup.conf", tree / "crs-setup.conf.example", _DEBIAN_SETUP)
    setup = next((path for path in setups if path.is_file()), None)
    if setup is None or not (tree / "rules").is_dir():
        raise SettingsError(f"lab: rules: {tree} is no tree of a core rule set")
    return (str(setup), str(tree / "rules" / "*.conf"))


def lab_routes() -> tuple[RouteRule, ...]:
    """Give what the load generator sends: free text everywhere, so that no rule is spared."""
    windows = ("unit",)
    query = tuple(ParamRule(name, LONGEST_TEXT) for name in _QUERY)
    form = tuple(ParamRule(f"field{i}", LONGEST_TEXT, lines=True) for i in range(_FORM_FIELDS))
    return (
        RouteRule("GET", "/browse", windows, query=query),
        RouteRule("POST", "/form", windows, form=form),
        RouteRule("POST", "/upload", windows, form=form, uploads=("file",)),
    )
