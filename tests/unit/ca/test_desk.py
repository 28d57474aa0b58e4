from __future__ import annotations

import os
from typing import cast

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from hypothesis import given
from hypothesis import strategies as st

from ca.answer_memory import KEEP_MS, AnswerMemory
from ca.desk import Desk
from ca.slips import Slips
from tests.support.authority import enabled_slip
from wire_formats.desk_messages import (
    DeskRefusal,
    Done,
    Download,
    Enable,
    Entry,
    Issued,
    Prepare,
    Prepared,
    Revoke,
    Status,
    parse_answer,
)
from wire_formats.errors import Kind, Refused, Unavailable


@pytest.fixture
def published():
    return []


@pytest.fixture
def desk(authority, rig, published):
    return Desk(
        authority.slips, authority.revoker, clock=rig.clock, after_revocation=lambda: published.append(rig.clock.ms)
    )


def ask(desk, question):
    answer = parse_answer(desk.answer(question))
    assert answer.request_id == question.request_id
    return answer


def rid():
    return os.urandom(16)


def test_the_whole_life_over_the_desk(desk, published):
    prepared = ask(desk, Prepare(rid(), "10023456", "unit", "武汉测试单位", "op"))
    assert isinstance(prepared, Prepared)
    entry = ask(desk, Status(rid(), prepared.number))
    assert entry == Entry(entry.request_id, prepared.number, "unit", "10023456", "not_enabled", 5)
    refused = ask(desk, Download(rid(), prepared.number, prepared.code))
    assert refused.kind is Kind.SLIP_NOT_ENABLED
    assert ask(desk, Enable(rid(), prepared.number, "XY-1", "op")).state == "enabled"
    issued = ask(desk, Download(rid(), prepared.number, prepared.code))
    assert isinstance(issued, Issued) and (issued.window, issued.account) == ("unit", "10023456")
    bag = load_pkcs12(issued.pkcs12, prepared.password.encode())
    assert f"{bag.cert.certificate.serial_number:032x}" == issued.serial
    assert issued.issuer == bag.cert.certificate.issuer.rfc4514_string()
    assert not published
    assert ask(desk, Revoke(rid(), issued.serial, "superseded", "op")) == Done(cast("bytes", _last(desk)), "revoked")
    assert len(published) == 1


class _last:
    """Equal to any request id."""

    def __init__(self, desk):
        pass

    def __eq__(self, other):
        return isinstance(other, bytes)

    __hash__ = None  # type: ignore[assignment]  # so Python says "not hashable"


def test_the_same_request_id_brings_the_same_file_for_ten_minutes(desk, authority, rig):
    number, code, _ = enabled_slip(authority)
    question = Download(rid(), number, code)
    first = desk.answer(question)
    rig.clock.pass_ms(KEEP_MS - 1)
    assert desk.answer(question) == first
    rig.clock.pass_ms(1)
    later = parse_answer(desk.answer(question))
    assert isinstance(later, DeskRefusal) and later.kind is Kind.CODE_USED_UP


def test_another_question_under_the_same_id_is_a_conflict(desk, authority):
    number, code, _ = enabled_slip(authority)
    request_id = rid()
    ask(desk, Status(request_id, number))
    assert ask(desk, Download(request_id, number, code)).kind is Kind.CONFLICT


def test_a_repeated_wrong_code_costs_one_try(desk, authority):
    number, _, _ = enabled_slip(authority)
    question = Download(rid(), number, "AAAABBBBCCCC")
    assert ask(desk, question).tries_left == 4
    assert ask(desk, question).tries_left == 4
    assert ask(desk, Download(rid(), number, "AAAABBBBCCCC")).tries_left == 3


def test_forgotten_answers_leave_the_memory(desk, authority, rig):
    number, code, _ = enabled_slip(authority)
    ask(desk, Download(rid(), number, code))
    assert len(desk._memory) == 1
    rig.clock.pass_ms(KEEP_MS)
    desk.forget_old()
    assert len(desk._memory) == 0 and desk._memory.size_bytes == 0


def test_unavailable_is_not_remembered(authority, rig):
    def busy():
        raise Unavailable(Kind.BUSY, "busy", 3)

    class Busy:
        status = staticmethod(lambda number: busy())

    desk = Desk(cast("Slips", Busy()), authority.revoker, clock=rig.clock, after_revocation=lambda: None)
    answer = ask(desk, Status(rid(), "N"))
    assert answer.kind is Kind.BUSY and answer.retry_after_s == 3 and len(desk._memory) == 0


def test_a_revocation_counts_even_when_it_cannot_be_published_now(authority, rig):
    def busy():
        raise Unavailable(Kind.BUSY, "busy", 3)

    desk = Desk(authority.slips, authority.revoker, clock=rig.clock, after_revocation=busy)
    number, _, _ = enabled_slip(authority)
    assert ask(desk, Revoke(rid(), number, "superseded", "op")).state == "revoked"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 400), st.integers(0, 300)), max_size=60))
def test_the_memory_is_bounded_by_number_size_and_time(steps):
    memory = AnswerMemory(keep_ms=1000, most=5, most_bytes=900)
    now = 0
    written: dict[int, tuple[bytes, int]] = {}
    for key, size, wait in steps:
        now += wait
        request_id = bytes([key]) * 16
        found = memory.recall(request_id, b"d", now_ms=now)
        if found is not None:
            assert found == written[key][0] and now - written[key][1] < 1000
        else:
            answer = bytes(size)
            memory.keep(request_id, b"d", answer, now_ms=now)
            written[key] = (answer, now)
        assert len(memory) <= 5 and memory.size_bytes <= 900
        if memory.recall(request_id, b"d", now_ms=now) is not None:
            with pytest.raises(Refused):
                memory.recall(request_id, b"other", now_ms=now)
