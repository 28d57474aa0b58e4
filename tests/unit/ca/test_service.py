"""The running role: its socket, its bounds, its deny list; asked by the core's own client."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial import unittest

from ca.service import build_ca
from core.desk import SocketDesk
from tests.support.authority import enabled_slip, make_authority
from wire_formats.desk_messages import (
    MAX_QUESTION_BYTES,
    DeskRefusal,
    Done,
    Download,
    Enable,
    Issued,
    Prepare,
    Revoke,
    Status,
    encode_question,
    framed,
)
from wire_formats.drop import list_drop
from wire_formats.errors import Kind, Unavailable
from wire_formats.settings_reader import SettingsError


def rid():
    return os.urandom(16)


class ServiceTest(unittest.TestCase):
    timeout = 170

    def setUp(self):
        from tests.support.real_reactor import reactor

        self.reactor = reactor
        self.folder = Path(tempfile.mkdtemp(prefix="fgca-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.rig = make_authority(self.folder)

    def build(self, **changes):
        settings = replace(self.rig.settings, look_ms=50, **changes)
        self.registry = CollectorRegistry()
        return build_ca(
            settings, reactor=self.reactor, clock=self.rig.clock, randomness=self.rig.randomness, registry=self.registry
        )

    async def started(self, **changes):
        service = self.build(**changes)
        await service.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(service.stop()))
        return service

    def run_test(self, coroutine):
        return Deferred.fromCoroutine(coroutine)

    def ask(self, question):
        return deferToThread(SocketDesk(self.rig.settings.socket, timeout_s=10).ask, question)

    def notices(self):
        return list_drop(self.rig.settings.deny_drop, most=1000)[0]

    def test_from_slip_to_file_over_the_socket(self):
        async def run():
            await self.started()
            prepared = await self.ask(Prepare(rid(), "10023456", "unit", "", "op"))
            await self.ask(Enable(rid(), prepared.number, "XY-1", "op"))
            question = Download(rid(), prepared.number, prepared.code)
            issued = await self.ask(question)
            self.assertIsInstance(issued, Issued)
            self.assertEqual(await self.ask(question), issued)
            self.assertTrue(load_pkcs12(issued.pkcs12, prepared.password.encode()).key)
            before = len(self.notices())
            self.assertIsInstance(await self.ask(Revoke(rid(), prepared.number, "superseded", "op")), Done)
            self.assertEqual(len(self.notices()), before + 1)
            labels = {"question": "download", "outcome": "done"}
            self.assertEqual(self.registry.get_sample_value("ca_desk_questions_total", labels), 2)

        return self.run_test(run())

    def test_the_socket_is_for_its_folder_s_users_only_and_goes_away(self):
        async def run():
            service = self.build()
            self.assertFalse(service.health()[0])
            await service.start()
            path = self.rig.settings.socket
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o660)
            self.assertEqual(service.health(), (True, ()))
            await service.stop()
            self.assertFalse(path.exists())
            self.assertFalse(service.health()[0])

        return self.run_test(run())

    def test_a_second_desk_does_not_start_and_a_dead_one_s_socket_is_taken_over(self):
        async def run():
            path = self.rig.settings.socket
            path.parent.mkdir(parents=True, exist_ok=True)
            dead = socket.socket(socket.AF_UNIX)
            dead.bind(str(path))
            dead.close()
            await self.started()
            second = self.build()
            try:
                await second.start()
                self.fail("two desks at one socket")
            except SettingsError:
                await second.stop()
            self.assertTrue(path.exists())

        return self.run_test(run())

    def test_a_plain_file_in_the_socket_s_place_is_not_removed(self):
        async def run():
            path = self.rig.settings.socket
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("precious")
            service = self.build()
            try:
                await service.start()
                self.fail("a plain file was replaced")
            except SettingsError:
                await service.stop()
            self.assertEqual(path.read_text(), "precious")

        return self.run_test(run())

    def test_broken_frames_end_the_connection_and_nothing_else(self):
        def rude(data):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(60)
                connection.connect(str(self.rig.settings.socket))
                try:
                    connection.sendall(data)
                    return connection.recv(100)
                except (ConnectionResetError, BrokenPipeError):
                    return b""

        async def run():
            await self.started()
            good = framed(encode_question(Status(rid(), "N")))
            for data in (
                b"\x00\x00\x00\x00",
                b"\xff\xff\xff\xff",
                framed(b"nonsense"),
                framed(bytes(MAX_QUESTION_BYTES + 1)),
                good + good,
                bytes(10_000),
            ):
                self.assertEqual(await deferToThread(rude, data), b"")
            answer = await self.ask(Status(rid(), "N"))
            self.assertIs(answer.kind, Kind.NOT_FOUND)

        return self.run_test(run())

    def test_questions_may_come_in_pieces_and_follow_one_another(self):
        def slowly(question):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(60)
                connection.connect(str(self.rig.settings.socket))
                answers = []
                for _ in range(2):
                    for octet in framed(encode_question(question)):
                        connection.sendall(bytes([octet]))
                    length = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")
                    answers.append(connection.recv(length, socket.MSG_WAITALL))
                return answers

        async def run():
            await self.started()
            one, two = await deferToThread(slowly, Status(rid(), "N"))
            self.assertEqual(one, two)

        return self.run_test(run())

    def test_connections_are_bounded_and_idle_ones_are_closed(self):
        def connect():
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(60)
            connection.connect(str(self.rig.settings.socket))
            return connection

        async def run():
            await self.started(desk_connections=2, desk_idle_s=3)
            held = [connect(), connect()]
            for connection in held:
                self.addCleanup(connection.close)
            with self.assertRaises(Unavailable):
                await self.ask(Status(rid(), "N"))
            answer = None
            while answer is None:  # until they are closed, which ends before the test's own time
                await deferLater(self.reactor, 0.2, lambda: None)
                with contextlib.suppress(Unavailable):
                    answer = await self.ask(Status(rid(), "N"))
            self.assertIs(answer.kind, Kind.NOT_FOUND)

        return self.run_test(run())

    def test_a_full_queue_says_when_to_come_again(self):
        async def run():
            service = await self.started(desk_waiting=2)
            questions = [Download(rid(), "AAAAAAAAAA", "AAAABBBBCCCC") for _ in range(8)]
            answers = await gatherResults([Deferred.fromCoroutine(service.ask(question)) for question in questions])
            from wire_formats.desk_messages import parse_answer

            kinds = [parse_answer(answer).kind for answer in answers]
            self.assertIn(Kind.BUSY, kinds)
            self.assertLessEqual(kinds.count(Kind.CODE_WRONG), 2)
            self.assertTrue(
                all(parse_answer(a).retry_after_s == 1 for a in answers if parse_answer(a).kind is Kind.BUSY)
            )

        return self.run_test(run())

    def listed(self) -> int:
        """Count the entries of the users' revocation list as it lies there."""
        data = (self.rig.settings.crl_folder / "issuing_persons.crl").read_bytes()
        return len(list(x509.load_der_x509_crl(data)))

    def test_a_revocation_by_the_command_line_is_published_by_the_role(self):
        async def run():
            await self.started()
            other = self.rig.open()
            number, code, _ = enabled_slip(other)
            other.slips.download(number, code)
            before = len(self.notices())
            other.revoker.revoke(number, reason="superseded", operator="cli")
            other.ledger.close()
            for _ in range(1_200):
                await deferLater(self.reactor, 0.05, lambda: None)
                if len(self.notices()) > before and self.listed():
                    break
            self.assertEqual(len(self.notices()), before + 1)
            self.assertEqual(self.listed(), 1)

        return self.run_test(run())

    def test_many_askers_get_one_certificate(self):
        async def run():
            await self.started()
            other = self.rig.open()
            number, code, _ = enabled_slip(other)
            other.ledger.close()
            answers = await gatherResults([self.ask(Download(rid(), number, code)) for _ in range(6)])
            self.assertEqual(sum(isinstance(answer, Issued) for answer in answers), 1)
            refused = [answer.kind for answer in answers if isinstance(answer, DeskRefusal)]
            self.assertEqual(set(refused), {Kind.CODE_USED_UP})

        return self.run_test(run())

    def test_our_own_fault_is_logged_and_the_desk_goes_on(self):
        async def run():
            service = await self.started()

            def fault(question):
                raise ZeroDivisionError

            right, service._desk.answer = service._desk.answer, fault
            with self.assertRaises(Unavailable):
                await self.ask(Status(rid(), "N"))
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            service._desk.answer = right
            self.assertIs((await self.ask(Status(rid(), "N"))).kind, Kind.NOT_FOUND)

        return self.run_test(run())

    def test_a_look_that_fails_shows_in_health_and_passes(self):
        async def run():
            service = await self.started()

            def fault():
                raise Unavailable(Kind.BUSY, "busy", 1)

            right, service._publisher.look = service._publisher.look, fault
            await deferLater(self.reactor, 0.5, lambda: None)
            self.assertEqual(service.health(), (False, ("deny list is not published",)))
            service._publisher.look = right
            await deferLater(self.reactor, 0.3, lambda: None)
            self.assertEqual(service.health(), (True, ()))

        return self.run_test(run())

    def test_the_role_stops_while_it_works(self):
        async def run():
            service = self.build()
            await service.start()
            asked = Deferred.fromCoroutine(service.ask(Download(rid(), "AAAAAAAAAA", "AAAABBBBCCCC")))
            await service.stop()
            await asked

        return self.run_test(run())
