"""Words of the console in both languages."""

from __future__ import annotations

from typing import Final

from ferry.console.media_texts import EXPORT_STEPS, IMPORT_STEPS, MEDIA_TEXTS
from wire_formats.bilingual import Label, Language

LANES: Final = {
    "inbound-interactive": Label("入向 · 交互", "inbound, interactive"),
    "inbound-control": Label("入向 · 控制", "inbound, control"),
    "outbound-control": Label("出向 · 控制", "outbound, control"),
    "inbound-bulk": Label("入向 · 批量", "inbound, bulk"),
    "outbound-interactive": Label("出向 · 交互", "outbound, interactive"),
    "outbound-bulk": Label("出向 · 批量", "outbound, bulk"),
}
LINKS: Final = {
    "alive": Label("正常", "alive"),
    "lagging": Label("滞后", "lagging"),
    "silent": Label("无声", "silent"),
    "unknown": Label("未知", "unknown"),
    "one_way": Label("单向", "one way"),
    "sender": Label("发送", "sends"),
    "receiver": Label("接收", "receives"),
}
TEXTS: Final = {
    "site": Label("守闸台", "Gatekeeper console"),
    "skip": Label("跳到正文", "Skip to content"),
    "nav": Label("导航", "Navigation"),
    "ferry_low": Label("低侧（DMZ）", "Low side (DMZ)"),
    "ferry_high": Label("高侧（核心区）", "High side (core)"),
    "lanes": Label("通道", "Lanes"),
    "held": Label("待审", "Held"),
    "media": Label("介质", "Media"),
    "journal": Label("流水", "Journal"),
    "log": Label("操作记录", "Acts"),
    "switch": Label("English", "中文"),
    "only_looks": Label("只读", "read only"),
    "alarms": Label("告警", "Alarms"),
    "no_alarms": Label("没有告警。", "No alarms."),
    "stale": Label("旧状态", "old state"),
    "as_of": Label("网闸状态时间", "State of the half at"),
    "lane": Label("通道", "Lane"),
    "role": Label("方向", "Role"),
    "link": Label("连接", "Link"),
    "rate": Label("包/秒", "Bundles/s"),
    "waiting": Label("等待", "Waiting"),
    "number": Label("编号", "Number"),
    "acked": Label("已到", "Arrived up to"),
    "gaps": Label("缺号", "Gaps"),
    "unacked": Label("未确认", "Unacknowledged"),
    "credits": Label("信用（已用/总数）", "Credits used / of"),
    "oldest": Label("最久（秒）", "Oldest (s)"),
    "heard": Label("上次听到（秒）", "Heard (s ago)"),
    "blocked": Label("受阻原因", "Blocked by"),
    "paused": Label("已暂停", "paused"),
    "pause_note": Label(
        "暂停后，本侧不再取走新的数据包：发送侧的等在来源目录，接收侧的等在传输通道；心跳与确认照常。"
        "等待的数据一件不丢，积满后办事窗口会如实提示稍后再试。",
        "A paused lane takes nothing more on this side: where it sends, bundles wait with their authors, where it "
        "receives, on the transport. Heartbeats and acknowledgements go on, nothing is lost; once all places are taken "
        "the windows honestly say: try again later.",
    ),
    "transport": Label("传输", "Transport"),
    "no_figures": Label("目录传输没有自己的指标。", "The directory transport has no figures of its own."),
    "tlog": Label("存证日志", "Witnessed log"),
    "tlog_leaves": Label("本侧条目", "Entries of this side"),
    "tlog_uncosigned": Label("未经对侧见证", "Not witnessed yet"),
    "tlog_state": Label("本侧状态", "State of this side's log"),
    "tlog_peer": Label("对侧状态", "State of the other side's log"),
    "tlog_peer_leaves": Label("对侧条目（已见证）", "Entries of the other side, witnessed"),
    "reason": Label("理由", "Reason"),
    "nothing_held": Label("没有待审的数据包。", "Nothing is held."),
    "held_lead": Label(
        "待审的数据包情况不明，由两名不同的操作员决定放行或拒绝。被隔离的数据包永不放行。",
        "A held bundle is unclear; two different operators release or reject it. The quarantined is never released.",
    ),
    "quarantined": Label("隔离", "Quarantined"),
    "quarantined_one": Label("已隔离的数据包", "Quarantined bundle"),
    "quarantined_lead": Label(
        "被隔离的内容有误，永不放行，也不会被读取。请查明来源。",
        "What lies here is wrong. Nothing sends it on, nothing reads its contents; find out where it came from.",
    ),
    "quarantined_note": Label(
        "只显示隔离通知上的内容（原因、通道、大小、摘要、时间）；内容不显示。",
        "Only what its notice says is shown (reason, lane, size, digest, time), never contents.",
    ),
    "nothing_quarantined": Label("没有被隔离的数据包。", "Nothing is quarantined."),
    "see_quarantined": Label("查看隔离区", "See what is quarantined"),
    "kept": Label("原始字节", "Its bytes"),
    "kept_yes": Label("留作证据", "kept as evidence"),
    "kept_no": Label("未留存", "not kept"),
    "kept_none": Label("无内容可留", "none: there was nothing to read"),
    "digest_of_name": Label("摘要（原因与文件名，SHA-256）", "Digest of reason and file name (SHA-256)"),
    "file_name": Label("文件名", "File name"),
    "in_journal": Label("在流水中查找", "Find it in the journal"),
    "newer": Label("较新", "Newer"),
    "older": Label("较早", "Older"),
    "digest": Label("摘要 (SHA-256)", "Digest (SHA-256)"),
    "why": Label("原因", "Why"),
    "since": Label("自", "Since"),
    "bytes": Label("字节", "Bytes"),
    "said": Label("已表态", "Said so far"),
    "nobody": Label("尚无", "nobody"),
    "look": Label("查看", "Look"),
    "one_title": Label("待审数据包", "Held bundle"),
    "gone": Label("该数据包已不在待审区。", "This bundle is not held any more."),
    "safe_view": Label("安全视图", "Safe view"),
    "safe_note": Label(
        "只显示封套信息；内容保持加密，不显示任何个人信息。",
        "Only what stands on the envelope; contents stay sealed and nothing personal is shown.",
    ),
    "unreadable": Label("无法解析", "Cannot be read"),
    "seal_author": Label("发起方封签", "Author's seal"),
    "seal_crossing": Label("摆渡封签", "Crossing's seal"),
    "epoch": Label("纪元", "epoch"),
    "items": Label("件数", "Items"),
    "made": Label("制作时间", "Made"),
    "request": Label("请求", "Request"),
    "receipt": Label("回执号", "Receipt number"),
    "service": Label("事项", "Service"),
    "worker": Label("工作进程", "Worker"),
    "decide": Label("决定", "Decide"),
    "two_steps": Label(
        "第一步：一名操作员表态；第二步：另一名操作员用自己的证书打开本页，再次表态。同一人两次不算。",
        "Step one: one operator says so. Step two: another one opens this page with his own certificate and says the "
        "same. One person twice does not count.",
    ),
    "you_said": Label("您已表态，现需另一名操作员。", "You have said so; now another operator is needed."),
    "vouched": Label(
        "网页上的表态由守闸台以您的证书为凭代签，弱于本人密钥签名（ferrygate ferry held release --key）。",
        "On this page the console vouches for your certificate. That is weaker than your own signature "
        "(ferrygate ferry held release --key).",
    ),
    "note_said": Label(
        "已提交；网闸将在一秒内核对并执行。刷新本页查看结果。",
        "Handed over; the half checks it and acts within a second. Reload to see what came of it.",
    ),
    "note_paused": Label("已提交；网闸将在一秒内执行。", "Handed over; the half acts within a second."),
    "when": Label("时间", "When"),
    "act": Label("操作", "Act"),
    "about": Label("对象", "About"),
    "by": Label("操作员", "By"),
    "way": Label("方式", "Way"),
    "outcome": Label("结果", "Outcome"),
    "detail": Label("说明", "Detail"),
    "chain_good": Label("条记录，链条完整。", "lines; the chain is unbroken."),
    "chain_broken": Label("记录链条断裂", "The chain is broken"),
    "search": Label("查询", "Search"),
    "state": Label("状态", "State"),
    "any": Label("不限", "any"),
    "minutes": Label("最近（分钟）", "Last minutes"),
    "request_hint": Label("请求编号（32 位）或回执号", "id (32 digits) or receipt number"),
    "nothing_found": Label("无匹配记录。", "Nothing fits."),
    "changed": Label("变更时间", "Changed"),
    "evidence": Label("存证导出", "Evidence"),
    "evidence_request": Label("导出请求的存证", "Evidence of the request"),
    "evidence_answer": Label("导出答复的存证", "Evidence of the answer"),
    "evidence_note": Label(
        "凭公开密钥即可核验：ferrygate ferry verify。", "Anybody can check it with public keys: ferrygate ferry verify."
    ),
    "no_media": Label("登记簿为空。", "The register is empty."),
    "serial": Label("编号", "Serial"),
    "next": Label("下一步", "Next"),
    "operators": Label("签名人", "Signed by"),
    "files": Label("文件", "Files"),
    "slip": Label("交接单", "Slip"),
    "step_by_step": Label("介质摆渡步骤", "A medium's way, step by step"),
    "steps_note": Label(
        "同样的步骤也可全部在命令行完成：",
        "The same, step by step, at the command line:",
    ),
    "last_acts": Label("最近登记", "Latest entries"),
    "error_code": Label("错误代码", "Code"),
    "home": Label("返回通道页", "Back to the lanes"),
}
STEPS: Final = (
    (Label("登记空白介质", "Register a blank medium"), "ferrygate ferry media register WH-0001 --side SIDE"),
    (
        Label("两人签名导出，打印交接单", "Export, signed by two; print the slip"),
        (
            "ferrygate ferry media export WH-0001 --side SIDE --to /mnt/usb --key li.p12 --key wang.p12 "
            "--slip WH-0001.html"
        ),
    ),
    (
        Label("对侧只读挂载并导入，核对摘要", "The other side mounts it read-only, imports, compares the digest"),
        "ferrygate ferry media import /mnt/usb --side OTHER",
    ),
    (
        Label("对侧写回执，另一介质带回", "The other side writes the receipt; it goes back on another medium"),
        "ferrygate ferry media receipt WH-0001 --side OTHER --out WH-0001.receipt",
    ),
    (
        Label("本侧收回执", "This side takes the receipt in"),
        "ferrygate ferry media receipt --side SIDE --in WH-0001.receipt",
    ),
    (Label("清除或销毁介质", "Sanitise or destroy the medium"), "ferrygate ferry media sanitised WH-0001 --side SIDE"),
)


class Words:
    """The texts of one language, as attributes; ``steps``, ``export_steps`` and ``import_steps`` are a medium's way.

    Args:
        language: which.
    """

    def __init__(self, language: Language) -> None:
        self._language = language
        self.steps = [(label.of(language), command) for label, command in STEPS]
        self.export_steps = [label.of(language) for label in EXPORT_STEPS]
        self.import_steps = [label.of(language) for label in IMPORT_STEPS]

    def __getattr__(self, name: str) -> str:
        try:
            return (TEXTS.get(name) or MEDIA_TEXTS[name]).of(self._language)
        except KeyError:
            raise AttributeError(name) from None
