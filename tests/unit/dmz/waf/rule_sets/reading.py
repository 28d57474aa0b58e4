"""Reads the tables of attacks and of benign texts, and makes requests of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from dmz.waf.seclang.sent_request import SentAnswer, SentRequest

HERE = Path(__file__).parent
SIGNS = {"{CR}": "\r", "{LF}": "\n", "{TAB}": "\t", "{NUL}": "\0", "{FF}": "\f", "{ZWSP}": "\u200b"}
BROWSER = (
    (b"Host", b"hall.example"),
    (
        b"User-Agent",
        b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0",
    ),
    (b"Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    (b"Accept-Language", b"zh-CN,zh;q=0.9,en;q=0.8,en-GB;q=0.7"),
    (b"Accept-Encoding", b"gzip, deflate, br"),
    (b"Sec-CH-UA", b'"Chromium";v="126", "Not.A/Brand";v="8"'),
    (b"Sec-Fetch-Mode", b"navigate"),
    (b"If-None-Match", b'W/"a1b2c3-4d5e"'),
)
FORM = (b"Content-Type", b"application/x-www-form-urlencoded")


class Attack(NamedTuple):
    """One line of the table.

    Attributes:
        kind: class.
        place: where the text stands.
        level: lowest paranoia level that refuses it.
        text: what is sent, signs filled in.
    """

    kind: str
    place: str
    level: int
    text: str


def attacks() -> list[Attack]:
    """Read ``attacks.txt``."""
    found = []
    kind = place = ""
    for line in _lines("attacks.txt"):
        if line.startswith("[") and line.endswith(("]",)) and " " in line and line[1:2].isalpha():
            heading, _, _ = line[1:-1].partition(":")
            words = heading.split(" ")
            if len(words) == 2 and words[1] in _PLACES:
                kind, place = words
                continue
        level, text = (int(line[2]), line[4:]) if line[:4] in ("PL2 ", "PL3 ") else (1, line)
        found.append(Attack(kind, place, level, _signs(text)))
    return found


def benign() -> list[str]:
    """Read ``benign.txt``."""
    return [_signs(line) for line in _lines("benign.txt")]


def _lines(name: str) -> Iterator[str]:
    # Signs like U+0085 are texts here, no line ends.
    for line in (HERE / name).read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith("# "):
            yield line


def _signs(text: str) -> str:
    for mark, sign in SIGNS.items():
        text = text.replace(mark, sign)
    return text


def form(*fields: tuple[str, str]) -> SentRequest:
    """A form as a browser sends it."""
    body = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in fields).encode()
    return SentRequest(b"POST", b"/s/employee.add", headers=(*BROWSER, FORM), body=body)


_SURNAMES = "王 李 张 刘 陈 欧阳 司马 买买提".split()
_GIVEN = "伟 秀英 娜·阿卜杜 建国 丽 O'Neil".split()
_PLACES_OF_FIRMS = "上海 北京市海淀区 深圳（前海） Suzhou".split()
_FIRMS = ["华东电力（集团）股份有限公司", "Smith & Wesson Co., Ltd.", "A&B (China) 贸易有限公司", "“鑫源”商行"]


def filled_forms(count: int) -> Iterator[tuple[tuple[str, str], ...]]:
    """Forms of twenty fields as offices fill them in; the same ones each time."""
    remarks = [text for text in benign() if not text.isascii()]
    for number in range(count):
        surname, given = _SURNAMES[number % 8], _GIVEN[number % 5]
        yield (
            ("csrf", f"{number * 7919:040x}"),
            ("form_token", f"tK{number:06d}-aB_cD3fGh1jKl"),
            ("step", "form"),
            ("action", "check"),
            ("name", surname + given),
            ("former_name", _GIVEN[(number + 1) % 6]),
            ("id_number", f"31010119{number % 60 + 40:02d}0307{number % 1000:04d}"),
            ("phone", f"139{number * 9973 % 100_000_000:08d}"),
            ("email", f"zhang.san+{number}@example.com"),
            ("employer", _FIRMS[number % 4]),
            ("address", f"{_PLACES_OF_FIRMS[number % 4]}中山路{number}号#{number % 9}-{number % 30}室"),
            ("wage", f"{3000 + number * 37 % 20000}.{number % 100:02d}"),
            ("start_month", f"20{number % 24:02d}-{number % 12 + 1:02d}"),
            ("household", "10"),
            ("origin", "new"),
            ("bank", "中国工商银行股份有限公司上海市分行（徐汇支行）"),
            ("account", f"6222 0212 {number:04d} 2345 678"),
            ("file", f"劳动合同_{surname}_2024{number % 12 + 1:02d}01（第{number % 5}版）.pdf"),
            ("note", remarks[number % len(remarks)]),
            ("more", f"{remarks[number * 7 % len(remarks)]}；{remarks[number * 11 % len(remarks)]}"),
        )


def page(path: str, *headers: tuple[str, str]) -> SentRequest:
    """A page as a browser asks for it."""
    own = tuple((name.encode(), value.encode()) for name, value in headers)
    names = {name.lower() for name, _ in own}
    kept = tuple(header for header in BROWSER if header[0].lower() not in names)
    return SentRequest(
        b"GET", quote(path, safe="/?&=%:;|<>'\"(){}$*!,.~^`\\@#[]+", errors="replace").encode(), headers=(*kept, *own)
    )


def _file(text: str) -> SentRequest:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    body = f'--x\r\nContent-Disposition: form-data; name="workbook"; filename="{escaped}"\r\n\r\nPK\r\n--x--\r\n'
    kind = (b"Content-Type", b"multipart/form-data; boundary=x")
    return SentRequest(b"POST", b"/b/wage.batch", headers=(*BROWSER, kind), body=body.encode())


def _header(text: str) -> SentRequest:
    name, _, value = text.partition(": ")
    return page("/", (name, value))


def _json(text: str) -> SentRequest:
    kind = (b"Content-Type", b"application/json")
    return SentRequest(b"POST", b"/k", headers=(*BROWSER, kind), body=text.encode())


def _type(text: str) -> SentRequest:
    return SentRequest(b"POST", b"/k", headers=(*BROWSER, (b"Content-Type", text.encode())), body=b"k")


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


_PLACES = {
    "value": lambda text: form(("note", text)),
    "page": lambda text: form(("page", text)),
    "name": lambda text: form((text, "1")),
    "query": lambda text: page(f"/s/employee.add?q={_quoted(text)}"),
    "path": page,
    "file": _file,
    "header": _header,
    "cookie": lambda text: page("/", ("Cookie", text)),
    "json": _json,
    "type": _type,
    "answer": lambda _: page("/"),
}


def request_of(attack: Attack) -> tuple[SentRequest, SentAnswer | None]:
    """Make the request of an attack, and the answer when the attack's place is there."""
    answer = None
    if attack.place == "answer":
        answer = SentAnswer(200, ((b"Content-Type", b"text/html"),), attack.text.encode())
    return _PLACES[attack.place](attack.text), answer
