"""A folder of files read once at start-up, each with its digest, its media type and its compressed form.

``url("hall.css")`` is ``/static/hall.<16 hex digits of SHA-256>.css``. Such an address means these bytes for ever, so
browsers may keep it without asking; another release has another address. The plain ``/static/hall.css`` works too, for
a short time each.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

PREFIX: Final = "/static/"
FILES: Final = Path(__file__).parent / "files"
MAX_FILES: Final = 256
MAX_FILE_BYTES: Final = 2 * 1024 * 1024
MAX_ALL_BYTES: Final = 16 * 1024 * 1024
MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".ico": "image/vnd.microsoft.icon",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".webp": "image/webp",
        ".woff2": "font/woff2",
    }
)
_COMPRESSED_ANYWAY: Final = frozenset({".ico", ".png", ".webp", ".woff2"})
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}[.][a-z0-9]{1,8}", re.ASCII)
_DIGEST_DIGITS: Final = 16
_GZIP_LEVEL: Final = 9


class AssetError(Exception):
    """A folder cannot be served; the text names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file.

    Attributes:
        name: plain name, for example ``hall.css``.
        media_type: for Content-Type.
        content: the bytes.
        compressed: gzip of them, or b"" where it does not pay.
        digest: SHA-256, 64 hex digits.
    """

    name: str
    media_type: str
    content: bytes
    compressed: bytes
    digest: str

    @property
    def hashed_name(self) -> str:
        """The name with the digest in it."""
        stem, dot, suffix = self.name.rpartition(".")
        return f"{stem}.{self.digest[:_DIGEST_DIGITS]}{dot}{suffix}"


class AssetMap:
    """All files, by plain and by hashed name.

    Args:
        assets: with different names.
    """

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._plain = dict(assets)
        self._hashed = {asset.hashed_name: asset for asset in assets.values()}

    def url(self, name: str) -> str:
        """Give the lasting address of a file.

        Raises:
            AssetError: there is no such file; a page names something that is not shipped.
        """
        asset = self._plain.get(name)
        if asset is None:
            raise AssetError(f"no static file '{name}'; known: {', '.join(sorted(self._plain))}")
        return PREFIX + asset.hashed_name

    def find(self, path: str) -> tuple[Asset, bool] | None:
        """Give the file of an address, and whether the address lasts; None if there is none."""
        name = path.removeprefix(PREFIX)
        lasting = self._hashed.get(name)
        if lasting is not None:
            return lasting, True
        plain = self._plain.get(name)
        return None if plain is None else (plain, False)


def load_assets(folder: Path = FILES) -> AssetMap:
    """Read all files of a folder (not of folders below it).

    Args:
        folder: by default the one that is shipped.

    Raises:
        AssetError: a name or type that is not served, too many or too large files.
    """
    assets: dict[str, Asset] = {}
    total = 0
    for path in sorted(folder.iterdir()):
        if not path.is_file():
            continue
        if len(assets) >= MAX_FILES:
            raise AssetError(f"{folder}: more than {MAX_FILES} files")
        asset = _load(path)
        total += len(asset.content)
        if total > MAX_ALL_BYTES:
            raise AssetError(f"{folder}: more than {MAX_ALL_BYTES} bytes")
        assets[asset.name] = asset
    return AssetMap(assets)


def _load(path: Path) -> Asset:
    media_type = MEDIA_TYPES.get(path.suffix)
    if media_type is None or not _NAME.fullmatch(path.name):
        raise AssetError(f"{path}: cannot be served; letters, digits, '_', '-' and one of {', '.join(MEDIA_TYPES)}")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise AssetError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    content = path.read_bytes()
    return Asset(path.name, media_type, content, _compress(path.suffix, content), hashlib.sha256(content).hexdigest())


def _compress(suffix: str, content: bytes) -> bytes:
    if suffix in _COMPRESSED_ANYWAY:
        return b""
    packed = gzip.compress(content, _GZIP_LEVEL, mtime=0)
    return packed if len(packed) < len(content) else b""
