"""Regular expressions as Alertmanager means them: RE2, linear in time, anchored at both ends."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs]  # the package brings no types: see the protocols below

MAX_PATTERN_BYTES = 16_384
"""Long enough for a list of some hundred hosts."""
MAX_COMPILED_BYTES = 1024 * 1024
"""An expression that needs more memory is refused: compiling one takes up to 60 ms for each MiB."""

_ONE_BYTE = re.compile(r"(?:\\Q.*?(?:\\E|\Z)|\\[^CQ]|[^\\])*+\\C", re.DOTALL)
"""Half a character: RE2 in C++ has it, RE2 in Go, and so Alertmanager, has not."""


class _Compiled(Protocol):
    def search(self, text: bytes) -> object | None: ...


class _Options(Protocol):
    log_errors: bool
    max_mem: int


_new_options = cast("Callable[[], _Options]", re2.Options)
_compile = cast("Callable[[str, _Options], _Compiled]", re2.compile)  # pyright: ignore[reportUnknownMemberType]  # as above
_Re2Error = cast("type[Exception]", re2.error)  # pyright: ignore[reportUnknownMemberType]  # as above


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """A test for a whole text. A dot does not stand for a line break.

    Raises:
        ValueError: RE2 refuses `pattern`, or it is longer than 16 KiB.
    """
    if len(pattern.encode("utf-8", "replace")) > MAX_PATTERN_BYTES:
        raise ValueError(f"a regular expression may have at most {MAX_PATTERN_BYTES:,} bytes")
    if _ONE_BYTE.match(pattern):
        raise ValueError(r"not a regular expression that Alertmanager takes: invalid escape sequence: \C")
    try:
        compiled = _compiled(f"^(?:{pattern})$")
    except ValueError:
        _compiled(pattern)  # when it is wrong alone too, RE2 shows it without the anchors
        raise

    def fits(text: str) -> bool:
        return compiled.search(text.encode("utf-8", "replace")) is not None

    return fits


def splits_anchors(pattern: str) -> bool:
    """Whether `pattern` is an expression only inside the anchors, such as `a)|(b`, and so is not held by both."""
    if ")" not in pattern:
        return False
    try:
        _compiled(pattern)
    except ValueError:
        return True
    return False


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> _Compiled:
    options = _new_options()
    options.log_errors = False
    options.max_mem = MAX_COMPILED_BYTES
    try:
        return _compile(pattern, options)
    except _Re2Error as fault:
        reason: object = fault.args[0] if fault.args else b""
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"not a regular expression that RE2 takes: {text}") from None
