"""Settings of admission control: a table of the edge's settings file. All figures are per child."""

from __future__ import annotations

from dataclasses import dataclass

from dmz.admission.limiter import LimiterBounds
from dmz.admission.line import LineBounds
from wire_formats.instants import SECOND_MS
from wire_formats.settings_reader import number


@dataclass(frozen=True)
class AdmissionSettings:
    """How many requests are let in, and how long one waits.

    Attributes:
        places_least, places_most: requests under way under overload: the lowest limit, the highest.
        places_calm: requests that may be under way in any case while nobody need be refused.
        stretch_percent: how long half of the requests may take, in percent of what is usual.
        parked_ms: after so long a request under way counts no more: it waits for somebody.
        waiting: requests that wait for a place.
        burst: requests that may wait before that counts as overload.
        narrow: requests that may wait under overload.
        patience_ms: how long one waits for a place.
        target_ms: the same under overload.
        calm_ms: how long overload is remembered.
        sessions: sessions that are known at once, by all children together.
    """

    places_least: int = number(2, least=1, most=256)
    places_calm: int = number(16, least=1, most=4_096)
    places_most: int = number(256, least=1, most=65_536)
    stretch_percent: int = number(200, least=110, most=10_000)
    parked_ms: int = number(1_000, least=50, most=60_000)
    waiting: int = number(256, least=1, most=65_536)
    burst: int = number(32, least=0, most=65_536)
    narrow: int = number(4, least=1, most=65_536)
    patience_ms: int = number(5_000, least=10, most=60_000)
    target_ms: int = number(25, least=1, most=60_000)
    calm_ms: int = number(5_000, least=100, most=600_000)
    sessions: int = number(65_536, least=8, most=4_194_304)

    @property
    def limiter(self) -> LimiterBounds:
        """The limiter's part."""
        return LimiterBounds(
            least=self.places_least,
            calm=self.places_calm,
            most=max(self.places_most, self.places_least),
            stretch=self.stretch_percent / 100,
            parked_s=self.parked_ms / SECOND_MS,
        )

    @property
    def line(self) -> LineBounds:
        """The line's part."""
        return LineBounds(
            most=self.waiting,
            burst=self.burst,
            narrow=self.narrow,
            patience_s=self.patience_ms / SECOND_MS,
            target_s=min(self.target_ms, self.patience_ms) / SECOND_MS,
            calm_s=self.calm_ms / SECOND_MS,
        )
