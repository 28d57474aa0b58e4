"""A real edge: master, two forked children, real TLS, real client certificates."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import hashlib
import os
import signal
import ssl
import time

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.edge_bench import WAIT_S, children_of, get, is_alive, post, read_answer
from tests.support.test_ca import DAY, HallAuthority

SETTINGS = "children = 2\nhead_s = 1\nidle_s = 4\nbody_bytes_per_s = 200000\nwork_s = 5\ndrain_s = 10\n"


def test_a_request_reaches_the_pipeline_with_its_identity(bench, client):
    cookies = 'Cookie: __Host-fg-unit=1; other={"a":1}; lang=en'
    answer = bench.ask("unit", client, get("/a%20b?x=1&y=%E4%BD%A0", cookies, "X-Client-Cert: forged"))
    assert answer.status == 200
    assert answer.told["path"] == "/a b"
    assert answer.told["query"] == [["x", "1"], ["y", "你"]]
    assert answer.told["account"] == "U0001"
    assert answer.told["cookies"] == [["__Host-fg-unit", "1"], ["lang", "en"]]
    assert answer.told["headers"] == {"host": "localhost"}


def test_security_headers_are_on_every_answer(bench, client):
    for path in ("/ok", "/refuse", "/boom", "/a//b"):
        headers = bench.ask("unit", client, get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"].startswith("max-age=")
        assert headers["cache-control"] == "no-store"


def test_tls_offers_http_1_1_only_and_modern_suites(bench, client):
    with contextlib.closing(bench.connect("unit", client)) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
        assert connection.version() == "TLSv1.3"
    with contextlib.closing(bench.connect("unit", client, tls12=True)) as connection:
        connection.sendall(get("/"))
        assert read_answer(connection).status == 200
        assert "ECDHE" in connection.cipher()[0]
    weak = bench.context(client, tls12=True)
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA:AES128-SHA:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        bench.connect("unit", client, context=weak)


def test_refusals_have_a_page_in_the_callers_language(bench, client):
    answer = bench.ask("unit", client, get("/refuse", "Accept-Language: en-GB,en;q=0.9"))
    assert answer.status == 403
    assert b'lang="en"' in answer.body
    assert b"FG-2007" in answer.body
    assert b"private words" not in answer.body
    answer = bench.ask("unit", client, get("/refuse"))
    assert b'lang="zh-CN"' in answer.body


def test_a_bug_behind_the_edge_is_a_500_and_the_connection_stays(bench, client):
    with contextlib.closing(bench.connect("unit", client)) as connection:
        connection.sendall(get("/boom"))
        answer = read_answer(connection)
        assert answer.status == 500
        assert b"ZeroDivision" not in answer.body
        connection.sendall(get("/ok"))
        assert read_answer(connection).status == 200


def test_a_worker_cannot_split_a_response(bench, client):
    answer = bench.ask("unit", client, get("/split"))
    assert answer.status == 500
    assert b"Injected" not in answer.head


def test_no_certificate_gets_a_page_that_says_what_to_do(bench):
    answer = bench.ask("unit", None, get("/", "Accept-Language: en"))
    assert answer.status == 403
    assert b"FG-2008" in answer.body


def test_wrong_window(bench):
    answer = bench.ask("unit", bench.authority.client("person", "P1"), get("/"))
    assert (answer.status, b"FG-2011" in answer.body) == (403, True)


@pytest.mark.parametrize("fault", ["foreign", "forged", "self_signed", "expired", "not_yet", "server_purpose"])
def test_certificates_that_do_not_verify_end_the_handshake(bench, fault):
    credentials = {
        "foreign": lambda: HallAuthority("other").client(),
        "forged": lambda: HallAuthority().client(),  # our CA's name, another key
        "self_signed": lambda: HallAuthority().itself(),
        "expired": lambda: bench.authority.client(start=-3 * DAY, end=-DAY),
        "not_yet": lambda: bench.authority.client(start=DAY, end=2 * DAY),
        "server_purpose": lambda: bench.authority.client(purpose=ExtendedKeyUsageOID.SERVER_AUTH),
    }[fault]()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        bench.ask("unit", credentials, get("/"))


@pytest.mark.parametrize("fault", ["no_purpose", "strange_name"])
def test_certificates_that_verify_but_are_not_accounts_are_refused(bench, fault):
    credentials = (
        bench.authority.client(purpose=None)
        if fault == "no_purpose"
        else bench.authority.client(uri="urn:ferrygate:machine:worker:w1")
    )
    assert bench.ask("unit", credentials, get("/")).status == 403


def _resume(bench, context, session):
    with contextlib.closing(bench.connect("unit", context=context, session=session)) as connection:
        reused = connection.session_reused
        connection.sendall(get("/"))
        return reused, read_answer(connection)


def _session(bench, context):
    with contextlib.closing(bench.connect("unit", context=context)) as connection:
        connection.sendall(get("/"))
        answer = read_answer(connection)
        assert answer.status == 200
        return connection.session, answer.told["pid"]


def test_two_children_share_tickets(bench, client):
    context = bench.context(client)
    session, pid = _session(bench, context)

    def another_answers() -> bool:
        """Which child takes a connection is the system's choice."""
        reused, answer = _resume(bench, context, session)
        assert reused
        assert answer.told["resumed"]
        assert answer.told["account"] == "U0001"
        return bool(answer.told["pid"] != pid)

    bench.wait_for(another_answers)


