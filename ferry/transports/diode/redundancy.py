"""How much is sent more than once, so that loss at the configured rate stays below a stated probability.

Loss is taken as independent from datagram to datagram; what comes in bursts is spread in time (``schedule``) and,
where that does not help, sent again by the ferry.

A block of K source symbols is counted as lost unless K + 2 of its symbols arrive: with fewer RaptorQ may fail (at
exactly K about one block in 250 was seen to, at K + 1 one in some thousands), with K + 2 it fails once in a million.

Source: RFC 6330, section 5.8 (overhead and failure); binomial distribution.
"""

from __future__ import annotations

import functools
import math
from typing import Final

#: Probability that an object does not arrive, at the configured loss.
OBJECT_FAILURE: Final = 1e-6
#: The same of a small object, sent in copies: control messages come again every second, bundles when unacknowledged.
SMALL_FAILURE: Final = 1e-5
#: Symbols beyond K that are waited for in the reckoning.
SURPLUS: Final = 2
MOST_COPIES: Final = 12
_LARGEST_LOSS: Final = 0.5


def loss_tail(sent: int, most_lost: int, loss: float) -> float:
    """Give the probability that more than ``most_lost`` of ``sent`` datagrams are lost."""
    if most_lost < 0:
        return 1.0
    if loss <= 0.0 or most_lost >= sent:
        return 0.0
    ratio, total = loss / (1 - loss), 0.0
    term = math.exp(
        math.lgamma(sent + 1) - math.lgamma(most_lost + 2) - math.lgamma(sent - most_lost)
        + (most_lost + 1) * math.log(loss) + (sent - most_lost - 1) * math.log1p(-loss)
    )  # fmt: skip
    for lost in range(most_lost + 1, sent + 1):
        total += term
        # Beyond the peak terms only fall; what is left cannot change the sum any more.
        if lost > sent * loss and term < total * 1e-12:
            break
        term *= (sent - lost) / (lost + 1) * ratio
    return min(total, 1.0)


def block_failure(source: int, repair: int, loss: float) -> float:
    """Give the probability that a block arrives with fewer than K + 2 symbols."""
    return loss_tail(source + repair, repair - SURPLUS, loss)


@functools.lru_cache(maxsize=4096)
def repair_symbols(k: int, loss: float, failure: float = OBJECT_FAILURE) -> int:
    """Give the fewest repair symbols with which a block is lost with at most this probability.

    Args:
        k: source symbols of the block.
        loss: share of datagrams lost, 0 to 0.5.
        failure: probability that is accepted.

    Raises:
        ValueError: outside the ranges.
    """
    if k < 1 or not 0.0 <= loss <= _LARGEST_LOSS or not 0.0 < failure < 1.0:
        raise ValueError("k from 1, loss from 0 to 0.5, failure between 0 and 1")
    if loss == 0.0:
        return 0
    few, many = 0, SURPLUS
    while block_failure(k, many, loss) > failure:
        few, many = many, 2 * many
    while few + 1 < many:
        middle = (few + many) // 2
        if block_failure(k, middle, loss) > failure:
            few = middle
        else:
            many = middle
    return many


def copies_failure(fragments: int, copies: int, loss: float) -> float:
    """Give the probability that any fragment is lost in all its copies."""
    return -math.expm1(fragments * math.log1p(-(loss**copies)))


@functools.lru_cache(maxsize=1024)
def copies_needed(fragments: int, loss: float, failure: float = SMALL_FAILURE) -> int:
    """Give how often each fragment is sent; 1 without loss, at most 12."""
    if loss <= 0.0:
        return 1
    for copies in range(1, MOST_COPIES):
        if copies_failure(fragments, copies, loss) <= failure:
            return copies
    return MOST_COPIES
