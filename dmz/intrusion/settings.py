"""Settings of the intrusion watch, the table ``[intrusion]`` in the settings file of an edge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dmz.edge.connection_limits import Rate
from dmz.intrusion.bans import BanRules
from dmz.intrusion.score import Bounds, ScoreRules
from dmz.intrusion.subjects import parse_networks
from dmz.intrusion.syslog import parse_collector
from wire_formats.instants import HOUR_MS, MINUTE_MS, SECOND_MS
from wire_formats.settings_reader import number

OFFENDERS: Final = 50_000
BANS: Final = 4_096
SLOWED_BURST: Final = 8


@dataclass(frozen=True)
class IntrusionSettings:
    """How much is suffered, and what follows.

    Attributes:
        bans: a drop of the edge's own: bans, shared by its children.
        trusted: networks whose addresses are never throttled or banned (monitoring, a proxy); certificates still are.
        address_throttle, address_ban: scores of an address from which it is slowed down, banned.
        certificate_throttle, certificate_ban: the same of a certificate.
        half_life_s: after this time a score counts half.
        slowed_per_minute: requests left to whoever is slowed down.
        ban_minutes: the first ban; each further one is twice as long.
        longest_ban_hours: no automatic ban is longer.
        memory_hours: how long after its end a ban still makes the next one longer.
        events: file for CEF lines, one for each child (its number is added to the name); absent: none.
        events_bytes: size at which a new file is begun; three full ones are kept.
        syslog: "address:port" of a collector of CEF lines by UDP, an IP address, no name; "": none.
        clamd_socket: clamd's Unix socket; absent: uploads are not scanned.
        clamd_deadline_s: longest scan of one upload.
        clamd_required: whether uploads are refused while clamd does not answer.
    """

    bans: Path
    trusted: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    address_throttle: int = number(50, least=1, most=1_000_000)
    address_ban: int = number(100, least=2, most=1_000_000)
    certificate_throttle: int = number(100, least=1, most=1_000_000)
    certificate_ban: int = number(200, least=2, most=1_000_000)
    half_life_s: int = number(600, least=1, most=24 * 3_600)
    slowed_per_minute: int = number(60, least=1, most=6_000)
    ban_minutes: int = number(10, least=1, most=7 * 24 * 60)
    longest_ban_hours: int = number(24, least=1, most=30 * 24)
    memory_hours: int = number(24, least=1, most=30 * 24)
    events: Path | None = None
    events_bytes: int = number(20_000_000, least=10_000, most=1_000_000_000)
    syslog: str = ""
    clamd_socket: Path | None = None
    clamd_deadline_s: int = number(10, least=1, most=30)
    clamd_required: bool = False

    def __post_init__(self) -> None:
        """Check what one value alone does not show.

        Raises:
            ValueError: one line with the setting.
        """
        parse_networks(self.trusted)
        if self.address_throttle >= self.address_ban or self.certificate_throttle >= self.certificate_ban:
            raise ValueError("a *_throttle must be less than its *_ban")
        if self.syslog:
            parse_collector(self.syslog)

    def score_rules(self) -> ScoreRules:
        """Give the ledger's rules."""
        return ScoreRules(
            address=Bounds(self.address_throttle, self.address_ban),
            certificate=Bounds(self.certificate_throttle, self.certificate_ban),
            half_life_ms=self.half_life_s * SECOND_MS,
            slowed=Rate(per_second=self.slowed_per_minute / 60, burst=SLOWED_BURST),
            capacity=OFFENDERS,
        )

    def ban_rules(self) -> BanRules:
        """Give the rules of bans."""
        return BanRules(
            first_ms=self.ban_minutes * MINUTE_MS,
            longest_ms=max(self.ban_minutes * MINUTE_MS, self.longest_ban_hours * HOUR_MS),
            memory_ms=self.memory_hours * HOUR_MS,
            most=BANS,
        )
