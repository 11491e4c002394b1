"""What can be wrong with a matcher's text, or merely strange."""

from dataclasses import dataclass

EXAMPLE = 'a matcher such as severity="critical" is needed'
NO_NAME = f"a label name is missing: {EXAMPLE}"
QUOTE_IN_BARE = 'a double quote stands inside a value without quotes; escape it as \\" inside quotes'
QUOTE_IN_QUOTES = 'a double quote inside quotes is written \\"'


class MatcherError(ValueError):
    """A text that is no matcher. `offset` is the character in it, from 0, where it stops being one."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a text that is taken may not mean what its author thinks. `offset` is as in `MatcherError`."""

    message: str
    offset: int


def no_operator(name: str) -> str:
    """The sentence for a name that no operator follows; `name` is shown as it is given."""
    return f"one of = != =~ !~ is needed after {name}"


def not_closed(what: str) -> str:
    """The sentence for an opening quote without a closing one; `what` is a name or a value."""
    return f"the {what} that begins here has no closing quote"
