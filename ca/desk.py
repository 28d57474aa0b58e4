"""The desk: one question in, one answer out. No sockets here, no threads, no waiting.

Every question is answered, whatever happens: an error becomes a refusal with its public kind.
The desk runs in one thread, so questions are dealt with one after the other.

Source: `wire_formats.desk_messages`; F3, F5, F6.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from twisted.logger import Logger

from ca.answer_memory import AnswerMemory
from ca.names import MAX_COMMON_NAME
from ca.revoke import Revoker
from ca.serials import serial_text
from ca.slips import CodeRefused, Slips
from ca.template import instant
from wire_formats.collaborators import Clock
from wire_formats.desk_messages import (
    DeskAnswer,
    DeskRefusal,
    Done,
    Download,
    Enable,
    Entry,
    Issued,
    Prepare,
    Prepared,
    Question,
    Revoke,
    Status,
    encode_answer,
    encode_question,
)
from wire_formats.errors import HallError, Kind, Refused, Unavailable
from wire_formats.suites import key_id


class Desk:
    """Answers the core's questions.

    Args:
        slips: the key table's acts.
        revoker: ends slips and certificates.
        clock: for the memory.
        after_revocation: called once a revocation is committed; publishes it.
    """

    log = Logger()

    def __init__(self, slips: Slips, revoker: Revoker, *, clock: Clock, after_revocation: Callable[[], object]) -> None:
        self._slips = slips
        self._revoker = revoker
        self._clock = clock
        self._after_revocation = after_revocation
        self._memory = AnswerMemory()

    def answer(self, question: Question) -> bytes:
        """Answer a question; the answer is encoded, without its frame's length."""
        digest = hashlib.sha256(encode_question(question)).digest()
        now = self._clock.now_ms()
        try:
            before = self._memory.recall(question.request_id, digest, now_ms=now)
            if before is not None:
                return before
            answer = self._act(question)
        except Unavailable as error:
            return encode_answer(refusal(question.request_id, error))
        except HallError as error:
            answer = refusal(question.request_id, error)
            self.log.info("desk_refused", code=error.code, reason=error.private)
        encoded = encode_answer(answer)
        self._memory.keep(question.request_id, digest, encoded, now_ms=now)
        return encoded

    def forget_old(self) -> None:
        """Forget answers older than ten minutes, also when nobody asks."""
        self._memory.forget_old(self._clock.now_ms())

    def _act(self, question: Question) -> DeskAnswer:
        match question:
            case Download():
                return self._download(question)
            case Prepare():
                return self._prepare(question)
            case Enable():
                self._slips.enable(question.number, agreement=question.agreement, operator=question.operator)
                return Done(question.request_id, "enabled")
            case Revoke():
                self._revoker.revoke(question.which, reason=question.reason, operator=question.operator)
                self._publish()
                return Done(question.request_id, "revoked")
            case Status():
                entry = self._slips.status(question.number)
                return Entry(
                    question.request_id, entry.number, entry.window, entry.account, entry.state.value, entry.tries_left
                )

    def _publish(self) -> None:
        try:
            self._after_revocation()
        except Unavailable as error:
            # The revocation is committed; the next regular look publishes it.
            self.log.warn("deny_list_not_published", reason=error.private)

    def _download(self, question: Download) -> Issued:
        slip = self._slips.download(question.number, question.code)
        certificate = slip.issued.certificate
        return Issued(
            request_id=question.request_id,
            pkcs12=slip.pkcs12,
            fingerprint=key_id(certificate),
            serial=serial_text(certificate.serial_number),
            issuer=certificate.issuer.rfc4514_string(),
            window=slip.window,
            account=slip.account,
            not_after_ms=instant(certificate.not_valid_after_utc),
        )

    def _prepare(self, question: Prepare) -> Prepared:
        if len(question.display) > MAX_COMMON_NAME:
            raise Refused(Kind.RULE, "display text too long")
        slip = self._slips.prepare(
            question.account, question.window, display=question.display, operator=question.operator
        )
        secrets = slip.secrets
        return Prepared(question.request_id, secrets.number, secrets.code, secrets.password, slip.code_expires_ms)


def refusal(request_id: bytes, error: HallError) -> DeskRefusal:
    """Return the refusal that tells an error; the private reason stays here."""
    tries = error.tries_left if isinstance(error, CodeRefused) else -1
    return DeskRefusal(request_id, error.kind, tries, -1 if error.retry_after_s is None else error.retry_after_s)
