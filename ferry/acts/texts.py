"""Words of the gatekeeper's work in both languages."""

from __future__ import annotations

import re
from typing import Final

from ferry.lane.crossing import State
from ferry.lane.reasons import Reason
from wire_formats.bilingual import Label

#: Why a bundle is held.
WHY_HELD: Final = {
    Reason.POISON: Label("三次检查均致检查进程中断", "it broke the inspection three times"),
    Reason.GIVEN_UP: Label("对侧始终未接收，已停止重发", "the other half never accepted it; given up"),
    Reason.AUTHOR_CONFLICT: Label(
        "同一发起方编号出现两份不同内容", "two different bundles under one number of their author"
    ),
    Reason.CROSSING_CONFLICT: Label("同一摆渡编号出现两份不同内容", "two different bundles under one crossing number"),
}
#: What may come of it, for the operator who decides.
WHAT_NOW: Final = {
    Reason.POISON: Label(
        "先排除原因（升级或修复检查进程），再由两人放行；发起方重发后（或整包立即）重新经过全部检查。",
        "First mend the cause (the inspector), then two release it; it meets every check again, a single request when "
        "its worker sends it again.",
    ),
    Reason.GIVEN_UP: Label(
        "查明对侧拒收原因后由两人放行；将以新编号重发，已到达的不会重复办理。",
        "Find out why the other half refused it, then two release it: it is sent under a new number, and what "
        "had arrived is recognised.",
    ),
    Reason.AUTHOR_CONFLICT: Label(
        "不可放行，只能拒绝：签名密钥可能被盗用，或发起方从旧备份恢复。",
        "Cannot be released, only rejected: a signer's key may be in wrong hands, or its machine came from an old "
        "backup.",
    ),
    Reason.CROSSING_CONFLICT: Label(
        "不可放行，只能拒绝：对侧网闸密钥可能被盗用，或从旧备份恢复。",
        "Cannot be released, only rejected: the other half's key may be in wrong hands, or it came from an old backup.",
    ),
}
REASON_WORDS: Final = {
    "cause_mended": Label("原因已排除", "the cause is mended"),
    "looked_at": Label("已人工核查", "looked at by a person"),
    "sender_confirms": Label("发送方已确认", "the sender confirms it"),
    "sent_again": Label("已另行重发", "it was sent again another way"),
    "not_trusted": Label("来源不可信", "its origin is not trusted"),
    "maintenance": Label("维护", "maintenance"),
    "incident": Label("安全事件处置", "handling of an incident"),
}
ACT_WORDS: Final = {
    "release": Label("放行", "release"),
    "reject": Label("拒绝", "reject"),
    "pause": Label("暂停", "pause"),
    "resume": Label("恢复", "resume"),
}
OUTCOMES: Final = {
    "taken": Label("一人已签", "one has said so"),
    "agreed": Label("两人一致", "two agree"),
    "done": Label("已执行", "done"),
    "refused": Label("不予执行", "refused"),
}
#: Why the half did not do it, or what became of it: pattern of what stands in the ledger -> the same in Chinese.
_DETAILS: Final = tuple(
    (re.compile(pattern, re.ASCII), told)
    for pattern, told in (
        (r"one operator twice", "同一操作员表态两次"),
        (r"no such held bundle", "没有这个待审数据包"),
        (r"this half does not send on that lane", "本侧不发送该通道"),
        (r"this half has no such lane", "本侧没有这条通道"),
        (r"strictly one way: pause it at the sending end", "严格单向，只能在发送侧暂停"),
        (r"(\w+) cannot be released", "不可放行：{0}"),
        (r"off the shelf already", "已不在待审区"),
        (r"the held file is not what it was: nothing done", "待审文件与登记的摘要不符，未执行"),
        (r"the held file cannot be read: nothing done", "待审文件无法读取，未执行"),
        (r"looked at again when it comes again", "发起方重发时重新检查"),
        (r"released", "已放行，重新经过全部检查"),
        (r"rejected", "已永久拒绝"),
        (r"rejected, bytes not kept", "已永久拒绝，内容未留存（拒绝区已满）"),
    )
)
WAYS: Final = {
    "signature": Label("本人签名", "own signature"),
    "console": Label("守闸台代签", "vouched for by the console"),
    "half": Label("网闸", "the half itself"),
}
STATE_WORDS: Final = {
    State.RECEIVED: Label("已收", "received"),
    State.INSPECTED: Label("已检", "inspected"),
    State.SENT: Label("已发", "sent"),
    State.ACKED: Label("已确认", "acknowledged"),
    State.HELD: Label("待审", "held"),
    State.REJECTED: Label("已拒绝", "rejected"),
    State.QUARANTINED: Label("已隔离", "quarantined"),
}


def detail_words(detail: str) -> Label:
    """Give a line's detail in both languages; what no version of this program has written stays as it is."""
    for pattern, told in _DETAILS:
        match = pattern.fullmatch(detail)
        if match is not None:
            reasons = [WHY_HELD[reason].zh if (reason := _reason(word)) else word for word in match.groups()]
            return Label(told.format(*reasons), detail)
    state = next((label for state, label in STATE_WORDS.items() if state.value == detail), None)
    return Label(f"此前已处理：{state.zh}", f"dealt with before: {state.en}") if state else Label(detail, detail)


def _reason(word: str) -> Reason | None:
    return next((reason for reason in WHY_HELD if reason.value == word), None)
