"""A form as data, generated from a service's declaration; `templates/parts.html` writes it out.

The browser is helped, never trusted: `maxlength` leaves room for the spaces and commas that honest people type and the
page check removes; forms carry `novalidate`, so that all errors come together, in the hall's own words, from the
server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dmz.hall.wording import say
from wire_formats.bilingual import Language
from wire_formats.catalogue import Service
from wire_formats.field_kinds import CreditCode, Day, Flag, IdNumber, Money, Month, Reference, SlipNumber, Whole
from wire_formats.fields import Choice, Field, Secret, Text

MAX_RADIOS: Final = 5
_SLACK: Final = 12
_LONG_TEXT: Final = 100
_BARE_HYPHEN: Final = re.compile(r"(?<!\\)-\]")
_WIDE_ESCAPE: Final = re.compile(r"\\U([0-9a-fA-F]{8})")

#: Purposes of inputs about the user himself (WCAG 1.3.5); other people's data must not be filled in by browsers.
_AUTOCOMPLETE: Final[Mapping[str, str]] = {
    "user_name": "username",
    "password": "current-password",
    "old_password": "current-password",
    "new_password": "new-password",
    "new_password_again": "new-password",
    "verification_code": "one-time-code",
}


@dataclass(frozen=True)
class Option:
    """One entry of a choice."""

    code: str
    label: str
    chosen: bool
    id: str


@dataclass(frozen=True)
class FieldView:
    """One field of a form, ready to be written.

    Attributes:
        widget: "input", "lines", "radios", "select" or "hidden".
        type: of the input element.
        inputmode: which keyboard a phone shows.
        pattern: HTML pattern of the text form, "" for none.
        value: the text as typed; always "" for a secret.
        width: "w4", "w8", "w20" or "".
        unit: words after the input ("yuan"), or "".
        error: what is wrong, or "".
        described_by: ids for aria-describedby.
    """

    id: str
    name: str
    label: str
    hint: str
    required: bool
    widget: str
    type: str
    inputmode: str
    maxlength: int
    pattern: str
    autocomplete: str
    value: str
    width: str
    digits: bool
    options: tuple[Option, ...]
    error: str

    @property
    def described_by(self) -> str:
        """The ids of hint and error, for aria-describedby."""
        ids = [f"{self.id}-hint"] * bool(self.hint) + [f"{self.id}-error"] * bool(self.error)
        return " ".join(ids)

    @property
    def target(self) -> str:
        """The id an error summary links to: the input itself, or the first entry of a group."""
        return self.options[0].id if self.widget == "radios" and self.options else self.id


@dataclass(frozen=True)
class FormView:
    """A whole form."""

    fields: tuple[FieldView, ...]

    @property
    def errors(self) -> tuple[FieldView, ...]:
        """The fields with errors, in the order of the form."""
        return tuple(field for field in self.fields if field.error)


def form_view(
    fields: Iterable[Field],
    language: Language,
    *,
    texts: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> FormView:
    """Make the form of some declared fields.

    Args:
        fields: the fields to show.
        language: of labels and hints.
        texts: what was typed before.
        errors: what is wrong, by field name, in this language.
    """
    known = texts or {}
    wrong = errors or {}
    return FormView(
        tuple(_view(field, language, known.get(field.name, ""), wrong.get(field.name, "")) for field in fields)
    )


def texts_of(service: Service, pairs: Iterable[tuple[str, str]], *, secrets: bool = False) -> dict[str, str]:
    """Pick the texts of a service's form fields out of a form's pairs, the first of each.

    Args:
        service: whose fields.
        pairs: as sent.
        secrets: whether to take Secret fields too.
    """
    wanted = {field.name for field in service.form_fields if secrets or not isinstance(field, Secret)}
    texts: dict[str, str] = {}
    for name, value in pairs:
        if name in wanted and name not in texts:
            texts[name] = value
    return texts


def html_pattern(pattern: str) -> str:
    r"""Turn a declared pattern into HTML's dialect (ECMAScript with the flag `v`).

    `\U0001F600` becomes `\u{1F600}`; a bare hyphen at the end of a class is an error there and gets its backslash.
    """
    wide = _WIDE_ESCAPE.sub(lambda match: f"\\u{{{int(match[1], 16):X}}}", pattern)
    return _BARE_HYPHEN.sub(r"\-]", wide)


def _view(field: Field, language: Language, text: str, error: str) -> FieldView:
    identity = f"f-{field.name}"
    secret = isinstance(field, Secret)
    return FieldView(
        id=identity,
        name=field.name,
        label=field.label.of(language),
        hint=field.hint.of(language),
        required=field.required,
        widget=_widget(field),
        type="password" if secret else "text",
        inputmode=_inputmode(field),
        maxlength=_maxlength(field),
        pattern="" if secret else html_pattern(field.pattern),
        autocomplete=_AUTOCOMPLETE.get(field.name, "off"),
        value="" if secret else text,
        width=_width(field),
        digits=isinstance(field, IdNumber | CreditCode | Money | Month | Day | Whole | Reference | SlipNumber),
        options=_options(field, identity, text, language),
        error=error,
    )


def _widget(field: Field) -> str:
    if isinstance(field, Flag):
        return "radios"
    if isinstance(field, Choice):
        return "radios" if len(field.choices) <= MAX_RADIOS and field.required else "select"
    if isinstance(field, Text) and field.lines:
        return "lines"
    return "input"


def _inputmode(field: Field) -> str:
    if isinstance(field, Whole):
        return "numeric"
    if isinstance(field, Money):
        return "decimal"
    if field.name == "phone":
        return "tel"
    return "text"


def _maxlength(field: Field) -> int:
    if isinstance(field, Whole | IdNumber | CreditCode | Money | Month | Day | Reference | SlipNumber):
        return field.max_length + _SLACK
    return field.max_length


def _width(field: Field) -> str:
    if isinstance(field, Whole):
        return "w4"
    if isinstance(field, Month | Day | Money):
        return "w8"
    if (isinstance(field, Text) and field.most >= _LONG_TEXT) or isinstance(field, Reference):
        return ""
    return "w20"


def _options(field: Field, identity: str, text: str, language: Language) -> tuple[Option, ...]:
    if isinstance(field, Flag):
        pairs = [("yes", say(language, "yes")), ("no", say(language, "no"))]
    elif isinstance(field, Choice):
        pairs = [(code, label.of(language)) for code, label in field.choices.items()]
    else:
        return ()
    return tuple(Option(code, label, code == text, f"{identity}-{code}") for code, label in pairs)
