"""The CA's word that the server's certificate stands (an OCSP response), passed to every client that asks for it.

The response is a file that the CA signs and an operator or set-up puts there; the edge has no road to the CA. It is
read when a child starts and again every minute, so that a new one needs no restart. Only a response that is for our
certificate, good, signed by its issuer and not over is passed on: a browser that gets a bad one turns away from us,
one that gets none does not. The handshake itself only copies the bytes.

Source: RFC 6066 section 8, RFC 6960 sections 4.2.1 and 4.2.2.3; edge research, section 5 (stapling).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from OpenSSL import SSL
from twisted.logger import Logger

from wire_formats.instants import SECOND_MS

LOOK_AGAIN_MS: Final = 60 * SECOND_MS
#: A response is a signature, a serial and dates; some kilobytes with a certificate in it.
_MOST_BYTES: Final = 64 * 1024


class Staple:
    """The response of one server certificate.

    Args:
        path: of the file with the response, DER; None: there is none.
        chain: the server's certificate, then its issuers.
    """

    _log = Logger()

    def __init__(self, path: Path | None, chain: tuple[x509.Certificate, ...]) -> None:
        self._path = path
        self._chain = chain
        self._response = b""
        self._ends_ms = 0
        self._looked_ms: int | None = None

    def answer(self, _connection: SSL.Connection, _data: object = None) -> bytes:
        """Give the response, or nothing; OpenSSL asks within a handshake."""
        return self._response

    def left_s(self, now_ms: int) -> float:
        """Give for how many seconds the response is still good; -1: there is none."""
        return (self._ends_ms - now_ms) / SECOND_MS if self._response else -1.0

    def refresh(self, now_ms: int) -> None:
        """Look at the file again, if that was not done within the last minute."""
        if self._path is None or (self._looked_ms is not None and 0 <= now_ms - self._looked_ms < LOOK_AGAIN_MS):
            return
        self._looked_ms = now_ms
        had = bool(self._response)
        try:
            self._response, self._ends_ms = _read(self._path, self._chain, now_ms)
        except (OSError, ValueError) as error:
            self._response = b""
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self._log.warn("edge_staple_left_out", file=self._path.name, reason=reason)
        else:
            if not had:
                self._log.info("edge_staple_taken", file=self._path.name, age_ms=self._ends_ms - now_ms)


def _read(path: Path, chain: tuple[x509.Certificate, ...], now_ms: int) -> tuple[bytes, int]:
    """Give a response that may be passed on, and the instant of its end.

    Raises:
        OSError: the file cannot be read.
        ValueError: it may not be passed on; says why.
    """
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    try:
        response = ocsp.load_der_ocsp_response(data[:_MOST_BYTES])
    except ValueError:
        raise ValueError("not an OCSP response") from None
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError("the responder gave no answer")
    if response.serial_number != chain[0].serial_number:
        raise ValueError("the response is for another certificate")
    if response.certificate_status is not ocsp.OCSPCertStatus.GOOD:
        raise ValueError("the response does not call the certificate good")
    if len(chain) < 2 or not _signed_by(response, chain[1]):
        raise ValueError("the response is not signed by the issuer of the certificate")
    if response.next_update_utc is None:
        raise ValueError("the response has no end")
    begins_ms = round(response.this_update_utc.timestamp() * SECOND_MS)
    ends_ms = round(response.next_update_utc.timestamp() * SECOND_MS)
    if not begins_ms <= now_ms < ends_ms - LOOK_AGAIN_MS:
        raise ValueError("the response is not good now")
    return data, ends_ms


def _signed_by(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    try:
        digest = response.signature_hash_algorithm
        if digest is None:
            return False
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), digest)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
