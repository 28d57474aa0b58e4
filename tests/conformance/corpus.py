"""The regression corpus of a Core Rule Set tree: its YAML files → cases.

Two shapes are read: that of CRS v4 (``rule_id``, ``tests[].test_id``, ``output.log.expect_ids``) and that of CRS v3
(``test_title``, ``stages[].stage``, ``output.log_contains``).  What a file says about the server it was written for
(address, port, protocol) is left out.

Source: CRS, tests/regression; the published schema of its test files (ftw-tests-schema).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.wire import written_request

_ID = re.compile(r"id[: ]\"?(\d+)")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CorpusError(Exception):
    """A corpus that cannot be read."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come of a stage.

    Attributes:
        ids: rules that must match.
        no_ids: rules that must not.
        match: a pattern that the log must hold, or "".
        no_match: a pattern that it must not hold, or "".
        statuses: answers of which one must come; none: any.
        may_fail: the server may close without an answer.
    """

    ids: frozenset[int] = frozenset()
    no_ids: frozenset[int] = frozenset()
    match: str = ""
    no_match: str = ""
    statuses: frozenset[int] = frozenset()
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One test.

    Attributes:
        rule: the rule it is about.
        number: of the rule's tests.
        stages: what is sent, in order, with what must come of it.
    """

    rule: int
    number: int
    stages: tuple[tuple[bytes, Expected], ...]

    @property
    def name(self) -> str:
        """As people write it: ``942100-7``."""
        return f"{self.rule}-{self.number}"

    @property
    def kind(self) -> str:
        """``positive`` when a rule must match, ``negative`` when one must not, else ``status``."""
        expected = [stage for _, stage in self.stages]
        if any(stage.ids or stage.match for stage in expected):
            return "positive"
        return "negative" if any(stage.no_ids or stage.no_match for stage in expected) else "status"


def read_corpus(directory: Path) -> list[Case]:
    """Read every file below a directory, in order of their names.

    Raises:
        CorpusError: no such directory, no tests in it, or a file that is none of theirs.
    """
    if not directory.is_dir():
        raise CorpusError(f"no such directory: {directory}")
    found = [case for path in sorted(directory.rglob("*.yaml")) for case in _read_file(path)]
    if not found:
        raise CorpusError(f"no tests below {directory}")
    return found


def _read_file(path: Path) -> Iterator[Case]:
    try:
        document = yaml.load(path.read_bytes(), Loader=_LOADER)
    except (OSError, yaml.YAMLError) as error:
        raise CorpusError(f"{path}: {error}") from None
    if document is None:
        return
    if not isinstance(document, dict):
        raise CorpusError(f"{path}: not a file of tests")
    is_v4 = "rule_id" in document
    for number, test in enumerate(document.get("tests") or [], 1):
        rule, own_number = _name_of(document, test, path)
        stages = (stage.get("stage", stage) for stage in test["stages"])
        sent = tuple((written_request(s["input"], empty_length=is_v4), _expected(s["output"])) for s in stages)
        yield Case(rule, own_number or number, sent)


def _name_of(document: Mapping[str, Any], test: Mapping[str, Any], path: Path) -> tuple[int, int]:
    if "rule_id" in document:
        return int(document["rule_id"]), int(test.get("test_id", 0))
    title = re.match(r"(\d+)-?(\d*)", str(test.get("test_title", "")))
    if title:
        return int(title[1]), int(title[2] or 0)
    stem = re.match(r"\d+", path.stem)
    return int(stem[0]) if stem else 0, 0


def _expected(output: Mapping[str, Any]) -> Expected:
    log = output.get("log") or {}
    status = output.get("status", [])
    contains, lacks = str(output.get("log_contains") or ""), str(output.get("no_log_contains") or "")
    return Expected(
        ids=_ids(log, "expect_id") | _ids_in(contains),
        no_ids=_ids(log, "no_expect_id") | _ids_in(lacks),
        match=str(log.get("match_regex") or "") or ("" if _ids_in(contains) else re.escape(contains)),
        no_match=str(log.get("no_match_regex") or "") or ("" if _ids_in(lacks) else re.escape(lacks)),
        statuses=frozenset(int(one) for one in (status if isinstance(status, list) else [status])),
        may_fail=bool(output.get("expect_error")),
    )


def _ids(log: Mapping[str, Any], name: str) -> frozenset[int]:
    listed = log.get(f"{name}s") or ([log[name]] if name in log else [])
    return frozenset(int(one) for one in listed)


def _ids_in(text: str) -> frozenset[int]:
    return frozenset(int(one) for one in _ID.findall(text))
