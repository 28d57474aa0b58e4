r"""Look-behinds of PCRE's, said in Python's narrower way.

PCRE lets the alternatives of a look-behind differ in length, Python wants one length.  So each becomes its own:

    (?<!a|bc)    (?<!a)(?<!bc)
    (?<=a|bc)    (?:(?<=a)|(?<=bc))

Source: PCRE 8.39, pcrepattern(3), "Lookbehind assertions"; Python manual, "re".
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(rb"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?<[!=]|[()|]", re.DOTALL)


def split_look_behinds(pattern: bytes) -> bytes:
    """Write a pattern with one look-behind for each alternative; linear in the pattern."""
    if b"(?<" not in pattern:
        return pattern
    made: list[bytes] = []
    opens, depth = b"", 0
    alternatives: list[bytes] = []
    at = 0
    for token in _TOKEN.finditer(pattern):
        sign = token[0]
        if not opens:
            if sign in (b"(?<!", b"(?<="):
                made.append(pattern[at : token.start()])
                opens, alternatives, depth, at = sign, [], 0, token.end()
        elif sign.startswith(b"("):
            depth += 1
        elif depth:
            depth -= sign == b")"
        elif sign in (b"|", b")"):
            alternatives.append(pattern[at : token.start()])
            at = token.end()
            if sign == b")":
                made.append(_said(opens, alternatives))
                opens = b""
    # One that is never closed is left for the engine to refuse.
    return b"".join([*made, opens, *(each + b"|" for each in alternatives if opens), pattern[at:]])


def _said(opens: bytes, alternatives: list[bytes]) -> bytes:
    each = [opens + alternative + b")" for alternative in alternatives]
    if opens == b"(?<!" or len(each) == 1:
        return b"".join(each)
    return b"(?:" + b"|".join(each) + b")"
