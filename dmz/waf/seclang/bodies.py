"""Bodies → collections: urlencoded forms, JSON and (flat) XML; multipart stands in ``multipart``.

What cannot be parsed is no exception: it sets the error that the rules look for (REQBODY_ERROR), and what was read
until then counts.  Every number of arguments, depth and length is bounded.

Source: ModSecurity reference manual, REQBODY_PROCESSOR; WHATWG URL standard (urlencoded).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from dmz.waf.seclang.decoding import url_decode

MOST_ARGUMENTS: Final = 1_000
MOST_DEPTH: Final = 64
Pairs = list[tuple[bytes, bytes]]
_MARKUP: Final = re.compile(
    rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[(?P<plain>.*?)(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)"
    rb"|<(?P<tag>(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*)>?|(?P<text>[^<]++)",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(rb"([\w:.-]{1,128})\s{0,8}=\s{0,8}(?:\"([^\"<]*)\"|'([^'<]*)')")
_ENTITY: Final = re.compile(rb"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot|apos));")
_ENTITIES: Final = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}
_DOCUMENT_TYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass(slots=True)
class Parsed:
    """What a body gave.

    Attributes:
        arguments: name and value of each argument.
        files: name of the field and file name of each file.
        file_sizes: name of the field and size of each file.
        part_headers: name of the field and header line of each part of a multipart body.
        texts: XML texts and attribute values, as the targets ``XML:/*`` and ``XML://@*``.
        flags: MULTIPART_… flags that are set, by name.
        list_names: names of JSON lists, which stand among the names of arguments as those of their elements do.
        error: what could not be parsed, or "".
    """

    arguments: Pairs = field(default_factory=list)
    files: Pairs = field(default_factory=list)
    file_sizes: Pairs = field(default_factory=list)
    part_headers: Pairs = field(default_factory=list)
    texts: Pairs = field(default_factory=list)
    flags: dict[str, bool] = field(default_factory=dict)
    list_names: list[bytes] = field(default_factory=list)
    error: str = ""


def read_urlencoded(text: bytes) -> Pairs:
    """Give the arguments of a query or form, at most MOST_ARGUMENTS."""
    if not text:
        return []
    found = []
    for piece in text.split(b"&", MOST_ARGUMENTS)[:MOST_ARGUMENTS]:
        name, _, value = piece.partition(b"=")
        if piece:
            found.append((url_decode(name), url_decode(value)))
    return found


def read_json(text: bytes) -> Parsed:
    """Give a JSON document's leaves as arguments ``json.a.b`` and ``json.list.array_0``, and its lists by name."""
    parsed = Parsed()
    try:
        value = json.loads(text.decode("utf-8"), parse_constant=_no_constant)
        _leaves(value, b"json", parsed, MOST_DEPTH)
    except (ValueError, RecursionError) as error:
        parsed.error = f"JSON parsing error: {type(error).__name__}"
    return parsed


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _leaves(value: Any, path: bytes, parsed: Parsed, depth: int) -> None:
    found = parsed.arguments
    if depth == 0:
        raise ValueError("JSON nested too deep")
    if len(found) >= MOST_ARGUMENTS:
        raise ValueError("too many JSON values")
    if isinstance(value, dict):
        for key, inner in value.items():
            _leaves(inner, path + b"." + key.encode("utf-8", "surrogatepass"), parsed, depth - 1)
    elif isinstance(value, list):
        if len(parsed.list_names) < MOST_ARGUMENTS:
            parsed.list_names.append(path)
        for number, inner in enumerate(value):
            _leaves(inner, path + b".array_%d" % number, parsed, depth - 1)
    elif isinstance(value, str):
        found.append((path, value.encode("utf-8", "surrogatepass")))
    elif value is None:
        found.append((path, b""))
    else:
        found.append((path, json.dumps(value).encode("ascii")))


def read_xml(text: bytes) -> Parsed:
    """Give an XML document's text and attribute values; no parser runs over hostile XML, and none is needed.

    The rules look at the whole text (``/*``) and all attribute values (``//@*``) and at nothing else.  Both are as a
    parser gives them: references decoded, comments and instructions left out.  A document type is an error: the hall
    takes none, so no other entities exist.
    """
    parsed = Parsed()
    if not text.lstrip().startswith(b"<") or _DOCUMENT_TYPE.search(text):
        parsed.error = "XML parsing error"
        return parsed
    pieces: list[bytes] = []
    for match in _MARKUP.finditer(text):
        if match["tag"] is not None:
            if len(parsed.texts) < MOST_ARGUMENTS:
                parsed.texts += _attributes(match["tag"])
        elif match["plain"] is not None:
            pieces.append(match["plain"])
        elif match["text"] is not None:
            pieces.append(_without_references(match["text"]))
    parsed.texts.insert(0, (b"/*", b"".join(pieces)))
    return parsed


def _attributes(tag: bytes) -> Pairs:
    """Give a tag's attribute values; declarations of name spaces are none."""
    return [
        (b"//@*", _without_references(match[2] or match[3] or b""))
        for match in _ATTRIBUTE.finditer(tag)
        if match[1] != b"xmlns" and not match[1].startswith(b"xmlns:")
    ]


def _without_references(text: bytes) -> bytes:
    return _ENTITY.sub(_referred, text) if b"&" in text else text


def _referred(match: re.Match[bytes]) -> bytes:
    if match[3] is not None:
        return _ENTITIES[match[3]]
    code = int(match[1], 16) if match[1] is not None else int(match[2])
    return chr(code).encode() if code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]
