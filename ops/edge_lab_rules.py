"""A SecLang rule tree in front of the lab's edge (``ops.edge_lab``).

The rules look at a request as bytes; the edge has taken it apart by then. Here it is written anew, canonically, before
it is judged, which costs a little more than judging what was sent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from dmz.messages import HallRequest, HallResponse, Handler
from dmz.waf.seclang.compiler import compile_rules
from dmz.waf.seclang.engine import Engine
from dmz.waf.seclang.files import DirectoryFiles
from dmz.waf.seclang.model import RuleSetError
from dmz.waf.seclang.reader import read_rule_set
from dmz.waf.seclang.sent_request import SentRequest
from wire_formats.errors import Kind, Refused
from wire_formats.settings_reader import SettingsError

#: Debian keeps the loader in the tree and the set-up file elsewhere.
_DEBIAN_LOADER: Final = "owasp-crs.load"
_DEBIAN_SETUP: Final = Path("/etc/modsecurity/crs")
_SETUPS: Final = ("crs-setup.conf", "crs-setup.conf.example")
_BOUNDARY: Final = "lab-boundary"


def load_engine(tree: Path) -> Engine:
    """Read and compile the rules of a tree; takes some seconds.

    Raises:
        SettingsError: there are none, or they cannot be used.
    """
    if (tree / _DEBIAN_LOADER).is_file():
        names = [_DEBIAN_LOADER]
    else:
        names = [*[name for name in _SETUPS if (tree / name).is_file()][:1], "rules/*.conf"]
    try:
        rules = read_rule_set(names, DirectoryFiles(tree, _DEBIAN_SETUP))
        return Engine(compile_rules(rules))
    except RuleSetError as error:
        raise SettingsError(f"lab: rules: {error}") from None


class RuledHandler:
    """A handler behind an engine.

    Args:
        inner: the content switch.
        engine: judges.
    """

    def __init__(self, inner: Handler, engine: Engine) -> None:
        self._inner = inner
        self._engine = engine

    async def __call__(self, request: HallRequest) -> HallResponse:
        """Have a request answered, if no rule refuses it.

        Raises:
            Refused: FIREWALL.
        """
        refused_by = self._engine.judge(sent_again(request)).refused_by
        if refused_by:
            raise Refused(Kind.FIREWALL, f"rule {refused_by}")
        return await self._inner(request)


def sent_again(request: HallRequest) -> SentRequest:
    """Write a request as a peer might have sent it."""
    kind, body = _body(request)
    headers = [(name, value) for name, value in request.headers.items() if name != "content-type"]
    if request.cookies:
        headers.append(("cookie", "; ".join(f"{name}={value}" for name, value in request.cookies)))
    if kind:
        headers += [("content-type", kind), ("content-length", str(len(body)))]
    query = f"?{urlencode(request.query)}" if request.query else ""
    return SentRequest(
        request.method.encode("ascii"),
        f"{quote(request.path)}{query}".encode("ascii"),
        headers=tuple((name.encode(), value.encode()) for name, value in headers),
        body=body,
        address=request.address.encode("ascii"),
    )


def _body(request: HallRequest) -> tuple[str, bytes]:
    if not request.uploads:
        encoded = urlencode(request.form).encode("ascii")
        return ("application/x-www-form-urlencoded" if encoded else ""), encoded
    parts = [_part(f'name="{name}"', "", text.encode()) for name, text in request.form]
    parts += [
        _part(f'name="{upload.name}"; filename="{upload.filename}"', upload.content_type, upload.data)
        for upload in request.uploads
    ]
    return f"multipart/form-data; boundary={_BOUNDARY}", b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode("ascii")


def _part(names: str, kind: str, content: bytes) -> bytes:
    typed = f"Content-Type: {kind}\r\n" if kind else ""
    head = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {names}\r\n{typed}\r\n"
    return head.encode() + content + b"\r\n"
