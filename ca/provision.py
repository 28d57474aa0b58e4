"""Everything of keys and certificates that a new machine needs, in one call that may be repeated.

`provision_authority` holds the ceremony, issues the certificates of all machines and servers,
writes each private key into its own zone's folder only, and gives each zone the public data it
may believe. Run again it makes what is missing and renews what ends within thirty days.

A root key made here lies on the same machine: fit for trying out. For a city, hold the ceremony
on a machine without a network (`ferrygate ca ceremony`) and copy the issuing folder over.

Source: F2, F10; DESIGN "Zones and packages"; research/pki.md section 7.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from ca.authority import load_authorities
from ca.authority_keys import PRIVATE_MODE, AuthorityKey, certificates_pem, key_pem, load_certificates, write_new
from ca.ceremony import PUBLIC_MODE, hold_ceremony
from ca.issue import Issuer, IssuingParts, Order
from ca.key_kinds import KEY_KINDS
from ca.ledger import Ledger
from ca.metrics import CaMetrics
from ca.names import Holder
from ca.ocsp import is_fresh, write_response
from ca.profile_table import load_profiles, profile_for_machine
from ca.settings import CaSettings
from ca.slip_codes import MIN_PEPPER_OCTETS
from ca.template import instant
from ca.zone_files import BELIEVED, CLIENT_ZONES, MEDIA_ZONES, Machine, ZoneFiles, machines
from wire_formats.collaborators import Clock, Randomness
from wire_formats.errors import Refused
from wire_formats.instants import DAY_MS
from wire_formats.seal import KEY_BYTES, SealPrivateKey
from wire_formats.settings_reader import read_settings

RENEW_BEFORE_DAYS: Final = 30
MACHINE_KEY_KIND: Final = "ec-p256"
OPERATOR: Final = "provisioning"
SERVER: Final = "server"
PASSPHRASE_OCTETS: Final = 30
AUTHORITIES: Final = ("issuing_persons", "issuing_machines")


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What to provide for.

    Attributes:
        root: the folder that holds the zones, usually `var`.
        workers: names of the application workers.
        hosts: DNS names and addresses of the public servers.
        staff_hosts: the same of the staff window, reachable from inside only.
        clock: for the certificates' dates.
        randomness: for keys' names, serials and secrets.
        metrics: counts what is signed.
    """

    root: Path
    workers: tuple[str, ...]
    hosts: tuple[str, ...]
    staff_hosts: tuple[str, ...]
    clock: Clock
    randomness: Randomness
    metrics: CaMetrics = field(repr=False)


def provision_authority(wanted: Provisioning) -> CaSettings:
    """Make every key and certificate that is missing or ends soon.

    Args:
        wanted: the installation. Folders are made with mode 0700 where they are missing.

    Returns:
        The settings of the `ca` role; `settings_toml` writes the same as a file.

    Raises:
        SettingsError: an existing file cannot be used.
        Unavailable: the ledger does not answer.
    """
    files = ZoneFiles(wanted.root.resolve())
    _secrets(wanted, files)
    if not all((files.issuing_folder / f"{name}.key.pem").exists() for name in AUTHORITIES):
        _ceremony(wanted, files)
    settings = read_settings(CaSettings, settings_toml(wanted.root), files.ca / "ca.toml")
    authorities = load_authorities(settings)
    ledger = Ledger.open(settings.database)
    try:
        issuer = issuer_of(wanted, ledger, authorities)
        maker = _Maker(files, issuer, wanted)
        for machine in machines(wanted.workers):
            maker.machine(machine)
        maker.server("dmz", wanted.hosts)
        for zone in ("core", "gatekeeper", "gatekeeper_low"):
            maker.server(zone, wanted.staff_hosts)
        _staple(files, ledger, authorities["issuing_machines"], wanted.clock.now_ms())
    finally:
        ledger.close()
    _publish(files, wanted.workers, authorities)
    return settings


def issuer_of(wanted: Provisioning, ledger: Ledger, authorities: dict[str, AuthorityKey]) -> Issuer:
    """Return an issuer on an open ledger."""
    parts = IssuingParts(
        ledger=ledger,
        profiles=load_profiles(),
        authorities=authorities,
        clock=wanted.clock,
        randomness=wanted.randomness,
        metrics=wanted.metrics,
    )
    return Issuer(parts)


def settings_toml(root: Path) -> str:
    """Return the `ca` role's settings; relative paths are taken from `<root>/ca`."""
    return "\n".join(
        (
            f'database = "sqlite:///{root.resolve() / "ca" / "ca.sqlite"}"',
            'pepper_file = "keys/pepper"',
            'issuing_folder = "keys/issuing"',
            'issuing_passphrase_file = "keys/issuing/passphrase"',
            'deny_key = "keys/ca_deny.key.pem"',
            'deny_certificate = "keys/ca_deny.pem"',
            'deny_drop = "../core/outbox/control"',
            'deny_copy = "../core/deny"',
            'socket = "../core/run/ca.sock"',
            'crl_folder = "crl"',
            "",
        )
    )


def _ceremony(wanted: Provisioning, files: ZoneFiles) -> None:
    """Hold the first ceremony; never again once the issuing keys exist (the root may be offline)."""

    def passphrase() -> bytes:
        return base64.b32encode(wanted.randomness.bytes(PASSPHRASE_OCTETS)) + b"\n"

    _once(files.root_folder / "passphrase", passphrase)
    _once(files.issuing_folder / "passphrase", passphrase)
    _once(files.ceremony_plan, _PLAN.encode, mode=PUBLIC_MODE)
    hold_ceremony(files.ceremony_plan, clock=wanted.clock, randomness=wanted.randomness)


