"""What the pages need to know about the installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wire_formats.errors import Bug, Kind

MAX_URL_CHARACTERS: Final = 200


@dataclass(frozen=True)
class HallSettings:
    """Settings of the pages; part of the worker's settings.

    Attributes:
        site_url: address of the public site, `https://host:port`, without a final slash.
        unit_url: address of the employers' window, the same form.
        community_url: address of the communities' window.
        person_url: address of the individuals' window.
        refresh_s: seconds between two updates of a page that waits, 1..60.
        slow_after_s: seconds after which a waiting page says that it takes longer than usual.
        late_notice_s: seconds before the time-out at which the warning shows itself (WCAG 2.2.1 asks for ≥ 20).
        max_upload_mib: largest workbook, in MiB; for the words only, the edge enforces it.
    """

    site_url: str = "https://localhost:8443"
    unit_url: str = "https://localhost:7002"
    community_url: str = "https://localhost:7012"
    person_url: str = "https://localhost:7022"
    refresh_s: int = 3
    slow_after_s: int = 30
    late_notice_s: int = 300
    max_upload_mib: int = 12

    def __post_init__(self) -> None:
        for url in (self.site_url, self.unit_url, self.community_url, self.person_url):
            if not url.startswith("https://") or url.endswith("/") or len(url) > MAX_URL_CHARACTERS:
                raise Bug(Kind.BUG, "a window's address must be https://host:port without a final slash")
        if not 1 <= self.refresh_s <= 60:
            raise Bug(Kind.BUG, "refresh_s must be 1..60")
        if self.late_notice_s < 20:
            raise Bug(Kind.BUG, "late_notice_s must be at least 20")

    def url_of(self, window: str) -> str:
        """Give the address of a window."""
        return {
            "site": self.site_url,
            "unit": self.unit_url,
            "community": self.community_url,
            "person": self.person_url,
        }[window]
