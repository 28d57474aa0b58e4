from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.waf.seclang.model import RuleSetError
from dmz.waf.seclang.transformations import TRANSFORMATIONS, compose, steps_of

CASES = [
    ("lowercase", b"\xc3\x84bC", b"\xc3\x84bc"),
    ("uppercase", b"abC1", b"ABC1"),
    ("urldecode", b"a+%62%zz%4%%41%", b"a b%zz%4%A%"),
    ("urldecode", b"%u0041+%2b", b"%u0041 +"),
    ("urldecodeuni", b"%u0041%U0062%uff1cscript%uFF1E", b"Ab<script>"),
    ("urldecodeuni", b"%u2019 or %u201c+%u4e2d", b"' or \" -"),
    ("urldecodeuni", b"%u00zz%u41%2", b"%u00zz%u41%2"),
    ("urldecodeuni", b"%u0041%zz%", b"A%zz%"),
    ("urlencode", b"a b/*%\xff", b"a+b%2f*%25%ff"),
    ("htmlentitydecode", b"&lt;b&gt&#60;&#x3e;&#X3E &nbsp;&quot;&AMP", b"<b><>> \xa0\"&"),
    ("htmlentitydecode", b"&ltx; &eacute; &# &#x &; &", b"&ltx; &eacute; &# &#x &; &"),
    ("htmlentitydecode", b"&#x100000000000000000041;&#0000000000000000000000000000065", b"\xffA"),
    ("htmlentitydecode", b"&#" + b"9" * 9000, b"\xff"),
    ("jsdecode", rb"\u0061\uff1c\x41\101\n\'\477", b"a<AA\n''7"),
    ("jsdecode", rb"\u00g1\x4 \8\ ", rb"u00g1x4 8 "),
    ("jsdecode", b"abc\\", b"abc\\"),
    ("cssdecode", b"\\41 \\0042c\\ff1c \\00ff1cx\\zz\\\na\\", b"A,<<xzza"),
    ("cssdecode", b"j\\61\nvascript\\3a", b"javascript:"),
    ("base64decode", b"aGVsbG8=", b"hello"),
    ("base64decode", b"aGVs\r\nbG8gdw", b"hello "),
    ("base64decode", b"aGVs bG8=", b""),
    ("base64decode", b"aGVs!", b""),
    ("base64decode", b"aGVs=bG8", b""),
    ("base64decode", b"", b""),
    ("base64decodeext", b"aG.Vs!bG8", b"hello"),
    ("base64decodeext", b"a", b""),
    ("base64encode", b"hello", b"aGVsbG8="),
    ("hexencode", b"Az\xff", b"417aff"),
    ("hexdecode", b"417aF", b"Az"),
    ("hexdecode", b"zz", b"S"),
    ("sqlhexdecode", b"x=0x41420X43 0x4g 0x123", b"x=ABC 0x4g \x123"),
    ("cmdline", b"C^:\\\"WinDows\\'cmd.EXE ,;\t /c  (dir", b"c:windowscmd.exe/c(dir"),
    ("cmdline", b"c'a't /etc/passwd;  ls", b"cat/etc/passwd ls"),
    ("compresswhitespace", b" a \t\nb\vc ", b" a b c "),
    ("removewhitespace", b" a\t\n b\xc2\xa0c", b"abc"),
    ("replacecomments", b"a/**/b/* x */c/*open", b"a b c "),
    ("replacecomments", b"/*/x", b" "),
    ("removecomments", b"a/* x */b<!-- y -->c--d", b"abc"),
    ("removecomments", b"a/*b", b"a "),
    ("removecomments", b"a#b", b"a"),
    ("removecomments", b"/*x*/#b", b"#b"),
    ("removecomments", b"ab", b"ab"),
    ("removecommentschar", b"a/*b*/c<!--d-->e--f#g", b"abcdefg"),
    ("removenulls", b"a\0b", b"ab"),
    ("replacenulls", b"a\0b", b"a b"),
    ("normalizepath", b"/a/./b//../c/../../etc/passwd", b"/etc/passwd"),
    ("normalizepath", b"../../a/../b/", b"../../b/"),
    ("normalizepath", b"/../../etc", b"/etc"),
    ("normalizepath", b"a/..", b""),
    ("normalisepathwin", b"c:\\a\\..\\windows\\\\x", b"c:/windows/x"),
    ("length", b"12345", b"5"),
    ("md5", b"", bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e")),
    ("sha1", b"", bytes.fromhex("da39a3ee5e6b4b0d3255bfef95601890afd80709")),
    ("trim", b" \t\va\0 ", b"a\0"),
    ("trimleft", b" a ", b"a "),
    ("trimright", b" a ", b" a"),
    ("utf8tounicode", "a中é😀".encode(), b"a%u4e2d%u00e9%u1f600"),
    ("utf8tounicode", b"\xe4a\xff\x80\xc0\xaf", b"a\xff\x80%u002f\xc0"),
    ("escapeseqdecode", rb"\x41\101\n\\\q\xg", b"AA\n\\qxg"),
    ("parityeven7bit", b"\x01\x03", b"\x81\x03"),
    ("parityodd7bit", b"\x01\x03", b"\x01\x83"),
    ("parityzero7bit", b"\xc1\x41", b"\x41\x41"),
    ("none", b"%41", b"%41"),
]  # fmt: skip
PIECES = [
    b"%", b"%41", b"%u00e4", b"+", b"&#", b"&#x41;", b"&lt", b"\\", b"\\u0041", b"\\x4", b"\\7", b"/*", b"*/", b"<!--", b"-->", b"--",
    b"#", b"/", b"..", b"./", b"//", b" ", b"\n", b"\0", b"=", b"0x41", b"QUJD", b"\xe4\xb8\xad", b"\xff", b"'", b"a", b"9",
]  # fmt: skip
#: Give nothing back but what they were given, when that is plain.
DECODERS = sorted(set(TRANSFORMATIONS) - {
    "uppercase", "length", "md5", "sha1", "hexencode", "hexdecode", "base64decode", "base64decodeext", "base64encode",
    "parityeven7bit", "parityodd7bit",
})  # fmt: skip


@pytest.mark.parametrize(("name", "value", "wanted"), CASES)
def test_each_does_what_the_manual_says(name, value, wanted):
    assert compose((name,))(value) == wanted


@pytest.mark.parametrize("name", DECODERS)
def test_plain_values_come_back(name):
    for value in (b"", b"abc123", b"zhangsan"):
        assert compose((name,))(value) == value


@pytest.mark.parametrize(
    "name", ["urldecodeuni", "htmlentitydecode", "jsdecode", "cssdecode", "utf8tounicode", "replacecomments"]
)
def test_nothing_is_copied_when_nothing_changes(name):
    value = b"a plain remark, with a comma"
    assert compose((name,))(value) is value


@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)))
def test_any_bytes_give_bytes_of_bounded_length(value):
    for name, change in TRANSFORMATIONS.items():
        assert len(change(value)) <= max(3 * len(value) + 2, 20), name


@pytest.mark.parametrize("piece", PIECES)
def test_long_runs_are_taken(piece):
    """Something quadratic would need minutes for such a length; the suite's time limit catches it."""
    value = (piece * 200_000)[:200_000]
    for change in TRANSFORMATIONS.values():
        change(value)


def test_chains():
    chain = compose(("none", "urlDecodeUni", "htmlEntityDecode", "lowercase"))
    assert chain(b"%26lt%3bSCRIPT") == b"<script"
    assert compose(())(b"x") == b"x"
    assert compose(("trim", "lowercase"))(b" A ") == b"a"
    assert len(steps_of(("none", "trim", "lowercase"))) == 2


def test_unknown_names_are_refused():
    with pytest.raises(RuleSetError, match="rot13"):
        compose(("lowercase", "rot13"))


@given(st.binary(max_size=60))
def test_encoders_and_decoders_agree(value):
    for encode, decode in (("base64encode", "base64decode"), ("hexencode", "hexdecode"), ("urlencode", "urldecode")):
        assert compose((encode, decode))(value) == value
