"""The other side of the gap for tests of the DMZ: ferry and core played with the real wire formats.

It reads the worker's outbox, checks every seal, opens every request, runs a small handler per service exactly
once per request id, and drops sealed answers into the worker's inbox. It can be told to be silent, to lose, to
reject, and to send progress notices.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.machines import MachineAuthority
from wire_formats import bundle as bundles
from wire_formats.answer import AnswerHeader, AnswerStatus, encode_answer_header, seal_answer
from wire_formats.canonical import decode_object, encode_json
from wire_formats.catalogue import service
from wire_formats.checking import check_answer, check_body
from wire_formats.drop import DropName, list_drop, prepare_drop, read_drop, remove_drop, write_drop
from wire_formats.errors import Kind
from wire_formats.grant import Grant, sign_grant, verify_grant
from wire_formats.lane_control import Progress, sign_control
from wire_formats.request import RequestHeader, body_of, header_digest, open_content, parse_header
from wire_formats.seal import SealPrivateKey, SealPublicKey, open_secret
from wire_formats.trust import TrustStore

PASSWORD = "correct-horse-9"
ACCOUNT_KEY = hashlib.sha256(b"account key of the tests").digest()


@dataclass
class Reply:
    """What a handler says."""

    answer: dict[str, Any]
    status: AnswerStatus = AnswerStatus.DONE
    error: Kind | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)


def text64(data: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class FarSide:
    """Ferry and core in one."""

    def __init__(self, folder: Path, now_ms: Callable[[], int], authority: MachineAuthority) -> None:
        self.outbox, self.inbox = folder / "outbox", folder / "inbox"
        self.now_ms = now_ms
        self.authority = authority
        self.core = authority.machine("core", "core-1")
        self.low = authority.machine("ferry_low", "low-1")
        self.high = authority.machine("ferry_high", "high-1")
        self.high_seal = SealPrivateKey(hashlib.sha256(b"high half").digest())
        self.core_seal = SealPrivateKey(hashlib.sha256(b"core").digest())
        self.trust_of_worker = authority.trust([self.core, self.low, self.high])
        self.worker_trust = TrustStore([])
        self.silent = False
        self.lose_bundles = 0
        self.reject: set[str] = set()
        self.notices = True
        self.seen: list[RequestHeader] = []
        self.bundle_sizes: list[int] = []
        self.effects: dict[bytes, int] = {}
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self.passwords = {"zhangsan-unit": PASSWORD}
        self.must_change = False
        #: Account and unit by client certificate; whoever is not listed is the first unit's.
        self.accounts: dict[bytes, tuple[str, str]] = {}
        self.handlers: dict[str, Callable[[RequestHeader, dict[str, Any]], Reply]] = {
            "account.login": self._login,
            "account.password": self._password,
            "account.logout": lambda _header, _body: Reply({}),
            "certificate.download": self._certificate,
            "unit.profile": lambda _header, _body: Reply(UNIT),
            "employee.add": self._add,
            "wage.batch": self._batch,
        }
        self._applied: dict[bytes, tuple[bytes, bundles.Item]] = {}
        self._streams = {
            (who, lane): bundles.SealStream("outbound", lane, now_ms())
            for who in ("core", "high", "low")
            for lane in ("interactive", "bulk")
        }
        self._notice_number = 0

    def know_worker(self, worker: Any) -> None:
        """Let the worker's certificate be known."""
        self.worker_trust = self.authority.trust([worker])

    def step(self) -> int:
        """Carry everything that waits in the outbox across and back; the number of bundles."""
        if self.silent:
            return 0
        moved = 0
        for lane in ("interactive", "bulk"):
            names, strange = list_drop(self.outbox / lane, most=1000)
            assert not strange
            for name in names:
                data = read_drop(self.outbox / lane, name, limit=bundles.MAX_BUNDLE_BYTES)
                remove_drop(self.outbox / lane, name)
                moved += 1
                if self.lose_bundles > 0:
                    self.lose_bundles -= 1
                    continue
                self._carry(bundles.parse_bundle(data), lane)
        return moved

    def drop_answers(self, items: list[bundles.Item], lane: str, worker: str, *, author: str = "core") -> Path:
        """Seal answers as core (or high half) and low half and drop them for a worker."""
        keys = {"core": self.core, "high": self.high, "low": self.low}
        sealed = bundles.new_bundle("outbound", items)
        hops = [author, "low"] if author == "high" else ["core", "high", "low"]
        for hop in hops:
            sealed = self._streams[hop, lane].seal(sealed, keys[hop], now_ms=self.now_ms())
        stream = self._streams["low", lane]
        prepare_drop(self.inbox / worker)
        name = DropName(stream.epoch, stream.sequence, f"low-{lane}")
        write_drop(self.inbox / worker, name, bundles.encode_bundle(sealed))
        return self.inbox / worker / str(name)

    def _carry(self, bundle: bundles.Bundle, lane: str) -> None:
        checked = bundles.verify_seal(bundle, 0, self.worker_trust, role="worker", now_ms=self.now_ms())
        assert checked.statement.lane == lane
        self.bundle_sizes.append(len(bundle.items))
        if checked.statement.tracked and self.notices:
            for state in ("taken", "crossed"):
                self._notice(checked.signer.name, Progress(bundle.root(), state, self.now_ms()))
        answers: dict[str, list[bundles.Item]] = {}
        rejected: dict[str, list[bundles.Item]] = {}
        for item in bundle.items:
            header = parse_header(item.header)
            self.seen.append(header)
            if header.service in self.reject:
                rejected.setdefault(header.reply_to, []).append(self._rejected(header))
            else:
                answers.setdefault(header.reply_to, []).append(self._run(header, item))
        for worker, items in answers.items():
            self.drop_answers(items, lane, worker)
        for worker, items in rejected.items():
            self.drop_answers(items, lane, worker, author="high")

    def _notice(self, worker: str, progress: Progress) -> None:
        prepare_drop(self.inbox / worker)
        self._notice_number += 1
        name = DropName(self.now_ms(), self._notice_number, "low-notices", "notice")
        write_drop(self.inbox / worker, name, sign_control(progress, self.low))

    def _run(self, header: RequestHeader, item: bundles.Item) -> bundles.Item:
        known = self._applied.get(header.id)
        if known is not None:
            assert known[0] == header_digest(item.header), "same id, other digest"
            return known[1]
        entry = service(header.service, header.version)
        content = open_content(item.content, item.header, self.high_seal)
        body = decode_object(body_of(header, content))
        check_body(entry, body)
        if entry.needs_grant:
            grant = verify_grant(header.grant, self.authority.trust([self.core]), now_ms=self.now_ms())
            grant.check(
                certificate=header.certificate, window=header.window, service=header.service, now_ms=self.now_ms()
            )
        assert header.expires_ms > self.now_ms()
        self.bodies.append((header.service, body))
        self.effects[header.id] = self.effects.get(header.id, 0) + 1
        reply = self.handlers[header.service](header, body)
        if reply.status is not AnswerStatus.REFUSED:
            check_answer(entry, reply.answer)
        answer = self._answer(header, reply)
        self._applied[header.id] = (header_digest(item.header), answer)
        return answer

    def _answer(self, header: RequestHeader, reply: Reply) -> bundles.Item:
        hops: dict[str, Any] = {"worker": header.created_ms, "ferry_low": self.now_ms(), "ferry_high": self.now_ms()}
        plain = encode_json({"answer": reply.answer, "errors": list(reply.errors), "hops": hops})
        content = seal_answer(plain, header.id, SealPublicKey(header.reply_key))
        return bundles.Item(encode_answer_header(self._header(header, reply.status, content, reply.error)), content)

    def _rejected(self, header: RequestHeader) -> bundles.Item:
        return bundles.Item(encode_answer_header(self._header(header, AnswerStatus.REJECTED, b"", Kind.BAD_FIELD)), b"")

    def _header(self, header: RequestHeader, status: AnswerStatus, content: bytes, error: Kind | None) -> AnswerHeader:
        return AnswerHeader(
            request_id=header.id,
            service=header.service,
            version=header.version,
            status=status,
            lane=header.lane,
            reply_to=header.reply_to,
            answered_ms=self.now_ms(),
            content_digest=hashlib.sha256(content).digest(),
            error=error,
        )

    # --- handlers ------------------------------------------------------------------------

    def _session_answer(self, header: RequestHeader) -> Reply:
        rights = ("account.logout", "account.password", "unit.profile", "unit.assessed", "employee.add", "wage.batch")
        account, subject = self.accounts.get(header.certificate, ("u-1001", "1001"))
        grant = Grant(
            grant_id=header.id,
            account=account,
            window=header.window,
            subject=subject,
            certificate=header.certificate,
            rights=("account.password", "account.logout") if self.must_change else rights,
            from_ms=self.now_ms(),
            until_ms=self.now_ms() + 24 * 3_600_000,
            district="420106",
        )
        return Reply(
            {
                "grant": text64(sign_grant(grant, self.core)),
                "display_name": "武汉某某有限公司",
                "must_change": self.must_change,
                "draft_key": text64(ACCOUNT_KEY),
            }
        )

    def _login(self, header: RequestHeader, body: dict[str, Any]) -> Reply:
        password = open_secret(self.core_seal, body["password"], field="password")
        if self.passwords.get(body["user_name"]) != password:
            return Reply({}, AnswerStatus.REFUSED, Kind.LOGIN_FAILED)
        return self._session_answer(header)

    def _password(self, header: RequestHeader, body: dict[str, Any]) -> Reply:
        self.passwords["zhangsan-unit"] = open_secret(self.core_seal, body["new_password"], field="new_password")
        self.must_change = False
        return self._session_answer(header)

    def _certificate(self, _header: RequestHeader, body: dict[str, Any]) -> Reply:
        code = open_secret(self.core_seal, body["verification_code"], field="verification_code")
        if code != "GOODCODE1234":
            return Reply({"tries_left": 4}, AnswerStatus.REFUSED, Kind.CODE_WRONG)
        return Reply({"pkcs12": text64(b"a key store"), "window": "unit", "account": "u-1001", "tries_left": 0})

    def _add(self, header: RequestHeader, body: dict[str, Any]) -> Reply:
        from wire_formats.ids import reference_number

        if body["name"] == "李拒绝":
            errors = [{"code": "already_enrolled", "field": "id_number"}]
            return Reply({}, AnswerStatus.REFUSED, Kind.RULE, errors)
        return Reply(
            {"reference": reference_number(header.id), "state": "submitted", "base": body["wage"]},
            AnswerStatus.ACCEPTED,
        )

    def _batch(self, header: RequestHeader, body: dict[str, Any]) -> Reply:
        from wire_formats.ids import reference_number

        assert header.batch is not None
        failures = [
            {"row": row["row"], "code": "person_unknown"} for row in body["rows"] if row["name"].startswith("无名")
        ]
        noted = {"低": "clamped_low", "高": "clamped_high", "同": "unchanged"}
        warnings = [
            {"row": row["row"], "code": noted[row["name"][-1]]} for row in body["rows"] if row["name"][-1] in noted
        ]
        unchanged = sum(warning["code"] == "unchanged" for warning in warnings)
        answer = {
            "reference": reference_number(header.batch.batch_id),
            "state": "submitted",
            "rows_total": len(body["rows"]),
            "rows_done": len(body["rows"]) - len(failures) - unchanged,
            "rows_unchanged": unchanged,
            "rows_failed": len(failures),
            "failures": failures,
            "warnings": warnings,
        }
        return Reply(answer, AnswerStatus.PARTLY if failures else AnswerStatus.DONE)


UNIT: dict[str, Any] = {
    "unit_no": "1001",
    "credit_code": "91110000600037341L",
    "unit_name": "武汉某某有限公司",
    "district": "420106",
    "agency": "42010601",
    "industry_class": "1",
    "vip": False,
    "unit_state": "active",
    "persons": 42,
}
