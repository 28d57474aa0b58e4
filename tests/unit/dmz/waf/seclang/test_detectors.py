from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.waf.seclang import html_tokens, sql_tokens
from dmz.waf.seclang.sqli import is_sqli
from dmz.waf.seclang.xss import is_xss

INJECTIONS = [
    "1' or '1'='1", "1 or 1=1", "' or ''='", "admin'--", "admin' -- -", "x' and sleep(3)", "sleep(5)", "1 union select 2",
    "-1' UNION ALL SELECT null,null#", "1/**/or/**/1=1", "1;drop table x", "'; waitfor delay '0:0:5'--", "') or ('1'='1",
    "\" or \"a\"=\"a", "1 order by 10--", "' group by x having 1=1", "'||(select 1)||'", "1 and (select 1)=1", "'='",
    "(select(0)from(select(sleep(5)))v)", "if(1=1,sleep(5),0)", "1 and ascii(substring((select user()),1,1))>64",
    "x',(select 1),'", "/*!50000union*/ select 1", "' or username like char(37);", "1 limit 1,1", "1 or 1=@@version",
    "' union select * from information_schema.tables--", "1 procedure analyse()", "' into outfile '/tmp/x'",
    "select 1,2 from users where id=1", "aa'or column*0='0", "1;exec xp_cmdshell 'dir'", "1) or (1=1", "' is null",
]  # fmt: skip
REMARKS = [
    "It's fine and good", "O'Brien and son's", "the boys' or girls' room", "rock 'n' roll", "5' 11\"", "I'm #1", "1 and 2",
    "Please select one from the list", "European Union select states", "Union Select Committee", "order by phone", "C# and C++",
    "He said 'or' and left", "'A' and 'B'", "count (5)", "drop table tennis", "update my details; delete the old ones",
    "申请人张三（身份证110101199003074578），工资=8000 and 缴费基数>=5000", "A/B; C & D", "Mom's -- great", "1=1", "a || b",
    "2020-01-01 and 2021-01-01", "12 O'Connell St.", "西安(Xi'an) or 长安", "is null and void", "between 1 and 5",
]  # fmt: skip
SCRIPTS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "\" onmouseover=\"alert(1)",
    "' onclick='x", "x onerror=alert(1)", "<a href=\"java\tscript:alert(1)\">", "<a href='&#106;avascript:x'>",
    "<a href=javascript&colon;x>", "\"><script>", "'><iframe src=x>", "<scr\0ipt>x", "<!--[if gte IE 4]>x", "`onclick=x",
    "<!DOCTYPE x [<!ENTITY y 'z'>]>", "<div style=\"width:expression(1)\">", "<form action=javascript:x>", "--><script>x",
    "<svg><a xlink:href=javascript:x>", "<object data=data:text/html,x>", "<?xml-stylesheet href=x?>", "x><script>y",
]  # fmt: skip
PAGES = [
    "a < b and c > d", "<b>bold</b>", "<br/>", "工资<5000", "《社保法》<第十条>", "price <100, qty >5", "online = yes",
    "style = bold", "the src = main", "email <a@b.com>", "I <3 you", "from = Xi'an to = Beijing", "x <= 5 and y >= 6",
    "href = http://x.cn", "say \"hi\" x=5", "from = java course", "a `quoted` word = x", "<form>", "ontario=ca",
]  # fmt: skip
PIECES = [
    "'", '"', "`", "\\", "(", ")", ";", "--", "#", "/*", "*/", "/*!", "<", ">", "</", "<!--", "<![CDATA[", "=", "&", "|", "\0",
    "select ", "union ", "or ", "1", "a", "@", "on", "onx=", " ", "\n", "中", "0x", "1e", ".", "javascript:", "&#", ",", "x=",
]  # fmt: skip


@pytest.mark.parametrize("text", INJECTIONS)
def test_injections_are_seen(text):
    assert is_sqli(text.encode())


@pytest.mark.parametrize("text", REMARKS)
def test_remarks_are_no_injections(text):
    assert not is_sqli(text.encode())


@pytest.mark.parametrize("text", SCRIPTS)
def test_scripts_are_seen(text):
    assert is_xss(text.encode())
    assert is_xss(text.upper().encode())


@pytest.mark.parametrize("text", PAGES + REMARKS)
def test_remarks_are_no_scripts(text):
    assert not is_xss(text.encode())


@given(
    st.one_of(
        st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=40).map(lambda p: "".join(p).encode())
    )
)
def test_any_bytes_are_judged(value):
    assert is_sqli(value) in (True, False)
    assert is_xss(value) in (True, False)


@pytest.mark.parametrize("piece", PIECES)
def test_work_is_linear(piece):
    """The tokens of a text are bounded by its length, and something quadratic would exceed the suite's time limit."""
    value = (piece.encode() * 131_072)[:131_072]
    for quote in (b"", b"'", b'"'):
        assert len(sql_tokens.read(value, quote)) <= sql_tokens.MAX_TOKENS
    assert sum(1 for _ in html_tokens.read_text(value)) <= len(value)
    is_sqli(value)
    is_xss(value)
    is_xss(b"<x " + value)
    is_xss(b"' x=1 " + value)
