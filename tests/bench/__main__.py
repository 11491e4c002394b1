"""How fast the service is: every figure beside a reference measured in the same run.

    python -m tests.bench [--seconds 3] [--rounds 3] [--only ingest|latency|start|routes|replicas]
                          [--database sqlite|postgresql]

Prints a table; each row says what would still be acceptable. Other work on the machine falsifies it.
"""

import argparse
import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench import ingest, latency, replicas, routes, starting
from tests.bench.rows import Row, print_rows
from tests.postgres import running_server

PARTS = {
    "ingest": ingest.measure,
    "latency": latency.measure,
    "start": starting.measure,
    "routes": routes.measure,
    "replicas": replicas.measure,
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=3.0, help="of load, for each measurement")
    options.add_argument("--rounds", type=int, default=3, help="of each measurement; the median counts")
    options.add_argument("--only", choices=PARTS, action="append")
    options.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    chosen = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertsvc-bench-")))
        wanted = chosen.database or ["sqlite", "postgresql"]
        server = stack.enter_context(running_server(durable=True)) if "postgresql" in wanted else None
        rows: list[Row] = []
        for part in chosen.only or PARTS:
            databases: dict[str, str] = {}  # new ones: a service looks at all that it knows when it starts
            if "sqlite" in wanted:
                databases["sqlite"] = f"sqlite:///{folder / f'{part}.db'}"
            if server is not None:
                databases["postgresql"] = server.new_database()
            rows += asyncio.run(PARTS[part](folder, databases, chosen.seconds, chosen.rounds))
        print_rows(rows)


if __name__ == "__main__":
    main()
