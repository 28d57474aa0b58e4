"""The high side's console and media clerk as real processes on an installation's own files; no half runs."""

from __future__ import annotations

import http.client
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ferry.media.clerk_state import STATE_NAME
from ops.layout import Installation, Layout, Ports
from ops.provision.role_files import (
    ferry_high_table,
    ferry_low_table,
    ferry_media_table,
    gatekeeper_table,
)
from ops.provision.toml_text import toml_text
from tests.support.console_kit import ConsoleAuthority
from tests.support.media_kit import bundle_name
from tests.support.ports import free_ports
from wire_formats.drop import prepare_drop, write_drop

START_S = 120.0


class MediaSite:
    """One installation: settings, keys, two operators, a console and a clerk.

    Args:
        folder: of the test.
        side: whose console and clerk.
    """

    def __init__(self, folder: Path, *, clerk: bool = True, side: str = "high") -> None:
        self.folder = folder
        self.authority = ConsoleAuthority(folder / "var")
        self.layout: Layout = self.authority.layout
        self.certificates = {name: self.authority.operator(name) for name in ("li", "wang")}
        self.files: dict[str, Path] = {}
        known = b""
        for name, made in self.certificates.items():
            (folder / f"{name}.p12").write_bytes(made.pkcs12)
            self.files[name] = folder / f"{name}.pem"
            self.files[name].write_bytes(made.key_pem + made.chain_pem)
            known += x509.load_pem_x509_certificate(made.chain_pem).public_bytes(Encoding.PEM)
        for half in (self.layout.ferry_low, self.layout.ferry_high):
            (half / "trust" / "operators.pem").write_bytes(known)
        self.port, *metrics = free_ports(4)
        found = Installation(Ports(), workers=1)
        console = "gatekeeper" if side == "high" else "gatekeeper_low"
        tables = {
            "ferry_low": ferry_low_table(found), "ferry_high": ferry_high_table(found),
            "ferry_media": ferry_media_table(found), console: gatekeeper_table(found, side),
        }  # fmt: skip
        for (name, table), metrics_port in zip(tables.items(), (*metrics, 0), strict=False):
            role = {**dict(table["role"]), "metrics_port": metrics_port}  # type: ignore[arg-type]
            own = dict(table) | {"role": role}
            if name == console:
                own["console"] = {**dict(table["console"]), "port": self.port}  # type: ignore[arg-type]
            self.layout.settings(name).write_text(toml_text(own), encoding="utf-8")
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            self._start(console, "console_started")
            if clerk:
                self._start("ferry_media", "media_clerk_started")
                self._await_clerk(side)
        except BaseException:
            self.end()
            raise

    def url(self, path: str = "/") -> str:
        """Give the address of a page."""
        return f"https://localhost:{self.port}{path}"

    def collect(self, side: str, count: int = 3) -> None:
        """Let files wait for a medium."""
        folder = self.layout.root / f"ferry_{side}" / "media" / "out" / "bulk"
        prepare_drop(folder)
        for number in range(1, count + 1):
            write_drop(folder, bundle_name(number, sender=f"ferry_{side}"), b"x" * 1000 * number)

    def command(self, *words: str, passphrases: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Type `ferrygate ferry media ...`; passphrases come from standard input."""
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "ops", "ferry", "media", *words],
            input="".join(f"{one}\n" for one in passphrases), capture_output=True, text=True, timeout=100, check=False,
            start_new_session=True,
        )  # fmt: skip

    def sign(self, name: str, statement: Path) -> Path:
        """Sign a statement as an operator does, where his key is."""
        out = self.folder / f"{name}-{statement.stem}.signature"
        done = self.command(
            "sign", str(statement), "--key", str(self.folder / f"{name}.p12"), "--out", str(out),
            passphrases=(self.certificates[name].password,),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return out

    def end(self) -> None:
        """Stop the processes."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    def log_text(self, role: str) -> str:
        """Give what a process has logged."""
        log = self.layout.log(role)
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def _await_clerk(self, side: str) -> None:
        """Wait until the clerk has told of itself: the console's pages only look before that."""
        told = self.layout.root / f"ferry_{side}" / "media" / STATE_NAME
        end = time.monotonic() + START_S
        while not told.exists():
            assert time.monotonic() < end, self.log_text("ferry_media")
            time.sleep(0.05)

    def _start(self, role: str, started: str) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops", "run", role, "--settings", str(self.layout.settings(role))],
            env={**os.environ}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._processes.append(process)
        end = time.monotonic() + START_S
        while started not in self.log_text(role):
            if process.poll() is not None:
                raise AssertionError((process.communicate()[0] or b"").decode() + self.log_text(role))
            assert time.monotonic() < end, self.log_text(role)
            time.sleep(0.05)


def ask(port: int, root: Path, operator: Path, path: str, *, language: str = "zh-CN") -> tuple[int, str]:
    """Ask for a page without a browser; gives status and text."""
    status, text, _ = _request(port, root, operator, "GET", path, None, {"Accept-Language": language})
    return status, text


def post(port: int, root: Path, operator: Path, body: str, headers: dict[str, str]) -> tuple[int, str, str]:
    """Send an order's form without a browser; gives status, text and where it leads."""
    return _request(port, root, operator, "POST", "/media/order", body, headers)


def _request(
    port: int, root: Path, operator: Path, method: str, path: str, body: str | None, headers: dict[str, str]
) -> tuple[int, str, str]:
    context = ssl.create_default_context(cafile=str(root))
    context.load_cert_chain(operator)
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace"), answer.headers.get("Location", "")
    finally:
        connection.close()
