"""PKCS#12 files: private key, certificate and chain under the certificate password.

AES-256-CBC with PBKDF2-HMAC-SHA-256 for the contents, HMAC-SHA-256 for the integrity check.

Known weakness, measured: the library lets us set the iterations of the encryption but not
those of the integrity check, which stay at 2,048. Whoever holds a file can therefore try about
3,700 passwords per second and core, whatever the encryption costs. The protection is the
password itself: 12 symbols of 32, drawn at random (60 bits), so a search of half the space
takes about 5 million core-years at that rate. Nothing chosen by a person may ever be used here;
`make_pkcs12` refuses shorter or foreign passwords. The integrity check can be made again with
more iterations once a DER library is among the packages of the product.

Source: F3; RFC 7292; research/pki.md section 2 "PKCS#12 acceptance" and "Verified weakness".
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES, serialize_key_and_certificates

from ca.key_kinds import PrivateKey
from ca.slip_codes import ALPHABET, PASSWORD_SYMBOLS
from wire_formats.desk_messages import MAX_PKCS12_BYTES

KDF_ROUNDS: Final = 20_000


def make_pkcs12(
    key: PrivateKey,
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    *,
    password: str,
    friendly_name: str,
) -> bytes:
    """Return the PKCS#12 file of a key that is then forgotten.

    Args:
        key: the private key; it is stored nowhere else.
        certificate: the certificate for `key`.
        chain: issuing authorities, nearest first, root last.
        password: 12 symbols of the slip's alphabet.
        friendly_name: shown by browsers in their list of certificates.

    Raises:
        ValueError: the password is not one that `ca.slip_codes` drew.
    """
    if len(password) != PASSWORD_SYMBOLS or any(symbol not in ALPHABET for symbol in password):
        raise ValueError("the certificate password must be drawn, not chosen")
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(KDF_ROUNDS)
        .key_cert_algorithm(PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password.encode("ascii"))
    )
    data = serialize_key_and_certificates(friendly_name.encode(), key, certificate, chain, encryption)
    if len(data) > MAX_PKCS12_BYTES:
        raise ValueError("PKCS#12 larger than the desk may send")
    return data
