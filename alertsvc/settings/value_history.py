"""A file of earlier values, as people export them: CSV with a column `value`, and `observed_at` if there are times."""

import csv
import io
import math
from datetime import UTC, datetime
from pathlib import Path

from alertsvc.quoting import quoted
from alertsvc.settings.errors import ConfigError, Problem
from alertsvc.settings.text_file import read_text

VALUE, OBSERVED_AT = "value", "observed_at"


def read_values(path: Path) -> list[tuple[float, datetime | None]]:
    """The values in the file `path`, oldest first, with their times in UTC where they have some.

    Raises:
        ConfigError: It cannot be read, or has mistakes. It names them all.
    """
    file = str(path)
    reader = csv.DictReader(io.StringIO(read_text(path)))
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    if VALUE not in names:
        raise ConfigError([Problem(file, 1, 1, "", "the first line must name the columns: value or observed_at,value")])
    found: list[tuple[float, datetime | None]] = []
    problems: list[Problem] = []
    for row in reader:
        try:
            found.append((_value(row.get(VALUE) or ""), _instant(row.get(OBSERVED_AT) or "")))
        except ValueError as fault:
            problems.append(Problem(file, reader.line_num, 1, "", str(fault)))
    if problems:
        raise ConfigError(problems)
    return found if any(at is None for _, at in found) else sorted(found, key=lambda each: str(each[1]))


def _value(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"a number is needed, got {quoted(text[:60])}")
    return value


def _instant(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        instant = None
    if instant is None:
        raise ValueError(f"a time such as 2026-03-02T09:00:00Z is needed, got {quoted(text[:60])}")
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
