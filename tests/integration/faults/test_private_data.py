"""Nothing private in any log, metrics page or quarantine, nor anywhere in the DMZ and on the gap (invariant 5).

Runs after the other faults of this folder on the same installation, so it sees what they left behind.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.faults.declarations import Declaration, declare, employees
from tests.integration.faults.hostile import PLANTED_ID
from tests.support.hall_user import HallUser, account
from tests.support.whole_system import WholeSystem

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
WRONG_PASSWORD = "wrong-but-typed-7f3a"
DRAFTED_WAGE = "98765.43"


def _written(value: str) -> set[bytes]:
    """The ways in which a value may stand in a file."""
    plain = value.encode()
    return {plain, json.dumps(value).strip('"').encode(), plain.hex().encode(), base64.b64encode(plain).rstrip(b"=")}


def _below(folder: Path) -> Iterator[Path]:
    """Everything below a folder in which files come and go."""
    for place, folders, files in os.walk(folder):
        yield from (Path(place, name) for name in (*folders, *files))


def _found(folder: Path, values: dict[str, set[bytes]]) -> list[str]:
    """Every file below a folder, or its name, in which a value stands."""
    found: list[str] = []
    for path in _below(folder):
        data = str(path).encode("utf-8", "surrogateescape") + b"\0"
        with suppress(FileNotFoundError):  # the system runs, and takes its files away
            if path.is_file() and not path.is_symlink():
                data += path.read_bytes()
        found.extend(f"{path}: {what}" for what, forms in values.items() if any(form in data for form in forms))
    return found


@pytest.fixture
def planted(system: WholeSystem) -> dict[str, set[bytes]]:
    """Values that went through the system just now and during the other tests."""
    user = HallUser(system, "unit")
    form = user.get("/login").page().form("/login")
    refused = user.send(form, {"user_name": account(system, "unit").user_name, "password": WRONG_PASSWORD})
    assert refused.path.startswith("/login")
    user.sign_in()
    everybody = employees(system, "unit")
    people = everybody[:30] + everybody[100:106] + everybody[300:302]  # whose wages these tests declare
    one = Declaration(user, people[-2], 4_321_000)
    declare(user, one)
    assert user.follow(one.receipt, within_s=60).state == "Done"
    person = people[-1]
    draft = user.get("/s/wage.declare").page().form("/s/wage.declare")
    typed = {"year": "2024", "id_number": person.id_number, "name": person.name, "wage": DRAFTED_WAGE}
    assert user.send(draft, {**typed, "action": "save"}).status == 200
    wrong = user.send(draft, {**typed, "id_number": person.id_number[:-1] + "?", "action": "check"})
    assert wrong.status == 422
    values = {f"identity number of employee {at}": each.id_number for at, each in enumerate(people)}
    values |= {f"name of employee {at}": each.name for at, each in enumerate(people) if len(each.name) > 2}
    values |= {f"password of {label}": account(system, label).password for label in ("unit", "unit2")}
    values |= {"wrong password": WRONG_PASSWORD, "drafted wage": DRAFTED_WAGE}
    return {what: _written(value) for what, value in values.items()}


def _pages(system: WholeSystem) -> Iterator[tuple[str, str]]:
    processes = system.processes()
    ports = {name: process["metrics_port"] for name, process in processes.items() if process["metrics_port"]}
    assert processes.keys() - ports.keys() == {"ferry_inspector"}  # it has no network
    ports |= {f"edge {at}": ports["edge"] + at for at in range(system.found.edge_children)}
    for name, port in ports.items():
        for page in ("metrics", "healthz"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=30) as answer:
                yield f"{name} {page}", answer.read().decode()


def test_nothing_private_where_it_must_not_be(system: WholeSystem, planted: dict[str, set[bytes]]) -> None:
    layout = system.layout
    for folder in (layout.dmz, layout.gap, layout.ferry_low, layout.ferry_high, layout.run):
        assert _found(folder, planted) == []
    planted["planted in a file name"] = _written(PLANTED_ID)
    logs = {path.parent for path in layout.root.glob("*/log/*.log")}
    assert {folder.parent.name for folder in logs} == {
        "ca", "core", "dmz", "ferry_high", "ferry_inspector", "ferry_low", "gatekeeper", "gatekeeper_low",
    }  # fmt: skip
    for folder in (*logs, *layout.root.glob("ferry_*/quarantine")):
        assert _found(folder, planted) == []
    for name, text in _pages(system):
        hits = [what for what, forms in planted.items() if any(form in text.encode() for form in forms)]
        assert hits == [], name


def test_the_search_finds_what_is_there(system: WholeSystem, planted: dict[str, set[bytes]], tmp_path: Path) -> None:
    """Negative control: the production database holds persons, and a log line with a name would be found."""
    hits = "\n".join(_found(system.layout.core, planted))
    assert "production.sqlite" in hits
    assert "identity number of employee 30" in hits
    assert "name of employee" in hits
    name = next(iter(next(forms for what, forms in planted.items() if what.startswith("name of"))))
    (tmp_path / "x.log").write_bytes(b'{"reason":"' + name + b'"}')
    assert _found(tmp_path, planted)
