"""Who owns what of an installation: one user per zone, and a group for every place where two zones meet.

    fg-dmz      edge, static, workers        dmz/          (keys of the front door, exchange database)
    fg-low      ferry_low, its console       ferry_low/, gatekeeper_low/
    fg-high     ferry_high, its console,     ferry_high/, gatekeeper/   (a console's unit shows it no key of the half)
                ferry_media
    fg-inspect  ferry_inspector              ferry_inspector/   (the key that opens requests; no network)
    fg-core     core, staff                  core/         (production database)
    fg-ca       ca                           ca/

    fg-dmz-low  workers and the low half     dmz/outbox, dmz/inbox, dmz/notices
    fg-gap      both halves                  gap/          (on one machine; on two it is the transport's end)
    fg-high-inspect  mover and inspector     ferry_inspector/run
    fg-high-core  the high half and the core core/inbox, core/outbox
    fg-core-ca  the core and the CA          core/deny, core/run
    fg-high-ca  the high half and the CA     core/outbox/control (notices for the DMZ)

A zone's own folder is closed to everybody else; on the way to a meeting place a folder can be passed through, not read.
What leads to another zone's folder belongs to root: whoever owns a folder can put a link in the place of what lies in
it, and the other zone would then read and clear its own state there. So dmz/ and core/ are root's: their zone makes
files in them, and the sticky bit keeps its hands off the folders of others.
On machines of their own, each gets the rows of its zones only.

Source: research, section 7, point 10; DESIGN invariant 1; tmpfiles.d(5), which refuses unsafe paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from ops.layout import CONTROL, LANES, WAYS

DMZ: Final = "fg-dmz"
LOW: Final = "fg-low"
HIGH: Final = "fg-high"
INSPECTOR: Final = "fg-inspect"
CORE: Final = "fg-core"
CA: Final = "fg-ca"
ROOT: Final = "root"
DMZ_LOW: Final = "fg-dmz-low"
GAP: Final = "fg-gap"
HIGH_INSPECT: Final = "fg-high-inspect"
HIGH_CORE: Final = "fg-high-core"
CORE_CA: Final = "fg-core-ca"
HIGH_CA: Final = "fg-high-ca"

#: user -> groups in which it meets others.
MEETS: Final[Mapping[str, tuple[str, ...]]] = {
    DMZ: (DMZ_LOW,),
    LOW: (DMZ_LOW, GAP),
    HIGH: (GAP, HIGH_INSPECT, HIGH_CORE, HIGH_CA),
    INSPECTOR: (HIGH_INSPECT,),
    CORE: (HIGH_CORE, CORE_CA),
    CA: (CORE_CA, HIGH_CA),
}
_ROLES: Final = {
    "edge": DMZ,
    "static": DMZ,
    "ferry_low": LOW,
    "ferry_high": HIGH,
    "ferry_inspector": INSPECTOR,
    "ferry_media": HIGH,
    "core": CORE,
    "staff": CORE,
    "ca": CA,
    "gatekeeper": HIGH,
    "gatekeeper_low": LOW,
}
_ZONES: Final = {
    "dmz": DMZ,
    "ferry_low": LOW,
    "ferry_high": HIGH,
    "ferry_inspector": INSPECTOR,
    "core": CORE,
    "ca": CA,
    "gatekeeper": HIGH,
    "gatekeeper_low": LOW,
}
#: Zones in whose folder places of others lie, and what else lies there, all of it theirs.
_MIXED: Final[Mapping[str, tuple[str, ...]]] = {
    "dmz": ("run", "quarantine", "snapshots", "bans"),
    "core": ("quarantine",),
    "ferry_inspector": (),
}
#: Closed to others; others may pass through to a meeting place; the same, and the zone makes files of its own in it;
#: shared with a group, whose new files belong to it.
CLOSED: Final = 0o700
PASSED: Final = 0o711
LENT: Final = 0o1771
SHARED: Final = 0o2770


class Place(NamedTuple):
    """One folder.

    Attributes:
        path: below the installation's folder.
        user: its owner.
        group: its group.
        mode: its permission bits.
        whole: whether everything below gets the same owner, and files the same group.
        files: whose the plain files right in it are, where they are not the owner's.
    """

    path: PurePosixPath
    user: str
    group: str
    mode: int
    whole: bool = False
    files: str = ""


def user_of(role: str) -> str:
    """Give the user a role runs as."""
    return DMZ if role.startswith("worker") else _ROLES[role]


def zone_of(role: str) -> str:
    """Give the folder of a role's zone."""
    if role in _ZONES:
        return role
    return next(folder for folder, user in _ZONES.items() if user == user_of(role))


def places(workers: tuple[str, ...]) -> Iterator[Place]:
    """Give every folder of an installation with its owner, outer ones first.

    Args:
        workers: names of the workers, for their inboxes.
    """
    for folder, user in _ZONES.items():
        if folder in _MIXED:
            yield Place(PurePosixPath(folder), ROOT, user, LENT, files=user)
        else:
            yield Place(PurePosixPath(folder), user, user, PASSED if folder == "ca" else CLOSED, whole=True)
    for zone, user in _ZONES.items():
        for folder in ("keys", "log", "trust", *_MIXED.get(zone, ())):
            yield Place(PurePosixPath(zone, folder), user, user, CLOSED, whole=zone in _MIXED)
    yield from _drop("dmz/outbox", LANES, DMZ, DMZ_LOW)
    yield from _drop("dmz/inbox", workers, LOW, DMZ_LOW)
    yield from _drop("dmz", ("notices",), LOW, DMZ_LOW, parent=False)
    yield Place(PurePosixPath("gap"), ROOT, ROOT, PASSED)
    for way, writer in zip(WAYS, (LOW, HIGH), strict=True):
        yield from _drop(f"gap/{way}", (*LANES, CONTROL), writer, GAP)
    yield Place(PurePosixPath("ferry_inspector/run"), INSPECTOR, HIGH_INSPECT, SHARED)
    yield from _drop("core/inbox", LANES, HIGH, HIGH_CORE)
    yield Place(PurePosixPath("core/outbox"), ROOT, ROOT, PASSED)
    yield from _drop("core/outbox", LANES, CORE, HIGH_CORE, parent=False)
    yield from _drop("core/outbox", (CONTROL,), CA, HIGH_CA, parent=False)
    yield from _drop("core", ("deny",), CA, CORE_CA, parent=False)
    yield Place(PurePosixPath("core/run"), CORE, CORE_CA, SHARED)
    yield Place(PurePosixPath("ca/crl"), CA, CA, 0o755, whole=True)


def _drop(folder: str, names: tuple[str, ...], writer: str, group: str, *, parent: bool = True) -> Iterator[Place]:
    """A folder of drops: the writer makes files, the group takes them away; unfinished ones are the writer's alone."""
    if parent:
        yield Place(PurePosixPath(folder), ROOT, ROOT, PASSED)
    for name in names:
        yield Place(PurePosixPath(folder, name), writer, group, SHARED, whole=True)
        yield Place(PurePosixPath(folder, name, ".tmp"), writer, group, SHARED)
