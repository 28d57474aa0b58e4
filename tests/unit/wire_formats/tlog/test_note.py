"""Signed notes: one form only, signatures of the known key only, and other programs read them."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from tests.support.machines import MachineAuthority
from wire_formats.errors import PeerError
from wire_formats.suites import VerifyKey
from wire_formats.tlog.note import (
    MAX_SIGNATURES,
    Note,
    NoteSignature,
    decode_number,
    format_note,
    note_key_id,
    parse_note,
    sign_text,
    verify_text,
)

AUTHORITY = MachineAuthority()
KEY = AUTHORITY.machine("ferry_low", "ferry_low")
OTHER = AUTHORITY.machine("ferry_high", "ferry_high")
TEXT = "第一行\n\nan empty line may stand inside\n"
NOTE = Note(TEXT, (sign_text(TEXT, "example.net/log", KEY),))
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="+"), min_size=1, max_size=20).filter(
    lambda name: not any(c.isspace() or c < " " for c in name)
)
TEXTS = st.text(st.characters(codec="utf-8", min_codepoint=32, include_characters="\n"), max_size=200)


@given(
    TEXTS, st.lists(st.tuples(NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=90)), min_size=1)
)
def test_what_is_written_is_read_back(text: str, lines: list[tuple[str, bytes, bytes]]) -> None:
    note = Note(f"{text}\n", tuple(NoteSignature(*line) for line in lines[:MAX_SIGNATURES]))
    data = format_note(note)
    assert parse_note(data) == note


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    _same_or_refused(data)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=3), st.integers(0, 4))
def test_a_mutated_note_is_the_same_or_refused(at: int, new: bytes, cut: int) -> None:
    good = format_note(NOTE)
    at %= len(good)
    _same_or_refused(good[:at] + new + good[at + cut :])


def _same_or_refused(data: bytes) -> None:
    try:
        note = parse_note(data)
    except PeerError:
        return
    assert format_note(note) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        "text\n\n— name AAAAAAA=".encode(),
        b"text\n\n- name AAAAAAA=\n",
        "text\n\n—name AAAAAAA=\n".encode(),
        "text\n\n— na+me AAAAAAA=\n".encode(),
        "text\n\n—  AAAAAAA=\n".encode(),
        "text\n\n— na\u00a0me AAAAAAA=\n".encode(),
        "text\n\n— name AAAAAA==\n".encode(),
        "text\n\n— name AAAAAAB=\n".encode(),
        "text\n\n— name AAAA AAA=\n".encode(),
        "text\n\n— name AAAAAAA=\r\n".encode(),
        "te\txt\n\n— name AAAAAAA=\n".encode(),
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        "text\n\n— name AAAAAAA=\n\n".encode(),
        ("text\n\n" + "— name AAAAAAA=\n" * (MAX_SIGNATURES + 1)).encode(),
        b"x" * 20_000,
    ],
)
def test_other_forms_are_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        parse_note(data)


def test_sixteen_signatures_are_accepted() -> None:
    assert len(parse_note(("text\n\n" + "— name AAAAAAA=\n" * 16).encode()).signatures) == 16


def test_the_right_key_and_text_only() -> None:
    key = VerifyKey(KEY.certificate)
    verify_text(NOTE, "example.net/log", key)
    for note, name, known in (
        (NOTE, "example.net/other", key),
        (NOTE, "example.net/log", VerifyKey(OTHER.certificate)),
        (Note("another\n", NOTE.signatures), "example.net/log", key),
        (NOTE.signed(NOTE.signatures[0]), "example.net/log", key),
    ):
        with pytest.raises(PeerError):
            verify_text(note, name, known)


def test_lines_of_unknown_keys_change_nothing() -> None:
    stranger = sign_text(TEXT, "example.net/log", OTHER)
    verify_text(Note(TEXT, (stranger, *NOTE.signatures)), "example.net/log", VerifyKey(KEY.certificate))


def test_every_flipped_bit_of_a_signature_is_found() -> None:
    [line] = NOTE.signatures
    for bit in range(8 * len(line.value)):
        changed = bytearray(line.value)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(PeerError):
            verify_text(Note(TEXT, (line._replace(value=bytes(changed)),)), line.name, VerifyKey(KEY.certificate))


def test_a_note_that_cannot_be_read_is_not_written() -> None:
    for note in (Note("no newline", NOTE.signatures), Note("text\n", ()), Note("tab\t\n", NOTE.signatures)):
        with pytest.raises(ValueError, match="not a note"):
            format_note(note)


def test_openssl_verifies_the_signature_line(tmp_path: Path) -> None:
    """The text before the empty line, and the bytes after the key id, as a program of others sees them."""
    whole = format_note(NOTE).decode()
    text, _, line = whole.rpartition("\n\n")
    value = base64.b64decode(line.split(" ")[2])
    public = KEY.certificate.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert value[:4] == hashlib.sha256(der).digest()[:4] == note_key_id(KEY.public_der)
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "text").write_text(f"{text}\n", encoding="utf-8")
    (tmp_path / "signature").write_bytes(value[4:])
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "text"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "Verified OK\n", done.stderr


def test_numbers_have_one_form() -> None:
    assert decode_number("0", most=9) == 0
    assert decode_number("12", most=12) == 12
    for text in ("", "00", "012", "+1", "-1", "1 ", "١", "13", "9" * 30):
        with pytest.raises(PeerError):
            decode_number(text, most=12)
