"""Words of signing in and out, the password page and the window's home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wire_formats.bilingual import Label

TEXTS: Final[Mapping[str, Label]] = {
    "login_title": Label("登录", "Sign in"),
    "login_certificate": Label("正在使用的证书", "Certificate in use"),
    "login_certificate_account": Label("证书所属账号", "Account"),
    "login_certificate_serial": Label("证书序列号", "Serial number"),
    "login_certificate_wrong": Label(
        "不是您的证书？请关闭浏览器后重新打开本页，再选择正确的证书。",
        "Not yours? Close the browser, open this page again and choose the right certificate.",
    ),
    "login_submit": Label("登录", "Sign in"),
    "login_expired": Label("您已因长时间未操作而退出", "You were signed out because nothing was done for a while"),
    "login_expired_text": Label("请重新登录，然后继续。", "Sign in again to go on."),
    "login_kept_text": Label(
        "您填写的内容没有丢失：登录后将作为草稿恢复。",
        "What you typed is not lost: it comes back as a draft when you have signed in.",
    ),
    "login_out": Label("您已安全退出", "You have signed out"),
    "login_out_text": Label(
        "在公用电脑上，请关闭所有浏览器窗口。",
        "On a shared computer, close all browser windows.",
    ),
    "login_forgot": Label("忘记密码？", "Forgotten your password?"),
    "login_forgot_text": Label(
        "请携带有效证件到经办机构重新领取密码条。",
        "Take your identity document to an agency to get a new slip.",
    ),
    "password_title": Label("修改密码", "Change your password"),
    "password_first_title": Label("首次登录，请设置新密码", "Set a new password before you go on"),
    "password_first_text": Label(
        "密码条上的密码只用于首次登录。设置新密码后才能办理业务。",
        "The password on the slip is good for the first sign-in only. Services open once you have set your own.",
    ),
    "password_again": Label("再次输入新密码", "New password again"),
    "password_rules_title": Label("新密码的要求", "A new password must"),
    "password_rule_length": Label(
        "{least} 至 {most} 个字符，可使用汉字和空格", "have {least} to {most} characters; spaces and Chinese are fine"
    ),
    "password_rule_derived": Label(
        "不含用户名、账号或证件号码中的连续数字",
        "not contain your user name, account or digits of your identity number",
    ),
    "password_rule_common": Label(
        "不是常见密码，不是同一字符的重复", "not be a common password or one character repeated"
    ),
    "password_rule_new": Label("与当前密码不同", "differ from the present one"),
    "password_submit": Label("保存新密码", "Save new password"),
    "password_done": Label("密码已修改", "Your password has been changed"),
    "home_lead": Label("请选择要办理的业务。", "Choose what you want to do."),
    "home_mine": Label("我的业务", "Your cases"),
    "home_sent": Label("已提交的业务", "Sent from here"),
    "home_sent_hint": Label("受理编号、回执和当前进度", "Reference numbers, receipts and where each one is now"),
    "home_drafts": Label("草稿", "Drafts"),
    "home_drafts_hint": Label("保存后尚未提交的表单", "Forms you saved and have not sent"),
    "home_password": Label("修改密码", "Change password"),
    "home_password_hint": Label("建议定期更换", "A good habit now and then"),
    "home_none": Label(
        "您的账号目前没有可办理的业务，请联系经办机构。",
        "Your account has no services at present. Please ask your agency.",
    ),
}
