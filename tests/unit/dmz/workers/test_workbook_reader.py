"""The strict reader: honest files read, hostile ones are refused with PeerError and nothing else."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmz.workers.workbook.limits import WorkbookLimits
from dmz.workers.workbook.reader import parse_reference, read_workbook
from dmz.workers.workbook.sheet import Cell, CellKind, parse_end_line, parse_row_line, row_line
from tests.support.workbooks import id_number, raw_workbook, unzip, wage_rows, wage_workbook, zip_of
from wire_formats.errors import Kind, PeerError

HONEST = wage_workbook([[id_number(1), "张三", 5000.5], [id_number(2), "李四", "6000"]])
SMALL = WorkbookLimits(part_bytes=2_000_000, elements=20_000)


def refused(data: bytes, kind: Kind | None = None, limits: WorkbookLimits = WorkbookLimits()) -> None:
    with pytest.raises(PeerError) as caught:
        read_workbook(data, limits)
    if kind is not None:
        assert caught.value.kind is kind


def test_honest_workbook_keeps_raw_text() -> None:
    sheet = read_workbook(HONEST)
    assert sheet.rows[3].cells[1] == Cell(CellKind.TEXT, id_number(1))
    assert sheet.rows[3].cells[3] == Cell(CellKind.NUMBER, "5000.5")
    assert sheet.rows[4].cells[3] == Cell(CellKind.TEXT, "6000")
    assert sheet.sheets == 1


def test_numbers_are_not_rounded() -> None:
    sheet = read_workbook(raw_workbook("<sheetData><row><c><v>4.20106199003007E+17</v></c></row></sheetData>"))
    assert sheet.rows[0].cells[1].text == "4.20106199003007E+17"


def test_kinds_formulas_merged_and_inline_strings() -> None:
    sheet = read_workbook(
        raw_workbook(
            '<sheetData><row r="2">'
            '<c r="A2" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r><rPh><t>X</t></rPh></is></c>'
            '<c r="B2"><f>1+1</f><v>2</v></c><c r="C2" t="e"><v>#REF!</v></c><c r="D2" t="b"><v>1</v></c>'
            '<c r="E2" t="d"><v>2026-01-01</v></c><c r="F2" t="s"><v>0</v></c><c r="G2" s="4"/></row></sheetData>'
            '<mergeCells><mergeCell ref="A2:B3"/></mergeCells>',
            strings="<si><t>shared</t></si>",
        )
    )
    kinds = {column: cell.kind for column, cell in sheet.rows[0].cells.items()}
    assert list(kinds.values()) == [
        CellKind.TEXT, CellKind.FORMULA, CellKind.FAULT, CellKind.FLAG, CellKind.DATE, CellKind.TEXT,
    ]  # fmt: skip
    assert sheet.rows[0].cells[1].text == "ab"
    assert sheet.rows[0].cells[6].text == "shared"
    assert tuple(sheet.merged[0]) == (2, 1, 3, 2)


def test_giant_reference_with_a_value_is_refused_at_once_and_empty_ones_cost_nothing() -> None:
    began = time.process_time()
    far = (
        '<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576">{}</c></row></sheetData>'
    )
    refused(raw_workbook(far.format("<v>1</v>")), Kind.TOO_LARGE)
    assert len(read_workbook(raw_workbook(far.format(""))).rows) == 1
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("text", ["", "A", "1", "A0", "XFE1", "A1048577", "a1", "A1\n", "AAAA1", "A01", "Ａ1"])
def test_odd_references(text: str) -> None:
    with pytest.raises(PeerError):
        parse_reference(text)


def test_letters_of_a_reference_name_its_column() -> None:
    for letters, column in (("A", 1), ("Z", 26), ("AA", 27), ("ZZ", 702), ("AAA", 703), ("XFD", 16_384)):
        assert parse_reference(f"{letters}7") == (7, column)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("xl/vbaProject.bin", b"x"),
        ("xl/externalLinks/externalLink1.xml", b"<a/>"),
        ("xl/embeddings/oleObject1.bin", b"x"),
        ("xl/activeX/activeX1.xml", b"<a/>"),
        ("xl/connections.xml", b"<a/>"),
        ("xl/macrosheets/sheet1.xml", b"<a/>"),
    ],
)
def test_active_content_is_refused(name: str, data: bytes) -> None:
    refused(raw_workbook("<sheetData/>", extra={name: data}), Kind.BAD_WORKBOOK)


def test_macro_content_type_and_external_relation_are_refused() -> None:
    types = (
        b'<Types><Override PartName="/a" ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/></Types>'
    )
    refused(raw_workbook("<sheetData/>", extra={"[Content_Types].xml": types}), Kind.BAD_WORKBOOK)
    parts = unzip(raw_workbook("<sheetData/>"))
    rels = parts["xl/_rels/workbook.xml.rels"].replace(b"Target=", b'TargetMode="External" Target=')
    refused(zip_of(parts | {"xl/_rels/workbook.xml.rels": rels}), Kind.BAD_WORKBOOK)


def test_old_encrypted_and_other_files_are_refused() -> None:
    for data in (
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
        b"",
        b"id,name\n1,2\n",
        b"%PDF-1.7",
        b"PK\x05\x06" + bytes(18),
    ):
        refused(data, Kind.BAD_WORKBOOK)


def test_what_a_file_is_besides_a_workbook_never_matters() -> None:
    """Polyglots, files inside of files, and dynamic data exchange: only the rows of the one sheet are read."""
    for before in (b"%PDF-1.7\n", b"GIF89a", b"<html>"):
        refused(before + HONEST, Kind.BAD_WORKBOOK)
    honest = read_workbook(HONEST)
    for behind in (b"%PDF-1.7", b"<script>alert(1)</script>", HONEST):
        assert read_workbook(HONEST + behind) == honest
    inner = {"xl/inner.xlsx": HONEST, "xl/inner.zip": zip_of({"bomb": bytes(30_000_000)})}
    assert read_workbook(raw_workbook("<sheetData/>", extra=inner)).rows == ()
    exchange = '<sheetData><row r="1"><c r="A1"><f>cmd|&apos; /C calc&apos;!A0</f><v>1</v></c></row></sheetData>'
    assert read_workbook(raw_workbook(exchange)).rows[0].cells[1].kind is CellKind.FORMULA


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet><sheetData><row><c><v>&a;</v></c></row></sheetData></worksheet>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><worksheet/>',
        b'<?xml version="1.0"?><?php x?><worksheet/>',
        b"<worksheet><sheetData><row><c><v>1</v></c></row>",
        b'<?xml version="1.0" encoding="ISO-8859-1"?><worksheet><v>\xe4</v></worksheet>',
        b"<a>" * 40 + b"</a>" * 40,
        b'<worksheet><sheetData><row r="2"/><row r="1"/></sheetData></worksheet>',
        b'<worksheet><sheetData><row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row></sheetData></worksheet>',
        b'<worksheet><sheetData><row><c t="s"><v>5</v></c></row></sheetData></worksheet>',
        b'<worksheet><sheetData><row><c t="s"><v>-1</v></c></row></sheetData></worksheet>',
        b'<worksheet><sheetData><row r="99999999999999999999"/></sheetData></worksheet>',
        b'<worksheet><sheetData><row><c t="weird"><v>5</v></c></row></sheetData></worksheet>',
    ],
)
def test_hostile_xml_is_refused(xml: bytes) -> None:
    parts = unzip(raw_workbook("<sheetData/>"))
    refused(zip_of(parts | {"xl/worksheets/sheet1.xml": xml}))


def test_expansion_is_bounded_by_ratio_by_size_and_by_total() -> None:
    bomb = raw_workbook("<sheetData/>", extra={"xl/media/a.bin": bytes(40_000_000)})
    refused(bomb, Kind.TOO_LARGE)
    refused(raw_workbook("<sheetData/>" + " " * 3_000_000), Kind.TOO_LARGE, SMALL)
    refused(raw_workbook("<sheetData/>", extra={f"a{n}": b"x" for n in range(300)}), Kind.TOO_LARGE)
    refused(HONEST + bytes(9_000_000), Kind.TOO_LARGE)


def test_lying_sizes_are_noticed() -> None:
    data = bytearray(raw_workbook("<sheetData/>" + "<row/>" * 500))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    refused(bytes(data))


def test_cell_row_column_and_text_limits() -> None:
    refused(raw_workbook(f'<sheetData><row><c t="str"><v>{"x" * 5000}</v></c></row></sheetData>'), Kind.TOO_LARGE)
    refused(raw_workbook('<sheetData><row r="60000"><c><v>1</v></c></row></sheetData>'), Kind.TOO_LARGE)
    refused(raw_workbook('<sheetData><row r="1"><c r="CZ1"><v>1</v></c></row></sheetData>'), Kind.TOO_LARGE)
    many = "".join(f'<row r="{n}"><c t="s"><v>0</v></c></row>' for n in range(1, 5001))
    refused(raw_workbook(f"<sheetData>{many}</sheetData>", strings=f"<si><t>{'y' * 3900}</t></si>"), Kind.TOO_LARGE)


PARTS = unzip(HONEST)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_workbooks_give_a_value_or_peer_error(data: st.DataObject) -> None:
    """Bytes of the container, or of one part inside a well-formed container."""
    inside = data.draw(st.booleans())
    name = data.draw(st.sampled_from(sorted(PARTS))) if inside else ""
    victim = bytearray(PARTS[name] if inside else HONEST)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(victim)))
        piece = data.draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"<", b"&", b"<c r='A1'>", b"</row>", b"\x00"]))
        )
        cut = data.draw(st.integers(0, 8))
        victim[at : at + cut] = piece
    mutated = zip_of(PARTS | {name: bytes(victim)}) if inside else bytes(victim)
    try:
        sheet = read_workbook(mutated)
    except PeerError:
        return
    for row in sheet.rows:
        assert parse_row_line(row_line(row).encode()) == row


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.text(alphabet='[]{}",:0123456789snea. -"', max_size=60).map(str.encode)))
def test_lines_of_the_child_are_parsed_strictly(line: bytes) -> None:
    for parse in (parse_row_line, parse_end_line):
        try:
            parse(line)
        except PeerError:
            continue


def test_ten_thousand_rows_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    data = wage_workbook(wage_rows(10_000))
    began = time.process_time()
    sheet = read_workbook(data)
    with capsys.disabled():
        print(f"\n[reader] 10 000 rows, {len(data)} bytes: {time.process_time() - began:.2f} s")
    assert len(sheet.rows) == 10_003
