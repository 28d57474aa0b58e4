"""Every word of the staff window in both languages."""

from __future__ import annotations

from typing import Final

from wire_formats.bilingual import Label, Language
from wire_formats.catalogue.words import DISTRICTS

TEXTS: Final[dict[str, Label]] = {
    "site": Label("业务经办窗口", "Staff window"),
    "city": Label("武汉市社会保险网上服务大厅", "Wuhan social insurance online hall"),
    "inside": Label("仅限内部网络", "Internal network only"),
    "skip": Label("跳到正文", "Skip to content"),
    "switch": Label("English", "中文"),
    "nav": Label("导航", "Navigation"),
    "nav_work": Label("待办业务", "Worklist"),
    "nav_statistics": Label("统计", "Statistics"),
    "nav_password": Label("修改密码", "Password"),
    "logout": Label("退出", "Sign out"),
    "logged_out": Label("您已退出。", "You have signed out."),
    "expired": Label("登录已超时，请重新登录。", "Your session has ended. Please sign in again."),
    "login": Label("登录", "Sign in"),
    "login_lead": Label("请使用与本人证书绑定的经办帐号。", "Use the staff account that is bound to your certificate."),
    "user_name": Label("用户名", "User name"),
    "password": Label("密码", "Password"),
    "certificate": Label("证书序列号", "Certificate serial number"),
    "problem": Label("有一处需要更正", "There is a problem"),
    "change": Label("修改密码", "Change password"),
    "must_change": Label(
        "首次登录须先修改初始密码。", "This is your first sign-in: change the temporary password before anything else."
    ),
    "old_password": Label("当前密码", "Current password"),
    "new_password": Label("新密码", "New password"),
    "new_again": Label("再次输入新密码", "New password again"),
    "new_hint": Label(
        "至少 10 个字符，不能与用户名、姓名或电话相似，不能是常见密码",
        "At least 10 characters; not like your user name, name or telephone; not a common one",
    ),
    "changed": Label("密码已修改。", "Your password was changed."),
    "save": Label("保存", "Save"),
    "work": Label("待办业务", "Worklist"),
    "waiting": Label("待审核", "Waiting"),
    "in_review": Label("审核中", "In review"),
    "in_recheck": Label("待复核", "Second check"),
    "mine": Label("我办理的", "Mine"),
    "oldest": Label("最早提交于 {at}，已等待 {wait}", "The oldest came at {at} and has waited {wait}"),
    "filter_state": Label("状态", "State"),
    "filter_service": Label("业务类型", "Service"),
    "filter_all": Label("全部", "All"),
    "filter_mine": Label("只看我办理的", "Only mine"),
    "filter_go": Label("筛选", "Filter"),
    "find": Label("受理编号", "Reference number"),
    "find_go": Label("查找", "Find"),
    "find_none": Label("本区没有该编号的业务。", "There is no case of this number in your district."),
    "state_open": Label("全部待办", "All open"),
    "none": Label("没有符合条件的业务。", "No case fits."),
    "col_reference": Label("受理编号", "Reference"),
    "col_service": Label("业务类型", "Service"),
    "col_applicant": Label("申请人", "Applicant"),
    "col_submitted": Label("提交时间", "Submitted"),
    "col_waited": Label("已等待", "Waited"),
    "col_state": Label("状态", "State"),
    "col_holder": Label("经办人", "Operator"),
    "col_rows": Label("人数", "Persons"),
    "nobody": Label("无", "None"),
    "you": Label("本人", "You"),
    "total": Label("共 {count} 项，第 {page}/{pages} 页", "{count} in all, page {page} of {pages}"),
    "pages": Label("翻页", "Pages"),
    "previous": Label("上一页", "Previous"),
    "next": Label("下一页", "Next"),
    "case": Label("业务详情", "Case"),
    "back": Label("返回待办业务", "Back to the worklist"),
    "applicant": Label("申请人", "Applicant"),
    "account": Label("提交帐号", "Account"),
    "window": Label("提交窗口", "Window"),
    "unit_code": Label("统一社会信用代码", "Unified credit code"),
    "contact": Label("联系人、电话", "Contact"),
    "credit": Label("信用等级", "Credit level"),
    "vip": Label("VIP 单位", "VIP unit"),
    "period": Label("业务期", "Booking month"),
    "submitted": Label("提交时间", "Submitted"),
    "opened": Label("打开时间", "Opened"),
    "base": Label("核定缴费基数（元）", "Contribution base (yuan)"),
    "asked": Label("申请内容", "What was asked"),
    "closed_content": Label(
        "打开业务后才显示申请内容。打开后申请人不能再退单，由您一人办理；查看记录将留存。",
        "What was asked is shown after you open the case. Then the applicant can no longer withdraw it, "
        "you alone handle it, and the access is recorded.",
    ),
    "held_by": Label("该业务正由 {name} 办理。", "{name} is handling this case."),
    "your_check": Label(
        "您已办理过该业务的前一环节，不能再办理复核。",
        "You did the earlier check of this case; another person must do the second.",
    ),
    "not_your_check": Label("您的岗位不办理该环节。", "Your roles do not include this check."),
    "open": Label("打开并办理", "Open and handle"),
    "open_recheck": Label("打开并复核", "Open for the second check"),
    "release": Label("放回待办", "Give back"),
    "release_hint": Label("尚未决定，可放回由他人办理。", "Nothing is decided yet: you may give it back for others."),
    "decide": Label("审核结论", "Decision"),
    "verdict": Label("结论", "Verdict"),
    "pass": Label("通过", "Approve"),
    "refuse": Label("不通过", "Refuse"),
    "reason": Label("意见", "Reason"),
    "reason_hint": Label(
        "不通过时必须填写，申请人会看到；最多 300 字",
        "Needed for a refusal; the applicant will read it; at most 300 characters",
    ),
    "go_check": Label("下一步：核对", "Next: check"),
    "check": Label("请核对结论", "Check your decision"),
    "check_lead": Label("确认后不能撤销。", "It cannot be taken back once you confirm."),
    "check_pass_final": Label("通过后，业务立即生效。", "Approving puts the case in force at once."),
    "check_pass_next": Label("通过后，业务转另一人复核。", "Approving sends the case to a second person's check."),
    "check_refuse": Label(
        "不通过后，业务办结，申请人会看到上述意见。", "Refusing closes the case; the applicant reads the reason above."
    ),
    "confirm_pass": Label("确认通过", "Confirm: approve"),
    "confirm_refuse": Label("确认不通过", "Confirm: refuse"),
    "edit": Label("返回修改", "Go back"),
    "done_open": Label("已打开，由您办理。", "The case is open in your hands."),
    "done_release": Label("已放回待办。", "The case was given back."),
    "done_effective": Label("已通过，业务已生效。", "Approved: the case is in force."),
    "done_rechecking": Label("已通过，转复核。", "Approved: it goes to the second check."),
    "done_refused": Label("已决定不通过。", "Refused."),
    "warnings": Label("疑点提示", "Look at this twice"),
    "history": Label("办理过程", "History"),
    "row": Label("行", "Row"),
    "fault": Label("未通过校验", "Failed check"),
    "missing_verdict": Label("请选择结论。", "Choose a verdict."),
    "missing_reason": Label("不通过时请填写意见。", "Enter a reason for the refusal."),
    "long_reason": Label("意见最多 300 字。", "The reason must be 300 characters or fewer."),
    "bad_reason": Label("意见含有不允许的字符。", "The reason has characters that are not allowed."),
    "statistics": Label("业务统计", "Statistics"),
    "city_wide": Label("全市", "Whole city"),
    "from_day": Label("起始日期", "From"),
    "to_day": Label("截止日期", "To"),
    "show": Label("查询", "Show"),
    "by_service": Label("按业务类型", "By service"),
    "by_window": Label("按窗口", "By window"),
    "by_district": Label("按区", "By district"),
    "by_day": Label("按日", "By day"),
    "sum": Label("合计", "Total"),
    "district": Label("行政区划 {code}", "District {code}"),
    "error_code": Label("错误代码", "Error code"),
    "home": Label("返回首页", "To the start page"),
    "fault_login": Label("用户名、密码或证书不符。", "User name, password or certificate does not fit."),
    "fault_locked": Label(
        "失败次数过多，请 {seconds} 秒后再试。", "Too many failures: try again in {seconds} seconds."
    ),
    "fault_old": Label("当前密码不正确。", "The current password is wrong."),
    "fault_again": Label("两次输入的新密码不一致。", "The two new passwords differ."),
    "fault_same": Label("新密码不能与当前密码相同。", "The new password must differ from the current one."),
    "fault_length": Label("新密码至少 10 个字符。", "The new password must have at least 10 characters."),
    "fault_common": Label("新密码过于常见。", "The new password is too common."),
    "fault_derivable": Label(
        "新密码与用户名、姓名或电话相似。", "The new password is like your user name, name or telephone."
    ),
}

