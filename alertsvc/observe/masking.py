"""Takes out of what is logged whatever looks like a credential, and what would steer a terminal."""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

_SECRETS = re.compile(
    r"(https://hooks\.slack\.com/)[^\s\"']+"
    r"|(\bsig=)[^&\s\"']+"
    r"|(xox[a-z]-)[A-Za-z0-9-]+"
    r"|(\bals_[0-9a-f]{12}_)[A-Za-z0-9_-]+"
    r"|(\bwhsec_)[A-Za-z0-9+/=]+"
    r"|(?i:(authorization['\"]?\s*[:=]\s*['\"]?(?:bearer|basic)\s+))[^\s'\"]+"
    r"|(\brouting_key['\"]?\s*[:=]\s*['\"]?)[^\s'\",}]+"
    r"|(://[^\s/:@]*:)[^\s@]+(?=@)"
)
MASK = "<secret>"


def mask(text: str) -> str:
    """`text` with whatever looks like a credential replaced."""
    return _SECRETS.sub(lambda found: next(group for group in found.groups() if group is not None) + MASK, text)


def harmless(value: Any, finish: Callable[[str], str] = str) -> Any:
    """`value`, which may hold others, with its texts masked and given to `finish`. Other objects stay as they are."""
    if isinstance(value, str):
        return finish(mask(value))
    if isinstance(value, Mapping):
        return {key: harmless(each, finish) for key, each in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [harmless(each, finish) for each in cast("list[Any] | tuple[Any, ...]", value)]
    return value


def printable(text: str) -> str:
    """`text` on one line: what would steer a terminal is escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def printable_lines(text: str) -> str:
    """As `printable`, line by line."""
    return "\n".join(printable(line) for line in text.split("\n"))
