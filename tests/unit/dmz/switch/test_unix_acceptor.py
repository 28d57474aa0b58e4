"""A listening Unix socket without descriptors rests, says so once, and goes on."""

from __future__ import annotations

import gc
import os
import resource
import socket

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from dmz.switch.unix_acceptor import UnixAcceptor, bind_unix
from ops.runtime.lean_reactor import LeanReactor


class Doors(Factory):
    protocol = Protocol

    def __init__(self):
        self.made = []

    def buildProtocol(self, address):
        protocol = super().buildProtocol(address)
        self.made.append(protocol)
        return protocol


@pytest.mark.parametrize("spare", [0, 1], ids=["accept", "adopt"])
def test_without_descriptors_it_rests_and_goes_on(tmp_path, spare):
    """With no descriptor accept(2) fails; with one, the copy that the reactor takes."""
    reactor, doors, path = LeanReactor(), Doors(), tmp_path / "door"
    listener = bind_unix(path, 0o600)
    listener.setblocking(False)
    acceptor = UnixAcceptor(listener, path, doors, reactor)
    reads = 0
    inner = acceptor.doRead

    def counted():
        nonlocal reads
        reads += 1
        inner()

    acceptor.doRead = counted  # type: ignore[method-assign] # only counts
    callers = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    callers[0].connect(str(path))
    callers[1].connect(str(path))
    gc.collect()  # a socket that an earlier test has dropped must not become free in the middle
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + spare, before[1]))
    try:
        with capturedLogs() as lines:
            for _ in range(50):
                reactor.iterate(0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert doors.made == []
    assert reads == 1, "it must not spin"
    told = [line for line in lines if line.get("log_format") == "port_accepts_no_more"]
    assert [line["reason"] for line in told] == ["EMFILE"]
    # The connection that was accepted and could not be adopted is lost; the other one comes in.
    while len(doors.made) < 2 - spare:
        reactor.iterate(0.2)
    acceptor.stop(remove=True)
    acceptor_again = socket.socket(socket.AF_UNIX)
    with pytest.raises(FileNotFoundError):
        acceptor_again.connect(str(path))
    for one in [*callers, acceptor_again]:
        one.close()
    for reader in reactor.removeAll():
        reader.connectionLost(Failure(ConnectionDone()))


def test_it_stops_while_it_rests(tmp_path):
    reactor, path = LeanReactor(), tmp_path / "door"
    listener = bind_unix(path, 0o600)
    listener.setblocking(False)
    acceptor = UnixAcceptor(listener, path, Doors(), reactor)
    acceptor._rest.needed(OSError(24, "too many open files"))
    acceptor.stop(remove=False)
    assert path.exists()
    assert reactor.getDelayedCalls() == []
    assert acceptor not in reactor.getReaders()
