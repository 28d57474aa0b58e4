"""Settings of the firewall, a table in the settings file of an edge."""

from __future__ import annotations

from dataclasses import dataclass

from wire_formats.settings_reader import number


@dataclass(frozen=True)
class FirewallSettings:
    """How strict the firewall is.

    Attributes:
        rules: SecLang files or patterns of names, absolute, in the order in which they are read; empty: our own rules.
            For the OWASP Core Rule Set: its ``crs-setup.conf`` and ``rules/*.conf``.
        exclusions: SecLang files read before the rules, for what they must not judge: ``ctl`` actions by path.
        adjustments: SecLang files read after the rules: ``SecRuleUpdateTargetById``, ``SecRuleRemoveById``.
        paranoia: level of the rules that may refuse, 1 (hardly any false alarm) to 4.
        threshold: score from which a request is refused; higher only to find out about a false alarm.
        upload_mib: largest file.
        answer_mib: largest answer that may leave.
    """

    rules: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    adjustments: tuple[str, ...] = ()
    paranoia: int = number(1, least=1, most=4)
    threshold: int = number(5, least=1, most=100)
    upload_mib: int = number(12, least=1, most=12)
    answer_mib: int = number(16, least=1, most=16)
