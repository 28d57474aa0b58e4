"""The firewall around a handler: what stays out, what never leaves, and what the audit line says."""

from __future__ import annotations

import html
import sqlite3
import traceback
from typing import cast

from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from dmz.hall.backend_port import Download
from dmz.hall.replies import download, language_cookie, page, session_cookie, signed_out
from dmz.messages import HallRequest, HallResponse
from dmz.waf.guard import guarded
from dmz.waf.pipeline import WafPipeline
from tests.support.hall_firewall import hall_firewall
from wire_formats.bilingual import Label
from wire_formats.errors import Bug, Kind, Refused
from wire_formats.log_fields import ALLOWED


def _real_insides() -> list[bytes]:
    """What programs write when they break: made by breaking them."""
    found = []
    for fault in (lambda: 1 // 0, lambda: sqlite3.connect(":memory:").execute("select * from accounts")):
        try:
            fault()
        except (ZeroDivisionError, sqlite3.Error):
            found.append(traceback.format_exc())
    try:
        with create_engine("sqlite://").connect() as connection:
            connection.execute(text("select * from accounts where name = 'x'"))
    except SQLAlchemyError as error:
        found.append(str(error))
    found.append(repr(iter(found)))
    return [part for each in found for part in (each.encode(), html.escape(each).encode())]


class Guard(SynchronousTestCase):
    def setUp(self):
        self.registry = CollectorRegistry()
        self.asked = []
        self.response = HallResponse(200, (("Content-Type", "text/html; charset=utf-8"),), b"<p>ok</p>")
        self.now_s = self.tick_s = 0.0
        self.paused = 0
        self.handler = guarded(
            self.inner, hall_firewall(), registry=self.registry, seconds=self.seconds, pause=self.pause
        )
        self.lines = []
        observer = cast("ILogObserver", self.observe)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def seconds(self):
        self.now_s += self.tick_s
        return self.now_s

    async def pause(self):
        self.paused += 1

    async def inner(self, request):
        self.asked.append(request)
        return self.response

    def observe(self, event):
        if event.get("log_format") == "firewall_refused":
            self.lines.append({key: value for key, value in event.items() if key in ALLOWED})
            known = {"request_id", "window", "stage", "rule", "reason", "score"}
            added = {"log_", "message", "time", "system", "format", "isError"}
            unknown = set(event) - known
            self.assertEqual({key for key in unknown if not key.startswith(tuple(added))}, set())

    def ask(self, request):
        return Deferred.fromCoroutine(self.handler(request))

    def count(self, stage, verdict="refused"):
        return self.registry.get_sample_value("dmz_waf_verdicts_total", {"stage": stage, "verdict": verdict})

    def test_what_may_pass_passes(self):
        self.assertIs(self.successResultOf(self.ask(HallRequest("GET", "unit", "/login"))), self.response)
        self.assertEqual((self.count("all", "passed"), self.lines), (1, []))

    def test_a_refusal_never_reaches_the_worker_and_is_one_line_without_the_value(self):
        pairs = (("user_name", "' or 1=1--"), ("password", "secret"), ("next", ""))
        request = HallRequest(
            "POST",
            "unit",
            "/login",
            form=pairs,
            headers={"content-type": "application/x-www-form-urlencoded"},
            request_id="ab" * 16,
        )
        error = self.failureResultOf(self.ask(request), Refused).value
        self.assertIs(error.kind, Kind.FIREWALL)
        self.assertEqual(self.asked, [])
        (line,) = self.lines
        self.assertEqual((line["request_id"], line["reason"]), ("ab" * 16, "user_name"))
        self.assertTrue(line["rule"].isdecimal())
        self.assertNotIn("1=1", repr(line) + str(error))
        self.assertEqual(self.count("negative"), 1)

    def test_who_is_refused_hears_which_field_and_not_which_rule(self):
        kind = {"content-type": "application/x-www-form-urlencoded"}
        for note, detail in (("<script>alert(1)</script>", ""), ("x" * 2_000, "param.too_long: note")):
            asked = HallRequest("POST", "unit", "/s/employee.add", form=(("note", note),), headers=kind)
            error = self.failureResultOf(self.ask(asked), Refused).value
            self.assertEqual((error.field, error.detail), (Label("备注", "Note"), detail))
        elsewhere = HallRequest("GET", "unit", "/login", headers={"user-agent": "x <script>alert(1)</script>"})
        self.assertIsNone(self.failureResultOf(self.ask(elsewhere), Refused).value.field)

    def test_a_long_judgement_lets_others_have_their_turn(self):
        self.tick_s = 0.003
        fresh = WafPipeline(hall_firewall().table, hall_firewall().engine)  # one that has not seen the like before
        self.handler = guarded(self.inner, fresh, registry=CollectorRegistry(), seconds=self.seconds, pause=self.pause)
        pairs = (("user_name", "O'Brien &c"), ("password", "secret"), ("next", ""))
        kind = {"content-type": "application/x-www-form-urlencoded"}
        self.successResultOf(self.ask(HallRequest("POST", "unit", "/login", form=pairs, headers=kind)))
        self.assertGreater(self.paused, 3)

    def test_answers_that_must_not_leave(self):
        page = ("Content-Type", "text/html; charset=utf-8")
        sheet = ("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        session = "__Host-fg-unit=abc; Path=/; Secure; HttpOnly; SameSite=Strict"
        refused = (
            (HallResponse(200, (page, ("X-Powered-By", "x"))), "answer.header"),
            (HallResponse(200, (page, page)), "answer.header"),
            (HallResponse(299, (page,)), "answer.status"),
            (HallResponse(303, (("Location", "https://evil.example/"),)), "answer.location"),
            (HallResponse(303, (("Location", "//evil.example/"),)), "answer.location"),
            *(
                (HallResponse(200, (page, ("Set-Cookie", cookie))), "answer.cookie")
                for cookie in (
                    session.replace("Strict", "Lax"),
                    session.replace(" HttpOnly;", ""),
                    session.replace(" Secure;", ""),
                    session.replace("Path=/", "Path=/; Domain=example.org"),
                    session.replace("Path=/", "Path=/s"),
                    session.replace("abc", "a b"),
                    session.replace("__Host-fg-unit", "other"),
                )
            ),
            *(
                (HallResponse(200, (sheet, ("Content-Disposition", name)), b"PK"), "answer.file_name")
                for name in ("inline", 'attachment; filename="../x"', "attachment; filename*=UTF-8''x", "form-data")
            ),
            (HallResponse(200, (("Content-Type", "text/html"),), b"<p>"), "answer.type"),
            (HallResponse(200, (("Content-Type", "application/json"),), b"{}"), "answer.type"),
            (HallResponse(200, (), b"<p>"), "answer.type"),
            (HallResponse(200, (page, ("Content-Encoding", "gzip")), b"\x1f\x8b"), "answer.type"),
            (HallResponse(200, (page, ("Content-Encoding", "br")), b"<p>"), "answer.type"),
            (HallResponse(200, (page,), b"x" * (4 * 1024 * 1024 + 1)), "answer.too_large"),
            (HallResponse(200, (sheet,), b"x" * (16 * 1024 * 1024 + 1)), "answer.too_large"),
            *((HallResponse(500, (page,), b"<pre>" + trace + b"</pre>"), "answer.trace") for trace in INSIDES),
        )
        for response, rule in refused:
            self.response = response
            error = self.failureResultOf(self.ask(HallRequest("GET", "unit", "/login")), Bug).value
            self.assertEqual(error.private, rule)
        self.assertEqual(self.count("response"), len(refused))
        self.assertEqual([line["stage"] for line in self.lines], ["response"] * len(refused))

    def test_usual_answers_leave(self):
        dropped = signed_out(HallResponse(200), "person").headers
        cookies = (session_cookie("unit", "abc_-"), *dropped, language_cookie("zh-CN"))
        for response in (
            HallResponse(
                303, (("Location", "/s/employee.add?draft=1&note=saved"), ("Cache-Control", "no-store"), *cookies)
            ),
            HallResponse(200, (("Content-Type", "application/x-pkcs12"),), b"Traceback (most recent call last)"),
            HallResponse(304, (("ETag", '"x"'),)),
            page("他说：“Traceback 是什么？” it was in a File", "en"),
            download(Download("工资.xlsx", "application/pdf", b"%PDF")),
            HallResponse(200, (("Content-Type", "text/css; charset=utf-8"), ("Content-Encoding", "gzip")), b"\x1f\x8b"),
        ):
            self.response = response
            self.assertIs(self.successResultOf(self.ask(HallRequest("GET", "unit", "/login"))), response)


INSIDES = [
    *_real_insides(),
    b"-----BEGIN PRIVATE KEY-----",
    b"-----BEGIN EC PRIVATE KEY-----",
    b"root:x:0:0:root:/root:/bin/bash",
    b'ERROR:  syntax error at or near "selec"',
    b"jinja2.exceptions.UndefinedError: 'x' is undefined",
]
