"""Uploads through a real edge and a real clamd: clean, infected, too large; absent, back again, required."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.edge_bench import Answer, EdgeBench, post
from tests.support.virus_scanner import EICAR, STREAM_MIB, Clamd

TRIES = """trusted = ["127.0.0.1/32"]
clamd_socket = "{socket}"
clamd_deadline_s = 30
clamd_required = {required}"""


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with tempfile.TemporaryDirectory(prefix="fg") as folder:
        scanner = Clamd(Path(folder))
        try:
            yield scanner
        finally:
            scanner.stop()


@pytest.fixture(scope="module", params=["false", "true"], ids=["open", "required"])
def running(request, clamd, tmp_path_factory):
    settings = TRIES.format(socket=clamd.socket, required=request.param)
    clamd.start()
    bench = EdgeBench(tmp_path_factory.mktemp("edge"), "children = 1", intrusion=settings)
    try:
        yield bench.start(), request.param == "true"
    finally:
        clamd.stop()
        assert bench.stop() == 0


def upload(bench: EdgeBench, data: bytes, account: str = "1") -> Answer:
    """Send a file as a workbook."""
    client = bench.authority.client("unit", account * 32)
    part = 'Content-Disposition: form-data; name="{}"{}\r\n'
    body = b"".join(
        [
            b"--b0\r\n" + part.format("csrf", "").encode() + b"\r\n" + b"A" * 43 + b"\r\n",
            b"--b0\r\n" + part.format("form_token", "").encode() + b"\r\n" + b"B" * 22 + b"\r\n",
            b"--b0\r\n" + part.format("workbook", '; filename="w.xlsx"').encode(),
            b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n--b0--\r\n",
        ]
    )
    return bench.ask("unit", client, post("/b/wage.batch", body, "multipart/form-data; boundary=b0"))


def test_what_clamd_says_decides(running):
    bench, required = running
    clean = upload(bench, b"PK\x03\x04" + bytes(300_000))
    assert clean.status == 200, clean.body
    assert clean.told["uploads"][0][3] == 300_004
    infected = upload(bench, b"PK\x03\x04" + bytes(200_000) + EICAR + bytes(100))
    assert infected.status == 403
    assert "FG-2032" in infected.body.decode() and "病毒" in infected.body.decode()
    assert bench.log().count("upload_infected") == 1
    event = next(
        line for line in (bench.directory / "intrusion.0.cef").read_text().splitlines() if "|infected|" in line
    )
    assert "cs1Label=clientCertificateSha256" in event
    # Beyond clamd's own limit nothing was judged: the settings decide.
    large = upload(bench, b"PK\x03\x04" + bytes(STREAM_MIB * 1024 * 1024))
    assert large.status == (503 if required else 200)
    assert bench.log().count("upload_not_scanned") == 1


def test_its_absence_is_alarmed_once_and_so_is_its_return(running, clamd):
    bench, required = running
    clamd.stop()
    statuses = [upload(bench, b"PK\x03\x04", account="2").status for _ in range(3)]
    assert statuses == [503 if required else 200] * 3
    assert bench.log().count("clamd_absent") == 1
    clamd.start()
    assert upload(bench, b"PK\x03\x04", account="2").status == 200
    assert bench.log().count("clamd_back") == 1
