"""Fields, identifiers and checking: what people type, what crosses, and what is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_formats import identifiers
from wire_formats.bilingual import LANGUAGES, Label
from wire_formats.canonical import Json
from wire_formats.catalogue import SERVICES, service
from wire_formats.catalogue.words import AGENCIES, DEPARTMENTS, DISTRICTS, RISK_CLASSES
from wire_formats.checking import check_answer, check_body, check_form
from wire_formats.errors import Kind, PeerError
from wire_formats.field_faults import FAULTS, WARNINGS, Fault, FieldFault, words
from wire_formats.field_kinds import (
    CreditCode,
    Day,
    Flag,
    IdNumber,
    Money,
    Month,
    Reference,
    Rows,
    SlipNumber,
    Whole,
    yuan_text,
)
from wire_formats.fields import Choice, Code, Field, PersonName, Secret, Text

LABEL = Label("字段", "Field")
GOOD_ID = "11010519491231002X"
GOOD_CODE = "91110000600037341L"
FIELDS: list[tuple[Field, str, object]] = [
    (Text(name="a", label=LABEL, most=10), " 中文 text ", "中文 text"),
    (Text(name="a", label=LABEL, most=10, grammar="[A-Z]+"), "ABC", "ABC"),
    (Text(name="a", label=LABEL, most=10, lines=True), "a\r\nb", "a\nb"),
    (PersonName(name="a", label=LABEL), "买买提•艾 力", "买买提·艾力"),
    (PersonName(name="a", label=LABEL), "Jean  Dupont", "Jean Dupont"),
    (Choice(name="a", label=LABEL, choices={"1": Label("是的", "Indeed")}), "是的", "1"),
    (Choice(name="a", label=LABEL, choices={"1": Label("是的", "Indeed")}), "１", "1"),
    (Code(name="a", label=LABEL, most=9, choices=DISTRICTS), "江岸区", "420102"),
    (Code(name="a", label=LABEL, most=9, choices=DISTRICTS), "４２０１０３", "420103"),
    (Code(name="a", label=LABEL, most=9, choices=DISTRICTS), "429999", "429999"),
    (Whole(name="a", label=LABEL, least=1, most=99), "０42"[1:], 42),
    (Money(name="a", label=LABEL), "￥5,000.5", 500_050),
    (Month(name="a", label=LABEL), "2024年7月", "2024-07"),
    (Month(name="a", label=LABEL), "202407", "2024-07"),
    (Day(name="a", label=LABEL), "2024/2/29", "2024-02-29"),
    (IdNumber(name="a", label=LABEL), " 110105 19491231 002x", GOOD_ID),
    (CreditCode(name="a", label=LABEL), GOOD_CODE.lower(), GOOD_CODE),
    (Flag(name="a", label=LABEL), "是", True),
    (Secret(name="a", label=LABEL), "pass word", "pass word"),
]


@pytest.mark.parametrize(("field", "text", "wire"), FIELDS)
def test_what_people_type_becomes_the_normal_form(field: Field, text: str, wire: object) -> None:
    assert field.read(field.clean(text)) == wire


@pytest.mark.parametrize(("field", "text", "wire"), FIELDS)
def test_the_normal_form_is_accepted_and_written_back(field: Field, text: str, wire: object) -> None:
    if isinstance(field, Secret):
        return
    field.check(wire)  # type: ignore[arg-type]
    again = field.write(wire)  # type: ignore[arg-type]
    assert field.read(field.clean(again)) == wire
    assert re.fullmatch(field.pattern, again)
    assert len(again) <= field.max_length


@pytest.mark.parametrize(("field", "text", "wire"), FIELDS)
@given(junk=st.text(max_size=30) | st.integers() | st.none() | st.lists(st.integers(), max_size=2))
def test_any_value_passes_or_gives_a_fault(field: Field, text: str, wire: object, junk: object) -> None:
    try:
        field.check(junk)  # type: ignore[arg-type]
    except FieldFault as wrong:
        assert wrong.fault.code in FAULTS
    if isinstance(junk, str):
        try:
            value = field.read(field.clean(junk))
        except FieldFault as wrong:
            assert wrong.fault.code in FAULTS
        else:
            if not isinstance(field, Secret):
                field.check(value)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (Text(name="a", label=LABEL, most=3), "abcd", "too_long"),
        (Text(name="a", label=LABEL, most=3, least=2), "a", "too_short"),
        (Text(name="a", label=LABEL, most=9, grammar="[0-9]+"), "12\n", "control"),
        (Text(name="a", label=LABEL, most=9, grammar="[0-9]+", lines=True), "12\n", "symbols"),
        (Text(name="a", label=LABEL, most=9), "a\u202eb", "control"),
        (Text(name="a", label=LABEL, most=9), "\ud800", "control"),
        (Text(name="a", label=LABEL, most=9), "e\u0301", "symbols"),
        (Whole(name="a", label=LABEL, least=5, most=9), 4, "too_small"),
        (Whole(name="a", label=LABEL, least=5, most=9), 10, "too_large"),
        (Whole(name="a", label=LABEL), True, "not_integer"),
        (Money(name="a", label=LABEL), "5", "not_money"),
        (Month(name="a", label=LABEL), "2024-13", "not_month"),
        (Month(name="a", label=LABEL), "2024-01\n", "not_month"),
        (Day(name="a", label=LABEL), "2023-02-29", "not_day"),
        (IdNumber(name="a", label=LABEL), GOOD_ID[:-1] + "0", "id_check"),
        (IdNumber(name="a", label=LABEL), "11010519491331002X", "id_date"),
        (IdNumber(name="a", label=LABEL), GOOD_ID + "\n", "id_length"),
        (CreditCode(name="a", label=LABEL), GOOD_CODE[:-1] + "0", "credit_check"),
        (Reference(name="a", label=LABEL), "0" * 27, "not_reference"),
    ],
)
def test_what_is_wrong_is_named(field: Field, value: object, code: str) -> None:
    with pytest.raises(FieldFault) as caught:
        field.check(value)  # type: ignore[arg-type]
    assert caught.value.fault.code == code


def test_a_code_of_another_register_has_a_name_or_stands_for_itself() -> None:
    district = Code(name="a", label=LABEL, most=9, choices=DISTRICTS)
    assert district.name_of("420117") == Label("新洲区", "Xinzhou")
    for value in ("420000", "", None, 420117, ["420117"]):
        assert district.name_of(value) is None  # type: ignore[arg-type]
    assert Choice(name="a", label=LABEL, choices=DISTRICTS).name_of("420102") == DISTRICTS["420102"]
    assert Text(name="a", label=LABEL, most=9).name_of("420102") is None


def test_code_lists_are_whole_and_in_both_languages() -> None:
    assert len(DISTRICTS) == 13 and all(code.startswith("4201") and len(code) == 6 for code in DISTRICTS)
    assert list(RISK_CLASSES) == [str(number) for number in range(1, 9)]
    assert AGENCIES["42010601"] == Label("武昌区社会保险管理处", "Wuchang District Social Insurance Agency")
    assert {code[:6] for code in AGENCIES} == set(DISTRICTS)
    for names in (DISTRICTS, AGENCIES, RISK_CLASSES, DEPARTMENTS):
        assert all(name.zh and name.en.isascii() for name in names.values())
        assert len({name.en for name in names.values()}) == len({name.zh for name in names.values()}) == len(names)


def test_spreadsheet_damage_is_recognised() -> None:
    with pytest.raises(FieldFault) as caught:
        IdNumber(name="a", label=LABEL).read("4.20106199003007E+17")
    assert caught.value.fault.code == "id_scientific"


def test_identifiers() -> None:
    assert identifiers.id_number_fault(GOOD_ID) is None
    assert identifiers.credit_code_fault(GOOD_CODE) is None
    assert identifiers.id_number_warning("99" + GOOD_ID[2:]) == "id_area"
    # 420115 exists since 1995; a number of 1990 may carry it, and an unassigned county is no error.
    for first in ("42011519900101001", "42011819900101001", "81000019900101001"):
        number = first + identifiers.id_check_symbol(first)
        assert identifiers.id_number_fault(number) is None
        assert identifiers.id_number_warning(number) is None
    assert identifiers.sex_of(GOOD_ID) == "2"


@given(st.text(alphabet="0123456789X", min_size=16, max_size=19))
def test_identity_numbers_never_crash(text: str) -> None:
    assert identifiers.id_number_fault(text) in {None, "id_length", "id_symbol", "id_date", "id_check"}


def test_all_errors_of_all_fields_at_once() -> None:
    result = check_form(service("wage.declare"), {"year": "x", "id_number": "1", "name": "", "wage": "-"})
    assert [(e.field.name, e.fault.code) for e in result.errors] == [
        ("year", "not_integer"),
        ("id_number", "id_length"),
        ("name", "missing"),
        ("wage", "not_money"),
    ]
    assert result.body == {}


def test_a_form_becomes_a_body_that_the_other_side_accepts() -> None:
    texts = {"year": "2024", "id_number": GOOD_ID, "name": "张三", "wage": "5000"}
    result = check_form(service("wage.declare"), texts)
    check_body(service("wage.declare"), result.body)
    for name in texts:
        missing = {k: v for k, v in result.body.items() if k != name}
        with pytest.raises(PeerError) as caught:
            check_body(service("wage.declare"), missing)
        assert caught.value.kind is Kind.BAD_FIELD
        assert GOOD_ID not in str(caught.value)
    with pytest.raises(PeerError):
        check_body(service("wage.declare"), {**result.body, "extra": 1})


def test_rows_are_checked_cell_by_cell() -> None:
    row: dict[str, Json] = {"row": 2, "id_number": GOOD_ID, "name": "张三", "wage": 1}
    check_body(service("wage.batch"), {"year": 2024, "rows": [row]})
    for rows in ([], [row] * 501, [{**row, "wage": "1"}], [{**row, "x": 1}], [5], [{k: row[k] for k in ("row",)}]):
        with pytest.raises(PeerError):
            check_body(service("wage.batch"), {"year": 2024, "rows": rows})  # type: ignore[dict-item]
    with pytest.raises(PeerError):
        check_answer(service("wage.batch"), {"password": "x"})


def test_every_fault_has_words_in_both_languages() -> None:
    for code in (*FAULTS, *WARNINGS):
        said = words(Fault(code, {"least": 1, "most": 2, "first": 3}), LABEL)
        for language in LANGUAGES:
            assert said.of(language)
            assert "{" not in said.of(language)


def test_every_declaration_has_labels_patterns_and_schemas() -> None:
    for entry in SERVICES.values():
        for field in (*entry.fields, *entry.answer):
            columns = field.columns if isinstance(field, Rows) else (field,)
            for column in columns:
                assert column.label.zh
                assert column.label.en
                re.compile(column.pattern)
                assert column.schema()["type"]


def test_yuan() -> None:
    assert [yuan_text(n) for n in (0, 5, 500_050, -1)] == ["0.00", "0.05", "5000.50", "-0.01"]


@pytest.mark.parametrize("typed", ["7K3M-9QXT-2B", " 7k3m 9qxt 2b ", "７Ｋ３Ｍ９ＱＸＴ２Ｂ", "7K3M9QXT2B"])
def test_the_number_of_a_slip_is_read_however_it_is_typed(typed: str) -> None:
    found = check_form(service("certificate.download"), {"certificate_number": typed, "verification_code": "ABCD-EFGH"})
    assert found.body["certificate_number"] == "7K3M9QXT2B"
    assert SlipNumber(name="n", label=Label("", "")).clean(typed) == "7K3M9QXT2B"


@pytest.mark.parametrize("typed", ["7K3M-9QXT-2", "7K3M-9QXT-2B3", "7K3M-9QXT-20", "7K3M_9QXT_2B"])
def test_what_is_no_number_of_a_slip_is_an_error(typed: str) -> None:
    found = check_form(service("certificate.download"), {"certificate_number": typed, "verification_code": "ABCD-EFGH"})
    assert [fault.field.name for fault in found.errors] == ["certificate_number"]
