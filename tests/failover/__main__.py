"""Kill the leader of a PostgreSQL cluster under load: what was acknowledged is on the next leader, and all goes on.

    python -m tests.failover [--kills 5]

Three nodes with Patroni and etcd on this machine, in synchronous mode. Needs root, and Debian's packages:
apt-get install --no-install-recommends postgresql patroni etcd-server. It takes about a minute for each kill.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, func, select

from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.store import migrate
from alertsvc.store.tables import alert, notification, outbox
from tests import ledger
from tests.e2e.test_crash import Hook, body_of, post
from tests.failover.cluster import Cluster, create_database, running_cluster
from tests.programs import alertsvc, eventually, free_port

CLIENTS = 8
PAUSE_SECONDS = 0.05
CALM_SECONDS = 5.0
"""Load before each kill, and after each failover."""

CONFIGURATION = """
storm: {{messages: 0, pages: 0}}
correlate: [{{name: each, by: [alertname, n]}}]
route: {{receiver: hook}}
receivers: [{{name: hook, webhook_configs: [{{url: "{hook}/h"}}]}}]
severities: {{info: {{deliver: none}}}}
"""


@dataclass
class Client:
    """Posts one new alert after the other, each until it is acknowledged. Every 20th is critical: people are told."""

    port: int
    name: int
    acknowledged: dict[str, float] = field(default_factory=dict)
    refused: int = 0
    unanswered: int = 0
    sent: int = 0
    statuses: set[int] = field(default_factory=set)

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop."""
        while not stop.is_set():
            self.sent += 1
            severity = "critical" if self.sent % 20 == 0 else "info"
            labels = {"alertname": "Failover", "severity": severity, "n": f"{self.name}-{self.sent}"}
            while not stop.is_set() and not await self._is_taken(labels):
                await asyncio.sleep(0.2)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _is_taken(self, labels: dict[str, str]) -> bool:
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(15):
                status = await post(self.port, body_of(labels))
            self.statuses.add(status)
            if 200 <= status < 300:
                self.acknowledged[fingerprint(labels)] = time.monotonic()
                return True
            self.refused += 1
            return False
        self.unanswered += 1
        return False


async def run(folder: Path, kills: int, seed: int) -> bool:
    """Whether every promise was kept."""
    chance = random.Random(seed)
    hook = Hook()
    async with running_cluster(folder) as cluster, hook:
        await asyncio.to_thread(create_database, cluster, "alertsvc")
        url = cluster.url("alertsvc")
        config = folder / "failover.yaml"
        config.write_text(CONFIGURATION.format(hook=hook.url))
        port, stop = free_port(), asyncio.Event()
        async with alertsvc(config, port=port, database=url):
            clients = [Client(port, number) for number in range(CLIENTS)]
            posting = [asyncio.create_task(client.run(stop)) for client in clients]
            gaps = [await _fail_over(cluster, clients, chance) for _ in range(kills)]
            stop.set()
            await asyncio.gather(*posting)
            await eventually(lambda: asyncio.to_thread(_is_all_sent, url), seconds=180)
        return await asyncio.to_thread(_judged, url, clients, hook, gaps)


async def _fail_over(cluster: Cluster, clients: list[Client], chance: random.Random) -> float:
    """For how many seconds nothing was acknowledged."""
    await asyncio.sleep(CALM_SECONDS + chance.uniform(0, 2))
    killed = await cluster.kill_leader()
    at = time.monotonic()
    await eventually(lambda: _since(clients, at + 1.0), seconds=120)  # what was under way may still be answered
    gap = _longest_gap(clients, at - 1.0)
    print(f"killed {killed.name}: nothing was acknowledged for {gap:.1f} s", flush=True)
    await asyncio.sleep(CALM_SECONDS)
    await cluster.bring_back(killed)
    return gap


def _since(clients: list[Client], at: float) -> bool:
    return any(each > at for client in clients for each in list(client.acknowledged.values())[-1:])


def _longest_gap(clients: list[Client], since: float) -> float:
    times = sorted(each for client in clients for each in client.acknowledged.values() if each >= since)
    return max((later - sooner for sooner, later in itertools.pairwise(times)), default=float("inf"))


def _is_all_sent(url: str) -> bool:
    return migrate.on_connection(url, lambda conn: not conn.execute(select(outbox.c.id)).all(), exclusive=False)


def _judged(url: str, clients: list[Client], hook: Hook, gaps: list[float]) -> bool:
    def read(conn: Connection) -> tuple[set[str], int, int]:
        ledger.check(conn)
        stored = set(conn.execute(select(alert.c.fingerprint)).scalars())
        told = conn.execute(select(func.count()).where(notification.c.state == "delivered")).scalar_one()
        ended = ("delivered", "suppressed")  # the second are those that nobody is to be told of
        other = conn.execute(select(func.count()).where(notification.c.state.not_in(ended))).scalar_one()
        return stored, told, other

    stored, told, untold = migrate.on_connection(url, read, exclusive=False)
    acknowledged = {each for client in clients for each in client.acknowledged}
    lost = acknowledged - stored
    statuses = {status for client in clients for status in client.statuses}
    repeats = len(hook.messages) - len(set(hook.messages))
    row = {
        "failovers": len(gaps),
        "acknowledged": len(acknowledged),
        "lost": len(lost),
        "stored though not acknowledged": len(stored - acknowledged),
        "answered 503": sum(client.refused for client in clients),
        "not answered": sum(client.unanswered for client in clients),
        "messages delivered": told,
        "repeats": repeats,
        "longest gap, s": round(max(gaps), 1),
        "95 % bound on lost, of the acknowledged": f"{3 / max(1, len(acknowledged)):.1e}",
    }
    print(json.dumps(row, indent=2))
    others = statuses - {202, 503}
    for what in (("lost", lost), ("answers other than 202 and 503", others), ("messages not delivered", untold)):
        if what[1]:
            print(f"BROKEN: {what[0]}: {what[1]}", file=sys.stderr)
    return not lost and not others and not untold and hook.incidents != set()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=5)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="alertsvc-failover-", ignore_cleanup_errors=True) as folder:
        kept = asyncio.run(run(Path(folder), chosen.kills, chosen.seed))
    raise SystemExit(0 if kept else 1)


if __name__ == "__main__":
    main()
