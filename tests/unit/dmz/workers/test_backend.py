"""The facade over the real exchange database, bundler and watch, against the played far side."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from dmz.hall.backend_port import Hop, Outcome
from tests.support.far_side import PASSWORD, Reply
from tests.support.real_reactor import reactor
from tests.support.worker_rig import WorkerRig, client
from wire_formats.answer import AnswerStatus
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.ids import parse_reference_number

BODY: dict[str, Any] = {
    "id_number": "11010519491231002X",
    "name": "张种植",
    "household": "10",
    "origin": "new",
    "start_month": "2026-01",
    "wage": 543_210,
}


class RigCase(TestCase):
    """A rig per test."""

    timeout = 170
    rig_settings: dict[str, Any] = {}

    def setUp(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.rig = WorkerRig(reactor, folder, **self.rig_settings)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.rig.stop()))

    def run_async(self, work: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(work)

    async def refused(self, work: Any, kind: Kind) -> Any:
        try:
            await work
        except (Refused, Unavailable, PeerError) as error:
            self.assertEqual(error.kind, kind)
            return error
        raise AssertionError("was not refused")


class Sessions(RigCase):
    def test_login_gives_a_session_bound_to_certificate_and_window(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            session = await rig.backend.session_of(done.cookie, client())
            self.assertEqual(session.display_name, "武汉某某有限公司")
            self.assertIn("employee.add", session.rights)
            self.assertEqual(session.csrf_token, done.session.csrf_token)
            self.assertGreaterEqual(len(session.csrf_token), 20)
            for other in (client(certificate=b"d" * 32), client(window="person")):
                self.assertIsNone(await rig.backend.session_of(done.cookie, other))
            for cookie in ("", "x" * 64, done.cookie[:-1] + ("A" if done.cookie[-1] != "A" else "B")):
                self.assertIsNone(await rig.backend.session_of(cookie, client()))

        return self.run_async(work())

    def test_wrong_password_is_refused_and_then_throttled(self) -> Any:
        async def work() -> None:
            rig = self.rig
            for _ in range(rig.settings.login_failures):
                await self.refused(
                    rig.during(rig.backend.login(client(), "zhangsan-unit", "wrong-one")), Kind.LOGIN_FAILED
                )
            before = len(rig.far.seen)
            error = await self.refused(rig.backend.login(client(), "zhangsan-unit", PASSWORD), Kind.LOCKED_OUT)
            self.assertGreater(error.retry_after_s, 0)
            self.assertEqual(len(rig.far.seen), before)
            rig.clock.advance(s=rig.settings.login_pause_s + 1)
            await rig.login()

        return self.run_async(work())

    def test_session_ends_when_idle_and_in_any_case(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            for _ in range(15):
                rig.clock.advance(s=1700)
                self.assertIsNotNone(await rig.backend.session_of(done.cookie, client()))
            rig.clock.advance(s=1700 * 2)
            self.assertIsNone(await rig.backend.session_of(done.cookie, client()))
            again = await rig.login()
            rig.clock.advance(s=1000)
            self.assertIsNotNone(await rig.backend.session_of(again.cookie, client(), activity=False))
            rig.clock.advance(s=1000)
            self.assertIsNone(await rig.backend.session_of(again.cookie, client()))

        return self.run_async(work())

    def test_session_survives_the_worker_and_not_the_logout(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            await rig.kill()
            rig.start()
            session = await rig.backend.session_of(done.cookie, client())
            self.assertIsNotNone(session)
            await rig.backend.logout(session, client())
            self.assertIsNone(await rig.backend.session_of(done.cookie, client()))
            await rig.backend.logout(session, client())
            await rig.until(lambda: _value(any(h.service == "account.logout" for h in rig.far.seen)))

        return self.run_async(work())

    def test_changing_the_password_rotates_the_session(self) -> Any:
        async def work() -> None:
            rig = self.rig
            rig.far.must_change = True
            done = await rig.login()
            self.assertTrue(done.session.must_change)
            await self.refused(rig.backend.query(done.session, client(), "unit.profile", {}), Kind.MUST_CHANGE_PASSWORD)
            fresh = await rig.during(rig.backend.change_password(done.session, client(), PASSWORD, "another-horse-10"))
            self.assertFalse(fresh.session.must_change)
            self.assertNotEqual(fresh.cookie, done.cookie)
            self.assertIsNone(await rig.backend.session_of(done.cookie, client()))
            self.assertEqual(rig.far.passwords["zhangsan-unit"], "another-horse-10")

        return self.run_async(work())


class Requests(RigCase):
    rig_settings = {"answer_wait_ms": 700}

    def test_query_comes_back_and_is_never_stored(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            answer = await rig.during(rig.backend.query(done.session, client(), "unit.profile", {}))
            self.assertEqual(answer.body["persons"], 42)
            self.assertEqual(len(parse_reference_number(answer.reference)), 16)
            with sqlite3.connect(rig.folder / "exchange.sqlite") as db:
                for table in ("request_out", "result_in"):
                    self.assertEqual(db.execute(f"select count(*) from {table}").fetchone()[0], 0)

        return self.run_async(work())

    def test_a_refused_query_says_why_at_which_field(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            errors = [{"code": "too_small", "field": "to_month", "value": 202401}]
            rig.far.handlers["unit.assessed"] = lambda _header, _body: Reply(
                {}, AnswerStatus.REFUSED, Kind.RULE, errors
            )
            span = {"from_month": "2024-01", "to_month": "2023-12"}
            asked = rig.during(rig.backend.query(done.session, client(), "unit.assessed", span))
            error = await self.refused(asked, Kind.RULE)
            (reason,) = error.reasons
            self.assertEqual((reason.field, reason.code), ("to_month", "too_small"))
            self.assertEqual(reason.message_en, "To month must be 2024-01 or more")

        return self.run_async(work())

    def test_silent_core_is_said_honestly(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rig.far.silent = True
            error = await self.refused(rig.backend.query(done.session, client(), "unit.profile", {}), Kind.CORE_SILENT)
            self.assertGreater(error.retry_after_s, 0)

        return self.run_async(work())

    def test_transaction_is_stored_sent_and_its_hops_told(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rig.far.silent = True
            reference = await rig.backend.transact(done.session, client(), "employee.add", BODY, form_token="t" * 20)
            progress = await rig.backend.progress(done.session, client(), reference)
            self.assertEqual(progress.outcome, Outcome.UNDER_WAY)
            self.assertEqual(progress.hops[0][0], Hop.STORED)
            rig.far.silent = False
            progress = await rig.until(lambda: _answered(rig, done.session, reference))
            self.assertEqual(progress.outcome, Outcome.ACCEPTED)
            self.assertEqual(progress.answer["state"], "submitted")
            progress = await rig.until(lambda: _answered(rig, done.session, reference, hops=len(Hop)))
            self.assertEqual([hop for hop, _ in progress.hops], list(Hop))
            page = await rig.backend.submissions(done.session, client(), 1)
            self.assertEqual((page.total, page.items[0].reference), (1, reference))
            other = await rig.login(certificate=b"e" * 32)
            again = await rig.backend.progress(other.session, client(certificate=b"e" * 32), reference)
            self.assertTrue(again.sealed)
            self.assertIsNone(again.answer)

        return self.run_async(work())

    def test_lost_notices_are_made_up_for_by_the_answer(self) -> Any:
        async def work() -> None:
            rig = self.rig
            rig.far.notices = False
            done = await rig.login()
            reference = await rig.backend.transact(done.session, client(), "employee.add", BODY, form_token="n" * 20)
            progress = await rig.until(lambda: _answered(rig, done.session, reference, hops=len(Hop)))
            self.assertEqual([hop for hop, _ in progress.hops], list(Hop))

        return self.run_async(work())

    def test_same_form_token_is_the_same_transaction(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            calls = [
                Deferred.fromCoroutine(
                    rig.backend.transact(done.session, client(), "employee.add", BODY, form_token="same-token-1")
                )
                for _ in range(5)
            ]
            references = {await call for call in calls}
            self.assertEqual(len(references), 1)
            other = {**BODY, "wage": 1}
            await self.refused(
                rig.backend.transact(done.session, client(), "employee.add", other, form_token="same-token-1"),
                Kind.CONFLICT,
            )
            await rig.until(lambda: _answered(rig, done.session, min(references)))
            self.assertEqual([n for h, n in rig.far.effects.items()].count(1), len(rig.far.effects))
            self.assertEqual(sum(code == "employee.add" for code, _ in rig.far.bodies), 1)

        return self.run_async(work())

    def test_refusal_names_its_reasons_and_rejection_its_kind(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            body = {**BODY, "name": "李拒绝"}
            reference = await rig.backend.transact(done.session, client(), "employee.add", body, form_token="r" * 20)
            progress = await rig.until(lambda: _answered(rig, done.session, reference))
            self.assertEqual((progress.outcome, progress.error_kind), (Outcome.REFUSED, Kind.RULE))
            self.assertEqual(progress.reasons[0].field, "id_number")
            rig.far.reject.add("employee.add")
            reference = await rig.backend.transact(done.session, client(), "employee.add", BODY, form_token="q" * 20)
            progress = await rig.until(lambda: _answered(rig, done.session, reference))
            self.assertEqual((progress.outcome, progress.error_kind), (Outcome.REJECTED, Kind.BAD_FIELD))

        return self.run_async(work())

    def test_lost_bundle_is_sent_again_also_by_the_next_process(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rig.far.lose_bundles = 1
            reference = await rig.backend.transact(done.session, client(), "employee.add", BODY, form_token="l" * 20)
            await rig.until(lambda: _value(rig.far.lose_bundles == 0))
            await rig.kill()
            rig.clock.advance(ms=rig.settings.resend_first_ms + 1)
            rig.start()
            progress = await rig.until(lambda: _answered(rig, done.session, reference))
            self.assertEqual(progress.outcome, Outcome.ACCEPTED)
            self.assertEqual(rig.far.effects[parse_reference_number(reference)], 1)
            # The answer came, so nothing more is sent.
            rig.clock.advance(s=4000)
            self.assertEqual(await rig.worker.housekeeping.resend(), 0)

        return self.run_async(work())

    def test_expired_transaction_is_asked_about_for_days_and_then_says_so(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rig.far.silent = True
            reference = await rig.backend.transact(done.session, client(), "employee.add", BODY, form_token="e" * 20)
            rig.clock.advance(s=25 * 3600)
            self.assertEqual(await rig.worker.housekeeping.resend(), 1)
            rig.clock.advance(s=72 * 3600)
            self.assertEqual(await rig.worker.housekeeping.resend(), 0)
            rig.far.silent = False
            for leftover in (rig.folder / "outbox" / "interactive").glob("*.bundle"):
                leftover.unlink()
            late = await rig.login()
            progress = await rig.backend.progress(late.session, client(), reference)
            self.assertEqual((progress.outcome, progress.error_kind), (Outcome.REFUSED, Kind.EXPIRED))

        return self.run_async(work())

    def test_foreign_references_are_not_found(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            for reference in ("", "nonsense", "0000000-0000000-0000000-00000-0"):
                await self.refused(rig.backend.progress(done.session, client(), reference), Kind.NOT_FOUND)
            await self.refused(rig.backend.query(done.session, client(), "case.list", {}), Kind.NO_RIGHT)
            await self.refused(
                rig.backend.transact(done.session, client(), "unit.profile", {}, form_token="x" * 20),
                Kind.UNKNOWN_SERVICE,
            )

        return self.run_async(work())

    def test_certificate_download_needs_no_session(self) -> Any:
        async def work() -> None:
            rig = self.rig
            site = client(window="site", certificate=b"", account="", account_uri="", serial=0)
            file = await rig.during(rig.backend.download_certificate(site, "abcd2345ef", "GOODCODE1234"))
            self.assertEqual((file.content, file.name), (b"a key store", "certificate-ABCD2345EF.p12"))
            await self.refused(
                rig.during(rig.backend.download_certificate(site, "ABCD2345EF", "BADCODE12345")), Kind.CODE_WRONG
            )

        return self.run_async(work())


class Limits(RigCase):
    rig_settings = {"per_session": 2, "outbox_files": 3, "answer_wait_ms": 500, "drafts_per_account": 2}

    def test_credits_of_a_session(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rig.far.silent = True
            waiting = [
                Deferred.fromCoroutine(rig.backend.query(done.session, client(), "unit.profile", {})) for _ in range(2)
            ]
            await rig.sleep(0.1)
            await self.refused(rig.backend.query(done.session, client(), "unit.profile", {}), Kind.TOO_MANY_REQUESTS)
            for one in waiting:
                await self.refused(_of(one), Kind.CORE_SILENT)
            rig.far.silent = False
            await rig.during(rig.backend.query(done.session, client(), "unit.profile", {}))

        return self.run_async(work())

    def test_full_outbox_refuses_at_once_with_a_time(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rig.far.silent = True
            for number in range(3):
                token = f"token-number-{number}"
                await rig.backend.transact(done.session, client(), "employee.add", BODY, form_token=token)
                await rig.sleep(0.15)
            error = await self.refused(
                rig.backend.transact(done.session, client(), "employee.add", BODY, form_token="one-too-many"), Kind.BUSY
            )
            self.assertGreater(error.retry_after_s, 0)

        return self.run_async(work())

    def test_drafts_live_with_the_account(self) -> Any:
        async def work() -> None:
            rig, backend = self.rig, self.rig.backend
            done = await rig.login()
            texts = {"name": "张三", "wage": "五千", "unknown": "dropped"}
            first = await backend.save_draft(done.session, client(), "employee.add", texts, draft_id=None)
            await backend.logout(done.session, client())
            later = await rig.login(certificate=b"f" * 32)
            mine = client(certificate=b"f" * 32)
            draft = await backend.load_draft(later.session, mine, first)
            self.assertEqual(draft.texts, {"name": "张三", "wage": "五千"})
            await backend.save_draft(later.session, mine, "employee.add", {"name": "李四"}, draft_id=first)
            await backend.save_draft(later.session, mine, "employee.add", {"name": "王五"}, draft_id=None)
            await self.refused(
                backend.save_draft(later.session, mine, "employee.add", texts, draft_id=None), Kind.CONFLICT
            )
            await backend.delete_draft(later.session, mine, first)
            await self.refused(backend.load_draft(later.session, mine, first), Kind.NOT_FOUND)
            self.assertEqual(len(await backend.list_drafts(later.session, mine)), 1)
            await backend.restore_draft(later.session, mine, first)
            self.assertEqual((await backend.load_draft(later.session, mine, first)).texts, {"name": "李四"})
            big = {"note": "x" * 70_000}
            await self.refused(
                backend.save_draft(later.session, mine, "employee.add", big, draft_id=first), Kind.BODY_TOO_LARGE
            )
            await self.refused(backend.load_draft(later.session, mine, "zz"), Kind.NOT_FOUND)

        return self.run_async(work())

    def test_group_commit_shares_commits_and_bundles(self) -> Any:
        async def work() -> None:
            rig = self.rig
            rig.commits.clear()
            writes = [Deferred.fromCoroutine(rig.store.write(partial(lambda n, _db: n, n))) for n in range(100)]
            self.assertEqual([await write for write in writes], list(range(100)))
            self.assertLess(len(rig.commits), 10)

        return self.run_async(work())


async def _value(value: Any) -> Any:
    return value


async def _of(waiting: Deferred[Any]) -> Any:
    return await waiting


async def _answered(rig: WorkerRig, session: Any, reference: str, *, hops: int = 0) -> Any:
    progress = await rig.backend.progress(session, client(), reference)
    return progress if progress.outcome is not Outcome.UNDER_WAY and len(progress.hops) >= hops else None
