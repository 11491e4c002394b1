"""The rows of the table that a bench prints."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure and the bound it must keep: `at_least`, or `at_most`, where there is one."""

    what: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    beside: str = ""

    @property
    def verdict(self) -> str:
        """Whether the bound is kept."""
        if self.at_least is not None:
            return f">= {self.at_least:g}  {'ok' if self.value >= self.at_least else 'MISSED'}"
        if self.at_most is not None:
            return f"<= {self.at_most:g}  {'ok' if self.value <= self.at_most else 'MISSED'}"
        return ""


def print_rows(rows: list[Row]) -> None:
    """Print them."""
    width = max(len(row.what) for row in rows)
    for row in rows:
        print(f"{row.what:{width}}  {row.value:10.3g} {row.unit:12} {row.verdict:16} {row.beside}".rstrip())
