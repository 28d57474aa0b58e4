"""What browsers send by themselves is nobody's attack, however the hall is reached."""

from __future__ import annotations

import pytest

from dmz.messages import HallRequest
from tests.support.hall_firewall import hall_firewall

#: One a line, as they come: office machines, phones, the browsers inside WeChat, Alipay, QQ, and older ones.
AGENTS = tuple(
    """
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/138.0.0.0 Safari/537.36
Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko
Mozilla/5.0 (Linux; Android 13; HarmonyOS; NOH-AN00) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.4844.88 HuaweiBrowser/13.0.5.303 Mobile Safari/537.36
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003231) NetType/WIFI Language/zh_CN
curl/7.88.1
Mozilla/5.0 (Linux; Android 12; M2102K1C Build/SKQ1.211006.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160065 MMWEBSDK/20231202 MMWEBID/2247 MicroMessenger/8.0.47.2560(0x28002F30) WeChat/arm64 Weixin NetType/5G Language/zh_CN ABI/arm64
Mozilla/5.0 (Linux; U; Android 11; zh-CN; V2031A Build/RP1A.200720.012) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UWS/5.10.5.0 UCBrowser/15.5.8.1238 Mobile Safari/537.36 UCBS/2.11.1.1
Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Ariver/1.1.0 AliApp(AP/10.5.66.6000) Nebula WK RVKType(0) AlipayDefined(nt:WIFI,ws:390|780|3.0) AlipayClient/10.5.66.6000 Language/zh-Hans Region/CN NebulaX/1.0.0
Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0.4240.198 Safari/537.36 QIHU 360SE/13.1.6310.0
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.71 Safari/537.36 SE 2.X MetaSr 1.0
Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; WOW64; Trident/5.0; SLCC2; .NET CLR 2.0.50727; .NET CLR 3.5.30729; .NET CLR 3.0.30729; Media Center PC 6.0; .NET4.0C; .NET4.0E; InfoPath.3)
Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15
Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0
Mozilla/5.0 (Linux; Android 10; LIO-AN00 Build/HUAWEILIO-AN00) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/77.0.3865.120 MQQBrowser/6.2 TBS/045713 Mobile Safari/537.36 QQ/8.8.0.5720 V1_AND_SQ_8.8.0_1818_YYB_D PixelRatio/3.0 WebP/0.4.1
python-requests/2.32.3
Dalvik/2.1.0 (Linux; U; Android 9; MI 6 MIUI/V11.0.5.0.PCACNXM)
""".split("\n")[1:-1]
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
