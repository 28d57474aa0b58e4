"""The settings file of every process of an installation.  Pure: names and paths only.

Paths are relative to the folder of the file, so that a file says the same wherever ``var`` lies;
only database URLs are absolute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ops.layout import EDGE_DRAIN_S, WORKER_DRAIN_S, Installation, Layout, stop_s
from ops.provision.toml_text import Value

Table = Mapping[str, Value]


def role_tables(layout: Layout, found: Installation, authority: Table) -> Iterator[tuple[str, Table]]:
    """Give the content of every process's settings file.

    Args:
        layout: paths; ``layout.root`` is where the installation will lie.
        found: ports and workers.
        authority: what ``ca.provision`` says its role needs.
    """
    yield "edge", edge_table(layout, found)
    yield "static", static_table(found)
    for worker in found.worker_names:
        yield worker, worker_table(layout, found, worker)
    yield "ferry_low", ferry_low_table(found)
    yield "ferry_inspector", ferry_inspector_table(found)
    yield "ferry_high", ferry_high_table(found)
    yield "ferry_media", ferry_media_table(found)
    yield "core", core_table(layout, found)
    yield "staff", staff_table(layout, found)
    yield "gatekeeper", gatekeeper_table(found, "high")
    yield "gatekeeper_low", gatekeeper_table(found, "low")
    yield "ca", {"role": role_table(found, "ca"), "ca": authority}


def role_table(found: Installation, name: str) -> Table:
    """Give the ``[role]`` table of a process."""
    return {
        "name": name,
        "metrics_port": found.ports.metrics_of(name),
        "log_file": f"log/{name}.log",
        "stop_deadline_s": stop_s(name),
    }


def sqlite_url(path: Path) -> str:
    """Give the SQLAlchemy URL of a SQLite file."""
    return f"sqlite:///{path}"


def exchange_url(layout: Layout) -> str:
    """Give the URL of the exchange database."""
    return sqlite_url(layout.dmz / "exchange.sqlite")


def production_url(layout: Layout) -> str:
    """Give the URL of the production database."""
    return sqlite_url(layout.core / "production.sqlite")


def edge_table(layout: Layout, found: Installation) -> Table:
    """Give the edge's settings."""
    del layout
    ports = found.ports
    return {
        "role": role_table(found, "edge"),
        "edge": {
            "server_key": "keys/server.key.pem",
            "server_chain": "keys/server.pem",
            "server_staple": "keys/server.ocsp",
            "client_issuers": "trust/client_issuers.pem",
            "deny_issuers": "trust/machine_issuers.pem",
            "deny_signers": "trust/machines.pem",
            "notices": "notices",
            "snapshots": "snapshots",
            "children": found.edge_children,
            "unit_port": ports.unit,
            "community_port": ports.community,
            "person_port": ports.person,
            "site_port": ports.site,
            "plain_port": ports.site_plain,
            "drain_s": EDGE_DRAIN_S,
            "host_names": found.hosts,
        },
        "intrusion": {"bans": "bans", "events": "log/intrusion.cef"},
        "switch": {},
        "workers": {name: f"run/{name}.sock" for name in found.worker_names},
        "static": {"static": "run/static.sock"},
    }


def static_table(found: Installation) -> Table:
    """Give the static role's settings."""
    return {"role": role_table(found, "static"), "static": {"socket": "run/static.sock"}}


def worker_table(layout: Layout, found: Installation, name: str) -> Table:
    """Give one worker's settings."""
    ports = found.ports
    return {
        "role": role_table(found, name),
        "worker": {
            "name": name,
            "socket": f"run/{name}.sock",
            "exchange_url": exchange_url(layout),
            "outbox": "outbox",
            "inbox": "inbox",
            "signing_key": f"keys/{name}.key.pem",
            "signing_certificate": f"keys/{name}.pem",
            "trust_issuers": "trust/machine_issuers.pem",
            "trust_certificates": "trust/machines.pem",
            "high_half_key": "trust/ferry_high.x25519",
            "core_key": "trust/core.x25519",
            "quarantine": "quarantine",
        },
        "hall": {
            "site_url": f"https://{found.hosts[0]}:{ports.site}",
            "unit_url": f"https://{found.hosts[0]}:{ports.unit}",
            "community_url": f"https://{found.hosts[0]}:{ports.community}",
            "person_url": f"https://{found.hosts[0]}:{ports.person}",
        },
        "port": {"drain_ms": WORKER_DRAIN_S * 1000},
    }


def ferry_low_table(found: Installation) -> Table:
    """Give the low half's settings."""
    return {
        "role": role_table(found, "ferry_low"),
        "ferry": {
            **_half("ferry_low", found),
            "dmz_outbox": "../dmz/outbox",
            "dmz_inbox": "../dmz/inbox",
            "dmz_notices": "../dmz/notices",
            "workers": found.worker_names,
        },
    }


def ferry_high_table(found: Installation) -> Table:
    """Give the high half's settings."""
    return {
        "role": role_table(found, "ferry_high"),
        "ferry": {
            **_half("ferry_high", found),
            "inspector": "../ferry_inspector/run/inspector.sock",
            "core_inbox": "../core/inbox",
            "core_outbox": "../core/outbox",
            "workers": found.worker_names,
        },
    }


