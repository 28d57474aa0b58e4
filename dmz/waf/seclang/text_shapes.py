"""Transformations that fold a text's shape: case, white space, comments, NULs, paths, parity, digests.

Each reads its input once (paths: once per step) and gives the very object back, or an equal one, when there is nothing
to change.

Source: ModSecurity reference manual v3, "Transformation functions".
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

WHITE: Final = b" \t\n\v\f\r"
_TO_SPACE: Final = bytes.maketrans(WHITE, b" " * len(WHITE))
_SPACES: Final = re.compile(rb"  +")


def lowercase(value: bytes) -> bytes:
    """``lowercase``: ASCII letters."""
    return value.lower()


def uppercase(value: bytes) -> bytes:
    """``uppercase``: ASCII letters."""
    return value.upper()


def trim(value: bytes) -> bytes:
    """``trim``: white space at both ends."""
    return value.strip(WHITE)


def trim_left(value: bytes) -> bytes:
    """``trimLeft``: white space at the beginning."""
    return value.lstrip(WHITE)


def trim_right(value: bytes) -> bytes:
    """``trimRight``: white space at the end."""
    return value.rstrip(WHITE)


def compress_whitespace(value: bytes) -> bytes:
    """``compressWhitespace``: each run of white space becomes one space."""
    spaced = value.translate(_TO_SPACE)
    return _SPACES.sub(b" ", spaced) if b"  " in spaced else spaced


def remove_whitespace(value: bytes) -> bytes:
    """``removeWhitespace``: white space goes, and both bytes of a no-break space wherever they stand."""
    return value.translate(None, WHITE + b"\xc2\xa0")


def remove_nulls(value: bytes) -> bytes:
    """``removeNulls``."""
    return value.replace(b"\0", b"")


def replace_nulls(value: bytes) -> bytes:
    """``replaceNulls``: each becomes a space."""
    return value.replace(b"\0", b" ")


_COMMAND: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ,;\t\r\n", b"abcdefghijklmnopqrstuvwxyz" + b" " * 5)


def cmd_line(value: bytes) -> bytes:
    r"""``cmdLine``: what shells ignore (``"'\^``) goes, separators become one space, none before ``/`` and ``(``."""
    folded = value.translate(_COMMAND, b"\"'\\^")
    if b" " not in folded:
        return folded
    if b"  " in folded:
        folded = _SPACES.sub(b" ", folded)
    return folded.replace(b" /", b"/").replace(b" (", b"(")


_COMMENT_OPENS: Final = re.compile(rb"/\*|<!--|--|#")
_COMMENT_CLOSES: Final = re.compile(rb"\*/|-->")
_COMMENT_SIGNS: Final = re.compile(rb"/\*|\*/|<!--|-->|--|#")


def replace_comments(value: bytes) -> bytes:
    """``replaceComments``: each C comment becomes a space, one that is not closed too."""
    if b"/*" not in value:
        return value
    pieces: list[bytes] = []
    at = 0
    while True:
        start = value.find(b"/*", at)
        if start < 0:
            pieces.append(value[at:])
            break
        pieces.append(value[at:start])
        stop = value.find(b"*/", start + 2)
        if stop < 0:
            pieces.append(b"")
            break
        at = stop + 2
    return b" ".join(pieces)


def remove_comments(value: bytes) -> bytes:
    """``removeComments``: comments of C and HTML go; ``--`` and ``#`` end the text; an open one leaves a space.

    The sign behind a closed comment is taken as it is, without a look at whether it begins another.
    """
    pieces: list[bytes] = []
    at = copied = 0
    while match := _COMMENT_OPENS.search(value, at):
        pieces.append(value[copied : match.start()])
        if match[0] in (b"--", b"#"):
            return b"".join(pieces)
        closes = _COMMENT_CLOSES.search(value, match.end())
        if closes is None:
            return b"".join(pieces) + b" "
        copied = closes.end()
        at = copied + 1
    # ModSecurity takes the NUL behind its buffer for the sign behind the comment, and the rules are written for that.
    pieces.append(value[copied:] if copied < len(value) or not copied else b"\0")
    return b"".join(pieces)


def remove_comments_char(value: bytes) -> bytes:
    """``removeCommentsChar``: only the signs that open and close comments go."""
    return _COMMENT_SIGNS.sub(b"", value)


def normalise_path(value: bytes) -> bytes:
    """``normalizePath``: double slashes, ``.``, ``..`` and what it takes back go; ``..`` beyond a relative start stays.

    A name that ends with dots is a name here; ModSecurity takes ``a../b`` for ``b``, which no file system does.
    """
    if b"//" not in value and b"." not in value:
        return value
    rooted = value.startswith(b"/")
    kept: list[bytes] = []
    parts = value.split(b"/")
    for part in parts:
        if part == b".." and kept and kept[-1] != b"..":
            kept.pop()
        elif part == b".." and rooted:
            continue
        elif part not in (b"", b"."):
            kept.append(part)
    path = (b"/" if rooted else b"") + b"/".join(kept)
    return path + b"/" if kept and not parts[-1] else path


def normalise_path_win(value: bytes) -> bytes:
    r"""``normalizePathWin``: the same after ``\`` has become ``/``."""
    return normalise_path(value.replace(b"\\", b"/"))


def length(value: bytes) -> bytes:
    """``length``: the number of bytes, in decimal digits."""
    return b"%d" % len(value)


def md5(value: bytes) -> bytes:
    """``md5``: 16 bytes. A fingerprint that rules compare, not a protection."""
    return hashlib.md5(value, usedforsecurity=False).digest()


def sha1(value: bytes) -> bytes:
    """``sha1``: 20 bytes. A fingerprint that rules compare, not a protection."""
    return hashlib.sha1(value, usedforsecurity=False).digest()


_EVEN: Final = bytes(code & 0x7F | (code.bit_count() & 1) << 7 for code in range(256))
_ODD: Final = bytes(code & 0x7F | (code.bit_count() & 1 ^ 1) << 7 for code in range(256))
_ZERO: Final = bytes(code & 0x7F for code in range(256))


def parity_even(value: bytes) -> bytes:
    """``parityEven7bit``: the eighth bit says whether the number of ones is odd."""
    return value.translate(_EVEN)


def parity_odd(value: bytes) -> bytes:
    """``parityOdd7bit``: the eighth bit says whether the number of ones is even."""
    return value.translate(_ODD)


def parity_zero(value: bytes) -> bytes:
    """``parityZero7bit``: the eighth bit goes."""
    return value.translate(_ZERO)
