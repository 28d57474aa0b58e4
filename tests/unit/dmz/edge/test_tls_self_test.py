"""The direct way to OpenSSL is taken only where it does what the public names do."""

from __future__ import annotations

import contextlib

import pytest
from OpenSSL import SSL

from dmz.edge import tls_engine
from dmz.edge.tls_engine import DirectSession, PublicSession, Stop
from dmz.edge.tls_self_test import choose_session
from tests.support.tls_pair import Pair, server_context


def test_the_direct_way_is_taken_here():
    assert choose_session(server_context()) is DirectSession


class _Deaf(DirectSession):
    def read(self):
        return Stop.WANT_READ


class _Forgetful(DirectSession):
    def write(self, data):
        super().write(data[:-1] or data)
        return len(data)


class _Blind(DirectSession):
    def handshake(self):
        result = super().handshake()
        return Stop.WANT_READ if result is Stop.BROKEN else result


class _Mute(DirectSession):
    def say_goodbye(self):
        raise AttributeError("a name that is gone")


@pytest.mark.parametrize("changed", [_Deaf, _Forgetful, _Blind, _Mute])
def test_whatever_differs_the_public_names_are_taken(monkeypatch, changed):
    monkeypatch.setattr("dmz.edge.tls_self_test.DirectSession", changed)
    assert choose_session(server_context()) is PublicSession


def test_a_binding_without_the_names_is_no_obstacle(monkeypatch):
    monkeypatch.setattr(tls_engine, "_lib", None)
    assert choose_session(server_context()) is PublicSession


def test_errors_of_one_connection_are_not_those_of_another():
    """What another part of the process leaves in OpenSSL's error queue judges nobody."""
    with contextlib.closing(Pair()) as pair:
        lib = tls_engine._lib
        before = lib.ERR_peek_error()
        bad = SSL.Context(SSL.TLS_METHOD)
        lib.SSL_CTX_set_cipher_list(bad._context, b"no such cipher")
        assert lib.ERR_peek_error() != before, "an error must lie in the queue for this test to mean anything"
        assert pair.wire._session.read() is Stop.WANT_READ
        assert lib.ERR_peek_error() == 0
