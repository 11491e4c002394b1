"""What routing costs for each alert when there are many routes: compiled, cached, and asking every sibling."""

import gc
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from alertsvc.core.model import Deliver, Labels, Severity
from alertsvc.core.route import Op, Route, Timing
from alertsvc.core.routing_table import RoutingTable
from alertsvc.matchers import new_matcher
from tests.bench.rows import Row
from tests.core import naive

COUNTS = (1, 100, 1_000)
LABEL_SETS = 100_000
NAIVE_SETS = 2_000
"""The naive walk over a thousand routes takes so long that a part of the label sets must do."""
KNOWN_SETS = 10_000
MOST_GROWTH = 2.0
LEAST_GAIN = 20.0
MOST_CACHED_US = 5.0


async def measure(_folder: Path, _databases: Mapping[str, str], _seconds: float, rounds: int) -> list[Row]:
    """Route distinct label sets, none of which was asked before, and then some again and again."""
    chance = random.Random(7)
    rows: list[Row] = []
    compiled: dict[int, float] = {}
    for count in COUNTS:
        root = _tree(count)
        sets = [_labels(chance, number, count) for number in range(LABEL_SETS)]
        known = RoutingTable(root)
        _each_us(known.routes_for, sets[:KNOWN_SETS])
        compiled[count] = min(_each_us(RoutingTable(root).routes_for, sets) for _ in range(rounds))
        cached = min(_each_us(known.routes_for, sets[:KNOWN_SETS]) for _ in range(rounds))
        walked = min(
            _each_us(lambda labels, root=root: naive.routes_for(root, labels), sets[:NAIVE_SETS]) for _ in range(rounds)
        )
        name = f"routes: {count:,}"
        rows += [
            Row(f"{name}, every sibling asked", walked, "us/alert"),
            Row(f"{name}, compiled", compiled[count], "us/alert", beside=f"{LABEL_SETS:,} label sets, each new"),
            Row(f"{name}, cached", cached, "us/alert", at_most=MOST_CACHED_US),
            Row(
                f"{name}, asked / compiled",
                walked / compiled[count],
                "x",
                at_least=LEAST_GAIN if count == 1_000 else None,
            ),
        ]
    growth = compiled[COUNTS[-1]] / compiled[COUNTS[1]]
    rows.append(Row("routes: compiled, 1,000 / 100", growth, "x", at_most=MOST_GROWTH))
    rows.append(Row("routes: compiled, 1,000 / 1", compiled[COUNTS[-1]] / compiled[COUNTS[0]], "x"))
    return rows


def _tree(count: int) -> Route:
    """So many teams, each with a route for what is critical, behind one that looks at every alert and goes on."""
    audit = _route("audit", [new_matcher("instance", Op.MATCHES, "db-.*")], goes_on=True)
    teams = [
        _route(
            f"t{number}",
            [new_matcher("team", Op.EQUAL, f"t{number}")],
            routes=(_route(f"t{number}/page", [new_matcher("severity", Op.EQUAL, "critical")]),),
        )
        for number in range(count)
    ]
    return _route("root", [], routes=(audit, *teams))


def _route(path: str, matchers: Sequence, *, goes_on: bool = False, routes: tuple[Route, ...] = ()) -> Route:
    timing = Timing(timedelta(0), timedelta(minutes=5), timedelta(hours=4))
    deliver = dict.fromkeys(Severity, Deliver.IMMEDIATE)
    return Route(path, path, timing, deliver, "hourly", (), tuple(matchers), goes_on, routes)


def _labels(chance: random.Random, number: int, count: int) -> Labels:
    """Labels that no other number has, also among those that the tree asks for."""
    return {
        "alertname": "FeatureDrift",
        "environment": "production",
        "feature": f"feature_{number % 40}",
        "instance": f"{chance.choice(('db', 'ml', 'web'))}-{number}",
        "model": f"model_{number % 1000}",
        "severity": chance.choice(("critical", "warning")),
        "team": f"t{chance.randrange(count)}",
    }


def _each_us(work: Callable[[Labels], object], sets: Sequence[Labels]) -> float:
    """Microseconds of CPU for each of `sets`."""
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        for labels in sets:
            work(labels)
        return (time.process_time() - began) / len(sets) * 1e6
    finally:
        gc.enable()