def test_a_session_does_not_resume_at_another_window(bench):
    client = bench.authority.client("unit", "U77")
    context = bench.context(client)
    session, _ = _session(bench, context)
    with contextlib.closing(bench.connect("person", context=context, session=session)) as connection:
        assert not connection.session_reused
        connection.sendall(get("/"))
        assert read_answer(connection).status == 403


def test_revocation_cuts_live_connections_and_reaches_resumed_sessions(bench):
    revoked = bench.authority.client("unit", "U666")
    context = bench.context(revoked)
    session, _ = _session(bench, context)
    live = [bench.connect("unit", context=context) for _ in range(4)]
    for connection in live:
        connection.sendall(get("/"))
        assert read_answer(connection).status == 200
    read = bench.log().count("deny_list_grew")
    bench.deny(revoked.certificate.serial_number)
    for connection in live:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert connection.recv(1) == b""
        connection.close()
    # A child that held none of them reads the same notice, in its own time.
    bench.wait_for(lambda: bench.log().count("deny_list_grew") >= read + 2)
    for _ in range(6):
        reused, answer = _resume(bench, context, session)
        assert reused
        assert (answer.status, b"FG-2009" in answer.body) == (403, True)
    assert bench.ask("unit", revoked, get("/")).status == 403


def test_a_certificate_that_expires_in_a_resumed_session_is_refused(bench):
    now = datetime.datetime.now(datetime.UTC)
    brief = bench.authority.client("unit", "U9", end=now - bench.authority.now + datetime.timedelta(seconds=6))
    context = bench.context(brief)
    session, _ = _session(bench, context)
    time.sleep(7.0)
    reused, answer = _resume(bench, context, session)
    assert reused
    assert (answer.status, b"FG-2010" in answer.body) == (403, True)


def test_host_must_be_the_name_of_the_session(bench, client):
    assert bench.ask("unit", client, get("/", host="other.example")).status == 421


def test_forms_and_uploads(bench, client):
    data = os.urandom(2_000_000)
    parts = (
        b'--b0\r\nContent-Disposition: form-data; name="remark"\r\n\r\n' + "说明".encode() + b"\r\n"
        b'--b0\r\nContent-Disposition: form-data; name="sheet"; filename="\xe5\xb7\xa5.xlsx"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n--b0--\r\n"
    )
    answer = bench.ask("unit", client, post("/upload", parts, "multipart/form-data; boundary=b0"))
    digest = hashlib.sha256(data).hexdigest()
    assert answer.told["form"] == [["remark", "说明"]]
    assert answer.told["uploads"] == [["sheet", "工.xlsx", "application/octet-stream", len(data), digest]]


def test_chunked_expect_continue_and_pipelining(bench, client):
    with contextlib.closing(bench.connect("unit", client)) as connection:
        head = "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"3\r\na=1\r\n4\r\n&b=2\r\n0\r\n\r\n")
        assert read_answer(connection).told["form"] == [["a", "1"], ["b", "2"]]
        connection.sendall(get("/1") + post("/2", b"n=2") + get("/slow"))
        data = b""
        while data.count(b"request_id") < 3:
            part = connection.recv(65_536)
            assert part
            data += part
        assert data.index(b'"/1"') < data.index(b'"/2"') < data.index(b'"/slow"')


