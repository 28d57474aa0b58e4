"""What every conversation of one edge process shares: limits, paces, collaborators.

Source: invariant 9; firewall research, section 6 (deadlines and minimum rate).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from dmz.answering import Answerer, answerer_of
from dmz.edge.access_log import AccessLog, EventLog
from dmz.edge.body_buffer import MemoryBudget
from dmz.edge.body_forms import FormLimits
from dmz.edge.caller import Caller
from dmz.edge.connection_limits import Admission
from dmz.edge.deny_set import Denials
from dmz.edge.http_fields import RequestHead
from dmz.edge.http_grammar import GrammarLimits
from dmz.edge.http_response import ResponseWriter
from dmz.edge.metrics import EdgeMetrics
from dmz.edge.request_ids import RequestIds
from dmz.edge.watch_port import EdgeWatch, Unwatched
from dmz.messages import Handler, Window
from wire_formats.collaborators import Clock

TakesFiles: TypeAlias = Callable[[Window, str], bool]
BodyLimit: TypeAlias = Callable[[Window, str, str], int]
FORM_BYTES: Final = 64 * 1024
UPLOAD_BYTES: Final = 12 * 1024 * 1024


def body_limit(takes_files: TakesFiles, form_bytes: int = FORM_BYTES, upload_bytes: int = UPLOAD_BYTES) -> BodyLimit:
    """Give the most bytes of a body, by its announced type and by where it is sent.

    Args:
        takes_files: whether a form at this window and path has a place for a file.
        form_bytes: of a plain form.
        upload_bytes: of a file; such a form may have both.
    """

    def most(window: Window, path: str, content_type: str) -> int:
        is_upload = content_type.lower().startswith("multipart/form-data") and takes_files(window, path)
        return upload_bytes + form_bytes if is_upload else form_bytes

    return most


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a client may take, in seconds and bytes a second.

    Attributes:
        handshake_s: from the connection to the end of the TLS handshake.
        head_s: from a request's first byte to the end of its head.
        idle_s: between requests, and before the first.
        body_grace_s: before the minimum rate of a body counts.
        body_bytes_per_s: the least average rate of a body.
        work_s: for the firewall, the worker and the core to answer.
        send_grace_s: before the minimum rate of taking an answer counts.
        send_bytes_per_s: the least average rate at which a client takes an answer.
        linger_s: how long a refused client may go on sending before it is cut.
    """

    handshake_s: float = 10.0
    head_s: float = 5.0
    idle_s: float = 60.0
    body_grace_s: float = 5.0
    body_bytes_per_s: int = 4 * 1024
    work_s: float = 40.0
    send_grace_s: float = 20.0
    send_bytes_per_s: int = 4 * 1024
    linger_s: float = 2.0


@dataclass(slots=True)
class DrainState:
    """Whether this process takes its leave; answers then close their connection.

    Attributes:
        draining: whether it does.
        linger_s: how long an idle connection then waits for a request that may be on its way.
    """

    draining: bool = False
    linger_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything a conversation needs besides its own connection.

    Attributes:
        pipeline: firewall and content switch behind the edge.
        body_limit: (window, path, content type) → most bytes of a POST's body.
        admission: connection and request limits.
        deny: revoked certificates.
        identify: (head, caller of the connection) → caller of this request; None: the same, as everywhere but
            behind a front.
        metrics: of this process.
        clock: wall clock.
        seconds: monotonic seconds (the reactor's).
        request_ids: names requests.
        writer: serialises answers.
        budget: memory of all bodies together.
        answers: memory of all large answers under way together.
        pace: deadlines.
        grammar: sizes of heads.
        forms: sizes of forms.
        host_names: names this hall answers to; empty: any.
        login_paths: paths whose POST begins a session; refused while the deny list is stale.
        site_port: TLS port of the public site, where refused certificates are sent; 0: not known.
        requests_per_connection: after so many the connection is closed.
        drain: shared flag.
        watch: tells offenders from others, and hears of every refusal.
        access_log: writes a line for every request.
        answerer: the pipeline, asked by call back.
    """

    pipeline: Handler | Answerer
    body_limit: BodyLimit
    admission: Admission
    deny: Denials
    metrics: EdgeMetrics
    clock: Clock
    seconds: Callable[[], float]
    request_ids: RequestIds
    writer: ResponseWriter
    budget: MemoryBudget
    answers: MemoryBudget
    pace: Pace = field(default_factory=Pace)
    grammar: GrammarLimits = field(default_factory=GrammarLimits)
    forms: FormLimits = field(default_factory=FormLimits)
    host_names: frozenset[str] = frozenset()
    login_paths: frozenset[str] = frozenset({"/login"})
    site_port: int = 0
    requests_per_connection: int = 10_000
    identify: Callable[[RequestHead, Caller], Caller] | None = None
    drain: DrainState = field(default_factory=DrainState)
    watch: EdgeWatch = field(default_factory=Unwatched)
    access_log: AccessLog = field(default_factory=EventLog)
    answerer: Answerer = field(init=False)

    def __post_init__(self) -> None:
        """Find out once how the pipeline is asked."""
        object.__setattr__(self, "answerer", answerer_of(self.pipeline))
