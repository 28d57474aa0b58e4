"""Answers requests for static files: from memory, with validators, compressed where the browser can read it.

Source: RFC 9110 sections 8.8.3 (ETag), 12.5.3 (Accept-Encoding), 13.1.2 (If-None-Match); RFC 8246 (immutable).
"""

from __future__ import annotations

import re
from typing import Final

from dmz.messages import HallRequest, HallResponse, Pair
from dmz.static.assets import Asset, AssetMap
from dmz.static.metrics import StaticMetrics
from wire_formats.errors import HallError, Kind

LASTING: Final = "public, max-age=31536000, immutable"
PASSING: Final = "public, max-age=300"
MAX_VALIDATORS: Final = 16
_TAG: Final = re.compile(r'(?:W/)?"([0-9a-f]{64}(?:-gz)?)"')
_NO_QUALITY: Final = re.compile(r"q=0(?:\.0{1,3})?")
_TEXT: Final[tuple[Pair, ...]] = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"))


class StaticHandler:
    """Serves an asset map.

    Args:
        assets: complete before the first request.
        metrics: counters.
    """

    def __init__(self, assets: AssetMap, metrics: StaticMetrics) -> None:
        self._assets = assets
        self._metrics = metrics

    async def __call__(self, request: HallRequest) -> HallResponse:
        """Answer one request. The edge leaves the body of an answer to HEAD unsent."""
        response = self._answer(request)
        self._metrics.answers[response.status].inc()
        if request.method == "GET":
            self._metrics.sent_bytes.inc(len(response.body))
        return response

    def _answer(self, request: HallRequest) -> HallResponse:
        if request.method not in ("GET", "HEAD"):
            return HallResponse(405, (*_TEXT, ("Allow", "GET, HEAD")), b"405\n")
        found = self._assets.find(request.path)
        if found is None:
            return HallResponse(404, _TEXT, b"404\n")
        asset, lasting = found
        packed = bool(asset.compressed) and accepts_gzip(request.headers.get("accept-encoding", ""))
        tag = asset.digest + ("-gz" if packed else "")
        headers = _headers(asset, tag, lasting=lasting)
        if tag in _validators(request.headers.get("if-none-match", "")):
            return HallResponse(304, headers)
        described: tuple[Pair, ...] = (("Content-Type", asset.media_type), *headers)
        if packed:
            return HallResponse(200, (*described, ("Content-Encoding", "gzip")), asset.compressed)
        return HallResponse(200, described, asset.content)


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether an Accept-Encoding field admits gzip; "*" counts, a quality of 0 forbids."""
    for piece in accept_encoding.lower().split(",")[:MAX_VALIDATORS]:
        coding, _, quality = piece.replace(" ", "").partition(";")
        if coding in ("gzip", "x-gzip", "*"):
            return not _NO_QUALITY.fullmatch(quality)
    return False


def render_error(_request: HallRequest, error: HallError) -> HallResponse:
    """Write the answer for an error that the handler let through, for the worker port."""
    status = 503 if error.kind is Kind.BUSY else 500
    return HallResponse(status, _TEXT, f"{error.code}\n".encode("ascii"))


def _headers(asset: Asset, tag: str, *, lasting: bool) -> tuple[Pair, ...]:
    always: tuple[Pair, ...] = (("ETag", f'"{tag}"'), ("Cache-Control", LASTING if lasting else PASSING))
    return (*always, ("Vary", "Accept-Encoding")) if asset.compressed else always


def _validators(if_none_match: str) -> frozenset[str]:
    """Give the tags of an If-None-Match field that could be ours."""
    pieces = if_none_match.split(",", MAX_VALIDATORS)[:MAX_VALIDATORS]
    matches = (_TAG.fullmatch(piece.strip()) for piece in pieces)
    return frozenset(match[1] for match in matches if match is not None)
