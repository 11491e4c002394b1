"""How fast the service is: every figure beside a reference measured in the same run.

    python -m tests.bench [--seconds 3] [--rounds 3] [--only PART ...] [--database sqlite|postgresql]

Prints a table; each row says what would still be acceptable. Other work on the machine falsifies it. What takes long
runs only when it is named: `matrix` (with --alerta FOLDER, a virtual environment that has alerta-server, gunicorn and
psycopg2-binary, it puts Alerta beside the service), `ceilings`, `loaded`, `overload`,
`replicas`, `growth` (with --stored N ...), and `retention` (with --size N). How good limits are that follow a series
is measured by `python -m tests.bench.thresholds`.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import (
    ceilings,
    growth,
    ingest,
    latency,
    loaded,
    matrix,
    overload,
    replicas,
    retention,
    routes,
    starting,
)
from tests.bench.machine import about
from tests.bench.rows import Row, print_rows
from tests.postgres import running_server

Measure = Callable[[Path, Mapping[str, str], float, int], Coroutine[Any, Any, list[Row]]]
PARTS = ("ingest", "latency", "start", "routes")
LONG_PARTS = ("matrix", "ceilings", "loaded", "overload", "replicas", "growth", "retention")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=3.0, help="of load, for each measurement")
    options.add_argument("--rounds", type=int, default=3, help="of each measurement; the median counts")
    options.add_argument("--only", choices=(*PARTS, *LONG_PARTS), action="extend", nargs="+")
    options.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options.add_argument("--alerta", type=Path, help="a virtual environment with alerta-server, for the matrix")
    options.add_argument("--stored", type=int, nargs="+", default=[10_000, 100_000], help="open alerts, for growth")
    options.add_argument("--size", type=int, default=20_000, help="incidents, for retention")
    chosen = options.parse_args()
    print(about())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertsvc-bench-")))
        wanted = chosen.database or ["sqlite", "postgresql"]
        needs_server = "postgresql" in wanted or chosen.alerta is not None
        server = stack.enter_context(running_server(durable=True)) if needs_server else None
        rows: list[Row] = []
        for part in chosen.only or PARTS:
            databases: dict[str, str] = {}  # new ones: a service looks at all that it knows when it starts
            if "sqlite" in wanted:
                databases["sqlite"] = f"sqlite:///{folder / f'{part}.db'}"
            if "postgresql" in wanted and server is not None:
                databases["postgresql"] = server.new_database()
            peer = (chosen.alerta, server.new_database()) if chosen.alerta is not None and server is not None else None
            measures: dict[str, Measure] = {
                "ingest": ingest.measure,
                "latency": latency.measure,
                "start": starting.measure,
                "routes": routes.measure,
                "matrix": partial(matrix.measure, peer=peer),
                "ceilings": ceilings.measure,
                "loaded": loaded.measure,
                "retention": partial(retention.measure, size=chosen.size),
                "overload": overload.measure,
                "replicas": replicas.measure,
                "growth": partial(growth.measure, stored=chosen.stored),
            }
            rows += asyncio.run(measures[part](folder, databases, chosen.seconds, chosen.rounds))
        print_rows(rows)


if __name__ == "__main__":
    main()
