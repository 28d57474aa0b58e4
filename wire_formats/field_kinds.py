"""Fields with an inner form: numbers, money, months, days, identity numbers, flags, rows.

See ``fields`` for the two forms of a value.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from wire_formats.bilingual import Label
from wire_formats.canonical import Json
from wire_formats.errors import PeerError
from wire_formats.field_faults import FieldFault
from wire_formats.fields import Field, Sensitivity, Text, anchored, to_half_width
from wire_formats.identifiers import credit_code_fault, id_number_fault
from wire_formats.ids import parse_reference_number, reference_number

#: 100 million yuan: more than any wage or monthly bill of one person.
MAX_FEN: Final = 10_000_000_000
_FEN_PER_YUAN: Final = 100
_MONEY: Final = re.compile(r"(?:[¥￥]\s*)?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})(?:\.([0-9]{1,2})0*)?", re.ASCII)
_MONTH: Final = re.compile(r"([0-9]{4})\s*(?:[-/.年])?\s*([0-9]{1,2})\s*月?", re.ASCII)
_DAY: Final = re.compile(r"([0-9]{4})\s*[-/.年]?\s*([0-9]{1,2})\s*[-/.月]?\s*([0-9]{1,2})\s*日?", re.ASCII)
_SCIENTIFIC: Final = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+", re.ASCII)
_WIRE_MONTH: Final = re.compile(r"(?:19|20|21)[0-9]{2}-(?:0[1-9]|1[0-2])", re.ASCII)
_WIRE_DAY: Final = re.compile(r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Whole(Field):
    """A whole number from ``least`` to ``most``."""

    least: int = 0
    most: int = 1_000_000
    kind: ClassVar[str] = "whole"

    @property
    def pattern(self) -> str:
        return f"[0-9]{{1,{self.max_length}}}"

    @property
    def max_length(self) -> int:
        return len(str(self.most))

    def read(self, text: str) -> Json:
        digits = to_half_width(text)
        if not (digits.isascii() and digits.isdigit()) or len(digits) > self.max_length:
            raise FieldFault("not_integer")
        value = int(digits)
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        if type(value) is not int:
            raise FieldFault("not_integer")
        if value < self.least:
            raise FieldFault("too_small", least=self.least)
        if value > self.most:
            raise FieldFault("too_large", most=self.most)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, kw_only=True)
class Money(Field):
    """An amount: text in yuan ("5000.50"), wire in integer fen (500050)."""

    least_fen: int = 0
    most_fen: int = MAX_FEN
    kind: ClassVar[str] = "money"

    @property
    def pattern(self) -> str:
        return r"[0-9]{1,9}(?:\.[0-9]{1,2})?"

    @property
    def max_length(self) -> int:
        return 12

    def read(self, text: str) -> Json:
        match = _MONEY.fullmatch(to_half_width(text).replace(" ", ""))
        if match is None:
            raise FieldFault("not_money")
        yuan, part = int(match[1].replace(",", "")), (match[2] or "").ljust(2, "0")
        value = yuan * _FEN_PER_YUAN + int(part)
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        if type(value) is not int:
            raise FieldFault("not_money")
        if value < self.least_fen:
            raise FieldFault("too_small", least=self.least_fen // _FEN_PER_YUAN)
        if value > self.most_fen:
            raise FieldFault("too_large", most=self.most_fen // _FEN_PER_YUAN)

    def write(self, value: Json) -> str:
        return yuan_text(value) if isinstance(value, int) else str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least_fen, "maximum": self.most_fen, "description": "fen"}


def yuan_text(fen: int) -> str:
    """Write fen as yuan with two decimals: 500050 -> ``5000.50``."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // _FEN_PER_YUAN}.{abs(fen) % _FEN_PER_YUAN:02d}"


@dataclass(frozen=True, kw_only=True)
class Month(Field):
    """A month, ``YYYY-MM`` (aae002, aae003)."""

    kind: ClassVar[str] = "month"

    @property
    def pattern(self) -> str:
        return r"(?:19|20|21)[0-9]{2}-(?:0[1-9]|1[0-2])"

    @property
    def max_length(self) -> int:
        return 7

    def read(self, text: str) -> Json:
        match = _MONTH.fullmatch(to_half_width(text))
        if match is None:
            raise FieldFault("not_month")
        value = f"{match[1]}-{int(match[2]):02d}"
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        if not isinstance(value, str) or not _WIRE_MONTH.fullmatch(value):
            raise FieldFault("not_month")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": anchored(self.pattern)}


@dataclass(frozen=True, kw_only=True)
class Day(Field):
    """A calendar day, ``YYYY-MM-DD``."""

    kind: ClassVar[str] = "day"

    @property
    def pattern(self) -> str:
        return r"(?:19|20|21)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"

    @property
    def max_length(self) -> int:
        return 10

    def read(self, text: str) -> Json:
        match = _DAY.fullmatch(to_half_width(text))
        if match is None:
            raise FieldFault("not_day")
        value = f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}"
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        if not isinstance(value, str) or not _WIRE_DAY.fullmatch(value):
            raise FieldFault("not_day")
        try:
            datetime.date.fromisoformat(value)
        except ValueError:
            raise FieldFault("not_day") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True, kw_only=True)