def _secrets(wanted: Provisioning, files: ZoneFiles) -> None:
    random = wanted.randomness
    _once(files.pepper, lambda: random.bytes(MIN_PEPPER_OCTETS))
    for half in MEDIA_ZONES:
        _once(files.seal_key(half), lambda: random.bytes(KEY_BYTES))
    _once(files.high_seal_key, lambda: random.bytes(KEY_BYTES))
    _once(files.core_secret_key, lambda: random.bytes(KEY_BYTES))


def _once(path: Path, make: Callable[[], bytes], *, mode: int = PRIVATE_MODE) -> None:
    if not path.exists():
        write_new(path, make(), mode=mode)


def _publish(files: ZoneFiles, workers: tuple[str, ...], authorities: dict[str, AuthorityKey]) -> None:
    """Give every zone the public data it may believe; written anew each time."""
    machine_chain = certificates_pem(authorities["issuing_machines"].chain)
    client_chain = certificates_pem(authorities["issuing_persons"].chain)
    root = certificates_pem(authorities["issuing_persons"].chain[-1:])
    for zone, roles in BELIEVED.items():
        known = [machine for machine in machines(workers) if machine.role in roles]
        bundle = b"".join(files.certificate(machine.zone, machine.name).read_bytes() for machine in known)
        _replace(files.trust(zone, "machines.pem"), bundle)
        _replace(files.trust(zone, "machine_issuers.pem"), machine_chain)
        _replace(files.trust(zone, "root.pem"), root)
    for zone in CLIENT_ZONES:
        _replace(files.trust(zone, "client_issuers.pem"), client_chain)
    for name, private in (("ferry_high", files.high_seal_key), ("core", files.core_secret_key)):
        _replace(files.trust("dmz", f"{name}.x25519"), _public_half(private))
    for half, other in MEDIA_ZONES.items():
        _replace(files.trust(half, f"{other}.x25519"), _public_half(files.seal_key(other)))


def _public_half(private: Path) -> bytes:
    return SealPrivateKey(private.read_bytes()).public.raw


def _staple(files: ZoneFiles, ledger: Ledger, authority: AuthorityKey, now_ms: int) -> None:
    """Speak for the public servers' certificate, unless that was done within the last days."""
    server = load_certificates(files.certificate("dmz", SERVER))[0]
    if not is_fresh(files.staple, server, now_ms=now_ms):
        with contextlib.suppress(Refused):  # a certificate from elsewhere: its own authority speaks for it
            write_response(ledger, authority, server, files.staple, now_ms=now_ms)


def _replace(path: Path, data: bytes, *, mode: int = PUBLIC_MODE) -> None:
    """Put a file in place whole or not at all."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    write_new(unfinished, data, mode=mode)
    unfinished.replace(path)


class _Maker:
    """Issues a certificate where there is none or where it ends soon."""

    def __init__(self, files: ZoneFiles, issuer: Issuer, wanted: Provisioning) -> None:
        self._files = files
        self._issuer = issuer
        self._wanted = wanted
        self._profiles = load_profiles()

    def machine(self, machine: Machine) -> None:
        """Provide a signing process; its certificate stands alone in its file."""
        profile = profile_for_machine(self._profiles, machine.role)
        self._provide(machine.zone, machine.name, profile.name, Holder(name=machine.name), chain=False)

    def server(self, zone: str, hosts: tuple[str, ...]) -> None:
        """Provide a TLS server; its file holds the chain up to the root."""
        self._provide(zone, SERVER, SERVER, Holder(hosts=hosts), chain=True)

    def _provide(self, zone: str, name: str, profile: str, holder: Holder, *, chain: bool) -> None:
        certificate_file = self._files.certificate(zone, name)
        if self._still_good(certificate_file, self._files.key(zone, name)):
            return
        key = KEY_KINDS[MACHINE_KEY_KIND].generate()
        issued = self._issuer.issue(Order(profile=profile, holder=holder, key=key.public_key(), operator=OPERATOR))
        pem = issued.certificate.public_bytes(Encoding.PEM) + (certificates_pem(issued.chain) if chain else b"")
        # Without its certificate a key is taken for unfinished and made again.
        certificate_file.unlink(missing_ok=True)
        _replace(self._files.key(zone, name), key_pem(key, None), mode=PRIVATE_MODE)
        _replace(certificate_file, pem)

    def _still_good(self, certificate_file: Path, key_file: Path) -> bool:
        if not certificate_file.exists() or not key_file.exists():
            return False
        certificate = load_certificates(certificate_file)[0]
        ends = instant(certificate.not_valid_after_utc)
        return ends - self._wanted.clock.now_ms() > RENEW_BEFORE_DAYS * DAY_MS


_PLAN: Final = """\
title = "First set-up on this machine: root and issuing authorities"
reviewed_by = ["set-up"]
witnesses = ["set-up"]
root_folder = "keys/root"
issuing_folder = "keys/issuing"
transcript = "transcript.txt"
authorities = ["issuing_persons", "issuing_machines"]
root_passphrase_file = "keys/root/passphrase"
issuing_passphrase_file = "keys/issuing/passphrase"
"""
