"""The master's sockets and TLS contexts, made once before it forks.

Source: edge research, section 1 (rolling restart: one inherited listener lost nothing; SO_REUSEPORT did).
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from OpenSSL import SSL

from dmz.edge.settings import EdgeSettings
from dmz.edge.staple import Staple
from dmz.edge.tls_context import ServerCredentials, load_certificates, site_context, window_context
from wire_formats.settings_reader import SettingsError

WINDOWS: Final = ("unit", "community", "person")
_BACKLOG: Final = 1_024


@dataclass(frozen=True, slots=True)
class Contexts:
    """The TLS contexts by entrance ("plain" has none), the CAs of client certificates, and the server's staple."""

    by_entrance: dict[str, SSL.Context]
    client_issuers: tuple[x509.Certificate, ...]
    staple: Staple


def bind_listeners(settings: EdgeSettings) -> dict[str, socket.socket]:
    """Bind and listen on every entrance's port.

    Raises:
        SettingsError: one line that names the port and what to do; nothing stays bound.
    """
    bound: dict[str, socket.socket] = {}
    for entrance, port in settings.ports().items():
        try:
            bound[entrance] = _listen(settings.listen, port)
        except OSError as error:
            for listener in bound.values():
                listener.close()
            raise SettingsError(_what_to_do(settings.listen, port, entrance, error)) from None
    return bound


def load_contexts(settings: EdgeSettings) -> Contexts:
    """Read keys and certificates and make the contexts.

    Raises:
        SettingsError: a file is missing, not readable, or does not fit.
    """
    credentials = ServerCredentials(_read(settings.server_key), _read(settings.server_chain))
    issuers = tuple(load_certificates(_read(settings.client_issuers), str(settings.client_issuers)))
    policy = settings.tls_policy()
    chain = tuple(load_certificates(credentials.chain_pem, str(settings.server_chain)))
    staple = Staple(settings.server_staple, chain)
    contexts = {window: window_context(window, credentials, issuers, policy, staple) for window in WINDOWS}
    contexts["site"] = site_context(credentials, policy, staple)
    return Contexts(contexts, issuers, staple)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _what_to_do(address: str, port: int, entrance: str, error: OSError) -> str:
    place = f"{address} port {port} ({entrance})"
    if error.errno == errno.EADDRINUSE:
        return f"cannot listen on {place}: another process has it; stop that one or set another {entrance}_port"
    if error.errno == errno.EACCES:
        return f"cannot listen on {place}: not permitted; take a port above 1023 or give CAP_NET_BIND_SERVICE"
    return f"cannot listen on {place}: {error.strerror}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot read: {error.strerror}") from None
