"""What a multiplexed connection tells its owner, and the bounds it keeps (pure values)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from dmz.switch.frames import MAX_MESSAGE_BYTES, ResetCode, WorkerState

DEFAULT_BUDGET_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class MuxLimits:
    """Bounds of one connection.

    Attributes:
        streams: requests under way; at the worker more are reset with OVERLOADED.
        budget_bytes: for the parts of messages beyond INITIAL_WINDOW_BYTES; at least one whole message.
    """

    streams: int = 256
    budget_bytes: int = DEFAULT_BUDGET_BYTES

    def __post_init__(self) -> None:
        """Refuse a budget with which the longest message could never be received."""
        if self.budget_bytes < MAX_MESSAGE_BYTES or self.streams < 1:
            raise ValueError(f"budget_bytes must be at least {MAX_MESSAGE_BYTES}, streams at least 1")


class MessageReceived(NamedTuple):
    """A whole message has come."""

    stream: int
    message: bytes


@dataclass(frozen=True, slots=True)
class StreamReset:
    """The other end has ended a stream."""

    stream: int
    code: ResetCode


@dataclass(frozen=True, slots=True)
class Pinged:
    """The edge asks whether the worker lives."""

    number: int


@dataclass(frozen=True, slots=True)
class Ponged:
    """The worker has answered a ping."""

    state: WorkerState


@dataclass(frozen=True, slots=True)
class GoneAway:
    """The worker takes no stream above ``last_stream``; those up to it will be answered."""

    last_stream: int


Event: TypeAlias = MessageReceived | StreamReset | Pinged | Ponged | GoneAway
