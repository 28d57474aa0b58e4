"""Whether a request may come in, decided on its head alone, before any of its body is read.

The order is the order of certainty: whether a page of others sent it, whether he is banned or slowed down, who it is,
whether that may still be, whether it is meant for us, and only then how often it came. Nothing here depends on what the
connection was told at its handshake: validity and deny set are looked at again for every request.

Source: edge research, section 5 (resumption, Host and SNI); PKI research, section 5.
"""

from __future__ import annotations

import math

from dmz.edge.caller import Caller
from dmz.edge.error_answers import STYLE_SHEET
from dmz.edge.http_fields import RequestHead
from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.surroundings import Surroundings
from dmz.edge.watch_port import is_foreign, is_link


def admit(head: RequestHead, caller: Caller, around: Surroundings) -> None:
    """Let a request in.

    Raises:
        RefusalError: the reason says why not.
    """
    client, path, fields = caller.client, head.target.path, head.fields
    fingerprint = None if client is None else client.identity.fingerprint
    foreign = is_foreign(fields)
    if foreign and not is_link(head.method, fields):
        raise RefusalError(Reason.FOREIGN_PAGE)
    if path != STYLE_SHEET or head.method == "POST":  # the one file that is public everywhere: refusals refer to it
        around.watch.check(caller.address, None if foreign else fingerprint)
        _check_certificate(caller, around)
        if fingerprint is not None:
            around.watch.welcome(caller.address)
    _check_host(head.host.name, caller, around)
    over = around.admission.overrun(caller.address, fingerprint, around.seconds())
    if over is not None:
        reason = Reason.CERTIFICATE_RATE if over.certificate else Reason.ADDRESS_RATE
        raise RefusalError(reason, retry_after_s=math.ceil(over.wait_s))
    if client is not None and head.method == "POST" and path in around.login_paths:
        around.deny.check_fresh()


def _check_certificate(caller: Caller, around: Surroundings) -> None:
    if caller.refusal is not None:
        raise RefusalError(caller.refusal)
    if caller.window == "site":
        return
    if caller.client is None:
        raise RefusalError(Reason.CERTIFICATE_MISSING)
    caller.client.check_valid(around.clock.now_ms())
    around.deny.check(caller.client.identity.serial)


def _check_host(name: str, caller: Caller, around: Surroundings) -> None:
    if caller.server_name is not None and caller.server_name != name:
        raise RefusalError(Reason.HOST_UNKNOWN, "host is not the name of the TLS session")
    if around.host_names and name not in around.host_names:
        raise RefusalError(Reason.HOST_UNKNOWN)
