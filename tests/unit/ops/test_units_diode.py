"""Units of an installation whose halves are joined by a diode."""

from __future__ import annotations

from pathlib import PurePosixPath

from ops.layout import Installation, Ports
from ops.units.bundle import unit_files
from ops.units.service_unit import Host

HOST = Host(PurePosixPath("/srv/ferrygate"), PurePosixPath("/opt/ferrygate/bin/ferrygate"), ())
UDP = "SocketBindAllow=ipv4:udp"


def test_only_the_halves_of_a_diode_bind_udp() -> None:
    for transport, wanted in (
        ("directory", set()), ("diode", {"ferrygate-ferry-low.service", "ferrygate-ferry-high.service"}),
    ):  # fmt: skip
        files = dict(unit_files(Installation(Ports(), transport=transport), HOST))
        assert {name for name, text in files.items() if UDP in text} == wanted
