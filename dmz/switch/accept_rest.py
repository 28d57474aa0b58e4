"""Want of descriptors or memory while accepting: a listening socket stays readable, so whoever tries on would spin.

Source: accept(2), "Error handling": errors of the new connection are passed over, want of descriptors or memory is not.
"""

from __future__ import annotations

import errno
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor

REST_S: Final = 0.1
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class AcceptRest:
    """Lets an acceptor rest while there is no room.

    Args:
        reactor: descriptors and ``callLater``.
        acceptor: a reader of the reactor.
    """

    def __init__(self, reactor: Any, acceptor: IReadDescriptor) -> None:
        self._reactor = reactor
        self._acceptor = acceptor
        self._resting: IDelayedCall | None = None
        self._told = False

    def needed(self, error: OSError) -> bool:
        """Tell whether an error says that there is no room; the acceptor then rests for a moment."""
        if error.errno not in _NO_ROOM:
            return False
        if self._resting is None:
            self._reactor.removeReader(self._acceptor)
            self._resting = self._reactor.callLater(REST_S, self._rested)
        return True

    def first_words(self, error: OSError) -> str:
        """Give the error's name once in every want of room; "" when it has been told."""
        told, self._told = self._told, True
        return "" if told else errno.errorcode.get(error.errno or 0, "unknown")

    def worked(self) -> None:
        """A connection was accepted: the next want of room is a new one."""
        self._told = False

    def stop(self) -> None:
        """The acceptor accepts no more."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None

    def _rested(self) -> None:
        self._resting = None
        self._reactor.addReader(self._acceptor)
