"""The front ends that are compared: what each needs, how it is started, and the backends they share."""

from __future__ import annotations

import contextlib
import getpass
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from perf.edge_bench import configs, crs, requests
from perf.edge_bench.configs import Place
from perf.edge_bench.pki import Pki
from perf.edge_bench.processes import (
    LOAD_CORE,
    SERVER_CORE,
    Group,
    StartError,
    free_ports,
    listens,
    listens_unix,
    memory_kib,
    processor_s,
    program,
)
from perf.edge_bench.wire import ClosedLoop, Loop, client_context

OURS: Final = "ferrygate"
NGINX: Final = "nginx"
HAPROXY: Final = "haproxy"
NGINX_NEW: Final = "nginx, newer OpenSSL"
HAPROXY_NEW: Final = "haproxy, newer OpenSSL"
NGINX_REVOKED: Final = "nginx, 100,000 revoked"
OURS_REVOKED: Final = "ferrygate, 100,000 revoked"
NGINX_WAF: Final = "nginx + ModSecurity"
APACHE_WAF: Final = "apache + ModSecurity 2"
OURS_OWN: Final = "ferrygate, own rules"
OURS_CRS: Final = "ferrygate, core rule set"

REVOKED: Final = 100_000
_ANSWER_S: Final = 5.0
_MODULES: Final = Path("/usr/lib/nginx/modules")
_APACHE_MODULES: Final = Path("/usr/lib/apache2/modules")


class MissingError(Exception):
    """A candidate is not on this machine; the text says how to get it."""


@dataclass(slots=True)
class Server:
    """A candidate that serves.

    Attributes:
        name: of the candidate.
        port: where a client certificate is demanded.
        site_port: where none is.
        group: its processes.
        behind: the processes behind it.
        reload: the signal at which its first process takes new certificates; None: it is not made for it.
    """

    name: str
    port: int
    site_port: int
    group: Group
    behind: Group
    reload: signal.Signals | None = None

    def processor_s(self) -> float:
        """Give the processor time of all its processes so far."""
        return processor_s(self.group.pids())

    def behind_s(self) -> float:
        """Give the processor time of what stands behind it."""
        return processor_s(self.behind.pids())

    def memory_kib(self) -> int:
        """Give their memory now, shared pages counted once."""
        return memory_kib(self.group.pids())


@dataclass
class Bench:
    """What all candidates share.

    Attributes:
        folder: temporary; every process may read it.
        pki: certificates.
        rules: the tree of the core rule set, for ModSecurity and for us.
        newer: folder with ``libssl.so.3`` newer than the system's; None: not found.
    """

    folder: Path
    pki: Pki
    rules: Path
    newer: Path | None
    missing: dict[str, str] = field(default_factory=dict)
    _behind: dict[str, Group] = field(default_factory=dict)
    _started: int = 0

    @property
    def http_backend(self) -> Path:
        """The Unix socket of the HTTP backend."""
        return self.folder / "backend.sock"

    @property
    def echo_worker(self) -> Path:
        """The Unix socket of our trivial worker."""
        return self.folder / "echo.sock"

    @contextlib.contextmanager
    def backends(self) -> Iterator[None]:
        """Run the peers' backend and our trivial worker, on the load's core."""
        with contextlib.ExitStack() as stack:
            if program("nginx"):
                folder = self._new_folder("backend")
                text = configs.backend(folder, self.http_backend, getpass.getuser())
                words = _nginx_words(folder, text)
                served = self._group(words, folder, lambda: listens_unix(self.http_backend), LOAD_CORE)
                self._behind["http"] = stack.enter_context(served)
            words = [sys.executable, "-m", "ops.edge_lab", "--echo", str(self.echo_worker)]
            served = self._group(words, self._new_folder("echo"), lambda: listens_unix(self.echo_worker), LOAD_CORE)
            self._behind["echo"] = stack.enter_context(served)
            yield

    @contextlib.contextmanager
    def serving(self, *names: str) -> Iterator[list[Server]]:
        """Start candidates; those that are missing are told once and left out.

        Args:
            names: of candidates.
        """
        with contextlib.ExitStack() as stack:
            servers = []
            for name in names:
                try:
                    servers.append(stack.enter_context(self._one(name)))
                except (MissingError, StartError) as error:
                    if name not in self.missing:
                        self.missing[name] = str(error)
                        print(f"{name} is left out: {error}", flush=True)
            yield servers

    @contextlib.contextmanager
    def _one(self, name: str) -> Iterator[Server]:
        behind = self._behind.get("echo" if name.startswith(OURS) else "http")
        if behind is None:
            raise MissingError("the peers' backend is an nginx: apt-get install nginx")
        folder = self._new_folder("front")
        ports = free_ports(2)
        place = Place(folder, self.pki.folder, ports[0], ports[1], self.http_backend, getpass.getuser())
        words, environment, reload = STARTERS[name](self, place)
        environment = environment or {}
        with self._group(words, folder, lambda: self._answers(place.port), SERVER_CORE, environment) as group:
            yield Server(name, place.port, place.site_port, group, behind, reload)

    @contextlib.contextmanager
    def _group(
        self,
        words: list[str],
        folder: Path,
        ready: Callable[[], bool],
        core: int,
        environment: dict[str, str] | None = None,
    ) -> Iterator[Group]:
        group = Group(words, folder / "output.log", core=core, environment=environment or {})
        try:
            group.wait_until(ready)
            yield group
        finally:
            group.stop()

    def _answers(self, port: int) -> bool:
        """Tell whether a request is answered; a port may listen before those who serve it are there."""
        if not listens(port):
            return False
        loop = Loop()
        context = client_context(self.pki.folder / "ca.pem", self.pki.client(0))
        load = ClosedLoop(loop, port, [context], requests.minimal(port, 1), 1)
        loop.run(_ANSWER_S, until=lambda: load.count + load.failed > 0)
        load.going = False
        loop.close()
        return load.statuses.get(200, 0) > 0

    def _new_folder(self, kind: str) -> Path:
        self._started += 1
        folder = self.folder / f"{kind}-{self._started}"
        folder.mkdir()
        folder.chmod(0o777)
        return folder


