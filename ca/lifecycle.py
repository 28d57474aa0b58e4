"""The two stored lives of the authority: the slip's key entry and the certificate.

Key entry (SysKeyInfo, F6)              Certificate

    未启用 not_enabled --enable-->           recorded --sign--> issued --revoke--> revoked
    启用   enabled     --download-->             |
    下载完成 downloaded                           +--abandon--> abandoned
    any of the three   --revoke--> 注销 revoked

This module is the law; `ca.ledger_tables` writes the same tables into the database, whose
triggers refuse any other move, so that not even a hand-written UPDATE can skip a step.
A certificate past its end is *expired*: that is read off its dates, never stored.

Source: F6; E18 (never on by default: a new entry is not enabled).
"""

from __future__ import annotations

from enum import Enum, unique
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@unique
class KeyState(Enum):
    """State of one key entry (密钥表)."""

    NOT_ENABLED = "not_enabled"
    ENABLED = "enabled"
    DOWNLOADED = "downloaded"
    REVOKED = "revoked"


@unique
class KeyEvent(Enum):
    """What can happen to a key entry."""

    ENABLE = "enable"
    DOWNLOAD = "download"
    REVOKE = "revoke"


@unique
class CertificateState(Enum):
    """State of one certificate in the ledger."""

    RECORDED = "recorded"
    ISSUED = "issued"
    ABANDONED = "abandoned"
    REVOKED = "revoked"


@unique
class CertificateEvent(Enum):
    """What can happen to a certificate."""

    SIGN = "sign"
    ABANDON = "abandon"
    REVOKE = "revoke"


@unique
class RevocationReason(Enum):
    """Why a certificate ended, with its CRL reason code (RFC 5280 section 5.3.1)."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    PRIVILEGE_WITHDRAWN = 9


KEY_STATE_ZH: Mapping[KeyState, str] = {
    KeyState.NOT_ENABLED: "未启用",
    KeyState.ENABLED: "启用",
    KeyState.DOWNLOADED: "下载完成",
    KeyState.REVOKED: "注销",
}

KEY_TRANSITIONS: Mapping[tuple[KeyState, KeyEvent], KeyState] = {
    (KeyState.NOT_ENABLED, KeyEvent.ENABLE): KeyState.ENABLED,
    (KeyState.NOT_ENABLED, KeyEvent.REVOKE): KeyState.REVOKED,
    (KeyState.ENABLED, KeyEvent.DOWNLOAD): KeyState.DOWNLOADED,
    (KeyState.ENABLED, KeyEvent.REVOKE): KeyState.REVOKED,
    (KeyState.DOWNLOADED, KeyEvent.REVOKE): KeyState.REVOKED,
}

CERTIFICATE_TRANSITIONS: Mapping[tuple[CertificateState, CertificateEvent], CertificateState] = {
    (CertificateState.RECORDED, CertificateEvent.SIGN): CertificateState.ISSUED,
    (CertificateState.RECORDED, CertificateEvent.ABANDON): CertificateState.ABANDONED,
    (CertificateState.ISSUED, CertificateEvent.REVOKE): CertificateState.REVOKED,
}

FIRST_KEY_STATE = KeyState.NOT_ENABLED
FIRST_CERTIFICATE_STATE = CertificateState.RECORDED


class IllegalMoveError(ValueError):
    """The life has no such step from where it stands."""


def next_key_state(state: KeyState, event: KeyEvent) -> KeyState:
    """Return the key entry's state after `event`.

    Raises:
        IllegalMoveError: the table has no such step.
    """
    try:
        return KEY_TRANSITIONS[state, event]
    except KeyError:
        message = f"key entry: no {event.value} from {state.value}"
        raise IllegalMoveError(message) from None


def next_certificate_state(state: CertificateState, event: CertificateEvent) -> CertificateState:
    """Return the certificate's state after `event`.

    Raises:
        IllegalMoveError: the table has no such step.
    """
    try:
        return CERTIFICATE_TRANSITIONS[state, event]
    except KeyError:
        message = f"certificate: no {event.value} from {state.value}"
        raise IllegalMoveError(message) from None


def key_moves() -> frozenset[tuple[str, str]]:
    """Return the (old, new) pairs the database trigger admits for key entries."""
    return frozenset((old.value, new.value) for (old, _), new in KEY_TRANSITIONS.items())


def certificate_moves() -> frozenset[tuple[str, str]]:
    """Return the (old, new) pairs the database trigger admits for certificates."""
    return frozenset((old.value, new.value) for (old, _), new in CERTIFICATE_TRANSITIONS.items())
