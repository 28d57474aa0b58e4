"""Settings of the firewall, a table in the settings file of an edge."""

from __future__ import annotations

from dataclasses import dataclass

from wire_formats.settings_reader import number


@dataclass(frozen=True)
class FirewallSettings:
    """How strict the firewall is.

    Attributes:
        threshold: score from which a text is refused; higher only to find out about a false alarm.
        upload_mib: largest file.
        answer_mib: largest answer that may leave.
    """

    threshold: int = number(5, least=1, most=100)
    upload_mib: int = number(12, least=1, most=12)
    answer_mib: int = number(16, least=1, most=16)
