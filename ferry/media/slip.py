"""The accompanying slip (交接单): what travels with a medium on paper, and never a key.  Pure.

Sender, recipient, identification, date, count, digest of the signed statement, both operators, and lines for the
courier and the receiver to sign.

Source: research, section 5 (BSI: accompanying slip with sender, recipient, identification, date, scan note).
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Final, NamedTuple

from ferry.media.register_rows import Medium, Passage
from wire_formats.bilingual import Label
from wire_formats.instants import local_minute

_TITLE: Final = Label("介质交接单", "Media transfer slip")
_DIRECTIONS: Final = {
    "inbound": Label("DMZ → 核心区", "DMZ to core"),
    "outbound": Label("核心区 → DMZ", "core to DMZ"),
}
_NOTE: Final = Label(
    "内容为签名并加密的数据包，只有接收方网闸能够打开。本单不含任何密钥。请以只读方式挂载导入，并带回回执。",
    "The content is signed and sealed: only the receiving gatekeeper opens it. This slip holds no key. "
    "Mount read-only to import, and bring the receipt back.",
)
_TO_SIGN: Final = (
    Label("交付人", "Handed over by"),
    Label("递送人", "Carried by"),
    Label("接收人", "Received by"),
    Label("接收时间", "Received at"),
    Label("病毒扫描（软件、结果）", "Virus scan (program, result)"),
    Label("封条完好", "Seal intact"),
)
_PAGE: Final = """\
<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 12pt/1.5 sans-serif; margin: 2cm; max-width: 17cm; }}
h1 {{ font-size: 16pt; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border: 1px solid #000; padding: 2mm 3mm; text-align: left; vertical-align: top; overflow-wrap: anywhere; }}
th {{ width: 38%; font-weight: normal; }}
.sign td {{ height: 9mm; }}
.digest {{ font-family: monospace; }}
</style>
</head>
<body>
<h1>{title}</h1>
<table>
{rows}
</table>
<p>{note_zh}</p>
<p lang="en">{note_en}</p>
<table class="sign">
{signs}
</table>
</body>
</html>
"""


class Slip(NamedTuple):
    """What the slip is about.

    Attributes:
        medium: the register's row.
        passage: the export.
        direction: "inbound" or "outbound".
        sender: machine name of the sending half.
        recipient: machine name of the receiving half.
    """

    medium: Medium
    passage: Passage
    direction: str
    sender: str
    recipient: str


def slip_rows(slip: Slip) -> Iterator[tuple[Label, str]]:
    """Give the lines of a slip: what, and its value."""
    passage, direction = slip.passage, _DIRECTIONS[slip.direction]
    yield Label("介质编号", "Medium serial"), slip.medium.serial
    yield Label("介质标签", "Label"), slip.medium.label or "-"
    yield Label("方向", "Direction"), f"{direction.zh} / {direction.en}"
    yield Label("发送方", "Sender"), slip.sender
    yield Label("接收方", "Recipient"), slip.recipient
    yield Label("批次", "Number in the row"), str(passage.sequence)
    yield Label("导出编号", "Export"), passage.export.hex()
    yield Label("文件数", "Files"), str(passage.files)
    yield Label("字节数", "Bytes"), f"{passage.size:,}"
    yield Label("签名内容摘要 (SHA-256)", "Digest of the signed statement (SHA-256)"), grouped(passage.statement.hex())
    yield Label("导出时间", "Exported"), local_minute(passage.made_ms)
    yield Label("有效期至", "Usable until"), local_minute(passage.expires_ms)
    yield Label("操作员（两人）", "Operators (two)"), "、".join(passage.operators)


def slip_text(slip: Slip) -> str:
    """Give the slip as plain text in both languages."""
    lines = [f"{_TITLE.zh}  {_TITLE.en}", ""]
    lines += [f"{label.zh} {label.en}: {value}" for label, value in slip_rows(slip)]
    lines += ["", _NOTE.zh, _NOTE.en, ""]
    lines += [f"{label.zh} {label.en}: {'_' * 30}" for label in _TO_SIGN]
    return "\n".join(lines) + "\n"


def slip_html(slip: Slip) -> str:
    """Give the slip as one HTML page to print, in both languages."""
    rows = "\n".join(_row(label, html.escape(value)) for label, value in slip_rows(slip))
    signs = "\n".join(_row(label, "") for label in _TO_SIGN)
    title = html.escape(f"{_TITLE.zh} {_TITLE.en} {slip.medium.serial}")
    return _PAGE.format(
        title=title, rows=rows, signs=signs, note_zh=html.escape(_NOTE.zh), note_en=html.escape(_NOTE.en)
    )


def grouped(digest: str) -> str:
    """Write a digest in groups of eight, to be read aloud and compared."""
    return " ".join(digest[at : at + 8] for at in range(0, len(digest), 8))


def _row(label: Label, value: str) -> str:
    return f"<tr><th>{html.escape(label.zh)}<br>{html.escape(label.en)}</th><td>{value}</td></tr>"
