"""Settings of media: the table ``media`` of a half, and the media clerk's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wire_formats.bundle import MAX_BUNDLE_BYTES
from wire_formats.medium import MAX_CONTENT_BYTES, MAX_FILES
from wire_formats.settings_reader import number


@dataclass(frozen=True, kw_only=True)
class MediaSettings:
    """Media of one half (table ``media``): what carries files by hand (光盘, U盘); see ``ferry.media``.

    Attributes:
        folder: the half's media folder: collection, register, what came.
        seal_key: 32 raw bytes: opens media that come to this half.
        peer_key: 32 raw bytes: the other half's public seal key.
        operators: PEM file with the certificates of the gatekeeper operators.
        operator_issuers: PEM file with the authorities that issue them.
        most_files: files that may wait in a lane for the next medium, and go onto one medium.
        most_bytes: bytes that may wait in a lane for the next medium, and go onto one medium.
        life_hours: how long a medium may be on its way.
    """

    folder: Path
    seal_key: Path
    peer_key: Path
    operators: Path
    operator_issuers: Path
    most_files: int = number(12_000, least=1, most=MAX_FILES)
    most_bytes: int = number(3_900_000_000, least=MAX_BUNDLE_BYTES, most=MAX_CONTENT_BYTES)
    life_hours: int = number(168, least=1, most=24 * 366)


@dataclass(frozen=True, kw_only=True)
class ClerkSettings:
    """The media clerk (table ``clerk``); see ``ferry.media.clerk``.

    Attributes:
        places: folders at which media are mounted; no other place is written or read.
        plain_folders: for trials: take a place at which nothing is mounted, and import from one that can be written.
    """

    places: tuple[Path, ...] = ()
    plain_folders: bool = False