class IdNumber(Field):
    """A citizen identity number (公民身份号码, aac002)."""

    sensitivity: Sensitivity = Sensitivity.PERSONAL
    kind: ClassVar[str] = "id_number"

    @property
    def pattern(self) -> str:
        return "[0-9]{17}[0-9Xx]"

    @property
    def max_length(self) -> int:
        return 18

    def read(self, text: str) -> Json:
        folded = "".join(to_half_width(text).split()).upper()
        if _SCIENTIFIC.fullmatch(folded):
            raise FieldFault("id_scientific")
        self.check(folded)
        return folded

    def check(self, value: Json) -> None:
        if not isinstance(value, str):
            raise FieldFault("id_symbol")
        fault = id_number_fault(value)
        if fault:
            raise FieldFault(fault)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]{17}[0-9X]$"}


@dataclass(frozen=True, kw_only=True)
class CreditCode(Field):
    """A unified social credit code (统一社会信用代码)."""

    kind: ClassVar[str] = "credit_code"

    @property
    def pattern(self) -> str:
        return "[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]{18}"

    @property
    def max_length(self) -> int:
        return 18

    def read(self, text: str) -> Json:
        folded = "".join(to_half_width(text).split()).upper()
        self.check(folded)
        return folded

    def check(self, value: Json) -> None:
        if not isinstance(value, str):
            raise FieldFault("credit_symbol")
        fault = credit_code_fault(value)
        if fault:
            raise FieldFault(fault)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9A-HJ-NPQRTUWXY]{18}$"}


@dataclass(frozen=True, kw_only=True)
class SlipNumber(Text):
    """The certificate number of a slip (密码条), printed in groups: typed with or without hyphens, in any case."""

    most: int = 10
    least: int = 10
    grammar: str = "[2-9A-HJ-NP-Z]{10}"

    def clean(self, text: str) -> str:
        return "".join(to_half_width(text).split()).replace("-", "").upper()


@dataclass(frozen=True, kw_only=True)
class Flag(Field):
    """Yes or no."""

    kind: ClassVar[str] = "flag"
    WORDS: ClassVar[dict[str, bool]] = {"yes": True, "no": False, "是": True, "否": False, "1": True, "0": False}

    @property
    def pattern(self) -> str:
        return "yes|no"

    @property
    def max_length(self) -> int:
        return 3

    def read(self, text: str) -> Json:
        value = self.WORDS.get(to_half_width(text).lower())
        if value is None:
            raise FieldFault("not_flag")
        return value

    def check(self, value: Json) -> None:
        if not isinstance(value, bool):
            raise FieldFault("not_flag")

    def write(self, value: Json) -> str:
        return "yes" if value else "no"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, kw_only=True)
class Reference(Field):
    """A reference number of an earlier request (受理编号)."""

    kind: ClassVar[str] = "reference"

    @property
    def pattern(self) -> str:
        return r"[0-9A-Za-z*~$=\- ]{27,32}"

    @property
    def max_length(self) -> int:
        return 32

    def read(self, text: str) -> Json:
        try:
            return reference_number(parse_reference_number(to_half_width(text)))
        except PeerError:
            raise FieldFault("not_reference") from None

    def check(self, value: Json) -> None:
        if not isinstance(value, str) or len(value) > self.max_length or self.read(value) != value:
            raise FieldFault("not_reference")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.max_length}


@dataclass(frozen=True, kw_only=True)
class Rows(Field):
    """A table: each row an object with the columns' fields.  It comes from a workbook, never a form.

    Args:
        columns: the fields of one row, as the user fills them.
        most: rows in one request (one chunk of a batch).
        most_in_batch: rows in the whole workbook.
        least: fewest rows.
        numbered: whether each row carries ``row``, its line in the user's sheet.
    """

    columns: tuple[Field, ...] = ()
    most: int = 500
    least: int = 1
    most_in_batch: int = 50_000
    numbered: bool = False
    kind: ClassVar[str] = "rows"

    @property
    def wire_columns(self) -> tuple[Field, ...]:
        """The fields of one row on the wire: with ``row``, the line in the user's sheet."""
        return (ROW_NUMBER, *self.columns) if self.numbered else self.columns

    @property
    def pattern(self) -> str:
        return ""

    @property
    def max_length(self) -> int:
        return 0

    def read(self, text: str) -> Json:
        raise FieldFault("rows_none")

    def check(self, value: Json) -> None:
        """Judge the table itself; ``checking.check_body`` judges its cells."""
        if not isinstance(value, list) or len(value) < self.least:
            raise FieldFault("rows_none")
        if len(value) > self.most:
            raise FieldFault("rows_many", most=self.most)

    def schema(self) -> dict[str, Any]:
        row = {
            "type": "object",
            "properties": {column.name: column.schema() for column in self.wire_columns},
            "required": [column.name for column in self.wire_columns if column.required],
            "additionalProperties": False,
        }
        return {"type": "array", "items": row, "minItems": self.least, "maxItems": self.most}


#: The row number in the user's own sheet, carried along so that failures name the right line.
ROW_NUMBER: Final = Whole(
    name="row", label=Label("行号", "Row"), least=1, most=1_048_576, sensitivity=Sensitivity.PUBLIC
)
