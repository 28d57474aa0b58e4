"""A server of the inside: unusable keys are told of when it is made, a taken port when it starts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.trial.unittest import TestCase

from ops.runtime.inner_server import serve_with
from tests.support.real_reactor import reactor
from tests.support.test_ca import HallAuthority
from tests.unit.ops.test_inner_site import Pages
from wire_formats.inner_web.revocation import load_certificates
from wire_formats.inner_web.site import InnerServer, ServerSettings
from wire_formats.settings_reader import SettingsError


class ServerTests(TestCase):
    """On the real reactor."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        authority = HallAuthority()
        self.issuers = self.write("issuers.pem", authority.issuers_pem)
        credentials = authority.server()
        self.key = self.write("key.pem", credentials.key_pem)
        self.chain = self.write("chain.pem", credentials.chain_pem)

    def write(self, name: str, data: bytes) -> Path:
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def make(self, **changes: Any) -> InnerServer:
        told: dict[str, Any] = {
            "listen": "127.0.0.1",
            "port": 0,
            "key": self.key,
            "chain": self.chain,
            "issuers": load_certificates(self.issuers),
            "body_bytes": 100,
            "connections": 2,
            "backlog": 4,
        }
        return serve_with(reactor)(Pages(), ServerSettings(**{**told, **changes}))

    async def test_serves_from_start_to_stop(self) -> None:
        server = self.make()
        self.assertFalse(server.serving)
        await server.stop()
        server.start()
        self.assertTrue(server.serving)
        self.assertGreater(server.port, 0)
        await server.stop()
        self.assertFalse(server.serving)

    async def test_a_taken_port_is_an_error_of_the_start(self) -> None:
        first = self.make()
        first.start()
        second = self.make(port=first.port)
        with self.assertRaises(CannotListenError):
            second.start()
        self.assertFalse(second.serving)
        await first.stop()

    def test_unusable_keys_are_told_of_before_anything_listens(self) -> None:
        foreign = self.write("foreign.pem", HallAuthority().server().key_pem)
        broken = self.write("broken.pem", b"no key")
        missing = self.folder / "missing.pem"
        for changes, words in (
            ({"key": missing}, "missing.pem: cannot read"),
            ({"key": broken}, "not an unencrypted PEM private key"),
            ({"key": foreign}, "do not belong together"),
            ({"chain": missing}, "missing.pem: cannot read"),
            ({"chain": broken}, "holds no PEM certificate"),
        ):
            with self.assertRaisesRegex(SettingsError, words):
                self.make(**changes)
