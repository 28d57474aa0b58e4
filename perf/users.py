"""What users do: sign in, query, declare one, upload a workbook and follow it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Final

from perf.client import Client, HallError, Reply
from perf.shapes import typed
from perf.workbooks import SERVICE, Employee

POLL_S: Final = 0.1
FOLLOW_S: Final = 180.0
_DONE_MARK: Final = re.compile(r'http-equiv="refresh"', re.IGNORECASE)


def query_unit(client: Client) -> None:
    """C4, unit data: a query through both ferries.

    Raises:
        HallError: no result.
    """
    reply = client.get("/s/unit.profile")
    if reply.status != 200 or 'id="result"' not in reply.text:
        raise HallError(f"query: {reply.status} {reply.heading}")


def declare_one(client: Client, year: str, employee: Employee) -> float:
    """B10, one wage declaration from check page to decided receipt.

    Returns:
        Seconds from the submit button to the page that shows the result.

    Raises:
        HallError: refused, or no result in time.
    """
    path = "/s/wage.declare"
    form = client.get(path).form(path)
    known = {"year": year, "id_number": employee.id_number, "name": employee.name, "wage": employee.wage}
    checked = client.post(path, {**form, **typed("wage.declare", known), "action": "check"})
    began = time.perf_counter()
    follow(client, client.post(path, {**checked.form(path), "action": "submit"}))
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Uploaded:
    """How a workbook fared."""

    taken_s: float
    answered_s: float
    page: Reply


def upload(client: Client, content: bytes) -> Uploaded:
    """B13, a workbook from upload to the last row's answer.

    Raises:
        HallError: refused, or no result in time.
    """
    path = f"/b/{SERVICE}"
    form = client.get(path).form(path)
    began = time.perf_counter()
    reply = client.upload(path, form, name="workbook", content=content)
    taken = time.perf_counter() - began
    page = follow(client, reply)
    return Uploaded(taken, time.perf_counter() - began, page)


def follow(client: Client, reply: Reply) -> Reply:
    """Look again until the page no longer refreshes itself.

    Raises:
        HallError: an error page, or no result in time.
    """
    end = time.monotonic() + FOLLOW_S
    while True:
        if reply.status >= 400:
            raise HallError(f"{reply.path}: {reply.status} {reply.heading}")
        if not _DONE_MARK.search(reply.text):
            return reply
        if time.monotonic() > end:
            raise HallError(f"{reply.path}: no result after {FOLLOW_S} s")
        time.sleep(POLL_S)
        reply = client.get(f"{reply.path.partition('?')[0]}?auto=1")
