"""Rule files → directives: comments, continued lines, quotes, limits."""

from __future__ import annotations

import pytest

from dmz.waf.seclang import lexer
from dmz.waf.seclang.lexer import Directive, read_directives
from dmz.waf.seclang.model import Place, RuleSetError


def _read(text: str | bytes) -> list[Directive]:
    return list(read_directives(text.encode() if isinstance(text, str) else text, "a.conf"))


def _arguments(text: str) -> tuple[str, ...]:
    (directive,) = _read(text)
    return directive.arguments


def test_names_arguments_and_lines() -> None:
    assert _read('# hello\n\n  SecRuleEngine On\n\tSecMarker "here"\n') == [
        Directive("SecRuleEngine", ("On",), Place("a.conf", 3)),
        Directive("SecMarker", ("here",), Place("a.conf", 4)),
    ]


def test_a_directive_without_arguments() -> None:
    assert _arguments("SecResponseBodyMimeTypesClear") == ()


def test_continued_lines_are_one_directive_and_keep_its_first_line() -> None:
    text = '\nSecAction \\\n    "id:1,\\\n    phase:2,\\\n    pass"\nSecMarker x\n'
    first, second = _read(text)
    assert first.arguments == ("id:1,    phase:2,    pass",)
    assert (first.place.line, second.place.line) == (2, 6)


def test_windows_line_ends_and_a_byte_order_mark() -> None:
    assert _read("\ufeffSecMarker \\\r\n  x\r\n".encode())[0].arguments == ("x",)


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        (r'"a \"b\" c"', 'a "b" c'),
        (r'"a\\"', r"a\\"),
        (r'"[\\\"]"', r"[\\" + '"]'),
        (r'"\d+\.\s"', r"\d+\.\s"),
        ('""', ""),
        (r'"it\'s"', r"it\'s"),
        ("^\\d+$", "^\\d+$"),
        ('"姓名 ü"', "姓名 ü"),
        ("'x'", "'x'"),
    ],
)
def test_escapes(text: str, argument: str) -> None:
    assert _arguments(f"SecX {text}") == (argument,)


def test_an_escaped_backslash_at_the_end_does_not_continue_the_line() -> None:
    first, second = _read("SecX a\\\\\nSecY b\n")
    assert (first.arguments, second.arguments) == (("a\\\\",), ("b",))


def test_a_comment_is_never_continued() -> None:
    assert [d.name for d in _read("# SecA a \\\nSecB b\n")] == ["SecB"]


def test_a_hash_inside_a_directive_is_text() -> None:
    assert _arguments('SecX "a \\\n#b"') == ("a #b",)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('SecA a\nSecX "abc', 2, "not closed"),
        ('SecX "abc\\"', 1, "not closed"),
        ('SecX "abc"def', 1, "right after the closing quote"),
        ('SecX ab"c', 1, "a quote within"),
        ("SecA a\n\n<IfModule x>", 3, "web server"),
        ("SecA a\n***", 2, "no directive"),
        ('Sec"x" a', 1, "no directive"),
        ("SecA a\nSecX a \\", 2, "within a continued line"),
        ("SecA a\nSecX a\x00b", 2, "U+0000"),
        ("SecX a\u2028b", 1, "U+2028"),
        ("SecX a\rb", 1, "U+000D"),
        (b"SecX a\nSecX \xff", 2, "not UTF-8"),
    ],
)
def test_malformed_text_names_file_and_line(text: str | bytes, line: int, what: str) -> None:
    with pytest.raises(RuleSetError) as caught:
        _read(text)
    assert str(caught.value).startswith(f"a.conf:{line}: ")
    assert what in str(caught.value)


def test_limits() -> None:
    most = lexer.MOST_DIRECTIVE_CHARS
    assert len(_arguments("SecX " + "a" * (most - 5))[0]) == most - 5
    with pytest.raises(RuleSetError, match="characters"):
        _read("SecX " + "a" * (most - 4))
    with pytest.raises(RuleSetError, match="a.conf:2: .*characters"):
        _read("\nSecX \\\n" + "aaaaaaaa\\\n" * (most // 8) + "b\n")
    with pytest.raises(RuleSetError, match="arguments"):
        _read("SecX" + " a" * (lexer.MOST_ARGUMENTS + 1))
    with pytest.raises(RuleSetError, match="bytes"):
        _read(b"#" * (lexer.MOST_FILE_BYTES + 1))
