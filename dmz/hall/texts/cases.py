"""Words of service forms, queries, receipts, cases and drafts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wire_formats.bilingual import Label

TEXTS: Final[Mapping[str, Label]] = {
    "form_check": Label("下一步：核对", "Next: check your answers"),
    "form_save": Label("保存草稿", "Save draft"),
    "form_again": Label("请核对内容后重新提交", "Please check the form and send it again"),
    "form_again_text": Label(
        "您在别处重新登录过，因此我们没有接受刚才的提交。填写的内容已保留。",
        "You have signed in again since this form was opened, so it was not sent. Your input is still here.",
    ),
    "form_given_back": Label("您填写的内容已恢复", "What you typed is back"),
    "form_refused": Label(
        "“{field}”未被防火墙接受，请换一种写法（常见原因是 < > ' ; $ 等符号）",
        "{field}: not accepted by the firewall; write it in other words (signs such as < > ' ; $ are often the cause)",
    ),
    "form_refused_text": Label(
        "防火墙没有接受其中某项内容。请修改后再继续（常见原因是 < > ' ; $ 等符号）。",
        "The firewall did not accept something in it. Change it before you go on; "
        "signs such as < > ' ; $ are often the cause.",
    ),
    "form_unanswered_text": Label(
        "办事大厅刚才过于繁忙，未能答复。请核对后继续办理；同一表单重复提交也只办理一次。",
        "The hall was too busy to answer. Check it and go on; the same form is dealt with once, even if sent twice.",
    ),
    "form_saved": Label("草稿已保存（{time}）", "Draft saved at {time}"),
    "form_saved_text": Label("可随时从“草稿”中继续填写。", "You can go on from “Drafts” at any time."),
    "form_restored": Label("已恢复草稿", "Your draft is back"),
    "form_restored_text": Label("密码类内容不保存，请重新填写。", "Passwords are never kept; type them again."),
    "form_by_workbook": Label("人数较多？", "Many employees?"),
    "form_by_workbook_link": Label("用 Excel 批量办理", "Send a workbook instead"),
    "check_title": Label("核对填写内容", "Check your answers"),
    "check_submit": Label("确认提交", "Send"),
    "check_promise": Label(
        "提交即表示您确认所填内容真实。提交后将得到受理编号。",
        "By sending you confirm that this is true. You will get a reference number.",
    ),
    "query_submit": Label("查询", "Look up"),
    "query_no_rows": Label("没有符合条件的记录。", "No records match."),
    "query_answered": Label("查询时间：{time}（北京时间）", "Looked up at {time}, Beijing time"),
    "query_number": Label("查询编号：{reference}", "Enquiry {reference}"),
    "query_rows": Label("明细", "Details"),
    "receipt_title": Label("受理回执", "Receipt"),
    "receipt_reference": Label("受理编号", "Reference number"),
    "receipt_service": Label("业务", "Service"),
    "receipt_account": Label("账号", "Account"),
    "receipt_submitted": Label("提交时间", "Sent"),
    "receipt_state": Label("状态", "State"),
    "receipt_keep": Label(
        "请记下受理编号。您可以关闭本页，稍后在“已提交的业务”中查看结果。",
        "Note the reference number. You can close this page and find the result later under “Sent from here”.",
    ),
    "receipt_refreshes": Label("本页每隔几秒自动更新。", "This page updates itself every few seconds."),
    "receipt_refresh": Label("立即更新", "Update now"),
    "receipt_slow": Label("处理时间比平时长", "This takes longer than usual"),
    "receipt_slow_text": Label(
        "您的业务已安全保存，无须重复提交。核心系统恢复后会自动处理。",
        "Your case is stored safely; do not send it again. It goes on by itself when the core answers again.",
    ),
    "receipt_way": Label("办理进度", "Where it is"),
    "receipt_result": Label("办理结果", "Result"),
    "receipt_sealed": Label(
        "结果是在您上一次登录期间返回的，只有那次登录可以解开。请在“已办业务”中查看。",
        "The result came back during an earlier sign-in and only that one can open it. Look it up under handled cases.",
    ),
    "receipt_reasons": Label("原因", "Reasons"),
    "receipt_nothing_happened": Label(
        "本次提交未产生任何效果，可更正后重新提交。", "Nothing took effect. You can mend it and send it again."
    ),
    "receipt_review_text": Label(
        "经办人员将进行审核，结果可在“已办业务”中查看。",
        "A reviewer will decide. You will find the result under handled cases.",
    ),
    "receipt_case": Label("查看审核结果", "See the review result"),
    "receipt_new": Label("再办一笔", "Send another"),
    "state_under_way": Label("传送中", "On its way"),
    "state_done": Label("已办结", "Done"),
    "state_accepted": Label("已受理，待审核", "Accepted, waiting for review"),
    "state_refused": Label("未通过", "Refused"),
    "state_rejected": Label("未通过安全检查", "Rejected at inspection"),
    "state_partly": Label("部分成功", "Partly done"),
    "hop_stored": Label("大厅已受理并保存", "Stored by the hall"),
    "hop_sent": Label("已签名、加密，等待摆渡", "Signed and sealed, waiting for the ferry"),
    "hop_taken": Label("摆渡外端已检查", "Checked by the ferry, outer side"),
    "hop_crossed": Label("已通过网闸", "Across the gap"),
    "hop_decided": Label("核心系统已处理", "Processed by the core"),
    "hop_returned": Label("结果已返回大厅", "Result back in the hall"),
    "hop_here": Label("当前", "now"),
    "hop_waiting": Label("尚未到达", "not yet"),
    "hop_unnoticed": Label("已经过", "passed"),
    "sent_title": Label("已提交的业务", "Sent from here"),
    "sent_lead": Label("由本账号提交的业务，最新的在前。", "Everything this account has sent, newest first."),
    "sent_rows": Label("行数", "Rows"),
    "sent_rows_answered": Label("{rows}（{answered} 行已有结果）", "{rows} ({answered} answered)"),
    "sent_mend": Label("部分行需更正", "Some rows need mending"),
    "sent_none": Label("还没有提交过业务。", "Nothing has been sent yet."),
    "case_withdraw": Label("退单", "Withdraw"),
    "withdraw_title": Label("确认退单", "Withdraw this case?"),
    "withdraw_text": Label(
        "退单后该业务不再审核，已产生的效果一并撤销。审核人员已开始处理的业务不能退单。",
        "A withdrawn case is not reviewed, and what has taken effect is undone. Once a reviewer has opened it, "
        "it cannot be withdrawn.",
    ),
    "withdraw_submit": Label("确认退单", "Yes, withdraw it"),
    "withdraw_keep": Label("不退单", "No, keep it"),
    "drafts_title": Label("草稿", "Drafts"),
    "drafts_none": Label("没有草稿。", "There are no drafts."),
    "drafts_delete": Label("删除", "Delete"),
    "drafts_saved_at": Label("保存时间", "Saved"),
    "drafts_until": Label("保留至", "Kept until"),
    "drafts_deleted": Label("草稿已删除", "Draft deleted"),
    "drafts_undo": Label("撤销删除", "Undo"),
    "drafts_restored": Label("草稿已恢复", "The draft is back"),
    "drafts_actions": Label("操作", "Actions"),
}
