"""One uploaded workbook on its way: read in a child, checked row by row, sent in chunks. Runs in the background.

Reading, checking and building give way to other work every few milliseconds; compressing and sealing run on a
thread. Nothing of the file is stored before its rows are sealed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection
from twisted.logger import Logger

from dmz.hall.backend_port import Upload
from dmz.workers import request_store, upload_store
from dmz.workers.batch import chunk_body, file_of, seal_file
from dmz.workers.exchange_db import ExchangeStore
from dmz.workers.request_intake import RequestIntake, asker_of
from dmz.workers.request_store import Outgoing, Stored
from dmz.workers.session import OpenSession
from dmz.workers.tools import WorkerTools
from dmz.workers.upload_store import RowCounts
from dmz.workers.workbook.interpret import CheckedRow, SheetInterpreter
from dmz.workers.workbook.reader_process import WorkbookReader, pause
from wire_formats.canonical import Json
from wire_formats.catalogue import Service
from wire_formats.collaborators import Pool
from wire_formats.errors import HallError, Kind, PeerError
from wire_formats.request import Batch

ROWS_PER_SLICE = 250


@dataclass(frozen=True)
class BatchParts:
    """What workbooks are worked with."""

    store: ExchangeStore
    intake: RequestIntake
    reader: WorkbookReader
    pool: Pool
    tools: WorkerTools


@dataclass(frozen=True)
class BatchJob:
    """One upload: its batch id, whose it is, for which service, and the file (not stored)."""

    id: bytes
    session: OpenSession
    entry: Service
    upload: Upload


class BatchRunner:
    """Runs jobs."""

    log = Logger()

    def __init__(self, parts: BatchParts) -> None:
        self._parts = parts

    async def run(self, job: BatchJob) -> None:
        """Bring one upload from READING to READ or REFUSED.

        Raises:
            Unavailable: the exchange database cannot take the end of it; the upload is left in READING, which
                is shown as timed out after a while.
        """
        try:
            await self._run(job)
        except HallError as error:
            self.log.info("workbook_refused", service=job.entry.code, code=error.code, reason=error.private)
            self._parts.tools.metrics.workbooks.labels("refused").inc()
            kind = error.kind.value
            await self._parts.store.write(lambda db: upload_store.refuse(db, job.id, kind))

    async def _run(self, job: BatchJob) -> None:
        parts = self._parts
        interpreter = SheetInterpreter(job.entry, await parts.reader.read(job.upload.content))
        rows: list[CheckedRow] = []
        for start in range(0, interpreter.count, ROWS_PER_SLICE):
            rows += interpreter.rows(start, start + ROWS_PER_SLICE)
            await pause(parts.tools.reactor)
        if not rows:
            raise PeerError(Kind.BAD_WORKBOOK, "workbook: no rows")
        form, form_texts, form_findings = interpreter.form()
        good = [] if form_findings else [row for row in rows if not row.findings]
        parts.tools.metrics.workbook_rows.labels("good").inc(len(good))
        parts.tools.metrics.workbook_rows.labels("failed").inc(len(rows) - len(good))
        file = file_of(job.upload.name, form_texts, form_findings, rows)
        key = job.session.private.account_keys().batch
        sealed = await parts.pool.run(seal_file, file, key, job.id, parts.tools.randomness)
        await self._store(job, sealed, await self._chunks(job, form, good), RowCounts(len(rows), len(good)))

    async def _chunks(
        self, job: BatchJob, form: Mapping[str, Json], good: Sequence[CheckedRow]
    ) -> list[tuple[Outgoing, Stored]]:
        table = job.entry.table
        assert table is not None
        asker = replace(asker_of(job.session), reply_key=job.session.private.account_keys().reply)
        total = -(-len(good) // table.most)
        made = []
        for number in range(total):
            body = chunk_body(table, form, good[number * table.most : (number + 1) * table.most])
            which = Batch(job.id, number + 1, total)
            made.append(self._parts.intake.chunk(job.session, job.entry, body, asker, which))
            await pause(self._parts.tools.reactor)
        return made

    async def _store(
        self, job: BatchJob, sealed: bytes, chunks: Sequence[tuple[Outgoing, Stored]], rows: RowCounts
    ) -> None:
        """All chunks and the end of reading in one transaction; then off they go."""

        def work(connection: Connection) -> None:
            if chunks:
                request_store.add_requests(connection, [stored for _, stored in chunks])
            upload_store.finish(connection, job.id, sealed, rows)

        await self._parts.store.write(work)
        self._parts.tools.metrics.workbooks.labels("sent").inc()
        if chunks:
            self._parts.intake.send_stored([outgoing for outgoing, _ in chunks])
