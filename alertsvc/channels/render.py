"""Turns a message into text through templates; a broken template never silences anyone."""

import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from jinja2 import ChoiceLoader, FileSystemLoader, FunctionLoader, PrefixLoader, TemplateSyntaxError

from alertsvc.channels.bounds import Run, TooMuchError
from alertsvc.channels.clean import clean_line
from alertsvc.channels.message import DigestMessage, Message
from alertsvc.channels.plain import plain_text
from alertsvc.channels.sandbox import Sandbox
from alertsvc.channels.tidy import ROOMS, Room, tidy
from alertsvc.channels.vocabulary import FILTERS, words_for
from alertsvc.resources import data_dir

MAX_TEXT_BYTES = 64 * 1024
MAX_HTML_BYTES = 60 * 1000
MAX_FLAW_CHARS = 300
MOST_REMEMBERED = 32
BUILT_IN = "builtin/"
"""A template of the operator's may build on the one it replaces: `{% extends "builtin/email.html.j2" %}`."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """The text, and what is wrong with its template, if anything.

    With a flaw that breaks a template the text is the built-in one; with a lesser one (it asks for a name that does
    not exist, and so shows nothing there) the text is the template's own.
    """

    text: str
    flaw: str | None = None


class Renderer(Protocol):
    """Renders templates by name."""

    def __call__(self, template: str, message: Message) -> Rendering:
        """The text of `template` (`title.txt`, `summary.txt`, `email.html`, ...) for `message`. Never raises."""
        ...


class TemplateRenderer:
    """Renders the operator's templates, else those that come with the service.

    Not for several threads at once. The operator's templates are read when it is opened: a file that changes or goes
    away later changes nothing until the next reload.
    """

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        """`own` are the operator's templates by file name (`email.html.j2`); they replace those that come along."""
        self._own = dict(own or {})
        shipped = FileSystemLoader(data_dir("templates"))
        loaders = [FunctionLoader(self._load_own), shipped, PrefixLoader({BUILT_IN.rstrip("/"): shipped})]
        self._sandbox = Sandbox(ChoiceLoader(loaders), FILTERS)
        self._latest: tuple[Message, Room, Mapping[str, object]] | None = None
        self._remembered: dict[tuple[str, int], tuple[Message, Rendering]] = {}

    def __call__(self, template: str, message: Message) -> Rendering:
        """See `Renderer`. Lines are remembered for a while: every page of a message begins with them."""
        if not _is_line(template):
            return self._rendered(template, message)
        place = template, id(message)
        known = self._remembered.get(place)
        if known is None or known[0] is not message:
            known = self._remembered[place] = message, self._rendered(template, message)
            while len(self._remembered) > MOST_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
        return known[1]

    def foresee(self, message: Message) -> None:
        """Make the lines of a message that is about to be sent."""
        self._lines(message)

    def _rendered(self, template: str, message: Message) -> Rendering:
        lines = {} if _is_line(template) else self._lines(message)
        flaws = [line.flaw for line in lines.values() if line.flaw]
        for name in self._names(template):
            text, found = self._in_some_room(name, message, {key: line.text for key, line in lines.items()})
            flaws += found
            if text is not None:
                return Rendering(" ".join(text.split()) if _is_line(template) else text + "\n", _one(flaws))
        return Rendering(plain_text(template, message), _one(flaws))

    def check(self, samples: Iterable[tuple[str, Message]]) -> list[str]:
        """The flaws that show when each of the named templates is rendered for its sample message."""
        flaws = [self(template, message).flaw for template, message in samples]
        return list(dict.fromkeys(flaw for flaw in flaws if flaw))

    def _load_own(self, name: str) -> tuple[str, str, None] | None:
        return (self._own[name], name, None) if name in self._own else None

    def _names(self, template: str) -> tuple[str, ...]:
        """The templates to try: the one in force, then the one that it replaced."""
        name = f"{template}.j2"
        return (name, BUILT_IN + name) if name in self._own else (name,)

    def _lines(self, message: Message) -> dict[str, Rendering]:
        """What pages show as their title and summary: the same words that the other channels get."""
        title = "digest_title.txt" if isinstance(message, DigestMessage) else "title.txt"
        return {"title": self(title, message), "summary": self("summary.txt", message)}

    def _in_some_room(self, name: str, message: Message, lines: Mapping[str, str]) -> tuple[str | None, list[str]]:
        """The text in the most generous room where it fits, and its flaws; None when there is no such text."""
        limit = MAX_HTML_BYTES if name.endswith(".html.j2") else MAX_TEXT_BYTES
        too_much = f"{name} makes more than {limit:,} bytes"
        for room in ROOMS:
            self._sandbox.run = run = Run()
            try:
                words = {**self._words(message, room), **lines}
                text = _text_within(limit, self._sandbox.get_template(name).generate(words))
            except TooMuchError as fault:
                too_much, text = _flaw(name, fault), None
            except Exception as fault:  # noqa: BLE001 - a template can raise anything, and people must still be told
                return None, [_flaw(name, fault)]
            if text is not None:
                unknown = [f"{name} {found}" for found in run.unknown]
                return (text, unknown) if text else (None, [*unknown, f"{name} shows nothing"])
        return None, [too_much]

    def _words(self, message: Message, room: Room) -> Mapping[str, object]:
        """The words for `message`. Its title, its summary and its page are rendered one after the other."""
        if self._latest is None or self._latest[0] is not message or self._latest[1] is not room:
            self._latest = message, room, words_for(tidy(message, room), room)
        return self._latest[2]


def _text_within(limit: int, pieces: Iterator[str]) -> str | None:
    """The pieces as one text without blank ends; None as soon as they are more than `limit` bytes."""
    whole = bytearray()
    for piece in pieces:
        whole += piece.encode("utf-8", "replace")
        if len(whole) > limit:
            return None
    return whole.decode().strip()


def _is_line(template: str) -> bool:
    return template.endswith("title.txt") or template == "summary.txt"


def _flaw(name: str, fault: Exception) -> str:
    """Which template, which line, and why."""
    place, line = name, None
    if isinstance(fault, TemplateSyntaxError):
        place, line = fault.name or name, fault.lineno
    for frame, number in traceback.walk_tb(fault.__traceback__):
        if "__jinja_exception__" in frame.f_globals:  # Jinja puts its own lines into the traceback
            place, line = frame.f_code.co_filename.rsplit("/", 1)[-1], number
    at = "" if line is None else f" line {line}"
    return f"{place}{at}: {clean_line(f'{type(fault).__name__}: {fault}', MAX_FLAW_CHARS)}"


def _one(flaws: Iterable[str]) -> str | None:
    return "; ".join(dict.fromkeys(flaws)) or None
