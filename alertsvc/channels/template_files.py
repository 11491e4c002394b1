"""Reads the operator's own templates from disk."""

import re
from collections.abc import Iterable
from pathlib import Path

MAX_TEMPLATE_BYTES = 256 * 1024
SUFFIX = ".j2"
_GO_TEMPLATE = re.compile(r"\{\{-?\s*(define|template|range|end|\.[A-Z])")


class TemplateFileError(ValueError):
    """A file under `templates:` cannot be used. The text says which and why."""


def read_templates(patterns: Iterable[str], base: Path) -> dict[str, str]:
    """The files that the patterns name, by file name; a later one replaces an earlier one of the same name.

    Args:
        patterns: Paths, whose last part may have wildcards; relative ones are taken from `base`.
        base: The folder of the configuration file.

    Raises:
        TemplateFileError: A file is missing, cannot be read, is not UTF-8, is larger than 256 KiB, is no `.j2` file,
            or is written in Go's template language. A pattern with wildcards may fit nothing.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        for path in _matches(base / pattern):
            found[path.name] = _read(path)
    return found


def _matches(path: Path) -> list[Path]:
    if not re.search(r"[*?\[]", path.name):
        return [path]
    return sorted(match for match in path.parent.glob(path.name) if match.is_file())


def _read(path: Path) -> str:
    try:
        with path.open("rb") as source:
            raw = source.read(MAX_TEMPLATE_BYTES + 1)
        text = raw.decode()
    except (OSError, UnicodeDecodeError) as fault:
        raise TemplateFileError(f"template {path} cannot be read: {type(fault).__name__}") from fault
    if len(raw) > MAX_TEMPLATE_BYTES:
        raise TemplateFileError(f"template {path} is larger than {MAX_TEMPLATE_BYTES:,} bytes")
    if path.suffix == ".tmpl" or _GO_TEMPLATE.search(text):
        raise TemplateFileError(f"template {path} is a Go template: templates here are Jinja ones, like email.html.j2")
    if path.suffix != SUFFIX:
        raise TemplateFileError(
            f"template {path} needs a name like one of those it replaces: email.html.j2, title.txt.j2"
        )
    return text
