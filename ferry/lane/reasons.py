"""Why a bundle was not carried: fixed words, without personal data, one per fault.

The words name files in the quarantine, label measurements and stand in the journal.
"""

from __future__ import annotations

import enum
from typing import Final

from ferry.lane.inbox import Verdict
from wire_formats.errors import Kind, PeerError


class Reason(enum.Enum):
    """Why a bundle was set aside."""

    BAD_NAME = "bad_name"
    NOT_A_FILE = "not_a_file"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    NOT_CANONICAL = "not_canonical"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_SIGNER = "unknown_signer"
    SIGNER_NOT_VALID = "signer_not_valid"
    WRONG_ROLE = "wrong_role"
    DIGEST_MISMATCH = "digest_mismatch"
    FROM_THE_FUTURE = "from_the_future"
    WRONG_LANE = "wrong_lane"
    WRONG_SEALS = "wrong_seals"
    NAME_MISMATCH = "name_mismatch"
    WRONG_WORKER = "wrong_worker"
    BEYOND_WINDOW = "beyond_window"
    CROSSING_CONFLICT = "crossing_conflict"
    BROKEN_CHAIN = "broken_chain"
    AUTHOR_CONFLICT = "author_conflict"
    FAILED_INSPECTION = "failed_inspection"
    INFECTED = "infected"
    DAMAGED_CONTENT = "damaged_content"
    POISON = "poison"
    GIVEN_UP = "given_up"
    BAD_NOTICE = "bad_notice"


#: The same bytes may pass later, when a clock or the list of signers has been set right.
MAY_PASS_LATER: Final = frozenset(
    {Reason.FROM_THE_FUTURE, Reason.SIGNER_NOT_VALID, Reason.UNKNOWN_SIGNER, Reason.WRONG_WORKER}
)
#: Unclear rather than wrong: kept apart, may be released by two people.
HELD: Final = frozenset({Reason.POISON, Reason.GIVEN_UP, Reason.AUTHOR_CONFLICT, Reason.CROSSING_CONFLICT})
#: Held, and nothing speaks against all checks being made again.  A conflict of numbers is not among them: one number of
#: a signer stands for one bundle, the journal and the log hold the first, and whoever made an honest second one sends
#: its requests again under a new number.
RELEASABLE: Final = frozenset({Reason.POISON, Reason.GIVEN_UP})
#: Held, but whoever has a signer's key makes as many of them as he likes: they must not stand in everybody's way.
MADE_AT_WILL: Final = frozenset({Reason.AUTHOR_CONFLICT, Reason.CROSSING_CONFLICT})

_BY_KIND: Final = {
    Kind.TOO_LARGE: Reason.TOO_LARGE,
    Kind.NOT_CANONICAL: Reason.NOT_CANONICAL,
    Kind.BAD_SIGNATURE: Reason.BAD_SIGNATURE,
    Kind.UNKNOWN_SIGNER: Reason.UNKNOWN_SIGNER,
    Kind.SIGNER_NOT_VALID: Reason.SIGNER_NOT_VALID,
    Kind.WRONG_ROLE: Reason.WRONG_ROLE,
    Kind.DIGEST_MISMATCH: Reason.DIGEST_MISMATCH,
    Kind.FROM_THE_FUTURE: Reason.FROM_THE_FUTURE,
    Kind.WRONG_LANE: Reason.WRONG_LANE,
}
_BY_VERDICT: Final = {
    Verdict.BEYOND: Reason.BEYOND_WINDOW,
    Verdict.CONFLICT: Reason.CROSSING_CONFLICT,
    Verdict.BROKEN_CHAIN: Reason.BROKEN_CHAIN,
}


class SetAside(PeerError):
    """A bundle that may not be carried, with its reason."""

    def __init__(self, reason: Reason, kind: Kind = Kind.MALFORMED) -> None:
        super().__init__(kind, reason.value)
        self.reason = reason


def reason_of(error: PeerError) -> Reason:
    """Give the reason word for an error of a check."""
    if isinstance(error, SetAside):
        return error.reason
    return _BY_KIND.get(error.kind, Reason.MALFORMED)


def reason_of_verdict(verdict: Verdict) -> Reason | None:
    """Give the reason word for a crossing number that cannot be right, else None."""
    return _BY_VERDICT.get(verdict)
