from __future__ import annotations

import datetime as dt
import shutil

import pytest
from cryptography import x509
from sqlalchemy import insert

from ca import crl
from ca.deny_publisher import MAX_WAITING, DenyPace, DenyPublisher
from ca.issue import Order
from ca.key_kinds import KEY_KINDS
from ca.ledger_tables import REVOCATION
from ca.names import Holder
from ca.template import moment
from dmz.edge.deny_table import DenyTable
from wire_formats.deny_list import FIRST, MAX_INCREMENT_BYTES, MAX_SERIALS, increment_digest, verify_increment
from wire_formats.drop import list_drop, parse_name, read_drop, remove_drop
from wire_formats.instants import DAY_MS
from wire_formats.trust import TrustStore

PACE = DenyPace(heartbeat_s=5, snapshot_s=300)


def publisher(authority, rig):
    return DenyPublisher(
        authority.ledger, authority.deny_key, rig.settings.deny_drop, clock=rig.clock, metrics=rig.metrics, pace=PACE
    )


def taken(rig):
    """What the ferry would take: verified increments in order, with the DMZ's own trust."""
    drop = rig.settings.deny_drop
    trust = TrustStore.from_pem(
        [rig.files.trust("dmz", "machine_issuers.pem").read_bytes()],
        [rig.files.trust("dmz", "machines.pem").read_bytes()],
    )
    names, strange = list_drop(drop, most=10_000)
    assert not strange
    increments = []
    for name in names:
        assert name.kind == "notice" and parse_name(str(name)) == name
        message = read_drop(drop, name, limit=MAX_INCREMENT_BYTES)
        increments.append(verify_increment(message, trust, now_ms=rig.clock.now_ms()))
        remove_drop(drop, name)
    return increments


def certificate(authority, profile="client_unit", name="1"):
    key = KEY_KINDS["ec-p256"].generate().public_key()
    return authority.issuer.issue(Order(profile, Holder(name=name), key, "x")).serial


def revoked(authority):
    serial = certificate(authority)
    authority.revoker.revoke(serial, reason="superseded", operator="x")
    return int(serial, 16)


def many_revocations(authority, rig, count, start=0):
    rows = [
        {
            "serial": f"{(0x40 << 120) | number:032x}", "issuer": "issuing_persons", "reason": 4,
            "not_after_ms": rig.clock.ms + DAY_MS, "revoked_ms": rig.clock.ms, "operator": "x",
        }
        for number in range(start, start + count)
    ]  # fmt: skip
    with authority.ledger.transaction() as connection:
        connection.execute(insert(REVOCATION), rows)


def test_it_begins_with_a_snapshot_even_of_nothing(authority, rig):
    assert publisher(authority, rig).look() == 1
    (first,) = taken(rig)
    assert first.full and first.epoch == 1 and first.previous == FIRST and first.serials == () and first.size == 0


def test_heartbeats_show_that_the_list_is_fresh(authority, rig):
    lists = publisher(authority, rig)
    lists.look()
    assert lists.look() == 0
    rig.clock.pass_ms(4_999)
    assert lists.look() == 0
    rig.clock.pass_ms(1)
    assert lists.look() == 1
    first, beat = taken(rig)
    assert not beat.full and beat.serials == () and beat.epoch == 2 and beat.previous == increment_digest(first)
    assert rig.figure("ca_deny_epoch_total") == 2


def test_a_revocation_is_published_at_the_next_look_whoever_made_it(authority, rig):
    lists = publisher(authority, rig)
    lists.look()
    other = rig.open()
    serial = revoked(other)
    other.ledger.close()
    assert lists.look() == 1 and lists.look() == 0
    increment = taken(rig)[-1]
    assert increment.serials == (serial,) and increment.size == 1 and not increment.full


def test_epochs_go_on_after_a_restart_with_a_snapshot(authority, rig):
    lists = publisher(authority, rig)
    lists.look()
    one = revoked(authority)
    lists.look()
    before = taken(rig)
    rig.clock.pass_ms(10)
    again = publisher(authority, rig)
    again.look()
    (snapshot,) = taken(rig)
    assert snapshot.full and snapshot.epoch == before[-1].epoch + 1 and snapshot.serials == (one,)
    assert snapshot.previous == increment_digest(before[-1])


def test_snapshots_come_regularly_and_drop_what_has_expired(authority, rig):
    lists = publisher(authority, rig)
    serial = revoked(authority)
    lists.look()
    assert taken(rig)[-1].serials == (serial,)
    rig.clock.pass_ms(300_000)
    lists.look()
    assert taken(rig)[-1].full
    # Beyond the certificate's own end; the deny key ends before that, so only the payload is looked at here.
    rig.clock.pass_ms(1200 * DAY_MS)
    with authority.ledger.transaction() as connection:
        (increment,) = lists._next(connection, rig.clock.now_ms(), full=True)
    assert increment.full and increment.serials == () and increment.size == 0


