"""The bench's clients against a real TLS server."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.edge_bench.pki import Pki, make_pki
from perf.edge_bench.processes import descendants, free_ports, processor_s
from perf.edge_bench.wire import ClosedLoop, Handshakes, Loop, OpenLoop, client_context

_LONG_S = 90.0
_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("bench") / "pki")


class _Server:
    """Answers in two pieces; every third answer of a connection says that it was the last."""

    def __init__(self, pki: Pki) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pki.folder / "server.pem", pki.folder / "server.key")
        self._context.load_verify_locations(pki.folder / "ca.pem")
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            with self._context.wrap_socket(raw, server_side=True) as connection:
                for number in range(3):
                    if not connection.recv(4096).endswith(b"\r\n\r\n"):
                        return
                    closing = b"Connection: close\r\n" if number == 2 else b""
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-len")
                    connection.sendall(b"gth: 4\r\n" + closing + b"\r\nbody")
        except OSError:
            return


@pytest.fixture
def server(pki: Pki) -> Iterator[_Server]:
    server = _Server(pki)
    yield server
    server.close()


@pytest.fixture
def contexts(pki: Pki) -> list[ssl.SSLContext]:
    return [client_context(pki.folder / "ca.pem", pki.client(number)) for number in range(2)]


def test_a_closed_loop_goes_on_over_new_connections(server: _Server, contexts: list[ssl.SSLContext]) -> None:
    loop = Loop()
    load = ClosedLoop(loop, server.port, contexts, [_REQUEST], 2)
    loop.run(_LONG_S, until=lambda: load.count >= 9)
    loop.close()
    assert load.statuses.keys() == {200}
    assert load.failed == 0
    assert server.connections >= 3


def test_an_open_loop_notes_the_time_of_every_answer(server: _Server, contexts: list[ssl.SSLContext]) -> None:
    loop = Loop()
    load = OpenLoop(loop, server.port, contexts, [_REQUEST], 2)
    load.start(200.0)
    loop.run(_LONG_S, until=lambda: len(load.taken) >= 5)
    loop.close()
    assert load.failed == load.refused == 0
    assert all(taken >= 0 for taken in load.taken)


def test_sessions_of_full_handshakes_are_resumed(server: _Server, contexts: list[ssl.SSLContext]) -> None:
    loop = Loop()
    full = Handshakes(loop, server.port, [(context, None) for context in contexts], width=2)
    loop.run(_LONG_S, until=lambda: len(full.taken) == 2)
    full.going = False
    again = Handshakes(loop, server.port, full.taken, width=2)
    loop.run(_LONG_S, until=lambda: again.count >= 4)
    loop.close()
    assert full.reused == 0
    assert again.reused == again.count


def test_a_server_that_hangs_up_counts_as_failure(server: _Server, pki: Pki) -> None:
    loop = Loop()
    nobody = Handshakes(loop, server.port, [(client_context(pki.folder / "ca.pem", None), None)], width=1)
    loop.run(_LONG_S, until=lambda: nobody.failed >= 2)
    nobody.going = False
    loop.close()
    assert nobody.failed >= 2
    assert nobody.count == 0


def test_a_revocation_list_names_so_many(pki: Pki) -> None:
    path: Path = pki.write_revoked(3)
    assert path.read_bytes().startswith(b"-----BEGIN X509 CRL-----")


def test_our_own_processor_time_is_seen() -> None:
    own = threading.main_thread().native_id
    assert own is not None
    assert own in descendants(own)
    assert processor_s([own]) > 0


def test_free_ports_differ() -> None:
    assert len(set(free_ports(4))) == 4
