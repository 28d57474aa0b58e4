"""Files of reference rows: what is not exactly a row is refused in one line that says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.reference.rows import MOST_FILE_BYTES, BaseRow, RateRow, read_rows
from wire_formats.settings_reader import SettingsError

BASE = """[[base]]
pooling_area = "420100"
first = "2026-01"
average_wage_fen = 3
floor_fen = 1
ceiling_fen = 2
source = "s"
evidence = "e"
verified = true
illustrative = false
"""
CLASSES = """[[classes]]
insurance = "410"
first = "2026-01"
last = "2026-06"
employer = [20, 40]
source = "s"
evidence = "e"
verified = false
"""


def test_rows_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "rows.toml"
    path.write_text(BASE + CLASSES, encoding="utf-8")
    rates, bases = read_rows(path)
    assert bases == [BaseRow("420100", 202601, None, 3, 1, 2, True, False, "s [e]")]
    assert rates == [
        RateRow("410", "1", 202601, 202606, 20, 0, 0, False, "s [e]"),
        RateRow("410", "2", 202601, 202606, 40, 0, 0, False, "s [e]"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("[[base]]", "[[bases]]", "unknown field `bases`"),
        ("verified", "checked", "unknown field `checked`"),
        ('source = "s"\n', "", "missing required field `source`"),
        ("floor_fen = 1", "floor_fen = 1.5", "Expected `int`, got `float` - at `\\$.base"),
        ("floor_fen = 1", "floor_fen = true", "Expected `int`, got `bool`"),
        ("floor_fen = 1", "floor_fen = -1", ">= 0"),
        ("floor_fen = 1", "floor_fen = 3", "the floor is above the ceiling"),
        ("2026-01", "2026-13", "202613"),
        ("2026-01", "January", "first"),
        ("2026-06", "2025-12", "ends before it begins"),
        ("420100", "4201", "pooling_area"),
        ('"410"', '"999"', "no such insurance: '999'"),
        ("[20, 40]", "[20, 10001]", "<= 10000"),
        ("[20, 40]", "[]", "length"),
        ('"s"', f'"{"s" * 200}"', "more than 200 characters"),
        ("[[base]]", "[[base", "line 1"),
        ("[[base]]", "#" * MOST_FILE_BYTES, "more than 1,000,000 bytes"),
    ],
)
def test_what_is_no_row(old: str, new: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.toml"
    assert old in BASE + CLASSES
    path.write_text((BASE + CLASSES).replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=why) as caught:
        read_rows(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_give_rows_or_an_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    for whole in (data, BASE.encode().replace(b"420100", data), BASE.encode() + data):
        path.write_bytes(whole)
        try:
            read_rows(path)
        except SettingsError as error:
            assert str(error)
