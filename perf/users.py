"""What users do: sign in, query, declare one, upload a workbook and follow it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from ops.visitor.exchange import Answer, File, PageError
from ops.visitor.wage_workbook import SERVICE, Employee
from perf.client import Client
from perf.shapes import texts

POLL_S: Final = 0.1
FOLLOW_S: Final = 180.0


def query_unit(client: Client) -> None:
    """C4, unit data: a query through both ferries.

    Raises:
        PageError: no result.
    """
    answer = client.get("/s/unit.profile")
    if answer.status != 200 or b'id="result"' not in answer.body:
        raise PageError(f"query: {answer.status} {answer.page().heading()}")


def declare_one(client: Client, year: str, employee: Employee) -> float:
    """B10, one wage declaration from check page to decided receipt.

    Returns:
        Seconds from the submit button to the page that shows the result.

    Raises:
        PageError: refused, or no result in time.
    """
    path = "/s/wage.declare"
    form = client.get(path).page().form(path)
    known = {"year": year, "id_number": employee.id_number, "name": employee.name, "wage": employee.wage}
    checked = client.send(form, {**texts("wage.declare", known), "action": "check"}).page().form(path)
    began = time.perf_counter()
    follow(client, client.send(checked, {"action": "submit"}))
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Uploaded:
    """How a workbook fared."""

    taken_s: float
    answered_s: float
    page: Answer


def upload(client: Client, content: bytes) -> Uploaded:
    """B13, a workbook from upload to the last row's answer.

    Raises:
        PageError: refused, or no result in time.
    """
    path = f"/b/{SERVICE}"
    form = client.get(path).page().form(path)
    began = time.perf_counter()
    answer = client.upload(form, {}, File("workbook", "wages.xlsx", content))
    taken = time.perf_counter() - began
    page = follow(client, answer)
    return Uploaded(taken, time.perf_counter() - began, page)


def follow(client: Client, answer: Answer) -> Answer:
    """Look again until the page no longer refreshes itself.

    Raises:
        PageError: an error page, or no result in time.
    """
    end = time.monotonic() + FOLLOW_S
    while answer.waits:
        if time.monotonic() > end:
            raise PageError(f"{answer.path}: no result after {FOLLOW_S} s")
        time.sleep(POLL_S)
        answer = client.get(f"{answer.path.partition('?')[0]}?auto=1")
    return answer
