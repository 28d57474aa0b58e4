"""Names that rules may use: operators, transformations, variables, actions, settings.

A rule with a name that stands in no table is kept and told of in ``RuleSet.warnings``: a rule set that is newer than
this engine must not stop the gate, and must not go unnoticed either.

Source: ModSecurity reference manual v3 (directives, variables, transformations, actions, operators); what OWASP CRS 3.3
and 4 use.
"""

from __future__ import annotations

from collections.abc import Mapping

from dmz.waf.seclang.model import Place


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: By name in lower case, without ``@``.
OPERATORS = _words("""
    beginswith contains containsword detectsqli detectxss endswith eq fuzzyhash ge geolookup gt inspectfile
    ipmatch ipmatchf ipmatchfromfile le lt nomatch pm pmf pmfromfile rbl rx rxglobal streq strmatch
    unconditionalmatch validatebyterange validatedtd validatehash validateschema validateurlencoding
    validateutf8encoding verifycc verifycpf verifyssn verifysvnr within
""")

#: Operators whose argument names files that are read with the rules.
FILE_OPERATORS = _words("pmf pmfromfile ipmatchf ipmatchfromfile")

#: By name in lower case, without ``t:``.
TRANSFORMATIONS = _words("""
    base64decode base64decodeext base64encode cmdline compresswhitespace cssdecode escapeseqdecode hexdecode
    hexencode htmlentitydecode jsdecode length lowercase md5 none normalisepath normalisepathwin normalizepath
    normalizepathwin parityeven7bit parityodd7bit parityzero7bit removecomments removecommentschar removenulls
    removewhitespace replacecomments replacenulls sha1 sqlhexdecode trim trimleft trimright uppercase
    urldecode urldecodeuni urlencode utf8tounicode
""")

#: In upper case.
VARIABLES = _words("""
    ARGS ARGS_COMBINED_SIZE ARGS_GET ARGS_GET_NAMES ARGS_NAMES ARGS_POST ARGS_POST_NAMES AUTH_TYPE DURATION
    ENV FILES FILES_COMBINED_SIZE FILES_NAMES FILES_SIZES FILES_TMPNAMES FILES_TMP_CONTENT FULL_REQUEST
    FULL_REQUEST_LENGTH GEO GLOBAL HIGHEST_SEVERITY INBOUND_DATA_ERROR IP MATCHED_VAR MATCHED_VARS
    MATCHED_VARS_NAMES MATCHED_VAR_NAME MODSEC_BUILD MSC_PCRE_ERROR MSC_PCRE_LIMITS_EXCEEDED
    MULTIPART_BOUNDARY_QUOTED MULTIPART_BOUNDARY_WHITESPACE MULTIPART_CRLF_LF_LINES MULTIPART_DATA_AFTER
    MULTIPART_DATA_BEFORE MULTIPART_FILENAME MULTIPART_FILE_LIMIT_EXCEEDED MULTIPART_HEADER_FOLDING
    MULTIPART_INVALID_HEADER_FOLDING MULTIPART_INVALID_PART MULTIPART_INVALID_QUOTING MULTIPART_LF_LINE
    MULTIPART_MISSING_SEMICOLON MULTIPART_NAME MULTIPART_PART_HEADERS MULTIPART_SEMICOLON_MISSING
    MULTIPART_STRICT_ERROR MULTIPART_UNMATCHED_BOUNDARY OUTBOUND_DATA_ERROR PATH_INFO QUERY_STRING REMOTE_ADDR
    REMOTE_HOST REMOTE_PORT REMOTE_USER REQBODY_ERROR REQBODY_ERROR_MSG REQBODY_PROCESSOR
    REQBODY_PROCESSOR_ERROR REQBODY_PROCESSOR_ERROR_MSG REQUEST_BASENAME REQUEST_BODY REQUEST_BODY_LENGTH
    REQUEST_COOKIES REQUEST_COOKIES_NAMES REQUEST_FILENAME REQUEST_HEADERS REQUEST_HEADERS_NAMES REQUEST_LINE
    REQUEST_METHOD REQUEST_PROTOCOL REQUEST_URI REQUEST_URI_RAW RESOURCE RESPONSE_BODY RESPONSE_CONTENT_LENGTH
    RESPONSE_CONTENT_TYPE RESPONSE_HEADERS RESPONSE_HEADERS_NAMES RESPONSE_PROTOCOL RESPONSE_STATUS RULE
    SERVER_ADDR SERVER_NAME SERVER_PORT SESSION SESSIONID STATUS STATUS_LINE STREAM_INPUT_BODY
    STREAM_OUTPUT_BODY TIME TIME_DAY TIME_EPOCH TIME_HOUR TIME_MIN TIME_MON TIME_SEC TIME_WDAY TIME_YEAR TX
    UNIQUE_ID URLENCODED_ERROR USER USERID WEBAPPID XML
""")

