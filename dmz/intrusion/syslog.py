"""CEF lines to a collector: one UDP datagram each, as RFC 5424 has it. Lost ones are lost; nothing waits.

::

    <PRI>1 2026-01-02T03:04:05.678Z - ferrygate edge-0 - - CEF:0|…

Source: RFC 5424 section 6 (format; facility 13, log audit), RFC 5426 (UDP; at most 2,048 bytes need to be taken).
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from twisted.internet.protocol import DatagramProtocol

from wire_formats.collaborators import Clock
from wire_formats.instants import iso

MAX_DATAGRAM: Final = 2_048
#: Facility 13 (log audit), severity 5 (notice); the CEF line carries the event's own severity.
_PRIORITY: Final = 13 * 8 + 5


def parse_collector(text: str) -> tuple[str, int]:
    """Read ``203.0.113.5:514`` or ``[2001:db8::5]:514``.

    Raises:
        ValueError: not an IP address and a port.
    """
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        raise ValueError(f"syslog must be an IP address and a port, not '{text[:60]}'") from None
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        raise ValueError(f"syslog must be an IP address and a port, not '{text[:60]}'")
    return str(address), int(port)


def syslog_message(line: str, *, instant: str, process: str) -> bytes:
    """Write one datagram, cut at MAX_DATAGRAM bytes (within a character: never).

    Args:
        line: the CEF line.
        instant: RFC 3339, UTC.
        process: name of this process, visible ASCII.
    """
    data = f"<{_PRIORITY}>1 {instant} - ferrygate {process} - - {line}".encode("utf-8", "replace")
    return data if len(data) <= MAX_DATAGRAM else data[:MAX_DATAGRAM].decode("utf-8", "ignore").encode()


class SyslogSender(DatagramProtocol):
    """A sink of CEF lines.

    Args:
        collector: address and port.
        clock: for the datagrams' time.
        process: name of this process.
    """

    def __init__(self, collector: tuple[str, int], clock: Clock, process: str) -> None:
        self._collector = collector
        self._clock = clock
        self._process = process

    def start(self, reactor: Any) -> None:
        """Take a socket of the collector's family."""
        reactor.listenUDP(0, self, interface="::" if ":" in self._collector[0] else "")

    def __call__(self, line: str) -> None:
        """Send a line, if there is a socket; a collector that is not there is no trouble of ours."""
        if self.transport is None:
            return
        message = syslog_message(line, instant=iso(self._clock.now_ms()), process=self._process)
        try:
            self.transport.write(message, self._collector)
        except OSError:  # no route, or the socket's buffer is full
            return
