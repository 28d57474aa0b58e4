"""The master's sockets and TLS contexts, made once before it forks.

Source: edge research, section 1 (rolling restart: one inherited listener lost nothing; SO_REUSEPORT did).
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from cryptography import x509
from OpenSSL import SSL

from dmz.edge.settings import EdgeSettings
from dmz.edge.tls_context import ServerCredentials, load_certificates, site_context, window_context
from wire_formats.settings_reader import SettingsError

WINDOWS: Final = ("unit", "community", "person")
_BACKLOG: Final = 1_024


@dataclass(frozen=True, slots=True)
class Contexts:
    """The TLS contexts by entrance ("plain" has none), and the CAs of client certificates."""

    by_entrance: dict[str, SSL.Context]
    client_issuers: tuple[x509.Certificate, ...]


class Succession(Protocol):
    """How an edge's listening sockets pass to the next master."""

    def take(self) -> Mapping[str, socket.socket]:
        """Give the sockets of the older master, which serves on, by entrance; empty when there is none."""

    def offer(self, sockets: Mapping[str, socket.socket]) -> None:
        """Say what the next master gets."""

    def look(self) -> bool:
        """Answer a master that asks; never waits."""

    def succeeded(self) -> bool:
        """Whether the next master serves, so that this one may leave without haste."""


def bind_listeners(settings: EdgeSettings, taken: Mapping[str, socket.socket]) -> dict[str, socket.socket]:
    """Listen on every entrance's port: on the older master's socket where its address is still wanted, else bind.

    Args:
        settings: of the edge.
        taken: listening sockets taken over, by entrance.

    Raises:
        SettingsError: one line that names the port and what to do; nothing stays bound.
    """
    listeners: dict[str, socket.socket] = {}
    try:
        for entrance, port in settings.ports().items():
            if entrance in taken and _fits(taken[entrance], settings.listen, port):
                listeners[entrance] = taken[entrance]
                continue
            try:
                listeners[entrance] = _listen(settings.listen, port)
            except OSError as error:
                raise SettingsError(_what_to_do(settings.listen, port, entrance, error)) from None
    except SettingsError:
        for listener in (*listeners.values(), *taken.values()):
            listener.close()
        raise
    for entrance, listener in taken.items():
        if listeners.get(entrance) is not listener:
            listener.close()
    return listeners


def _fits(listener: socket.socket, address: str, port: int) -> bool:
    """Whether a socket listens where the settings want it; port 0 is any."""
    bound = listener.getsockname()
    return bound[0] == address and port in (0, bound[1])


def load_contexts(settings: EdgeSettings) -> Contexts:
    """Read keys and certificates and make the contexts.

    Raises:
        SettingsError: a file is missing, not readable, or does not fit.
    """
    credentials = ServerCredentials(_read(settings.server_key), _read(settings.server_chain))
    issuers = tuple(load_certificates(_read(settings.client_issuers), str(settings.client_issuers)))
    policy = settings.tls_policy()
    contexts = {window: window_context(window, credentials, issuers, policy) for window in WINDOWS}
    contexts["site"] = site_context(credentials, policy)
    return Contexts(contexts, issuers)


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