def test_the_edge_s_table_follows(authority, rig):
    lists, table = publisher(authority, rig), DenyTable()
    lists.look()
    serials = {revoked(authority) for _ in range(3)}
    lists.look()
    rig.clock.pass_ms(5_000)
    lists.look()
    for increment in taken(rig):
        table.apply(increment)
    assert table.complete and table.serials == serials and table.age_ms(rig.clock.now_ms()) == 0


def test_a_long_list_crosses_in_pieces_and_no_serial_is_ever_let_go(authority, rig):
    lists, table = publisher(authority, rig), DenyTable()
    many_revocations(authority, rig, 2 * MAX_SERIALS + 7)
    assert lists.look() == 3
    pieces = taken(rig)
    assert [len(piece.serials) for piece in pieces] == [MAX_SERIALS, MAX_SERIALS, 7]
    assert [piece.full for piece in pieces] == [True, False, False]
    assert {piece.size for piece in pieces} == {2 * MAX_SERIALS + 7}
    for piece in pieces:
        assert not table.complete
        table.apply(piece)
    assert table.complete and len(table) == 2 * MAX_SERIALS + 7
    rig.clock.pass_ms(300_000)
    lists.look()
    for piece in taken(rig):
        table.apply(piece)
        assert len(table) == 2 * MAX_SERIALS + 7
    assert table.complete


def test_a_ferry_that_takes_nothing_does_not_fill_the_disk(authority, rig):
    lists = publisher(authority, rig)
    for _ in range(MAX_WAITING + 20):
        rig.clock.pass_ms(5_000)
        lists.look()
    assert len(list_drop(rig.settings.deny_drop, most=9999)[0]) <= MAX_WAITING + 1
    assert rig.figure("ca_deny_publish_failures_total") >= 19
    serial = revoked(authority)
    taken(rig)
    assert lists.look() == 1
    (snapshot,) = taken(rig)
    assert snapshot.full and snapshot.serials == (serial,)


def test_a_drop_that_cannot_be_written_is_made_good_by_a_snapshot(authority, rig):
    lists, table = publisher(authority, rig), DenyTable()
    lists.look()
    for increment in taken(rig):
        table.apply(increment)
    shutil.rmtree(rig.settings.deny_drop / ".tmp")
    serial = revoked(authority)
    assert lists.look() == 0
    assert rig.figure("ca_deny_publish_failures_total") == 1
    (rig.settings.deny_drop / ".tmp").mkdir()
    assert lists.look() == 1
    (snapshot,) = taken(rig)
    table.apply(snapshot)
    assert snapshot.full and table.complete and table.serials == {serial}


def test_a_crl_lists_an_authority_s_own_certificates(authority, rig, tmp_path):
    mine = revoked(authority)
    machine = certificate(authority, "machine_worker", "worker-7")
    authority.revoker.revoke(machine, reason="key_compromise", operator="x")
    now = rig.clock.now_ms()
    issuer = authority.authorities["issuing_persons"]
    path = crl.write_crl(authority.ledger, issuer, tmp_path / "crl", now_ms=now)
    assert path.stat().st_mode & 0o777 == 0o644, "other zones read it, whatever the umask"
    lists = x509.load_der_x509_crl(path.read_bytes())
    assert [entry.serial_number for entry in lists] == [mine]
    assert lists.is_signature_valid(issuer.certificate.public_key())
    assert lists.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == now // 1000
    assert lists.next_update_utc is not None
    assert lists.next_update_utc - lists.last_update_utc == dt.timedelta(days=7)
    assert lists[0].extensions[0].value.reason is x509.ReasonFlags.superseded
    machines = x509.load_der_x509_crl(
        crl.make_crl(authority.ledger, authority.authorities["issuing_machines"], now_ms=now)
    )
    assert [entry.serial_number for entry in machines] == [int(machine, 16)]
    assert machines.last_update_utc == moment(now)


def test_an_empty_crl_is_good_and_a_new_one_replaces_it_whole(authority, rig, tmp_path):
    issuer = authority.authorities["issuing_persons"]
    for _ in range(2):
        path = crl.write_crl(authority.ledger, issuer, tmp_path, now_ms=rig.clock.now_ms())
    assert len(x509.load_der_x509_crl(path.read_bytes())) == 0
    assert [file.name for file in tmp_path.glob("*.crl*")] == [path.name]


@pytest.mark.parametrize("reason", ["unspecified", "affiliation_changed", "privilege_withdrawn"])
def test_every_reason_has_its_code(authority, rig, reason):
    serial = certificate(authority)
    authority.revoker.revoke(serial, reason=reason, operator="x")
    made = crl.make_crl(authority.ledger, authority.authorities["issuing_persons"], now_ms=rig.clock.now_ms())
    (entry,) = x509.load_der_x509_crl(made)
    assert len(entry.extensions) == (0 if reason == "unspecified" else 1)
