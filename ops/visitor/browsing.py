"""What every browser does, whatever its connections are made of: pages, forms, workbooks, redirects.  Opens nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ops.visitor.exchange import MOST_REDIRECTS, Answer, Body, File, Memory, PageError, next_path, typed, with_file
from ops.visitor.pages import Form


class Browsing(ABC):
    """One person's browser at one window; a subclass brings the connection.

    Args:
        origin: ``https://host:port`` of the window.
        language: what the browser prefers.
    """

    def __init__(self, origin: str, language: str = "en") -> None:
        self.memory = Memory(origin, language)

    def get(self, path: str) -> Answer:
        """Load a page, following redirects.

        Raises:
            PageError: an error page, or no answer.
        """
        return self.ask(path).good()

    def send(self, form: Form, changes: dict[str, str]) -> Answer:
        """Send a form with some fields filled in.

        Raises:
            PageError: an error page, or no answer.
        """
        return self.ask(form.action, typed({**form.values, **changes})).good()

    def upload(self, form: Form, changes: dict[str, str], file: File) -> Answer:
        """Send a form with one file.

        Raises:
            PageError: an error page, or no answer.
        """
        return self.ask(form.action, with_file({**form.values, **changes}, file)).good()

    def ask(self, path: str, body: Body | None = None) -> Answer:
        """Send one request and follow redirects; an error page is an answer like any other.

        Raises:
            NoAnswerError: refused or cut.
            PageError: too many redirects.
        """
        for _ in range(MOST_REDIRECTS):
            answer = self._ask(path, body)
            further = next_path(answer)
            if further is None:
                return answer
            path, body = further, None
        raise PageError(f"{path}: too many redirects")

    @abstractmethod
    def _ask(self, path: str, body: Body | None) -> Answer:
        """Send one request (POST with a body, else GET) and keep the cookies of its answer.

        Raises:
            NoAnswerError: refused or cut.
        """
