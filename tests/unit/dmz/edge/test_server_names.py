"""A client that asks for another server's name gets an alert; with another version of pyOpenSSL it gets through."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest
from OpenSSL import SSL

from dmz.edge import tls_context
from tests.support.tls_pair import client_context, server_context


def _shake(name: bytes | None) -> None:
    server = SSL.Connection(server_context(names=frozenset({"Hall.example"})), None)
    client = SSL.Connection(client_context(), None)
    server.set_accept_state()
    client.set_connect_state()
    if name is not None:
        client.set_tlsext_host_name(name)
    for _ in range(3):
        for one, other in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                one.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                other.bio_write(one.bio_read(65_536))
    client.do_handshake()
    server.do_handshake()


@pytest.mark.parametrize("name", [None, b"hall.example", b"HALL.example"])
def test_our_name_and_none(name):
    _shake(name)


@pytest.mark.parametrize("name", [b"other.example", b"hall.example.", b"x.hall.example", b"hall", b"\xff\xfe"])
def test_another_name(name, capfd):
    with pytest.raises(SSL.Error, match="callback failed|clienthello tlsext"):
        _shake(name)
    assert capfd.readouterr().err == ""


def test_a_binding_without_the_names_is_no_obstacle(monkeypatch):
    context = server_context()
    monkeypatch.setattr(tls_context, "SSL", SimpleNamespace())
    tls_context._refuse_other_names(context, [b"hall.example"])
    assert context._tlsext_servername_callback is None
