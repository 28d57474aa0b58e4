"""What a half says of its troubles, in both languages.

A half writes short English words into its status file; pages for people say the same in Chinese.  What no version of
this program has written stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ferry.acts.texts import WHY_HELD
from ferry.set_aside_texts import WHY_SET_ASIDE
from wire_formats.bilingual import Label

#: Ends and kinds of a transport, as the status names them.
TRANSPORTS: Final = {
    "out": Label("发出", "out"),
    "in": Label("收进", "in"),
    "directory": Label("目录", "directory"),
    "diode": Label("单向光闸", "diode"),
    "media": Label("介质", "media"),
    "closed": Label("此方向不通", "closed"),
}
#: Figures of a transport, as the status names them.
FIGURES: Final = {
    "rate_mbit": Label("速率（Mbit/s）", "rate (Mbit/s)"),
    "loss_planned": Label("计划丢失率", "planned loss"),
    "failure": Label("大文件失败概率", "chance that a large file fails"),
    "failure_small": Label("小文件失败概率", "chance that a small file fails"),
    "sent": Label("已发数据报", "datagrams sent"),
    "loss": Label("实测丢失率", "measured loss"),
    "heard_s": Label("上次听到（秒）", "heard (s ago)"),
    "kernel_dropped": Label("内核丢弃", "dropped by the kernel"),
    "packets": Label("数据报", "datagrams"),
    "files": Label("文件", "files"),
    "queued": Label("排队", "queued"),
    "bytes": Label("字节", "bytes"),
    "repaired": Label("已修复", "repaired"),
    "incomplete": Label("未收全", "incomplete"),
    "dropped": Label("丢弃", "dropped"),
    "open": Label("接收中", "being received"),
    "open_bytes": Label("接收中字节", "bytes being received"),
    "waiting": Label("等待", "waiting"),
    "under_way": Label("在途", "under way"),
}
#: What the states of the witnessed logs mean.
LOG_STATES: Final = {
    "cosigned": Label("已见证", "cosigned"),
    "waiting": Label("等待见证", "waiting"),
    "consistent": Label("前后一致", "consistent"),
    "unknown": Label("尚未收到", "unknown"),
    "split_view": Label("前后矛盾（split_view）", "split_view"),
    "other_log": Label("另一台机器的日志（other_log）", "other_log"),
    "behind_witness": Label("本侧日志少于对侧所见（behind_witness）", "behind_witness"),
}
_TROUBLES: Final = tuple(
    (re.compile(pattern, re.ASCII | re.DOTALL), told)
    for pattern, told in (
        (r"the core's inbox is full", "核心区收件目录已满"),
        (r"a worker's inbox is full", "办事进程的收件目录已满"),
        (r"too many notices wait for the edges", "等待前端读取的通知过多"),
        (r"credits used up|all credits are used", "信用已用尽，对侧未确认"),
        (r"no inspector", "没有检查进程"),
        (r"inspector is busy", "检查进程忙"),
        (r"inspector lost", "检查进程中断"),
        (r"virus scanner: (.*)", "病毒扫描无结果：{0}"),
        (r"answers to refused requests wait for the outbound lane", "被拒请求的答复等待外发通道取走"),
        (r"cannot write to the spool: (.*)", "待发区无法写入：{0}"),
        (r"quarantine is full", "待审区已满"),
        (r"cannot move a held bundle: (.*)", "待审数据包无法移动：{0}"),
        (r"cannot write a drop: (.*)", "无法写入文件：{0}"),
        (r"media folder cannot be read: (.*)", "介质目录无法读取：{0}"),
        (r"folder cannot be read: (.*)", "目录无法读取：{0}"),
        (r"file cannot be read: (.*)", "文件无法读取：{0}"),
        (r"file cannot be removed: (.*)", "文件无法删除：{0}"),
        (r"journal: (.*)", "流水无法写入：{0}"),
        (r"ledger of acts: (.*)", "操作记录无法写入：{0}"),
        (r"the log of crossings is damaged: (.*)", "存证日志已损坏：{0}"),
        (r"the log of crossings: (.*)", "存证日志无法写入：{0}"),
        (r"the log of crossings cannot be written", "存证日志无法写入"),
        (r"the diode's queue is full", "光闸发送队列已满"),
        (r"as much waits for a medium as may; export one", "等待写入介质的数据已达上限，请导出"),
        (r"there is no way in this direction", "此方向不通"),
        (
            r"nothing came for (\d+) s: look at cable, addresses, key and the sender",
            "{0} 秒没有收到任何数据，请检查线路、地址、密钥和发送端",
        ),
        (r"(\S+) lost, (\S+) planned: raise loss_per_10000", "丢失 {0}，计划为 {1}，请调高 loss_per_10000"),
        (r"datagrams cannot be sent: (.*)", "数据报无法发出：{0}"),
        (
            r"package raptorq is missing: large files are dropped; `make run` installs it",
            "缺少软件包 raptorq，大文件无法还原；make run 会安装",
        ),
        (
            r"package raptorq is missing: large files go in copies; `make run` installs it",
            "缺少软件包 raptorq，大文件改用多份发送；make run 会安装",
        ),
        (r"socket buffer of (\d+) bytes instead of (\d+): (.*)", "套接字缓冲区为 {0} 字节，应为 {1}：{2}"),
        (r"transport is full", "传输已满"),
        (r"the journal cannot be read now: (.*)", "流水暂时无法读取：{0}"),
        (r"no such request in these logs", "存证日志中没有这个请求"),
        (r"no answer to that request in these logs", "存证日志中没有这个请求的答复"),
        (r"it crossed, and the other half has not cosigned that yet", "已经越过网闸，对侧尚未见证，请稍候再试"),
        (r"no cosigned checkpoint covers that entry", "尚无覆盖该条目的见证检查点"),
        (r"the seals of that crossing are not kept here", "本侧没有保存这次摆渡的封签"),
        (r"a digest has hexadecimal digits", "摘要由十六进制数字组成"),
        (r"an identifier has 16 bytes", "请求编号为 32 位十六进制数"),
        (r"not a reference number|reference number too long", "不是请求编号，也不是回执号"),
        (r"reference number: check symbol does not fit", "回执号校验位不符，请核对"),
    )
)
#: What the system says of files and disks.
_SYSTEM: Final = {
    "No such file or directory": "没有这个文件或目录",
    "No space left on device": "磁盘已满",
    "Read-only file system": "文件系统只读",
    "Permission denied": "没有权限",
    "Input/output error": "磁盘读写错误",
    "database or disk is full": "磁盘已满",
}
#: Why a bundle was held or quarantined, by the word that stands in the journal.
_WHY: Final[Mapping[str, Label]] = {reason.value: label for reason, label in (WHY_HELD | WHY_SET_ASIDE).items()}


def trouble_words(trouble: str) -> Label:
    """Give why a lane or transport cannot go on, in both languages."""
    for pattern, told in _TROUBLES:
        match = pattern.fullmatch(trouble)
        if match is not None:
            return Label(told.format(*(_SYSTEM.get(part, part) for part in match.groups())), trouble)
    return Label(trouble, trouble)


def why_words(word: str) -> Label:
    """Give what a reason in the journal means; other words stay as they are."""
    return _WHY.get(word, Label(word, word))


def figure_text(value: object) -> str:
    """Write a figure for people: whole numbers in groups of three, others with three digits that count."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if isinstance(value, float) else str(value)
