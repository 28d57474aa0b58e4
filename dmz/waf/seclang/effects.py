"""What a matching rule does besides refusing: ``setvar`` and ``ctl``, compiled to functions of the transaction.

    setvar:tx.score=+%{tx.critical}   adds      setvar:tx.name=text   sets
    setvar:!tx.name                   removes   setvar:tx.name        sets to 1

Other actions write logs or belong to a server that runs the rules itself; they change nothing here.

Source: ModSecurity reference manual v3, "setvar", "ctl".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from dmz.waf.seclang.model import Action, RuleSetError
from dmz.waf.seclang.transaction import PROCESSORS, Transaction

Effect = Callable[[Transaction], None]
MOST_VARIABLES: Final = 2_000
_NUMBER: Final = re.compile(rb"\s{0,8}([+-]?[0-9]{1,18})")
_RANGE: Final = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
#: Settings of a server's log and body handling, which are not the rules' here.
_IGNORED_CONTROLS: Final = frozenset(
    {"auditengine", "auditlogparts", "requestbodyaccess", "responsebodyaccess", "requestbodylimit",
     "responsebodylimit", "debugloglevel", "hashengine", "hashenforcement"}
)  # fmt: skip


def effect_of(action: Action) -> Effect | None:
    """Compile one action; None for one without an effect here.

    Raises:
        RuleSetError: an argument that cannot be read.
    """
    if action.name == "setvar":
        return _setvar(action.argument)
    if action.name == "ctl":
        return _control(action.argument)
    return None


def number_of(text: bytes) -> int:
    """Read a number as rules do: leading digits with a sign, else 0."""
    match = _NUMBER.match(text)
    return int(match[1]) if match else 0


def _setvar(argument: str) -> Effect:
    text = argument.strip()
    removes = text.startswith("!")
    name, equals, value = text.lstrip("!").partition("=")
    collection, dot, key = name.strip().partition(".")
    if not dot or not key:
        raise RuleSetError(f"setvar without a variable: {argument!r}")
    if collection.lower() != "tx":
        return _nothing  # persistent collections begin empty with every request
    if removes:
        return lambda transaction: _remove(transaction, key)
    if not equals:
        return lambda transaction: _set(transaction, key, b"1")
    if value[:1] in ("+", "-"):
        sign = 1 if value[0] == "+" else -1
        return lambda transaction: _add(transaction, key, sign, value[1:])
    return lambda transaction: _set(transaction, key, transaction.expand(value))


def _nothing(_transaction: Transaction) -> None:
    """Change nothing."""


def _key(transaction: Transaction, key: str) -> bytes:
    return transaction.expand(key).lower()


def _set(transaction: Transaction, key: str, value: bytes) -> None:
    name = _key(transaction, key)
    # Names may hold what was sent, so their number has a bound.
    if name in transaction.tx or len(transaction.tx) < MOST_VARIABLES:
        transaction.tx[name] = value


def _remove(transaction: Transaction, key: str) -> None:
    transaction.tx.pop(_key(transaction, key), None)


def _add(transaction: Transaction, key: str, sign: int, value: str) -> None:
    before = number_of(transaction.tx.get(_key(transaction, key), b"0"))
    _set(transaction, key, b"%d" % (before + sign * number_of(transaction.expand(value))))


def _control(argument: str) -> Effect:
    name, _, value = argument.partition("=")
    kind = name.strip().lower()
    if kind in _IGNORED_CONTROLS:
        return _nothing
    if kind == "ruleengine":
        on = value.strip().lower() != "off"
        return lambda transaction: setattr(transaction, "enabled", on)
    if kind == "requestbodyprocessor" and value.strip().upper() in PROCESSORS:
        chosen = value.strip().upper()
        return lambda transaction: transaction.choose_processor(chosen)
    if kind == "forcerequestbodyvariable":
        return lambda transaction: setattr(transaction, "force_body", True)
    if kind == "ruleremovebyid" and (found := _RANGE.fullmatch(value.strip())):
        least, most = int(found[1]), int(found[2] or found[1])
        return lambda transaction: transaction.removed.append((least, most))
    if kind == "ruleremovebytag":
        return lambda transaction: transaction.removed_tags.append(value)
    if kind in ("ruleremovetargetbyid", "ruleremovetargetbytag"):
        return _untarget(value)
    raise RuleSetError(f"ctl:{argument} is not known")


def _untarget(argument: str) -> Effect:
    whose, _, target = argument.partition(";")
    collection, _, key = target.partition(":")
    entry = (whose.strip(), collection.strip().upper(), key.strip().lower().encode())
    return lambda transaction: transaction.untargeted.append(entry)
