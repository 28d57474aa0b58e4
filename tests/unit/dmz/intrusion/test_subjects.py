"""Who offends, and what counts as an offence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.edge.addresses import address_subject
from dmz.edge.refusals import Reason
from dmz.intrusion.offences import Offence, of_answer, of_firewall, of_refusal
from dmz.intrusion.subjects import lies_in, parse_networks, parse_subject, subject_text
from dmz.messages import HallResponse
from wire_formats.errors import Kind, PeerError


@given(st.one_of(st.ip_addresses().map(str).map(address_subject), st.binary(min_size=32, max_size=32)))
def test_subjects_are_written_and_read(subject):
    assert parse_subject(subject_text(subject)) == subject


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_customer_is_his_network(address, subject):
    assert address_subject(address) == subject


@pytest.mark.parametrize("text", ["AB" * 32, ":".join(["ab"] * 32), "sha256:" + "ab" * 32, " " + "ab" * 32 + " "])
def test_fingerprints_as_openssl_prints_them(text):
    assert parse_subject(text) == b"\xab" * 32


@pytest.mark.parametrize("text", ["", "10.0.0.0/8", "2001:db8::/32", "10.0.0.1/64", "ab" * 31, "host", "fe80::1%eth0"])
def test_what_is_no_subject(text):
    with pytest.raises(PeerError):
        parse_subject(text)


def test_trusted_networks():
    networks = parse_networks(["127.0.0.0/8", "2001:db8:1::/48", "10.1.2.3/32"])
    for subject in ("127.0.0.1", "2001:db8:1:2::/64", "10.1.2.3"):
        assert lies_in(subject, networks)
    for other in ("128.0.0.1", "2001:db8:2:2::/64", "10.1.2.4", "", b"\x7f" * 32):
        assert not lies_in(other, networks)


#: Refusals that are no offence: mistakes of honest people, our own trouble, and what is counted already.
HARMLESS_KINDS = {Kind.CERTIFICATE_EXPIRED, Kind.WRONG_WINDOW, Kind.DENY_LIST_STALE, Kind.BUSY, Kind.BANNED}


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_is_an_offence_or_known_to_be_none(reason):
    harmless = reason.kind in HARMLESS_KINDS or reason in {Reason.PIPELINE_DEADLINE, Reason.FOREIGN_PAGE}
    assert (of_refusal(reason) is None) == harmless


def test_offences_of_firewall_and_workers():
    assert of_firewall(Kind.NOT_FOUND, "11010", 5) is Offence.SCANNER
    assert of_firewall(Kind.FIREWALL, "913100", 5) is Offence.SCANNER
    assert of_firewall(Kind.NOT_FOUND, "930130", 5) is Offence.SCANNER
    assert of_firewall(Kind.FIREWALL, "sql-101", 5) is Offence.FIREWALL_ATTACK
    assert of_firewall(Kind.FIREWALL, "942100", 15) is Offence.FIREWALL_SEVERE
    assert of_firewall(Kind.FIREWALL, "942100", 15, typed=True) is Offence.FIREWALL_TYPED
    assert of_firewall(Kind.FIREWALL, "913100", 15, typed=True) is Offence.SCANNER
    assert of_firewall(Kind.FIREWALL, "parameter.unknown", 0, typed=True) is Offence.FIREWALL_FORM
    assert of_firewall(Kind.FIREWALL, "parameter.unknown", 0) is Offence.FIREWALL_FORM
    assert of_firewall(Kind.NOT_FOUND, "route.unknown", 0) is Offence.NOT_FOUND
    assert of_firewall(Kind.INFECTED, "", 0) is Offence.INFECTED
    assert of_firewall(Kind.NO_RIGHT, "", 0) is None
    assert of_answer(HallResponse(403, offence="login_failed")) is Offence.LOGIN_FAILED
    assert of_answer(HallResponse(404)) is Offence.NOT_FOUND
    assert of_answer(HallResponse(200)) is None
    assert of_answer(HallResponse(500)) is None
