"""Why a medium, a receipt or an order was refused, in both languages.  Pure.

The functions of ``ferry.media`` give their reason in English, for the command line and the log.  On a page an operator
reads it in his language: each reason has a row here, and what has none is told by its kind with the English reason.
"""

from __future__ import annotations

import re
from typing import Final

from ferry.media.states import STATE_LABELS
from wire_formats.bilingual import Label
from wire_formats.error_texts import TEXTS
from wire_formats.errors import HallError

_STATES: Final = {state.value: label.zh for state, label in STATE_LABELS.items()}
#: Pattern of the English reason -> the same in Chinese; groups are put in by number.
_ROWS: Final = tuple(
    (re.compile(pattern, re.ASCII), told)
    for pattern, told in (
        (r"another media command is running", "另一项介质操作正在进行，请稍候再试"),
        (r"an export of medium (\S+) is prepared: write or cancel it", "介质 {0} 的导出已准备，请先写入或取消"),
        (r"no such export is prepared", "没有这份待签的导出（可能已写入或取消）"),
        (r"both operators have signed", "两名操作员都已签名"),
        (r"two operators must sign it first", "须先由两名操作员签名"),
        (r"one operator signed twice", "同一操作员签了两次，须由另一名操作员签名"),
        (r"the signature is over another statement", "签名对应的不是这份清单"),
        (r"a signature is not as large", "文件过大，不是签名"),
        (r"the file is no signature", "该文件不是签名文件"),
        (r"not a COSE_Sign1 message", "文件格式不对，不是本系统的签名或回执"),
        (r"another export was made meanwhile.*", "其间已另行导出，请取消后重新准备"),
        (r"unknown key id (\w+)", "签名人不在名单中（证书标识 {0}）"),
        (r"(\S+) is not valid then", "{0} 的证书不在有效期内"),
        (r"nothing waits for a medium", "没有等待导出的文件"),
        (r"a medium's serial has 4 to 32.*", "介质编号须为 4 至 32 位大写字母、数字或中间的连字符"),
        (r"a label has 1 to 64.*", "标签须为 1 至 64 个可见字符"),
        (r"medium (\S+) is registered already", "介质 {0} 已登记"),
        (r"medium (\S+) is not in the register", "介质 {0} 未登记"),
        (r"medium (\S+) is write-once and was destroyed; take another one", "介质 {0} 为一次写入且已销毁，请换一张"),
        (r"medium (\S+) is (\w+): it cannot become (\w+)", "介质 {0} 目前状态为{1}，不能变为{2}"),
        (r"(.+) is there already: this medium is not blank", "{0} 已存在：该介质不是空白的"),
        (r"(.+) is no folder", "{0} 不是文件夹"),
        (r"(.+): less room than (\d+) bytes", "{0} 剩余空间不足 {1} 字节"),
        (r"medium cannot be written: (.*)", "无法写入介质：{0}"),
        (r"(.+): the medium gives back other bytes", "{0}：回读内容与写入不一致，介质可能损坏"),
        (r"no such place is named in the settings", "设置中没有这个挂载位置"),
        (r"(.+): no medium is mounted there", "{0} 未挂载介质"),
        (r"(.+) is mounted writable; mount it read-only.*", "{0} 以可写方式挂载，请以只读方式挂载（mount -o ro）"),
        (r"(.+): no medium of ours there", "{0} 没有本系统的介质"),
        (r"the medium cannot be read: (.*)", "无法读取介质：{0}"),
        (r"a file changed after it was signed", "签名之后有文件被改动，请取消后重新准备"),
        (r"a file on the medium is not what the operators signed", "介质上的文件与签名的内容不符，未送入任何文件"),
        (r"another medium lies there than the one that was looked at", "该位置现在是另一份介质，请重新查看"),
        (r"this filling of medium (\S+) was imported already", "介质 {0} 的这份内容已经导入过"),
        (r"the medium goes the other way", "该介质方向相反"),
        (r"the medium is for another half", "该介质是给另一侧网闸的"),
        (r"the medium is not from the other half", "该介质不是对侧网闸制作的"),
        (r"medium has expired", "介质已超过有效期"),
        (r"medium was made in the future", "介质的制作时间在将来，请核对时钟"),
        (r"not enough room for the medium's files", "磁盘空间不足，放不下介质上的文件"),
        (r"medium (\S+) was not imported here", "介质 {0} 没有在本侧导入"),
        (r"the import is not finished;.*", "导入尚未完成，请插入同一介质再导入一次"),
        (r"(\d+) files of it still wait for the ferry;.*", "其中 {0} 个文件网闸尚未取走，请确认网闸在运行，稍后再试"),
        (r"the register knows no such export;.*", "登记簿中没有这次导出"),
        (r"the receipt is for another statement than was exported", "回执与导出的清单不符"),
        (r"order has expired", "操作超过十分钟未执行，已作废，请重新提交"),
    )
)


def told_error(error: HallError) -> Label:
    """Give the reason of an error in both languages."""
    reason = error.private or error.kind.name.lower()
    for pattern, told in _ROWS:
        match = pattern.fullmatch(reason)
        if match is not None:
            groups = [_STATES.get(word, word) for word in match.groups()]
            return Label(f"{told.format(*groups)}（{error.code}）", f"{reason} ({error.code})")
    return Label(f"{TEXTS[error.kind].title.zh}（{reason}，{error.code}）", f"{reason} ({error.code})")
