"""``@detectSQLi``: does a value, put into a statement, change what the statement says?

The value is read three times: as it stands, and as if it stood behind a single or a double quote (``sql_tokens``).
What was read becomes a word of signs; an attack is one of the shapes below at the word's beginning, or one of those
that mean harm anywhere.  A shape says what breaks out and what follows, not which of
the thousands of combinations it was.

Ordinary prose holds quotes, dashes, brackets and words like *and*, *or*, *select*, *union*; so those alone say nothing:
something must be compared, called, cut off or stacked.

Source: the description of libinjection's method; measured against libinjection itself (decision 0011).
"""

from __future__ import annotations

import re
from typing import Final

from dmz.waf.seclang.sql_tokens import FUNCTIONS, Token, read

#: What can stand on one side of a comparison.
_SIDE: Final = r"\(*(?:[1snvp]|[fDI]\([^)]{0,20}\)*)\)*"
_CALL: Final = r"[fD]\("
#: A query: SELECT with something that prose does not have behind it.
_QUERY: Final = rf"\(*E(?:[1sv*(]|{_CALL}|n(?:[,kc;=o)&]|$)|I|w)"
#: A whole query, to its table and what comes then.
_WHOLE_QUERY: Final = r"\(*E(?:(?:[1sv*(]|n,|n[o*][1n]|k1n|f\()[^k]*kn(?:[kc,;)(BU]|$)|nkn[kcB;)])"
_COMPARED: Final = rf"\(*(?:{_SIDE}(?:=|o(?=[^o])[1snv(]*=)|[1sv]\)*l[1snv(e]|n\)*l(?:[1s(]|{_CALL}))"
#: A sum, as prose does not write it in front of AND.
_SUM: Final = r"\(*[1sv]\)*(?:[o*]\(*(?:[1snv]|f\([^)]*\))\)*)*"
_OPERAND: Final = r"\(*(?:[fDn]\([^()]*\)+|[1snv])\)*"

