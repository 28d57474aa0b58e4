"""The intrusion watch in a real edge of two children: scanners, guessers, offices, operators.

All of 127/8 is this machine, so that a test can come from several addresses.
"""

from __future__ import annotations

import contextlib
import ssl
import time

import pytest
from cryptography.hazmat.primitives import hashes

from dmz.intrusion.ban_board import write_ban
from dmz.intrusion.bans import OPERATOR, Ban
from dmz.intrusion.watch import KNOCKS
from tests.support.edge_bench import Answer, EdgeBench, get, post, read_answer

SCANNER, CLERKS, GUESSER, NOBODY = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.9"
#: What a scanner asks for first.
PATHS = (
    "/phpinfo.php", "/.git/config", "/.env", "/wp-login.php", "/admin/", "/cgi-bin/test.cgi", "/backup.zip",
    "/phpmyadmin/", "/server-status", "/index.php.bak", "/console", "/.svn/entries", "/web.config", "/id_rsa.key",
)  # fmt: skip
TRUSTED = 'trusted = ["127.0.0.1/32"]'
SHUT = (ConnectionError, ssl.SSLError, TimeoutError)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A small edge; 127.0.0.1 stays trusted."""
    bench = EdgeBench(tmp_path_factory.mktemp("edge"), "children = 2", intrusion=TRUSTED)
    try:
        yield bench.start()
    finally:
        assert bench.stop() == 0


def _status(bench: EdgeBench, window: str, client, request: bytes, source: str) -> int:
    """The status of one request on its own connection; 0: turned away before TLS."""
    try:
        return bench.ask(window, client, request, source=source).status
    except SHUT:
        return 0


def _events(bench: EdgeBench, word: str) -> list[str]:
    lines = [line for path in bench.directory.glob("intrusion.*.cef") for line in path.read_text().splitlines(True)]
    return [line for line in lines if line.endswith("\n") and line.split("|")[4] == word]


def test_a_scanner_is_banned_and_nobody_else_is_touched(bench):
    client = bench.authority.client("unit", "1" * 32)
    statuses = [_status(bench, "site", None, get(path), SCANNER) for path in PATHS * 3]
    assert statuses[0] == 404
    assert 403 in statuses, "a page says that and until when he is banned"
    bench.wait_for(lambda: _status(bench, "site", None, get("/"), SCANNER) == 0)
    assert statuses.count(404) <= 5, "four and what has decayed, whichever child he meets: they share scores"
    bench.wait_for(lambda: _events(bench, "banned"))
    line = _events(bench, "banned")[0]
    assert "src=127.0.0.2" in line and "reason=scanner" in line
    # Others come in; and so does a certificate from the scanner's own address.
    assert _status(bench, "site", None, get("/"), CLERKS) == 200
    assert _status(bench, "unit", client, get("/login"), CLERKS) == 200


def test_the_page_of_a_ban_says_until_when_in_both_languages(bench):
    now_ms = int(time.time() * 1_000)
    write_ban(bench.directory / "bans", Ban(NOBODY, now_ms, now_ms + 7 * 60_000, 1, OPERATOR, "li"))
    bench.wait_for(lambda: _status(bench, "site", None, get("/"), NOBODY) == 403)
    answer = bench.ask("site", None, get("/", "Accept-Language: zh"), source=NOBODY)
    assert answer.status == 403 and 300 < int(answer.headers["retry-after"]) <= 420
    assert "访问已暂停" in answer.body.decode() and "请在 7 分钟后重试" in answer.body.decode()
    answer = bench.ask("site", None, get("/", "Accept-Language: en"), source=NOBODY)
    assert "Access is suspended" in answer.body.decode() and "Try again in 7 minutes" in answer.body.decode()
    assert "FG-2031" in answer.body.decode()


def test_an_office_with_certificates_works_on_behind_a_banned_address(bench):
    office = "127.0.0.5"
    good = bench.authority.client("unit", "2" * 32)
    now_ms = int(time.time() * 1_000)
    write_ban(bench.directory / "bans", Ban(office, now_ms, now_ms + 600_000, 1, OPERATOR, "li"))
    bench.wait_for(lambda: office in [event["offender"] for event in bench.events("offender_banned")])
    # A clerk knocks with his certificate and is let in; then everybody with one is, and no stranger.
    statuses = [_status(bench, "unit", good, get("/login"), office) for _ in range(4 * KNOCKS.burst)]
    assert set(statuses) == {200}
    assert _status(bench, "unit", None, get("/login"), office) == 403


def test_wrong_passwords_ban_the_certificate_and_not_the_office(bench):
    bad, good = bench.authority.client("unit", "3" * 32), bench.authority.client("unit", "4" * 32)
    form = post("/login", b"user_name=clerk&password=wrong&next=")
    with contextlib.closing(bench.connect("unit", bad, source=GUESSER)) as one_child:
        statuses = []
        for _ in range(40):
            one_child.sendall(form)
            answer = read_answer(one_child)
            statuses.append(answer.status)
            assert b"login_failed" not in answer.head + answer.body, "what the worker told stays inside"
            if "close" in answer.headers["connection"]:
                break
    assert statuses[:6] == [403] * 6 and statuses[-1] in {403, 429}
    assert _status(bench, "unit", good, get("/login"), GUESSER) == 200
    assert not [line for line in _events(bench, "banned") if "src=127.0.0.4" in line]


@pytest.mark.parametrize(("site", "home"), [("cross-site", "127.0.0.6"), ("same-site", "127.0.0.7")])
def test_pages_of_other_hosts_cannot_ban_their_visitors(bench, site, home):
    visitor = bench.authority.client("unit", home[-1] * 32)
    pictures = [get(path, f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: no-cors") for path in ("/wp-login.php", "/%zz")]
    statuses = [_status(bench, "unit", visitor, request, home) for request in pictures * 20]
    assert set(statuses) == {403, 400}
    own = get("/login", "Sec-Fetch-Site: same-origin")
    assert [_status(bench, "unit", visitor, own, home) for _ in range(20)] == [200] * 20
    assert _status(bench, "site", None, get("/"), home) == 200, "nor are strangers at that address kept out"
    link = get("/wp-login.php", f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    statuses = [_status(bench, "unit", visitor, link, home) for _ in range(60)]
    assert statuses[0] == 404 and set(statuses) <= {404, 429}
    bench.wait_for(lambda: [line for line in _events(bench, "throttled") if f"src={home}" in line])
    assert _status(bench, "unit", visitor, own, home) == 200
    assert not [line for line in _events(bench, "banned") if f"src={home}" in line]


def test_a_ban_reaches_all_children_and_so_does_its_lift(bench):
    client = bench.authority.client("unit", "5" * 32)
    fingerprint = client.certificate.fingerprint(hashes.SHA256())
    made_ms = int(time.time() * 1_000)

    def answers() -> list[Answer]:
        return [bench.ask("unit", client, get("/login"), source=CLERKS) for _ in range(20)]

    write_ban(bench.directory / "bans", Ban(fingerprint, made_ms, made_ms + 600_000, 1, OPERATOR, "li"))
    bench.wait_for(lambda: {answer.status for answer in answers()} == {403})
    write_ban(bench.directory / "bans", Ban(fingerprint, made_ms + 1, made_ms + 1, 0, OPERATOR, "wang"))
    # Which child takes a connection is the system's choice: sooner or later each lets him in again.
    pids: set[int] = set()

    def both_let_him_in() -> bool:
        pids.update(answer.told["pid"] for answer in answers() if answer.status == 200)
        return len(pids) == 2

    bench.wait_for(both_let_him_in)
    bench.wait_for(lambda: any(fingerprint.hex() in line for line in _events(bench, "lifted")))
    (line,) = [line for line in _events(bench, "lifted") if fingerprint.hex() in line]
    assert "suser=wang" in line


def test_clean_users_are_never_slowed_down(bench):
    """Busy clerks: many requests a second on few connections, with the odd mistake."""
    clients = [bench.authority.client("unit", f"{index:032x}") for index in range(4)]
    for client in clients:
        with contextlib.closing(bench.connect("unit", client, source=CLERKS)) as connection:
            for index in range(60):
                connection.sendall(get("/login" if index % 20 else "/no-such-page"))
                assert read_answer(connection).status == (200 if index % 20 else 404)


def test_a_trusted_address_may_do_what_it_likes(bench):
    assert {_status(bench, "site", None, get(path), "127.0.0.1") for path in PATHS * 2} == {404}