#: Actions that say what becomes of the transaction.
DISRUPTIVE = _words("allow block deny drop pass redirect")

#: In lower case, the disruptive ones among them.
ACTIONS = DISRUPTIVE | _words("""
    accuracy append auditlog capture chain ctl deprecatevar exec expirevar id initcol log logdata maturity msg
    multimatch noauditlog nolog phase prepend rev sanitisearg sanitisematched sanitisematchedbytes
    sanitiserequestheader sanitiseresponseheader setenv setrsc setsid setuid setvar severity skip skipafter
    status t tag ver xmlns
""")

#: What ``ctl:`` may set, in lower case.
CONTROLS = _words("""
    auditengine auditlogparts debugloglevel forcerequestbodyvariable hashenforcement parsexmlintoargs
    requestbodyaccess requestbodylimit requestbodyprocessor responsebodyaccess responsebodylimit ruleengine
    ruleremovebyid ruleremovebymsg ruleremovebytag ruleremovetargetbyid ruleremovetargetbymsg
    ruleremovetargetbytag
""")

#: Directives that only set something, in lower case.
SETTINGS = _words("""
    secargumentseparator secargumentslimit secauditengine secauditlog secauditlog2 secauditlogdirmode
    secauditlogfilemode secauditlogformat secauditlogparts secauditlogrelevantstatus secauditlogstoragedir
    secauditlogtype seccollectiontimeout seccomponentsignature secconnengine seccontentinjection
    seccookieformat seccookiev0separator secdatadir secdebuglog secdebugloglevel secdisablebackendcompression
    secgeolookupdb secgsblookupdb sechashengine sechashkey sechashparam sechttpblkey secinterceptonerror
    secparsexmlintoargs secpcrematchlimit secpcrematchlimitrecursion secrequestbodyaccess
    secrequestbodyinmemorylimit secrequestbodyjsondepthlimit secrequestbodylimit secrequestbodylimitaction
    secrequestbodynofileslimit secresponsebodyaccess secresponsebodylimit secresponsebodylimitaction
    secresponsebodymimetype secresponsebodymimetypesclear secruleengine secruleinheritance secruleperftime
    secsensorid secserversignature secstatusengine secstreaminbodyinspection secstreamoutbodyinspection
    sectmpdir sectmpsaveuploadedfiles secunicodecodepage secunicodemapfile secuploaddir secuploadfilelimit
    secuploadfilemode secuploadkeepfiles secwebappid secxmlexternalentity
""")

#: Directives that this engine refuses: with the reason.
REFUSED: Mapping[str, str] = {
    "secrulescript": "it would run a program written in another language",
    "secremoterules": "rules come from files of this machine only",
    "secremoterulesfailaction": "rules come from files of this machine only",
}

PHASES: Mapping[str, int] = {
    "1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "request": 2, "response": 4, "logging": 5,
}  # fmt: skip

#: Severities as in syslog: by word and by number, both to the number as text.
SEVERITIES: Mapping[str, str] = {
    word: str(number)
    for number, name in enumerate(
        ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
    )
    for word in (name, str(number))
}  # fmt: skip

MOST_WARNINGS = 1_000


class Notes:
    """What is worth telling about a rule set that is nonetheless used; at most MOST_WARNINGS lines."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def tell(self, place: Place, what: str) -> None:
        """Keep one line: where, and what."""
        if len(self._lines) < MOST_WARNINGS:
            self._lines.append(f"{place.file}:{place.line}: {what}")

    def check(self, known: frozenset[str], name: str, kind: str, place: Place) -> None:
        """Keep a line when a name does not stand in its table."""
        if name not in known:
            self.tell(place, f"unknown {kind} {name[:60]}")

    def lines(self) -> tuple[str, ...]:
        """Give what was told, in order."""
        return tuple(self._lines)
