"""Hostile, doubled and foreign files in the inbox."""

from __future__ import annotations

import os
from typing import Any

from dmz.hall.backend_port import Hop
from dmz.workers.answer_watch import read_answers
from tests.support.machines import NOW_MS, MachineAuthority
from tests.support.wire_samples import answer_item
from tests.support.worker_rig import client
from tests.unit.dmz.workers.test_backend import BODY, RigCase, _answered, _value
from wire_formats import bundle as bundles
from wire_formats.errors import Kind, PeerError
from wire_formats.lane_control import Heartbeat, sign_control


class Inbox(RigCase):
    async def quarantined(self, count: int) -> list[str]:
        place = self.rig.folder / "quarantine"
        await self.rig.until(lambda: _value(len(list(place.iterdir())) >= count))
        return sorted(path.name for path in place.iterdir())

    def test_hostile_files_are_moved_aside_and_the_rest_goes_on(self) -> Any:
        async def work() -> None:
            rig = self.rig
            inbox = rig.folder / "inbox" / "worker-1"
            name = f"{NOW_MS:016x}-{{:012x}}-low.{{}}"
            (inbox / name.format(1, "bundle")).write_bytes(b"not a bundle")
            (inbox / name.format(2, "notice")).write_bytes(b"\xd2\x84")
            (inbox / name.format(3, "bundle")).write_bytes(b"")
            (inbox / "..strange name").write_bytes(b"x")
            os.symlink("/etc/passwd", inbox / name.format(4, "bundle"))
            (inbox / name.format(5, "bundle")).mkdir()
            os.mkfifo(inbox / name.format(6, "bundle"))
            beat = Heartbeat("outbound", "interactive", NOW_MS, 1, bytes(32), NOW_MS)
            (inbox / name.format(7, "notice")).write_bytes(sign_control(beat, rig.far.low))
            found = await self.quarantined(8)
            self.assertEqual(len(found), 8)
            self.assertTrue(all(name.isascii() and " " not in name for name in found))
            await rig.login()

        return self.run_async(work())

    def test_unsealed_foreign_and_misdirected_bundles_are_quarantined(self) -> Any:
        async def work() -> None:
            rig = self.rig
            stranger = MachineAuthority()
            stranger_core, honest_core = stranger.machine("core", "core-1"), rig.far.core
            rig.far.core = stranger_core
            rig.far.drop_answers([answer_item()], "interactive", "worker-1")
            rig.far.core = honest_core
            rig.far.low, low = rig.far.high, rig.far.low
            rig.far.drop_answers([answer_item()], "interactive", "worker-1")
            rig.far.low = low
            rig.far.drop_answers([answer_item(reply_to="worker-2")], "interactive", "worker-1")
            rig.far.drop_answers([answer_item()], "bulk", "worker-1")
            # The high half may reject and nothing else.
            rig.far.drop_answers([answer_item()], "interactive", "worker-1", author="high")
            await self.quarantined(5)
            # A good bundle with answers nobody asked for is no crime.
            rig.far.drop_answers([answer_item()], "interactive", "worker-1")
            await rig.login()
            self.assertEqual(len(await self.quarantined(5)), 5)

        return self.run_async(work())

    def test_one_flipped_byte_anywhere_is_refused(self) -> Any:
        rig = self.rig
        path = rig.far.drop_answers([answer_item()], "interactive", "elsewhere")
        data = path.read_bytes()
        read_answers(bundles.parse_bundle(data), rig.far.trust_of_worker, worker="worker-1", now_ms=NOW_MS)
        middle = self._middle_seal(data)
        for at in range(len(data)):
            if at in middle:
                continue  # the high half's own seal is checked by the low half
            mutated = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            with self.assertRaises(PeerError):
                bundle = bundles.parse_bundle(mutated)
                read_answers(bundle, rig.far.trust_of_worker, worker="worker-1", now_ms=NOW_MS)
        return None

    def _middle_seal(self, data: bytes) -> range:
        seal = bundles.parse_bundle(data).seals[1]
        start = data.index(seal)
        return range(start, start + len(seal))

    def test_doubled_answers_change_nothing(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            reference = await rig.backend.transact(done.session, client(), "employee.add", BODY, form_token="d" * 20)
            progress = await rig.until(lambda: _answered(rig, done.session, reference, hops=len(Hop)))
            item = next(item for digest, item in rig.far._applied.values() if b"employee.add" in item.header)
            rig.clock.advance(s=5)
            for _ in range(3):
                rig.far.drop_answers([item], "interactive", "worker-1")
            inbox = rig.folder / "inbox" / "worker-1"
            await rig.until(lambda: _value(not list(inbox.glob("*.bundle"))))
            self.assertEqual(await rig.backend.progress(done.session, client(), reference), progress)
            self.assertEqual(list((rig.folder / "quarantine").iterdir()), [])

        return self.run_async(work())

    def test_an_answer_to_another_service_is_not_stored(self) -> Any:
        async def work() -> None:
            rig = self.rig
            done = await rig.login()
            rig.far.silent = True
            reference = await rig.backend.transact(done.session, client(), "employee.add", BODY, form_token="s" * 20)
            from wire_formats.ids import parse_reference_number

            rig.far.drop_answers([answer_item(parse_reference_number(reference))], "interactive", "worker-1")
            inbox = rig.folder / "inbox" / "worker-1"
            await rig.until(lambda: _value(not list(inbox.glob("*.bundle"))))
            self.assertIsNone(await _answered(rig, done.session, reference))
            self.assertEqual(Kind.WRONG_LANE.value, 1012)

        return self.run_async(work())
