"""The real reactor, for tests of real sockets and processes.

Twisted types it as what all reactors have in common; what runs here can do more, so that its type says nothing.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as _installed

reactor: Any = _installed
