"""What people expect of their routes, written down: a file of label sets and the receivers each must reach."""

from pathlib import Path

from pydantic import TypeAdapter

from alertsvc.quoting import quoted
from alertsvc.settings.check import validate_with
from alertsvc.settings.compose import compose
from alertsvc.settings.errors import ConfigError
from alertsvc.settings.excerpt import problem_of_unreadable, problems_of
from alertsvc.settings.nodes import UnreadableError
from alertsvc.settings.process import Section
from alertsvc.settings.shape import Shape
from alertsvc.settings.text_file import read_text
from alertsvc.settings.words import LabelName


class RouteCase(Section):
    """An alert with `labels` must reach `receivers`, in this order."""

    labels: dict[LabelName, str]
    receivers: tuple[str, ...]
    name: str | None = None

    def shown(self, number: int) -> str:
        """What it is called: its name, else the `number` it has in the file."""
        return f"case {number}" if self.name is None else f"case {quoted(self.name)}"


_CASES = TypeAdapter(tuple[RouteCase, ...])
_SHAPE = Shape(tuple[RouteCase, ...])


def load_cases(path: Path) -> list[tuple[RouteCase, int]]:
    """The cases in the file `path`, each with the line it begins on.

    Raises:
        ConfigError: The file cannot be read, or has mistakes. It names them all.
    """
    file, text = str(path), read_text(path)
    try:
        document, faults = compose(text)
    except UnreadableError as error:
        raise ConfigError([problem_of_unreadable(file, text, error.fault, _SHAPE)]) from None
    cases, wrong = validate_with(document, _SHAPE, _CASES.validate_python)
    if cases is None or faults or wrong:
        raise ConfigError(problems_of(file, text, document, _SHAPE, [*faults, *wrong]))
    return [(case, document.position((index,)).line) for index, case in enumerate(cases)]
