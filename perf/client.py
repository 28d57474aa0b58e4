"""One browser under gevent: TLS with a client certificate over a kept-alive connection.

What it sends, keeps and reads is the visitor's; only the connection differs from ``ops.visitor.browser``: this one is
made for gevent and parses in C, so that the load takes less of the machine that is being measured.
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError

from ops.visitor.browsing import Browsing
from ops.visitor.exchange import Answer, Body, NoAnswerError

TIMEOUT_S: Final = 60.0


class Client(Browsing):
    """A browser at one window.

    Args:
        host: name in the server's certificate.
        port: the window's port.
        context: TLS with the client certificate loaded.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(f"https://{host}:{port}")
        self._http: Any = HTTPClient(
            host,
            port,
            ssl=True,
            ssl_context_factory=lambda *_, **__: context,
            connection_timeout=TIMEOUT_S,
            network_timeout=TIMEOUT_S,
            concurrency=1,
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _ask(self, path: str, body: Body | None) -> Answer:
        method, content = ("GET", b"") if body is None else ("POST", body.content)
        try:
            response = self._http.request(method, path, body=content, headers=self.memory.headers(body))
            data = bytes(response.read())
        except (OSError, HTTPParseError) as error:
            raise NoAnswerError(f"{method} {path}: {type(error).__name__}: {error}") from None
        headers = {str(name).lower(): str(value) for name, value in response.headers}
        self.memory.keep(str(value) for name, value in response.headers if name.lower() == "set-cookie")
        return Answer(int(response.status_code), path, headers, data)
