"""Expired, revoked, foreign and misplaced client certificates at the running windows."""

from __future__ import annotations

import datetime
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.faults.client_certificates import SECOND, Live, context_of, minted, serial_of, visit
from tests.support.hall_user import HallUser
from tests.support.whole_system import WholeSystem, until
from wire_formats.errors import Kind, code_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
EXPIRED, REVOKED, WRONG_WINDOW = map(code_of, (Kind.CERTIFICATE_EXPIRED, Kind.CERTIFICATE_REVOKED, Kind.WRONG_WINDOW))
#: From the order to revoke until every live and resumed session is cut.
CUT_WITHIN_S = 30.0
NOTICE_READ = "deny_list_grew"


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _is_cut(live: Live) -> bool:
    """Whether a live connection was ended, or is told that its certificate is revoked."""
    try:
        seen = live.ask()
    except OSError:
        return True
    return seen.status == 403 and REVOKED in seen.body


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [(-7_200, -3_600, "expired"), (3_600, 7_200, "")],
    ids=["expired", "not yet valid"],
)
def test_out_of_its_time_ends_the_handshake(
    system: WholeSystem, tmp_path: Path, first: int, last: int, words: str
) -> None:
    now = _now()
    pem = minted(system, tmp_path / "c.pem", like="unit", start=now + first * SECOND, end=now + last * SECOND)
    with pytest.raises(ssl.SSLError) as caught:
        visit(system.found.ports.unit, context_of(system, pem))
    assert words in str(caught.value).lower()


def test_foreign_ends_the_handshake(system: WholeSystem, tmp_path: Path) -> None:
    pem = minted(
        system, tmp_path / "c.pem", like="unit", start=_now() - 60 * SECOND, end=_now() + 600 * SECOND, ours=False
    )
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        visit(system.found.ports.unit, context_of(system, pem))


@pytest.mark.parametrize(("label", "window"), [("person", "unit"), ("unit", "person"), ("unit", "community")])
def test_the_wrong_window_says_so(system: WholeSystem, label: str, window: str) -> None:
    pem = system.layout.demo / f"{label}.pem"
    seen = visit(getattr(system.found.ports, window), context_of(system, pem))
    assert seen.status == 403
    assert WRONG_WINDOW in seen.body


def test_a_certificate_that_expires_cuts_live_and_resumed_sessions(system: WholeSystem, tmp_path: Path) -> None:
    end = _now().replace(microsecond=0) + 8 * SECOND
    pem = minted(system, tmp_path / "c.pem", like="unit", start=_now() - 60 * SECOND, end=end)
    port, context = system.found.ports.unit, context_of(system, pem)
    with Live(port, context) as live:
        first = live.ask()
        assert first.status == 200
        time.sleep(max(0.0, (end - _now()).total_seconds()) + 1.1)
        later = live.ask()
    assert (later.status, EXPIRED in later.body) == (403, True)
    resumed = visit(port, context, first.session)
    assert resumed.resumed
    assert (resumed.status, EXPIRED in resumed.body) == (403, True)


def test_revoking_cuts_live_and_resumed_sessions_within_seconds(system: WholeSystem) -> None:
    pem = system.layout.demo / "community.pem"
    port, context = system.found.ports.community, context_of(system, pem)
    user = HallUser(system, "community")
    user.sign_in()
    read = system.log_text("edge").count(NOTICE_READ)
    with Live(port, context) as live:
        first = live.ask()
        assert first.status == 200
        assert visit(port, context, first.session).resumed
        command = [sys.executable, "-m", "ops", "ca", "--root", str(system.root), "revoke", serial_of(pem)]
        told = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
        assert "is on the deny list" in told.stdout
        began = time.monotonic()
        until(lambda: _is_cut(live), within_s=CUT_WITHIN_S, what="the live session cut")
        print(f"live session cut {time.monotonic() - began:.1f} s after the order")
    children = system.found.edge_children
    until(
        lambda: system.log_text("edge").count(NOTICE_READ) >= read + children,
        within_s=CUT_WITHIN_S, what="the notice read by every child of the edge",
    )  # fmt: skip
    for _ in range(6):
        resumed = visit(port, context, first.session)
        assert resumed.resumed
        assert (resumed.status, REVOKED in resumed.body) == (403, True)
        fresh = visit(port, context)
        assert (fresh.status, REVOKED in fresh.body) == (403, True)
    signed_in = user.get("/")
    assert (signed_in.status, signed_in.code) == (403, REVOKED)
    # Everybody else goes on.
    other = HallUser(system, "unit")
    other.sign_in()
    assert other.patiently_get("/s/unit.profile").status == 200
