"""Reads the hall's pages: forms with their fields, links, texts by class.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_VOID: Final = frozenset({"input", "br", "meta", "link", "img", "hr"})


@dataclass(slots=True)
class Form:
    """A form as the page shows it.

    Attributes:
        action: where it is sent.
        values: names and present values of its fields.
        buttons: names and values of its submit buttons.
    """

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Element:
    """An element with its text, children included."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


class Page(HTMLParser):
    """One page.

    Args:
        html: the page's text.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self._form: Form | None = None
        self.feed(html)
        self.close()

    def form(self, action: str) -> Form:
        """Give the form that is sent to an address beginning with ``action``.

        Raises:
            LookupError: the page has none.
        """
        for form in self.forms:
            if form.action.startswith(action):
                return form
        raise LookupError(f"no form for {action}: {self.heading()}; {self.problem()}")

    def heading(self) -> str:
        """Give the page's heading."""
        return self.first("h1")

    def problem(self) -> str:
        """Give what the page complains about, on one line."""
        for element in self.elements:
            classes = element.attributes.get("class", "").split()
            if element.attributes.get("role") == "alert" or {"problem", "summary", "error", "grave"} & set(classes):
                words = " ".join(element.text.split())
                if words:
                    return words[:300]
        return " ".join(self.first("main").split())[:300]

    def first(self, tag: str) -> str:
        """Give the text of the first element of this kind, or nothing."""
        return next((" ".join(e.text.split()) for e in self.elements if e.tag == tag), "")

    def state(self) -> str:
        """Give the state that a receipt shows, or nothing."""
        tags = (e for e in self.all("span") if "tag" in e.attributes.get("class", "").split())
        return next((" ".join(tag.text.split()) for tag in tags), "")

    def all(self, tag: str) -> list[Element]:
        """Give all elements of this kind."""
        return [element for element in self.elements if element.tag == tag]

    # HTMLParser

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        attributes = {name: value or "" for name, value in attrs}
        self.handle_data(" ")  # words of neighbouring elements stay apart
        element = Element(tag, attributes)
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)
        if tag == "form":
            self._form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag in ("input", "button", "select", "textarea"):
            self._control(tag, attributes)
        elif tag == "option" and "selected" in attributes:
            self._select(attributes.get("value", ""))
        elif tag == "a":
            self.links.append((attributes.get("href", ""), attributes.get("class", "")))

    def handle_endtag(self, tag: str) -> None:
        """Close an element and those forgotten inside it."""
        if tag == "form":
            self._form = None
        if any(element.tag == tag for element in self._open):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Give the text to every open element."""
        for element in self._open:
            element.text += data

    def _control(self, tag: str, attributes: dict[str, str]) -> None:
        name = attributes.get("name", "")
        if self._form is None or not name:
            return
        kind = attributes.get("type", "submit" if tag == "button" else "text")
        if kind == "submit":
            self._form.buttons.append((name, attributes.get("value", "")))
        elif kind in ("checkbox", "radio"):
            if "checked" in attributes:
                self._form.values[name] = attributes.get("value", "on")
        elif kind != "file":
            self._form.values[name] = attributes.get("value", "")

    def _select(self, value: str) -> None:
        if self._form is not None and self._form.values:
            last = list(self._form.values)[-1]
            self._form.values[last] = value
