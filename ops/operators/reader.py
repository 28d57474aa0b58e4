"""The machine's card reader, through PC/SC: package pyscard, asked for only when a card is to be used."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ops.cli.faults import CannotRunError


class ReaderChannel:
    """A card in a reader (implements ``piv.Channel``).

    Args:
        connection: pyscard's connection.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """Send one command."""
        from smartcard.Exceptions import SmartcardException  # noqa: PLC0415 - an optional package

        try:
            data, first, second = self._connection.transmit(list(apdu))
        except SmartcardException as error:
            raise CannotRunError(f"the card does not answer: {error}") from None
        return bytes(data), first << 8 | second

    def close(self) -> None:
        """Let the card go: one that is let go later resets whatever card is in the reader then."""
        from smartcard.Exceptions import SmartcardException  # noqa: PLC0415 - an optional package

        with suppress(SmartcardException):
            self._connection.disconnect()


def connect(name: str = "") -> ReaderChannel:
    """Connect to the card in a reader.

    Args:
        name: a piece of the reader's name; the first reader with a card when empty.

    Raises:
        CannotRunError: pyscard or pcscd is missing, no such reader, or no card in it.
    """
    try:
        from smartcard.Exceptions import SmartcardException  # noqa: PLC0415 - an optional package
        from smartcard.System import readers  # noqa: PLC0415
    except ImportError:
        raise CannotRunError(
            "card readers need the package pyscard (.venv/bin/pip install pyscard) and a running pcscd"
        ) from None
    try:
        found = [reader for reader in readers() if name in str(reader)]
    except SmartcardException as error:
        raise CannotRunError(f"card readers cannot be asked: {error}; is pcscd running?") from None
    for reader in found:
        connection = reader.createConnection()
        try:
            connection.connect()
        except SmartcardException:
            continue
        return ReaderChannel(connection)
    what = f"no reader named like '{name}' with a card" if name else "no card in any reader"
    raise CannotRunError(f"{what}; put the operator's card in")
