"""Starts an edge process with a fresh CA in a temporary directory, and speaks to it over real TLS."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.support.machines import MachineAuthority
from tests.support.test_ca import Credentials, HallAuthority
from wire_formats.deny_list import FIRST, DenyIncrement, increment_digest, sign_increment
from wire_formats.drop import DropName, prepare_drop, write_drop

#: Until something that happens at once on an idle machine must have happened on a busy one.
WAIT_S = 60.0
REPOSITORY = Path(__file__).resolve().parents[2]


class EdgeBench:
    """One edge process and what a test needs around it.

    Args:
        directory: temporary; everything lives there.
        settings: lines of TOML that differ from the defaults.
        intrusion: lines of the intrusion watch's settings; None: there is none. With it stands the hall's firewall.
        guarded: whether the hall's firewall stands before the pipeline.
    """

    def __init__(
        self, directory: Path, settings: str = "children = 2", *, intrusion: str | None = None, guarded: bool = False
    ) -> None:
        self.directory = directory
        found = re.search(r"^children = (\d+)$", settings, re.MULTILINE)
        self._children = int(found[1]) if found else 2  # the edge's own default
        self._guarded = guarded
        self.authority = HallAuthority()
        self.server = self.authority.server()
        self.machines = MachineAuthority()
        self.deny_key = self.machines.machine("ca_deny", "ca")
        self.notices = directory / "notices"
        self._increment: DenyIncrement | None = None
        prepare_drop(self.notices)
        if intrusion is not None:
            prepare_drop(directory / "bans")
            (directory / "intrusion.toml").write_text(f'bans = "bans"\n{intrusion}\n')
        self._write_files(settings)
        self.deny()
        self.process: subprocess.Popen[bytes] | None = None
        self.ports: dict[str, int] = {}

    def start(self, given: Mapping[str, socket.socket] = MappingProxyType({})) -> EdgeBench:
        """Start the process and wait until it serves; ``given``: what it inherits, by the variable that says so."""
        served = self.log().count("edge_serving")
        arguments = [sys.executable, "-m", "tests.support.edge_process", str(self.directory / "edge.toml")]
        arguments += ["guarded"] * self._guarded
        numbers = {name: one.fileno() for name, one in given.items()}
        self.process = subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
            stderr=subprocess.PIPE,
            env={**os.environ, **{name: str(number) for name, number in numbers.items()}},
            pass_fds=tuple(numbers.values()),
        )
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read().decode()
        self.ports = json.loads(line)
        # All of them: who signals a child, counts or asks each must find each.  The firewall is compiled first.
        try:
            self.wait_for(lambda: self.log().count("edge_serving") >= served + self._children, 120.0)
        except BaseException:
            self.process.kill()
            raise
        return self

    def stop(self) -> int:
        """Ask the process to stop; gives its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()
            self.process.stderr.close()

    def log(self) -> str:
        """The log so far."""
        path = self.directory / "edge.log"
        return path.read_text() if path.exists() else ""

    def events(self, word: str) -> list[dict[str, Any]]:
        """The log's events of one kind, in order."""
        found = (json.loads(line) for line in self.log().splitlines() if line.endswith("}"))
        return [event for event in found if event.get("log_format") == word]

    def deny(self, *serials: int) -> None:
        """Sign and drop the next increment of the deny list."""
        last = self._increment
        self._increment = DenyIncrement(
            epoch=1 if last is None else last.epoch + 1,
            previous=FIRST if last is None else increment_digest(last),
            made_ms=int(time.time() * 1000),
            full=last is None,
            serials=tuple(sorted(serials)),
            size=(0 if last is None else last.size) + len(serials),
        )
        name = DropName(1, self._increment.epoch, "ca", "notice")
        write_drop(self.notices, name, sign_increment(self._increment, self.deny_key))

    def connect(self, window: str, client: Credentials | None = None, **options: Any) -> ssl.SSLSocket:
        """Make a TLS connection; ``session`` resumes one, ``source`` is the own address, ``name`` is the SNI."""
        context: ssl.SSLContext = options.pop("context", None) or self.context(
            client, tls12=bool(options.pop("tls12", False))
        )
        raw = socket.create_connection(("127.0.0.1", self.ports[window]), WAIT_S, (str(options.pop("source", "")), 0))
        name = str(options.pop("name", "localhost"))
        return context.wrap_socket(raw, server_hostname=name, session=options.pop("session", None))

    def context(self, client: Credentials | None, *, tls12: bool = False) -> ssl.SSLContext:
        """Make a client's context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.authority.issuers_pem.decode())
        context.set_alpn_protocols(["h2", "http/1.1"])
        if tls12:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if client is not None:
            path = self.directory / f"client-{client.certificate.serial_number:x}.pem"
            path.write_bytes(client.key_pem + client.chain_pem)
            context.load_cert_chain(path)
        return context

    def plain(self, port: str = "plain") -> socket.socket:
        """Make a plain TCP connection."""
        return socket.create_connection(("127.0.0.1", self.ports[port]), WAIT_S)

    def ask(self, window: str, client: Credentials | None, request: bytes, **options: Any) -> Answer:
        """Send one request on a new connection and read its answer; options as of ``connect``."""
        with contextlib.closing(self.connect(window, client, **options)) as connection:
            connection.sendall(request)
            return read_answer(connection)

    def wait_for(self, condition, seconds: float = WAIT_S) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.log()[-4000:]
            time.sleep(0.02)

    def _write_files(self, settings: str) -> None:
        files = {
            "server.key": self.server.key_pem,
            "server.pem": self.server.chain_pem,
            "clients.pem": self.authority.issuers_pem,
            "machines.pem": self.machines.pem,
            "deny.pem": self.deny_key.certificate.public_bytes(_PEM),
        }
        for name, data in files.items():
            (self.directory / name).write_bytes(data)
        rates = "".join(f"{name} = 100000\n" for name in _RATES if name not in settings)
        (self.directory / "edge.toml").write_text(_SETTINGS + rates + settings + "\n")


class Answer:
    """A parsed HTTP response."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode("ascii").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.head = head
        self.body = body

    @property
    def told(self) -> dict[str, Any]:
        """The echo's JSON."""
        told: dict[str, Any] = json.loads(self.body)
        return told


def read_answer(connection: socket.socket, *, head_only: bool = False) -> Answer:
    """Read exactly one response."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            raise ConnectionError(f"closed after {data!r}")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    match = re.search(rb"(?i)content-length: (\d+)", head)
    length = 0 if head_only or match is None else int(match[1])
    while len(body) < length:
        part = connection.recv(262_144)
        if not part:
            raise ConnectionError("closed inside a body")
        body += part
    return Answer(head, body)


def get(path: str, *headers: str, host: str = "localhost") -> bytes:
    """Write a GET."""
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode()


def post(path: str, body: bytes, content_type: str = "application/x-www-form-urlencoded", *headers: str) -> bytes:
    """Write a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {content_type}"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def children_of(pid: int) -> list[int]:
    """The child processes of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be reaped does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False


#: A test asks as fast as it can; how fast that is must not decide whether it is refused.
_RATES = ("address_new_per_s", "address_requests_per_s", "certificate_requests_per_s")
_PEM = serialization.Encoding.PEM
_SETTINGS = """
server_key = "server.key"
server_chain = "server.pem"
client_issuers = "clients.pem"
deny_issuers = "machines.pem"
deny_signers = "deny.pem"
notices = "notices"
snapshots = "snapshots"
listen = "127.0.0.1"
unit_port = 0
community_port = 0
person_port = 0
site_port = 0
plain_port = 0
"""
