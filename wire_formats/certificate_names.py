"""Names inside certificates: one URI as subject alternative name says who the holder is.

    urn:ferrygate:machine:<role>:<name>        a process that signs       (worker-1, ferry_low ...)
    urn:ferrygate:account:<window>:<account>   a user of a window         (unit, community, person, staff)
    urn:ferrygate:operator:<role>:<name>       a person who signs         (gatekeeper: whoever runs the ferry)

The subject (DN) is for people only; no decision reads it.

Source: catalogue F2, F9; research on client verification (a certificate without SAN is refused).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from cryptography import x509

from wire_formats.errors import Kind, PeerError

MACHINE_ROLES: Final = ("worker", "ferry_low", "ferry_high", "ferry_console", "core", "ca_deny")
CERTIFICATE_WINDOWS: Final = ("unit", "community", "person", "staff")
#: Persons whose signatures the ferry believes; at two of them, one's name must differ from the other's.
OPERATOR_ROLES: Final = ("gatekeeper",)
#: Of a machine, or of an operator whose signatures the ferry believes.
SIGNER_NAME: Final = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)
_MACHINE: Final = re.compile(rf"urn:ferrygate:machine:([a-z_]{{1,16}}):({SIGNER_NAME.pattern})", re.ASCII)
_ACCOUNT: Final = re.compile(r"urn:ferrygate:account:(unit|community|person|staff):([A-Za-z0-9_-]{1,40})", re.ASCII)
_OPERATOR: Final = re.compile(rf"urn:ferrygate:operator:([a-z_]{{1,16}}):({SIGNER_NAME.pattern})", re.ASCII)


class MachineName(NamedTuple):
    """Role and name of a machine, or of an operator who signs."""

    role: str
    name: str


class AccountName(NamedTuple):
    """Window and account of a user."""

    window: str
    account: str


def machine_uri(role: str, name: str) -> str:
    """Write the URI of a machine.

    Raises:
        ValueError: role or name outside the grammar.
    """
    uri = f"urn:ferrygate:machine:{role}:{name}"
    if role not in MACHINE_ROLES or not _MACHINE.fullmatch(uri):
        raise ValueError("not a machine name")
    return uri


def account_uri(window: str, account: str) -> str:
    """Write the URI of an account.

    Raises:
        ValueError: window or account outside the grammar.
    """
    uri = f"urn:ferrygate:account:{window}:{account}"
    if not _ACCOUNT.fullmatch(uri):
        raise ValueError("not an account name")
    return uri


def operator_uri(role: str, name: str) -> str:
    """Write the URI of an operator who signs.

    Raises:
        ValueError: role or name outside the grammar.
    """
    uri = f"urn:ferrygate:operator:{role}:{name}"
    if role not in OPERATOR_ROLES or not _OPERATOR.fullmatch(uri):
        raise ValueError("not an operator's name")
    return uri


def parse_operator_uri(uri: str) -> MachineName:
    """Read the URI of an operator who signs.

    Raises:
        PeerError: any other text.
    """
    match = _OPERATOR.fullmatch(uri)
    if match is None or match[1] not in OPERATOR_ROLES:
        raise PeerError(Kind.UNKNOWN_SIGNER, "not an operator's name")
    return MachineName(match[1], match[2])


def parse_machine_uri(uri: str) -> MachineName:
    """Read the URI of a machine.

    Raises:
        PeerError: any other text.
    """
    match = _MACHINE.fullmatch(uri)
    if match is None or match[1] not in MACHINE_ROLES:
        raise PeerError(Kind.UNKNOWN_SIGNER, "not a machine name")
    return MachineName(match[1], match[2])


def parse_account_uri(uri: str) -> AccountName:
    """Read the URI of an account.

    Raises:
        PeerError: any other text.
    """
    match = _ACCOUNT.fullmatch(uri)
    if match is None:
        raise PeerError(Kind.MALFORMED, "not an account name")
    return AccountName(match[1], match[2])


def machine_of(certificate: x509.Certificate) -> MachineName:
    """Give the machine a certificate names.

    Raises:
        PeerError: it names none, or more than one.
    """
    return parse_machine_uri(_only_uri(certificate))


def signer_of(certificate: x509.Certificate) -> MachineName:
    """Give the machine or the operator a certificate names; no machine has an operator's role.

    Raises:
        PeerError: it names neither, or more than one.
    """
    uri = _only_uri(certificate)
    return parse_operator_uri(uri) if _OPERATOR.fullmatch(uri) else parse_machine_uri(uri)


def account_of(certificate: x509.Certificate) -> AccountName:
    """Give the account a certificate names.

    Raises:
        PeerError: it names none, or more than one.
    """
    return parse_account_uri(_only_uri(certificate))


def _only_uri(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        raise PeerError(Kind.MALFORMED, "certificate without readable alternative name") from None
    if len(uris) != 1:
        raise PeerError(Kind.MALFORMED, "certificate must carry exactly one URI name")
    return uris[0]
