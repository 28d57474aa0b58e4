"""Keys and certificates that a process of the ferry reads from its own machine, before it starts.

Whatever cannot be used is a SettingsError that names the file: the half, the inspector, the console and the media clerk
say it in the same words.
"""

from __future__ import annotations

from pathlib import Path

from wire_formats.certificate_names import machine_of
from wire_formats.errors import PeerError
from wire_formats.seal import SealPrivateKey, SealPublicKey
from wire_formats.settings_reader import SettingsError
from wire_formats.suites import SigningKey, load_signing_key
from wire_formats.trust import TrustStore


def signing_key(key: Path, certificate: Path, *roles: str) -> SigningKey:
    """Read the key with which a process signs, and its certificate.

    Args:
        key: PEM file.
        certificate: PEM file.
        roles: what the certificate may be for.

    Raises:
        SettingsError: a file cannot be read or used, or the certificate is for another role.
    """
    try:
        found = load_signing_key(read_own(key), read_own(certificate))
    except (ValueError, TypeError) as error:  # TypeError: it wants a passphrase
        raise SettingsError(f"{key}: {error}") from None
    try:
        role = machine_of(found.certificate).role
    except PeerError as error:
        raise SettingsError(f"{certificate}: {error.private}") from None
    if role not in roles:
        raise SettingsError(f"{certificate}: not a certificate for the role {' or '.join(roles)}")
    return found


def seal_key(path: Path) -> SealPrivateKey:
    """Read a key that opens what was sealed to this side: 32 raw bytes.

    Raises:
        SettingsError: it cannot be read, or is none.
    """
    try:
        return SealPrivateKey(read_own(path))
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None


def public_seal_key(path: Path) -> SealPublicKey:
    """Read the key to which something is sealed: 32 raw bytes.

    Raises:
        SettingsError: it cannot be read, or is none.
    """
    try:
        return SealPublicKey(read_own(path))
    except PeerError as error:
        raise SettingsError(f"{path}: {error.private}") from None


def known_signers(issuers: Path, certificates: Path) -> TrustStore:
    """Read who is known: PEM files of the issuers and of what they issued.

    Raises:
        SettingsError: a file cannot be read, or a certificate is of none of these issuers.
    """
    try:
        return TrustStore.from_pem([read_own(issuers)], [read_own(certificates)])
    except PeerError as error:
        raise SettingsError(f"{certificates}: {error.private}") from None


def read_own(path: Path) -> bytes:
    """Read a file that setting up an installation makes.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; `ferrygate up` makes it with a new installation") from None
