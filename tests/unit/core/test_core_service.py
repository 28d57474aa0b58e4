"""The whole core process's inside: real reactor, real thread, real files, real desk socket."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from prometheus_client import CollectorRegistry
from twisted.internet import defer, task
from twisted.trial import unittest

from core.desk import SocketDesk
from core.service import build_core
from core.settings import CoreSettings
from tests.support.core_world import CORE_SEAL, MASTER, PEPPER, MemoryDesk, Seeded, World, make_world
from tests.support.machines import pem_of
from tests.support.real_reactor import reactor
from wire_formats.desk_messages import DeskRefusal, Status, encode_answer, framed, parse_question
from wire_formats.errors import Bug, Kind, Unavailable
from wire_formats.settings_reader import read_settings


class PollingWatch:
    """A directory watch that keeps its promise of a call at least every 500 ms, by polling."""

    def watch(self, path: Path, on_change: Callable[[], None]) -> Callable[[], None]:
        call = task.LoopingCall(on_change)
        call.start(0.02)
        return call.stop


def write_settings(world: World) -> CoreSettings:
    folder = world.folder
    files = {
        "core.key": world.tools.signing_key._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        "core.pem": pem_of(world.tools.signing_key),
        "ca.pem": world.machines[0].pem,
        "machines.pem": b"".join(pem_of(machine) for machine in world.machines[1:]),
        "seal.key": CORE_SEAL.raw,
        "pepper.key": PEPPER,
        "master.key": MASTER,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    text = f"""
        database_url = "{world.engine.url.render_as_string(hide_password=False)}"
        inbox = "inbox"
        outbox = "outbox"
        deny_drop = "deny"
        quarantine = "quarantine"
        signing_key = "core.key"
        signing_certificate = "core.pem"
        trust_issuers = "ca.pem"
        trust_certificates = "machines.pem"
        seal_key = "seal.key"
        pepper = "pepper.key"
        account_master_key = "master.key"
        desk_socket = "ca.sock"
    """
    return read_settings(CoreSettings, text, folder / "core.toml")


class CoreServiceTest(unittest.TestCase):
    """start, answer, stop."""

    def setUp(self) -> None:
        self.keep = tempfile.TemporaryDirectory(prefix="fgcore-")
        folder = Path(self.keep.name)
        self.world = make_world(folder, f"sqlite:///{folder}/production.sqlite")
        self.addCleanup(self.keep.cleanup)
        self.addCleanup(self.world.close)

    def build(self) -> Any:
        return build_core(
            write_settings(self.world),
            reactor=reactor,
            clock=self.world.clock,
            randomness=Seeded("service"),
            watch=PollingWatch(),
            registry=CollectorRegistry(),
            certificate_desk=MemoryDesk(),
        )

    def test_answers_and_stops(self) -> defer.Deferred[None]:
        return defer.Deferred.fromCoroutine(self._answers_and_stops())

    async def _answers_and_stops(self) -> None:
        core = self.build()
        self.assertFalse(core.is_healthy())
        core.start()
        login = self.world.accounts["vip"]
        secret = self.world.secret(login.password, "password")
        items = [self.world.request("vip", "account.login", {"user_name": "vip1", "password": secret})]
        self.world.drop([*items, self.world.request("vip", "unit.profile", {})])
        answers: list[Any] = []
        turns = 0
        for _ in range(6_000):
            await task.deferLater(reactor, 0.01, lambda: None)
            turns += 1
            answers += self.world.answers()
            if len(answers) == 2:
                break
        self.assertEqual([header.error for header, _ in answers], [None, None])
        self.assertTrue(core.is_healthy())
        await core.stop()
        self.assertFalse(core.is_healthy())
        self.assertGreater(turns, 2, "the reactor goes on turning meanwhile")

    def test_wrong_database_revision_is_refused(self) -> None:
        with self.world.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with self.assertRaises(Bug):
            self.build()

    def test_a_short_key_file_is_refused(self) -> None:
        settings = write_settings(self.world)
        settings.pepper.write_bytes(b"short")
        with self.assertRaises(ValueError):
            build_core(
                settings,
                reactor=reactor,
                clock=self.world.clock,
                randomness=Seeded(),
                watch=PollingWatch(),
                registry=CollectorRegistry(),
                certificate_desk=MemoryDesk(),
            )


class SocketDeskTest(unittest.TestCase):
    """The desk behind a real Unix socket."""

    def setUp(self) -> None:
        keep = tempfile.TemporaryDirectory(prefix="fgdesk-")
        self.addCleanup(keep.cleanup)
        self.path = Path(keep.name) / "ca.sock"

    def serve(self, make_reply: Callable[[Any], bytes]) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self.path))
        server.listen()
        self.addCleanup(server.close)

        def one() -> None:
            connection, _ = server.accept()
            with connection:
                length = int.from_bytes(connection.recv(4), "big")
                connection.sendall(make_reply(parse_question(connection.recv(length))))

        thread = threading.Thread(target=one, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 5)

    def test_question_and_answer(self) -> None:
        question = Status(b"q" * 16, "ABC")
        self.serve(lambda asked: framed(encode_answer(DeskRefusal(asked.request_id, Kind.NOT_FOUND))))
        answer = SocketDesk(self.path, timeout_s=5).ask(question)
        self.assertEqual(answer, DeskRefusal(question.request_id, Kind.NOT_FOUND))

    def test_silence_garbage_and_other_answers(self) -> None:
        question = Status(b"q" * 16, "ABC")
        with self.assertRaises(Unavailable):
            SocketDesk(self.path, timeout_s=1).ask(question)
        for reply in (
            b"",
            b"\xff\xff\xff\xff",
            framed(b"garbage"),
            framed(encode_answer(DeskRefusal(b"o" * 16, Kind.NOT_FOUND))),
        ):
            self.path.unlink(missing_ok=True)
            self.serve(lambda _asked, reply=reply: reply)  # type: ignore[misc]
            with self.assertRaises(Unavailable) as caught:
                SocketDesk(self.path, timeout_s=1).ask(question)
            self.assertIs(caught.exception.kind, Kind.DESK_SILENT)
