"""What can be said about a new password before it crosses; the core checks again, and more (E18). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wire_formats.bilingual import Language
from wire_formats.field_faults import Fault, words
from wire_formats.fields import NO_LABEL

_DERIVED_CHARACTERS: Final = 4
_FEWEST_DIFFERENT: Final = 4


def password_errors(texts: Mapping[str, str], account: str, language: Language) -> dict[str, str]:
    """Give what is wrong, by field name.

    Args:
        texts: old_password, new_password, new_password_again as typed.
        account: the account id; a password must not contain it.
        language: of the words.
    """
    old, new = texts.get("old_password", ""), texts.get("new_password", "")
    errors: dict[str, str] = {}
    code = _fault(old, new, account)
    if code:
        errors["new_password"] = words(Fault(code), NO_LABEL).of(language)
    if new != texts.get("new_password_again", ""):
        errors["new_password_again"] = words(Fault("password_differs"), NO_LABEL).of(language)
    return errors


def _fault(old: str, new: str, account: str) -> str:
    if not new:
        return ""  # the declaration says that it is missing
    folded = new.casefold()
    if new == old:
        return "password_same"
    if len(account) >= _DERIVED_CHARACTERS and account.casefold() in folded:
        return "password_derived"
    if len(set(folded)) < _FEWEST_DIFFERENT:
        return "password_common"
    return ""
