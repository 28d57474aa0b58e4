"""certificate.download 下载数字证书 (F3, F5): the desk makes the PKCS#12, this binds its certificate to the account."""

from __future__ import annotations

from typing import Final

from core.accounts import Binding, as_text, bind_certificate, find_account
from core.services.handler import Context, Handler, Note, ServiceAnswer, ServiceRequest, SlowWork
from wire_formats.answer import AnswerStatus
from wire_formats.canonical import Json
from wire_formats.desk_messages import DeskAnswer, DeskRefusal, Download, Issued
from wire_formats.errors import HallError, Kind
from wire_formats.seal import open_secret

_DOES_NOT_APPLY: Final = -1


def prepare_download(context: Context, request: ServiceRequest) -> SlowWork:
    """Make the question to the desk ready; one slip is asked for one at a time."""
    tools, number, sealed = context.tools, request.body["certificate_number"], request.body["verification_code"]
    request_id = request.header.id

    def ask() -> DeskAnswer:
        try:
            code = open_secret(tools.seal_key, sealed, field="verification_code")
            return tools.desk.ask(Download(request_id, number, code))
        except HallError as error:
            retry = error.retry_after_s if error.retry_after_s is not None else _DOES_NOT_APPLY
            return DeskRefusal(request_id, error.kind, retry_after_s=retry)

    return SlowWork(f"slip:{number}", ask)


def download(context: Context, _request: ServiceRequest) -> ServiceAnswer:
    """Bind the issued certificate and hand out the PKCS#12."""
    answer: DeskAnswer = context.outcome
    if isinstance(answer, DeskRefusal):
        return _refused(answer)
    if not isinstance(answer, Issued):
        return ServiceAnswer({}, AnswerStatus.REFUSED, Kind.DESK_SILENT)
    row = find_account(context.connection, answer.account)
    if row is None or row.window != answer.window:
        return ServiceAnswer({}, AnswerStatus.REFUSED, Kind.CERTIFICATE_NOT_BOUND)
    binding = Binding(answer.fingerprint.hex(), answer.issuer, answer.serial, answer.not_after_ms)
    bind_certificate(context.connection, row.account_id, binding, now_ms=context.now_ms)
    fields: dict[str, Json] = {
        "pkcs12": as_text(answer.pkcs12),
        "window": row.window,
        "account": row.user_name,
        "tries_left": 0,
    }
    return ServiceAnswer(fields)


def _refused(answer: DeskRefusal) -> ServiceAnswer:
    fields: dict[str, Json] = {}
    notes: tuple[Note, ...] = ()
    if answer.tries_left != _DOES_NOT_APPLY:
        fields["tries_left"] = answer.tries_left
    if answer.retry_after_s != _DOES_NOT_APPLY:
        notes = (Note("retry_after", "", answer.retry_after_s),)
    return ServiceAnswer(fields, AnswerStatus.REFUSED, answer.kind, notes)


HANDLERS = {"certificate.download": Handler(download, prepare_download)}
