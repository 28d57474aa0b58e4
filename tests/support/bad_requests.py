"""Requests that the edge refuses, each with its reason: for the parsers alone, and for a real edge.

The sizes fit limits of 1,024 bytes for a form, a field and a file, of 8 fields and of 2 files.

Source: firewall research, section 6; RFC 9112 section 11 (smuggling), RFC 7578.
"""

from __future__ import annotations

from dmz.edge.refusals import Reason


def lines(*parts: str, body: bytes = b"") -> bytes:
    return "\r\n".join([*parts, "", ""]).encode("latin-1") + body


GET = "GET / HTTP/1.1"
POST = "POST / HTTP/1.1"
HOST = "Host: a"
CHUNKED = "Transfer-Encoding: chunked"

HEADS = [
    (b"\r\n" + lines(GET, HOST), Reason.REQUEST_LINE),
    (lines("GET  / HTTP/1.1", HOST), Reason.REQUEST_LINE),
    (lines("GET /\tHTTP/1.1", HOST), Reason.REQUEST_LINE),
    (lines("GET / HTTP/1.1 ", HOST), Reason.REQUEST_LINE),
    (lines("GET /", HOST), Reason.REQUEST_LINE),
    (lines("GET / http/1.1", HOST), Reason.REQUEST_LINE),
    (lines("GET / HTTP/2.0", HOST), Reason.VERSION),
    (lines("GET / HTTP/0.9", HOST), Reason.VERSION),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Reason.VERSION),
    (lines("PUT / HTTP/1.1", HOST), Reason.METHOD),
    (lines("TRACE / HTTP/1.1", HOST), Reason.METHOD),
    (lines("get / HTTP/1.1", HOST), Reason.METHOD),
    (lines("GET * HTTP/1.1", HOST), Reason.TARGET_FORM),
    (lines("GET a:80 HTTP/1.1", HOST), Reason.TARGET_FORM),
    (lines("GET ftp://a/ HTTP/1.1", HOST), Reason.TARGET_FORM),
    (lines("GET http://b/ HTTP/1.1", HOST), Reason.TARGET_HOST),
    (lines("GET http://u@a/ HTTP/1.1", HOST), Reason.HOST_SYNTAX),
    (lines(GET), Reason.HOST_MISSING),
    (lines(GET, HOST, HOST), Reason.HOST_REPEATED),
    (lines(GET, HOST, "HOST: b"), Reason.HOST_REPEATED),
    (lines(GET, "Host: a b"), Reason.HOST_SYNTAX),
    (lines(GET, "Host: a,b"), Reason.HOST_SYNTAX),
    (lines(GET, "Host: "), Reason.HOST_SYNTAX),
    (lines(GET, "Host: a:0"), Reason.HOST_SYNTAX),
    (lines(GET, "Host: a:99999"), Reason.HOST_SYNTAX),
    (lines(GET, "Host: a@b"), Reason.HOST_SYNTAX),
    (b"GET / HTTP/1.1\nHost: a\n\n", Reason.BARE_LF),
    (b"GET / HTTP/1.1\r\nHost: a\n\r\n", Reason.BARE_LF),
    (b"GET / HTTP/1.1\r\nHost: a\r\n\n", Reason.BARE_LF),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", Reason.BARE_CR),
    (b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", Reason.BARE_CR),
    (b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", Reason.NUL),
    (lines(GET, HOST, "X: a\x00b"), Reason.NUL),
    (lines(GET, HOST, "X: a", " folded"), Reason.FOLDED_HEADER),
    (lines(GET, " " + HOST), Reason.FOLDED_HEADER),
    (lines(GET, "Host : a"), Reason.SPACE_BEFORE_COLON),
    (lines(POST, HOST, "Content-Length : 1"), Reason.SPACE_BEFORE_COLON),
    (lines(POST, HOST, "Transfer-Encoding\t: chunked"), Reason.SPACE_BEFORE_COLON),
    (lines(GET, HOST, "X Y: a"), Reason.HEADER_NAME),
    (lines(GET, HOST, "no colon"), Reason.HEADER_NAME),
    (lines(GET, HOST, ": a"), Reason.HEADER_NAME),
    (lines(GET, HOST, "X\xe4: a"), Reason.HEADER_NAME),
    (lines(GET, HOST, "Content_Length: 1"), Reason.HEADER_NAME_AMBIGUOUS),
    (lines(GET, HOST, "X.Y: 1"), Reason.HEADER_NAME_AMBIGUOUS),
    (lines(GET, HOST, "X: \x0b"), Reason.HEADER_VALUE),
    (lines(GET, HOST, "X: \xe4"), Reason.HEADER_VALUE),
    (lines(GET, HOST, "Cookie: a=1\x7f"), Reason.HEADER_VALUE),
    (lines(GET, HOST, "Sec-Fetch-Site: none", "Sec-Fetch-Site: none"), Reason.HEADER_REPEATED),
    (lines(GET, HOST, "Cookie: a=1", "Cookie: b=2"), Reason.HEADER_REPEATED),
    (lines(POST, HOST, "Content-Type: a/b", "Content-Type: c/d", "Content-Length: 0"), Reason.HEADER_REPEATED),
    (lines(GET, HOST, "Upgrade: h2c"), Reason.UPGRADE),
    (lines(GET, HOST, "Connection: Upgrade"), Reason.UPGRADE),
    (lines(GET, HOST, "HTTP2-Settings: AAA"), Reason.UPGRADE),
    (lines(GET, HOST, "Connection: Host"), Reason.CONNECTION_OPTION),
    (lines(POST, HOST, "Connection: Content-Length", "Content-Length: 1", body=b"a"), Reason.CONNECTION_OPTION),
    (lines(POST, HOST, "Expect: 200-ok", "Content-Length: 0"), Reason.EXPECTATION),
    (lines(POST, HOST), Reason.LENGTH_MISSING),
    (lines(POST, HOST, "Content-Length: 1", "Content-Length: 1"), Reason.LENGTH_REPEATED),
    (lines(POST, HOST, "Content-Length: 1", "Content-Length: 2"), Reason.LENGTH_REPEATED),
    (lines(POST, HOST, "Content-Length: 1, 1"), Reason.LENGTH_REPEATED),
    *[
        (lines(POST, HOST, f"Content-Length: {value}"), Reason.LENGTH_SYNTAX)
        for value in ("+1", "-1", "0x1", "1 1", "", "01", "1.0", "1_0", "9999999999999", "1;a", '"1"')
    ],
    (lines(POST, HOST, "Content-Length: 5", CHUNKED), Reason.LENGTH_AND_CODING),
    (lines(POST, HOST, CHUNKED, "Content-Length: 5"), Reason.LENGTH_AND_CODING),
    *[
        (lines(POST, HOST, f"Transfer-Encoding: {value}"), Reason.CODING_UNKNOWN)
        for value in (
            "gzip",
            "gzip, chunked",
            "chunked, chunked",
            "identity",
            "xchunked",
            "",
            "chunked;q=1",
            "'chunked'",
        )
    ],
    (lines(POST, HOST, CHUNKED, CHUNKED), Reason.CODING_UNKNOWN),
    (lines(POST, HOST, CHUNKED, "Transfer-Encoding: identity"), Reason.CODING_UNKNOWN),
    (lines(POST, HOST, "Transfer-Encoding: identity", CHUNKED), Reason.CODING_UNKNOWN),
    (lines(POST, HOST, "Transfer-Encoding: \x0bchunked"), Reason.HEADER_VALUE),
    (lines(POST, HOST, "Transfer-Encoding: chunked\x00"), Reason.NUL),
    (lines(POST, HOST, "Transfer-Encoding:", " chunked"), Reason.FOLDED_HEADER),
    (lines(POST, HOST, "X: y\nTransfer-Encoding: chunked"), Reason.BARE_LF),
    (lines(POST, HOST, "X: y\rTransfer-Encoding: chunked"), Reason.BARE_CR),
    (lines(POST, HOST, "Transfer-Encoding\n: chunked"), Reason.BARE_LF),
    (lines(POST, HOST, " Transfer-Encoding: chunked"), Reason.FOLDED_HEADER),
    (lines(POST, HOST, "Transfer_Encoding: chunked", "Content-Length: 0"), Reason.HEADER_NAME_AMBIGUOUS),
    (lines(POST, HOST, "Content-Length: 5\x0b"), Reason.HEADER_VALUE),
    (lines(POST, HOST, "Content-Length: \xd9\xa5"), Reason.HEADER_VALUE),
    (lines("POST / HTTP/1.0", HOST, CHUNKED), Reason.CODING_IN_1_0),
    (lines(GET, HOST, CHUNKED), Reason.BODY_NOT_ALLOWED),
    (lines(GET, HOST, "Content-Length: 3", body=b"abc"), Reason.BODY_NOT_ALLOWED),
    (lines(POST, HOST, "Content-Length: 3", "Content-Encoding: gzip", body=b"abc"), Reason.CONTENT_ENCODING),
    (lines(POST, HOST, "Content-Length: 1025"), Reason.BODY_TOO_LARGE),
    *[
        (lines(POST, HOST, CHUNKED, body=body), reason)
        for body, reason in (
            (b"3\nabc\r\n0\r\n\r\n", Reason.BARE_LF),
            (b"3;a=b\r\nabc\r\n0\r\n\r\n", Reason.CHUNK_EXTENSION),
            (b"3 \r\nabc\r\n0\r\n\r\n", Reason.CHUNK_SIZE),
            (b"0x3\r\nabc\r\n0\r\n\r\n", Reason.CHUNK_SIZE),
            (b"+3\r\nabc\r\n0\r\n\r\n", Reason.CHUNK_SIZE),
            (b"-1\r\n", Reason.CHUNK_SIZE),
            (b"\r\n", Reason.CHUNK_SIZE),
            (b"g\r\n", Reason.CHUNK_SIZE),
            (b"3_0\r\n", Reason.CHUNK_SIZE),
            (b"0" * 70, Reason.CHUNK_SIZE),
            (b"100000000\r\n", Reason.CHUNK_OVERFLOW),
            (b"ffffffffffffffff\r\n", Reason.CHUNK_OVERFLOW),
            (b"3\r\nabcd\r\n0\r\n\r\n", Reason.CHUNK_END),
            (b"3\r\nabc\n0\r\n\r\n", Reason.CHUNK_END),
            (b"3\r\nabc0\r\n\r\n", Reason.CHUNK_END),
            (b"0\r\nX: a\r\n\r\n", Reason.CHUNK_TRAILER),
            (b"0\r\nGET", Reason.CHUNK_TRAILER),
            (b"401\r\n" + b"a" * 1025 + b"\r\n0\r\n\r\n", Reason.BODY_TOO_LARGE),
            (b"1\r\na\r\n" * 20_000, Reason.BODY_TOO_LARGE),
        )
    ],
    (lines("GET /" + "a" * 9_000 + " HTTP/1.1", HOST), Reason.REQUEST_LINE_TOO_LONG),
    (b"A" * 9_000, Reason.REQUEST_LINE_TOO_LONG),
    (lines(GET, HOST, *["X: " + "a" * 1_000] * 17), Reason.HEADERS_TOO_LARGE),
    (lines(GET, HOST, "X: " + "a" * 17_000), Reason.HEADERS_TOO_LARGE),
    (lines(GET, HOST, *["X: a"] * 64), Reason.TOO_MANY_HEADERS),
]


TARGETS = [
    (b"/a/../b", Reason.PATH_DOTS),
    (b"/..", Reason.PATH_DOTS),
    (b"/./a", Reason.PATH_DOTS),
    (b"/%2e%2e/a", Reason.PATH_DOTS),
    (b"/a/.%2e", Reason.PATH_DOTS),
    (b"//a", Reason.PATH_EMPTY_SEGMENT),
    (b"/a//b", Reason.PATH_EMPTY_SEGMENT),
    (b"/a;b=c", Reason.PATH_CHARACTER),
    (b"/a%3Bb", Reason.PATH_CHARACTER),
    (b"/a%5Cb", Reason.PATH_CHARACTER),
    (b"/a%2Fb", Reason.PATH_CHARACTER),
    (b"/a\\b", Reason.TARGET_BYTES),
    (b"/a#b", Reason.TARGET_BYTES),
    (b'/a"', Reason.TARGET_BYTES),
    (b"/\xe4", Reason.TARGET_BYTES),
    (b"/%00", Reason.CONTROL_CHARACTER),
    (b"/%0a", Reason.CONTROL_CHARACTER),
    (b"/%7f", Reason.CONTROL_CHARACTER),
    (b"/%252e", Reason.DOUBLE_ENCODING),
    (b"/%2541", Reason.DOUBLE_ENCODING),
    (b"/%", Reason.PERCENT),
    (b"/%a", Reason.PERCENT),
    (b"/%zz", Reason.PERCENT),
    (b"/%u0041", Reason.PERCENT),
    (b"/%c0%ae", Reason.NOT_UTF8),
    (b"/%ff", Reason.NOT_UTF8),
    (b"/%ed%a0%80", Reason.NOT_UTF8),
    (b"/a?x=%00", Reason.CONTROL_CHARACTER),
    (b"/a?x=%2541", Reason.DOUBLE_ENCODING),
    (b"/a?x=%e4", Reason.NOT_UTF8),
    (b"/a?=b", Reason.FORM_SYNTAX),
    (b"/a?a&&b", Reason.FORM_SYNTAX),
    (b"/a?" + b"a=1&" * 64 + b"b=1", Reason.TOO_MANY_PARAMETERS),
]

URLENCODED_BODIES = [
    (b"a=1&&b=2", Reason.FORM_SYNTAX),
    (b"a", Reason.FORM_SYNTAX),
    (b"=1", Reason.FORM_SYNTAX),
    (b"a b=1", Reason.FORM_SYNTAX),
    (b"a=\xe4", Reason.FORM_SYNTAX),
    (b"a=1\r\n", Reason.FORM_SYNTAX),
    (b"a=%zz", Reason.PERCENT),
    (b"a=%00", Reason.CONTROL_CHARACTER),
    (b"a=%ff", Reason.NOT_UTF8),
    (b"a=" + b"b" * 1_025, Reason.FIELD_TOO_LARGE),
    (b"&".join([b"a=1"] * 9), Reason.TOO_MANY_FIELDS),
]


def part(disposition: str, content: bytes = b"x", *headers: str) -> bytes:
    head = "\r\n".join([f"Content-Disposition: {disposition}", *headers, "", ""]).encode()
    return b"--b\r\n" + head + content + b"\r\n"


FIELD = 'form-data; name="a"'
FILE = 'form-data; name="f"; filename="x.png"'


MULTIPART_BODIES = [
    (b"", Reason.PART_SYNTAX),
    (b"preamble\r\n" + part(FIELD) + b"--b--", Reason.PART_SYNTAX),
    (part(FIELD), Reason.PART_SYNTAX),
    (part(FIELD) + b"--b--\r\nepilogue", Reason.PART_SYNTAX),
    (part(FIELD) + b"--bx\r\n", Reason.PART_SYNTAX),
    (part(FIELD) + b"--b \r\n" + part(FIELD) + b"--b--", Reason.PART_SYNTAX),
    (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n--b--', Reason.PART_HEADER),
    (b"--b\r\n\r\nx\r\n--b--", Reason.PART_HEADER),
    (b"--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--", Reason.PART_DISPOSITION),
    (part(FIELD, b"x", f"Content-Disposition: {FIELD}") + b"--b--", Reason.PART_HEADER),
    (part(FIELD, b"x", "Content-Transfer-Encoding: base64") + b"--b--", Reason.PART_HEADER),
    (part(FIELD, b"x", "X-Other: 1") + b"--b--", Reason.PART_HEADER),
    (part(FIELD, b"x", " folded") + b"--b--", Reason.PART_HEADER),
    (part(FILE, b"x", "Content-Type: a/b; boundary=c") + b"--b--", Reason.PART_HEADER),
    (part("form-data; name=a") + b"--b--", Reason.PART_DISPOSITION),
    (part('form-data; filename="x"; name="a"') + b"--b--", Reason.PART_DISPOSITION),
    (part("form-data; name=\"f\"; filename*=UTF-8''x") + b"--b--", Reason.PART_DISPOSITION),
    (part(FILE + "; filename*=UTF-8''y") + b"--b--", Reason.PART_DISPOSITION),
    (part('attachment; name="a"') + b"--b--", Reason.PART_DISPOSITION),
    (part('form-data; name="f"; filename="../x"') + b"--b--", Reason.PART_FILE_NAME),
    (part('form-data; name="f"; filename="a\\b"') + b"--b--", Reason.PART_FILE_NAME),
    (part('form-data; name="f"; filename="a%0Ab"') + b"--b--", Reason.PART_FILE_NAME),
    (part(FILE) + part(FILE) + b"--b--", Reason.UPLOAD_REPEATED),
    (part('form-data; name="f"') + part(FILE) + b"--b--", Reason.UPLOAD_REPEATED),
    (
        part(FILE) + part(FILE.replace('"f"', '"g"')) + part(FILE.replace('"f"', '"h"')) + b"--b--",
        Reason.TOO_MANY_UPLOADS,
    ),
    (part(FILE, b"x" * 1_025) + b"--b--", Reason.BODY_TOO_LARGE),
    (part(FIELD, b"x" * 1_025) + b"--b--", Reason.FIELD_TOO_LARGE),
    (part(FIELD) * 9 + b"--b--", Reason.TOO_MANY_FIELDS),
    (part(FIELD, b"\xff") + b"--b--", Reason.NOT_UTF8),
    (part(FIELD, b"\x00") + b"--b--", Reason.CONTROL_CHARACTER),
]
