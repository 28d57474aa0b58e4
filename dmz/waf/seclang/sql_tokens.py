"""A value read as a piece of SQL: its tokens, each as one sign, so that a judgement is a look at a short word.

    1  number, NULL, TRUE      s  string                      n  name            v  variable, @@x
    &  AND OR XOR && ||        =  comparison by sign          l  LIKE IN IS …    o  other operator
    E  SELECT                  U  UNION [ALL]                 B  ORDER BY …      h  HAVING
    T  a statement that changes something or runs (two words: DROP TABLE, INSERT INTO, EXEC xp_…)
    k  FROM and the like       f  function before "("         D  one that only attacks use (SLEEP, LOAD_FILE …)
    I  a catalogue's name      w  CASE WHEN                   X  never innocent (``/*!``, INTO OUTFILE)
    c  a comment that ends the text and says nothing          d  one that says something
    e  an open string without text                            p  a string that reads like prose
    (  )  ,  ;  *  ?           themselves; ? is anything else

Reading is one pass of one regular expression whose every branch is linear; both the text and the tokens have a bound.

Source: the description of libinjection's method (N. Galbreath, 2012: tokenise in three quote contexts, fold, compare);
the manuals of MySQL 8, PostgreSQL 15, SQL Server and Oracle for words.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAX_TEXT: Final = 65_536
MAX_TOKENS: Final = 160

_WORDS: Final = {
    "1": "null true false default",
    "&": "and or xor",
    "l": "like in is between rlike regexp ilike glob similar sounds isnull notnull",
    "o": "not div mod collate binary",
    "E": "select",
    "U": "union intersect except minus",
    "h": "having",
    "k": "from where into values set as on using join inner left_join natural then else end all distinct top fetch",
    "D": """sleep benchmark pg_sleep load_file extractvalue updatexml xp_cmdshell randomblob group_concat concat_ws
        load_extension generate_series pg_read_file lo_import xmltype ctxsys.drithsx.sn utl_inaddr.get_host_name
        utl_http.request dbms_pipe.receive_message dbms_lock.sleep waitfor name_const json_keys gtid_subset
        polygon multipoint multilinestring linestring openrowset opendatasource fn_virtualfilestats
        get_host_address to_base64 from_base64 ord unhex hextoraw rawtohex sqlite_version sys.fn_my_permissions
        is_srvrolemember sys_eval sys_exec current_setting query_to_xml database_to_xml cast convert substring
        substr compress uncompress charset coercibility soundex find_in_set nvarchar varchar conv bin elt
        make_set export_set row_count""",
    "f": """if count concat char chr ascii mid left right length len char_length version user database schema hex lower
        upper floor rand round exp exists coalesce ifnull nullif isnull nvl decode instr locate position replace
        current_user system_user session_user connection_id last_insert_id found_rows md5 sha1 sha sum avg min max
        abs sqrt pow now date sysdate curdate timestampdiff db_name host_name object_id col_name object_name any some
        row reverse repeat replicate space strcmp least greatest interval power log pi sin cos bit_and json_extract
        string_agg array_agg quote quote_literal to_char to_number translate ltrim rtrim trim lpad rpad unicode stuff
        iif choose cot acos asin atan tan sign newid getdate isnumeric values in""",
}
_KINDS: Final = {word: kind for kind, words in _WORDS.items() for word in words.split() if kind not in "fD"}
FUNCTIONS: Final = {word: kind for kind in "fD" for word in _WORDS[kind].split()}

#: A word with the one behind it.
_PAIRS: Final = {
    tuple(line.split()[1:]): line.split()[0]
    for line in """
        B order by|B group by|U union all|U union distinct|w case when|E select all|E select distinct
        X into outfile|X into dumpfile|X procedure analyse|& or not|& and not
        l is not|l not in|l not like|l not between|l sounds like
        T insert into|T replace into|T delete from|T merge into|T bulk insert|T load data|T copy from
        X waitfor delay|X waitfor time|T shutdown with|T grant all
    """.replace("|", "\n")
    .strip()
    .splitlines()
}
_CHANGES: Final = frozenset(("drop", "create", "alter", "truncate", "rename"))
_THINGS: Final = frozenset(
    ("table", "database", "view", "user", "procedure", "function", "index", "trigger", "login", "role", "schema", "or")
)
_RUNS: Final = frozenset(("exec", "execute", "declare", "call", "handler"))
_CATALOGUES: Final = re.compile(
    rb"information_schema\b|sysobjects$|syscolumns$|sys\.\w|pg_catalog\b|pg_(?:user|shadow|database|tables)$"
    rb"|all_(?:tables|users|tab_columns)$|sqlite_(?:master|schema)$|mysql\.(?:user|db|innodb)|master\.\.|msysobjects$"
    rb"|dba_users$|v\$version$|user_(?:tables|tab_columns)$"
)

_TOKEN: Final = re.compile(
    rb"""(?P<white>[\x00-\x20\xa0\x0b]++)
    |(?P<evil>/\*!)
    |(?P<comment>/\*.*?(?:\*/|\Z)|--(?=[\s\x00-]|\Z)[^\n]*+|\#[^\n]*+)
    |(?P<string>'(?:[^'\\]|\\.|'')*+(?:'|\Z|\\\Z)|"(?:[^"\\]|\\.|"")*+(?:"|\Z|\\\Z))
    |(?P<number>0[xX][0-9a-fA-F]++|0[bB][01]++|[0-9]++(?:\.[0-9]*+)?(?:[eE][+-]?[0-9]++)?|\.[0-9]++)
    |(?P<variable>@@?[\w.$`]*+)
    |(?P<word>[A-Za-z_\x80-\xff\xff$`][\w$.`\x80-\xff]*+)
    |(?P<logic>&&|\|\|)
    |(?P<compare><=>|[<>!:]?=|<>|[<>]=?|~\*?|\^=)
    |(?P<operator>[-+/%&|^!]|::)
    |(?P<star>\*)
    |(?P<mark>[(),;])
    |(?P<rest>.)""",
    re.DOTALL | re.VERBOSE,
)
_STRINGS: Final = {
    b"'": re.compile(rb"(?:[^'\\]|\\.|'')*+(?:'|\Z|\\\Z)", re.DOTALL),
    b'"': re.compile(rb'(?:[^"\\]|\\.|"")*+(?:"|\Z|\\\Z)', re.DOTALL),
}


class Token(NamedTuple):
    """One token: its sign and its text in lower case."""

    sign: str
    text: bytes


def read(text: bytes, quote: bytes) -> list[Token]:
    """Read a text as if it stood behind a quote (``'``, ``"``) or behind none (empty).

    Only MAX_TEXT bytes and MAX_TOKENS tokens are read.
    """
    text = text[:MAX_TEXT]
    tokens: list[Token] = []
    at = 0
    if quote:
        opened = _STRINGS[quote].match(text)
        if opened is not None:
            at = opened.end()
            tokens.append(Token("s", text[:at].rstrip(quote)))
    for match in _TOKEN.finditer(text, at):
        kind = match.lastgroup or "rest"
        if kind == "white":
            continue
        raw = match[0]
        if kind == "comment" and match.end() < len(text):
            continue
        tokens.append(Token(_sign(kind, raw, text[match.end() : match.end() + 1]), raw.lower()))
        if len(tokens) >= MAX_TOKENS:
            break
    return _paired(tokens)


_FIXED: Final = {
    "evil": "X",
    "number": "1",
    "variable": "v",
    "logic": "&",
    "compare": "=",
    "operator": "o",
    "star": "*",
}


def _sign(kind: str, raw: bytes, following: bytes) -> str:
    fixed = _FIXED.get(kind)
    if fixed is not None:
        return fixed
    if kind == "mark":
        return raw.decode()
    if kind == "word":
        return _word(raw.lower().replace(b"`", b""), called=following == b"(")
    if kind == "comment":
        return "c" if len(raw.strip(b"-#/* \t\r\n+;'\"")) <= 8 else "d"
    return _string(raw) if kind == "string" else "?"


def _string(raw: bytes) -> str:
    if len(raw) > 1 and raw[-1:] == raw[:1]:
        inner = raw[1:-1]
        return "p" if inner[:1] == b" " and inner[1:2].isalpha() and inner.count(b" ") > 1 else "s"
    inner = raw[1:]
    if not inner:
        return "e"
    return "p" if inner[:1].isspace() or b" " in inner.strip() or len(inner) > 40 else "s"


def _word(lower: bytes, *, called: bool) -> str:
    name = lower.decode("latin-1")
    if called:
        kind = FUNCTIONS.get(name)
        if kind is not None:
            return kind
    if _CATALOGUES.match(lower):
        return "I"
    return _KINDS.get(name, "n")


def _paired(tokens: list[Token]) -> list[Token]:
    """Join words that mean something together; drop signs in front of numbers and join strings that touch."""
    joined: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        pair = _pair(token, following)
        if pair:
            joined.append(Token(pair, token.text))
            at += 2
            continue
        at += 1
        if following is not None and _alone(token, tokens[at : at + 2]):
            joined.append(Token("B" if token.text == b"limit" else "T", token.text))
            continue
        before = joined[-1].sign if joined else "("
        if token.sign == "n" and following is not None and following.sign == "(" and joined and before in "E&=o,(*;":
            # Some servers allow white space before the bracket; prose has it too, but not behind these.
            token = Token(FUNCTIONS.get(token.text.decode("latin-1"), "n"), token.text)
        if token.text in (b"+", b"-", b"!", b"~", b"not", b"binary") and before in "(,&=olEUBk":
            continue
        if token.sign == "s" and before == "s" and len(joined) > 1:
            continue
        joined.append(token)
    return joined


def _pair(token: Token, following: Token | None) -> str | None:
    first = token.text.decode("latin-1")
    second = following.text.decode("latin-1") if following is not None else ""
    if first in _CHANGES and second in _THINGS:
        return "T"
    if (
        first in _RUNS
        and following is not None
        and (following.sign in "vs(" or second.startswith(("xp_", "sp_", "master")))
    ):
        return "T"
    return _PAIRS.get((first, second))


def _alone(token: Token, behind: list[Token]) -> bool:
    """Say whether a word is a clause of its own because of what stands behind it: LIMIT 1, UPDATE x SET."""
    if token.text == b"limit":
        return behind[0].sign == "1"
    return token.text == b"update" and len(behind) == 2 and behind[0].sign == "n" and behind[1].text == b"set"
