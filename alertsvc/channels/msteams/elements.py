"""The elements of an Adaptive Card, as far as they are used here.

What comes from outside stands in text runs only: there is no markup in them, so nothing can be forged. Dates in double
braces are expanded even there, so two braces never stand side by side.

Source: https://adaptivecards.io/explorer (version 1.5, the latest that Teams shows)
"""

import json
import re
from collections.abc import Iterable, Sequence

from alertsvc.channels.clean import clean_line
from alertsvc.channels.json_body import Json, JsonObject
from alertsvc.core.model import Link

MAX_LINES = 25
MAX_URL_BYTES = 1500
"""As it is written in JSON. A longer link is left out: the card has less room than one page's address may take."""
NAME_WIDTH = "110px"
"""Holds the longest name of a fact: a word that does not fit runs into its value instead of being broken."""
_DOUBLE_BRACE = re.compile(r"([{}])(?=\1)")


def literal(text: str) -> str:
    """`text` without double braces: a blank of no width comes between them."""
    return _DOUBLE_BRACE.sub("\\1\u200b", text)


def run(text: str, **look: Json) -> JsonObject:
    """Literal text. `look` are properties such as weight, size, isSubtle."""
    return {"type": "TextRun", "text": literal(text), **look}


def link_run(text: str, url: str | None, **look: Json) -> JsonObject:
    """Literal text that leads to `url`, if there is one."""
    return run(text, **look) if url is None or not fits(url) else run(text, selectAction=open_url("", url), **look)


def line(runs: Iterable[JsonObject], **look: Json) -> JsonObject:
    """A paragraph of runs. `look` are properties such as spacing."""
    return {"type": "RichTextBlock", "inlines": [each for each in runs if each["text"]] or [run(" ")], **look}


def paragraphs(text: str, **look: Json) -> list[JsonObject]:
    """A paragraph for each line of `text`."""
    lines = [each for each in text.splitlines() if each.strip()][:MAX_LINES]
    return [line([run(each, **look)], spacing="Small" if index else "Default") for index, each in enumerate(lines)]


def box(items: Sequence[JsonObject], style: str | None = None) -> JsonObject:
    """Elements together, on a coloured ground when there is a style."""
    look: JsonObject = {} if style is None else {"style": style, "bleed": True}
    return {"type": "Container", "items": items, **look}


def fact(name: str, value: str) -> JsonObject:
    """A name and a value side by side."""
    left: JsonObject = {"type": "Column", "width": NAME_WIDTH, "items": [line([run(name, isSubtle=True)])]}
    right: JsonObject = {"type": "Column", "width": "stretch", "items": [line([run(value)])]}
    return {"type": "ColumnSet", "columns": [left, right], "spacing": "Small"}


def open_url(title: str, url: str) -> JsonObject:
    """A link: as a button when it has a title."""
    named: JsonObject = {"title": literal(title)} if title else {}
    return {"type": "Action.OpenUrl", "url": url, **named}


def actions(links: Sequence[Link], most: int) -> list[Json]:
    """Up to `most` buttons."""
    usable = [link for link in links if fits(link.url)]
    return [open_url(clean_line(link.title, 40), link.url) for link in usable[:most]]


def fits(url: str) -> bool:
    """Whether a card has room for a link to `url`."""
    return len(json.dumps(url)) <= MAX_URL_BYTES
