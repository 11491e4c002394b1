"""What is wrong with a configuration, as people and machines are told it."""

from collections.abc import Iterable
from dataclasses import dataclass

from alertsvc.quoting import printable

Loc = tuple[str | int, ...]
"""A place in the file's tree: `("route", "routes", 0, "matchers")`."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the file's text; lines and columns count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake and where it stands in the tree: at the value of `loc`, or at its key.

    `offset` is how many characters into the value it is. `at` is given instead when the tree has no such place.
    `meant` is a word that may be a slip for one of `known`.
    """

    message: str
    loc: Loc = ()
    on_key: bool = False
    offset: int = 0
    at: Position | None = None
    meant: str = ""
    known: frozenset[str] = frozenset()


class SlipError(ValueError):
    """A word that is none of those `known`: perhaps a slip for one of them."""

    def __init__(self, message: str, meant: str, known: frozenset[str]) -> None:
        super().__init__(message)
        self.meant = meant
        self.known = known


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake as it is shown. `source` is the line without its secrets, `caret` the column in it, from 0.

    `line` and `column` are 0 when it is not about a place in the file. A warning is about what is taken all the same.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    source: str = ""
    caret: int = 0
    is_warning: bool = False

    @property
    def headline(self) -> str:
        """`file:line:column: path: message` or `…: warning: …`."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        level = "warning" if self.is_warning else ""
        return ": ".join(part for part in (place, level, self.path, self.message) if part)

    def __str__(self) -> str:
        """The headline, then the line and a caret below the place."""
        return f"{self.headline}\n{self.source}\n{' ' * self.caret}^" if self.source.strip() else self.headline

    def as_json(self) -> dict[str, str | int]:
        """The same for machines, without the picture."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "message": self.message,
            "level": "warning" if self.is_warning else "error",
        }


class ConfigError(Exception):
    """A configuration that cannot be used. `problems` are all its mistakes, in the order of the file, never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def as_json(self) -> list[dict[str, str | int]]:
        """All mistakes for machines."""
        return [problem.as_json() for problem in self.problems]


def shown_path(loc: Loc) -> str:
    """`loc` as people write it: `route.routes[0].matchers`. Parts are cut at 60 characters."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{printable(part[:60])}"
    return text.removeprefix(".")
