"""TLS of a real edge: key exchange, staple, names, protocols, ticket keys, renewed certificates, floods of handshakes."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import subprocess

import pytest
from cryptography import x509
from OpenSSL import SSL

from tests.support.edge_bench import EdgeBench, get, read_answer


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    bench = EdgeBench(directory, 'children = 1\nhost_names = ["localhost"]\nserver_staple = "server.ocsp"\n')
    (directory / "server.ocsp").write_bytes(bench.authority.ocsp_response(bench.server))
    try:
        yield bench.start()
    finally:
        stderr = bench.process.stderr
        bench.process.send_signal(signal.SIGTERM)
        assert stderr.read() == b"", "an edge prints no traceback, whatever a client does"
        assert bench.stop() == 0


@contextlib.contextmanager
def dial(bench, window="site", *, context=None, name=b"localhost", session=None, **options):
    """Connect with pyOpenSSL, which tells more than ``ssl``."""
    context = context or client_context(**options)
    with socket.create_connection(("127.0.0.1", bench.ports[window]), 10) as raw:
        raw.settimeout(None)
        connection = SSL.Connection(context, raw)
        if name is not None:
            connection.set_tlsext_host_name(name)
        if session is not None:
            connection.set_session(session)
        connection.set_connect_state()
        connection.do_handshake()
        yield connection


def client_context(*, tls12=False, alpn=(b"http/1.1",), least=None):
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_alpn_protos(list(alpn))
    if tls12:
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
    if least is not None:
        context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
        context.set_min_proto_version(least)
        context.set_max_proto_version(least)
    return context


def ask(connection, request) -> bytes:
    connection.sendall(request)
    data = b""
    with contextlib.suppress(SSL.ZeroReturnError, SSL.SysCallError):
        while b"</html>" not in data and b'"pid"' not in data:
            data += connection.recv(65_536)
    return data


def test_the_hybrid_key_exchange_is_taken_where_the_client_offers_it(bench):
    with dial(bench) as connection:
        assert connection.get_group_name() == "X25519MLKEM768"
    with contextlib.closing(bench.connect("site")) as connection:
        assert connection.version() == "TLSv1.3"
        connection.sendall(get("/"))
        assert read_answer(connection).status == 200, "a client without it is served all the same"


@pytest.mark.parametrize("version", [SSL.TLS1_VERSION, SSL.TLS1_1_VERSION])
def test_old_versions_are_refused(bench, version):
    with pytest.raises(SSL.Error), dial(bench, least=version):
        pass


@pytest.mark.parametrize("tls12", [False, True])
@pytest.mark.parametrize("window", ["site", "unit"])
def test_the_staple_is_passed_on_byte_for_byte(bench, window, tls12):
    got: list[bytes] = []
    context = client_context(tls12=tls12)

    def told(_connection, data, _extra):
        got.append(data)
        return True

    context.set_ocsp_client_callback(told)
    with socket.create_connection(("127.0.0.1", bench.ports[window]), 10) as raw:
        raw.settimeout(None)
        connection = SSL.Connection(context, raw)
        connection.set_tlsext_host_name(b"localhost")
        connection.request_ocsp()
        connection.set_connect_state()
        connection.do_handshake()
    assert got == [(bench.directory / "server.ocsp").read_bytes()]


def test_the_browser_is_told_to_offer_certificates_of_our_issuers_only(bench):
    with dial(bench, "unit") as connection:
        told = {name.get_components()[-1][1] for name in connection.get_client_ca_list()}
    ours = {c.subject.rfc4514_string().removeprefix("CN=").encode() for c in _issuers(bench)}
    assert told == ours
    assert ours


def _issuers(bench):
    return x509.load_pem_x509_certificates(bench.authority.issuers_pem)


def test_a_client_that_speaks_only_http2_goes_on_without_and_is_refused(bench):
    with dial(bench, alpn=[b"h2"]) as connection:
        assert connection.get_alpn_proto_negotiated() == b""
        answer = ask(connection, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 505 ")
    with dial(bench, alpn=[b"h2", b"http/1.1"]) as connection:
        assert connection.get_alpn_proto_negotiated() == b"http/1.1"


@pytest.mark.parametrize("name", [b"elsewhere.example", b"\xff\xfe\x01", b"localhost.elsewhere.example", b"x" * 255])
@pytest.mark.parametrize("tls12", [False, True])
def test_another_servers_name_is_answered_by_an_alert_and_nothing_is_printed(bench, name, tls12):
    with pytest.raises(SSL.Error, match="unrecognized name"), dial(bench, name=name, tls12=tls12):
        pass
    assert "Traceback" not in bench.log()


@pytest.mark.parametrize("name", [b"localhost", b"LocalHost", None])
def test_our_own_name_and_none_pass_and_another_host_is_misdirected(bench, name):
    with dial(bench, name=name) as connection:
        assert ask(connection, get("/", host="elsewhere.example")).startswith(b"HTTP/1.1 421 ")
    with dial(bench, name=name) as connection:
        assert ask(connection, get("/")).startswith(b"HTTP/1.1 200 ")


def test_renegotiation_is_refused(bench):
    with dial(bench, tls12=True) as connection:
        assert connection.renegotiate()
        with pytest.raises(SSL.Error, match="no renegotiation"):
            connection.do_handshake()


def test_tls12_can_be_switched_off(tmp_path):
    bench = EdgeBench(tmp_path, "children = 1\ntls12 = false")
    try:
        bench.start()
        with pytest.raises(ssl.SSLError):
            bench.connect("site", tls12=True)
        with contextlib.closing(bench.connect("site")) as connection:
            assert connection.version() == "TLSv1.3"
    finally:
        assert bench.stop() == 0


def _serial(bench):
    with contextlib.closing(bench.connect("site")) as connection:
        return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True)).serial_number


def test_a_renewed_certificate_is_served_after_a_hangup_and_a_bad_one_is_not_taken(tmp_path):
    bench = EdgeBench(tmp_path, "children = 2\ndrain_s = 1")
    try:
        bench.start()
        assert _serial(bench) == bench.server.certificate.serial_number
        renewed = bench.authority.server()
        (tmp_path / "server.pem").write_bytes(renewed.chain_pem)
        bench.process.send_signal(signal.SIGHUP)
        bench.wait_for(lambda: "edge_certificates_kept" in bench.log())
        assert _serial(bench) == bench.server.certificate.serial_number, "the key does not belong to it"
        (tmp_path / "server.key").write_bytes(renewed.key_pem)
        bench.process.send_signal(signal.SIGHUP)
        bench.wait_for(lambda: _serial(bench) == renewed.certificate.serial_number)
        bench.wait_for(lambda: bench.log().count("edge_child_drained") == 2)
        assert {_serial(bench) for _ in range(8)} == {renewed.certificate.serial_number}
    finally:
        assert bench.stop() == 0


def test_ticket_keys_change_with_time_and_an_old_ticket_leads_to_a_full_handshake(tmp_path):
    bench = EdgeBench(tmp_path, "children = 2\nticket_keys_s = 10\ndrain_s = 1")
    client = bench.authority.client()
    context = bench.context(client)

    def visit(session=None):
        with contextlib.closing(bench.connect("unit", context=context, session=session)) as connection:
            connection.sendall(get("/"))
            assert read_answer(connection).status == 200
            return connection.session_reused, connection.session

    try:
        bench.start()
        _, session = visit()
        # At once; but the keys may change in between.
        bench.wait_for(lambda: visit(session)[0] or "edge_certificates_renewed" in bench.log())
        bench.wait_for(lambda: "edge_certificates_renewed" in bench.log())
        bench.wait_for(lambda: not visit(session)[0])

        def new_keys_are_shared() -> bool:
            """Two generations may serve side by side for a moment."""
            fresh = visit()[1]
            return all(visit(fresh)[0] for _ in range(6))

        bench.wait_for(new_keys_are_shared)
    finally:
        assert bench.stop() == 0


def test_silent_connections_keep_nobody_out(tmp_path):
    bench = EdgeBench(tmp_path, "children = 1\naddress_handshakes = 3\nhandshakes = 5\nhead_s = 60")
    try:
        bench.start()
        silent = [bench.plain("site") for _ in range(3)]
        for number, one in enumerate(silent):
            with contextlib.closing(bench.connect("site")) as connection:
                connection.sendall(get("/"))
                assert read_answer(connection).status == 200
            if number == 0:
                one.settimeout(30)
                with contextlib.suppress(ConnectionResetError):
                    assert one.recv(1) == b"", "who has waited longest has made room"
                one.close()
        for later in silent[1:]:
            later.setblocking(False)
            with pytest.raises(BlockingIOError):
                later.recv(1)
            later.close()
        assert "handshakes_dropped" in bench.log()
    finally:
        assert bench.stop() == 0


def _is_refused(bench) -> bool:
    try:
        bench.connect("site").close()
    except (ConnectionError, ssl.SSLError):
        return True
    return False


def test_many_interrupted_handshakes_leave_nothing_behind(bench):
    for first in (b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x80" * 300):
        for _ in range(25):
            with contextlib.closing(bench.plain("unit")) as connection, contextlib.suppress(ConnectionError):
                connection.sendall(first)
    bench.wait_for(lambda: not _is_refused(bench))


def test_a_key_update_in_the_middle_of_a_connection(bench):
    """``openssl s_client``: K asks for new keys of both directions."""

    target = f"127.0.0.1:{bench.ports['site']}"
    command = ["openssl", "s_client", "-connect", target, "-servername", "localhost", "-tls1_3", "-crlf"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        data = b""

        def until(word: bytes) -> None:
            nonlocal data
            while word not in data:
                part = client.stdout.read1(65_536)
                assert part, data
                data += part

        def say(text: bytes) -> None:
            client.stdin.write(text)
            client.stdin.flush()

        until(b"SSL handshake has read")
        say(b"K\n")
        until(b"KEYUPDATE")
        say(b"GET / HTTP/1.1\nHost: localhost\nConnection: close\n\n")
        until(b'"pid"')
        client.terminate()
    assert b"HTTP/1.1 200" in data


@pytest.mark.parametrize("tls12", [False, True])
def test_a_client_that_ends_its_side_still_gets_its_answer(bench, tls12):
    with dial(bench, tls12=tls12) as connection:
        connection.sendall(get("/slow"))
        connection.shutdown()
        assert _rest(connection).startswith(b"HTTP/1.1 200 ")


def _rest(connection) -> bytes:
    data = b""
    with contextlib.suppress(SSL.ZeroReturnError):
        while True:
            data += connection.recv(65_536)
    return data
