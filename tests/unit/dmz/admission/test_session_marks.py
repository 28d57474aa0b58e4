"""Which sessions an edge knows: learnt from workers only, bounded, shared between processes."""

from __future__ import annotations

import mmap
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.admission import session_marks
from dmz.admission.session_marks import (
    BUCKET_SLOTS,
    DIGEST_BYTES,
    SessionMarks,
    begun_key,
    table_bytes,
)
from dmz.messages import ClientIdentity, HallRequest, HallResponse, Window

NOW_S = 1_700_000_000
KEYS = st.binary(min_size=DIGEST_BYTES, max_size=DIGEST_BYTES)


def client(fingerprint: bytes = b"f" * 32) -> ClientIdentity:
    return ClientIdentity(fingerprint, "ca", 1, "urn:ferrygate:account:unit:1", "unit", "1")


def asked(cookie: str = "abc", window: Window = "unit", holder: ClientIdentity | None = None) -> HallRequest:
    return HallRequest("GET", window, "/", cookies=((f"__Host-fg-{window}", cookie),), client=holder or client())


def key_of(request: HallRequest) -> bytes:
    key = session_marks.session_key(request)
    assert key is not None
    return key


def marks(sessions: int = 64) -> SessionMarks:
    return SessionMarks(bytearray(table_bytes(sessions)))


def test_a_made_up_cookie_is_nobodys():
    table = marks()
    table.note(asked("abc"), HallResponse(200, signed_in_s=60), NOW_S)
    assert table.knows(key_of(asked("abc")), NOW_S)
    assert not table.knows(key_of(asked("abd")), NOW_S)
    assert not table.knows(key_of(asked("abc", holder=client(b"g" * 32))), NOW_S), "another certificate"
    assert not table.knows(key_of(asked("abc", window="person")), NOW_S), "another window"


def test_only_the_cookie_of_the_window_counts():
    assert session_marks.session_key(HallRequest("GET", "unit", "/", cookies=(("__Host-fg-person", "abc"),))) is None
    assert (
        session_marks.session_key(HallRequest("GET", "unit", "/", cookies=(("__Host-fg-unit", ""), ("lang", "en"))))
        is None
    )
    assert session_marks.session_key(HallRequest("GET", "unit", "/")) is None


def test_a_mark_ends_and_is_renewed_and_taken_back():
    table = marks()
    request = asked()
    key = key_of(request)
    table.note(request, HallResponse(200, signed_in_s=60), NOW_S)
    assert table.knows(key, NOW_S + 59) and not table.knows(key, NOW_S + 60)
    table.note(request, HallResponse(200, signed_in_s=90), NOW_S)
    assert table.knows(key, NOW_S + 60)
    table.note(request, HallResponse(500), NOW_S)
    assert table.knows(key, NOW_S), "an answer that says nothing changes nothing"
    table.note(request, HallResponse(303, signed_in_s=0), NOW_S)
    assert not table.knows(key, NOW_S)


def test_signing_in_makes_the_new_cookie_known_and_the_old_one_not():
    table = marks()
    before = asked("old")
    table.note(before, HallResponse(200, signed_in_s=60), NOW_S)
    new = ("Set-Cookie", "__Host-fg-unit=new; Path=/; Secure; HttpOnly; SameSite=Strict")
    table.note(before, HallResponse(303, (new,), signed_in_s=1_800), NOW_S)
    assert table.knows(key_of(asked("new")), NOW_S + 1_000)
    assert not table.knows(key_of(before), NOW_S)


@pytest.mark.parametrize("value", ["__Host-fg-unit=; Path=/; Max-Age=0", "__Host-fg-person=x; Path=/", "lang=en"])
def test_what_begins_no_session_of_this_window(value):
    assert begun_key(asked(), HallResponse(200, (("Set-Cookie", value),))) is None


def test_an_answer_to_somebody_without_a_cookie_teaches_nothing():
    table = marks()
    memory = bytearray(table_bytes(64))
    table = SessionMarks(memory)
    table.note(HallRequest("GET", "unit", "/"), HallResponse(200, signed_in_s=60), NOW_S)
    table.note(HallRequest("GET", "unit", "/"), HallResponse(200, signed_in_s=0), NOW_S)
    assert not any(memory)


@given(st.lists(st.tuples(KEYS, st.integers(NOW_S + 1, NOW_S + 10_000)), max_size=60, unique_by=lambda one: one[0]))
def test_the_table_never_grows_and_keeps_what_ends_last(sessions):
    memory = bytearray(table_bytes(BUCKET_SLOTS))
    table = SessionMarks(memory)
    for key, end_s in sessions:
        table.learn(key, end_s)
        assert table.knows(key, NOW_S), "who was just confirmed is known"
    known = {key for key, _ in sessions if table.knows(key, NOW_S)}
    assert len(known) == min(len(sessions), BUCKET_SLOTS)
    assert len(memory) == table_bytes(BUCKET_SLOTS)
    for key, _ in sessions:
        table.forget(key)
    assert not any(table.knows(key, NOW_S) for key, _ in sessions)


def test_what_is_over_makes_room_first():
    table = marks(BUCKET_SLOTS)
    keys = [bytes([number]) * DIGEST_BYTES for number in range(BUCKET_SLOTS + 1)]
    for number, key in enumerate(keys[:-1]):
        table.learn(key, NOW_S + (1 if number == 3 else 1_000))
    table.learn(keys[-1], NOW_S + 500)
    assert [table.knows(key, NOW_S) for key in keys] == [number != 3 for number in range(BUCKET_SLOTS + 1)]


@pytest.mark.parametrize("size", [0, 1, table_bytes(1) - 1, table_bytes(1) + 4])
def test_memory_of_another_size_is_refused(size):
    with pytest.raises(ValueError, match="multiple"):
        SessionMarks(bytearray(size))


def test_what_one_child_learns_the_others_know():
    table = SessionMarks(memoryview(mmap.mmap(-1, table_bytes(64))))
    key = key_of(asked())
    pid = os.fork()
    if pid == 0:
        table.learn(key, NOW_S + 60)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert table.knows(key, NOW_S)
