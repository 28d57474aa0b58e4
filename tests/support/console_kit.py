"""A real console process over a driven high half, with certificates as set-up makes them and two operators."""

from __future__ import annotations

import http.client
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from prometheus_client import CollectorRegistry

from ca.accounts import TrialCertificate, issue_operator_certificate
from ca.authority import load_authorities
from ca.crl import write_crl
from ca.ledger import Ledger
from ca.metrics import CaMetrics
from ca.profile_table import load_profiles
from ca.provision import Provisioning, issuer_of, provision_authority
from ca.revoke import Revoker
from ops.layout import HOSTS, Layout
from ops.provision.toml_text import Value, toml_text
from ops.runtime.clock import SystemClock, SystemRandomness
from tests.support.ports import free_ports

START_S = 120.0
_STARTED = "console_started"


class ConsoleAuthority:
    """The authority of an installation: the console's certificates and operators.

    Args:
        root: the installation's folder.
    """

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        for folder in self.layout.folders(()):
            folder.mkdir(parents=True, exist_ok=True)
        metrics = CaMetrics(CollectorRegistry(), tuple(load_profiles()))
        self._randomness = SystemRandomness()
        self._wanted = Provisioning(root, ("worker-1",), HOSTS, HOSTS, SystemClock(), self._randomness, metrics)
        self._settings = provision_authority(self._wanted)
        self.root_certificate = self.layout.dmz / "trust" / "root.pem"

    def operator(self, name: str) -> TrialCertificate:
        """Issue an operator's certificate."""
        ledger = Ledger.open(self._settings.database)
        try:
            issuer = issuer_of(self._wanted, ledger, load_authorities(self._settings))
            return issue_operator_certificate(
                issuer, "gatekeeper", name, display=name, randomness=self._randomness
            )  # fmt: skip
        finally:
            ledger.close()

    def revoke(self, operator: TrialCertificate) -> None:
        """Revoke an operator's certificate and write the authority's lists, as the role does."""
        serial = x509.load_pem_x509_certificate(operator.chain_pem).serial_number
        ledger = Ledger.open(self._settings.database)
        clock = SystemClock()
        try:
            Revoker(ledger, clock).revoke(f"{serial:032x}", reason="affiliation_changed", operator="test")
            for one in load_authorities(self._settings).values():
                write_crl(ledger, one, self.layout.ca / "crl", now_ms=clock.now_ms())
        finally:
            ledger.close()

    def make_known(self, half: Path, operators: list[TrialCertificate]) -> None:
        """Let a half of the test's own kit believe these operators and this installation's console."""
        known = [x509.load_pem_x509_certificate(one.chain_pem).public_bytes(Encoding.PEM) for one in operators]
        (half / "operators.pem").write_bytes(b"".join(known))
        trust, keys = self.layout.ferry_high / "trust", self.layout.gatekeeper / "keys"
        (half / "operator_issuers.pem").write_bytes((trust / "client_issuers.pem").read_bytes())
        for name, more in (("issuers.pem", trust / "machine_issuers.pem"), ("machines.pem", keys / "gatekeeper.pem")):
            with (half / name).open("ab") as file:
                file.write(more.read_bytes())


class ConsoleProcess:
    """`ferrygate run gatekeeper` in a process of its own.

    Args:
        layout: the installation.
        half: folder of the half it shows, as the test's kit lays it out.
        acts: whether it has a key to act with.
    """

    def __init__(self, layout: Layout, half: Path, *, acts: bool = True) -> None:
        self.port = free_ports(1)[0]
        folder = layout.gatekeeper
        console: dict[str, Value] = {
            "half": half.name, "port": self.port,
            "server_key": "keys/server.key.pem", "server_chain": "keys/server.pem",
            "operators": half / "operators.pem", "operator_issuers": half / "operator_issuers.pem",
            "trust_issuers": half / "issuers.pem", "trust_machines": half / "machines.pem",
            "status": half / "status.json", "journal": half / "journal.sqlite", "crossings": half / "crossings",
            "quarantine": half / "quarantine", "acts": half / "acts", "media": half / "media",
        }  # fmt: skip
        if acts:
            console |= {"signing_key": "keys/gatekeeper.key.pem", "signing_certificate": "keys/gatekeeper.pem"}
        table: dict[str, Value] = {
            "role": {"name": "gatekeeper", "metrics_port": free_ports(1)[0], "log_file": "log/gatekeeper.log"},
            "console": console,
        }
        settings = folder / "gatekeeper.toml"
        settings.write_text(toml_text(table), encoding="utf-8")
        self._log = folder / "log" / "gatekeeper.log"
        self._started = self.log_text().count(_STARTED)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ops", "run", "gatekeeper", "--settings", str(settings)],
            env={**os.environ}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.end()
            raise

    def url(self, path: str = "/") -> str:
        """Give the address of a page."""
        return f"https://localhost:{self.port}{path}"

    def ask(self, root: Path, operator: Path | None, path: str = "/", **more: Any) -> tuple[int, str]:
        """Ask for a page without a browser; gives status and text.

        Args:
            root: the trusted root certificate.
            operator: PEM with key and certificate to show.
            path: of the page.
            more: for the request (method, body, headers).
        """
        context = ssl.create_default_context(cafile=str(root))
        if operator is not None:
            context.load_cert_chain(operator)
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=60)
        try:
            connection.request(more.pop("method", "GET"), path, **more)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def log_text(self) -> str:
        """Give what it has logged."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def end(self) -> None:
        """Stop the process."""
        self._process.terminate()
        try:
            self._process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while self.log_text().count(_STARTED) == self._started:
            if self._process.poll() is not None:
                raise AssertionError((self._process.communicate()[0] or b"").decode() + self.log_text())
            assert time.monotonic() < end, self.log_text()
            time.sleep(0.05)
