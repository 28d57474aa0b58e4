"""A request that the edge has parsed → what the rules look at.

The rules see no raw bytes again: names, values and headers are those that the worker will get, so that nothing can be
read in two ways.  What the allow-list has found harmless is left out.  Headers that the edge has checked and does not
pass on (Content-Length, Connection …) are stated as it found them, for rules that ask whether they are there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dmz.messages import HallRequest, HallResponse
from dmz.waf.seclang.sent_request import SentAnswer, SentRequest
from dmz.waf.seclang.transaction import Entries, Transaction, begin, put_arguments
from dmz.waf.view import Inspected, Place

_STATED: Final = ((b"Connection", b"keep-alive"),)


def transaction_of(request: HallRequest, texts: Iterable[Inspected]) -> Transaction:
    """Make the transaction of a request, its body included.

    Args:
        request: as the edge parsed it.
        texts: what people may have typed: parameters of query and form, and file names.
    """
    headers = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in request.headers.items()]
    path = request.path.encode("utf-8", "surrogateescape")
    made = begin(
        SentRequest(
            request.method.encode(),
            path,
            headers=(*headers, *_STATED, *(((b"Content-Length", b"1"),) if request.method == "POST" else ())),
            address=request.address.encode(),
        )
    )
    arguments: Entries = []
    files: Entries = []
    for inspected in texts:
        entry = (inspected.name.encode(), inspected.text.encode("utf-8", "surrogateescape"))
        (files if inspected.place is Place.FILE_NAME else arguments).append(entry)
    put_arguments(made, arguments, files)
    return made


def sent_answer(response: HallResponse) -> SentAnswer:
    """Give an answer as the rules look at it."""
    headers = tuple((name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in response.headers)
    return SentAnswer(response.status, headers, response.body)


def field_of(where: str) -> str:
    """Give the declared field or header that a match names: ``ARGS:remark`` → ``remark``."""
    collection, _, key = where.partition(":")
    return key.lower() if key else collection.lower()
