"""Forms with a file: every byte of the file as it was, every field once, nothing beyond the bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.http import _getMultiPartArgs

from ferry.console.visit import MOST_FIELDS, parts_to_fields
from wire_formats.errors import Kind, PeerError

BOUNDARY = b"----WebKitFormBoundary0123456789abcd"


def body(file: bytes) -> bytes:
    field = b'--%s\r\nContent-Disposition: form-data; name="word"\r\n\r\nsign\r\n' % BOUNDARY
    head = (
        b'Content-Disposition: form-data; name="file"; filename="x"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    return field + b"--%s\r\n" % BOUNDARY + head + file + b"\r\n--%s--\r\n" % BOUNDARY


@given(st.binary(max_size=600) | st.sampled_from([b"\r", b"\n", b"a\r\n", b"\r\n\r\n", b"--", b"\0\r", b"x\n"]))
def test_a_file_comes_through_byte_for_byte(file: bytes) -> None:
    parts = _getMultiPartArgs(body(file), b"multipart/form-data; boundary=" + BOUNDARY)
    assert parts_to_fields(parts) == ({"word": "sign"}, file)


@pytest.mark.parametrize(
    "parts",
    [
        {b"word": [b"a", b"b"]},
        {b"file": [b"a", b"b"]},
        {b"word": [b"a\nb"]},
        {b"word": [b"\xff"]},
        {b"w\xff": [b"a"]},
        {b"f%d" % number: [b"a"] for number in range(MOST_FIELDS + 1)},
    ],
    ids=["twice", "two files", "two lines", "bytes", "name", "many"],
)
def test_what_is_no_form_of_ours_is_refused(parts: dict[bytes, list[bytes]]) -> None:
    with pytest.raises(PeerError) as refused:
        parts_to_fields(parts)
    assert refused.value.kind is Kind.BAD_HTTP
