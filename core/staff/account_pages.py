"""Pages of the operator's own account: signing in and out, the password, the language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.rules.passwords import LONGEST
from core.staff import texts
from core.staff.flow import Operator
from core.staff.login_desk import Attempt, LoginDesk
from core.staff.metrics import StaffMetrics
from core.staff.renderer import Frame, Renderer
from core.staff.visit import LANGUAGE_COOKIE, Reply, Visit, local_address, redirect
from wire_formats.bilingual import LANGUAGES
from wire_formats.errors import Kind, Refused
from wire_formats.inner_web.language import COOKIE_LIFE_S
from wire_formats.inner_web.replies import status_of

MOST_NAME: Final = 64
_NOTES: Final = {"out": "logged_out", "expired": "expired"}
_WEAK: Final = {
    "length": "fault_length",
    "derivable": "fault_derivable",
    "same": "fault_same",
}


@dataclass(frozen=True)
class AccountPages:
    """Signing in, signing out, the password, the language."""

    renderer: Renderer
    desk: LoginDesk
    metrics: StaffMetrics

    def show_login(self, visit: Visit, _operator: Operator | None, _place: Mapping[str, str]) -> Reply:
        """Show the form, and why it is shown again."""
        if visit.session is not None:
            return redirect("/")
        return self._login_page(visit)

    def log_in(self, visit: Visit, _operator: Operator | None, _place: Mapping[str, str]) -> Reply:
        """Sign in; the same words for every failure."""
        name, password = visit.form.get("user_name", "").strip(), visit.form.get("password", "")
        if not 0 < len(name) <= MOST_NAME or not 0 < len(password) <= LONGEST:
            return self._login_page(visit, fault="fault_login", status=403)
        try:
            operator = self.desk.sign_in(Attempt(name, password, visit.client.fingerprint), visit.now_ms)
        except Refused as refused:
            self.metrics.logins["locked" if refused.kind is Kind.LOCKED_OUT else "failed"].inc()
            key = "fault_locked" if refused.kind is Kind.LOCKED_OUT else "fault_login"
            return self._login_page(
                visit, fault=key, status=status_of(refused.kind), seconds=refused.retry_after_s or 0, name=name
            )
        self.metrics.logins["done"].inc()
        return redirect("/password" if operator.must_change else "/", begin_for=operator.operator_id)

    def log_out(self, _visit: Visit, _operator: Operator | None, _place: Mapping[str, str]) -> Reply:
        """End the session."""
        return redirect("/login?note=out", end=True)

    def show_password(self, visit: Visit, operator: Operator | None, _place: Mapping[str, str]) -> Reply:
        """Show the form for a new password."""
        return self._password_page(visit, operator)

    def change_password(self, visit: Visit, operator: Operator | None, _place: Mapping[str, str]) -> Reply:
        """Change the password; every other session of the operator ends."""
        assert operator is not None
        old, new, again = (visit.form.get(name, "") for name in ("old_password", "new_password", "new_again"))
        if new != again:
            return self._password_page(visit, operator, fault="fault_again")
        if not 0 < len(old) <= LONGEST or not 0 < len(new) <= LONGEST:
            return self._password_page(visit, operator, fault="fault_old" if not new else "fault_length")
        attempt = Attempt(operator.user_name, old, visit.client.fingerprint)
        try:
            self.desk.change_password(attempt, new, visit.now_ms)
        except Refused as refused:
            if refused.kind is Kind.LOCKED_OUT:
                return self._password_page(
                    visit, operator, fault="fault_locked", seconds=refused.retry_after_s or 0, status=429
                )
            weak = refused.kind is Kind.WEAK_PASSWORD
            return self._password_page(
                visit, operator, fault=_WEAK.get(refused.private, "fault_common") if weak else "fault_old"
            )
        return redirect("/?done=changed", begin_for=operator.operator_id)

    def set_language(self, visit: Visit, _operator: Operator | None, place: Mapping[str, str]) -> Reply:
        """Keep the choice of language and go back."""
        wanted = place["language"]
        if wanted not in LANGUAGES:
            raise Refused(Kind.NOT_FOUND, "no such language")
        cookie = f"{LANGUAGE_COOKIE}={wanted}; Path=/; Max-Age={COOKIE_LIFE_S}; Secure; HttpOnly; SameSite=Strict"
        return redirect(local_address(visit.query.get("back", "/")), headers=(("Set-Cookie", cookie),))

    def _login_page(
        self, visit: Visit, *, fault: str = "", status: int = 200, seconds: int = 0, name: str = ""
    ) -> Reply:
        words = texts.TEXTS
        model = {
            "fault": words[fault].of(visit.language).format(seconds=seconds) if fault else "",
            "note": _NOTES.get(visit.query.get("note", ""), ""),
            "serial": f"{visit.client.serial:x}",
            "user_name": name,
        }
        return self.renderer.page(visit, Frame(words["login"].of(visit.language)), "login.html", model, status=status)

    def _password_page(
        self, visit: Visit, operator: Operator | None, *, fault: str = "", seconds: int = 0, status: int = 422
    ) -> Reply:
        words = texts.TEXTS
        model = {
            "fault": words[fault].of(visit.language).format(seconds=seconds) if fault else "",
            "forced": operator is not None and operator.must_change,
            "user_name": operator.user_name if operator is not None else "",
        }
        frame = Frame(words["change"].of(visit.language), operator, "password")
        return self.renderer.page(visit, frame, "password.html", model, status=status if fault else 200)
