"""Why something was quarantined, and what to look at, in both languages."""

from __future__ import annotations

from typing import Final

from ferry.lane.reasons import Reason
from wire_formats.bilingual import Label

_INCIDENT: Final = Label(
    "按安全事件处理：查明发送方机器与密钥，保留本目录作证据。",
    "Treat it as an incident: find out about the sender's machine and key, and keep this folder as evidence.",
)
_DAMAGED: Final = Label(
    "偶发多为传输或磁盘损坏，发送方会重发；持续出现请查传输与磁盘。",
    "Once in a while it is damage on the way or on a disk, and it is sent again; a stream of it is a fault there.",
)
_LATER: Final = Label(
    "核对两侧时钟、证书与机器名单；改正之后，重发的同样内容可以通过。",
    "Compare clocks, certificates and lists of machines on both sides; once they are right, the same bytes may pass.",
)
_STRANGE: Final = Label(
    "目录里出现了不应有的文件：查明是谁放入的。",
    "Something lies in the folder that no part of this system puts there: find out who did.",
)
_VERSIONS: Final = Label(
    "核对两侧程序版本；版本一致时按安全事件处理。",
    "Compare the programs' versions on both sides; if they agree, treat it as an incident.",
)
_BACKUP: Final = Label(
    "可能有一侧从旧备份恢复；核对两侧存证日志（docs/witnessed-log.md）。",
    "One side may have come from an old backup: compare both logs (docs/witnessed-log.md).",
)
WHY_SET_ASIDE: Final = {
    Reason.BAD_NAME: Label("文件名不合规则", "a file name outside the grammar"),
    Reason.NOT_A_FILE: Label("不是普通文件", "no plain file"),
    Reason.EMPTY: Label("空文件", "an empty file"),
    Reason.TOO_LARGE: Label("超过大小上限", "larger than any bundle"),
    Reason.MALFORMED: Label("格式错误", "not in the form of a bundle"),
    Reason.NOT_CANONICAL: Label("不是唯一的规范格式", "not in its one canonical form"),
    Reason.BAD_SIGNATURE: Label("签名无效", "a signature that does not hold"),
    Reason.UNKNOWN_SIGNER: Label("签名者不在名单中", "a signer that is not on the list"),
    Reason.SIGNER_NOT_VALID: Label("签名者证书不在有效期", "a signer whose certificate is not valid now"),
    Reason.WRONG_ROLE: Label("签名者角色不符", "a signer of another role"),
    Reason.DIGEST_MISMATCH: Label("内容与签名的摘要不符", "contents that are not what was signed"),
    Reason.FROM_THE_FUTURE: Label("制作时间在将来", "made in the future"),
    Reason.WRONG_LANE: Label("通道不符", "on the wrong lane"),
    Reason.WRONG_SEALS: Label("封签不符", "the wrong seals"),
    Reason.NAME_MISMATCH: Label("文件名与封签不符", "a file name that its seal contradicts"),
    Reason.WRONG_WORKER: Label("回给未知的工作进程", "for a worker that is not known"),
    Reason.BEYOND_WINDOW: Label("编号超出窗口", "a number beyond the window"),
    Reason.BROKEN_CHAIN: Label("与前一个编号的链接断裂", "its link to the number before is broken"),
    Reason.FAILED_INSPECTION: Label("内容未通过检查", "contents that failed inspection"),
    Reason.DAMAGED_CONTENT: Label("内容无法解封", "contents that cannot be opened"),
    Reason.INFECTED: Label("含病毒", "a virus in its contents"),
    Reason.BAD_NOTICE: Label("通知无效", "a notice that cannot be believed"),
}
_WHAT_NOW: Final = {
    Reason.BAD_NAME: _STRANGE,
    Reason.NOT_A_FILE: _STRANGE,
    Reason.EMPTY: _DAMAGED,
    Reason.TOO_LARGE: _STRANGE,
    Reason.MALFORMED: _DAMAGED,
    Reason.NOT_CANONICAL: _VERSIONS,
    Reason.DIGEST_MISMATCH: _DAMAGED,
    Reason.FROM_THE_FUTURE: _LATER,
    Reason.SIGNER_NOT_VALID: _LATER,
    Reason.UNKNOWN_SIGNER: _LATER,
    Reason.WRONG_WORKER: _LATER,
    Reason.BEYOND_WINDOW: _BACKUP,
    Reason.BROKEN_CHAIN: _BACKUP,
    Reason.FAILED_INSPECTION: _VERSIONS,
    Reason.DAMAGED_CONTENT: _DAMAGED,
    Reason.INFECTED: Label(
        "其办理已被拒绝并答复；查明该单位的电脑与 DMZ 的查毒程序为何未拦截。",
        "Its request was refused and answered; find out why that unit's computer and the DMZ's scanner let it through.",
    ),
}


def what_now(reason: Reason) -> Label:
    """Say what to look at; what has no milder explanation is an incident."""
    return _WHAT_NOW.get(reason, _INCIDENT)
