"""The table in which runs are summed up."""

from dataclasses import dataclass, field

from tests.faults.fault import Fault, Outcome

HEAD = (
    "fault", "database", "runs", "taken", "lost", "untold", "messages", "repeats (may)", "books", "recovery", "95 %"
)  # fmt: skip


@dataclass(slots=True)
class Row:
    """A fault on a database, and what its runs came to. `not_here` is why it could not be tried."""

    fault: Fault
    database: str
    outcomes: list[Outcome] = field(default_factory=list)
    not_here: str = ""

    @property
    def is_broken(self) -> bool:
        return any(each.broken for each in self.outcomes)

    def cells(self) -> tuple[str, ...]:
        """In the order of `HEAD`. The last is what the number of runs supports: a fault does harm less often."""
        if self.not_here:
            return (self.fault.name, self.database, f"not tried: {self.not_here}")
        runs, clean = len(self.outcomes), sum(not each.broken for each in self.outcomes)
        recoveries = [each.recovery_seconds for each in self.outcomes if each.recovery_seconds is not None]
        return (
            self.fault.name,
            self.database,
            str(runs),
            *(str(sum(getattr(each, name) for each in self.outcomes)) for name in ("acknowledged", "lost", "untold")),
            str(sum(each.messages for each in self.outcomes)),
            f"{sum(each.repeats for each in self.outcomes)} ({sum(each.may_repeat for each in self.outcomes)})",
            str(sum(each.mismatches for each in self.outcomes)),
            f"{max(recoveries):.1f} s" if recoveries else "-",
            f"< {min(1.0, 3 / runs):.0%}" if clean == runs else f"BROKEN {runs - clean}x",
        )


def print_table(rows: list[Row]) -> None:
    """Print it, and below it what was not kept."""
    lines = [HEAD, *(row.cells() for row in rows)]
    columns = range(len(HEAD))
    widths = [max(len(line[column]) for line in lines if len(line) == len(HEAD)) for column in columns]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip())
    for row in rows:
        for turn, each in enumerate(row.outcomes):
            for broken in each.broken:
                print(f"\n{row.fault.name} on {row.database}, run {turn}: {broken}")
