r"""Lines in ArcSight's Common Event Format, version 0.  Pure.

::

    CEF:0|Ferrygate|Ferrygate edge|1|scanner|Scanner's program or path|7|rt=… src=203.0.113.7 …

In the head ``\`` and ``|`` are escaped with a backslash; in the extension's values ``\`` and ``=``, and line ends are
written ``\n`` and ``\r``. A line end in the head becomes a space: the head has no escape for it.

Source: Micro Focus, "ArcSight Common Event Format (CEF) Implementation Standard", sections on header and extension.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

VENDOR: Final = "Ferrygate"
PRODUCT: Final = "Ferrygate edge"
#: Of the events, not of the program: raised when a field changes its meaning.
EVENTS_VERSION: Final = "1"
MOST_SEVERITY: Final = 10
MAX_VALUE: Final = 1_000
_KEY: Final = re.compile(r"[A-Za-z0-9]{1,40}", re.ASCII)
_OTHER_CONTROLS: Final = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_LINE_ENDS: Final = re.compile(r"[\r\n]+")


def cef_line(title: tuple[str, str, int], extension: Iterable[tuple[str, str]]) -> str:
    """Write one line, without its end.

    Args:
        title: signature id, name, severity 0..10.
        extension: keys (letters and digits) and values; values beyond MAX_VALUE characters are cut.

    Raises:
        ValueError: a key or the severity is outside the format.
    """
    signature, name, severity = title
    if not 0 <= severity <= MOST_SEVERITY:
        raise ValueError(f"severity {severity}")
    head = "|".join(_head(part) for part in (VENDOR, PRODUCT, EVENTS_VERSION, signature, name))
    return f"CEF:0|{head}|{severity}|" + " ".join(f"{_key(key)}={_value(value)}" for key, value in extension)


def _head(text: str) -> str:
    plain = _OTHER_CONTROLS.sub("?", _LINE_ENDS.sub(" ", text[:MAX_VALUE]))
    return plain.replace("\\", "\\\\").replace("|", "\\|")


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"CEF key {key!r}")
    return key


def _value(text: str) -> str:
    plain = _OTHER_CONTROLS.sub("?", text[:MAX_VALUE])
    escaped = plain.replace("\\", "\\\\").replace("=", "\\=")
    return escaped.replace("\r", "\\r").replace("\n", "\\n")
