"""Words of the gatekeeper's work in both languages."""

from __future__ import annotations

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
