"""Every reason for which the edge refuses, with its public kind and its HTTP status.

The reason is for the log and the metrics (a bounded set of words); the kind is what the user reads.

Source: RFC 9110 and 9112; request smuggling and desync classes listed in the firewall research, section 6.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from wire_formats.errors import HallError, Kind, PeerError


class Reason(Enum):
    """Why a request or a connection was refused: (word for the log, public kind, HTTP status)."""

    # request line and target
    REQUEST_LINE = ("request_line", Kind.BAD_HTTP, 400)
    REQUEST_LINE_TOO_LONG = ("request_line_too_long", Kind.HEADERS_TOO_LARGE, 414)
    METHOD = ("method", Kind.METHOD_NOT_ALLOWED, 405)
    VERSION = ("version", Kind.BAD_HTTP, 505)
    TARGET_FORM = ("target_form", Kind.BAD_HTTP, 400)
    TARGET_BYTES = ("target_bytes", Kind.BAD_HTTP, 400)
    TARGET_HOST = ("target_host", Kind.BAD_HTTP, 400)
    PERCENT = ("percent", Kind.BAD_HTTP, 400)
    DOUBLE_ENCODING = ("double_encoding", Kind.BAD_HTTP, 400)
    NOT_UTF8 = ("not_utf8", Kind.BAD_HTTP, 400)
    CONTROL_CHARACTER = ("control_character", Kind.BAD_HTTP, 400)
    PATH_DOTS = ("path_dots", Kind.BAD_HTTP, 400)
    PATH_EMPTY_SEGMENT = ("path_empty_segment", Kind.BAD_HTTP, 400)
    PATH_CHARACTER = ("path_character", Kind.BAD_HTTP, 400)
    TOO_MANY_PARAMETERS = ("too_many_parameters", Kind.BAD_HTTP, 400)
    # line syntax
    BARE_LF = ("bare_lf", Kind.BAD_HTTP, 400)
    BARE_CR = ("bare_cr", Kind.BAD_HTTP, 400)
    NUL = ("nul", Kind.BAD_HTTP, 400)
    # headers
    HEADERS_TOO_LARGE = ("headers_too_large", Kind.HEADERS_TOO_LARGE, 431)
    TOO_MANY_HEADERS = ("too_many_headers", Kind.HEADERS_TOO_LARGE, 431)
    FOLDED_HEADER = ("folded_header", Kind.BAD_HTTP, 400)
    SPACE_BEFORE_COLON = ("space_before_colon", Kind.BAD_HTTP, 400)
    HEADER_NAME = ("header_name", Kind.BAD_HTTP, 400)
    HEADER_NAME_AMBIGUOUS = ("header_name_ambiguous", Kind.BAD_HTTP, 400)
    HEADER_VALUE = ("header_value", Kind.BAD_HTTP, 400)
    HEADER_REPEATED = ("header_repeated", Kind.BAD_HTTP, 400)
    HOST_MISSING = ("host_missing", Kind.BAD_HTTP, 400)
    HOST_REPEATED = ("host_repeated", Kind.BAD_HTTP, 400)
    HOST_SYNTAX = ("host_syntax", Kind.BAD_HTTP, 400)
    HOST_UNKNOWN = ("host_unknown", Kind.MISDIRECTED, 421)
    CONNECTION_OPTION = ("connection_option", Kind.BAD_HTTP, 400)
    UPGRADE = ("upgrade", Kind.BAD_HTTP, 400)
    EXPECTATION = ("expectation", Kind.NOT_ACCEPTED, 417)
    # framing
    LENGTH_REPEATED = ("length_repeated", Kind.BAD_HTTP, 400)
    LENGTH_SYNTAX = ("length_syntax", Kind.BAD_HTTP, 400)
    LENGTH_AND_CODING = ("length_and_coding", Kind.BAD_HTTP, 400)
    LENGTH_MISSING = ("length_missing", Kind.BAD_HTTP, 411)
    CODING_UNKNOWN = ("coding_unknown", Kind.BAD_HTTP, 501)
    CODING_IN_1_0 = ("coding_in_1_0", Kind.BAD_HTTP, 400)
    CHUNK_SIZE = ("chunk_size", Kind.BAD_HTTP, 400)
    CHUNK_OVERFLOW = ("chunk_overflow", Kind.BODY_TOO_LARGE, 413)
    CHUNK_EXTENSION = ("chunk_extension", Kind.BAD_HTTP, 400)
    CHUNK_END = ("chunk_end", Kind.BAD_HTTP, 400)
    CHUNK_TRAILER = ("chunk_trailer", Kind.BAD_HTTP, 400)
    TOO_MANY_CHUNKS = ("too_many_chunks", Kind.BAD_HTTP, 400)
    BODY_NOT_ALLOWED = ("body_not_allowed", Kind.BAD_HTTP, 400)
    BODY_TOO_LARGE = ("body_too_large", Kind.BODY_TOO_LARGE, 413)
    CONTENT_ENCODING = ("content_encoding", Kind.NOT_ACCEPTED, 415)
    # bodies
    CONTENT_TYPE = ("content_type", Kind.NOT_ACCEPTED, 415)
    FORM_SYNTAX = ("form_syntax", Kind.BAD_HTTP, 400)
    TOO_MANY_FIELDS = ("too_many_fields", Kind.BODY_TOO_LARGE, 413)
    FIELD_TOO_LARGE = ("field_too_large", Kind.BODY_TOO_LARGE, 413)
    BOUNDARY = ("boundary", Kind.BAD_HTTP, 400)
    PART_SYNTAX = ("part_syntax", Kind.BAD_HTTP, 400)
    PART_HEADER = ("part_header", Kind.BAD_HTTP, 400)
    PART_DISPOSITION = ("part_disposition", Kind.BAD_HTTP, 400)
    PART_FILE_NAME = ("part_file_name", Kind.BAD_HTTP, 400)
    UPLOAD_REPEATED = ("upload_repeated", Kind.BAD_HTTP, 400)
    TOO_MANY_UPLOADS = ("too_many_uploads", Kind.BODY_TOO_LARGE, 413)
    # who
    CERTIFICATE_MISSING = ("certificate_missing", Kind.CERTIFICATE_REQUIRED, 403)
    CERTIFICATE_UNREADABLE = ("certificate_unreadable", Kind.CERTIFICATE_REQUIRED, 403)
    CERTIFICATE_ISSUER = ("certificate_issuer", Kind.CERTIFICATE_REQUIRED, 403)
    CERTIFICATE_PURPOSE = ("certificate_purpose", Kind.CERTIFICATE_REQUIRED, 403)
    CERTIFICATE_NAME = ("certificate_name", Kind.CERTIFICATE_REQUIRED, 403)
    CERTIFICATE_NOT_YET = ("certificate_not_yet", Kind.CERTIFICATE_EXPIRED, 403)
    CERTIFICATE_EXPIRED = ("certificate_expired", Kind.CERTIFICATE_EXPIRED, 403)
    CERTIFICATE_REVOKED = ("certificate_revoked", Kind.CERTIFICATE_REVOKED, 403)
    FRONT_FIELDS = ("front_fields", Kind.BAD_HTTP, 400)
    WRONG_WINDOW = ("wrong_window", Kind.WRONG_WINDOW, 403)
    DENY_LIST_STALE = ("deny_list_stale", Kind.DENY_LIST_STALE, 503)
    FOREIGN_PAGE = ("foreign_page", Kind.CSRF_MISMATCH, 403)
    # pace
    HEADER_DEADLINE = ("header_deadline", Kind.TIMED_OUT, 408)
    BODY_TOO_SLOW = ("body_too_slow", Kind.TIMED_OUT, 408)
    PIPELINE_DEADLINE = ("pipeline_deadline", Kind.TIMED_OUT, 504)
    ADDRESS_RATE = ("address_rate", Kind.TOO_MANY_REQUESTS, 429)
    CERTIFICATE_RATE = ("certificate_rate", Kind.TOO_MANY_REQUESTS, 429)
    CERTIFICATE_CONNECTIONS = ("certificate_connections", Kind.TOO_MANY_REQUESTS, 429)
    # offenders (see dmz.intrusion)
    THROTTLED = ("throttled", Kind.TOO_MANY_REQUESTS, 429)
    BANNED = ("banned", Kind.BANNED, 403)
    # memory
    BODY_MEMORY = ("body_memory", Kind.BUSY, 503)
    ANSWER_MEMORY = ("answer_memory", Kind.BUSY, 503)

    def __init__(self, word: str, kind: Kind, status: int) -> None:
        self.word = word
        self.kind = kind
        self.status = status


class RefusalError(PeerError):
    """A refusal by the edge; ``reason`` says which rule, ``private`` holds at most a place, never content."""

    def __init__(self, reason: Reason, private: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(reason.kind, private or reason.word, retry_after_s)
        self.reason = reason
        self.detail = reason.word

    @property
    def word(self) -> str:
        """The reason in the access log."""
        return self.reason.word


#: Statuses of refusals that come from behind the edge (firewall, switch, worker) as a HallError.
_STATUS_OF_KIND: Final[dict[Kind, int]] = {
    Kind.TOO_LARGE: 413,
    Kind.NOT_FOUND: 404,
    Kind.METHOD_NOT_ALLOWED: 405,
    Kind.BODY_TOO_LARGE: 413,
    Kind.MISDIRECTED: 421,
    Kind.HEADERS_TOO_LARGE: 431,
    Kind.NOT_ACCEPTED: 415,
    Kind.CONFLICT: 409,
    Kind.FIELDS_INVALID: 422,
    Kind.RULE: 422,
    Kind.TOO_MANY_REQUESTS: 429,
    Kind.LOCKED_OUT: 429,
    Kind.TIMED_OUT: 504,
    Kind.CORE_SILENT: 504,
    Kind.STORAGE_FULL: 503,
}
_PEER_FAMILY: Final = 1
_REFUSED_FAMILY: Final = 2
_UNAVAILABLE_FAMILY: Final = 3


def status_of(error: HallError) -> int:
    """Give the HTTP status with which an error is answered."""
    if isinstance(error, RefusalError):
        return error.reason.status
    found = _STATUS_OF_KIND.get(error.kind)
    if found is not None:
        return found
    families = {_PEER_FAMILY: 400, _REFUSED_FAMILY: 403, _UNAVAILABLE_FAMILY: 503}
    return families.get(error.kind // 1000, 500)
