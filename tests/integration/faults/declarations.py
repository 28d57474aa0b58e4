"""Many single wage declarations under way, each with its own person or wage, and what became of each."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ops.visitor.exchange import NoAnswerError
from ops.visitor.wage_workbook import read_roster
from tests.support.hall_user import HallUser
from tests.support.whole_system import WholeSystem, until

PATH = "/s/wage.declare"
YEAR = "2024"
LEAST_WAGE_FEN = 400_000


class Employee(NamedTuple):
    """Whose wage is declared."""

    id_number: str
    name: str


@dataclass(slots=True)
class Declaration:
    """One transaction as its user knows it."""

    user: HallUser
    employee: Employee
    wage_fen: int
    receipt: str = ""
    reference: str = ""
    last: str = ""
    state: str = ""

    @property
    def acknowledged(self) -> bool:
        """Whether the user has seen a receipt with a reference number."""
        return bool(self.reference)

    @property
    def request_id(self) -> bytes:
        """What the receipt's address names."""
        return bytes.fromhex(self.receipt.rpartition("/")[2])


def employees(system: WholeSystem, label: str) -> list[Employee]:
    """The employees of a demo account's unit, in a fixed order."""
    if label == "unit":
        roster = read_roster(system.layout.demo / "roster.csv")
        return [Employee(row[0], row[1]) for row in roster.rows]
    query = """SELECT DISTINCT p.id_number, p.name FROM account a JOIN enrolment e ON e.unit_id = a.unit_id
               JOIN person p ON p.person_id = e.person_id
               WHERE a.user_name = ? AND e.state = 'active' ORDER BY p.person_id"""
    with system.production() as db:
        return [Employee(*row) for row in db.execute(query, (f"demo-{label}",))]


def declare(user: HallUser, one: Declaration) -> None:
    """Fill in the form, send it until it is taken, note the receipt."""
    path = PATH
    seen = user.patiently_get(path)
    if seen.status != 200:
        one.last = f"{seen.status} {seen.code}"
        return
    yuan = f"{one.wage_fen // 100}.{one.wage_fen % 100:02d}"
    typed = {"year": YEAR, "id_number": one.employee.id_number, "name": one.employee.name, "wage": yuan}
    taken = user.patiently_send(seen.page().form(path), {**typed, "action": "submit"})
    one.last = f"{taken.status} {taken.path} {taken.code or taken.page().problem()[:80]}"
    if taken.status == 200 and taken.path.startswith("/r/"):
        one.receipt, one.reference = taken.path.partition("?")[0], taken.reference


@dataclass(slots=True)
class Load:
    """Users who declare one after the other, as far as they are permitted."""

    system: WholeSystem
    users: list[HallUser]
    total: int
    pause_s: float = 0.05
    declarations: list[Declaration] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    finished: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _permits: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Share the work among the users and begin; no wage has been declared before."""
        with self.system.production() as db:
            highest = db.execute("SELECT max(wage_fen) FROM wage_declaration WHERE case_id IS NOT NULL").fetchone()[0]
        first_wage_fen = max(highest or 0, LEAST_WAGE_FEN) + 1
        people = {label: employees(self.system, label) for label in {user.label for user in self.users}}
        turn: Counter[str] = Counter()
        shares: list[list[Declaration]] = [[] for _ in self.users]
        for number in range(self.total):
            user = self.users[number % len(self.users)]
            mine = people[user.label]
            one = Declaration(user, mine[turn[user.label] % len(mine)], first_wage_fen + number)
            turn[user.label] += 1
            self.declarations.append(one)
            shares[number % len(self.users)].append(one)
        for user, share in zip(self.users, shares, strict=True):
            thread = threading.Thread(target=self._work, args=(user, share), daemon=True)
            self._threads.append(thread)
            thread.start()

    def permit(self, count: int) -> None:
        """Let so many more begin; users wait for each other's permits in no order."""
        self._permits.release(count)

    def wait_for(self, count: int, *, within_s: float = 90) -> None:
        """Wait until so many have been brought to an end."""
        until(lambda: self.finished >= count, within_s=within_s, what=f"{count} declarations, {self.finished} so far",
              every_s=0.02)  # fmt: skip

    def join(self, *, within_s: float) -> None:
        """Wait until every user has done all their work."""
        end = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
            assert not thread.is_alive(), f"{self.finished} of {self.total} after {within_s} s"

    def see_results(self, *, within_s: float) -> None:
        """Every user looks at each of their receipts until it shows a result."""
        end = time.monotonic() + within_s
        for one in self.declarations:
            if one.acknowledged:
                seen = one.user.follow(one.receipt, within_s=max(1.0, end - time.monotonic()))
                one.state = seen.state if seen.status == 200 else f"{seen.status} {seen.code}"

    def troubles(self) -> Counter[str]:
        """What users met on the way, counted."""
        return Counter(trouble for user in self.users for trouble in user.troubles)

    def _work(self, user: HallUser, share: list[Declaration]) -> None:
        for one in share:
            self._permits.acquire()
            try:
                declare(user, one)
            except (NoAnswerError, LookupError) as error:
                one.last = f"{type(error).__name__}: {error}"
            except BaseException as error:
                self.errors.append(repr(error))
                raise
            with self._lock:
                self.finished += 1
            time.sleep(self.pause_s)


def effects(system: WholeSystem, declarations: list[Declaration]) -> list[str]:
    """Every way in which the production database disagrees with what users were told; empty is right."""
    wrong = []
    with system.production() as db:
        applied = Counter(bytes(row[0]) for row in db.execute("SELECT request_id FROM applied"))
        cases = Counter(row[0] for row in db.execute("SELECT case_id FROM service_case"))
        rows: dict[str, list[int]] = {}
        for case_id, wage in db.execute("SELECT case_id, wage_fen FROM wage_declaration WHERE case_id IS NOT NULL"):
            rows.setdefault(case_id, []).append(wage)
        held = db.execute("SELECT reason, count(*) FROM held_request GROUP BY reason").fetchall()
    wages = Counter(wage for each in rows.values() for wage in each)
    for one in declarations:
        if one.acknowledged:
            key = one.request_id.hex()
            found = (applied[one.request_id], cases[key], rows.get(key, []))
            if found != (1, 1, [one.wage_fen]):
                wrong.append(f"{one.reference}: applied, cases, wages {found}, declared {one.wage_fen}")
        elif wages[one.wage_fen] > 1:
            wrong.append(f"never acknowledged ({one.last}), but {wages[one.wage_fen]} effects")
    wrong.extend(f"held: {row[0]} {row[1]}" for row in held)
    wrong.extend(f"applied twice: {key.hex()}" for key, times in applied.items() if times > 1)
    return wrong
