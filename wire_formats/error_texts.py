"""Public words for every kind of error: what happened, and what to do next.

Nothing here names a person, a value or an inner part of the system.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from wire_formats.bilingual import Label
from wire_formats.errors import Kind


class ErrorText(NamedTuple):
    """Title and remedy of one kind."""

    title: Label
    remedy: Label


_AGAIN: Final = Label(
    "请返回上一页重试；仍有问题请拨打 12333，并告知错误代码。",
    "Go back and try again; if it stays, call 12333 and give the error code.",
)
_CALL: Final = Label(
    "请拨打 12333，并告知错误代码和请求编号。", "Call 12333 and give the error code and the request number."
)
_LATER: Final = Label(
    "请稍后重试。您已提交并获得受理编号的业务不会丢失。",
    "Try again later. Nothing you submitted and got a reference number for is lost.",
)
_LOGIN: Final = Label("请重新登录；已保存的草稿不会丢失。", "Sign in again; saved drafts are not lost.")
_COUNTER: Final = Label("请到所属区社保经办窗口办理。", "Please go to the counter of your district agency.")
_BROKEN: Final = Label("收到的数据不完整或已损坏", "The data received is incomplete or damaged")
_SIGNATURE: Final = Label("数据的签名无效", "The signature on the data is not valid")

TEXTS: Final[dict[Kind, ErrorText]] = {
    Kind.MALFORMED: ErrorText(_BROKEN, _AGAIN),
    Kind.TOO_LARGE: ErrorText(Label("数据过大", "The data is too large"), _AGAIN),
    Kind.NOT_CANONICAL: ErrorText(_BROKEN, _AGAIN),
    Kind.BAD_SIGNATURE: ErrorText(_SIGNATURE, _CALL),
    Kind.UNKNOWN_SIGNER: ErrorText(_SIGNATURE, _CALL),
    Kind.SIGNER_NOT_VALID: ErrorText(_SIGNATURE, _CALL),
    Kind.WRONG_ROLE: ErrorText(_SIGNATURE, _CALL),
    Kind.BAD_SEAL: ErrorText(_BROKEN, _CALL),
    Kind.DIGEST_MISMATCH: ErrorText(_BROKEN, _CALL),
    Kind.UNKNOWN_SERVICE: ErrorText(Label("没有这项服务", "There is no such service"), _AGAIN),
    Kind.BAD_FIELD: ErrorText(Label("填写的内容不符合要求", "What was entered does not meet the requirements"), _AGAIN),
    Kind.WRONG_LANE: ErrorText(_BROKEN, _CALL),
    Kind.REPLAYED: ErrorText(Label("该请求已经处理过", "This request was already handled"), _AGAIN),
    Kind.FROM_THE_FUTURE: ErrorText(Label("请求的时间不正确", "The time of the request is not right"), _CALL),
    Kind.BAD_HTTP: ErrorText(
        Label("浏览器发送的请求不符合规范", "The browser sent a request that breaks the rules"), _AGAIN
    ),
    Kind.BAD_WORKBOOK: ErrorText(
        Label("无法读取该工作簿", "This workbook cannot be read"),
        Label(
            "请下载模板，用 .xlsx 格式填写并保存后重新上传。",
            "Download the template, fill it in, save it as .xlsx and upload it again.",
        ),
    ),
    Kind.NOT_FOUND: ErrorText(
        Label("没有这个页面", "There is no such page"),
        Label("请检查网址，或返回首页。", "Check the address, or go to the home page."),
    ),
    Kind.METHOD_NOT_ALLOWED: ErrorText(Label("不支持这种操作", "This cannot be done here"), _AGAIN),
    Kind.LOGIN_FAILED: ErrorText(
        Label("登录失败", "Sign-in failed"),
        Label(
            "用户名、密码或证书不正确。请核对后重试。",
            "User name, password or certificate is wrong. Check them and try again.",
        ),
    ),
    Kind.LOCKED_OUT: ErrorText(
        Label("登录暂时锁定", "Sign-in is locked for now"),
        Label(
            "连续输错次数过多，请在提示的时间之后重试。",
            "There were too many wrong tries; try again after the time shown.",
        ),
    ),
    Kind.SESSION_EXPIRED: ErrorText(Label("会话已结束", "Your session has ended"), _LOGIN),
    Kind.CSRF_MISMATCH: ErrorText(Label("页面已过期", "The page has expired"), _AGAIN),
    Kind.NO_RIGHT: ErrorText(Label("您没有办理此业务的权限", "You have no right to this service"), _COUNTER),
    Kind.CERTIFICATE_REQUIRED: ErrorText(
        Label("需要数字证书", "A certificate is needed"),
        Label(
            "请先在网站下载并导入数字证书，然后重新打开浏览器。已过期的证书浏览器不会出示，请凭新的凭条重新下载。",
            "Download and import your certificate from the site, then open the browser again. Browsers do not offer a "
            "certificate that has expired: get a new slip for it.",
        ),
    ),
    Kind.CERTIFICATE_REVOKED: ErrorText(Label("数字证书已注销", "The certificate has been revoked"), _COUNTER),
    Kind.CERTIFICATE_EXPIRED: ErrorText(Label("数字证书已过期", "The certificate has expired"), _COUNTER),
    Kind.WRONG_WINDOW: ErrorText(
        Label("该证书不能用于此窗口", "This certificate is for another window"),
        Label("请从首页进入与证书相符的办事大厅。", "Go to the window that fits the certificate, from the home page."),
    ),
    Kind.CERTIFICATE_NOT_BOUND: ErrorText(
        Label("该证书与账户不符", "The certificate does not belong to the account"), _COUNTER
    ),
    Kind.FIREWALL: ErrorText(
        Label("请求被防火墙拒绝", "The firewall refused the request"),
        Label(
            "所发送的内容过长、不符合要求，或与网络攻击相似（常见于 < > ' ; $ 等符号）。请换一种写法重新填写；"
            "仍有问题请拨打 12333，并告知请求编号。",
            "Something that was sent is too long, does not belong there, or looks like an attack: signs such as < > ' "
            "; $ are often the cause. Write it in other words; if it stays, call 12333 and give the request number.",
        ),
    ),
    Kind.BODY_TOO_LARGE: ErrorText(
        Label("上传的内容过大", "What was sent is too large"),
        Label("工作簿不得超过 12 MB。", "A workbook may have up to 12 MB."),
    ),
    Kind.MUST_CHANGE_PASSWORD: ErrorText(
        Label("请先修改初始密码", "Change your first password first"),
        Label("修改后即可办理业务。", "After that you can use the services."),
    ),
    Kind.WEAK_PASSWORD: ErrorText(
        Label("新密码不符合要求", "The new password does not meet the rules"),
        Label(
            "至少 10 个字符，不得包含用户名或证件号码。", "At least 10 characters, without your user name or ID number."
        ),
    ),
    Kind.CODE_WRONG: ErrorText(
        Label("证书编号或验证码不正确", "The certificate number or the code is wrong"),
        Label("请核对密码条；共有五次机会。", "Compare your slip; there are five tries in all."),
    ),
    Kind.CODE_USED_UP: ErrorText(
        Label("该证书编号不能再下载", "This certificate can no longer be downloaded"), _COUNTER
    ),
    Kind.SLIP_NOT_ENABLED: ErrorText(
        Label("该密码条尚未启用", "This slip is not enabled yet"),
        Label("请先到经办窗口签订协议并启用。", "Sign the agreement at the counter first; it is enabled there."),
    ),
    Kind.GRANT_EXPIRED: ErrorText(Label("登录授权已到期", "Your sign-in has run out"), _LOGIN),
    Kind.EXPIRED: ErrorText(
        Label("请求已过有效期", "The request ran out of time"),
        Label("该请求没有生效，请重新提交。", "It had no effect; please submit it again."),
    ),
    Kind.CONFLICT: ErrorText(
        Label("与另一项业务冲突", "This conflicts with another case"),
        Label("请先查看“已办业务”。", "Look at your handled cases first."),
    ),
    Kind.RULE: ErrorText(
        Label("不符合业务规则", "This does not meet the rules"),
        Label("请按提示的原因修改后重新提交。", "Correct what the reason says and submit again."),
    ),
    Kind.FIELDS_INVALID: ErrorText(
        Label("填写有误", "There is a problem"), Label("请按提示修改。", "Correct what is listed.")
    ),
    Kind.HELD: ErrorText(Label("该请求已被暂扣，等待人工处理", "This request is held for a person to look at"), _CALL),
    Kind.MISDIRECTED: ErrorText(Label("网址与证书不符", "The address does not fit the server"), _AGAIN),
    Kind.HEADERS_TOO_LARGE: ErrorText(
        Label("浏览器发送的信息过多", "The browser sent too much"),
        Label("请清除本站 Cookie 后重试。", "Delete the cookies of this site and try again."),
    ),
    Kind.NOT_ACCEPTED: ErrorText(Label("不支持这种内容类型", "This type of content is not accepted"), _AGAIN),
    Kind.OTHER_PERSON: ErrorText(
        Label("只能查询本人或本单位的信息", "You can only see your own or your unit's data"), _COUNTER
    ),
    Kind.NO_PARAMETERS: ErrorText(
        Label("该时期没有公布的缴费参数", "No parameters are published for this period"), _COUNTER
    ),
    Kind.BANNED: ErrorText(
        Label("访问已暂停", "Access is suspended for a time"),
        Label(
            "从该地址或以该证书多次发出异常请求（扫描、攻击或连续登录失败）。到期后自动恢复；"
            "如有疑问请拨打 12333，并告知请求编号。",
            "Too many requests from this address or with this certificate looked like scanning, an attack or guessing "
            "of passwords. It ends by itself; if you did nothing of the kind, call 12333 and give the request number.",
        ),
    ),
    Kind.INFECTED: ErrorText(
        Label("上传的文件含有病毒", "The uploaded file contains a virus"),
        Label(
            "文件已被拒收，没有保存。请先对电脑查杀病毒，再用新下载的模板填写上传。",
            "It was refused and not kept. Check your computer for viruses, then fill in a freshly downloaded template.",
        ),
    ),
    Kind.BUSY: ErrorText(Label("系统繁忙", "The system is busy"), _LATER),
    Kind.TOO_MANY_REQUESTS: ErrorText(Label("操作过于频繁", "Too many requests"), _LATER),
    Kind.CORE_SILENT: ErrorText(
        Label("核心系统暂未应答", "The core has not answered yet"),
        Label(
            "本次查询或登录未完成，请稍后再试。已提交并获得受理编号的业务已安全保存，不受影响。",
            "This was not finished; try again in a moment. Whatever got a reference number is kept safely.",
        ),
    ),
    Kind.NO_WORKER: ErrorText(Label("服务暂时不可用", "The service is not available for the moment"), _LATER),
    Kind.STORAGE_FULL: ErrorText(Label("暂时不能接收新的请求", "New requests cannot be taken for the moment"), _LATER),
    Kind.TIMED_OUT: ErrorText(Label("等待超时", "It took too long"), _LATER),
    Kind.DENY_LIST_STALE: ErrorText(Label("暂时不能登录", "Sign-in is not possible for the moment"), _LATER),
    Kind.DESK_SILENT: ErrorText(
        Label("证书服务暂时不可用", "The certificate desk does not answer for the moment"), _LATER
    ),
    Kind.OVERLOADED: ErrorText(
        Label("访问人数过多，本次请求未受理", "Too many visitors: this request was not taken"),
        Label(
            "本次请求没有被处理，也没有保存任何内容。请稍候重试；如果刚才在提交表单或文件，请返回上一页，确认内容后重新提交。"
            "此前已获得受理编号的业务不受影响。",
            "Nothing of it was processed and nothing was saved. Try again in a moment; if you were sending a form or a "
            "file, go back, check what you typed and send it again. Whatever got a reference number before is safe.",
        ),
    ),
    Kind.UNIT_BUSY: ErrorText(
        Label(
            "本单位尚有过多请求未答复，本次未受理", "Too many requests of your unit are unanswered: this was not taken"
        ),
        Label(
            "同一单位、社区或个人同时未答复的请求有上限，以免其他用户等待。本次请求没有保存任何内容；待前面的请求答复后再试。"
            "此前已获得受理编号的业务不受影响。",
            "A unit, community or person may have so many requests unanswered at a time, so that others need not wait. "
            "Nothing of this one was saved: try again when some are answered. Whatever got a reference number is safe.",
        ),
    ),
    Kind.BUG: ErrorText(Label("系统内部错误", "Something went wrong on our side"), _CALL),
}


def text(kind: Kind) -> Label:
    """Give the title of a kind."""
    return TEXTS[kind].title


def remedy(kind: Kind) -> Label:
    """Give what to do next."""
    return TEXTS[kind].remedy
