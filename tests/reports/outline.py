"""What a browser makes of a page, as far as tests ask: its elements, its visible text and its outline."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}

# Elements and attributes that could run something or fetch something.
ACTIVE = {
    "script",
    "iframe",
    "object",
    "embed",
    "base",
    "form",
    "img",
    "foreignobject",
    "animate",
    "set",
    "audio",
    "video",
}


class Page(HTMLParser):
    """Parses a page, and fails on elements that are closed out of turn."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.outline: list[str] = []
        self._text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._text).split())

    def ids(self) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get("id"))]

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            if tag in ("h1", "h2", "h3", "h4", "caption", "summary"):
                self.outline.append(f"{tag}: ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> closes <{self._open[-1]}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if "style" in self._open or "title" in self._open[:3]:
            return
        self._text.append(data)
        if self._open and any(tag in self._open for tag in ("h1", "h2", "h3", "h4", "caption", "summary")):
            self.outline[-1] = " ".join((self.outline[-1] + data).split())


def assert_inert(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in ACTIVE
        for key, value in attributes.items():
            assert not key.startswith("on"), f"<{tag} {key}>"
            assert key != "style", f"<{tag} style> is dead under the page's policy"
            if key in ("href", "src", "xlink:href") and (tag, value) != ("link", "data:,"):
                assert value is not None
                allowed = "data:image/png;base64," if tag == "image" else "#"
                assert value.startswith(allowed), f"<{tag} {key}={value!r}>"
