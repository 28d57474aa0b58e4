"""At start: does the direct way to OpenSSL do here what pyOpenSSL's public names do?

Both are driven through the same real handshake, echo, end and nonsense over a socket pair; see ``tls_engine``.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

from OpenSSL import SSL

from dmz.edge.tls_engine import RECORD_BYTES, DirectSession, PublicSession, SessionMaker, Stop, TlsSession

_ECHO_BYTES: Final = 40_000
_STEPS: Final = 10_000


def choose_session(context: SSL.Context) -> SessionMaker:
    """Give the direct session if it does on this machine what the public names do, else the public one.

    Args:
        context: of a port that does without a client certificate; it counts as used afterwards.
    """
    try:
        fit = _judge(DirectSession, context) == _judge(PublicSession, context)
    except Exception:  # noqa: BLE001 - whatever goes wrong with another version's private names, the public ones remain
        fit = False
    return DirectSession if fit else PublicSession


def _judge(maker: SessionMaker, context: SSL.Context) -> tuple[object, ...]:
    # Nonsense first: an error that stays behind would spoil the conversation after it.
    return (_talk_nonsense(maker, context), _talk(maker, context))


def _talk(maker: SessionMaker, context: SSL.Context) -> tuple[Stop | str | None, ...]:
    """Shake hands, send an echo through both ways, say goodbye; tells what happened.

    Raises:
        RuntimeError: it does not come to an end, or bytes come back otherwise than they went.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        server, client = maker(context, ours), SSL.Connection(_client_context(), theirs)
        client.set_connect_state()
        first = server.read()  # the handshake has not begun: nothing to read, and no harm
        _until(lambda: server.handshake() is None, lambda: _quietly(client.do_handshake))
        sent = bytes(range(256)) * (_ECHO_BYTES // 256)
        came = _exchange(server, client, sent)
        if came != sent:
            raise RuntimeError("an echo came back changed")
        idle = server.read()
        _quietly(client.shutdown)
        ended = server.read()
        goodbye = server.say_goodbye()
        theirs.close()
        after = server.read()
        return (_word(first), _word(idle), _word(ended), goodbye, _word(after))


def _talk_nonsense(maker: SessionMaker, context: SSL.Context) -> Stop | None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.send(b"GET / HTTP/1.1\r\n\r\n")
        return maker(context, ours).handshake()


def _exchange(server: TlsSession, client: SSL.Connection, sent: bytes) -> bytes:
    """Send bytes from the client, send back what the server reads, give what the client gets."""
    to_server, to_client, came = bytearray(sent), bytearray(), bytearray()
    for _ in range(_STEPS):
        if to_server:
            del to_server[: _quietly(lambda: client.send(bytes(to_server))) or 0]
        data = server.read()
        if isinstance(data, bytes):
            to_client += data
        if to_client:
            count = server.write(bytes(to_client))
            del to_client[: count if isinstance(count, int) else 0]
        came += _quietly(lambda: client.recv(RECORD_BYTES)) or b""
        if len(came) >= len(sent):
            return bytes(came)
    raise RuntimeError("an echo does not come to an end")


def _until(done: Callable[[], bool], meanwhile: Callable[[], object]) -> None:
    for _ in range(_STEPS):
        meanwhile()
        if done():
            meanwhile()
            return
    raise RuntimeError("a handshake does not come to an end")


def _quietly(step: Callable[[], Any]) -> Any:
    try:
        return step()
    except (SSL.WantReadError, SSL.WantWriteError):
        return None


def _word(result: bytes | Stop) -> Stop | str:
    return result if isinstance(result, Stop) else "bytes"


def _client_context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    return context
