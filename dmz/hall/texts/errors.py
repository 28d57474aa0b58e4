"""Words of error pages; title and remedy of each kind come from wire_formats.error_texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wire_formats.bilingual import Label

TEXTS: Final[Mapping[str, Label]] = {
    "error_code": Label("错误代码", "Error code"),
    "error_request": Label("请求编号", "Request number"),
    "error_time": Label("时间（北京时间）", "Time (Beijing)"),
    "error_next": Label("您可以", "What you can do"),
    "error_retry_seconds": Label("请在 {seconds} 秒后重试。", "Try again in {seconds} seconds."),
    "error_retry_minutes": Label("请在 {minutes} 分钟后重试。", "Try again in {minutes} minutes."),
    "next_login": Label("重新登录", "Sign in again"),
    "next_home": Label("返回首页", "Go to the home page"),
    "next_sent": Label("查看已提交的业务", "See what you have sent"),
    "next_help": Label("阅读帮助", "Read the help page"),
    "next_site": Label("前往公共服务网站", "Go to the public site"),
}