#: Harm wherever it stands.
_ANYWHERE: Final = re.compile(
    rf"X|U\(*E(?:[1sv*(,]|{_CALL}|I|n[,kc;)(])|U\(*T|;\)*(?:n?T|{_QUERY}|f\([1sn(]*[=,]|n\(*[1v]=)|k\(*I"
    rf"|(?:^|[&o=,(*;1sE])\(*D\([^)]|\(E\*k|[&=o,*]\(+E(?:[1sv*n]|{_CALL}|\()|w\(*{_SIDE}[=l]|w(?:[1s]k|n\()"
    rf"|[fD]\([1s,]*\)+[&o=]\(*{_CALL}|{_CALL}\(*(?:E|D)|Bn(?:,?n){{0,4}}h\(*(?:{_CALL}|[1sv]\)*[=l])"
)
#: As it stands: a value that goes on, or a call.
_PLAIN: Final = re.compile(
    rf"^(?:{_SUM}&{_COMPARED}|n\)+&{_COMPARED}|\(*n\)*(?:[o*][1snv])*&\(*[1s]\)*(?:[o*]\(*[1s]\)*)*="
    rf"|n&(?:\(*E[1sv*(fD]|{_CALL})|n=[1s]&\(*[1s]=|{_SUM}[&o*]\(*(?:{_CALL}|E)"
    rf"|{_SUM}&(?:\(*[1snv]\)*[cd]$|\(*[1v]\)*[;&B]|n\()|{_SUM}U\(*[ETc]|\(*[1sv]\)*(?:[o*]\(*[1sv]\)*)*;?c$"
    rf"|[1sv]\)*B[1snfD(]|[1sv]\)*h\(*[1sn]|[1sn]\)*;\)*(?:[TE]|c$)|[1sv]\)+(?:&|kn+k)|[1sn]h\(+[1s]&"
    rf"|[1sv]\)*{_QUERY}|f\((?:[^)]*[=,]|[fDE])|\(+E[1sv*f]|{_WHOLE_QUERY}"
    rf"|[1sv],\(*(?:{_CALL}|E)|&{_SIDE}=|&\(*[1s]l|1=1[c;&]|[1sv]\)*l{_CALL}|E{_CALL}[^)]"
    rf"|\(+[^nc]*[fEDv&l][^n]*\)+c|T[v(s]|h\(*[1snfD]\(*[=l)]|[1v]\)+=\(*[1sv]|nc$)"
)
#: Behind a quote: the string that was open is closed, and something follows.
_QUOTED: Final = re.compile(
    rf"^s\)*(?:&(?:{_COMPARED}|\(*[1v]\)*(?:$|[^sne])|\(*s(?:[)=;&cd]|$)|\(*{_CALL}|\(*E|\(*n\)*[c;](?:$|[TE])|\(*n\)*=|e$)"
    rf"|(?:=|o+)(?:[se]$|\(*E|{_CALL}|\(+[fDs(])|=+\(*[1sev]|l(?:\(|[1s])|[o*]+(?:e$|s$|1[c=&]|s[=co&])"
    rf"|(?:[&=ol*]+\?*{_OPERAND}){{1,12}}(?:[&=ol*]+\(*[se]\)*$|c$)"
    rf"|;?c$|;\)*[TEc]|B[1snfD(]|h\(*(?:[1sn]|{_CALL})|,\(*(?:E|{_CALL})|,[1s]\)*[c,]|\),\("
    rf"|U\(*E|{_QUERY}|T|k[s1]|{_CALL}1)"
)
#: A closed string with a bare comment behind it is an attack only when the string looks like a name or is empty.
_NAME_LIKE: Final = re.compile(rb"[^\s]{0,64}")
#: None of the shapes does without one of these: a quote, a bracket, a comment, a statement's end, or a word that joins,
#: asks, changes or names a catalogue.  A word may follow a number directly.
SQLI_NEEDS: Final = (
    r"(?i)['\"`;#]|--|/\*|&&|\|\||\b0x[0-9a-f]|(?:\b|[0-9])(?:and|or|xor|union|intersect|except|minus|select|having|order"
    r"|group|limit|case|into|procedure|drop|create|alter|truncate|rename|exec|execute|declare|call|handler|insert|replace"
    r"|delete|merge|bulk|load|copy|shutdown|grant|waitfor|update|information_schema|sys\w*|pg_\w+|all_\w+|sqlite_\w+"
    r"|mysql|master|msys\w+|dba_\w+|v\$version|user_\w+)\b"
    r"|(?:\b|[0-9])(?:" + "|".join(sorted(map(re.escape, FUNCTIONS))) + r")[\x00-\x20\xa0]*\("
    r"|(?:[0-9a-f.]|null|true|false|default|@[\w.$]*)[\x00-\x20\xa0]*\)"
)
#: Cheaper, and wider.
_POSSIBLE: Final = re.compile(
    rb"(?i)['\"(;=#@*<>]|--|/\*|&&|\|\||\b(?:and|or|xor|union|select|order|group|having|limit|like|in|is)\b"
)


def is_sqli(value: bytes) -> bool:
    """Say whether a value is an injection into SQL. Linear in its length, never fails."""
    if len(value) < 3 or not _POSSIBLE.search(value):
        return False
    tokens = read(value, b"")
    word = _word(tokens)
    if _ANYWHERE.search(word) or (_PLAIN.search(word) and not _ends_in_a_remark(word, tokens)):
        return True
    return any(quote in value and _behind(value, quote) for quote in (b"'", b'"'))


def _ends_in_a_remark(word: str, tokens: list[Token]) -> bool:
    """Say whether a number or a name has only a comment behind it that people write too: ``12#东``, ``a -- b``."""
    return (word == "1c" and tokens[1].text.startswith(b"#")) or (word == "nc" and not tokens[1].text.startswith(b"/*"))


def _behind(value: bytes, quote: bytes) -> bool:
    tokens = read(value, quote)
    word = _word(tokens)
    if len(word) < 2:
        return False
    if _ANYWHERE.search(word):
        return True
    if not _QUOTED.search(word):
        return False
    return word not in ("sc", "s;c") or _NAME_LIKE.fullmatch(tokens[0].text) is not None


def _word(tokens: list[Token]) -> str:
    return "".join([token.sign for token in tokens])
