"""Authority keys at rest: encrypted PEM files of mode 0600, opened with a passphrase from a file.

The root's key is only ever opened by the ceremony. An issuing key is opened once, at the start
of the role. A key kept in a token (PKCS#11) would be a second way to make `AuthorityKey.key`:
the builders accept any object with the library's private-key interface.

Source: research/pki.md sections 2 and 7; F2.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ca.key_kinds import PrivateKey, kind_of_private
from wire_formats.settings_reader import SettingsError

MIN_PASSPHRASE_OCTETS: Final = 12
MAX_SECRET_FILE_BYTES: Final = 16 * 1024
PRIVATE_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class AuthorityKey:
    """One authority that may sign: its certificate, its key and the way up to the root."""

    name: str
    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...]


def write_new(path: Path, data: bytes, *, mode: int = PRIVATE_MODE) -> None:
    """Write a file that must not exist yet, and wait until it is on the disk.

    Raises:
        FileExistsError: something has this name already.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def read_private(path: Path, setting: str) -> bytes:
    """Read a secret file.

    Raises:
        SettingsError: missing, too large, or open to other users.
    """
    try:
        status = path.stat()
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise SettingsError(f"{path}: {setting} is open to other users; run chmod 600")
        if not 0 < status.st_size <= MAX_SECRET_FILE_BYTES:
            raise SettingsError(f"{path}: {setting} is empty or too large")
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot read {setting}: {error.strerror}") from None


def read_passphrase(path: Path, setting: str = "passphrase") -> bytes:
    """Read a passphrase from the first line of a file.

    Raises:
        SettingsError: missing, open to others, or shorter than 12 octets.
    """
    line = read_private(path, setting).split(b"\n", 1)[0].strip()
    if len(line) < MIN_PASSPHRASE_OCTETS:
        raise SettingsError(f"{path}: {setting} must have at least {MIN_PASSPHRASE_OCTETS} characters")
    return line


def key_pem(key: PrivateKey, passphrase: bytes | None) -> bytes:
    """Return a private key as PKCS#8 PEM, encrypted when a passphrase is given."""
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def load_key(path: Path, passphrase: bytes | None) -> PrivateKey:
    """Load a private key of a known kind.

    Raises:
        SettingsError: not a key, a wrong passphrase, or a kind no row knows.
    """
    try:
        key = load_pem_private_key(read_private(path, "private key"), passphrase)
        kind_of_private(key)  # type: ignore[arg-type]  # it judges any key
    except (ValueError, TypeError, AttributeError):
        raise SettingsError(f"{path}: not a usable private key, or a wrong passphrase") from None
    return key  # type: ignore[return-value]  # judged above


def load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Load the certificates of a PEM file, in its order.

    Raises:
        SettingsError: missing or not certificates.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError):
        raise SettingsError(f"{path}: cannot read certificates") from None


def load_authority(name: str, *, key_file: Path, chain_file: Path, passphrase: bytes | None) -> AuthorityKey:
    """Load an authority from its key and its chain (own certificate first, root last).

    Raises:
        SettingsError: a file is missing or wrong, or key and certificate differ.
    """
    key = load_key(key_file, passphrase)
    certificates = load_certificates(chain_file)
    if key.public_key() != certificates[0].public_key():
        raise SettingsError(f"{key_file}: the key does not belong to {chain_file}")
    return AuthorityKey(name, certificates[0], key, certificates)


def certificates_pem(certificates: tuple[x509.Certificate, ...]) -> bytes:
    """Return certificates as PEM, in order."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)
