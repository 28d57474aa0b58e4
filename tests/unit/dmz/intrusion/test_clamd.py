"""A clamd that is slow, silent, or says what it should not."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from dmz.intrusion.clamd import ClamdClient
from tests.support.real_reactor import reactor
from wire_formats.clamd import MAX_REPLY, ScanVerdict


class Deaf(Protocol):
    """Says what the test wants when something comes; then waits for the other side."""

    def __init__(self, test):
        self.test = test

    def dataReceived(self, data):
        if self.test.reply:
            self.transport.write(self.test.reply)

    def connectionLost(self, reason=None):
        self.test.lost.callback(None)


class DeafFactory(Factory):
    noisy = False

    def __init__(self, test):
        self.test = test

    def buildProtocol(self, addr):
        return Deaf(self.test)


class Talks(TestCase):
    """Over a real Unix socket."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fg")
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "c.sock"
        self.reply = b""
        self.lost: Deferred[None] = Deferred()

    async def scan(self, data=b"x" * 1_000_000, *, deadline_s=60):
        port = reactor.listenUNIX(str(self.path), DeafFactory(self))
        try:
            scanned = await ClamdClient(reactor, self.path, deadline_s).scan(data)
            await self.lost
        finally:
            await port.stopListening()
        return scanned

    async def test_silence_ends_at_the_deadline_and_the_connection_with_it(self):
        self.assertEqual((await self.scan(deadline_s=0.3)).told, "no_answer")

    async def test_an_endless_reply_is_cut(self):
        self.reply = b"y" * (MAX_REPLY + 1)
        self.assertEqual((await self.scan()).told, "clamd_error")

    async def test_an_early_verdict_counts(self):
        self.reply = b"stream: Test.Virus FOUND\0"
        self.assertEqual((await self.scan()).verdict, ScanVerdict.INFECTED)

    async def test_no_socket(self):
        client = ClamdClient(reactor, self.path, 0.3)
        self.assertEqual((await client.scan(b"x")).told, "no_answer")
        self.assertFalse(await client.ping())
