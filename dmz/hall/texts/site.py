"""Words of the public site: portal home, certificate download, accessibility statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wire_formats.bilingual import Label

TEXTS: Final[Mapping[str, Label]] = {
    "portal_title": Label("社会保险，网上办理", "Social insurance, handled online"),
    "portal_lead": Label(
        "单位、社区和个人各有专用入口。每次登录需要两样东西：安装在浏览器里的数字证书，以及用户名和密码。",
        "Employers, communities and individuals each have their own entrance. To sign in you need two things: "
        "a digital certificate in your browser, and your user name and password.",
    ),
    "portal_windows": Label("选择办事入口", "Choose your window"),
    "portal_first_time": Label("首次使用", "First time here"),
    "portal_step_slip": Label(
        "在社保经办机构领取密码条。上面印有证书编号、验证码和证书密码。",
        "Collect your slip at an agency. It carries your certificate number, verification code and certificate "
        "password.",
    ),
    "portal_step_download": Label("下载数字证书（只能下载一次）。", "Download your certificate (this works once)."),
    "portal_step_import": Label("把证书导入浏览器。", "Import it into your browser."),
    "portal_step_login": Label(
        "进入办事大厅，按浏览器提示选择证书，再输入用户名和密码。首次登录须修改密码。",
        "Open your window, pick the certificate when the browser asks, then sign in. At the first sign-in you set a "
        "new password.",
    ),
    "download_certificate": Label("下载数字证书", "Download your certificate"),
    "import_guide": Label("如何导入证书", "How to import a certificate"),
    "portal_genuine": Label("确认网站真伪", "Make sure it is us"),
    "portal_genuine_text": Label(
        "输入任何密码前，请核对浏览器地址栏：网址以 https 开头，且浏览器未提示证书错误。我们不会来电索要密码。",
        "Before you type a password, look at the address bar: the address begins with https and the browser shows no "
        "certificate warning. We never ask for your password on the telephone.",
    ),
    "certificate_lead": Label(
        "请准备好经办机构发给您的密码条。",
        "Have the slip from the agency at hand.",
    ),
    "certificate_rules": Label(
        "每份证书只能下载一次；验证码连续错误五次后作废，需重新领取密码条。",
        "A certificate can be downloaded once. After five wrong codes the slip is void and you need a new one.",
    ),
    "certificate_after": Label(
        "下载得到一个 .p12 文件。导入浏览器时需要输入密码条上的证书密码。导入后请删除该文件。",
        "You receive a .p12 file. Importing it asks for the certificate password on the slip. Delete the file "
        "afterwards.",
    ),
    "certificate_submit": Label("下载证书", "Download certificate"),
}
