"""One request's collections, as the variables of rules name them; and what the rules write down as they run.

Collections are lists of (key, value); the keys of one collection keep their case and are compared without it.  TX holds
the rules' own variables.  Persistent collections (IP, GLOBAL, SESSION …) begin empty with every request: what must be
remembered between requests is the intrusion watch's work, not the rules'.

Source: ModSecurity reference manual v3, "Variables".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from dmz.waf.seclang.bodies import Parsed, read_json, read_urlencoded, read_xml
from dmz.waf.seclang.multipart import read_multipart
from dmz.waf.seclang.sent_request import SentAnswer, SentRequest
from dmz.waf.seclang.steps import LARGE

Entries = list[tuple[bytes, bytes]]
_MACRO: Final = re.compile(r"%\{([^{}]{1,128})\}")
_EMPTY: Final[Entries] = []
#: Flags that rules ask for and that are 0 unless a body sets them.
_FLAGS: Final = (
    "MULTIPART_STRICT_ERROR", "MULTIPART_UNMATCHED_BOUNDARY", "MULTIPART_BOUNDARY_QUOTED", "MULTIPART_DATA_BEFORE",
    "MULTIPART_BOUNDARY_WHITESPACE", "MULTIPART_DATA_AFTER", "MULTIPART_HEADER_FOLDING", "MULTIPART_LF_LINE",
    "MULTIPART_CRLF_LF_LINES", "MULTIPART_MISSING_SEMICOLON", "MULTIPART_INVALID_QUOTING", "MULTIPART_INVALID_PART",
    "MULTIPART_INVALID_HEADER_FOLDING", "MULTIPART_FILE_LIMIT_EXCEEDED",
)  # fmt: skip
#: Collections that rules write as they run; every other stays as it is during a phase.
WRITTEN: Final = frozenset(
    {"TX", "MATCHED_VAR", "MATCHED_VAR_NAME", "MATCHED_VARS", "MATCHED_VARS_NAMES", "REQBODY_PROCESSOR"}
)
#: Collections that depend on method, address and headers only.
SURROUNDINGS: Final = frozenset(
    {"AUTH_TYPE", "QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST", "REQUEST_BASENAME", "REQUEST_COOKIES",
     "REQUEST_COOKIES_NAMES", "REQUEST_FILENAME", "REQUEST_HEADERS", "REQUEST_HEADERS_NAMES", "REQUEST_LINE",
     "REQUEST_METHOD", "REQUEST_PROTOCOL", "REQUEST_URI", "REQUEST_URI_RAW", "SERVER_NAME"}
)  # fmt: skip
#: Headers from which ``begin`` makes other collections.
DERIVED_FROM: Final = frozenset({"authorization", "content-type", "cookie", "host"})
PROCESSORS: Final[Mapping[str, Callable[[SentRequest], Parsed]]] = {
    "JSON": lambda sent: read_json(sent.body),
    "XML": lambda sent: read_xml(sent.body),
    "MULTIPART": lambda sent: read_multipart(sent.header(b"content-type"), sent.body),
    "URLENCODED": lambda sent: Parsed(arguments=read_urlencoded(sent.body)),
}


class Looked(NamedTuple):
    """One value that matched.

    Attributes:
        collection: where it stands; with ``&`` before it when the value is a number of entries.
        key: its name there, b"" for none.
        value: the bytes, as the rule saw them.
    """

    collection: str
    key: bytes
    value: bytes

    @property
    def name(self) -> str:
        """What people call it: ``ARGS:id``."""
        return f"{self.collection}:{self.key.decode('utf-8', 'replace')}" if self.key else self.collection


class Macro(NamedTuple):
    """``%{tx.score}``: collection in upper case, key in lower case or b""."""

    collection: str
    key: bytes


@lru_cache(maxsize=8_192)
def _template(text: str) -> tuple[bytes | Macro, ...]:
    """Take a text apart: what stands as it is, and macros; never empty."""
    pieces: list[bytes | Macro] = []
    at = 0
    for match in _MACRO.finditer(text):
        collection, _, key = match[1].partition(".")
        plain = text[at : match.start()].encode("utf-8", "surrogateescape")
        pieces += [plain] if plain else []
        pieces.append(Macro(collection.upper(), key.lower().encode("utf-8", "surrogateescape")))
        at = match.end()
    rest = text[at:].encode("utf-8", "surrogateescape")
    return (*pieces, rest) if rest or not pieces else tuple(pieces)


@dataclass(slots=True)
class Transaction:
    """A request under judgement.

    Attributes:
        sent: the request.
        collections: entries by collection, upper case.
        tx: the rules' own variables, by name in lower case.
        processor: which reader the body gets, "" for none; rules may choose it.
        removed: ids of rules that were switched off for this request.
        removed_tags: tags likewise.
        untargeted: (rule id or tag, collection, key in lower case or b"") that a rule must not look at.
        enabled: False after ``ctl:ruleEngine=Off``.
        force_body: REQUEST_BODY is to hold the body whatever its type.
        matched: what the present rule has matched so far.
        body_taken: whether the body's collections are there.
    """

    sent: SentRequest
    collections: dict[str, Entries] = field(default_factory=dict)
    tx: dict[bytes, bytes] = field(default_factory=dict)
    processor: str = ""
    removed: list[tuple[int, int]] = field(default_factory=list)
    removed_tags: list[str] = field(default_factory=list)
    untargeted: list[tuple[str, str, bytes]] = field(default_factory=list)
    enabled: bool = True
    force_body: bool = False
    matched: list[Looked] = field(default_factory=list)
    body_taken: bool = False
    _fitting: dict[tuple[str, Callable[[bytes], bool]], tuple[Entries, Entries]] = field(default_factory=dict)
    _index: dict[str, tuple[Entries, dict[bytes, Entries]]] = field(default_factory=dict)

    def entries(self, collection: str) -> Entries:
        """Give a collection's entries; an unknown one has none."""
        found = self.collections.get(collection)
        if found is None and collection in WRITTEN:
            return list(self.tx.items()) if collection == "TX" else self._matched(collection)
        return _EMPTY if found is None else found

    def _matched(self, collection: str) -> Entries:
        """Give what the present rule has matched: the last value, all values, or their names."""
        looked = self.matched if collection.startswith("MATCHED_VARS") else self.matched[-1:]
        named = [(each.name.encode("utf-8", "surrogateescape"), each.value) for each in looked]
        if collection == "MATCHED_VARS":
            return named
        if collection == "MATCHED_VAR":
            return [(b"", value) for _, value in named]
        return [(name if collection == "MATCHED_VARS_NAMES" else b"", name) for name, _ in named]

    def named(self, collection: str, key: bytes) -> Entries:
        """Give the entries of one key (in lower case) of a collection.

        A collection is changed by putting another list in its place, never within it: the index relies on that.
        """
        if collection == "TX":
            value = self.tx.get(key)
            return _EMPTY if value is None else [(key, value)]
        if collection in WRITTEN:
            return [entry for entry in self._matched(collection) if entry[0].lower() == key]
        entries = self.collections.get(collection)
        if not entries:
            return _EMPTY
        indexed = self._index.get(collection)
        if indexed is None or indexed[0] is not entries:
            by_key: dict[bytes, Entries] = {}
            for entry in entries:
                by_key.setdefault(entry[0].lower(), []).append(entry)
            indexed = self._index[collection] = (entries, by_key)
        return indexed[1].get(key, _EMPTY)

    def is_large(self) -> bool:
        """Say whether any value is so large that work with it is done in steps."""
        return any(len(value) >= LARGE for entries in self.collections.values() for _, value in entries)

    @property
    def taken_out(self) -> tuple[object, ...]:
        """Rules and targets that have been switched off for this request."""
        return (*self.removed, *self.removed_tags, *self.untargeted)

    def choose_processor(self, name: str) -> None:
        """Choose the reader of the body; rules see at once which it is."""
        self.processor = name
        self.collections["REQBODY_PROCESSOR"] = [(b"", name.encode("ascii", "replace"))]

    def expand(self, text: str) -> bytes:
        """Put values into the macros of a text that a rule holds; an unknown one stands for nothing."""
        pieces = _template(text)
        first = pieces[0]
        if len(pieces) == 1 and isinstance(first, bytes):
            return first
        return b"".join([piece if isinstance(piece, bytes) else self._value_of(piece) for piece in pieces])

    def _value_of(self, macro: Macro) -> bytes:
        collection, key = macro
        if collection == "TX":
            return self.tx.get(key, b"")
        for found, value in self.entries(collection):
            if not key or found.lower() == key:
                return value
        return b""

    def fitting(self, collection: str, fits: Callable[[bytes], bool]) -> Entries:
        """Give the entries of a collection whose keys fit a rule's pattern; remembered for this request."""
        entries = self.entries(collection)
        name = (collection, fits)
        known = self._fitting.get(name)
        if known is None or known[0] is not entries:
            known = self._fitting[name] = (entries, [entry for entry in entries if fits(entry[0])])
        return known[1]


