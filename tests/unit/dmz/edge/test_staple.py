"""Only a response that is ours, good, signed and not over is passed on."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from OpenSSL import SSL

from dmz.edge.staple import LOOK_AGAIN_MS, Staple
from tests.support.test_ca import HallAuthority

HALL = HallAuthority()
SERVER = HALL.server()
CHAIN = (SERVER.certificate, HALL.issuing)
NOW = int(HALL.now.timestamp()) * 1_000
CONNECTION: SSL.Connection = None  # type: ignore[assignment] # the answer does not depend on it


def response(**changes) -> bytes:
    return HALL.ocsp_response(changes.pop("server", SERVER), **changes)


def test_a_good_response_is_taken_as_it_is(tmp_path):
    path = tmp_path / "server.ocsp"
    path.write_bytes(response())
    staple = Staple(path, CHAIN)
    assert staple.answer(CONNECTION) == b""
    assert staple.left_s(NOW) == -1
    staple.refresh(NOW)
    assert staple.answer(CONNECTION) == response()
    assert staple.left_s(NOW) == 7 * 86_400


def test_a_new_file_is_taken_within_a_minute_and_an_old_one_left_out(tmp_path):
    path = tmp_path / "server.ocsp"
    staple = Staple(path, CHAIN)
    staple.refresh(NOW)
    assert staple.answer(CONNECTION) == b""
    path.write_bytes(response())
    staple.refresh(NOW + LOOK_AGAIN_MS - 1)
    assert staple.answer(CONNECTION) == b""
    staple.refresh(NOW + LOOK_AGAIN_MS)
    assert staple.answer(CONNECTION) == response()
    end = NOW + 7 * 86_400_000
    staple.refresh(end - 3 * LOOK_AGAIN_MS)
    assert staple.answer(CONNECTION) == response()
    staple.refresh(end - LOOK_AGAIN_MS)
    assert staple.answer(CONNECTION) == b"", "it would be over before it is looked at again"
    path.write_bytes(response(begins=dt.timedelta(days=7)))
    staple.refresh(end)
    assert staple.answer(CONNECTION) != b""
    path.unlink()
    staple.refresh(end + LOOK_AGAIN_MS)
    assert staple.answer(CONNECTION) == b""


def _other_kind() -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)


def _by_another() -> bytes:
    return HallAuthority().ocsp_response(SERVER)


def _changed() -> bytes:
    data = bytearray(response())
    data[-1] ^= 1
    return bytes(data)


def _by_another_algorithm() -> bytes:
    """Signed with SM2 and SM3 (GB/T 33560), of which the library knows nothing, instead of ECDSA and SHA-256."""
    ecdsa, sm2 = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a811ccf55018375")
    assert response().count(ecdsa) == 1
    return response().replace(ecdsa, sm2)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30\x03\x0a\x01\x00",
        b"x" * 1_000_000,
        _other_kind(),
        response(server=HALL.server()),
        response(status=ocsp.OCSPCertStatus.REVOKED),
        response(status=ocsp.OCSPCertStatus.UNKNOWN),
        response(begins=dt.timedelta(hours=1)),
        response(begins=-dt.timedelta(days=8)),
        response(ends=None),
        _by_another(),
        _changed(),
        _by_another_algorithm(),
    ],
)
def test_anything_else_is_left_out(tmp_path, data):
    path = tmp_path / "server.ocsp"
    path.write_bytes(data)
    staple = Staple(path, CHAIN)
    staple.refresh(NOW)
    assert staple.answer(CONNECTION) == b""


def test_without_the_issuer_nothing_can_be_verified(tmp_path):
    path = tmp_path / "server.ocsp"
    path.write_bytes(response())
    staple = Staple(path, CHAIN[:1])
    staple.refresh(NOW)
    assert staple.answer(CONNECTION) == b""
