"""Client certificates beyond those of set-up, and the smallest TLS client that shows and resumes sessions."""

from __future__ import annotations

import datetime
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.whole_system import WholeSystem

DEADLINE_S = 60
SECOND = datetime.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request got: an answer, or how the connection ended."""

    status: int
    body: str
    session: ssl.SSLSession | None
    resumed: bool


class Live:
    """One TLS connection with a client certificate, kept open.

    Raises:
        ssl.SSLError, OSError: the handshake or the first answer fails.
    """

    def __init__(self, port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        raw = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        try:
            self.socket = context.wrap_socket(raw, server_hostname="localhost", session=session)
        except BaseException:
            raw.close()
            raise
        self._port = port

    def __enter__(self) -> Live:
        """Be closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.close()

    def ask(self, path: str = "/login") -> Asked:
        """Ask for a page on this connection."""
        head = (
            f"GET {path} HTTP/1.1\r\nHost: localhost:{self._port}\r\nAccept: text/html\r\nAccept-Language: en\r\n\r\n"
        )
        self.socket.sendall(head.encode())
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.socket.recv(65_536)
            if not part:
                raise ConnectionResetError("closed without an answer")
            data += part
        head_bytes, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head_bytes.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        wanted = int(lengths[0].partition(b":")[2]) if lengths else 0
        while len(body) < wanted and (part := self.socket.recv(65_536)):
            body += part
        status = int(head_bytes.split(b" ", 2)[1])
        return Asked(status, body.decode(), self.socket.session, bool(self.socket.session_reused))

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def visit(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Asked:
    """Ask for one page on a connection of its own."""
    with Live(port, context, session) as live:
        return live.ask()


def context_of(system: WholeSystem, pem: Path) -> ssl.SSLContext:
    """TLS that trusts the installation and shows this certificate."""
    context = ssl.create_default_context(cafile=str(system.layout.demo / "root.pem"))
    context.load_cert_chain(str(pem))
    return context


def serial_of(pem: Path) -> str:
    """The serial number as the authority writes it."""
    return f"{x509.load_pem_x509_certificate(pem.read_bytes()).serial_number:032x}"


def minted(
    system: WholeSystem, target: Path, *, like: str, start: datetime.datetime, end: datetime.datetime, ours: bool = True
) -> Path:
    """A certificate like a demo account's with another validity, by our issuing authority or by a stranger of its name."""
    model = x509.load_pem_x509_certificate((system.layout.demo / f"{like}.pem").read_bytes())
    folder = system.layout.ca / "keys" / "issuing"
    chain = (folder / "issuing_persons.chain.pem").read_bytes()
    issuer_key: ec.EllipticCurvePrivateKey = ec.generate_private_key(ec.SECP256R1())
    if ours:
        secret = (folder / "passphrase").read_bytes().strip()
        loaded = serialization.load_pem_private_key((folder / "issuing_persons.key.pem").read_bytes(), secret)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        issuer_key = loaded
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(model.subject)
        .issuer_name(model.issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension in model.extensions:
        if not isinstance(extension.value, x509.SubjectKeyIdentifier):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    signed = builder.sign(issuer_key, hashes.SHA384() if issuer_key.curve.key_size > 256 else hashes.SHA256())
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = key.private_bytes(serialization.Encoding.PEM, *form) + signed.public_bytes(serialization.Encoding.PEM)
    target.write_bytes(pem + chain)
    return target
