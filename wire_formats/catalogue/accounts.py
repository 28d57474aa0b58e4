"""Accounts: login, password, logout, certificate download (E1, E18, F3, F6)."""

from __future__ import annotations

from typing import Final

from wire_formats.bilingual import Label
from wire_formats.catalogue.entry import Page, Service, ServiceKind
from wire_formats.catalogue.words import USER_NAME, count, flag
from wire_formats.field_kinds import SlipNumber
from wire_formats.fields import Choice, Secret, Sensitivity, Text

WINDOW_LABELS: Final[dict[str, Label]] = {
    "unit": Label("单位办事大厅", "Unit window"),
    "community": Label("社区办事大厅", "Community window"),
    "person": Label("个人办事大厅", "Individual window"),
}
_BASE64: Final = "[A-Za-z0-9_-]+"
_GRANT: Final = Text(
    name="grant", label=Label("授权", "Grant"), grammar=_BASE64, most=3000, sensitivity=Sensitivity.SECRET
)
_SESSION_ANSWER: Final = (
    _GRANT,
    Text(name="display_name", label=Label("名称", "Name"), most=120, sensitivity=Sensitivity.PERSONAL),
    flag("must_change", Label("须修改密码", "Password must be changed")),
    Text(
        name="draft_key",
        label=Label("草稿密钥", "Draft key"),
        grammar="[A-Za-z0-9_-]{43}",
        most=43,
        sensitivity=Sensitivity.SECRET,
    ),
    Text(name="last_login", label=Label("上次登录", "Last login"), most=20, required=False),
)

LOGIN: Final = Service(
    code="account.login",
    version=1,
    title=Label("登录", "Sign in"),
    summary=Label("证书与用户名、密码双重认证", "Certificate together with user name and password"),
    kind=ServiceKind.TRANSACTION,
    windows=("unit", "community", "person"),
    page=Page.OWN,
    fields=(USER_NAME, Secret(name="password", label=Label("密码", "Password"), most=128)),
    answer=_SESSION_ANSWER,
    needs_grant=False,
    rows=("E1", "E18", "E19", "F9"),
)
PASSWORD: Final = Service(
    code="account.password",
    version=1,
    title=Label("修改密码", "Change password"),
    summary=Label("首次登录必须修改初始密码", "The first password must be changed at first sign-in"),
    kind=ServiceKind.TRANSACTION,
    windows=("unit", "community", "person"),
    page=Page.OWN,
    fields=(
        Secret(name="old_password", label=Label("原密码", "Present password"), most=128),
        Secret(
            name="new_password",
            label=Label("新密码", "New password"),
            hint=Label(
                "至少 10 个字符，不得包含用户名或证件号码",
                "At least 10 characters, without your user name or ID number",
            ),
            least=10,
            most=128,
        ),
    ),
    answer=_SESSION_ANSWER,
    rows=("E18",),
)
LOGOUT: Final = Service(
    code="account.logout",
    version=1,
    title=Label("退出", "Sign out"),
    summary=Label("结束会话并作废授权", "End the session and void its grant"),
    kind=ServiceKind.TRANSACTION,
    windows=("unit", "community", "person"),
    page=Page.OWN,
    fields=(),
    answer=(),
    rows=("E1",),
)
CERTIFICATE_DOWNLOAD: Final = Service(
    code="certificate.download",
    version=1,
    title=Label("下载数字证书", "Download a certificate"),
    summary=Label(
        "凭密码条上的证书编号和验证码下载，只能下载一次",
        "With the number and code on your slip; it can be downloaded once",
    ),
    kind=ServiceKind.TRANSACTION,
    windows=("site",),
    page=Page.OWN,
    fields=(
        SlipNumber(
            name="certificate_number",
            label=Label("证书编号", "Certificate number"),
            hint=Label("密码条上的编号，如 7K3M-9QXT-2B", "As on your slip, for example 7K3M-9QXT-2B"),
        ),
        Secret(
            name="verification_code",
            label=Label("验证码", "Verification code"),
            hint=Label(
                "密码条上的 12 位验证码，连字符可省略", "The 12 characters on your slip; hyphens may be left out"
            ),
            least=8,
            most=32,
        ),
    ),
    answer=(
        Text(
            name="pkcs12",
            label=Label("证书文件", "Certificate file"),
            grammar=_BASE64,
            most=24_000,
            required=False,
            sensitivity=Sensitivity.SECRET,
        ),
        Choice(name="window", label=Label("窗口", "Window"), choices=WINDOW_LABELS, required=False),
        Text(name="account", label=Label("用户名", "User name"), most=40, required=False),
        count("tries_left", Label("剩余次数", "Tries left")),
    ),
    needs_grant=False,
    rows=("F3", "F5", "F6"),
)
ACCOUNT_SERVICES: Final = (LOGIN, PASSWORD, LOGOUT, CERTIFICATE_DOWNLOAD)
