"""Puts the files for a service manager together: units, their target, users (sysusers.d), folders (tmpfiles.d).

    ferrygate.target                      all roles of this machine
    ferrygate-<process>.service           one per process
    sysusers.d/ferrygate.conf             users and groups
    tmpfiles.d/ferrygate.conf             owners and permissions of the installation's folders

Source: systemd.target(5), sysusers.d(5), tmpfiles.d(5).
"""

from __future__ import annotations

from collections.abc import Iterator

from ops.layout import Installation, roles, stop_s
from ops.units.ownership import MEETS, Place, places
from ops.units.service_unit import Host, service_unit, unit_name


def unit_files(found: Installation, host: Host) -> Iterator[tuple[str, str]]:
    """Give every file as (path below the target folder, text)."""
    processes = [name for name, _ in roles(found)]
    yield "ferrygate.target", target(processes)
    for process in processes:
        yield unit_name(process), service_unit(process, host, stop_s=stop_s(process), transport=found.transport)
    yield "sysusers.d/ferrygate.conf", sysusers()
    yield "tmpfiles.d/ferrygate.conf", tmpfiles(found, host)


def target(processes: list[str]) -> str:
    """Give the unit that starts and stops all roles of this machine together."""
    wants = " ".join(unit_name(process) for process in processes)
    return (
        "# Made by `ferrygate units`.\n[Unit]\nDescription=Ferrygate\n"
        f"Wants={wants}\n\n[Install]\nWantedBy=multi-user.target\n"
    )


def sysusers() -> str:
    """Give the users and groups: a user per zone without shell or home, a group per meeting place."""
    lines = ["# Made by `ferrygate units`: one user per zone, one group per meeting place."]
    groups = sorted({group for meets in MEETS.values() for group in meets})
    lines += [f"g {group} -" for group in groups]
    lines += [f'u {user} - "Ferrygate" -' for user in MEETS]
    lines += [f"m {user} {group}" for user, meets in MEETS.items() for group in meets]
    return "\n".join(lines) + "\n"


def tmpfiles(found: Installation, host: Host) -> str:
    """Give owners and permissions of an installation's folders; files inside follow their folder."""
    lines = ["# Made by `ferrygate units`: who owns which folder."]
    for place in places(found.worker_names):
        lines.extend(_lines(place, host))
    return "\n".join(lines) + "\n"


def _lines(place: Place, host: Host) -> Iterator[str]:
    path = host.root / place.path
    if place.whole:
        yield f"Z {path} - {place.user} {place.group} -"
    if place.files:
        # Files' names have a dot, folders' have none.
        yield f"z {path}/*.* - {place.files} {place.files} -"
    yield f"d {path} {place.mode:04o} {place.user} {place.group} -"
