"""An operator's key from a file: PKCS#12, or PEM with key and certificate; never without a passphrase.

Source: RFC 7292; catalogue F3.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

from ops.cli.faults import CannotRunError
from wire_formats.suites import SigningKey

_MOST_BYTES: Final = 64 * 1024
_PEM: Final = b"-----BEGIN"
#: Asks for a secret without showing it.
Ask = Callable[[str], str]


def load_key_file(path: Path, ask: Ask) -> SigningKey:
    """Load an operator's key and certificate.

    Args:
        path: the file.
        ask: asks for the passphrase.

    Raises:
        CannotRunError: no such file, no passphrase on it, a wrong one, or no key of a known kind in it.
    """
    try:
        data = path.read_bytes()[: _MOST_BYTES + 1]
    except OSError as error:
        raise CannotRunError(f"{path}: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise CannotRunError(f"{path}: too large for a key")
    passphrase = ask(f"passphrase of {path.name} (口令): ").encode()
    key, certificate = _from_pem(path, data, passphrase) if _PEM in data else _from_pkcs12(path, data, passphrase)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate is None:
        raise CannotRunError(f"{path}: holds no elliptic-curve key with its certificate")
    try:
        return SigningKey(key, certificate)
    except ValueError as error:
        raise CannotRunError(f"{path}: {error}") from None


def _from_pem(path: Path, data: bytes, passphrase: bytes) -> tuple[object, x509.Certificate | None]:
    try:
        key = load_pem_private_key(data, passphrase or None)
        certificates = x509.load_pem_x509_certificates(data)
    except TypeError:
        # The library says so for a key without a passphrase when one was given, and the other way round.
        raise CannotRunError(f"{path}: an operator's key must lie under a passphrase, and it must be given") from None
    except ValueError:
        raise CannotRunError(f"{path}: wrong passphrase, or no key with its certificate") from None
    if not passphrase:
        raise CannotRunError(f"{path}: an operator's key must lie under a passphrase")
    return key, certificates[0]


def _from_pkcs12(path: Path, data: bytes, passphrase: bytes) -> tuple[object, x509.Certificate | None]:
    if not passphrase:
        raise CannotRunError(f"{path}: an operator's key must lie under a passphrase")
    try:
        key, certificate, _ = load_key_and_certificates(data, passphrase)
    except ValueError:
        raise CannotRunError(f"{path}: wrong passphrase, or no PKCS#12 file") from None
    return key, certificate
