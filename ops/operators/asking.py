"""The two operators of one command: their keys, one after the other, so that one reader serves two cards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from ops.operators.key_file import Ask, load_key_file
from ops.operators.piv import CardKey, Channel, PivCard
from ops.operators.reader import connect
from wire_formats.suites import Signing

#: A key is a file, or ``card``, or ``card:`` and a piece of the reader's name.
CARD: Final = "card"


def signing_keys(
    named: Sequence[str], ask: Ask, pause: Callable[[str], object], *, reach: Callable[[str], Channel] = connect
) -> Iterator[Signing]:
    """Give the keys, each only when the one before has signed.

    Args:
        named: a file, ``card`` or ``card:READER`` each.
        ask: asks for a passphrase or PIN.
        pause: lets the operators change cards.
        reach: connects to a reader.

    Raises:
        CannotRunError: a key cannot be used.
    """
    for number, name in enumerate(named, start=1):
        kind, _, reader = name.partition(":")
        if kind != CARD:
            yield load_key_file(Path(name), ask)
            continue
        if number > 1 and named[number - 2] == name:
            pause(f"operator {number}: put your card in, then press Enter (第{number}位操作员：请插卡后回车) ")
        channel = reach(reader)
        try:
            yield CardKey(PivCard(channel), ask)
        finally:
            channel.close()
