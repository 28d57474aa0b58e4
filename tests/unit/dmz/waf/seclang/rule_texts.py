"""Rule files in memory, and a printer of rules."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Mapping

from dmz.waf.seclang.model import Action, Operator, Rule, RuleSet, RuleSetError, Selection, Variable
from dmz.waf.seclang.reader import read_rule_set

MAIN = "/rules/main.conf"


class MemoryFiles:
    """RuleFiles over a mapping of absolute paths."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def find(self, pattern: str, beside: str) -> tuple[str, ...]:
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(beside) or "/rules", pattern))
        return tuple(sorted(name for name in self._files if fnmatch.fnmatchcase(name, wanted)))

    def read(self, file: str, most: int) -> bytes:
        if len(self._files[file]) > most:
            raise RuleSetError(f"{file} has more than {most} bytes")
        return self._files[file]


def read_text(text: str | bytes, **others: str | bytes) -> RuleSet:
    """Read one main file; others stand beside it, by name with _ for the dot (``words_data``)."""
    files = {name.replace("_", "."): content for name, content in others.items()}
    encoded = {
        posixpath.join("/rules", name): content.encode() if isinstance(content, str) else content
        for name, content in {"main.conf": text, **files}.items()
    }
    return read_rule_set([MAIN], MemoryFiles(encoded))


def only_rule(text: str) -> Rule:
    (rule,) = read_text(text).rules()
    return rule


def print_rule(rule: Rule) -> str:
    """Write a rule the long way: every argument quoted, the lines continued as CRS does."""
    links = [rule, *rule.chain]
    return "".join(_directive(link, chained=at + 1 < len(links), first=at == 0) for at, link in enumerate(links))


def _directive(rule: Rule, *, chained: bool, first: bool) -> str:
    words = [f"id:{rule.id}", f"phase:{rule.phase}", rule.disruption.value] if first else []
    words += ["t:none", *(f"t:{name}" for name in rule.transformations)]
    words += [_action(action) for action in rule.actions]
    words += ["capture"] * rule.captures + ["multiMatch"] * rule.multi_match + ["chain"] * chained
    if rule.skip_after:
        words.append("skipAfter:" + _single(rule.skip_after))
    actions = _double(",\\\n    ".join(words))
    if rule.operator is None:
        return f"SecAction \\\n    {actions}\n"
    variables = _double("|".join(_variable(variable) for variable in rule.variables))
    return f"SecRule {variables} {_double(_operator(rule.operator))} \\\n    {actions}\n"


def _action(action: Action) -> str:
    return f"{action.name}:{_single(action.argument)}" if action.argument else action.name


def _variable(variable: Variable) -> str:
    sign = "&" * variable.counted + "!" * variable.excluded
    if variable.selection is Selection.ALL:
        return sign + variable.collection
    selector = f"/{variable.selector}/" if variable.selection is Selection.PATTERN else _single(variable.selector)
    return f"{sign}{variable.collection}:{selector}"


def _operator(operator: Operator) -> str:
    return "!" * operator.negated + f"@{operator.name} {operator.argument}"


def _single(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"


def _double(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
