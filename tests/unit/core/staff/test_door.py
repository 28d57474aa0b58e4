"""Who gets in, what is refused at the door, and what a session may reach."""

from __future__ import annotations

import datetime
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select, update

from core.db.states import OperatorLevel
from core.db.tables import access_log, login_guard, service_case, staff_operator
from core.staff.operators import disable_operator, unbind_operator_certificate
from core.staff.site import COOKIE
from tests.support.staff_bench import PASSWORD, ReactorThread, StaffBench
from tests.unit.core.staff.test_life import NEW, submit

MINUTE = 60_000


def test_first_sign_in_must_change_the_password(light_bench: StaffBench) -> None:
    chen = light_bench.operator("chen")
    browser = light_bench.browser_of(chen)
    first = browser.sign_in(chen)
    assert (first.status, first.headers["Location"]) == (303, "/password")
    (cookie,) = first.cookies
    assert cookie.startswith("__Host-staff=")
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Strict")
    assert browser.get("/").headers["Location"] == "/password"
    assert browser.get("/statistics").headers["Location"] == "/password"
    for new, again, words in (
        ("short", "short", "at least 10"),
        ("granite-lantern-58", "granite-lantern-59", "differ"),
        ("password12345", "password12345", "too common"),
        ("lantern-12345678", "lantern-12345678", "like your user name"),
        (chen.password, chen.password, "must differ"),
    ):
        answer = browser.act("/password", old_password=chen.password, new_password=new, new_again=again)
        assert answer.status == 422 and words in answer.text
    wrong = browser.act("/password", old_password="not this one", new_password=PASSWORD, new_again=PASSWORD)
    assert "current password is wrong" in wrong.text
    old = browser.cookies[COOKIE]
    done = browser.act("/password", old_password=chen.password, new_password=PASSWORD, new_again=PASSWORD)
    assert done.headers["Location"] == "/?done=changed"
    assert browser.cookies[COOKIE] != old
    assert browser.get("/").status == 200
    browser.cookies[COOKIE] = old
    assert browser.get("/").status == 303, "the session from before the change has ended"


def test_every_failure_says_the_same_and_the_delay_grows(bench: StaffBench) -> None:
    chen, zhao = bench.operator("chen", changed=True), bench.operator("zhao", changed=True)
    browser = bench.browser_of(chen)
    pages = [
        browser.post("/login", {"user_name": "chen", "password": "wrong"}),
        browser.post("/login", {"user_name": "nobody", "password": "wrong"}),
        browser.sign_in(zhao),  # right password, another one's certificate
    ]
    assert {page.status for page in pages} == {403}
    assert len({page.text.replace("nobody", "").replace("chen", "").replace("zhao", "") for page in pages}) == 1
    locked = browser.sign_in(chen)
    assert locked.status == 303, "three failures are free"
    for _ in range(4):
        browser.cookies.clear()
        browser.post("/login", {"user_name": "chen", "password": "wrong"})
    answer = browser.sign_in(chen)
    assert answer.status == 429 and "Too many failures" in answer.text
    bench.world.clock.value += 20 * MINUTE
    assert browser.sign_in(chen).status == 303
    with bench.world.engine.connect() as connection:
        assert f"account:{chen.operator_id}" not in connection.scalars(select(login_guard.c.subject)).all()


def test_a_colleague_locks_nobody_out(bench: StaffBench) -> None:
    chen, zhao = bench.operator("chen", changed=True), bench.operator("zhao", changed=True)
    colleague = bench.browser_of(zhao)
    for _ in range(8):
        colleague.post("/login", {"user_name": "chen", "password": "wrong"})
        bench.world.clock.value += 15 * MINUTE
    colleague.post("/login", {"user_name": "chen", "password": "wrong"})
    assert bench.browser_of(chen).sign_in(chen).status == 303


def test_a_session_ends_by_pause_and_by_age(light_bench: StaffBench) -> None:
    browser = light_bench.signed_in(light_bench.operator("chen", changed=True))
    for _ in range(3):
        light_bench.world.clock.value += 14 * MINUTE
        assert browser.get("/").status == 200
    light_bench.world.clock.value += 15 * MINUTE
    assert browser.get("/statistics").headers["Location"] == "/login?note=expired"
    browser = light_bench.signed_in(light_bench.operator("zhao", changed=True))
    for _ in range(60):
        light_bench.world.clock.value += 10 * MINUTE
        last = browser.get("/login")  # counts as a sign of life
    assert last.status == 200, "ten hours are the longest session"


