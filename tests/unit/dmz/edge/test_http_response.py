"""Heads of answers: what is remembered is what is written anew, and nothing of a person is remembered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dmz.edge.http_response import ResponseWriter
from dmz.messages import HallResponse
from wire_formats.errors import PeerError


class Still:
    def now_ms(self):
        return 1_800_000_000_000


_HEADERS = st.tuples(
    st.sampled_from(
        ["Content-Type", "content-type", "Cache-Control", "Vary", "Set-Cookie", "Location", "Server", "A b"]
    ),
    st.sampled_from(["text/html", "no-store", "x" * 300, "", "a\r\nb", "标"]),
)
_RESPONSES = st.builds(
    HallResponse, st.sampled_from([200, 204, 299, 303, 500]), st.lists(_HEADERS, max_size=10).map(tuple), st.binary()
)


def written(writer, response, **how):
    try:
        return writer.write(response, **how)
    except PeerError as error:
        return error.private


@given(st.lists(st.tuples(_RESPONSES, st.booleans(), st.booleans(), st.booleans()), max_size=20))
def test_an_answer_is_written_as_by_a_writer_that_remembers_nothing(answers):
    writer = ResponseWriter(Still())
    for response, head_only, keep_alive, secure in answers * 2:
        how = {"head_only": head_only, "keep_alive": keep_alive, "secure": secure}
        assert written(writer, response, **how) == written(ResponseWriter(Still()), response, **how)


def test_heads_are_remembered_within_bounds_and_never_a_persons():
    writer = ResponseWriter(Still())
    html = ("Content-Type", "text/html")
    private = [("Set-Cookie", "__Host-fg-session=k1"), ("Location", "/case/1"), ("Content-Disposition", "filename=a")]
    for headers in ((html,), (html,), *((html, header) for header in private)):
        writer.write(HallResponse(200, headers, b""), head_only=False, keep_alive=True, secure=True)
    assert [headers for _, headers, _ in writer._known] == [(html,)]
    for number in range(2_000):
        kind = ("Content-Type", f"text/{number}")
        writer.write(HallResponse(200, (kind,), b""), head_only=False, keep_alive=True, secure=True)
        assert len(writer._known) <= 256