def begin(sent: SentRequest) -> Transaction:
    """Make the transaction of a request, with everything but its body."""
    made = Transaction(sent)
    path, _, query = sent.uri.partition(b"?")
    query = query.partition(b"#")[0]
    decoded_path = unquote_to_bytes(path)
    arguments = read_urlencoded(query)
    cookies = _cookies(sent)
    one = {
        "REQUEST_METHOD": sent.method,
        "REQUEST_URI": sent.uri,
        "REQUEST_URI_RAW": sent.uri,
        "REQUEST_FILENAME": decoded_path,
        "REQUEST_BASENAME": re.split(rb"[/\\]", decoded_path)[-1],
        "REQUEST_LINE": sent.line,
        "REQUEST_PROTOCOL": sent.protocol,
        "QUERY_STRING": query,
        "PATH_INFO": b"",
        "REMOTE_ADDR": sent.address,
        "REMOTE_HOST": sent.address,
        "REMOTE_PORT": b"%d" % sent.port,
        "REQBODY_ERROR": b"0",
        "REQBODY_PROCESSOR_ERROR": b"0",
        "REQBODY_ERROR_MSG": b"",
        "REQUEST_BODY": b"",
        "REQUEST_BODY_LENGTH": b"%d" % len(sent.body),
        "FULL_REQUEST_LENGTH": b"%d" % len(sent.body),
        "INBOUND_DATA_ERROR": b"0",
        "OUTBOUND_DATA_ERROR": b"0",
        "FILES_COMBINED_SIZE": b"0",
        "AUTH_TYPE": sent.header(b"authorization").partition(b" ")[0],
        "SERVER_NAME": sent.header(b"host").partition(b":")[0],
        **dict.fromkeys(_FLAGS, b"0"),
    }
    made.collections = {name: [(b"", value)] for name, value in one.items()}
    made.collections["REQUEST_HEADERS"] = list(sent.headers)
    made.collections["REQUEST_HEADERS_NAMES"] = _names(list(sent.headers))
    made.collections["REQUEST_COOKIES"] = cookies
    made.collections["REQUEST_COOKIES_NAMES"] = _names(cookies)
    made.collections["ARGS_GET"] = arguments
    made.collections["ARGS_GET_NAMES"] = _names(arguments)
    made.choose_processor(_processor_of(sent))
    made.collections["REQBODY_PROCESSOR"] = [(b"", made.processor.encode())]
    _join_arguments(made, [])
    return made


