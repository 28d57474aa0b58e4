"""The transport: nothing lost, nothing reordered, every end handled; on both ways to OpenSSL, and in clear."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import socket
import struct
import termios
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from dmz.edge.socket_wire import PIECES_A_TURN, READS_A_TURN
from dmz.edge.tls_engine import RECORD_BYTES, DirectSession, PublicSession
from tests.support.tls_pair import Pair

WAYS: dict[str, dict[str, Any]] = {
    "direct": {"engine": DirectSession},
    "public": {"engine": PublicSession},
    "tls12": {"engine": DirectSession, "tls12": True},
    "plain": {"secure": False},
}


@pytest.fixture(params=WAYS)
def pair(request):
    with contextlib.closing(Pair(**WAYS[request.param])) as pair:
        yield pair


@pytest.fixture(params=["direct", "public"])
def secure(request):
    with contextlib.closing(Pair(**WAYS[request.param])) as pair:
        yield pair


def _pattern(size: int, seed: int) -> bytes:
    return bytes((seed + i * 31 + (i >> 8)) & 0xFF for i in range(min(size, 65_536))) * (size // 65_536 + 1)


def _collect(pair: Pair, size: int) -> bytes:
    got = bytearray()

    def enough() -> bool:
        part = pair.take()
        if part:
            assert isinstance(part, bytes)
            got.extend(part)
        return len(got) >= size

    pair.until(enough)
    return bytes(got)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 70_000), min_size=1, max_size=12),
    takes=st.lists(st.integers(1, 40_000), min_size=1, max_size=8),
    most=st.sampled_from([1, 7, 1_000, 16_383, 16_384]),
    buffer=st.sampled_from([0, 4_608, 30_000]),
    way=st.sampled_from(sorted(WAYS)),
    turns=st.lists(st.integers(0, 3), min_size=1, max_size=5),
)
def test_an_echo_is_whole_and_in_order_whatever_the_splits(sizes, takes, most, buffer, way, turns):
    most = most if sum(sizes) < 100_000 else 16_384
    with contextlib.closing(Pair(**WAYS[way], most=most, buffer=buffer, echo=True)) as pair:
        waiting = [_pattern(size, seed)[:size] for seed, size in enumerate(sizes)]
        sent, got = b"".join(waiting), bytearray()
        step = 0

        def done() -> bool:
            nonlocal step
            if waiting:
                went = pair.send(waiting[0])
                waiting[0] = waiting[0][went:]
                if not waiting[0]:
                    del waiting[0]
            part = pair.take(takes[step % len(takes)])
            if part:
                got.extend(part)
            pair.turn(turns[step % len(turns)])
            step += 1
            return len(got) >= len(sent)

        pair.until(done, 60)
        assert bytes(got) == sent
        assert bytes(pair.user.data) == sent
        assert pair.user.largest <= (16_384 if way == "plain" else most)


def test_a_large_answer_waits_for_a_slow_reader_and_says_when_it_has_gone(pair):
    answer = _pattern(3_000_000, 3)[:3_000_000]
    pair.wire.write([answer[:10], answer[10:]])
    pair.turn(50)
    assert pair.wire.congested
    assert pair.user.events == []
    pair.wire.write([b"after"])
    got = _collect(pair, 3_000_005)
    assert got == answer + b"after"
    pair.until(lambda: pair.user.events == ["drained"])
    assert not pair.wire.congested


def test_what_fits_goes_at_once_without_a_word(pair):
    pair.wire.write([b"head", b"", b"body"])
    pair.wire.write([])
    pair.wire.write([b""])
    assert not pair.wire.congested
    assert _collect(pair, 8) == b"headbody"
    assert pair.reactor.getWriters() == []
    pair.turn(3)
    assert pair.user.events == []


def test_one_turn_reads_and_writes_no_more_than_its_share(pair):
    for _ in range(40):
        pair.send(b"x" * 16_384)
    while len(pair.user.data) == 0:
        pair.turn()
    assert len(pair.user.data) <= READS_A_TURN * RECORD_BYTES
    pair.wire.write([b"y" * 1_000_000])
    pair.wire.write([b"z" * 1_000_000])
    came = 0
    while part := pair.take():
        came += len(part)
    assert came <= PIECES_A_TURN * RECORD_BYTES


def test_paused_bytes_wait_and_then_come(pair):
    pair.wire.pause()
    pair.send(b"later")
    pair.turn(5)
    assert pair.user.data == b""
    pair.wire.pause()
    pair.wire.resume()
    pair.wire.resume()
    pair.until(lambda: pair.user.data == b"later")


def test_a_pause_in_mid_record_keeps_what_openssl_has_decrypted():
    with contextlib.closing(Pair(most=100)) as pair:
        real = pair.user.take

        def received(data):
            real(data)
            pair.wire.pause()

        pair.user.received = received
        pair.send(b"r" * 1_000)
        for part in range(1, 11):
            pair.until(lambda part=part: len(pair.user.data) == 100 * part)
            pair.turn(5)
            assert len(pair.user.data) == 100 * part
            pair.wire.resume()


def test_close_flushes_then_says_goodbye_and_waits_for_the_peer(pair):
    answer = _pattern(900_000, 9)[:900_000]
    pair.wire.write([answer])
    pair.wire.close()
    pair.wire.close()
    pair.wire.write([b"never sent"])
    assert _collect(pair, 900_000) == answer
    pair.until(lambda: pair.take() == b"")
    pair.turn(5)
    assert pair.user.events == [], "the peer has not gone yet"
    pair.peer.close()
    pair.until(lambda: pair.user.events == ["lost"])


def test_tls_close_notify_comes_before_the_end(secure):
    secure.wire.close()
    with pytest.raises(SSL.ZeroReturnError):
        secure.client.recv(1)
    assert secure.client.get_shutdown() & SSL.RECEIVED_SHUTDOWN


def test_after_our_end_what_still_comes_is_thrown_away_up_to_a_bound(pair):
    pair.wire.close()
    sent = 0
    while "lost" not in pair.user.events:
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            sent += pair.peer.send(b"n" * 65_536)
        pair.turn()
        assert sent < 8_000_000
    assert sent > 1_000_000
    assert pair.user.data == b""


def test_abort_is_at_once(pair):
    pair.wire.write([b"x" * 3_000_000])
    pair.wire.abort()
    pair.wire.abort()
    assert pair.wire.fileno() == -1
    assert pair.user.events == [], "never inside a call"
    pair.turn(2)
    assert pair.user.events == ["lost"]
    assert pair.wire not in pair.reactor.getReaders() + pair.reactor.getWriters()
    pair.wire.write([b"late"])
    pair.wire.pause()
    pair.wire.resume()
    pair.wire.close()
    pair.turn(2)
    assert pair.user.events == ["lost"]


def test_half_close_ends_the_input_and_the_answer_still_goes(pair):
    pair.send(b"question")
    if isinstance(pair.client, SSL.Connection):
        pair.client.shutdown()
    else:
        pair.peer.shutdown(socket.SHUT_WR)
    pair.until(lambda: pair.user.events == ["ended"])
    assert pair.user.data == b"question"
    pair.turn(5)
    pair.wire.write([b"answer"])
    assert _collect(pair, 6) == b"answer"
    pair.wire.close()
    pair.until(lambda: pair.take() == b"")
    pair.peer.close()
    pair.until(lambda: pair.user.events == ["ended", "lost"])


def test_a_client_that_says_goodbye_and_goes_is_lost_at_once(secure):
    secure.client.shutdown()
    secure.peer.close()
    secure.until(lambda: secure.user.events == ["lost"])


def test_a_client_that_goes_while_its_answer_is_made_is_lost(secure):
    secure.client.shutdown()
    secure.until(lambda: secure.user.events == ["ended"])
    secure.peer.close()
    secure.until(lambda: secure.user.events == ["ended", "lost"])


def test_an_end_of_file_without_goodbye_is_no_end_but_a_loss(secure):
    secure.peer.shutdown(socket.SHUT_WR)
    secure.until(lambda: secure.user.events == ["lost"])


@pytest.mark.parametrize("wrong", [b"\x17\x03\x03\x00\x20" + b"\x00" * 32, b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64])
def test_a_record_that_does_not_decrypt_ends_the_connection_and_no_other(wrong):
    with contextlib.closing(Pair()) as bad, contextlib.closing(Pair()) as good:
        bad.peer.send(wrong)
        bad.until(lambda: bad.user.events == ["lost"])
        good.send(b"well")
        good.until(lambda: good.user.data == b"well")
        good.wire.write([b"and"])
        assert _collect(good, 3) == b"and"


def test_a_reset_is_a_loss():
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
        ours.setblocking(False)
        with contextlib.closing(Pair(secure=False)) as pair:
            user = type(pair.user)()
            wire = type(pair.wire)(pair.reactor, ours, user)
            wire.start()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wire.write([b"x" * 4_000_000])
            peer.close()
            pair.until(lambda: user.events == ["lost"])


def test_an_abort_resets_tcp():
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
        ours.setblocking(False)
        with contextlib.closing(Pair(secure=False)) as pair, peer:
            wire = type(pair.wire)(pair.reactor, ours, type(pair.user)())
            wire.start()
            wire.abort()
            with pytest.raises(ConnectionResetError):
                peer.recv(1)


def test_renegotiation_is_refused_and_the_connection_serves_on():
    with contextlib.closing(Pair(tls12=True)) as pair:
        assert pair.client.renegotiate()
        with contextlib.suppress(SSL.WantReadError):
            pair.client.do_handshake()
        pair.turn(5)
        with pytest.raises(SSL.Error, match="no renegotiation"):
            pair.client.do_handshake()
        assert pair.user.events == []


class Traffic:
    """A client's own records after its handshake (RFC 8446 sections 5.2, 7.2, 7.3; AES-256 and SHA-384)."""

    def __init__(self, secret: bytes):
        self._secret = secret
        self._number = 0

    def record(self, kind: int, data: bytes) -> bytes:
        inner = data + bytes([kind])
        head = struct.pack(">BHH", 23, 0x0303, len(inner) + 16)
        nonce = (int.from_bytes(self._expand(b"iv", 12)) ^ self._number).to_bytes(12)
        self._number += 1
        return head + AESGCM(self._expand(b"key", 32)).encrypt(nonce, inner, head)

    def key_update(self) -> bytes:
        record = self.record(22, b"\x18\x00\x00\x01\x00")
        self._secret, self._number = self._expand(b"traffic upd", 48), 0
        return record

    def _expand(self, label: bytes, size: int) -> bytes:
        info = struct.pack(">HB", size, 6 + len(label)) + b"tls13 " + label + b"\x00\x01"
        return hmac.digest(self._secret, info, hashlib.sha384)[:size]


def test_a_flood_of_key_updates_takes_no_more_than_its_turn(secure):
    pair = secure
    assert isinstance(pair.client, SSL.Connection)
    assert pair.client.get_cipher_name() == "TLS_AES_256_GCM_SHA384"
    pair.turn(3)
    line = next(line for line in pair.keys if line.startswith(b"CLIENT_TRAFFIC_SECRET_0"))
    client = Traffic(bytes.fromhex(line.split()[2].decode()))
    updates = [client.key_update() for _ in range(300)]
    pair.peer.sendall(b"".join(updates) + client.record(23, b"at last"))
    waiting = _waiting(pair.wire)
    pair.turn()
    assert 0 < waiting - _waiting(pair.wire) <= READS_A_TURN * len(updates[0])
    pair.until(lambda: pair.user.data == b"at last")


def _waiting(descriptor) -> int:
    """Bytes that wait in a socket."""
    return int.from_bytes(fcntl.ioctl(descriptor.fileno(), termios.FIONREAD, b"\0" * 4), "little")
