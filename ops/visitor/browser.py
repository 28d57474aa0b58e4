"""A browser as small as it can be: HTTPS with a client certificate, over http.client, for plain threads."""

from __future__ import annotations

import http.client
import ssl
from typing import Final

from ops.visitor.browsing import Browsing
from ops.visitor.exchange import Answer, Body, NoAnswerError

DEADLINE_S: Final = 60.0
MOST_BYTES: Final = 32_000_000


class Browser(Browsing):
    """One person's browser at one window.

    Args:
        host: name in the server's certificate.
        port: the window's port.
        context: TLS with the client certificate loaded.
        language: what the browser prefers.
        deadline_s: how long one answer may take, in seconds.
    """

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext, *, language: str = "en", deadline_s: float = DEADLINE_S
    ) -> None:
        super().__init__(f"https://{host}:{port}", language)
        self._host = host
        self._port = port
        self._context = context
        self._deadline_s = deadline_s
        self._connection: http.client.HTTPSConnection | None = None
        self._served = False

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, path: str, body: Body | None) -> Answer:
        # A page on a kept connection that was closed meanwhile: every browser asks once more by itself.
        again = body is None and self._connection is not None and self._served
        try:
            return self._once(path, body)
        except NoAnswerError:
            if not again:
                raise
            return self._once(path, body)

    def _once(self, path: str, body: Body | None) -> Answer:
        method = "GET" if body is None else "POST"
        try:
            if self._connection is None:
                self._connection = http.client.HTTPSConnection(
                    self._host, self._port, timeout=self._deadline_s, context=self._context
                )
                self._served = False
            self._connection.request(method, path, body=body and body.content, headers=self.memory.headers(body))
            response = self._connection.getresponse()
            data = response.read(MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswerError(f"{method} {path}: {type(error).__name__}: {error}") from None
        self._served = True
        self.memory.keep(response.headers.get_all("Set-Cookie") or ())
        if response.will_close or not response.isclosed():  # one that was not read to its end cannot be used again
            self.close()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, path, headers, data)
