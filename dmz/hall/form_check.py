"""The shared check of a form (`wire_formats.checking`), with its findings in the page's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wire_formats.bilingual import Language
from wire_formats.canonical import Json
from wire_formats.catalogue import Service
from wire_formats.checking import check_form
from wire_formats.field_faults import WARNINGS, Fault, words
from wire_formats.fields import NO_LABEL


@dataclass(frozen=True)
class Checked:
    """What a check gave.

    Attributes:
        body: the wire values; complete only without errors.
        errors: what is wrong, by field name.
        warnings: what was tidied or looks doubtful, without repetition.
    """

    body: Mapping[str, Json]
    errors: Mapping[str, str]
    warnings: tuple[str, ...]


def check(service: Service, texts: Mapping[str, str], language: Language) -> Checked:
    """Check the form fields of a service: all errors of all fields; tables come by workbook and are not looked at."""
    result = check_form(service, texts)
    codes = dict.fromkeys(code for code in result.warnings if code in WARNINGS)
    return Checked(
        body=result.body,
        errors={error.field.name: error.words.of(language) for error in result.errors},
        warnings=tuple(words(Fault(code), NO_LABEL).of(language) for code in codes),
    )