def put_arguments(made: Transaction, arguments: Entries, files: Entries) -> None:
    """Put in what somebody else has read from query and body; ``take_body`` then has nothing to do.

    Args:
        made: as ``begin`` gave it, without query and body.
        arguments: names and values.
        files: names of fields and names of files.
    """
    made.body_taken = True
    for name in ("FILES", "MULTIPART_FILENAME"):
        made.collections[name] = files
    made.collections["FILES_NAMES"] = made.collections["MULTIPART_NAME"] = _names(files)
    _join_arguments(made, arguments)


def take_answer(made: Transaction, answer: SentAnswer) -> None:
    """Take in what was answered, for the rules of phases 3 and 4."""
    content_type = answer.header(b"content-type")
    one = {
        "RESPONSE_STATUS": b"%d" % answer.status,
        "RESPONSE_PROTOCOL": answer.protocol,
        "RESPONSE_CONTENT_TYPE": content_type.partition(b";")[0],
        "RESPONSE_CONTENT_LENGTH": b"%d" % len(answer.body),
        "RESPONSE_BODY": answer.body,
    }
    for name, value in one.items():
        made.collections[name] = [(b"", value)]
    made.collections["RESPONSE_HEADERS"] = list(answer.headers)
    made.collections["RESPONSE_HEADERS_NAMES"] = _names(list(answer.headers))


