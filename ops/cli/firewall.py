"""`ferrygate waf`: check the firewall's rules before they are in force, and explain a verdict."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

from dmz.messages import Window
from dmz.waf.explain import MOST_REQUEST_BYTES, Explanation, explain
from dmz.waf.guard import build_firewall
from dmz.waf.rule_store import PREPARED, compile_stored, read_rules
from dmz.waf.settings import FirewallSettings
from ops.cli.faults import CannotRunError
from ops.cli.table import render
from ops.cli.words import Words, add_root
from ops.layout import Layout
from ops.roles.edge import EdgeFile, rule_cache
from wire_formats.settings_reader import load_settings

EXIT_REFUSED: Final = 1
WINDOWS: Final = ("unit", "community", "person", "site")
_SEVERITIES: Final = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
_ABOUT: Final = "Web application firewall: check its rules before they are in force, and explain a verdict."
_CHECK: Final = (
    "Read and compile the rules that the edge's settings name, and keep the compiled set for its next start. "
    "Then `ferrygate replace edge` puts them in force. Changes nothing else. Exit code 0 when they can be used."
)
_PREPARE: Final = (
    "Compile the rules that ship with the product, once for this machine and Python environment: edges then start at "
    "once; `make run` and `make test` do it. Needs no installation."
)
_EXPLAIN: Final = (
    "Say what every stage of the firewall thinks of one HTTP request in a file: the grammar, the allow-list, and each "
    "rule that matches, with where and what it matched and the score. Exit code 0 when it would pass, 1 when not. "
    "What matched is printed: it may be personal data."
)


def firewall(words: list[str]) -> int:
    """Run ``ferrygate waf`` with its words.

    Raises:
        CannotRunError: a file that cannot be read.
        SettingsError: rules that cannot be used.
        SystemExit: wrong words, or --help.
    """
    found = _parser().parse_args(words)
    if found.command == "prepare":
        return _prepare()
    if found.command == "check":
        return _check(found.root.resolve())
    return _explain(found.root.resolve(), found.request, found.window, found.rules, found.paranoia)


def _parser() -> Words:
    parser = Words(prog="ferrygate waf", description=_ABOUT)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    check = commands.add_parser("check", help="read and compile the rules", description=_CHECK)
    add_root(check)
    commands.add_parser("prepare", help="compile the shipped rules for this machine", description=_PREPARE)
    told = commands.add_parser("explain", help="say why a request is refused or passes", description=_EXPLAIN)
    add_root(told)
    told.add_argument("request", metavar="REQUEST-FILE", help="the request as it was sent; - reads standard input")
    told.add_argument("--window", choices=WINDOWS, default="unit", help="entrance at which it came (default: unit)")
    told.add_argument(
        "--rules", metavar="FILE", action="append", help="other rules than the edge's: a file or a pattern, in order"
    )
    told.add_argument("--paranoia", type=int, choices=(1, 2, 3, 4), help="another level than the edge's")
    return parser


def _check(root: Path) -> int:
    file = _edge_file(root)
    if file is None:
        raise CannotRunError(f"{root}: no installation; `ferrygate up` makes one")
    rules = read_rules(file.firewall)
    table = compile_stored(rules, rule_cache(file.edge))
    for warning in rules.warnings:
        print(f"warning: {warning}")
    level = file.firewall.paranoia
    print(
        f"{len(rules.rules())} rules read; {table.rules} of them can run at paranoia level {level}; compiled and kept"
    )
    return 0


def _prepare() -> int:
    try:
        PREPARED.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRunError(f"{PREPARED}: cannot write: {error.strerror}; an edge compiles for itself then") from None
    table = compile_stored(read_rules(FirewallSettings()), PREPARED)
    print(f"{table.rules} firewall rules compiled")
    return 0


def _explain(root: Path, request: str, window: str, rules: list[str] | None, paranoia: int | None) -> int:
    file = _edge_file(root)
    settings = file.firewall if file is not None else FirewallSettings()
    if rules:
        settings = replace(settings, rules=tuple(str(Path(name).absolute()) for name in rules))
    if paranoia:
        settings = replace(settings, paranoia=paranoia)
    pipeline = build_firewall(settings, rule_cache(file.edge) if file is not None else None)
    told = explain(_read(request), cast("Window", window), pipeline)
    print(_words(told, settings))
    return 0 if told.passes else EXIT_REFUSED


def _edge_file(root: Path) -> EdgeFile | None:
    path = Layout(root).settings("edge")
    return load_settings(EdgeFile, path) if path.exists() else None


def _read(name: str) -> bytes:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MOST_REQUEST_BYTES + 1)
        else:
            with Path(name).open("rb") as stream:
                data = stream.read(MOST_REQUEST_BYTES + 1)
    except OSError as error:
        raise CannotRunError(f"{name}: cannot read: {error.strerror}") from None
    if not data.strip():
        raise CannotRunError(f"{name}: holds no request")
    if len(data) > MOST_REQUEST_BYTES:
        raise CannotRunError(f"{name}: more than {MOST_REQUEST_BYTES} bytes")
    return data


def _words(told: Explanation, settings: FirewallSettings) -> str:
    lines = [f"HTTP        {f'refused: {told.http}' if told.http else 'accepted'}"]
    if told.http:
        lines.append("allow-list  not asked")
    elif told.model is None:
        lines.append("allow-list  accepted")
    else:
        field = f" ({told.model.field})" if told.model.field else ""
        lines.append(f"allow-list  refused: {told.model.rule}{field}")
    lines.append(
        f"rules       score {told.score}, threshold {settings.threshold}, paranoia level {settings.paranoia}; "
        f"{len(told.rules.matches)} matched, {told.rules.rules_run} looked at one by one"
    )
    rows = [
        (
            str(match.rule_id),
            _SEVERITIES[int(match.severity)] if match.severity.isdecimal() else "",
            match.where,
            match.message[:100],
            ascii(match.value.decode("utf-8", "replace"))[1:-1][:80],
        )
        for match in told.rules.matches
    ]
    if rows:
        lines += ["", render(("rule", "severity", "where", "message", "what matched"), rows), ""]
    lines.append(f"verdict     {_verdict(told)}")
    return "\n".join(lines)


def _verdict(told: Explanation) -> str:
    if told.http:
        return f"refused by the HTTP grammar: {told.http}"
    if told.verdict is None or told.verdict.allowed:
        return "passes"
    stage = told.verdict.stage.value if told.verdict.stage is not None else ""
    return f"refused ({stage}): {told.verdict.rule}" + (f" in {told.verdict.field}" if told.verdict.field else "")
