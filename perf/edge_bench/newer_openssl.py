"""OpenSSL of our own generation for the peers: the one a wheel brings along, under the names they look for.

Our edge runs on the OpenSSL inside the wheel of ``cryptography``, the peers on the system's, and most of what the two
differ by in a handshake is OpenSSL and not us. So the peers are measured on a newer one as well: the database driver's
wheel holds OpenSSL 3.5 as shared libraries, which programs built for 3.0 accept.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Final

_VERSION: Final = re.compile(rb"OpenSSL (3\.\d+\.\d+) \d+ \w+ \d{4}")


def find_newer(folder: Path) -> tuple[Path, str] | None:
    """Look for it among the installed wheels.

    Args:
        folder: to be made, with links of the names ``libssl.so.3`` and ``libcrypto.so.3``.

    Returns:
        The folder and the version; None when there is none.
    """
    spec = importlib.util.find_spec("psycopg_binary")
    if spec is None or spec.origin is None:
        return None
    libraries = Path(spec.origin).parents[1] / "psycopg_binary.libs"
    found = {name: next(libraries.glob(f"{name}-*.so.3"), None) for name in ("libssl", "libcrypto")}
    crypto = found["libcrypto"]
    if crypto is None or found["libssl"] is None:
        return None
    version = _VERSION.search(crypto.read_bytes())
    if version is None:
        return None
    folder.mkdir()
    for name, path in found.items():
        assert path is not None
        (folder / f"{name}.so.3").symlink_to(path)
        (folder / path.name).symlink_to(path)
    return folder, version[1].decode("ascii")
