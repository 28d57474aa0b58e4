"""CEF lines and syslog datagrams: what was put in comes out, whatever it holds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.edge.watch_port import Trace
from dmz.intrusion.cef import cef_line
from dmz.intrusion.events import Event, Happening, extension_of, title_of
from dmz.intrusion.offences import Offence
from dmz.intrusion.syslog import MAX_DATAGRAM, parse_collector, syslog_message

PRINTABLE = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60)
KEYS = st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True)


def read_cef(line: str) -> tuple[list[str], dict[str, str]]:
    """Read a line back, by the standard's rules and nothing of ours."""
    head: list[str] = []
    rest, part = line, ""
    while len(head) < 7:
        sign, rest = rest[0], rest[1:]
        if sign == "\\":
            part, rest = part + rest[0], rest[1:]
        elif sign == "|":
            head.append(part)
            part = ""
        else:
            part += sign
    found = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", rest))
    values = {}
    for index, match in enumerate(found):
        end = found[index + 1].start() if index + 1 < len(found) else len(rest)
        raw = rest[match.end() : end]
        values[match[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), raw)
    return head, values


@settings(max_examples=400, deadline=None)
@given(PRINTABLE, PRINTABLE, st.integers(0, 10), st.dictionaries(KEYS, PRINTABLE, max_size=6))
def test_lines_read_back(signature, name, severity, extension):
    line = cef_line((signature, name, severity), extension.items())
    head, values = read_cef(line)
    assert head == ["CEF:0", "Ferrygate", "Ferrygate edge", "1", signature, name, str(severity)]
    assert values == extension


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_a_line_is_one_line_and_begins_no_field_of_its_own(name, value):
    line = cef_line(("x", name, 1), [("a", value), ("z", "end")])
    assert len(line.splitlines()) == 1
    head, values = read_cef(line)
    assert len(head) == 7 and values.keys() == {"a", "z"} and values["z"] == "end"
    assert values["a"].count("\n") == value.count("\n"), "line ends of a value are kept"


@pytest.mark.parametrize(("title", "key"), [(("x", "y", 11), "a"), (("x", "y", -1), "a"), (("x", "y", 1), "a b")])
def test_what_the_format_does_not_know_is_our_own_mistake(title, key):
    with pytest.raises(ValueError, match=r"severity|CEF key"):
        cef_line(title, [(key, "v")])


def _fields(event: Event) -> dict[str, str]:
    line = cef_line(title_of(event), extension_of(event, 1_700_000_000_000, "edge-1"))
    return read_cef(line)[1]


def test_the_fields_of_an_offence_and_of_a_ban():
    trace = Trace("203.0.113.7", b"\x01" * 32, "unit", "ab" * 16)
    told = _fields(Event(Happening.OFFENCE, b"\x01" * 32, Offence.LOGIN_FAILED, trace, score=15))
    assert told == {
        "rt": "1700000000000",
        "deviceProcessName": "edge-1",
        "act": "offence",
        "src": "203.0.113.7",
        "cs1Label": "clientCertificateSha256",
        "cs1": "01" * 32,
        "cs2Label": "window",
        "cs2": "unit",
        "externalId": "ab" * 16,
        "cn1Label": "score",
        "cn1": "15",
    }
    told = _fields(Event(Happening.BANNED, "2001:db8::/64", reason="scanner", until_ms=5, count=2, by="edge-1"))
    assert told["c6a2"] == "2001:db8::" and "src" not in told
    assert (told["reason"], told["end"], told["cnt"], told["suser"]) == ("scanner", "5", "2", "edge-1")


def test_every_event_has_a_title_within_the_format():
    for offence in Offence:
        assert cef_line(title_of(Event(Happening.OFFENCE, "a", offence)), [])
    for what in Happening:
        if what is not Happening.OFFENCE:
            assert cef_line(title_of(Event(what)), [])
    assert len({offence.word for offence in Offence}) == len(Offence)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=3_000))
def test_datagrams_are_bounded_and_stay_utf8(line):
    data = syslog_message(line, instant="2026-01-02T03:04:05.678Z", process="edge-0")
    assert len(data) <= MAX_DATAGRAM
    assert data.decode("utf-8").startswith("<109>1 2026-01-02T03:04:05.678Z - ferrygate edge-0 - - ")


@pytest.mark.parametrize(
    ("text", "read"),
    [("203.0.113.5:514", ("203.0.113.5", 514)), ("[2001:db8::5]:6514", ("2001:db8::5", 6514))],
)
def test_collectors(text, read):
    assert parse_collector(text) == read


@pytest.mark.parametrize(
    "text", ["siem.example:514", "203.0.113.5", "203.0.113.5:0", "203.0.113.5:65536", ":514", "1:x"]
)
def test_no_collectors(text):
    with pytest.raises(ValueError, match="syslog must be"):
        parse_collector(text)
