"""Counters, token buckets, identities, the deny list, restart back-off, settings."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from dmz.edge.client_identity import IdentityReader
from dmz.edge.connection_limits import Admission, AdmissionLimits, CountTable, Rate, RateTable
from dmz.edge.deny_set import DenyPlaces, DenySet
from dmz.edge.deny_table import DenyTable, restore_table
from dmz.edge.handshakes import HandshakeLimits, HandshakeQueue
from dmz.edge.metrics import EdgeMetrics
from dmz.edge.refusals import Reason, RefusalError, status_of
from dmz.edge.restart_policy import RestartPolicy
from dmz.edge.settings import EdgeSettings
from dmz.messages import Window
from dmz.waf.hall_routes import hall_route_table
from tests.support.machines import NOW_MS, MachineAuthority
from tests.support.test_ca import DAY, HallAuthority
from wire_formats.deny_list import FIRST, DenyIncrement, increment_digest, sign_increment
from wire_formats.drop import DropName, list_drop, prepare_drop, write_drop
from wire_formats.errors import HallError, Kind, PeerError
from wire_formats.settings_reader import SettingsError, read_settings


def test_rate_table_fills_with_time_and_stays_bounded():
    table = RateTable[str](Rate(2.0, 3), 2)
    assert [table.take("a", 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert table.take("a", 0.0) == 0.5
    assert table.take("a", 0.5) == 0.0
    assert table.take("a", 0.4) > 0
    table.take("b", 1.0)
    table.take("c", 1.0)
    assert len(table) == 2


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=100))
def test_no_bucket_gives_more_than_burst_and_rate(gaps):
    table, now, given_out = RateTable[str](Rate(10.0, 5), 4), 0.0, 0
    for gap in gaps:
        now += gap
        given_out += table.take("a", now) == 0.0
    assert given_out <= 5 + 10.0 * now + 1e-6


def test_count_table():
    table = CountTable[str](2)
    assert [table.enter("a"), table.enter("a"), table.enter("a"), table.enter("b")] == [True, True, False, True]
    table.leave("a")
    assert table.enter("a")
    table.leave("b")
    assert len(table) == 1


def test_admission_gives_back_what_it_took():
    admission = Admission(AdmissionLimits(connections=2, connections_per_address=1))
    assert admission.open("a", 0) is None
    assert admission.open("a", 0) == "address_connections"
    assert admission.open("b", 0) is None
    assert admission.open("c", 0) == "connections"
    admission.close("a")
    assert admission.open("c", 0) is None


def test_all_addresses_of_one_ipv6_network_share_its_limits():
    admission = Admission(AdmissionLimits(connections_per_address=2, address_requests=Rate(1.0, 1)))
    queue = HandshakeQueue(None, HandshakeLimits(per_address=2))
    for address in ("2001:db8::1", "2001:db8::2"):
        assert admission.open(address, 0) is None
        assert queue.enter(address) is None
    assert admission.open("2001:db8::3", 0) == "address_connections"
    assert queue.enter("2001:db8::3") == "address_handshakes"
    assert admission.open("2001:db8:0:1::1", 0) is None
    admission.close("2001:db8::2")
    queue.leave("2001:db8::2")
    assert admission.open("2001:db8::3", 0) is None
    assert queue.enter("2001:db8::3") is None
    assert admission.overrun("2001:db8::1", None, 0) is None
    over = admission.overrun("2001:db8::2", None, 0)
    assert over is not None and over.wait_s > 0 and not over.certificate


def _ms(moment: datetime.datetime) -> int:
    return int(moment.timestamp() * 1000)


def test_identity_is_read_once_and_its_validity_every_time():
    authority = HallAuthority()
    reader = IdentityReader([authority.root, authority.issuing], capacity=2)
    certificate = authority.client("unit", "U1").certificate
    now_ms = _ms(authority.now)
    client = reader.read(certificate, window="unit", now_ms=now_ms)
    assert client.identity.account == "U1"
    assert client.identity.serial == certificate.serial_number
    assert client.identity.issuer_cn == "test hall issuing"
    assert reader.read(certificate, window="unit", now_ms=now_ms) is client
    for window, at, reason in (
        ("person", now_ms, Reason.WRONG_WINDOW),
        ("unit", now_ms - _ms(authority.now) // 2, Reason.CERTIFICATE_NOT_YET),
        ("unit", now_ms + 31 * 86_400_000, Reason.CERTIFICATE_EXPIRED),
    ):
        with pytest.raises(RefusalError) as caught:
            reader.read(certificate, window=window, now_ms=at)
        assert caught.value.reason is reason
    for number in range(5):
        reader.read(authority.client("unit", f"U{number}").certificate, window="unit", now_ms=now_ms)
    assert len(reader) == 2


def test_identities_that_are_refused():
    authority = HallAuthority()
    reader = IdentityReader([authority.root, authority.issuing])
    for certificate, reason in (
        (HallAuthority("other").client().certificate, Reason.CERTIFICATE_ISSUER),
        (HallAuthority().client().certificate, Reason.CERTIFICATE_ISSUER),  # ours by name, signed by another key
        (authority.server().certificate, Reason.CERTIFICATE_PURPOSE),
        (authority.client(purpose=None).certificate, Reason.CERTIFICATE_PURPOSE),
        (authority.client(uri="urn:other").certificate, Reason.CERTIFICATE_NAME),
        (authority.client("staff", "S1", start=-DAY).certificate, Reason.WRONG_WINDOW),
    ):
        with pytest.raises(RefusalError) as caught:
            reader.read(certificate, window="unit", now_ms=_ms(authority.now))
        assert caught.value.reason is reason


def chain(*steps: tuple[bool, set[int]]) -> list[DenyIncrement]:
    """Make a chain of increments: (full, serials)."""
    made: list[DenyIncrement] = []
    for full, serials in steps:
        last = made[-1] if made else None
        made.append(
            DenyIncrement(
                epoch=len(made) + 1,
                previous=increment_digest(last) if last else FIRST,
                made_ms=NOW_MS + 1_000 * len(made),
                full=full,
                serials=tuple(sorted(serials)),
                size=len(serials) + (0 if full or last is None else last.size),
            )
        )
    return made


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sets(st.integers(1, 1 << 159), max_size=4), min_size=1, max_size=8), st.randoms(use_true_random=False)
)
def test_deny_increments_in_any_order_and_doubled_give_the_whole_list(sets, random):
    seen: set[int] = set()
    fresh: list[tuple[bool, set[int]]] = []
    for serials in sets:
        fresh.append((not fresh, serials - seen))
        seen |= serials
    increments = chain(*fresh)
    shuffled = increments + increments[:2]
    random.shuffle(shuffled)
    table = DenyTable()
    for increment in shuffled:
        table.apply(increment)
        assert set(increment.serials) <= table.serials
    assert (table.serials, table.epoch, table.complete) == (seen, len(increments), True)
    assert table.fresh_ms == increments[-1].made_ms
    kept = table.snapshot()
    assert kept is not None
    again = restore_table(kept)
    assert (again.serials, again.epoch, again.fresh_ms) == (table.serials, table.epoch, table.fresh_ms)


def test_a_gap_denies_more_but_is_not_fresh_until_the_next_full_list():
    one, _, three, full = chain((True, {1}), (False, {2}), (False, {3}), (True, {1, 2, 3, 4}))
    table = DenyTable()
    table.apply(one)
    assert table.apply(three).gap
    assert table.serials == {1, 3}
    assert table.fresh_ms == one.made_ms
    assert not table.apply(full).gap
    assert (table.serials, table.fresh_ms) == ({1, 2, 3, 4}, full.made_ms)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 90))
def test_damaged_snapshots_are_refused(noise, at):
    table = DenyTable()
    table.apply(chain((True, {1, 2}))[0])
    good = table.snapshot()
    assert good is not None
    for data in (noise, good[:at] + noise + good[at:]):
        if data != good:
            with pytest.raises(PeerError):
                restore_table(data)


class FixedClock:
    now = NOW_MS + 60_000

    def now_ms(self) -> int:
        return self.now


class Watch:
    def watch(self, path, on_change):
        self.on_change = on_change
        return lambda: None


class Live:
    def __init__(self):
        self.cuts = []

    def cut(self, reason):
        self.cuts.append(reason)


def test_deny_set_reads_the_drop_cuts_and_keeps_a_snapshot(tmp_path):
    machines = MachineAuthority()
    key, stranger = machines.machine("ca_deny", "ca"), machines.machine("worker", "w1")
    notices, snapshots = tmp_path / "notices", tmp_path / "snapshots"
    prepare_drop(notices)
    prepare_drop(snapshots)
    clock, watch, live = FixedClock(), Watch(), Live()
    registry = CollectorRegistry()

    def deny_set():
        return DenySet(
            DenyPlaces(notices, snapshots, keeper=True),
            machines.trust([key, stranger]),
            clock=clock,
            metrics=EdgeMetrics(registry),
            limit_ms=3_600_000,
        )

    one, two = chain((True, {7}), (False, {8}))
    deny = deny_set()
    with pytest.raises(RefusalError):
        deny.check_fresh()
    deny.start(watch)
    deny.attach(8, live)
    write_drop(notices, DropName(1, 1, "ca", "notice"), sign_increment(one, key))
    write_drop(notices, DropName(1, 2, "ca", "notice"), sign_increment(two, stranger))
    write_drop(notices, DropName(1, 3, "ca", "notice"), b"rubbish")
    watch.on_change()
    deny.check_fresh()
    deny.check(8)
    assert not live.cuts
    clock.now += 700_000
    write_drop(notices, DropName(1, 4, "ca", "notice"), sign_increment(two, key))
    linked = tmp_path / "twin"
    linked.hardlink_to(notices / str(DropName(1, 4, "ca", "notice")))  # stands for whatever cannot be read now
    watch.on_change()
    watch.on_change()
    assert not live.cuts
    assert registry.get_sample_value("dmz_edge_deny_notices_refused_total") == 3, "each once"
    linked.unlink()
    clock.now += 700_000
    watch.on_change()
    assert live.cuts == [Reason.CERTIFICATE_REVOKED]
    for serial in (7, 8):
        with pytest.raises(RefusalError):
            deny.check(serial)
    for name in list_drop(notices, most=10)[0]:
        (notices / str(name)).unlink()
    registry = CollectorRegistry()
    restarted = deny_set()
    restarted.start(Watch())
    assert restarted.epoch == 2
    with pytest.raises(RefusalError):
        restarted.check(7)
    clock.now += 3_600_000
    with pytest.raises(RefusalError) as caught:
        restarted.check_fresh()
    assert caught.value.reason is Reason.DENY_LIST_STALE


def test_restart_back_off():
    policy, waits = RestartPolicy(), []
    now = 0
    for _ in range(10):
        policy.started(now)
        waits.append(policy.ended(now) - now)
    assert waits[:4] == [250, 500, 1_000, 2_000]
    assert max(waits) == 30_000
    policy.started(now)
    assert policy.ended(now + 60_000) == now + 60_250


def test_every_reason_has_its_own_word_and_a_fitting_status():
    words = [reason.word for reason in Reason]
    assert len(words) == len(set(words)) == len(list(Reason))
    assert all(400 <= reason.status <= 599 for reason in Reason)
    assert all(400 <= status_of(HallError(kind)) <= 599 for kind in Kind)
    assert status_of(HallError(Kind.NO_WORKER)) == 503


REQUIRED = "\n".join(
    f'{name} = "x"'
    for name in (
        "server_key",
        "server_chain",
        "client_issuers",
        "deny_issuers",
        "deny_signers",
        "notices",
        "snapshots",
    )
)


def test_settings():
    read = read_settings(EdgeSettings, REQUIRED + "\nchildren = 3", Path("/etc/edge.toml"))
    assert read.ports() == {"unit": 7002, "community": 7012, "person": 7022, "site": 8443, "plain": 8080}
    assert read.server_key == Path("/etc/x")
    limit = read.body_limit(hall_route_table().takes_files)
    assert limit("unit", "/b/wage.batch", "text/plain") == 65_536
    assert limit("unit", "/b/wage.batch", "Multipart/Form-Data; boundary=x") > 12_000_000
    elsewhere: list[tuple[Window, str]] = [("unit", "/login"), ("site", "/b/wage.batch"), ("person", "/no/such/page")]
    for window, path in elsewhere:
        assert limit(window, path, "multipart/form-data; boundary=x") == 65_536, path
    for text in ("children = 0", "childs = 2", "tls12 = 1"):
        with pytest.raises(SettingsError):
            read_settings(EdgeSettings, f"{REQUIRED}\n{text}", Path("/etc/edge.toml"))
