"""A load generator that does not wait: requests leave at a rate, however long answers take. In a process of its own.

A sender whose request is refused sends the next at once, as a crowd of senders would.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from itertools import count

from tests.bench.load import Connection, Plan, percentile, requests_of

MOST_CONNECTIONS = 600


@dataclass
class Flood:
    """What a flood came to. Times are milliseconds; `late` could not leave because every connection waited."""

    taken: int = 0
    refused: int = 0
    late: int = 0
    broken: int = 0
    seconds: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    refused_p99_ms: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def taken_per_second(self) -> float:
        """Requests answered with 2xx, each second."""
        return self.taken / self.seconds


async def run(plan: Plan, rate: float) -> Flood:
    """Send the requests of a plan, `rate` a second, until its time is over."""
    flood, took, refused_after = Flood(), list[float](), list[float]()
    free: list[Connection] = []
    under_way: set[asyncio.Task[None]] = set()
    prepared = requests_of(plan)

    async def send(request: bytes) -> None:
        connection = free.pop() if free else await Connection.to(plan.port)
        began = time.perf_counter()
        try:
            status = await connection.status_of(request)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            flood.broken += 1
            connection.close()
            return
        flood.statuses[str(status)] = flood.statuses.get(str(status), 0) + 1
        taken = (time.perf_counter() - began) * 1000
        if 200 <= status < 300:
            flood.taken += 1
            took.append(taken)
        else:
            flood.refused += 1
            refused_after.append(taken)
        if connection.is_open:
            free.append(connection)

    since = due = time.perf_counter()
    for place in count():
        due += 1 / rate
        if due - since > plan.seconds or place >= len(prepared):
            break
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        if len(under_way) >= MOST_CONNECTIONS:
            flood.late += 1
            await asyncio.sleep(0)
            continue
        task = asyncio.create_task(send(prepared[place]))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    flood.seconds = time.perf_counter() - since
    await asyncio.gather(*under_way)
    for connection in free:
        connection.close()
    flood.p50_ms, flood.p99_ms = (percentile(took, percent) if took else 0.0 for percent in (50, 99))
    flood.refused_p99_ms = percentile(refused_after, 99) if refused_after else 0.0
    return flood


def main() -> None:
    """As the other generator, with the rate beside the plan."""
    given = json.loads(sys.stdin.readline())
    rate = given.pop("rate")
    plan = Plan(**given)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asdict(asyncio.run(run(plan, rate)))), flush=True)


if __name__ == "__main__":
    main()
