"""A person at one of the windows, with patience.

Unlike a test client it does not give up: a refused or cut request is noted and made again, as people do.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from ops.visitor.accounts import AccountBook, Known
from ops.visitor.browser import Browser
from ops.visitor.exchange import Answer, Body, NoAnswerError, PageError, typed
from ops.visitor.pages import Form
from ops.visitor.sign_in import sign_in
from tests.support.whole_system import WholeSystem

DEADLINE_S = 45.0
_SIGN_IN_S = 60.0
_ACCOUNTS_LOCK = threading.Lock()


@dataclass(slots=True)
class HallUser:
    """One browser of one demo account."""

    system: WholeSystem
    label: str
    cookies: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    _browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        window = account(self.system, self.label).window
        port = int(getattr(self.system.found.ports, window))
        context = AccountBook(self.system.layout.demo).context(self.label)
        self._browser = Browser("localhost", port, context, deadline_s=DEADLINE_S)
        self._browser.memory.cookies = self.cookies
        self.system.at_hang_up(self.close)

    def get(self, path: str) -> Answer:
        """Load a page, following redirects; an error page is an answer, too."""
        return self._browser.ask(path)

    def send(self, form: Form, changes: dict[str, str]) -> Answer:
        """Send a form."""
        return self._browser.ask(form.action, typed({**form.values, **changes}))

    def sign_in(self) -> Answer:
        """Sign in; a first password is changed, and the changed one remembered for the other browsers.

        A hall that says it is busy is asked again for a while: what a test has ended before may still be starting.
        """
        end = time.monotonic() + _SIGN_IN_S
        while True:
            try:
                with _ACCOUNTS_LOCK:
                    return sign_in(self._browser, AccountBook(self.system.layout.demo), self.label).answer
            except PageError as error:
                if ": 503 " not in error.told or time.monotonic() > end:
                    raise
            time.sleep(0.5)

    def patiently_get(self, path: str, *, within_s: float = 60) -> Answer:
        """Load a page, again and again while the hall is in trouble; what went wrong is noted."""
        return self._patiently(path, None, within_s)

    def patiently_send(self, form: Form, changes: dict[str, str], *, within_s: float = 60) -> Answer:
        """Send a form, the same one again while the hall is in trouble."""
        return self._patiently(form.action, typed({**form.values, **changes}), within_s)

    def follow(self, path: str, *, within_s: float) -> Answer:
        """Look at a receipt until it no longer waits."""
        end = time.monotonic() + within_s
        while True:
            answer = self.patiently_get(f"{path}?auto=1")
            if not answer.waits or time.monotonic() > end:
                return answer
            time.sleep(0.5)

    def close(self) -> None:
        """Hang up."""
        self._browser.close()

    def _patiently(self, path: str, body: Body | None, within_s: float) -> Answer:
        end = time.monotonic() + within_s
        while True:
            answer = None
            try:
                answer = self._browser.ask(path, body)
            except NoAnswerError as error:
                self.troubles.append(f"cut: {error}")
            else:
                if answer.status < 429:
                    return answer
                self.troubles.append(f"{answer.status} {answer.code or 'NO CODE'}")
            if time.monotonic() > end:
                if answer is None:
                    raise NoAnswerError(f"{path}: no answer within {within_s} s: {self.troubles[-3:]}")
                return answer
            time.sleep(0.3)


def account(system: WholeSystem, label: str) -> Known:
    """What set-up wrote about a demo account, with the password it has now."""
    return AccountBook(system.layout.demo).account(label)
