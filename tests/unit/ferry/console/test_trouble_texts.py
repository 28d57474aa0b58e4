"""What a half says of its troubles has Chinese words, and a page never shows half a sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.console.trouble_texts import figure_text, trouble_words, why_words
from ferry.lane.reasons import Reason

_ROOT = Path(__file__).parents[4]
#: Where what blocks a lane is raised.
_SOURCES = (
    "ferry/folders.py", "ferry/request_delivery.py", "ferry/intake.py", "ferry/journal.py", "ferry/low_half.py",
    "ferry/notices.py", "ferry/quarantine.py", "ferry/sender.py", "ferry/spool.py", "ferry/inspector/client.py",
    "ferry/transports/closed.py", "ferry/transports/media.py", "ferry/transports/diode/schedule.py",
    "ferry/witness/files.py", "ferry/witness/notes_file.py", "ferry/witness/queue.py", "wire_formats/drop.py",
)  # fmt: skip


def _said(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)  # type: ignore[misc]
    elif isinstance(node, ast.IfExp):
        yield from _said(node.body)
        yield from _said(node.orelse)


def _troubles(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((_ROOT / source).read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "Unavailable":
            continue
        if len(node.args) > 1:
            yield from _said(node.args[1])


@pytest.mark.parametrize("source", _SOURCES)
def test_every_trouble_of_a_lane_is_said_in_chinese(source: str) -> None:
    for said in _troubles(source):
        label = trouble_words(said)
        assert label.en == said
        assert label.zh != said, said


def test_figures_are_kept() -> None:
    assert trouble_words("journal: disk I/O error").zh == "流水无法写入：disk I/O error"
    assert trouble_words("cannot write a drop: No space left on device").zh == "无法写入文件：磁盘已满"
    assert trouble_words("3.10% lost, 1.00% planned: raise loss_per_10000").zh.startswith("丢失 3.10%，计划为 1.00%")


def test_unknown_words_stay() -> None:
    assert trouble_words("something new").zh == "something new"
    assert why_words("retried").en == "retried"


def test_every_reason_has_words() -> None:
    assert [reason for reason in Reason if why_words(reason.value).zh == reason.value] == []


def test_figures_are_written_for_people() -> None:
    told = [figure_text(value) for value in (12509, 0.0152700001, 7.999972000056002e-06, "300")]
    assert told == ["12,509", "0.0153", "8e-06", "300"]