Start = tuple[list[str], dict[str, str] | None, signal.Signals | None]


def _nginx(bench: Bench, place: Place) -> Start:
    return _nginx_words(place.folder, configs.nginx(place)), None, signal.SIGHUP


def _nginx_newer(bench: Bench, place: Place) -> Start:
    words, _, reload = _nginx(bench, place)
    return words, _newer_libraries(bench), reload


def _nginx_revoked(bench: Bench, place: Place) -> Start:
    text = configs.nginx(place, revoked=bench.pki.write_revoked(REVOKED))
    return _nginx_words(place.folder, text), None, signal.SIGHUP


def _nginx_waf(bench: Bench, place: Place) -> Start:
    if not (_MODULES / "ngx_http_modsecurity_module.so").exists():
        raise MissingError("apt-get install libnginx-mod-http-modsecurity")
    text = configs.nginx(place, rules=_rules_file(bench, place))
    return _nginx_words(place.folder, text), None, signal.SIGHUP


def _haproxy(bench: Bench, place: Place) -> Start:
    path = place.folder / "haproxy.cfg"
    path.write_text(configs.haproxy(place), encoding="utf-8")
    return [_need("haproxy"), "-W", "-db", "-f", str(path)], None, signal.SIGUSR2


def _haproxy_newer(bench: Bench, place: Place) -> Start:
    words, _, reload = _haproxy(bench, place)
    return words, _newer_libraries(bench), reload


def _apache_waf(bench: Bench, place: Place) -> Start:
    if not (_APACHE_MODULES / "mod_security2.so").exists():
        raise MissingError("apt-get install libapache2-mod-security2")
    path = place.folder / "apache.conf"
    user = "www-data" if place.user == "root" else place.user
    place = Place(place.folder, place.pki, place.port, place.site_port, place.backend, user)
    path.write_text(configs.apache(place, rules=_rules_file(bench, place)), encoding="utf-8")
    return [_need("apache2"), "-DFOREGROUND", "-f", str(path)], None, signal.SIGUSR1


def _ours(bench: Bench, place: Place, *, rules: str = "off", denied: int = 0) -> Start:
    path = place.folder / "edge.toml"
    path.write_text(configs.ferrygate(place, bench.echo_worker, rules=rules, denied=denied), encoding="utf-8")
    (place.folder / "notices").mkdir()
    return [sys.executable, "-m", "ops.edge_lab", "--settings", str(path)], None, signal.SIGHUP


STARTERS: Final[dict[str, Callable[[Bench, Place], Start]]] = {
    NGINX: _nginx,
    NGINX_NEW: _nginx_newer,
    NGINX_REVOKED: _nginx_revoked,
    NGINX_WAF: _nginx_waf,
    HAPROXY: _haproxy,
    HAPROXY_NEW: _haproxy_newer,
    APACHE_WAF: _apache_waf,
    OURS: _ours,
    OURS_REVOKED: lambda bench, place: _ours(bench, place, denied=REVOKED),
    OURS_OWN: lambda bench, place: _ours(bench, place, rules="own"),
    OURS_CRS: lambda bench, place: _ours(bench, place, rules=str(bench.rules)),
}


def _need(name: str) -> str:
    found = program(name)
    if found is None:
        raise MissingError(f"apt-get install {name}")
    return found


def _nginx_words(folder: Path, text: str) -> list[str]:
    path = folder / "nginx.conf"
    path.write_text(text, encoding="utf-8")
    return [_need("nginx"), "-p", str(folder), "-c", str(path)]


def _rules_file(bench: Bench, place: Place) -> Path:
    path = place.folder / "rules.conf"
    try:
        path.write_text(crs.main_file(bench.rules, place.folder), encoding="utf-8")
    except crs.NoRulesError as error:
        raise MissingError(str(error)) from None
    return path


def _newer_libraries(bench: Bench) -> dict[str, str]:
    if bench.newer is None:
        raise MissingError("no libssl.so.3 newer than the system's was found among the installed wheels")
    return {"LD_LIBRARY_PATH": str(bench.newer)}
