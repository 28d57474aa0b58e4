"""Tests of addresses: ``ipMatch``.

Networks are kept as ranges of numbers, sorted and joined, so a test costs one binary search however many there are.

Source: ModSecurity reference manual v3 (ipMatch, ipMatchFromFile); RFC 4291, RFC 4632.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from dmz.waf.seclang.findings import Check, Found
from dmz.waf.seclang.model import RuleSetError

#: The longest text of an address: IPv6 with an IPv4 tail.
_MAX_ADDRESS: Final = 45


def matches_addresses(argument: bytes) -> Check:
    """``ipMatch``: the value is an address in one of the networks ("10.0.0.0/8,::1").

    Raises:
        RuleSetError: something in the argument is no network.
    """
    return _within(part.strip() for part in argument.split(b",") if part.strip())


def matches_address_file(content: bytes) -> Check:
    """``ipMatchFromFile``: the same, one network a line; empty lines and those that begin with ``#`` do not count.

    Raises:
        RuleSetError: a line is no network.
    """
    lines = (line.partition(b"#")[0].strip() for line in content.splitlines())
    return _within(line for line in lines if line)


def _within(networks: Iterable[bytes]) -> Check:
    ranges: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
    for text in networks:
        try:
            network = ipaddress.ip_network(text.decode("ascii"), strict=False)
        except ValueError:
            raise RuleSetError(f"no network: {text!r}") from None
        ranges[network.version].append((int(network.network_address), int(network.broadcast_address)))
    joined = {version: _joined(of_version) for version, of_version in ranges.items()}

    def check(value: bytes) -> Found | None:
        if len(value) > _MAX_ADDRESS:
            return None
        try:
            address = ipaddress.ip_address(value.decode("ascii"))
        except ValueError:
            return None
        starts, ends = joined[address.version]
        at = bisect_right(starts, int(address)) - 1
        return Found(value, (value,)) if at >= 0 and int(address) <= ends[at] else None

    return check


def _joined(ranges: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Sort ranges and join those that touch."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted(ranges):
        if ends and start <= ends[-1] + 1:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return starts, ends
