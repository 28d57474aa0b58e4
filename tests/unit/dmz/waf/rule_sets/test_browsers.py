"""What browsers send by themselves is nobody's attack, however the hall is reached."""

from __future__ import annotations

import pytest

from dmz.messages import HallRequest
from tests.support.hall_firewall import hall_firewall

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (Linux; Android 13; HarmonyOS; NOH-AN00) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.4844.88 "
    "HuaweiBrowser/13.0.5.303 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "MicroMessenger/8.0.50(0x18003231) NetType/WIFI Language/zh_CN",
    "curl/7.88.1",
)
HOSTS = (
    "localhost:7002",
    "127.0.0.1:7002",
    "10.12.0.7:7002",
    "[::1]:7002",
    "hall.example.gov.cn",
    "wangting.gov.cn:7002",
)


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent[-24:])
@pytest.mark.parametrize("host", HOSTS)
def test_headers_of_browsers_pass(agent: str, host: str) -> None:
    headers = {
        "host": host,
        "user-agent": agent,
        "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "accept-language": "zh-CN,zh;q=0.9,en-US;q=0.8,en;q=0.7",
        "accept-encoding": "gzip, deflate, br, zstd",
        "origin": f"https://{host}",
        "referer": f"https://{host}/sent?page=2",
        "sec-fetch-mode": "navigate",
        "sec-fetch-site": "same-origin",
    }
    assert hall_firewall().check(HallRequest("GET", "unit", "/login", headers=headers)).allowed
    form = (("user_name", "王伟 (unit2)"), ("password", "not the password"), ("next", ""))
    sent = headers | {"content-type": "application/x-www-form-urlencoded"}
    assert hall_firewall().check(HallRequest("POST", "unit", "/login", form=form, headers=sent)).allowed
