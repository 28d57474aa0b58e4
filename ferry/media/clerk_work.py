"""What the media clerk does for each word of an order; every check is the called function's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from ferry.media import orders
from ferry.media.clerk_state import ClerkState
from ferry.media.desk import MediaDesk
from ferry.media.drafting import add_signature, cancel_export, prepare_export, write_export
from ferry.media.importing import import_medium
from ferry.media.looking import look_at_medium
from ferry.media.orders import Order
from ferry.media.receipts import take_receipt, write_receipt
from ferry.media.settings import ClerkSettings
from ferry.media.states import MediumKind, MediumState
from wire_formats.bilingual import Label
from wire_formats.drop import write_whole
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.medium import MEDIUM_LANES, check_serial

MOST_LABEL: Final = 64
#: A label of a write-once medium comes with this in front.
WRITE_ONCE: Final = "write-once:"


class Work(NamedTuple):
    """One order and what it is carried out with."""

    desk: MediaDesk
    settings: ClerkSettings
    state: ClerkState
    order: Order
    by: str


def _register(work: Work) -> Label:
    serial = check_serial(work.order.serial)
    once = work.order.text.startswith(WRITE_ONCE)
    label = work.order.text.removeprefix(WRITE_ONCE)
    if not 1 <= len(label) <= MOST_LABEL or not label.isprintable():
        raise PeerError(Kind.BAD_FIELD, f"a label has 1 to {MOST_LABEL} printable characters")
    kind = MediumKind.WRITE_ONCE if once else MediumKind.REWRITABLE
    work.desk.register.add(serial, label, kind, operator=work.by, now_ms=work.desk.clock.now_ms())
    return Label(f"介质 {serial} 已登记为空白", f"{serial} is registered as blank")


def _prepare(work: Work) -> Label:
    lanes = [lane for lane in work.order.text.split(",") if lane in MEDIUM_LANES]
    statement = prepare_export(work.desk, work.order.serial, lanes=lanes, by=work.by).statement
    return Label(
        f"已准备：{statement.files} 个文件，等待两名操作员签名",
        f"prepared: {statement.files} files; two operators sign now",
    )


def _sign(work: Work) -> Label:
    signer = add_signature(work.desk, work.order.export, work.order.data)
    return Label(f"{signer.name} 的签名有效，已收存", f"{signer.name}'s signature holds and is kept")


def _write(work: Work) -> Label:
    place = _place(work)
    done = write_export(work.desk, work.order.export, place, progress=work.state.progress)
    signers = done.operators
    return Label(
        f"已写入 {place} 并回读核对（{signers[0]}、{signers[1]} 签名）。请卸载介质，打印交接单",
        f"written to {place} and read back, signed by {' and '.join(signers)}: unmount it and print the slip",
    )


def _cancel(work: Work) -> Label:
    cancel_export(work.desk, work.order.export, by=work.by)
    return Label("已取消，文件退回等待区", "cancelled; its files wait for the next medium")


def _take_receipt(work: Work) -> Label:
    receipt = take_receipt(work.desk, work.order.data, by=work.by)
    return Label(
        f"介质 {receipt.serial} 的回执已收：{receipt.files} 个文件已到。请清除或销毁介质",
        f"receipt of {receipt.serial}: {receipt.files} files arrived. Sanitise or destroy the medium",
    )


def _look(work: Work) -> Label:
    place = _place(work)
    work.state.looked(place, None)
    found = look_at_medium(work.desk, place, writable_ok=work.settings.plain_folders)
    work.state.looked(place, found)
    return Label(
        "清单与两个签名有效；尚未读取内容", "manifest and both signatures hold; nothing of the content was read yet"
    )


def _import(work: Work) -> Label:
    done = import_medium(
        work.desk, _place(work), by=work.by, writable_ok=work.settings.plain_folders, export=work.order.export,
        progress=work.state.progress,
    )  # fmt: skip
    work.state.looked(Path(), None)
    files, numbers = done.statement.files, ", ".join(map(str, done.missing))
    late_zh = f"；此前的第 {numbers} 份介质未到，请向发送方查询" if numbers else ""
    late_en = f"; earlier media have not come: number {numbers}; ask the sender" if numbers else ""
    return Label(
        f"介质 {done.statement.serial}：{files} 个文件已送交网闸逐一检查{late_zh}",
        f"{done.statement.serial}: {files} files lie before the half, which checks each of them{late_en}",
    )


def _receipt(work: Work) -> Label:
    serial = work.order.serial
    written = write_receipt(work.desk, serial, by=work.by)
    final = work.desk.folders.receipts / f"{serial}.receipt"
    part = final.with_name(f".{final.name}.part")
    try:
        disk = work.desk.disk
        disk.make_folder(final.parent)
        write_whole(part, written.data, durable=True, disk=disk)
        disk.rename(part, final)
    except OSError as error:
        raise Unavailable(Kind.STORAGE_FULL, f"{final.name}: {error.strerror}", 5) from None
    return Label(
        f"介质 {serial} 的回执已写好，可下载并带回", f"the receipt of {serial} is ready: download it and carry it back"
    )


def _sanitised(work: Work) -> Label:
    serial = work.order.serial
    work.desk.register.move(serial, MediumState.SANITISED, operator=work.by, now_ms=work.desk.clock.now_ms())
    with suppress(FileNotFoundError):
        work.desk.disk.unlink(work.desk.folders.receipts / f"{serial}.receipt")
    return Label(f"介质 {serial} 已登记为清除或销毁", f"{serial} is noted as sanitised or destroyed")


def _lost(work: Work) -> Label:
    serial = work.order.serial
    work.desk.register.move(serial, MediumState.LOST, operator=work.by, now_ms=work.desk.clock.now_ms())
    return Label(
        f"介质 {serial} 已登记为丢失；其文件归入下一份介质",
        f"{serial} is noted as lost; its files wait for the next medium",
    )


def _place(work: Work) -> Path:
    """Give the place an order names.

    Raises:
        Refused: not one of the settings; RULE: nothing is mounted there.
    """
    place = next((one for one in work.settings.places if str(one) == work.order.text), None)
    if place is None:
        raise Refused(Kind.NOT_FOUND, "no such place is named in the settings")
    if not work.settings.plain_folders and not os.path.ismount(place):
        raise Refused(Kind.RULE, f"{place}: no medium is mounted there")
    return place


WORK: Final[Mapping[str, Callable[[Work], Label]]] = {
    orders.REGISTER: _register,
    orders.PREPARE: _prepare,
    orders.SIGN: _sign,
    orders.WRITE: _write,
    orders.CANCEL: _cancel,
    orders.TAKE_RECEIPT: _take_receipt,
    orders.LOOK: _look,
    orders.IMPORT: _import,
    orders.RECEIPT: _receipt,
    orders.SANITISED: _sanitised,
    orders.LOST: _lost,
}
