"""Reads a page as a mail program would: what is seen, where it leads, and which elements it is made of."""

from html.parser import HTMLParser

HARMLESS_TAGS = frozenset(
    {"html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td", "p", "span", "h1", "h2", "a", "br"}
    | {"strong", "pre"}
)
HARMLESS_ATTRIBUTES = frozenset(
    {"lang", "charset", "name", "content", "class", "style", "role", "width", "height", "cellpadding", "cellspacing"}
    | {"border", "bgcolor", "align", "valign", "href"}
)


class Page(HTMLParser):
    """The parts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.styles: set[str] = set()
        self._pieces: list[str] = []
        self._inside: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in {"href", "src", "action"}]
        self.styles |= {value for name, value in attrs if name == "style"}
        if tag in {"style", "title"}:
            self._inside.append(tag)

    def handle_endtag(self, tag):
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data):
        if not self._inside:
            self._pieces.append(data)

    @property
    def text(self) -> str:
        """What is read, with every blank as one."""
        return flat(" ".join(self._pieces))


def flat(text: str) -> str:
    return " ".join(text.split())
