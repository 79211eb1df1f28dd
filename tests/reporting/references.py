"""Finds everything that a page would load."""

import re
from html.parser import HTMLParser

_LOADING = {"src", "srcset", "href", "xlink:href", "data", "poster", "action", "background"}
_CSS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]?([^'\";]+)")


class _References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        for name, value in attrs:
            if name in _LOADING and value:
                self.found.append(value)
            if name == "style" and value:
                self.handle_css(value)
            if name == "srcdoc" and value:
                self.found += references(value)

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.handle_css(data)

    def handle_css(self, text: str) -> None:
        self.found += [one or other for one, other in _CSS.findall(text)]


def references(page: str) -> list[str]:
    """Return the value of every attribute and style rule of an HTML page that names a resource."""
    parser = _References()
    parser.feed(page)
    return parser.found


def external(page: str) -> list[str]:
    """Return what a page names outside its folder."""
    inside = re.compile(r"(data:|#|[\w.-]+(/[\w.-]+)*(#.*)?$)")
    return [one for one in references(page) if not inside.match(one) or ".." in one.split("/")]
