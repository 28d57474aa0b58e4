"""A request's collections: what was sent, taken apart as the rules name it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.waf.seclang.bodies import MOST_ARGUMENTS, MOST_DEPTH, read_json, read_urlencoded, read_xml
from dmz.waf.seclang.effects import MOST_VARIABLES, effect_of, number_of
from dmz.waf.seclang.model import Action, RuleSetError, Selection, Variable
from dmz.waf.seclang.multipart import read_multipart
from dmz.waf.seclang.sent_request import SentRequest, read_request
from dmz.waf.seclang.targets import Targets
from dmz.waf.seclang.transaction import Looked, Transaction, begin, take_body

FORM = b"application/x-www-form-urlencoded"
POST = (
    b"POST /hall/s%2Fa.php?id=1&q=a+b%21&id=2#x HTTP/1.1\r\nHost: localhost:7002\r\nCookie: a=1; b=2\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname=%E5%BC%A0&q=z"
)


def loaded(data: bytes = POST) -> Transaction:
    made = begin(read_request(data))
    take_body(made)
    return made


def one(made: Transaction, name: str) -> bytes:
    [(_, value)] = made.entries(name)
    return value


def test_a_form_is_taken_apart() -> None:
    made = loaded()
    assert one(made, "REQUEST_METHOD") == b"POST"
    assert one(made, "REQUEST_LINE") == b"POST /hall/s%2Fa.php?id=1&q=a+b%21&id=2#x HTTP/1.1"
    assert one(made, "REQUEST_FILENAME") == b"/hall/s/a.php"
    assert one(made, "REQUEST_BASENAME") == b"a.php"
    assert one(made, "QUERY_STRING") == b"id=1&q=a+b%21&id=2"
    assert made.entries("ARGS_GET") == [(b"id", b"1"), (b"q", b"a b!"), (b"id", b"2")]
    assert made.entries("ARGS_POST") == [(b"name", "张".encode()), (b"q", b"z")]
    assert made.entries("ARGS") == made.entries("ARGS_GET") + made.entries("ARGS_POST")
    assert made.entries("ARGS_NAMES")[0] == (b"id", b"id")
    assert one(made, "ARGS_COMBINED_SIZE") == b"%d" % (3 + 5 + 3 + 7 + 2)
    assert made.entries("REQUEST_COOKIES") == [(b"a", b"1"), (b"b", b"2")]
    assert one(made, "REQBODY_PROCESSOR") == b"URLENCODED"
    assert one(made, "REQUEST_BODY") == b"name=%E5%BC%A0&q=z"
    assert one(made, "REQBODY_ERROR") == b"0"
    assert made.entries("NO_SUCH") == []


def test_macros_are_filled() -> None:
    made = loaded()
    made.tx[b"score"] = b"5"
    assert made.expand("%{tx.Score} %{REQUEST_HEADERS.host} %{args.q} %{remote_addr}|%{tx.none}|%{}") == (
        b"5 localhost:7002 a b! 127.0.0.1||%{}"
    )


def test_what_was_sent_is_read_leniently() -> None:
    sent = read_request(b"GET  /a b HTTP/1.0\nX: 1\nbroken\n\nrest")
    assert (sent.method, sent.uri, sent.protocol, sent.body) == (b"GET", b" /a b", b"HTTP/1.0", b"rest")
    assert sent.headers == ((b"X", b"1"),)
    assert read_request(b"GET /").line == b"GET /"


@given(st.binary(max_size=300))
def test_any_bytes_make_a_transaction(data: bytes) -> None:
    for kind in (FORM, b"application/json", b"text/xml", b"multipart/form-data; boundary=x", data[:40]):
        made = begin(SentRequest(b"POST", data[:50], headers=((b"Content-Type", kind), (data[:9], data)), body=data))
        made.processor = {b"application/json": "JSON", b"text/xml": "XML"}.get(kind, made.processor)
        take_body(made)
        assert one(made, "REQBODY_ERROR") in (b"0", b"1")
        for entries in made.collections.values():
            assert {type(part) for entry in entries for part in entry} <= {bytes}


def test_json_leaves_are_arguments() -> None:
    parsed = read_json(b'{"a":{"b":[1,"x",null,true]},"c":1.5}')
    assert parsed.list_names == [b"json.a.b"]
    assert parsed.arguments == [
        (b"json.a.b.array_0", b"1"), (b"json.a.b.array_1", b"x"), (b"json.a.b.array_2", b""),
        (b"json.a.b.array_3", b"true"), (b"json.c", b"1.5"),
    ]  # fmt: skip
    for wrong in (b"{", b"NaN", b"\xff", b"[" * (MOST_DEPTH + 1), b"[" + b"1," * MOST_ARGUMENTS + b"1]"):
        assert read_json(wrong).error


def test_the_number_of_arguments_is_bounded() -> None:
    assert len(read_urlencoded(b"a=1&" * 5_000)) == MOST_ARGUMENTS


def test_xml_gives_its_texts_and_takes_no_document_type() -> None:
    parsed = read_xml(b"<a href='x&#39;'><b>one</b> two</a>")
    assert parsed.texts == [(b"/*", b"one two"), (b"//@*", b"x'")]
    parsed = read_xml(
        b"<?xml version='1'?><a xmlns:n='u' b = \"&#x7B;'&quot;\">1<!-- 2 --><![CDATA[&lt;3]]>&amp;&#20013;&#xD800;&x;</a>"
    )
    assert parsed.texts == [(b"/*", b"1&lt;3&" + "中".encode() + b"&#xD800;&x;"), (b"//@*", b"{'\"")]
    assert read_xml(b'<a b=\'<c d="1" <!-- e').texts == [(b"/*", b"'"), (b"//@*", b"1")]
    assert read_xml(b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>').error
    assert read_xml(b"no").error


def test_rules_see_at_once_which_reader_they_have_chosen() -> None:
    made = begin(read_request(b"POST / HTTP/1.1\r\nContent-Type: application/xml\r\n\r\n<a>b</a>"))
    assert made.entries("REQBODY_PROCESSOR") == [(b"", b"")]
    made.choose_processor("XML")
    assert made.entries("REQBODY_PROCESSOR") == [(b"", b"XML")]
    take_body(made)
    assert made.entries("REQUEST_BODY") == [(b"", b"")]


def test_of_a_multipart_name_only_quote_and_backslash_can_be_escaped() -> None:
    part = b'Content-Disposition: form-data; name="a"; filename="..\\1.j\\s\\\\p\\"x"\r\n\r\n1'
    parsed = read_multipart(b"multipart/form-data; boundary=B", body(part))
    assert parsed.files == [(b"a", b'..\\1.j\\s\\p"x')]


def body(*parts: bytes, end: bytes = b"--B--\r\n") -> bytes:
    return b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + end


FIELD = b'Content-Disposition: form-data; name="a"\r\n\r\n1'
FILE = b'Content-Disposition: form-data; name="f"; filename="w.xlsx"\r\nContent-Type: x/y\r\n\r\n12345'


def test_an_honest_multipart_body_sets_no_flag() -> None:
    parsed = read_multipart(b"multipart/form-data; boundary=B", body(FIELD, FILE))
    assert (parsed.arguments, parsed.files, parsed.file_sizes) == ([(b"a", b"1")], [(b"f", b"w.xlsx")], [(b"f", b"5")])
    assert not parsed.error
    assert not any(parsed.flags.values())
    assert (b"f", b"Content-Type: x/y") in parsed.part_headers


@pytest.mark.parametrize(
    ("kind", "data", "flag"),
    [
        (b"boundary=B", b"x" + body(FIELD), "MULTIPART_DATA_BEFORE"),
        (b"boundary=B", body(FIELD) + b"y", "MULTIPART_DATA_AFTER"),
        (b"boundary=B", body(FIELD).replace(b"\r\n", b"\n"), "MULTIPART_LF_LINE"),
        (b"boundary=B", body(FIELD.replace(b"; name", b";\r\n name")), "MULTIPART_HEADER_FOLDING"),
        (b"boundary=B", body(FIELD, end=b""), "MULTIPART_STRICT_ERROR"),
        (b"boundary=B; boundary=C", body(FIELD), "MULTIPART_STRICT_ERROR"),
        (b"x", body(FIELD), "MULTIPART_STRICT_ERROR"),
        (b"boundary=B", body(FIELD.replace(b'name="a"', b'name="a"; name="b"')), "MULTIPART_INVALID_PART"),
    ],
)
def test_every_departure_sets_its_flag(kind: bytes, data: bytes, flag: str) -> None:
    parsed = read_multipart(b"multipart/form-data; " + kind, data)
    assert parsed.flags[flag]
    assert parsed.flags["MULTIPART_STRICT_ERROR"]


def run(made: Transaction, *actions: Action) -> None:
    for action in actions:
        effect = effect_of(action)
        assert effect is not None
        effect(made)


def test_variables_are_set_counted_and_removed() -> None:
    made = loaded()
    run(
        made,
        Action("setvar", "tx.Level=3"), Action("setvar", "tx.score=+%{tx.level}"), Action("setvar", "TX.score=+4"),
        Action("setvar", "tx.score=-1"), Action("setvar", "tx.flag"), Action("setvar", "tx.x_%{tx.level}=y"),
        Action("setvar", "tx.gone=1"), Action("setvar", "!tx.gone"), Action("setvar", "ip.count=+1"),
    )  # fmt: skip
    assert made.tx == {b"level": b"3", b"score": b"6", b"flag": b"1", b"x_3": b"y"}
    assert [number_of(text) for text in (b" 12x", b"-3", b"x", b"")] == [12, -3, 0, 0]


def test_the_rules_variables_are_bounded() -> None:
    made = loaded()
    for number in range(MOST_VARIABLES + 10):
        run(made, Action("setvar", f"tx.v{number}=1"))
    assert len(made.tx) == MOST_VARIABLES


def test_controls() -> None:
    made = loaded()
    run(
        made,
        Action("ctl", "ruleRemoveById=941100-941199"), Action("ctl", "ruleRemoveByTag=attack-xss"),
        Action("ctl", "ruleRemoveTargetById=942100;ARGS:Note"), Action("ctl", "requestBodyProcessor=JSON"),
        Action("ctl", "ruleEngine=Off"), Action("ctl", "auditEngine=Off"), Action("ctl", "forceRequestBodyVariable=On"),
    )  # fmt: skip
    assert (made.removed, made.removed_tags) == ([(941100, 941199)], ["attack-xss"])
    assert made.untargeted == [("942100", "ARGS", b"note")]
    assert (made.processor, made.enabled, made.force_body) == ("JSON", False, True)
    assert effect_of(Action("msg", "x")) is None
    for wrong in ("ruleRemoveById=x", "requestBodyProcessor=PDF", "nothing=1"):
        with pytest.raises(RuleSetError):
            effect_of(Action("ctl", wrong))
    with pytest.raises(RuleSetError):
        effect_of(Action("setvar", "score=1"))


def looked(
    made: Transaction, *variables: Variable, out: list[tuple[str, bytes]] | None = None
) -> list[tuple[str, bytes]]:
    found = Targets(variables).look(made, out or [])
    return [(Looked(name, key, value).name, value) for name, entries in found for key, value in entries]


def test_targets_and_what_is_left_out() -> None:
    made = loaded()
    everything = Variable("ARGS")
    assert len(looked(made, everything)) == 5
    assert looked(made, Variable("ARGS", Selection.NAME, "ID")) == [("ARGS:id", b"1"), ("ARGS:id", b"2")]
    assert looked(made, Variable("ARGS", Selection.PATTERN, "^n")) == [("ARGS:name", "张".encode())]
    assert looked(made, Variable("ARGS", counted=True)) == [("&ARGS", b"5")]
    assert looked(made, Variable("REQUEST_HEADERS", Selection.NAME, "Host", counted=True)) == [
        ("&REQUEST_HEADERS:Host", b"1")
    ]
    without = Variable("ARGS", Selection.NAME, "id", excluded=True)
    assert [name for name, _ in looked(made, everything, without)] == ["ARGS:q", "ARGS:name", "ARGS:q"]
    assert looked(made, everything, Variable("ARGS", excluded=True)) == []
    assert [name for name, _ in looked(made, everything, out=[("ARGS", b"q")])] == ["ARGS:id", "ARGS:id", "ARGS:name"]
    assert looked(made, everything, out=[("ARGS", b"")]) == []
    with pytest.raises(RuleSetError):
        Targets([Variable("ARGS", Selection.PATTERN, r"(a)\1")])
