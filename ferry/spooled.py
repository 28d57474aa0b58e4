"""Bundles of an earlier run that lie in a lane's spool: believed only when they are whole.

The spool writes over old files and is not synced.  Death of the process leaves every file as it was put; a power
failure may leave one that holds what it held before, or a mixture of both.  So what an earlier run left is looked at as
if it had come from outside: both seals, and that they are over these items, and an answer's content, which its
receiver never passes over when it is damaged.  A request's is for the receiver: nothing here can open it.

Source: DESIGN invariants 4 and 10.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ferry.lane.checks import LaneId, check_answers_whole
from ferry.lane.crossing import Author
from ferry.parts import HalfParts
from ferry.spool import Spool
from wire_formats.bundle import Bundle, parse_bundle, peek_statement, verify_seal
from wire_formats.cose import parse_sign1
from wire_formats.drop import DropName
from wire_formats.errors import Kind, PeerError


class SpooledBundles:
    """Reads what this half once checked and sealed.

    Args:
        parts: the half's collaborators.
        lane: the lane.
        spool: its spool.
    """

    def __init__(self, parts: HalfParts, lane: LaneId, spool: Spool) -> None:
        self._parts = parts
        self._lane = lane
        self._spool = spool
        #: A spool may hold what was sealed before this half's key was changed.
        self._own_kids = parts.own_kids

    def log_unlogged(self, names: Iterable[DropName]) -> None:
        """Log the crossings whose numbers an earlier run used up without committing them: they may be over the gap.

        All of them, in their order, and before anything else: one may be acknowledged, and forgotten, at any moment.

        Args:
            names: what that run left in the spool, in order of number.

        Raises:
            Unavailable: the journal or the spool refuses.
        """
        for name in names:
            if self._parts.journal.knows(self._lane, name.epoch, name.sequence):
                continue
            bundle = self._sealed(self._spool.get(name), name)
            if bundle is None:
                continue  # it is set aside when its turn comes
            author, _ = self.author_of(bundle)
            seal = bundle.seals[1]
            self._parts.crossings.crossed(peek_statement(seal), parse_sign1(seal).kid, author, bundle)

    def whole(self, data: bytes | None, name: DropName) -> Bundle | None:
        """Give a bundle without our own seal, or None if it is not wholly the one of ours that its name says."""
        bundle = self._sealed(data, name)
        return None if bundle is None else replace(bundle, seals=bundle.seals[:1])

    def author_of(self, bundle: Bundle) -> tuple[Author, str]:
        """Give author and worker name of a bundle of ours; the name is empty when he is not known any more."""
        statement = peek_statement(bundle.seals[0])
        kid = parse_sign1(bundle.seals[0]).kid
        return Author(kid, statement.epoch, statement.sequence), self._name_of(kid)

    def _sealed(self, data: bytes | None, name: DropName) -> Bundle | None:
        """Give a bundle with its author's seal and ours; None as ``whole`` does."""
        if data is None:
            return None
        try:
            bundle = parse_bundle(data)
            if len(bundle.seals) != 2 or parse_sign1(bundle.seals[1]).kid not in self._own_kids:
                return None
            statement = peek_statement(bundle.seals[1])
            if (statement.epoch, statement.sequence) != (name.epoch, name.sequence):
                return None
            self._verify(bundle, statement.made_ms)
            check_answers_whole(bundle, self._lane)
        except PeerError:
            return None
        return bundle

    def _verify(self, bundle: Bundle, made_ms: int) -> None:
        """Verify both seals as of the instant at which ours was made."""
        for place, roles in enumerate((self._lane.author_roles, (self._lane.crossing_role,))):
            try:
                verify_seal(bundle, place, self._parts.signers.trust, role=roles, now_ms=made_ms)
            except PeerError as error:
                if error.kind is not Kind.UNKNOWN_SIGNER:  # whom we do not know any more the other half may know
                    raise

    def _name_of(self, kid: bytes) -> str:
        try:
            now_ms = self._parts.clock.now_ms()
            return self._parts.signers.trust.signer(kid, role=self._lane.author_roles, now_ms=now_ms).name
        except PeerError:
            return ""
