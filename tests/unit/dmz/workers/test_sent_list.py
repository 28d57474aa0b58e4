"""What was sent, as one list: single cases and workbooks in the order of time, and where each is now."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.hall.backend_port import Outcome, Submission, Upload
from dmz.hall.batch_port import BatchState
from dmz.workers.request_desk import PAGE_SIZE
from dmz.workers.request_state import RequestState
from dmz.workers.sent_list import Chunk, Entry, Standing, outcome_of, standing_of
from dmz.workers.upload_store import READING_MS
from tests.support.workbooks import wage_rows, wage_workbook
from tests.support.worker_rig import client
from tests.unit.dmz.workers.test_backend import BODY, RigCase
from wire_formats.answer import AnswerStatus

NOW = 1_000_000
WAITING, DONE, ACCEPTED, PARTLY, REFUSED, REJECTED, EXPIRED = range(7)
STATES: dict[int, tuple[str, int | None]] = {
    WAITING: ("sent", None),
    DONE: ("answered", AnswerStatus.DONE.value),
    ACCEPTED: ("answered", AnswerStatus.ACCEPTED.value),
    PARTLY: ("answered", AnswerStatus.PARTLY.value),
    REFUSED: ("answered", AnswerStatus.REFUSED.value),
    REJECTED: ("answered", AnswerStatus.REJECTED.value),
    EXPIRED: ("expired", None),
}


def book(state: str = "read", *, at: int = NOW, total: int | None = 1_200, sent: int | None = 1_200) -> Entry:
    return Entry(b"b" * 16, "wage.batch", at, True, state, None, total, sent)


def chunks(*kinds: int) -> list[Chunk]:
    return [Chunk(number, *STATES[kind]) for number, kind in enumerate(kinds, start=1)]


@pytest.mark.parametrize(
    ("kinds", "sent", "outcome", "answered"),
    [
        ((WAITING, WAITING, WAITING), 1_200, Outcome.UNDER_WAY, 0),
        ((DONE, WAITING, WAITING), 1_200, Outcome.UNDER_WAY, 500),
        ((WAITING, PARTLY, DONE), 1_200, Outcome.UNDER_WAY, 700),
        ((REFUSED, WAITING, EXPIRED), 1_200, Outcome.UNDER_WAY, 700),
        ((DONE, DONE, WAITING), 1_200, Outcome.UNDER_WAY, 1_000),
        ((DONE, DONE, DONE), 1_200, Outcome.DONE, 1_200),
        ((DONE, ACCEPTED, DONE), 1_200, Outcome.ACCEPTED, 1_200),
        ((DONE, PARTLY, ACCEPTED), 1_200, Outcome.PARTLY, 1_200),
        ((DONE, EXPIRED, DONE), 1_200, Outcome.PARTLY, 1_200),
        ((REFUSED, EXPIRED, REJECTED), 1_200, Outcome.REFUSED, 1_200),
        ((REJECTED, REJECTED, REJECTED), 1_200, Outcome.REJECTED, 1_200),
        ((DONE, DONE, DONE), 1_199, Outcome.PARTLY, 1_199),
        ((), 0, Outcome.REFUSED, 0),
    ],
)
def test_a_workbook_stands_where_its_chunks_stand(
    kinds: tuple[int, ...], sent: int, outcome: Outcome, answered: int
) -> None:
    assert standing_of(book(sent=sent), chunks(*kinds), 500, NOW) == Standing(outcome, answered)


def test_a_workbook_without_chunks_yet() -> None:
    assert standing_of(book("reading", total=None, sent=None), [], 500, NOW) == Standing(Outcome.UNDER_WAY, None)
    late = NOW + READING_MS + 1
    assert standing_of(book("reading", total=None, sent=None), [], 500, late) == Standing(Outcome.REFUSED, None)
    assert standing_of(book("refused", total=None, sent=None), [], 500, NOW) == Standing(Outcome.REFUSED, None)
    # Read by a worker that did not count yet.
    assert standing_of(book(total=None, sent=None), chunks(DONE), 500, NOW) == Standing(Outcome.DONE, None)


@given(st.lists(st.sampled_from(list(STATES)), min_size=1, max_size=20), st.integers(1, 500), st.integers(0, 3))
def test_rows_answered_are_never_more_than_sent(kinds: list[int], last: int, unsent: int) -> None:
    sent = (len(kinds) - 1) * 500 + last
    found = standing_of(book(total=sent + unsent, sent=sent), chunks(*kinds), 500, NOW)
    assert found.rows_answered is not None and 0 <= found.rows_answered <= sent
    assert (found.rows_answered == sent) == (found.outcome is not Outcome.UNDER_WAY)
    if unsent:
        assert found.outcome not in (Outcome.DONE, Outcome.ACCEPTED)


def test_a_case_stands_where_its_answer_says() -> None:
    assert outcome_of(RequestState.SAVED.value, None) is Outcome.UNDER_WAY
    assert outcome_of(RequestState.EXPIRED.value, None) is Outcome.REFUSED
    for status in AnswerStatus:
        assert outcome_of(RequestState.ANSWERED.value, status.value) is not Outcome.UNDER_WAY


class SentList(RigCase):
    async def send(self, session: Any, number: int) -> str:
        self.rig.clock.advance(s=1)
        token = f"case-token-number-{number:04d}"
        reference: str = await self.rig.backend.transact(session, client(), "employee.add", BODY, form_token=token)
        return reference

    async def upload(self, session: Any, rows: list[list[Any]], token: str = "book-token-0001") -> str:
        self.rig.clock.advance(s=1)
        upload = Upload("工资.xlsx", wage_workbook(rows))
        reference: str = await self.rig.backend.upload_workbook(
            session, client(), "wage.batch", upload, form_token=token
        )
        return reference

    async def listed(self, session: Any, page: int = 1) -> Any:
        return await self.rig.backend.submissions(session, client(), page)

    async def settled(self, session: Any, reference: str) -> None:
        async def done() -> bool:
            view = await self.rig.backend.batch_result(session, client(), reference, 1)
            return view.state in (BatchState.DONE, BatchState.REFUSED)

        await self.rig.until(done)

    def test_workbooks_stand_among_cases_once_each_in_the_order_of_time(self) -> Any:
        async def work() -> None:
            done = await self.rig.login()
            first = await self.send(done.session, 1)
            rows = wage_rows(1_200)
            rows[3][0], rows[700][1] = "bad", "无名氏"
            book = await self.upload(done.session, rows)
            last = await self.send(done.session, 2)
            await self.settled(done.session, book)
            page = await self.listed(done.session)
            self.assertEqual([item.reference for item in page.items], [last, book, first])
            self.assertEqual(page.total, 3)
            line = page.items[1]
            self.assertEqual(
                (line.service, line.outcome, line.rows, line.rows_answered), ("wage.batch", Outcome.PARTLY, 1199, 1199)
            )
            self.assertEqual(line.submitted_at_ms + 1000, page.items[0].submitted_at_ms)
            # Another file, all good; and one that is no workbook at all.
            good = await self.upload(done.session, wage_rows(7), "book-token-0002")
            await self.settled(done.session, good)
            upload = Upload("x.xlsx", b"PK nothing")
            self.rig.clock.advance(s=1)
            bad = await self.rig.backend.upload_workbook(
                done.session, client(), "wage.batch", upload, form_token="book-token-0003"
            )
            await self.settled(done.session, bad)
            items = (await self.listed(done.session)).items
            told = [(item.reference, item.outcome, item.rows) for item in items[:2]]
            self.assertEqual(told, [(bad, Outcome.REFUSED, None), (good, Outcome.DONE, 7)])
            # Another certificate of the account sees the same, another window nothing.
            later = await self.rig.login(certificate=b"z" * 32)
            again = await self.rig.backend.submissions(later.session, client(certificate=b"z" * 32), 1)
            self.assertEqual(again.items, items)
            person = await self.rig.login(window="person")
            self.assertEqual((await self.rig.backend.submissions(person.session, client(window="person"), 1)).total, 0)

        return self.run_async(work())

    def test_partly_answered_chunks_are_counted_in_rows(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rig.far.silent = True
            book = await self.upload(done.session, wage_rows(1_100))

            async def sent() -> Any:
                item = (await self.listed(done.session)).items[0]
                return item if item.rows is not None else None

            waiting: Submission = await rig.until(sent)
            self.assertEqual((waiting.outcome, waiting.rows, waiting.rows_answered), (Outcome.UNDER_WAY, 1100, 0))
            # One answer comes back, the others get lost on their way.
            drop, passed = rig.far.drop_answers, 0

            def one_only(items: Any, lane: str, worker: str, **more: Any) -> Any:
                nonlocal passed
                some = items[: max(0, 1 - passed)]
                passed += len(some)
                return drop(some, lane, worker, **more) if some else None

            rig.far.drop_answers = one_only  # type: ignore[method-assign]
            rig.far.silent = False

            async def partly() -> Any:
                item = (await self.listed(done.session)).items[0]
                return item if item.rows_answered else None

            item = await rig.until(partly)
            view = await rig.backend.batch_result(done.session, client(), book, 1)
            self.assertEqual((item.outcome, item.rows_answered), (Outcome.UNDER_WAY, view.accepted))
            self.assertEqual((view.state, view.waiting), (BatchState.UNDER_WAY, 1100 - view.accepted))
            rig.far.drop_answers = drop  # type: ignore[method-assign]
            rig.clock.advance(ms=rig.settings.resend_first_ms + 1)
            await rig.worker.housekeeping.resend()
            await self.settled(done.session, book)
            item = (await self.listed(done.session)).items[0]
            self.assertEqual((item.outcome, item.rows, item.rows_answered), (Outcome.DONE, 1100, 1100))

        return self.run_async(work())

    def test_the_list_is_paged_across_both_kinds(self) -> Any:
        async def work() -> None:
            done = await self.rig.login()
            sent = []
            for number in range(PAGE_SIZE + 2):
                if number in (1, PAGE_SIZE):
                    sent.append(await self.upload(done.session, wage_rows(1, start=number), f"book-token-{number:04d}"))
                    await self.settled(done.session, sent[-1])
                else:
                    sent.append(await self.send(done.session, number))
                self.rig.far.step()
            first, second = await self.listed(done.session), await self.listed(done.session, 2)
            self.assertEqual([item.reference for item in (*first.items, *second.items)], sent[::-1])
            self.assertEqual((len(first.items), len(second.items), second.total), (PAGE_SIZE, 2, PAGE_SIZE + 2))
            self.assertEqual((await self.listed(done.session, 3)).items, ())

        return self.run_async(work())
