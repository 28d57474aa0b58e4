"""How one part of the edge has a request answered by the part behind it: by a call back, without a Deferred.

Between a conversation and a worker's link stand the watch, the firewall, the virus scanner and the switch. As
coroutines they cost more for a small request than TLS does (decision 0015). An ``Answerer`` is begun with what is to
be called once with the outcome, perhaps before ``begin`` returns; it gives what takes the question back. A ``Handler``
that awaits becomes one by ``answerer_of``; an ``Answering`` can be awaited as a ``Handler`` too.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Protocol, TypeAlias, runtime_checkable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dmz.messages import HallRequest, HallResponse, Handler

#: Called once with an answer, or with the error that came instead; it must not raise.
Done: TypeAlias = Callable[[HallResponse | BaseException], None]
#: Takes a question back: ``Done`` is not called any more. Does nothing when it is over.
Cancel: TypeAlias = Callable[[], None]


@runtime_checkable
class Answerer(Protocol):
    """Has requests answered."""

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        """Have a request answered; ``done`` is called once with the outcome."""


class Answering(abc.ABC):
    """An answerer that is a ``Handler`` as well."""

    @abc.abstractmethod
    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        """Have a request answered; ``done`` is called once with the outcome."""

    async def __call__(self, request: HallRequest) -> HallResponse:
        """Have a request answered, and wait for it.

        Raises:
            Exception: whatever comes instead of an answer.
        """
        return await awaited(self, request)


async def awaited(answerer: Answerer, request: HallRequest) -> HallResponse:
    """Have a request answered, and wait for it.

    Raises:
        Exception: whatever comes instead of an answer.
    """
    cancel: Cancel = nothing
    answer: Deferred[HallResponse] = Deferred(lambda _: cancel())

    def done(outcome: HallResponse | BaseException) -> None:
        if isinstance(outcome, BaseException):
            answer.errback(outcome)
        else:
            answer.callback(outcome)

    cancel = answerer.begin(request, done)
    return await answer


def nothing() -> None:
    """Take back what is over already."""


def answerer_of(handler: Handler | Answerer) -> Answerer:
    """Give a handler as an answerer."""
    return handler if isinstance(handler, Answerer) else _Awaited(handler)


class _Awaited:
    """A handler that awaits."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        return _Running(Deferred.fromCoroutine(self._run(request)), done).cancel

    async def _run(self, request: HallRequest) -> HallResponse:
        return await self._handler(request)


class _Running:
    """One request in a handler that awaits."""

    _log = Logger()

    def __init__(self, answer: Deferred[HallResponse], done: Done) -> None:
        self._answer = answer
        self._done = done
        self._cancelled = False
        answer.addCallbacks(done, self._failed)
        answer.addErrback(self._broken)

    def cancel(self) -> None:
        self._cancelled = True
        self._answer.cancel()

    def _failed(self, failure: Failure) -> None:
        if not self._cancelled:
            assert failure.value is not None
            self._done(failure.value)

    def _broken(self, failure: Failure) -> None:
        self._log.failure("outcome_not_taken", failure=failure)
