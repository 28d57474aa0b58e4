"""Writes the systemd unit of one role: what it may see, call and open, as narrow as its work allows.

The exposure that ``systemd-analyze security --offline=yes`` gives each unit is at most 2.0 (a test holds it).

Source: systemd.exec(5), systemd.resource-control(5), systemd.service(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from ops.layout import NO_NETWORK, TRANSPORTS
from ops.runtime.limits import MEETING_UMASK
from ops.units import ownership

_ALWAYS: Final = """\
Type=notify
Restart=on-failure
RestartSec=1
Environment=FERRYGATE_WALLS=required
LimitCORE=0
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
PrivateUsers=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
SystemCallFilter=~@privileged @resources @mount @debug @cpu-emulation @obsolete @reboot @swap @module @raw-io @clock
KeyringMode=private
DevicePolicy=closed
NotifyAccess=main
"""
#: Roles that compile patterns or call foreign code through trampolines need pages that are written and then executed.
_WRITES_CODE: Final = frozenset({"edge", "worker"})
#: Who serves people; all others listen on the loopback address only, for their metrics.
_OPEN: Final = frozenset({"edge", "staff", "gatekeeper", "gatekeeper_low"})
_ABOUT: Final = {
    "edge": "front door",
    "static": "style sheet and other files",
    "worker": "pages and forms",
    "ferry_low": "ferry, outer half",
    "ferry_high": "ferry, inner half",
    "ferry_inspector": "ferry, opens and inspects requests",
    "ferry_media": "ferry, writes and reads media",
    "core": "core processor",
    "staff": "staff window",
    "ca": "certificate desk and deny list",
    "gatekeeper": "gatekeeper console",
    "gatekeeper_low": "gatekeeper console of the outer half, read only",
}


@dataclass(frozen=True, slots=True)
class Host:
    """Where things lie on the machine that will run the units.

    Attributes:
        root: the installation's folder.
        program: the command ``ferrygate``.
        code: folders the program and its packages lie in.
    """

    root: PurePosixPath
    program: PurePosixPath
    code: tuple[PurePosixPath, ...]


def unit_name(process: str) -> str:
    """Give the file name of a process's unit, for example ``ferrygate-worker-1.service``."""
    return f"ferrygate-{process.replace('_', '-')}.service"


def service_unit(process: str, host: Host, *, stop_s: int, transport: str = TRANSPORTS[0]) -> str:
    """Give the text of one unit.

    Args:
        process: name of the process, for example ``worker-1``.
        host: where things lie.
        stop_s: longest clean stop in seconds.
        transport: what joins the ferry's halves.
    """
    role = process.partition("-")[0]
    user = ownership.user_of(role)
    zone = ownership.zone_of(role)
    settings = host.root / zone / f"{process}.toml"
    lines = [
        f"# Made by `ferrygate units`. {process}: {_ABOUT[role]}.",
        "[Unit]",
        f"Description=Ferrygate {process}: {_ABOUT[role]}",
        "After=network.target",
        "PartOf=ferrygate.target",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        f"ExecStart={host.program} run {role} --settings {settings}",
        f"User={user}",
        f"Group={user}",
        f"SupplementaryGroups={' '.join(ownership.MEETS[user])}",
        f"TimeoutStopSec={stop_s + 5}",
        f"UMask={MEETING_UMASK:04o}",
        *_ALWAYS.splitlines(),
        *(() if role in _WRITES_CODE else ("MemoryDenyWriteExecute=yes",)),
        *_network(role),
        *_links(role, transport),
        *_paths(role, host),
        "",
        "[Install]",
        "WantedBy=ferrygate.target",
    ]
    return "\n".join(lines) + "\n"


def _network(role: str) -> tuple[str, ...]:
    if role in NO_NETWORK:
        return ("RestrictAddressFamilies=AF_UNIX", "PrivateNetwork=yes", "IPAddressDeny=any", "SocketBindDeny=any")
    if role in _OPEN:
        return ("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "SocketBindDeny=any", "SocketBindAllow=tcp")
    return (
        "RestrictAddressFamilies=AF_UNIX AF_INET",
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
        "SocketBindDeny=any",
        "SocketBindAllow=ipv4:tcp",
    )


def _links(role: str, transport: str) -> tuple[str, ...]:
    """A diode's halves bind UDP; its addresses beyond this machine are the administrator's to allow (docs/diode.md)."""
    return ("SocketBindAllow=ipv4:udp",) if transport == "diode" and role in ("ferry_low", "ferry_high") else ()


#: zone -> what of the installation exists for its roles: its folder, and the places where it meets others.
_VISIBLE: Final = {
    "dmz": ("dmz",),
    "ferry_low": ("ferry_low", "gap", "dmz/outbox", "dmz/inbox", "dmz/notices"),
    "ferry_high": ("ferry_high", "ferry_inspector/run", "gap", "core/inbox", "core/outbox"),
    "ferry_inspector": ("ferry_inspector",),
    "core": ("core",),
    "ca": ("ca", "core/deny", "core/run", "core/outbox/control"),
    "gatekeeper": ("gatekeeper", "ferry_high/acts/drop", "ferry_high/media/orders"),
    "gatekeeper_low": ("gatekeeper_low",),
}
#: Roles that see less than their zone.
_VISIBLE_TO: Final = {"ferry_media": ("ferry_high",)}
#: console -> the half it shows, and what of it.
_SHOWN: Final = {"gatekeeper": "ferry_high", "gatekeeper_low": "ferry_low"}
_SHOWN_FOLDERS: Final = ("state", "quarantine", "acts", "media", "trust")


def visible(role: str) -> tuple[str, ...]:
    """Give the folders of an installation that a role can see, below its root."""
    return (*_keeps(role), *_looks_at(role))


def _keeps(role: str) -> tuple[str, ...]:
    return _VISIBLE_TO.get(role) or _VISIBLE[ownership.zone_of(role)]


def _looks_at(role: str) -> tuple[str, ...]:
    """Folders of another zone that a role reads and never writes."""
    if role in _SHOWN:
        shown = tuple(f"{_SHOWN[role]}/{folder}" for folder in _SHOWN_FOLDERS)
        return (*shown, "ca/crl") if role == "gatekeeper" else shown
    return ("ca/crl",) if role == "staff" else ()


def _paths(role: str, host: Host) -> tuple[str, ...]:
    keeps, reads = _keeps(role), _looks_at(role)
    # The settings and the code are read through these too, wherever they lie.
    code = sorted({str(path) for path in host.code})
    return (
        f"TemporaryFileSystem={host.root}:ro",
        *(f"BindPaths={host.root / path}" for path in keeps),
        *(f"BindReadOnlyPaths={host.root / path}" for path in reads),
        *(f"BindReadOnlyPaths={path}" for path in code if _hidden(path)),
    )


def _hidden(path: str) -> bool:
    """Whether a folder lies where ProtectHome hides it."""
    return path.startswith(("/home/", "/root/", "/run/user/"))
