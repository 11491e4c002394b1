"""See `tests.faults`."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from alertsvc.store import migrate
from tests import faults
from tests.faults.catalogue import FAULTS
from tests.faults.fault import BOTH, NotHereError, Place
from tests.faults.table import Row, print_table
from tests.postgres import Server, running_server


@dataclass(frozen=True, slots=True)
class Databases:
    """Makes a fresh database for each run, with the tables in it."""

    file: Path
    server: Server | None = None
    template: str = ""

    def url(self, kind: str, folder: Path) -> str:
        if kind == "sqlite":
            shutil.copy(self.file, folder / "faults.db")
            return f"sqlite:///{folder / 'faults.db'}"
        assert self.server is not None
        return self.server.new_database(self.template)


@contextmanager
def prepared(kinds: list[str]) -> Iterator[Databases]:
    with ExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertsvc-faults-"))) / "template.db"
        migrate.upgrade(f"sqlite:///{file}")
        if "postgresql" not in kinds:
            yield Databases(file)
            return
        server = stack.enter_context(running_server())
        url = server.new_database()
        migrate.upgrade(url)
        yield Databases(file, server, url.rpartition("/")[2].partition("?")[0])


def try_all(options: argparse.Namespace) -> list[Row]:
    kinds = options.database or list(BOTH)
    rows: list[Row] = []
    with prepared(kinds) as databases:
        for name in options.fault or FAULTS:
            for kind in (each for each in kinds if each in FAULTS[name].databases):
                row = Row(FAULTS[name], kind)
                rows.append(row)
                for turn in range(options.runs):
                    if not row.not_here:
                        try_once(row, databases, f"{options.seed}-{name}-{kind}-{turn}", brief=options.brief)
    return rows


def try_once(row: Row, databases: Databases, seed: str, *, brief: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="alertsvc-fault-") as named:
        folder = Path(named)
        url = databases.url(row.database, folder)
        place = Place(folder, row.database, url, databases.server, Random(seed), brief)
        try:
            outcome = asyncio.run(row.fault.run(place))
        except NotHereError as fault:
            row.not_here = str(fault)
            return
    row.outcomes.append(outcome)
    verdict = "BROKEN" if outcome.broken else "kept"
    print(f"{seed}: {verdict}; {', '.join(outcome.remarks)}", file=sys.stderr, flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=faults.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--fault", choices=FAULTS, action="append", metavar="NAME", help=", ".join(FAULTS))
    options.add_argument("--runs", type=int, default=1, help="of each fault")
    options.add_argument("--database", choices=BOTH, action="append")
    options.add_argument("--seed", type=int, default=0, help="of what is left to chance")
    options.add_argument("--brief", action="store_true", help="what lasts is short")
    rows = try_all(options.parse_args())
    print_table(rows)
    raise SystemExit(any(row.is_broken for row in rows))


if __name__ == "__main__":
    main()
