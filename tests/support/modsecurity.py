"""libmodsecurity 3, in process: judges the requests that our engine judges, by the same rule files.

Only for tests: the library stalls for seconds on some inputs and its rules cannot be stopped.

Source: ModSecurity v3, headers/modsecurity/transaction.h and rules_set.h (C interface).
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_void_p
from pathlib import Path
from typing import NamedTuple

from dmz.waf.seclang.sent_request import SentAnswer, SentRequest

_NAMES = ("libmodsecurity.so.3", "/usr/lib/x86_64-linux-gnu/libmodsecurity.so.3")
_ID = re.compile(rb'\[id "(\d{1,9})"\]')
_LOG = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)
_FORBIDDEN = 403


class _Intervention(Structure):
    _fields_ = [
        ("status", c_int),
        ("pause", c_int),
        ("url", c_void_p),
        ("log", c_void_p),
        ("disruptive", c_int),
    ]


class Verdict(NamedTuple):
    """What the library says of a request.

    Attributes:
        ids: rules that it logged.
        status: the refusal's status; 0: not refused.
        lines: its log, one line a match.
    """

    ids: frozenset[int]
    status: int
    lines: tuple[bytes, ...]


def find_library() -> ctypes.CDLL | None:
    """Load the library; None where it is not installed."""
    for name in _NAMES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


class ModSecurity:
    """The library with a rule set.

    Args:
        library: as ``find_library`` gives it.
        settings: directives that stand first.
        files: rule files, in order.

    Raises:
        ValueError: rules that the library refuses, with its words.
    """

    def __init__(self, library: ctypes.CDLL, settings: str, files: Sequence[Path]) -> None:
        self._library = library
        self._lines: list[bytes] = []
        for name in ("msc_init", "msc_create_rules_set", "msc_new_transaction"):
            getattr(library, name).restype = c_void_p
        self._take_line = _LOG(lambda _, line: self._lines.append(line))
        self._engine = c_void_p(library.msc_init())
        library.msc_set_log_cb(self._engine, self._take_line)
        self._rules = c_void_p(library.msc_create_rules_set())
        self._add("msc_rules_add", settings.encode())
        for path in files:
            self._add("msc_rules_add_file", str(path).encode())

    def _add(self, function: str, argument: bytes) -> None:
        error = c_char_p()
        if getattr(self._library, function)(self._rules, argument, byref(error)) < 0:
            raise ValueError((error.value or b"").decode("utf-8", "replace"))

    def close(self) -> None:
        """Give the library's memory back."""
        self._library.msc_rules_cleanup(self._rules)
        self._library.msc_cleanup(self._engine)

    def judge(self, sent: SentRequest, answer: SentAnswer | None = None) -> Verdict:
        """Judge a request, and the answer to it if one is given."""
        self._lines.clear()
        library, transaction = (
            self._library,
            c_void_p(self._library.msc_new_transaction(self._engine, self._rules, None)),
        )
        try:
            status = self._request(transaction, sent)
            if not status and answer is not None:
                status = self._answer(transaction, answer)
            library.msc_process_logging(transaction)
        finally:
            library.msc_transaction_cleanup(transaction)
        lines = tuple(self._lines)
        return Verdict(frozenset(int(found[1]) for line in lines if (found := _ID.search(line))), status, lines)

    def _request(self, transaction: c_void_p, sent: SentRequest) -> int:
        library = self._library
        library.msc_process_connection(transaction, sent.address, sent.port, b"127.0.0.1", 80)
        version = sent.protocol.partition(b"/")[2] or sent.protocol
        library.msc_process_uri(transaction, sent.uri, sent.method, version)
        for name, value in sent.headers:
            library.msc_add_n_request_header(transaction, name, c_size_t(len(name)), value, c_size_t(len(value)))
        library.msc_process_request_headers(transaction)
        status = self._refused(transaction)
        if status:
            return status
        if sent.body:
            library.msc_append_request_body(transaction, sent.body, c_size_t(len(sent.body)))
        library.msc_process_request_body(transaction)
        return self._refused(transaction)

    def _answer(self, transaction: c_void_p, answer: SentAnswer) -> int:
        library = self._library
        for name, value in answer.headers:
            library.msc_add_n_response_header(transaction, name, c_size_t(len(name)), value, c_size_t(len(value)))
        library.msc_process_response_headers(transaction, answer.status, answer.protocol)
        status = self._refused(transaction)
        if status:
            return status
        library.msc_append_response_body(transaction, answer.body, c_size_t(len(answer.body)))
        library.msc_process_response_body(transaction)
        return self._refused(transaction)

    def _refused(self, transaction: c_void_p) -> int:
        found = _Intervention(200, 0, None, None, 0)
        given = self._library.msc_intervention(transaction, POINTER(_Intervention)(found))
        for text in (found.url, found.log):
            if text:
                _free(c_void_p(text))
        return (found.status or _FORBIDDEN) if given and found.disruptive else 0


_free = ctypes.CDLL(None).free
_free.argtypes = [c_void_p]
_free.restype = None