def test_signing_out_ends_the_session_on_the_server(light_bench: StaffBench) -> None:
    browser = light_bench.signed_in(light_bench.operator("chen", changed=True))
    kept = browser.cookies[COOKIE]
    assert browser.act("/logout").headers["Location"] == "/login?note=out"
    assert COOKIE not in browser.cookies
    browser.cookies[COOKIE] = kept
    assert browser.get("/").status == 303


def test_a_stolen_cookie_opens_nothing_with_another_certificate(light_bench: StaffBench) -> None:
    chen, zhao = (light_bench.operator(name, changed=True) for name in ("chen", "zhao"))
    mine, other = light_bench.signed_in(chen), light_bench.browser_of(zhao)
    other.cookies = dict(mine.cookies)
    assert other.get("/").headers["Location"] == "/login"
    assert mine.get("/").status == 200, "and the owner keeps the session"


def test_unbound_and_disabled_operators_are_out_at_once(bench: StaffBench) -> None:
    world = bench.world
    ends: list[Any] = [unbind_operator_certificate, disable_operator]
    for number, end in enumerate(ends):
        staffer = bench.operator(f"op{number}", changed=True)
        browser = bench.signed_in(staffer)
        assert browser.get("/").status == 200
        more = {"by": "root"} if end is disable_operator else {}
        with world.engine.begin() as connection:
            end(connection, staffer.operator_id, now_ms=world.clock.now_ms(), **more)
        assert browser.get("/").status == 403
        assert browser.get("/").status == 303, "the session is gone"
        assert browser.sign_in(staffer).status == 403


def test_certificates_of_other_windows_and_times(light_bench: StaffBench) -> None:
    day = datetime.timedelta(days=1)
    for name, credentials, code in (
        ("unit", light_bench.certificate("u1", "unit"), "FG-2011"),
        ("late", light_bench.certificate("s1", start=-day, end=day), "FG-2010"),  # not yet valid at the window's time
    ):
        pem = light_bench.folder / f"{name}.pem"
        pem.write_bytes(credentials.key_pem + credentials.chain_pem)
        answer = light_bench.browser(pem).get("/login")
        assert answer.status == 403 and code in answer.text


def test_without_a_certificate_there_is_no_connection(light_bench: StaffBench) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        light_bench.browser(None).get("/login")
    other = StaffBench(light_bench.world, light_bench.folder / "..")  # another authority
    credentials = other.certificate("s1")
    pem = light_bench.folder / "foreign.pem"
    pem.write_bytes(credentials.key_pem + credentials.chain_pem)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        light_bench.browser(pem).get("/login")


def test_a_revoked_serial_is_refused(light_bench: StaffBench, staff_reactor: ReactorThread) -> None:
    chen = light_bench.operator("chen", changed=True)
    path = light_bench.folder / "persons.crl"
    staff_reactor.run(light_bench.stop)
    staff_reactor.run(light_bench.start, staff_reactor.reactor, client_crl=path)
    browser = light_bench.signed_in(chen)
    _write_crl(light_bench, path, [chen.serial])
    assert light_bench.service is not None
    staff_reactor.run(_refresh, light_bench)
    assert "FG-2009" in browser.get("/").text
    _write_crl(light_bench, path, [], number=0)
    staff_reactor.run(_refresh, light_bench)
    assert "FG-2009" in browser.get("/").text, "an older list does not let anybody in again"
    path.write_bytes(b"not a list")
    staff_reactor.run(_refresh, light_bench)
    assert "FG-2009" in browser.get("/").text, "a broken list does not let anybody in"
    assert light_bench.service.health() == (False, ("revocation list cannot be used",))


async def _refresh(bench: StaffBench) -> None:
    assert bench.service is not None
    await bench.service._look_at_crl()


def _write_crl(bench: StaffBench, path: Path, serials: list[int], *, number: int = 1) -> None:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateRevocationListBuilder(
        bench.authority.issuing.subject, now, now + datetime.timedelta(days=7)
    )
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        builder = builder.add_revoked_certificate(entry)
    path.write_bytes(builder.sign(bench.authority._issuing_key, hashes.SHA256()).public_bytes(Encoding.DER))


