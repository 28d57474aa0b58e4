"""The grammar of a field: one object drives form, page check, firewall, wire, Excel and OpenAPI.

A field knows two forms of a value:

    text   what people type and firewalls see        "5000.50"   "2026-07"   "是"
    wire   what crosses in canonical JSON            500050      "2026-07"   true

``read`` turns text into wire, ``check`` judges a wire value, ``write`` gives the text again.
``read`` accepts what honest people type (full-width digits, surrounding spaces, lower-case x);
``check`` accepts only the one normal form.  ``pattern`` is unanchored (HTML and JSON Schema have no
end-of-text anchor); users of it match the whole text.

Source: DESIGN invariant 7; research "One declaration" (why not ``$``).
"""

from __future__ import annotations

import enum
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from wire_formats.bilingual import Label
from wire_formats.canonical import Json
from wire_formats.field_faults import FieldFault

NO_LABEL: Final = Label("", "")

#: Invisible characters, direction overrides and lone surrogates (which have no UTF-8 form).
_INVISIBLE: Final = r"\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_CONTROL: Final = re.compile(rf"[\x00-\x1f{_INVISIBLE}]")
_CONTROL_BUT_LINES: Final = re.compile(rf"[\x00-\x09\x0b-\x1f{_INVISIBLE}]")
_FULL_WIDTH: Final = {**{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}, 0x3000: 0x20}
_DOTS: Final = str.maketrans(dict.fromkeys("•・‧∙⋅．", "·"))
_HAN: Final = re.compile("[\u3400-\u9fff]")
_SPACES: Final = re.compile(r"\s+")
_WIDE_ESCAPE: Final = re.compile(r"\\U([0-9a-fA-F]{8})")


class Sensitivity(enum.Enum):
    """Who may see a value, and where it may lie."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SECRET = "secret"  # noqa: S105 - a level, not a secret


@dataclass(frozen=True, kw_only=True)
class Field(ABC):
    """What all fields have.

    Args:
        name: key in body and form, ``[a-z][a-z0-9_]*``.
        label: what users see.
        hint: one helping line under the label.
        required: whether it may be left out.
        sensitivity: who may see it.
    """

    name: str
    label: Label
    hint: Label = NO_LABEL
    required: bool = True
    sensitivity: Sensitivity = Sensitivity.INTERNAL

    kind: ClassVar[str] = ""

    @property
    @abstractmethod
    def pattern(self) -> str:
        """The unanchored regular expression of the text form."""

    @property
    @abstractmethod
    def max_length(self) -> int:
        """The largest number of characters of the text form."""

    @abstractmethod
    def read(self, text: str) -> Json:
        """Turn cleaned, non-empty text into the wire value.

        Raises:
            FieldFault: what is wrong.
        """

    @abstractmethod
    def check(self, value: Json) -> None:
        """Judge a wire value.

        Raises:
            FieldFault: what is wrong; also for any other type.
        """

    def write(self, value: Json) -> str:
        """Give the text form of a right wire value."""
        return str(value)

    def name_of(self, value: Json) -> Label | None:
        """Give the name of a value that is a code with a name; None for every other value."""
        return None

    def clean(self, text: str) -> str:
        """Give text as its writer meant it: NFC, without surrounding white space."""
        return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema of the wire value."""


def to_half_width(text: str) -> str:
    """Turn full-width digits, letters and signs into plain ASCII ones."""
    return text if text.isascii() else text.translate(_FULL_WIDTH)


def anchored(pattern: str) -> str:
    r"""Turn a pattern into JSON Schema's dialect: one that searches, in ECMAScript with the flag `u`.

    `\U00020000` is Python's alone and becomes the character itself, which both understand.
    """
    return f"^(?:{_WIDE_ESCAPE.sub(lambda match: chr(int(match[1], 16)), pattern)})$"


@dataclass(frozen=True, kw_only=True)
class Text(Field):
    """Free or patterned text.

    Args:
        most: largest number of characters.
        least: smallest number.
        grammar: unanchored pattern, or empty for any printable text.
        lines: whether line breaks are allowed.
    """

    most: int
    least: int = 1
    grammar: str = ""
    lines: bool = False
    kind: ClassVar[str] = "text"

    @property
    def pattern(self) -> str:
        if self.grammar:
            return self.grammar
        return r"[^\x00-\x09\x0b-\x1f\x7f-\x9f]+" if self.lines else r"[^\x00-\x1f\x7f-\x9f]+"

    @property
    def max_length(self) -> int:
        return self.most

    def clean(self, text: str) -> str:
        cleaned = super().clean(text)
        return cleaned.replace("\r\n", "\n").replace("\r", "\n") if self.lines else cleaned

    def read(self, text: str) -> Json:
        self.check(text)
        return text

    def check(self, value: Json) -> None:
        if not isinstance(value, str):
            raise FieldFault("symbols")
        if len(value) > self.most:
            raise FieldFault("too_long", most=self.most)
        if len(value) < self.least:
            raise FieldFault("too_short", least=self.least)
        if (_CONTROL_BUT_LINES if self.lines else _CONTROL).search(value):
            raise FieldFault("control")
        if self.grammar and not re.fullmatch(self.grammar, value):
            raise FieldFault("symbols")
        if not unicodedata.is_normalized("NFC", value) or value.strip() != value:
            raise FieldFault("symbols")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": self.least, "maxLength": self.most, "pattern": anchored(self.pattern)}