def take_body(made: Transaction) -> None:
    """Read the body with the processor that content type and rules have chosen; once."""
    if made.body_taken:
        return
    made.body_taken = True
    sent = made.sent
    parsed = PROCESSORS[made.processor](sent) if made.processor in PROCESSORS and sent.body else Parsed()
    one = {"REQBODY_ERROR_MSG": parsed.error.encode()}
    one |= {name: b"%d" % bool(parsed.error) for name in ("REQBODY_ERROR", "REQBODY_PROCESSOR_ERROR")}
    one |= {name: b"%d" % value for name, value in parsed.flags.items()}
    one["FILES_COMBINED_SIZE"] = b"%d" % sum(int(size) for _, size in parsed.file_sizes)
    if made.processor in ("", "URLENCODED") or made.force_body:
        one["REQUEST_BODY"] = sent.body
    for name, value in one.items():
        made.collections[name] = [(b"", value)]
    made.collections["FILES"] = parsed.files
    made.collections["FILES_NAMES"] = _names(parsed.files)
    made.collections["FILES_SIZES"] = parsed.file_sizes
    made.collections["MULTIPART_FILENAME"] = parsed.files
    made.collections["MULTIPART_NAME"] = _names(parsed.files + parsed.arguments)
    made.collections["MULTIPART_PART_HEADERS"] = parsed.part_headers
    made.collections["XML"] = parsed.texts
    _join_arguments(made, parsed.arguments, [(name, name) for name in parsed.list_names])


def _join_arguments(made: Transaction, posted: Entries, more_names: Entries = _EMPTY) -> None:
    both = made.collections["ARGS_GET"] + posted
    made.collections["ARGS_POST"] = posted
    made.collections["ARGS_POST_NAMES"] = _names(posted) + more_names
    made.collections["ARGS"] = both
    made.collections["ARGS_NAMES"] = _names(both) + more_names
    made.collections["ARGS_COMBINED_SIZE"] = [(b"", b"%d" % sum(len(name) + len(value) for name, value in both))]


def _names(entries: Entries) -> Entries:
    return [(name, name) for name, _ in entries]


def _processor_of(sent: SentRequest) -> str:
    kind = sent.header(b"content-type").partition(b";")[0].strip().lower()
    if kind == b"application/x-www-form-urlencoded":
        return "URLENCODED"
    return "MULTIPART" if kind == b"multipart/form-data" else ""


def _cookies(sent: SentRequest) -> Entries:
    found = []
    for name, value in sent.headers:
        if name.lower() == b"cookie":
            for piece in value.split(b";"):
                key, _, text = piece.strip().partition(b"=")
                if key:
                    found.append((key, text))
    return found
