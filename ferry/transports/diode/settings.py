"""Settings of a half's two diode links (table ``ferry.transport.diode``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ferry.transports.diode.datagram import LEAST_SIZE, MOST_SIZE, SIZE_STEP
from ferry.transports.diode.sockets import Address
from wire_formats.settings_reader import SettingsError, number


@dataclass(frozen=True, kw_only=True)
class DiodeSettings:
    """Both links of one half; where there is only one way, the addresses of the other are left out.

    Attributes:
        key: file of 32 bytes, the same at both halves; tags every datagram.
        send_from: own address and port of the link away from this half.
        send_to: where its datagrams go.
        receive_at: own address and port of the link towards this half.
        receive_from: the only address and port it hears.
        datagram_bytes: size of every datagram, a multiple of 8, alike at both ends; 1472 fills an Ethernet frame.
        rate_mbit: what the link carries, IP and UDP headers included; nothing leaves faster.
        loss_per_10000: datagrams of 10,000 that may get lost; from it follows how much is sent more than once.
        copy_gap_ms: time between copies of a small file, and between a block and its repair symbols.
        filler: datagrams without content before the first and after the last of a busy time, where links lose most.
        queue_bytes: bytes that may wait on each lane to be sent.
        reassembly_bytes: memory of each lane for what is incomplete.
        ready_bytes: bytes of each lane that may wait for the half to take them.
        socket_bytes: socket buffer asked of the system.
    """

    key: Path
    send_from: str = ""
    send_to: str = ""
    receive_at: str = ""
    receive_from: str = ""
    datagram_bytes: int = number(1472, least=LEAST_SIZE, most=MOST_SIZE)
    rate_mbit: int = number(300, least=1, most=10_000)
    loss_per_10000: int = number(100, least=0, most=4_000)
    copy_gap_ms: int = number(5, least=0, most=1_000)
    filler: int = number(8, least=0, most=1_000)
    queue_bytes: int = number(32 << 20, least=4 << 20, most=1 << 32)
    reassembly_bytes: int = number(32 << 20, least=4 << 20, most=1 << 32)
    ready_bytes: int = number(64 << 20, least=4 << 20, most=1 << 32)
    socket_bytes: int = number(16 << 20, least=1 << 16, most=1 << 30)

    def __post_init__(self) -> None:
        """Refuse what the ranges cannot tell.

        Raises:
            ValueError: an address that is none, or a datagram's size that is no multiple of 8.
        """
        for address in (self.send_from, self.send_to, self.receive_at, self.receive_from):
            if address:
                Address.parse(address)
        if self.datagram_bytes % SIZE_STEP:
            raise ValueError(f"datagram_bytes must be a multiple of {SIZE_STEP}, not {self.datagram_bytes}")

    def address(self, name: str) -> Address:
        """Give an address that a link needs.

        Args:
            name: of the setting.

        Raises:
            SettingsError: it is left out.
        """
        text: str = getattr(self, name)
        if not text:
            raise SettingsError(f"transport.diode.{name} is missing: an address and port like 192.0.2.1:7101")
        return Address.parse(text)

    @property
    def loss(self) -> float:
        """The share of datagrams that may get lost."""
        return self.loss_per_10000 / 10_000

    @property
    def bytes_per_s(self) -> float:
        """The rate in bytes per second."""
        return self.rate_mbit * 125_000.0
