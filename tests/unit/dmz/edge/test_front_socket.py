"""The front's socket: the same grammar and requests as an edge's, with the identity that the front gives."""

from __future__ import annotations

import base64
import shutil
import socket
import tempfile
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from prometheus_client import CollectorRegistry
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from dmz.edge.front_socket import FrontParts, FrontSettings, FrontSocket
from dmz.messages import HallResponse
from ops.runtime.clock import SystemClock, SystemRandomness
from tests.support.edge_bench import get, post, read_answer
from tests.support.real_reactor import reactor
from tests.support.test_ca import HallAuthority

AUTHORITY = HallAuthority()
CLIENT = AUTHORITY.client("unit", "U42")
OTHER = AUTHORITY.client("person", "P7")
ADDRESS = "X-Front-Address: 192.0.2.9"


def pem(credentials):
    return f"X-Front-Certificate: {quote(credentials.certificate.public_bytes(Encoding.PEM).decode(), safe='')}"


def der(credentials):
    return f"X-Front-Certificate: {base64.b64encode(credentials.certificate.public_bytes(Encoding.DER)).decode()}"


UNIT = ("X-Front-Window: unit", ADDRESS, pem(CLIENT))


class Front(TestCase):
    timeout = 170

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "clients.pem").write_bytes(AUTHORITY.issuers_pem)
        self.path = self.folder / "front.sock"
        self.seen = []
        self.make()
        self.listener = self.socket.start()
        self.addCleanup(lambda: self.socket.stop())

    def make(self):
        self.socket = FrontSocket(
            FrontSettings(self.path, self.folder / "clients.pem"),
            FrontParts(
                reactor=reactor,
                clock=SystemClock(),
                randomness=SystemRandomness(),
                registry=CollectorRegistry(),
                handler=self.handler,
                takes_files=lambda _window, path: path == "/upload",
            ),
        )

    async def handler(self, request):
        self.seen.append(request)
        return HallResponse(200, (("Content-Type", "text/plain"),), b"x" * (300_000 if request.path == "/big" else 1))

    def ask(self, *messages):
        """Send messages on one connection and give the answers."""

        def talk():
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(60)
                connection.connect(str(self.path))
                answers = []
                for message in messages:
                    connection.sendall(message)
                    answers.append(read_answer(connection))
                return answers

        return deferToThread(talk)

    async def test_each_request_is_of_whom_the_front_says(self):
        answers = await self.ask(
            get("/a", *UNIT, "X-Forwarded-For: 10.0.0.1"),
            get("/big", "X-Front-Window: person", "X-Front-Address: 2001:db8::1", der(OTHER)),
            post("/c", b"a=1", "application/x-www-form-urlencoded", "X-Front-Window: site", ADDRESS),
        )
        self.assertEqual([answer.status for answer in answers], [200] * 3)
        self.assertEqual(len(answers[1].body), 300_000)
        found = [(r.window, r.path, r.address, r.client and r.client.account, r.form) for r in self.seen]
        self.assertEqual(
            found,
            [
                ("unit", "/a", "192.0.2.9", "U42", ()),
                ("person", "/big", "2001:db8::1", "P7", ()),
                ("site", "/c", "192.0.2.9", None, (("a", "1"),)),
            ],
        )
        self.assertEqual([set(r.headers) for r in self.seen], [{"host"}, {"host"}, {"host", "content-type"}])

    async def test_what_the_front_does_not_say_or_says_wrongly_is_refused(self):
        unit, server = "X-Front-Window: unit", AUTHORITY.client(purpose=ExtendedKeyUsageOID.SERVER_AUTH)
        for fields, status, word in (
            ((), 400, b"front_fields"),
            ((unit,), 400, b"front_fields"),
            ((unit, "X-Front-Address: localhost", pem(CLIENT)), 400, b"front_fields"),
            (("X-Front-Window: staff", ADDRESS, pem(CLIENT)), 400, b"front_fields"),
            ((unit, *UNIT), 400, b"front_fields"),
            ((unit, ADDRESS), 403, b"certificate_missing"),
            ((unit, ADDRESS, "X-Front-Certificate: AAAA"), 403, b"certificate_unreadable"),
            ((unit, ADDRESS, "X-Front-Certificate: %ff"), 403, b"certificate_unreadable"),
            ((unit, ADDRESS, pem(OTHER)), 403, b"wrong_window"),
            ((unit, ADDRESS, pem(server)), 403, b"certificate_purpose"),
            ((unit, ADDRESS, pem(HallAuthority("other").client())), 403, b"certificate_issuer"),
        ):
            (answer,) = await self.ask(get("/", *fields))
            self.assertEqual((answer.status, word in answer.body), (status, True), fields)
        self.assertEqual(self.seen, [])

    async def test_a_refusal_is_not_logged_as_the_one_before_s(self):
        for bad in (get("/b"), b"nonsense\r\n\r\n"):
            with capturedLogs() as events:
                answers = await self.ask(get("/a", *UNIT), bad)
            self.assertEqual([answer.status for answer in answers], [200, 400])
            told = [(event["status"], event["address"]) for event in events if "address" in event]
            self.assertEqual(told, [(200, "192.0.2.9"), (400, "")])

    async def test_the_grammar_is_the_edges(self):
        both = ("Content-Length: 3", "Transfer-Encoding: chunked")
        for message, word in (
            (get("/a/../b", *UNIT), b"path_dots"),
            (get("/", *UNIT, "X_Y: z"), b"header_name_ambiguous"),
            (get("/", *UNIT, *both).replace(b"GET", b"POST"), b"length_and_coding"),
            (post("/", b"a" * 70_000, "multipart/form-data; boundary=b", *UNIT), b"body_too_large"),
        ):
            (answer,) = await self.ask(message)
            self.assertEqual((word in answer.body, answer.headers["connection"]), (True, "close"))
        self.assertEqual(self.seen, [])

    async def test_the_socket_is_not_for_everybody(self):
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o660)

    async def test_a_successor_takes_the_socket_over(self):
        with socket.socket(socket.AF_UNIX) as early:
            early.settimeout(60)
            early.connect(str(self.path))
            handed = self.listener.dup()
            self.socket.stop(succeeded=True)
            self.make()
            self.socket.start(handed)
            self.assertTrue(self.path.exists())
            (answer,) = await self.ask(get("/after", *UNIT))
            self.assertEqual((answer.status, [request.path for request in self.seen]), (200, ["/after"]))
        await self.socket.stop()
        self.assertFalse(self.path.exists())
