"""A stolen DMZ is empty (invariant 5): nothing planted is found in any file of the DMZ after a full run."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from dmz.hall.backend_port import Outcome, Upload
from dmz.hall.batch_port import BatchState
from dmz.workers.session import SessionKeys
from tests.support.far_side import ACCOUNT_KEY, PASSWORD
from tests.support.workbooks import id_number, wage_workbook
from tests.support.worker_rig import client
from tests.unit.dmz.workers.test_backend import BODY, RigCase, _answered

NEW_PASSWORD = "another-horse-10"
PLANTED_ID = id_number(4242)
PLANTED = [
    PASSWORD, NEW_PASSWORD, "zhangsan-unit", "GOODCODE1234",
    BODY["id_number"], BODY["name"], "543210", "5432.10",
    PLANTED_ID, "欧阳表格", "7654.32", "765432", "工资表-欧阳.xlsx",
    "诸葛草稿", "武汉某某有限公司", "91110000600037341L",
]  # fmt: skip


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class AtRest(RigCase):
    def test_nothing_personal_lies_in_any_file(self) -> Any:
        async def work() -> None:
            rig, backend = self.rig, self.rig.backend
            snapshots: list[dict[str, bytes]] = []
            step = rig.far.step

            def watched() -> int:
                # What lies in outbox, inbox and database at any moment, not only at the end.
                snapshots.append(files_of(rig.folder))
                moved = step()
                snapshots.append(files_of(rig.folder))
                return moved

            rig.far.step = watched  # type: ignore[method-assign]
            done = await rig.login()
            done = await rig.during(backend.change_password(done.session, client(), PASSWORD, NEW_PASSWORD))
            await rig.during(backend.query(done.session, client(), "unit.profile", {}))
            await backend.save_draft(done.session, client(), "employee.add", {"name": "诸葛草稿"}, draft_id=None)
            reference = await backend.transact(done.session, client(), "employee.add", BODY, form_token="p" * 20)
            await rig.until(lambda: _answered(rig, done.session, reference))
            rows: list[list[Any]] = [[PLANTED_ID, "欧阳表格", 7654.32], ["4201", "欧阳表格", "7654.32"]]
            upload = Upload("工资表-欧阳.xlsx", wage_workbook(rows))
            batch = await backend.upload_workbook(done.session, client(), "wage.batch", upload, form_token="w" * 20)

            async def ready() -> bool:
                shown = await backend.batch_result(done.session, client(), batch, 1)
                return shown.state is BatchState.DONE

            await rig.until(ready)
            site = client(window="site", certificate=b"", account="", account_uri="", serial=0)
            await rig.during(backend.download_certificate(site, "ABCD2345EF", "GOODCODE1234"))
            rig.far.silent = True
            await backend.transact(done.session, client(), "employee.add", BODY, form_token="o" * 20)
            await rig.sleep(0.1)
            snapshots.append(files_of(rig.folder))
            self._search(snapshots, SessionKeys.from_cookie(done.cookie), done.cookie)

        return self.run_async(work())

    def _search(self, snapshots: list[dict[str, bytes]], keys: SessionKeys, cookie: str) -> None:
        needles = {text: text.encode() for text in PLANTED}
        needles |= {f"{text} (UTF-16)": text.encode("utf-16-le") for text in PLANTED}
        needles |= {
            "cookie": cookie.encode(),
            "cookie secret": keys._secret,
            "wrapping key": keys.wrapping,
            "answer key": keys.answer_key().raw,
            "account key": ACCOUNT_KEY,
            "grant": b"ferrygate grant",
        }
        seen = {name for files in snapshots for name in files}
        self.assertTrue(any(name.startswith("outbox/") for name in seen))
        self.assertTrue(any(name.startswith("inbox/") for name in seen))
        for files in snapshots:
            for name, data in files.items():
                found = [what for what, needle in needles.items() if needle in data]
                self.assertEqual(found, [], f"{found} lies in {name}")

    def test_the_search_itself_finds_what_is_there(self) -> Any:
        """Negative control: the same search over a database into which somebody wrote a name."""

        async def work() -> None:
            with sqlite3.connect(self.rig.folder / "exchange.sqlite") as db:
                db.execute("insert into draft values ('a', 'unit', x'00', 'x', ?, 0, 0, null)", ["诸葛草稿".encode()])
            db.close()
            keys = SessionKeys(bytes(16), bytes(32))
            places = [files_of(self.rig.folder) | {"outbox/": b"", "inbox/": b""}]
            with self.assertRaises(self.failureException):
                self._search(places, keys, keys.cookie)

        return self.run_async(work())

    def test_a_stored_answer_opens_with_the_cookie_only(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            reference = await rig.backend.transact(done.session, client(), "employee.add", BODY, form_token="c" * 20)
            progress = await rig.until(lambda: _answered(rig, done.session, reference))
            self.assertEqual(progress.outcome, Outcome.ACCEPTED)
            with sqlite3.connect(rig.folder / "exchange.sqlite") as db:
                content = db.execute("select content from result_in").fetchone()[0]
                self.assertEqual(db.execute("select content from request_out").fetchone()[0], b"")
            self.assertGreater(len(content), 48)
            self.assertNotIn(b"submitted", content)

        return self.run_async(work())