STATES: Final[dict[str, Label]] = {
    "saved": Label("已保存", "Saved"),
    "submitted": Label("待审核", "Waiting for review"),
    "reviewing": Label("审核中", "In review"),
    "rechecking": Label("待复核", "Second check"),
    "effective": Label("已生效", "Effective"),
    "auditing": Label("稽核中", "In post-audit"),
    "audited": Label("稽核通过", "Post-audit passed"),
    "disputed": Label("稽核有疑点", "Post-audit disputed"),
    "withdrawn": Label("已退单", "Withdrawn"),
    "refused": Label("不通过", "Refused"),
}
WINDOWS: Final[dict[str, Label]] = {
    "unit": Label("单位网厅", "Units"),
    "community": Label("社区网厅", "Communities"),
    "person": Label("个人网厅", "Individuals"),
}
ACTORS: Final[dict[str, Label]] = {
    "applicant": Label("申请人", "Applicant"),
    "rule": Label("规则自动审核", "Approved by rule"),
    "operator": Label("经办人员", "Operator"),
    "system": Label("系统", "System"),
}
WARNINGS: Final[dict[str, Label]] = {
    "id_area": Label(
        "身份证件号码的地区码不在已知范围，请与证件核对。",
        "The area code of the ID number is not known: compare it with the card.",
    ),
    "credit_organisation": Label(
        "统一社会信用代码内的组织机构代码校验位不符。",
        "The organisation code inside the credit code has a wrong check symbol.",
    ),
    "age_young": Label("年龄 {value} 岁，未满 16 周岁。", "Aged {value}: below the working age of 16."),
    "age_old": Label("年龄 {value} 岁，已达退休年龄。", "Aged {value}: at or beyond pension age."),
    "unit_inactive": Label("单位已不是正常参保状态。", "The unit no longer takes part normally."),
    "credit_low": Label("单位信用等级 {value}，低于 60。", "The unit's credit level is {value}, below 60."),
    "period_later": Label("当月已月结，业务记入 {value}。", "The month was closed: the case is booked in {value}."),
    "base_clamped": Label(
        "{value} 人的缴费基数按上下限调整，与申报工资不同。",
        "For {value} person(s) the base was set to the floor or ceiling and differs from the wage.",
    ),
    "rows_failed": Label("{value} 行未通过校验，不会生效。", "{value} row(s) failed the check, without effect."),
}


class Words:
    """The texts in one language: `t.login` in a template; an unknown name is an error."""

    def __init__(self, language: Language) -> None:
        self._texts = {key: label.of(language) for key, label in TEXTS.items()}

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, name: str) -> str:
        return self._texts[name]


def with_code(name: Label, code: str) -> Label:
    """Write a name with its code behind it, as clerks compare it with paper."""
    return Label(f"{name.zh}（{code}）", f"{name.en} ({code})")


def district(code: str) -> Label:
    """Write a district; one without a name (the settlement centre's) keeps its code alone."""
    name = DISTRICTS.get(code)
    return with_code(name, code) if name is not None else TEXTS["district"].fill(code=code)
