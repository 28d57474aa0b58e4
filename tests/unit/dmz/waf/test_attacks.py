"""What people write passes, what attackers write does not; through the whole pipeline, in the hall's own forms."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from dmz.messages import HallRequest, Upload
from dmz.waf.verdict import Stage
from tests.support import waf_corpus as corpus
from tests.support.hall_firewall import hall_firewall
from tests.support.waf_corpus import texts
from wire_formats.errors import Kind

FIREWALL = hall_firewall()
FORM = MappingProxyType({"content-type": "application/x-www-form-urlencoded"})
GOOD = {
    "csrf": "c" * 40,
    "form_token": "t" * 22,
    "draft": "",
    "step": "form",
    "action": "check",
    "id_number": "110101199003070011",
    "name": "张三",
    "household": "10",
    "origin": "new",
    "start_month": "2024-07",
    "wage": "5000.50",
    "phone": "13800000000",
    "note": "",
}
ATTACKS = [text for block in (corpus.SQL, corpus.SCRIPT, corpus.PATH, corpus.COMMAND) for text in texts(block)]
TYPED = ("id_number", "name", "start_month", "wage", "phone", "household")


def form(**changed):
    pairs = tuple((GOOD | changed).items())
    return HallRequest("POST", "unit", "/s/employee.add", form=pairs, headers=FORM)


def test_the_good_form_passes():
    assert FIREWALL.check(form()).allowed
    assert len(texts(corpus.BENIGN)) >= 150 and len(ATTACKS) >= 150


@pytest.mark.parametrize("text", texts(corpus.BENIGN))
def test_what_people_write_passes(text):
    assert FIREWALL.check(form(note=text)).allowed


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_in_free_text_are_refused(text):
    verdict = FIREWALL.check(form(note=text))
    assert not verdict.allowed and verdict.kind is Kind.FIREWALL


@pytest.mark.parametrize("field", TYPED)
def test_attacks_in_typed_fields_are_refused(field):
    passed = [text for text in ATTACKS if FIREWALL.check(form(**{field: text})).allowed]
    assert len(passed) <= len(ATTACKS) // 100, passed


def test_what_the_rules_have_not_seen():
    benign, attacks = texts(corpus.HELD_OUT_BENIGN), texts(corpus.HELD_OUT_ATTACKS)
    passed = [text for text in attacks if FIREWALL.check(form(note=text)).allowed]
    alarms = [text for text in benign if not FIREWALL.check(form(note=text)).allowed]
    assert len(passed) <= len(attacks) * 15 // 100, passed
    assert len(alarms) <= 1, alarms


@pytest.mark.parametrize("text", texts(corpus.AGENTS))
def test_scanners_are_refused(text):
    verdict = FIREWALL.check(HallRequest("GET", "site", "/", headers={"user-agent": text}))
    assert verdict.stage is Stage.NEGATIVE


@pytest.mark.parametrize("text", texts(corpus.BROWSERS))
def test_browsers_pass(text):
    headers = {
        "user-agent": text,
        "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "accept-language": "zh-CN,zh;q=0.9,en;q=0.8,en-GB;q=0.7",
        "referer": "https://www.baidu.com/s?wd=%E7%A4%BE%E4%BF%9D&rsv_spt=1&q='a'",
    }
    assert FIREWALL.check(HallRequest("GET", "site", "/", headers=headers)).allowed


@pytest.mark.parametrize("path", texts(corpus.PROBES))
def test_probes_are_told_from_mistyped_addresses(path):
    verdict = FIREWALL.check(HallRequest("GET", "unit", path))
    assert verdict.stage is Stage.NEGATIVE and verdict.kind is Kind.NOT_FOUND
    mistyped = FIREWALL.check(HallRequest("GET", "unit", "/s/employe.add"))
    assert mistyped.stage is Stage.ROUTE and mistyped.kind is Kind.NOT_FOUND


@pytest.mark.parametrize("name", ["../../x.xlsx", "a.xlsx%00.php", "<img src=x onerror=alert(1)>.xlsx"])
def test_file_names(name):
    upload = Upload("workbook", name, "application/octet-stream", b"PK")
    pairs = (("csrf", "c" * 40), ("form_token", "t" * 22))
    headers = {"content-type": "multipart/form-data; boundary=x"}
    request = HallRequest("POST", "unit", "/b/wage.batch", form=pairs, uploads=(upload,), headers=headers)
    assert FIREWALL.check(request).stage is Stage.NEGATIVE
    good = Upload("workbook", "2024年度工资申报（第1批）.xlsx", "application/octet-stream", b"PK")
    request = HallRequest("POST", "unit", "/b/wage.batch", form=pairs, uploads=(good,), headers=headers)
    assert FIREWALL.check(request).allowed


def test_a_password_may_be_anything_printable():
    for password in ("' or 1=1--", "<script>alert(1)</script>", "p@$$w0rd;$(id)", "../../etc/passwd", "密码！"):
        pairs = (("user_name", "unit-1"), ("password", password), ("next", ""))
        assert FIREWALL.check(HallRequest("POST", "unit", "/login", form=pairs, headers=FORM)).allowed
    pairs = (("user_name", "unit-1"), ("password", "a\x00b"), ("next", ""))
    verdict = FIREWALL.check(HallRequest("POST", "unit", "/login", form=pairs, headers=FORM))
    assert verdict.rule == "param.control_character"


def test_a_verdict_never_holds_what_was_sent():
    for text in ATTACKS:
        assert text not in repr(FIREWALL.check(form(note=text, name=text)))
    assert "evil" not in repr(FIREWALL.check(form(evil="1")))