def ferry_inspector_table(found: Installation) -> Table:
    """Give the inspector's settings."""
    return {
        "role": role_table(found, "ferry_inspector"),
        "inspector": {"seal_key": "keys/seal.x25519", "socket": "run/inspector.sock"},
    }


def ferry_media_table(found: Installation) -> Table:
    """Give the high side's media clerk; its place is a plain folder, for trials (docs/media.md)."""
    return {
        "role": role_table(found, "ferry_media"),
        "clerk": {"half": "ferry_high.toml", "places": ("media/stick",), "plain_folders": True},
    }


def _half(name: str, found: Installation) -> dict[str, Value]:
    joined: dict[str, Value] = {"kind": found.transport}
    if found.transport == "diode":
        joined["diode"] = _diode(name, found)
    return {
        "transport": joined,
        "signing_key": f"keys/{name}.key.pem",
        "signing_certificate": f"keys/{name}.pem",
        "trust_issuers": "trust/machine_issuers.pem",
        "trust_machines": "trust/machines.pem",
        "gap_inbound": "../gap/inbound",
        "gap_outbound": "../gap/outbound",
        "journal": "state/journal.sqlite",
        "spool": "spool",
        "quarantine": "quarantine",
        "status": "state/status.json",
        "media": {
            "folder": "media",
            "seal_key": "keys/seal.x25519",
            "peer_key": f"trust/{_other(name)}.x25519",
            "operators": "trust/operators.pem",
            "operator_issuers": "trust/client_issuers.pem",
        },
        "acts": {
            "folder": "acts",
            "operators": "trust/operators.pem",
            "operator_issuers": "trust/client_issuers.pem",
            "by_console": name == "ferry_high",
        },
    }


def _other(half: str) -> str:
    return "ferry_high" if half == "ferry_low" else "ferry_low"


def _diode(name: str, found: Installation) -> dict[str, Value]:
    """Both links on loopback; two machines need their own addresses (docs/diode.md)."""
    other = _other(name)

    def at(half: str, end: str) -> str:
        return f"127.0.0.1:{found.ports.diode(half, end)}"

    return {
        "key": "keys/diode.key",
        "send_from": at(name, "out"),
        "send_to": at(other, "in"),
        "receive_at": at(name, "in"),
        "receive_from": at(other, "out"),
    }


def core_table(layout: Layout, found: Installation) -> Table:
    """Give the core's settings."""
    return {
        "role": role_table(found, "core"),
        "core": {
            "database_url": production_url(layout),
            "inbox": "inbox",
            "outbox": "outbox",
            "deny_drop": "deny",
            "quarantine": "quarantine",
            "signing_key": "keys/core.key.pem",
            "signing_certificate": "keys/core.pem",
            "trust_issuers": "trust/machine_issuers.pem",
            "trust_certificates": "trust/machines.pem",
            "seal_key": "keys/secret.x25519",
            "pepper": "keys/pepper.key",
            "account_master_key": "keys/account_master.key",
            "desk_socket": "run/ca.sock",
        },
    }


def gatekeeper_table(found: Installation, side: str) -> Table:
    """Give a console's settings; only the high side's has a key to act with."""
    name = "gatekeeper" if side == "high" else "gatekeeper_low"
    half = f"../ferry_{side}"
    # The low side's machine never sees the authority's files.
    revoked: Table = {"client_crl": "../ca/crl/issuing_persons.crl"} if side == "high" else {}
    signer = {"signing_key": "keys/gatekeeper.key.pem", "signing_certificate": "keys/gatekeeper.pem"}
    return {
        "role": role_table(found, name),
        "console": {
            "half": f"ferry_{side}",
            "server_key": "keys/server.key.pem",
            "server_chain": "keys/server.pem",
            "operators": f"{half}/trust/operators.pem",
            "operator_issuers": f"{half}/trust/client_issuers.pem",
            "trust_issuers": f"{half}/trust/machine_issuers.pem",
            "trust_machines": f"{half}/trust/machines.pem",
            "status": f"{half}/state/status.json",
            "journal": f"{half}/state/journal.sqlite",
            "crossings": f"{half}/state/crossings",
            "quarantine": f"{half}/quarantine",
            "acts": f"{half}/acts",
            "media": f"{half}/media",
            "port": found.ports.gatekeeper if side == "high" else found.ports.gatekeeper_low,
            **revoked,
            **(signer if side == "high" else {}),
        },
    }


def staff_table(layout: Layout, found: Installation) -> Table:
    """Give the staff window's settings."""
    return {
        "role": role_table(found, "staff"),
        "staff": {
            "database_url": production_url(layout),
            "server_key": "keys/server.key.pem",
            "server_chain": "keys/server.pem",
            "client_issuers": "trust/client_issuers.pem",
            "client_crl": "../ca/crl/issuing_persons.crl",
            "pepper": "keys/pepper.key",
            "port": found.ports.staff,
        },
    }
