"""Transformations by name (``t:…``): bytes → bytes, never failing, linear in their length.

    >>> compose(("urldecodeuni", "lowercase"))(b"%41+B")
    b'a b'

Source: ModSecurity reference manual v3, "Transformation functions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from dmz.waf.seclang import decoding, text_shapes, web_text
from dmz.waf.seclang.model import RuleSetError

Transformation = Callable[[bytes], bytes]


def unchanged(value: bytes) -> bytes:
    """``none``: the value itself."""
    return value


TRANSFORMATIONS: Final[Mapping[str, Transformation]] = MappingProxyType(
    {
        "none": unchanged,
        "base64decode": decoding.base64_decode,
        "base64decodeext": decoding.base64_decode_ext,
        "base64encode": decoding.base64_encode,
        "cmdline": text_shapes.cmd_line,
        "compresswhitespace": text_shapes.compress_whitespace,
        "cssdecode": web_text.css_decode,
        "escapeseqdecode": decoding.escape_seq_decode,
        "hexdecode": decoding.hex_decode,
        "hexencode": decoding.hex_encode,
        "htmlentitydecode": web_text.html_entity_decode,
        "jsdecode": web_text.js_decode,
        "length": text_shapes.length,
        "lowercase": text_shapes.lowercase,
        "md5": text_shapes.md5,
        "normalisepath": text_shapes.normalise_path,
        "normalisepathwin": text_shapes.normalise_path_win,
        "normalizepath": text_shapes.normalise_path,
        "normalizepathwin": text_shapes.normalise_path_win,
        "parityeven7bit": text_shapes.parity_even,
        "parityodd7bit": text_shapes.parity_odd,
        "parityzero7bit": text_shapes.parity_zero,
        "removecomments": text_shapes.remove_comments,
        "removecommentschar": text_shapes.remove_comments_char,
        "removenulls": text_shapes.remove_nulls,
        "removewhitespace": text_shapes.remove_whitespace,
        "replacecomments": text_shapes.replace_comments,
        "replacenulls": text_shapes.replace_nulls,
        "sha1": text_shapes.sha1,
        "sqlhexdecode": decoding.sql_hex_decode,
        "trim": text_shapes.trim,
        "trimleft": text_shapes.trim_left,
        "trimright": text_shapes.trim_right,
        "uppercase": text_shapes.uppercase,
        "urldecode": decoding.url_decode,
        "urldecodeuni": decoding.url_decode_uni,
        "urlencode": decoding.url_encode,
        "utf8tounicode": decoding.utf8_to_unicode,
    }
)


def steps_of(names: tuple[str, ...]) -> tuple[Transformation, ...]:
    """Give the steps of a chain, one by one, without ``none``; names in any case.

    Raises:
        RuleSetError: a name that does not exist.
    """
    steps: list[Transformation] = []
    for name in names:
        step = TRANSFORMATIONS.get(name.lower())
        if step is None:
            raise RuleSetError(f"t:{name}: no such transformation")
        if step is not unchanged:
            steps.append(step)
    return tuple(steps)


def compose(names: tuple[str, ...]) -> Transformation:
    """Give a chain as one function; ``none`` and an empty chain give the value itself.

    What common beginnings of chains give is the caller's to remember (``steps_of`` names the steps).

    Raises:
        RuleSetError: a name that does not exist.
    """
    steps = steps_of(names)
    if not steps:
        return unchanged
    if len(steps) == 1:
        return steps[0]
    if len(steps) == 2:
        first, second = steps
        return lambda value: second(first(value))

    def chain(value: bytes) -> bytes:
        for step in steps:
            value = step(value)
        return value

    return chain
