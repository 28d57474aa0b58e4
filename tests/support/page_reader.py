"""Reads a page strictly: every element closed in order, nothing doubled; and finds what a reader would find."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "col", "wbr"})


@dataclass
class Element:
    """One element with its attributes and the text inside it."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def inside(self, tag: str) -> Element | None:
        """The nearest element of this tag around it."""
        around = self.parent
        while around is not None and around.tag != tag:
            around = around.parent
        return around


class PageReader(HTMLParser):
    """Parses a page; raises AssertionError for anything that is not well formed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.doctype = ""
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {[e.tag for e in self._open]}"

    def handle_decl(self, decl: str) -> None:
        self.doctype = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {k: v or "" for k, v in attrs}, self._open[-1] if self._open else None)
        if element.parent is not None:
            element.parent.children.append(element)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1].tag == tag, f"</{tag}> closes {self._open[-1].tag if self._open else '-'}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, **wanted: str) -> list[Element]:
        """All elements of a tag with these attributes."""
        return [e for e in self.elements if e.tag == tag and all(e.attributes.get(k) == v for k, v in wanted.items())]

    def by_id(self, identity: str) -> Element | None:
        """The element with this id."""
        return next((e for e in self.elements if e.attributes.get("id") == identity), None)

    def form_values(self, identity: str) -> dict[str, str]:
        """What a browser would send of the form with this id, buttons excepted."""
        values: dict[str, str] = {}
        for element in self.elements:
            form = element.inside("form")
            name = element.attributes.get("name")
            if form is None or form.attributes.get("id") != identity or not name:
                continue
            kind = element.attributes.get("type", "text")
            if element.tag == "input" and (kind not in ("radio", "checkbox") or "checked" in element.attributes):
                values[name] = element.attributes.get("value", "")
            elif element.tag == "textarea":
                values[name] = element.text.removeprefix("\n")
            elif element.tag == "select":
                values[name] = next((o.attributes["value"] for o in element.children if "selected" in o.attributes), "")
        return values