@dataclass(frozen=True, kw_only=True)
class PersonName(Text):
    """A person's name: Han characters with the middle dot, or Latin letters (aac003)."""

    most: int = 50
    sensitivity: Sensitivity = Sensitivity.PERSONAL
    grammar: str = r"[\u3400-\u9fff\U00020000-\U0003ffff〇·A-Za-zÀ-ž' .\-]+"
    kind: ClassVar[str] = "person_name"

    def clean(self, text: str) -> str:
        # The middle dot of minority names is typed in many ways; inner spaces mean nothing in Han names.
        cleaned = super().clean(text).translate(_DOTS)
        return _SPACES.sub("" if _HAN.search(cleaned) else " ", cleaned)


@dataclass(frozen=True, kw_only=True)
class Secret(Field):
    """A password or code: never shown, logged or stored; sealed to the core inside the body.

    The wire value is the base64url text of ``seal.seal_secret``; the limits are those of the plain text.
    """

    most: int = 128
    least: int = 1
    sensitivity: Sensitivity = Sensitivity.SECRET
    kind: ClassVar[str] = "secret"
    SEALED: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9_-]{64,800}", re.ASCII)

    @property
    def pattern(self) -> str:
        return r"[^\x00-\x1f\x7f]+"

    @property
    def max_length(self) -> int:
        return self.most

    def clean(self, text: str) -> str:
        # A password is taken as typed, except for its Unicode form: two keyboards, one password.
        return unicodedata.normalize("NFC", text)

    def read(self, text: str) -> Json:
        if len(text) > self.most:
            raise FieldFault("too_long", most=self.most)
        if len(text) < self.least:
            raise FieldFault("too_short", least=self.least)
        if _CONTROL.search(text):
            raise FieldFault("control")
        return text

    def check(self, value: Json) -> None:
        if not isinstance(value, str) or not self.SEALED.fullmatch(value):
            raise FieldFault("symbols")

    def schema(self) -> dict[str, Any]:
        # What crosses is not what is typed: the seal's text, whatever the length of the password.
        return {"type": "string", "format": "password", "pattern": anchored(self.SEALED.pattern)}


@dataclass(frozen=True, kw_only=True)
class Choice(Field):
    """One of a fixed list; wire and text form are the code.

    Args:
        choices: code -> label, in the order shown.
    """

    choices: Mapping[str, Label] = field(default_factory=dict)
    kind: ClassVar[str] = "choice"

    @property
    def pattern(self) -> str:
        return "|".join(re.escape(code) for code in self.choices)

    @property
    def max_length(self) -> int:
        return max(len(code) for code in self.choices)

    def read(self, text: str) -> Json:
        code = _code_in(to_half_width(text), self.choices)
        if code is None:
            raise FieldFault("not_choice")
        return code

    def check(self, value: Json) -> None:
        if not isinstance(value, str) or value not in self.choices:
            raise FieldFault("not_choice")

    def name_of(self, value: Json) -> Label | None:
        return self.choices.get(value) if isinstance(value, str) else None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}


@dataclass(frozen=True, kw_only=True)
class Code(Text):
    """A code of a register kept elsewhere; wire and text form are the code.

    Other than a ``Choice``, a code whose name is not known here is right too and is shown as it is: the register
    may gain an entry before this list does.

    Args:
        choices: code -> name, as far as known.
    """

    choices: Mapping[str, Label] = field(default_factory=dict)
    kind: ClassVar[str] = "code"

    def read(self, text: str) -> Json:
        return super().read(_code_in(to_half_width(text), self.choices) or text)

    def name_of(self, value: Json) -> Label | None:
        return self.choices.get(value) if isinstance(value, str) else None

    def schema(self) -> dict[str, Any]:
        named = [{"const": code, "title": f"{label.zh} {label.en}"} for code, label in self.choices.items()]
        return {"type": "string", "anyOf": [*named, super().schema()]}


def _code_in(text: str, choices: Mapping[str, Label]) -> str | None:
    """Find the code that a text is or names; spreadsheets carry the words that the template's list shows."""
    if text in choices:
        return text
    for code, label in choices.items():
        if text in (label.zh, label.en, f"{code} {label.zh}", f"{code} {label.en}"):
            return code
    return None
