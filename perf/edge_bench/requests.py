"""What the load sends: whole requests as bytes, made before the clock runs; every one differs from the next."""

from __future__ import annotations

import random
from typing import Final
from urllib.parse import quote, urlencode

from perf.edge_bench.pki import HOST

BOUNDARY: Final = "----FormBoundary7MA4YWxkTrZu0gW"
UPLOAD_BYTES: Final = 100 * 1024
FORM_FIELDS: Final = 20
_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
_ACCEPT: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀英霞平刚桂"
_PLACES: Final = ("朝阳区建国路", "海淀区中关村大街", "浦东新区世纪大道", "天河区体育西路", "武侯区人民南路")
_REMARKS: Final = (
    "本月新增参保人员",
    "基数调整，详见附件",
    "补缴上年度差额",
    "职工已离职，办理停保",
    "信息有误，请予更正",
)


def small(port: int, count: int = 2_000) -> list[bytes]:
    """Give small keep-alive requests: path, Referer and Cookie vary, seven headers."""
    return [
        _get(
            port,
            f"/page/{number % 97}/{number}",
            f"Referer: https://{HOST}:{port}/list/{number}\r\nCookie: __Host-fg-session=k{number:020d}\r\n",
        )
        for number in range(count)
    ]


def browsing(port: int, count: int = 500) -> list[bytes]:
    """Give what a browser asks with five parameters."""
    chance = random.Random(1)
    made = []
    for number in range(count):
        query = urlencode(
            {
                "id": f"1101{chance.randrange(10**13):013d}X",
                "name": _person(chance),
                "from": f"2024-{1 + number % 12:02d}",
                "to": f"2025-{1 + number % 12:02d}",
                "page": str(number),
            }
        )
        extra = f"Referer: https://{HOST}:{port}/browse?page={number}\r\nCookie: __Host-fg-session=k{number:020d}\r\n"
        made.append(_get(port, f"/browse?{query}", extra))
    return made


def minimal(port: int, count: int = 500) -> list[bytes]:
    """Give GETs with three short parameters."""
    return [
        _get(port, f"/browse?id={number}&page={number % 7}&from=2024-{1 + number % 12:02d}") for number in range(count)
    ]


def forms(port: int, count: int = 300) -> list[bytes]:
    """Give forms of twenty fields as a person in China would fill them in."""
    chance = random.Random(2)
    return [_form(port, urlencode(_filled(chance))) for _ in range(count)]


def uploads(port: int, count: int = 32, size: int = UPLOAD_BYTES) -> list[bytes]:
    """Give multipart uploads of a file of so many bytes, with two fields beside it."""
    chance = random.Random(3)
    return [_upload(port, _person(chance), chance.choice(_REMARKS), chance.randbytes(size)) for _ in range(count)]


def hostile(port: int, size: int) -> list[bytes]:
    """Give a form whose first field is ``$(`` again and again, ``size`` bytes long before its encoding."""
    return [_form(port, f"field0={quote('$(' * (size // 2))}&field1=1")]


def _filled(chance: random.Random) -> dict[str, str]:
    values = [
        _person(chance),
        f"1101{chance.randrange(10**13):013d}X",
        f"138{chance.randrange(10**8):08d}",
        f"{chance.choice(_PLACES)}{chance.randrange(1, 900)}号院{chance.randrange(1, 20)}号楼",
        f"{chance.randrange(3_000, 30_000)}.{chance.randrange(100):02d}",
        f"2024-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}",
        chance.choice(_REMARKS),
        f"某某科技（北京）有限公司第{chance.randrange(1, 99)}分公司",
        f"user{chance.randrange(10**6)}@example.cn",
        str(chance.randrange(1, 5)),
    ]
    return {f"field{i}": f"{values[i % len(values)]}{'' if i < len(values) else i}" for i in range(FORM_FIELDS)}


def _person(chance: random.Random) -> str:
    return chance.choice(_SURNAMES) + "".join(chance.choices(_GIVEN, k=2))


def _head(port: int, method: str, target: str, extra: str) -> str:
    """Write a head with Host, User-Agent, Accept, Accept-Language, Accept-Encoding, and what is added."""
    return (
        f"{method} {target} HTTP/1.1\r\nHost: {HOST}:{port}\r\nUser-Agent: {_AGENT}\r\nAccept: {_ACCEPT}\r\n"
        f"Accept-Language: zh-CN,zh;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\n{extra}\r\n"
    )


def _get(port: int, target: str, extra: str = "") -> bytes:
    return _head(port, "GET", target, extra).encode("ascii")


def _form(port: int, body: str) -> bytes:
    extra = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    return _head(port, "POST", "/form", extra + f"Origin: https://{HOST}:{port}\r\n").encode("ascii") + body.encode(
        "ascii"
    )


def _upload(port: int, name: str, remark: str, content: bytes) -> bytes:
    part = "--" + BOUNDARY + '\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    file = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="wages.xlsx"\r\n'
        "Content-Type: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet\r\n\r\n"
    )
    before = part.format("field0", name) + part.format("field1", remark) + file
    body = before.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode("ascii")
    extra = f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n"
    return _head(port, "POST", "/upload", extra).encode("ascii") + body
