"""`ferrygate ferry media ...`: words to the functions of ``ferry.media``.

Works on one half's media folder and register, whether or not the half runs; a running one takes in within a second what
an import delivered.  Every act stands in the register's chained list, with who answers for it.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from ferry.media.collecting import Collection
from ferry.media.desk import MediaDesk, open_desk
from ferry.media.drafting import cancel_export
from ferry.media.exporting import export_medium
from ferry.media.importing import import_medium
from ferry.media.prepared import prepared_export
from ferry.media.receipts import take_receipt, write_receipt
from ferry.media.register_rows import EXPORT_WAY, Passage
from ferry.media.slip import Slip, grouped, slip_html, slip_text
from ferry.media.states import STATE_LABELS, MediumKind, MediumState
from ferry.media.writing import write_small
from ops.cli.faults import CannotRunError
from ops.cli.ferry_half import half_settings, sides
from ops.cli.ferry_media_words import parser
from ops.cli.table import render
from ops.cli.users import check_user
from ops.operators.asking import signing_keys
from ops.runtime.clock import SystemClock, SystemRandomness
from wire_formats.errors import HallError, PeerError
from wire_formats.instants import local_minute
from wire_formats.medium import MAX_STATEMENT_BYTES, MediumStatement, parse_statement, sign_statement
from wire_formats.medium_receipt import MAX_RECEIPT_BYTES
from wire_formats.suites import Signing

_DIRECTIONS: Final = {"inbound": "DMZ to core (入)", "outbound": "core to DMZ (出)"}


def media(words: Sequence[str]) -> int:
    """Run one subcommand and print its lines.

    Raises:
        CannotRunError: refused, or it cannot be done now; the line says why.
        SettingsError: the half's settings or keys cannot be used.
    """
    asked = parser().parse_args(words)
    if asked.word == "sign":
        return _sign(asked)
    # Looking needs no choice between the halves; whatever changes something does.
    for side in sides(asked.root, asked.side) if asked.word == "list" else [asked.side]:
        _print_word(asked, side)
    return 0


def _print_word(asked: argparse.Namespace, side: str) -> None:
    desk = _open(asked.root, side)
    try:
        lines = _WORDS[asked.word](desk, asked)
    except HallError as error:
        raise CannotRunError(f"{error.private} ({error.code})") from None
    except OSError as error:
        raise CannotRunError(f"{error.filename}: {error.strerror}") from None
    finally:
        desk.register.close()
    print("\n".join(lines))


def _open(root: Path, side: str) -> MediaDesk:
    settings = half_settings(root, side)
    if settings.media is not None:
        check_user(settings.media.folder, "the media", "the ferry")
    return open_desk(settings, clock=SystemClock(), randomness=SystemRandomness())


def _list(desk: MediaDesk, _asked: argparse.Namespace) -> list[str]:
    waiting = Collection(desk.folders).waiting()
    lines = [f"{desk.name}: {waiting.files} files, {waiting.size:,} bytes wait for a medium to {desk.peer}"]
    draft = prepared_export(desk.folders)
    if draft is not None:
        told = f"an export of {draft.statement.serial} is prepared, {draft.statement.files} files"
        lines.append(f"{told}; {len(draft.signatures)} of 2 operators have signed (待签名)")
    lines += [
        f"the import of {serial} was interrupted: put the medium in again and repeat it"
        for serial in desk.register.open_imports()
    ]
    rows = []
    for medium in desk.register.media():
        passage = desk.register.last_passage(medium.serial)
        state = STATE_LABELS[medium.state]
        rows.append(
            (
                medium.serial,
                f"{state.en} {state.zh}",
                local_minute(medium.changed_ms),
                str(passage.files) if passage else "-",
                "+".join(passage.operators) if passage else "-",
                passage.statement.hex()[:16] if passage else "-",
                medium.label or "-",
            )
        )
    if rows:
        lines += ["", render(("serial", "state", "since", "files", "operators", "digest", "label"), rows)]
    return lines


def _register(desk: MediaDesk, asked: argparse.Namespace) -> list[str]:
    kind = MediumKind.WRITE_ONCE if asked.write_once else MediumKind.REWRITABLE
    desk.register.add(asked.serial, asked.label, kind, operator=asked.operator, now_ms=desk.clock.now_ms())
    return [f"{asked.serial}: registered as blank, {kind.value.replace('_', '-')} (已登记)"]


def _export(desk: MediaDesk, asked: argparse.Namespace) -> list[str]:
    if len(asked.key) != 2:
        raise CannotRunError("two operators sign: give --key twice, each a PKCS#12 or PEM file, or card")

    def show_and_sign(statement: MediumStatement) -> Iterable[Signing]:
        print("\n".join(_told(statement)), file=sys.stderr)
        return signing_keys(asked.key, getpass.getpass, input)

    target: Path = asked.to.resolve() if asked.image is None else _new_file(asked.image)
    done = export_medium(desk, asked.serial, target, show_and_sign, image=asked.image is not None)
    signers = " and ".join(done.operators)
    lines = [
        f"{asked.serial}: {done.statement.files} files exported to {target} (已导出), signed by {signers}",
        f"digest {grouped(done.statement.digest().hex())}",
    ]
    if asked.slip is not None:
        lines += _write_slip(desk, asked.serial, asked.slip)
    return [*lines, "unmount the medium, then hand it over with its slip (ferrygate ferry media slip)"]


def _new_file(path: Path) -> Path:
    """Follow links on the way to a file that is going to be written: nobody but whoever typed it has named them."""
    return path.parent.resolve() / path.name


def _sign(asked: argparse.Namespace) -> int:
    """Sign a statement where the operator's key is; no installation is needed.

    Raises:
        CannotRunError: the file is no statement, the key cannot be used, or the signature cannot be written.
    """
    try:
        with asked.statement.open("rb") as file:
            statement = parse_statement(file.read(MAX_STATEMENT_BYTES + 1))
        print("\n".join(_told(statement, one=True)), file=sys.stderr)
        (signature,) = (sign_statement(statement, key) for key in signing_keys([asked.key], getpass.getpass, input))
        write_small(_new_file(asked.out), signature)
    except PeerError as error:
        raise CannotRunError(f"{asked.statement}: not a statement to sign: {error.private} ({error.code})") from None
    except HallError as error:
        raise CannotRunError(f"{error.private} ({error.code})") from None
    except OSError as error:
        raise CannotRunError(f"{error.filename}: {error.strerror}") from None
    print(f"signature in {asked.out} (已签名): hand it in on the console, under Media, Export")
    return 0


def _cancel(desk: MediaDesk, asked: argparse.Namespace) -> list[str]:
    statement = cancel_export(desk, by=asked.operator).statement
    return [f"{statement.serial}: the prepared export is cancelled (已取消), its {statement.files} files wait again"]


def _told(statement: MediumStatement, *, one: bool = False) -> list[str]:
    """What both operators are about to sign, or one of them where his key is."""
    interactive, bulk, control = statement.lanes
    return [
        f"medium {statement.serial}, {_DIRECTIONS[statement.direction]}: {statement.sender} to {statement.recipient}",
        f"number {statement.sequence} in the row; {statement.files} files, {statement.size:,} bytes",
        f"interactive {interactive}, bulk {bulk}, control {control}",
        f"usable until {local_minute(statement.expires_ms)}; digest {grouped(statement.digest().hex())}",
        "compare the digest with the page, then sign (核对摘要后签名)"
        if one
        else "both operators sign this now (两位操作员签名)",
    ]


def _import(desk: MediaDesk, asked: argparse.Namespace) -> list[str]:
    shown = _Shown() if sys.stderr.isatty() else None
    done = import_medium(
        desk,
        asked.source,
        by=asked.operator,
        writable_ok=asked.writable_ok,
        progress=shown.show if shown else lambda _done, _of: None,
    )
    statement = done.statement
    lines = [
        f"{statement.serial}: {statement.files} files imported (已导入), signed by {' and '.join(done.operators)}"
        + (", after an interruption" if done.resumed else ""),
        f"digest {grouped(statement.digest().hex())}: compare it with the slip",
    ]
    if done.missing:
        told = ", ".join(str(number) for number in done.missing)
        lines.append(f"earlier media of this row have not come: number {told}; ask {statement.sender} for them")
    return [*lines, f"next: ferrygate ferry media receipt {statement.serial} --out FILE"]


class _Shown:
    """Shows how far an import is, on a terminal."""

    def show(self, done: int, of: int) -> None:
        """Rewrite the line now and then."""
        if done == of or done % 64 == 0:
            end = "\n" if done == of else ""
            print(f"\r{done:,} of {of:,} files checked", end=end, file=sys.stderr, flush=True)


def _receipt(desk: MediaDesk, asked: argparse.Namespace) -> list[str]:
    if asked.out is not None:
        if not asked.serial:
            raise CannotRunError("which medium? `ferrygate ferry media receipt SERIAL --out FILE`")
        written = write_receipt(desk, asked.serial, by=asked.operator)
        write_small(_new_file(asked.out), written.data)
        return [f"{asked.serial}: receipt for {written.receipt.files} files in {asked.out} (回执); carry it back"]
    with asked.take.open("rb") as file:
        data = file.read(MAX_RECEIPT_BYTES + 1)
    receipt = take_receipt(desk, data, by=asked.operator)
    when = local_minute(receipt.imported_ms)
    return [
        f"{receipt.serial}: {receipt.files} files arrived, imported {when} (已回执)",
        f"next: sanitise or destroy it, then ferrygate ferry media sanitised {receipt.serial}",
    ]


def _slip(desk: MediaDesk, asked: argparse.Namespace) -> list[str]:
    if asked.out is not None:
        return _write_slip(desk, asked.serial, asked.out)
    return slip_text(_slip_of(desk, asked.serial)).splitlines()


def _write_slip(desk: MediaDesk, serial: str, path: Path) -> list[str]:
    slip = _slip_of(desk, serial)
    page = slip_html(slip) if path.suffix.lower() in (".html", ".htm") else slip_text(slip)
    write_small(_new_file(path), page.encode())
    return [f"slip in {path} (交接单)"]


def _slip_of(desk: MediaDesk, serial: str) -> Slip:
    medium, passage = desk.register.medium(serial), desk.register.last_passage(serial, EXPORT_WAY)
    if medium is None or passage is None:
        raise CannotRunError(f"medium {serial} was not exported here")
    return Slip(medium, passage, desk.direction_out, desk.name, desk.peer)


def _sanitised(desk: MediaDesk, asked: argparse.Namespace) -> list[str]:
    desk.register.move(asked.serial, MediumState.SANITISED, operator=asked.operator, now_ms=desk.clock.now_ms())
    medium = desk.register.medium(asked.serial)
    once = medium is not None and medium.kind is MediumKind.WRITE_ONCE
    return [f"{asked.serial}: {'destroyed (已销毁)' if once else 'sanitised (已清除), it may be used again'}"]


def _lost(desk: MediaDesk, asked: argparse.Namespace) -> list[str]:
    desk.register.move(asked.serial, MediumState.LOST, operator=asked.operator, now_ms=desk.clock.now_ms())
    return [f"{asked.serial}: lost (丢失); what it carried waits for the next medium once the ferry runs"]


def _history(desk: MediaDesk, asked: argparse.Namespace) -> list[str]:
    count = desk.register.verify()
    rows = [
        (str(act.position), local_minute(act.at_ms), act.act, act.serial or "-", act.operator, act.detail or "-")
        for act in desk.register.acts(serial=asked.serial)
    ]
    lines = [render(("no.", "when", "act", "serial", "by", "detail"), rows)] if rows else []
    if asked.serial and (passage := desk.register.last_passage(asked.serial)) is not None:
        lines += ["", *_passage_lines(passage)]
    return [*lines, f"{count} acts, unbroken"]


def _passage_lines(passage: Passage) -> list[str]:
    receipt = local_minute(passage.receipt_ms) if passage.receipt_ms is not None else "none yet"
    signers = " and ".join(passage.operators)
    return [
        f"last {passage.way}: {local_minute(passage.at_ms)}, number {passage.sequence} in the row",
        f"{passage.files} files, {passage.size:,} bytes, signed by {signers}; receipt {receipt}",
        f"digest {grouped(passage.statement.hex())}",
    ]


_WORDS: Final[dict[str, Callable[[MediaDesk, argparse.Namespace], list[str]]]] = {
    "list": _list,
    "register": _register,
    "export": _export,
    "cancel": _cancel,
    "import": _import,
    "receipt": _receipt,
    "slip": _slip,
    "sanitised": _sanitised,
    "lost": _lost,
    "history": _history,
}