def test_oversize_bodies_are_refused_before_they_are_read(bench, client):
    for content_type, length in (
        ("application/x-www-form-urlencoded", 70_000),
        ("multipart/form-data; boundary=b", 14_000_000),
    ):
        request = (
            f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
        )
        answer = bench.ask("unit", client, request.encode())
        assert answer.status == 413
        assert answer.headers["connection"] == "close"


def test_header_flood_and_slow_head(bench, client):
    flood = get("/", *[f"X-{i}: {i}" for i in range(65)])
    assert bench.ask("unit", client, flood).status == 431
    assert bench.ask("unit", client, get("/", "X: " + "a" * 17_000)).status == 431
    assert bench.ask("unit", client, get("/" + "a" * 9_000)).status == 414
    with contextlib.closing(bench.connect("unit", client)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost")
        answer = read_answer(connection)
        assert answer.status == 408


def test_slow_body_and_slow_pipeline(bench, client):
    with contextlib.closing(bench.connect("unit", client)) as connection:
        connection.sendall(get("/never"))
        assert read_answer(connection).status == 504
    with contextlib.closing(bench.connect("unit", client)) as connection:
        connection.sendall(post("/x", b"a" * 60_000)[:-1])
        answer = read_answer(connection)
        assert answer.status == 408


def test_large_answers_arrive_whole_at_a_slow_reader(bench, client):
    with contextlib.closing(bench.connect("unit", client)) as connection:
        connection.sendall(get("/big") + get("/after"))
        time.sleep(0.5)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1_000)
        body = head.partition(b"\r\n\r\n")[2]
        while len(body) < 3_000_000:
            body += connection.recv(65_536)
        assert body[:3_000_000] == b"x" * 3_000_000
        rest = body[3_000_000:]
        while b'"/after"' not in rest:
            rest += connection.recv(65_536)


def test_head_answers_carry_the_length_and_no_body(bench, client):
    with contextlib.closing(bench.connect("unit", client)) as connection:
        connection.sendall(get("/big").replace(b"GET", b"HEAD", 1))
        answer = read_answer(connection, head_only=True)
        assert (answer.headers["content-length"], answer.body) == ("3000000", b"")


def test_plain_http_only_redirects_and_tells_health(bench):
    with contextlib.closing(bench.plain()) as connection:
        connection.sendall(get("/x%20y?secret=1") + get("/healthz"))
        answer = read_answer(connection)
        assert answer.status == 308
        assert answer.headers["location"] == f"https://localhost:{bench.ports['site']}/x%20y"
        assert "strict-transport-security" not in answer.headers


def test_plain_http_at_a_tls_port_is_closed(bench):
    with contextlib.closing(bench.plain("unit")) as connection:
        connection.sendall(get("/"))
        with contextlib.suppress(ConnectionError):
            while connection.recv(1000):
                pass


def test_the_access_log_holds_no_query_and_no_names(bench, client):
    bench.ask("unit", client, get("/find?name=WangXiaoming"))
    assert "WangXiaoming" not in bench.log()
    assert "request_answered" in bench.log()


def test_a_dead_child_is_replaced_and_the_other_serves_on(bench, client):
    before = children_of(bench.process.pid)
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    bench.wait_for(lambda: not is_alive(before[0]))
    for _ in range(5):
        assert bench.ask("unit", client, get("/")).status == 200
    bench.wait_for(lambda: before[0] not in (now := children_of(bench.process.pid)) and len(now) == 2)


def test_hangup_renews_certificates_without_losing_requests(bench, client):
    before = set(children_of(bench.process.pid))
    served, reached = bench.log().count("edge_serving"), len(bench.events("worker_reached"))
    lost, asked = [], 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bench.ask, "unit", client, get("/slow"))
        bench.wait_for(lambda: "/slow" in [event["path"] for event in bench.events("worker_reached")[reached:]])
        bench.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + WAIT_S
        while bench.log().count("edge_serving") < served + 2:
            assert time.monotonic() < end
            asked += 1
            try:
                assert bench.ask("unit", client, get("/")).status == 200
            except (OSError, ssl.SSLError) as error:
                lost.append(error)
        assert waiting.result(WAIT_S).status == 200
    assert not lost
    bench.wait_for(lambda: before.isdisjoint(children_of(bench.process.pid)))
    assert bench.ask("unit", client, get("/")).status == 200
