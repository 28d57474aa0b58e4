from __future__ import annotations

from typing import cast

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from dmz.messages import HallRequest, HallResponse
from dmz.waf.guard import guarded
from dmz.waf.settings import FirewallSettings
from wire_formats.errors import Bug, Kind, Refused
from wire_formats.log_fields import ALLOWED


class Guard(SynchronousTestCase):
    def setUp(self):
        self.registry = CollectorRegistry()
        self.asked = []
        self.response = HallResponse(200, (("Content-Type", "text/html; charset=utf-8"),), b"<p>ok</p>")
        self.handler = guarded(self.inner, FirewallSettings(), registry=self.registry, seconds=lambda: 0.0)
        self.lines = []
        observer = cast("ILogObserver", self.observe)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

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
        self.assertTrue(line["rule"].startswith("sql-"))
        self.assertNotIn("1=1", repr(line) + str(error))
        self.assertEqual(self.count("negative"), 1)

    def test_answers_that_must_not_leave(self):
        page = ("Content-Type", "text/html")
        for response, rule in (
            (HallResponse(200, (page, ("X-Powered-By", "x"))), "answer.header"),
            (HallResponse(200, (page, page)), "answer.header"),
            (HallResponse(299, (page,)), "answer.status"),
            (HallResponse(303, (("Location", "https://evil.example/"),)), "answer.location"),
            (HallResponse(303, (("Location", "//evil.example/"),)), "answer.location"),
            (HallResponse(500, (page,), b"Traceback (most recent call last):"), "answer.trace"),
            (HallResponse(200, (page,), b"x" * (16 * 1024 * 1024 + 1)), "answer.too_large"),
        ):
            self.response = response
            error = self.failureResultOf(self.ask(HallRequest("GET", "unit", "/login")), Bug).value
            self.assertEqual(error.private, rule)
        self.assertEqual(self.count("response"), 7)
        self.assertEqual([line["stage"] for line in self.lines], ["response"] * 7)

    def test_usual_answers_leave(self):
        cookies = (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
        for response in (
            HallResponse(
                303, (("Location", "/s/employee.add?draft=1&note=saved"), ("Cache-Control", "no-store"), *cookies)
            ),
            HallResponse(200, (("Content-Type", "application/x-pkcs12"),), b"Traceback (most recent call last)"),
            HallResponse(304, (("ETag", '"x"'),)),
        ):
            self.response = response
            self.assertIs(self.successResultOf(self.ask(HallRequest("GET", "unit", "/login"))), response)