def test_another_districts_case_cannot_be_reached(bench: StaffBench) -> None:
    reference, case_id = submit(bench.world)
    stranger = bench.signed_in(bench.operator("sun", district="420106", changed=True))
    home = bench.signed_in(bench.operator("chen", changed=True))
    assert home.get(f"/cases/{case_id}").status == 200
    for path in (f"/cases/{case_id}", f"/find?reference={reference}"):
        answer = stranger.get(path)
        assert answer.status == 404 and NEW not in answer.text and "单位" not in answer.text
    for act in ("open", "release", "decide", "check"):
        answer = stranger.act(f"/cases/{case_id}/{act}", verdict="pass", reason="", version="2")
        assert answer.status == 404, act
    assert reference not in stranger.get("/").text
    assert "No case fits" in stranger.get("/statistics").text
    with bench.world.engine.connect() as connection:
        assert connection.scalar(select(service_case.c.state)) == "submitted"
        assert connection.execute(select(access_log)).all() == []


def test_roles_and_levels(light_bench: StaffBench) -> None:
    _, case_id = submit(light_bench.world)
    clerk = light_bench.signed_in(light_bench.operator("clerk", roles=(), changed=True))
    assert "roles do not include" in clerk.get(f"/cases/{case_id}").text
    assert clerk.act(f"/cases/{case_id}/open").status == 403
    head = light_bench.signed_in(
        light_bench.operator("head", roles=(), level=OperatorLevel.DISTRICT_ADMIN, changed=True)
    )
    chen = light_bench.signed_in(light_bench.operator("chen", changed=True))
    chen.act(f"/cases/{case_id}/open")
    assert head.act(f"/cases/{case_id}/release").status == 303, "an administrator frees what somebody left open"
    root = light_bench.signed_in(
        light_bench.operator("root", district="000000", roles=(), level=OperatorLevel.ROOT, changed=True)
    )
    assert "By district" in root.get("/statistics").text
    assert root.get(f"/cases/{case_id}").status == 404


def test_forms_need_their_token_and_their_origin(light_bench: StaffBench) -> None:
    _, case_id = submit(light_bench.world)
    browser = light_bench.signed_in(light_bench.operator("chen", changed=True))
    path = f"/cases/{case_id}/open"
    assert browser.post(path, {}).status == 403
    assert browser.post(path, {"csrf": "x"}).status == 403
    token = browser.token()
    assert browser.post(path, {"csrf": token}, Origin="https://evil.example").status == 403
    assert browser.post(path, {"csrf": token}, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert browser.send("POST", path, b"csrf=" + token.encode(), {"Content-Type": "text/plain"}).status == 400
    assert browser.get(path).status == 405
    origin = f"https://localhost:{browser.port}"
    answer = browser.post(path, {"csrf": token}, Origin=origin, **{"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 303


def test_limits_of_requests(light_bench: StaffBench) -> None:
    chen = light_bench.operator("chen", changed=True)
    browser = light_bench.signed_in(chen)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.send("POST", "/login", b"a=" + b"x" * 40_000, form).status == 413
    assert browser.send("POST", "/login", b"a=1&a=2", form).status == 400
    assert browser.send("POST", "/login", b"a=%ff", form).status == 400
    assert browser.get("/?" + "x" * 3000).status == 400
    assert browser.get("/%2e%2e/").status == 400
    assert browser.send("PUT", "/").status == 405
    assert browser.get("/nothing").status == 404
    assert browser.get("/cases/xyz").status == 404
    assert browser.get("/?state=%27&service=%3Cscript%3E&page=99999999&mine=x").status == 200
    chunked = b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", browser.port), 5) as plain:
        with browser.tls.wrap_socket(plain, server_hostname="localhost") as secured:
            secured.sendall(chunked)
            assert secured.recv(200).startswith(b"HTTP/1.1 413")


def test_security_headers(light_bench: StaffBench) -> None:
    browser = light_bench.browser_of(light_bench.operator("chen"))
    page = browser.get("/login")
    assert page.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'self'; form-action 'self'"
    )
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Server"] == "Ferrygate"
    (style,) = page.page.all("link", rel="stylesheet")
    css = browser.get(style.attributes["href"])
    assert css.headers["Content-Type"].startswith("text/css") and "immutable" in css.headers["Cache-Control"]


def test_a_password_changed_elsewhere_is_not_let_in_with_the_old(light_bench: StaffBench) -> None:
    chen = light_bench.operator("chen", changed=True)
    with light_bench.world.engine.begin() as connection:
        fresh = light_bench.world.tools.hashing.hash(PASSWORD)
        ours = staff_operator.c.operator_id == chen.operator_id
        connection.execute(update(staff_operator).where(ours).values(password_hash=fresh))
    assert light_bench.browser_of(chen).sign_in(chen).status == 403
    assert light_bench.browser_of(chen).sign_in(chen, PASSWORD).status == 303
