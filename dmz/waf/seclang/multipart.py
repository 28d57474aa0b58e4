"""A multipart body as the rules see it, faults included: each departure from the one honest form sets a flag.

The edge's own reader (``dmz.edge.body_multipart``) refuses what departs; this one reads on, because rules judge how a
body departs (``MULTIPART_STRICT_ERROR`` and its parts), and must see what a lenient reader behind us would see.

Source: RFC 7578; RFC 2046 section 5.1; ModSecurity reference manual, MULTIPART_STRICT_ERROR.
"""

from __future__ import annotations

import re
from typing import Final

from dmz.waf.seclang.bodies import Parsed

MOST_PARTS: Final = 256
MOST_PART_HEADERS: Final = 32
MOST_BOUNDARY: Final = 70
_BOUNDARY: Final = re.compile(rb";\s{0,64}boundary\s{0,16}=\s{0,16}(\"([^\"]{0,256})\"|[^;\s]{0,256})", re.IGNORECASE)
_PARAMETER: Final = re.compile(
    rb";\s{0,64}([\w*.-]{1,64})\s{0,16}=\s{0,16}(?:\"((?:[^\"\\]|\\.){0,8192}+)\"|([^;\s]{0,8192}))"
)
#: Only these can be escaped; what browsers send of a path on Windows stays whole.
_ESCAPED: Final = re.compile(rb"\\([\"\\])")
_GOOD_BOUNDARY: Final = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{1,70}")


def read_multipart(content_type: bytes, body: bytes) -> Parsed:
    """Read a body.

    Args:
        content_type: the header's value, with its boundary.
        body: the bytes.
    """
    parsed = Parsed()
    boundary = _boundary_of(content_type, parsed)
    if not boundary:
        parsed.error = "Multipart: no boundary"
        parsed.flags["MULTIPART_STRICT_ERROR"] = True
        return parsed
    delimiter = b"--" + boundary
    if b"\n" in body.replace(b"\r\n", b""):
        parsed.flags["MULTIPART_LF_LINE"] = True
        parsed.flags["MULTIPART_CRLF_LF_LINES"] = b"\r\n" in body
    before, *parts = (b"\n" + body).split(b"\n" + delimiter, MOST_PARTS + 1)
    if before.strip(b"\r\n"):
        parsed.flags["MULTIPART_DATA_BEFORE"] = True
    closed = _read_parts(parts, parsed)
    if not closed:
        parsed.error = parsed.error or "Multipart: final boundary missing"
    if delimiter in b"".join(value for _, value in parsed.arguments):
        parsed.flags["MULTIPART_UNMATCHED_BOUNDARY"] = True
    if parsed.error or any(parsed.flags.values()):
        parsed.flags["MULTIPART_STRICT_ERROR"] = True
    return parsed


def _boundary_of(content_type: bytes, parsed: Parsed) -> bytes:
    found = list(_BOUNDARY.finditer(content_type))
    if len(found) != 1:
        return b""
    quoted = found[0][2] is not None
    boundary: bytes = found[0][2] if quoted else found[0][1]
    parsed.flags["MULTIPART_BOUNDARY_QUOTED"] = quoted
    if not _GOOD_BOUNDARY.fullmatch(boundary) or boundary.endswith(b" "):
        parsed.error = "Multipart: invalid boundary"
        parsed.flags["MULTIPART_INVALID_QUOTING"] = b'"' in boundary
    parsed.flags["MULTIPART_BOUNDARY_WHITESPACE"] = b" " in boundary
    return boundary[:MOST_BOUNDARY]


def _read_parts(parts: list[bytes], parsed: Parsed) -> bool:
    """Read the parts; gives whether the last boundary was there."""
    for number, part in enumerate(parts):
        if part.startswith(b"--"):
            if part[2:].strip(b"\r\n") or number + 1 < len(parts):
                parsed.flags["MULTIPART_DATA_AFTER"] = True
            return True
        if number >= MOST_PARTS:
            parsed.flags["MULTIPART_FILE_LIMIT_EXCEEDED"] = True
            return False
        _read_part(part, parsed)
    return False


def _read_part(part: bytes, parsed: Parsed) -> None:
    head, gap, content = part.partition(b"\r\n\r\n")
    if not gap:
        head, gap, content = part.partition(b"\n\n")
    content = content[:-1] if content.endswith(b"\r") else content
    lines = _unfolded(head.replace(b"\r\n", b"\n").strip(b"\n").split(b"\n"), parsed)
    if not gap or len(lines) > MOST_PART_HEADERS:
        parsed.flags["MULTIPART_INVALID_PART"] = True
        parsed.error = parsed.error or "Multipart: part without content"
    disposition = next((line for line in lines if line.lower().startswith(b"content-disposition")), b"")
    parameters = _parameters(disposition, parsed)
    name = parameters.get(b"name", b"")
    parsed.part_headers += [(name, line) for line in lines[:MOST_PART_HEADERS]]
    if not disposition or b"name" not in parameters:
        parsed.error = parsed.error or "Multipart: part without a name"
        return
    if b"filename" in parameters or b"filename*" in parameters:
        parsed.files.append((name, parameters.get(b"filename", parameters.get(b"filename*", b""))))
        parsed.file_sizes.append((name, b"%d" % len(content)))
    else:
        parsed.arguments.append((name, content))


def _unfolded(lines: list[bytes], parsed: Parsed) -> list[bytes]:
    joined: list[bytes] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and joined:
            parsed.flags["MULTIPART_HEADER_FOLDING"] = True
            joined[-1] += b" " + line.strip()
        elif line:
            joined.append(line)
    return joined


def _parameters(disposition: bytes, parsed: Parsed) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for match in _PARAMETER.finditer(disposition):
        name = match[1].lower()
        if name in found:
            parsed.flags["MULTIPART_INVALID_PART"] = True
            parsed.error = parsed.error or "Multipart: parameter twice"
        value: bytes = match[2] if match[2] is not None else match[3]
        if b"'" in value[:1]:
            parsed.flags["MULTIPART_INVALID_QUOTING"] = True
        found[name] = _ESCAPED.sub(rb"\1", value)
    return found
