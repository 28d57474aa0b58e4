"""Workbooks through the whole worker: reader child, chunks, answers, failed rows, the same file again."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from dmz.hall.backend_port import Upload
from dmz.hall.batch_port import BatchState
from dmz.workers.batch_desk import NOTICES_SHOWN
from dmz.workers.workbook.reader import read_workbook
from dmz.workers.workbook.reader_process import ReaderBounds, WorkbookReader
from tests.support.real_reactor import reactor
from tests.support.workbooks import id_number, raw_workbook, wage_rows, wage_workbook
from tests.support.worker_rig import client
from tests.unit.dmz.workers.test_backend import RigCase
from wire_formats.catalogue import service
from wire_formats.errors import Kind
from wire_formats.ids import parse_reference_number


class Batches(RigCase):
    async def upload(self, session: Any, content: bytes, token: str = "upload-token-1") -> str:
        upload = Upload("工资.xlsx", content)
        reference: str = await self.rig.backend.upload_workbook(
            session, client(), "wage.batch", upload, form_token=token
        )
        return reference

    async def finished(self, session: Any, reference: str) -> Any:
        async def look() -> Any:
            view = await self.rig.backend.batch_result(session, client(), reference, 1)
            return view if view.state in (BatchState.DONE, BatchState.REFUSED) else None

        return await self.rig.until(look)

    def test_rows_cross_in_chunks_and_every_row_gets_its_result(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rows = wage_rows(1_200)
            rows[3][0] = "12345"
            rows[3][2] = "viel"
            rows[700][1] = "无名氏"
            reference = await self.upload(done.session, wage_workbook(rows))
            view = await self.finished(done.session, reference)
            self.assertEqual(
                (view.state, view.rows, view.accepted, view.failed, view.waiting), (BatchState.DONE, 1200, 1198, 2, 0)
            )
            self.assertEqual(view.file_name, "工资.xlsx")
            wrong = [(error.row, error.field, error.code, error.from_core) for error in view.errors]
            self.assertEqual(
                wrong,
                [
                    (8, "id_number", "id_length", False),
                    (8, "wage", "not_money", False),
                    (705, "", "person_unknown", True),
                ],
            )
            sizes = [len(body["rows"]) for code, body in rig.far.bodies if code == "wage.batch"]
            self.assertEqual(sorted(sizes), [199, 500, 500])
            headers = [header.batch for header in rig.far.seen if header.batch is not None]
            self.assertEqual({batch.batch_id for batch in headers}, {parse_reference_number(reference)})
            self.assertEqual(sorted((batch.chunk, batch.chunks) for batch in headers), [(1, 3), (2, 3), (3, 3)])

        return self.run_async(work())

    def test_failed_rows_come_back_correctable_after_another_login(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rows = [[id_number(1), "张三", 5000], ["bad", "李四", 6000], [id_number(3), "无名氏", 7000]]
            reference = await self.upload(done.session, wage_workbook(rows))
            await self.finished(done.session, reference)
            await rig.backend.logout(done.session, client())
            later = await rig.login()
            file = await rig.backend.failed_rows_workbook(later.session, client(), reference)
            self.assertTrue(file.name.isascii())
            sheet = read_workbook(file.content)
            texts = [[cell.text for cell in row.cells.values()] for row in sheet.rows[-2:]]
            self.assertEqual([row[0] for row in texts], ["bad", id_number(3)])
            self.assertIn("18", texts[0][3])
            self.assertIn("本单位没有此人的参保记录", texts[1][3])
            # As it is, it is read again and fails in the same row here; the other one in the core.
            again = await self.upload(later.session, file.content, "upload-token-2")
            view = await self.finished(later.session, again)
            self.assertEqual((view.rows, view.failed), (2, 2))
            template = await rig.backend.template_workbook(later.session, client(), "wage.batch")
            self.assertEqual(read_workbook(template.content).sheets, 2)

        return self.run_async(work())

    def test_notices_of_the_core_are_told_apart_from_what_failed(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rows = wage_rows(1_200)
            for at, name in ((0, "张低"), (3, "张高"), (4, "张同"), (5, "无名低"), (900, "李低")):
                rows[at][1] = name
            reference = await self.upload(done.session, wage_workbook(rows))
            view = await self.finished(done.session, reference)
            self.assertEqual((view.rows, view.accepted, view.failed, view.repeated), (1200, 1199, 1, 1))
            self.assertEqual([error.code for error in view.errors], ["person_unknown"])
            noted = [(notice.row, notice.code) for notice in view.notices]
            self.assertEqual(noted, [(5, "clamped_low"), (8, "clamped_high"), (9, "unchanged"), (905, "clamped_low")])
            self.assertEqual(view.notice_total, 4)
            self.assertEqual(
                [(count.code, count.rows) for count in view.noted],
                [("clamped_high", 1), ("clamped_low", 2), ("unchanged", 1)],
            )
            self.assertIn("下限", view.notices[0].message_zh)
            self.assertIn("lower limit", view.notices[0].message_en)
            file = await rig.backend.noted_rows_workbook(done.session, client(), reference)
            self.assertTrue(file.name.isascii())
            sheet = [[cell.text for cell in row.cells.values()] for row in read_workbook(file.content).rows]
            self.assertEqual([line[0] for line in sheet[1:]], ["5", "8", "9", "905"])
            self.assertEqual(sheet[1][1:4], [id_number(0), "张低", "4000.50"])
            self.assertIn("低于缴费基数下限，按下限计算 Below the lower limit", sheet[1][4])

        return self.run_async(work())

    def test_a_notice_on_every_row_is_bounded_on_the_page_and_whole_in_the_file(self) -> Any:
        async def work() -> None:
            done = await self.rig.login()
            rows = wage_rows(620)
            for row in rows:
                row[1] = "王同"
            reference = await self.upload(done.session, wage_workbook(rows))
            view = await self.finished(done.session, reference)
            self.assertEqual((view.accepted, view.failed, view.repeated), (620, 0, 620))
            self.assertEqual((len(view.notices), view.notice_total), (NOTICES_SHOWN, 620))
            await self.refused(self.rig.backend.failed_rows_workbook(done.session, client(), reference), Kind.NOT_FOUND)
            file = await self.rig.backend.noted_rows_workbook(done.session, client(), reference)
            self.assertEqual(len(read_workbook(file.content).rows), 621)
            plain = await self.upload(done.session, wage_workbook(wage_rows(2)), "upload-token-2")
            await self.finished(done.session, plain)
            await self.refused(self.rig.backend.noted_rows_workbook(done.session, client(), plain), Kind.NOT_FOUND)

        return self.run_async(work())

    def test_the_same_file_twice_has_effect_once(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            content = wage_workbook(wage_rows(5))
            first = await self.upload(done.session, content, "token-number-one")
            self.assertEqual(await self.upload(done.session, content, "token-number-one"), first)
            self.assertEqual(await self.upload(done.session, content, "token-number-two"), first)
            await self.finished(done.session, first)
            self.assertEqual(await self.upload(done.session, content, "token-number-three"), first)
            await self.refused(
                self.upload(done.session, wage_workbook(wage_rows(6)), "token-number-three"), Kind.CONFLICT
            )
            self.assertEqual(sum(code == "wage.batch" for code, _ in rig.far.bodies), 1)

        return self.run_async(work())

    def test_a_batch_that_came_to_nothing_can_be_sent_again(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            content = wage_workbook(wage_rows(2))
            rig.far.reject.add("wage.batch")
            first = await self.upload(done.session, content, "token-number-one")
            view = await self.finished(done.session, first)
            self.assertEqual((view.failed, view.errors[0].code), (2, "FG-1011"))
            rig.far.reject.clear()
            second = await self.upload(done.session, content, "token-number-two")
            self.assertNotEqual(first, second)
            self.assertEqual((await self.finished(done.session, second)).accepted, 2)

        return self.run_async(work())

    def test_files_that_are_no_workbooks_are_refused_with_their_kind(self) -> Any:
        async def work() -> None:
            done = await self.rig.login()
            bomb = raw_workbook("<sheetData/>", extra={"xl/media/a.bin": bytes(30_000_000)})
            giant = raw_workbook('<sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
            for number, (content, kind) in enumerate(
                [(b"id,name", Kind.BAD_WORKBOOK), (bomb, Kind.TOO_LARGE), (giant, Kind.TOO_LARGE),
                 (wage_workbook([]), Kind.BAD_WORKBOOK)]
            ):  # fmt: skip
                reference = await self.upload(done.session, content, f"token-number-{number}")
                view = await self.finished(done.session, reference)
                self.assertEqual((view.state, view.file_error), (BatchState.REFUSED, kind))
            await self.refused(self.rig.backend.failed_rows_workbook(done.session, client(), reference), Kind.NOT_FOUND)
            huge = bytes(9_000_000)
            await self.refused(self.upload(done.session, huge, "token-number-huge"), Kind.BODY_TOO_LARGE)

        return self.run_async(work())

    def test_a_wrong_form_field_fails_every_row_and_sends_nothing(self) -> Any:
        async def work() -> None:
            done = await self.rig.login()
            reference = await self.upload(done.session, wage_workbook(wage_rows(3), year="next"))
            view = await self.finished(done.session, reference)
            self.assertEqual((view.state, view.rows, view.failed, view.accepted), (BatchState.DONE, 3, 3, 0))
            self.assertEqual((view.errors[0].row, view.errors[0].field), (2, "year"))
            file = await self.rig.backend.failed_rows_workbook(done.session, client(), reference)
            self.assertEqual(len(read_workbook(file.content).rows), 3 + 3)
            self.assertFalse(any(code == "wage.batch" for code, _ in self.rig.far.bodies))

        return self.run_async(work())

    def test_waiting_rows_are_told_while_the_core_is_silent_and_a_dead_reader_is_noticed(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rig.far.silent = True
            reference = await self.upload(done.session, wage_workbook(wage_rows(7)))

            async def read() -> Any:
                view = await rig.backend.batch_result(done.session, client(), reference, 1)
                return view if view.state is not BatchState.READING else None

            view = await rig.until(read)
            self.assertEqual((view.state, view.waiting, view.accepted), (BatchState.UNDER_WAY, 7, 0))
            other = await self.upload(done.session, wage_workbook(wage_rows(8)), "token-of-the-dead")
            await rig.kill()
            rig.start()
            rig.clock.advance(s=400)
            view = await rig.backend.batch_result(done.session, client(), other, 1)
            self.assertEqual((view.state, view.file_error), (BatchState.REFUSED, Kind.TIMED_OUT))

        return self.run_async(work())

    def test_uploads_under_way_are_bounded(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rig.far.silent = True
            for number in range(rig.settings.uploads_under_way):
                await self.upload(done.session, wage_workbook(wage_rows(1, start=number)), f"token-number-{number}")
            await self.refused(
                self.upload(done.session, wage_workbook(wage_rows(2)), "token-too-many"), Kind.TOO_MANY_REQUESTS
            )

        return self.run_async(work())


class Reader(RigCase):
    def test_a_child_that_takes_too_long_is_killed_and_waiting_is_bounded(self) -> Any:
        async def work() -> None:
            content = wage_workbook(wage_rows(4_000))
            slow = WorkbookReader(reactor, ReaderBounds(seconds=0.05))
            await self.refused(slow.read(content), Kind.BAD_WORKBOOK)
            narrow = WorkbookReader(reactor, ReaderBounds(children=1, waiting=1))
            running = [Deferred.fromCoroutine(narrow.read(content)) for _ in range(2)]
            await self.refused(narrow.read(content), Kind.BUSY)
            for one in running:
                self.assertEqual(len((await one).rows), 4_003)
            small = WorkbookReader(reactor, ReaderBounds(output_bytes=1000))
            await self.refused(small.read(content), Kind.TOO_LARGE)

        return self.run_async(work())

    def test_the_child_says_what_the_reader_says(self) -> Any:
        async def work() -> None:
            content = wage_workbook(wage_rows(50))
            self.assertEqual(await WorkbookReader(reactor).read(content), read_workbook(content))
            self.assertEqual(service("wage.batch").table.most, 500)

        return self.run_async(work())
