"""A replica is frozen for longer than its lease at each point of a send, and wakes up: it does no harm.

Meanwhile another replica takes over what it was sending, and tells the end as well. What the first then still says
comes last: PagerDuty takes a late trigger for a new alert, which must not stay open.
"""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from alertsvc.engine.outlets import LEASE_MARGIN
from alertsvc.store import migrate
from alertsvc.store.tables import notification
from tests import ledger
from tests.e2e.duty import Duty, everybody_told
from tests.fakes.pagerduty import PagerDuty
from tests.fork_server import fork_server
from tests.postgres import Server
from tests.programs import Program, alertsvc, asked, eventually

PLACES = {
    "send.composed": "before its last look at the lease",
    "send.checked": "between that look and the send",
    "http.written": "after the request has left",
}
LEASE_SECONDS = LEASE_MARGIN.total_seconds() + 7.0
"""What the channel below has at most for one try, and the margin."""
CONFIGURATION = """
storm: {{messages: 0, pages: 0}}
correlate: [{{name: each, by: [alertname]}}]
route: {{receiver: pager}}
receivers:
  - {{name: pager, pagerduty_configs: [{{routing_key: "{key}", url: "{url}/v2/enqueue", timeout: 1s}}]}}
"""
KEY = "f" * 32
Told = Sequence[tuple[str, str, str]]


def is_frozen(program: Program) -> bool:
    """Whether the process stands still."""
    return Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(") ")[2][0] == "T"


def told(url: str) -> Told:
    """Every notification, with what became of it."""

    def read(conn: Connection) -> Told:
        ledger.check(conn)
        n = notification.c
        return [tuple(map(str, row)) for row in conn.execute(select(n.id, n.reason, n.state).order_by(n.id))]

    return migrate.on_connection(url, read, exclusive=False)


async def fenced(program: Program) -> float:
    """How many endings of a process came too late."""
    lines = (await asked("GET", program.url + "/metrics")).body.decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("alertsvc_fenced_finish_total"))


@pytest.mark.timeout(400)
async def test_a_replica_that_was_frozen_past_its_lease_does_no_harm(
    tmp_path: Path, postgres: Server, migrated_name: str
) -> None:
    database = postgres.new_database(migrated_name)
    async with PagerDuty() as pager, fork_server() as forks, AsyncExitStack() as replicas:
        assert isinstance(pager, PagerDuty)

        async def begun(name: str, failpoints: str = "") -> Program:
            config = tmp_path / f"{name}.yaml"
            config.write_text(CONFIGURATION.format(url=pager.url, key=KEY))
            return await replicas.enter_async_context(
                alertsvc(config, database=database, forks=forks, failpoints=failpoints)
            )

        frozen: dict[str, Program] = {}
        for place in PLACES:
            frozen[place] = await begun(place, f"{place}=stop")
            replicas.callback(frozen[place].send, signal.SIGCONT)  # else it would not hear that it is to end
            fires = Duty(frozen[place].url).webhook("firing", {"alertname": place, "severity": "critical"})
            posting = asyncio.create_task(fires)
            await eventually(lambda place=place: is_frozen(frozen[place]))
            posting.cancel()  # a page goes before the answer: nobody may ever get that
        await eventually(lambda: pager.pages == 1)  # what had left
        good = await begun("good")
        for place in PLACES:
            await Duty(good.url).webhook("resolved", {"alertname": place, "severity": "critical"})
        await everybody_told(database, LEASE_SECONDS + 30)
        assert pager.pages == len(PLACES)
        assert {each.state for each in pager.alerts} == {"resolved"}
        before = await asyncio.to_thread(told, database)

        for each in frozen.values():
            each.send(signal.SIGCONT)
        await eventually(lambda: "its lease ran out before it could be sent" in frozen["send.composed"].output)
        for place in ("send.checked", "http.written"):
            await eventually(lambda place=place: fenced(frozen[place]))
        await everybody_told(database)
        after = await asyncio.to_thread(told, database)

        assert after[: len(before)] == before, "what the others had recorded stands"
        again = [(reason, state) for _, reason, state in after[len(before) :]]
        assert again == [("resolved", "delivered")] * 2, "both that may have spoken last had it said again"
        assert {each.state for each in pager.alerts} == {"resolved"}
        late = [each for each in pager.alerts if "send.checked" in each.summary]
        assert len(late) == 2, "one was sent after its end: that opened another, which was closed"
        assert pager.pages == len(PLACES) + 1
        assert pager.faults == []
        for each in frozen.values():
            assert await each.end() in {0, -signal.SIGTERM}
            assert "Traceback" not in each.output
