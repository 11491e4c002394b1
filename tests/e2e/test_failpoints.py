"""Kill the service at each failpoint in turn, in the middle of everything it does: nothing is lost, all is told.

Each process dies where it was told to; the next takes over what it left, and dies at the next failpoint. The clients
repeat what was not acknowledged. After each death the books must balance; at the end everybody knows what is so.

One command goes round more often, each time at a random one of the first passings:

    ALERTSVC_FAILPOINT_ROUNDS=20 python -m pytest -n 2 -rP tests/e2e/test_failpoints.py
"""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from alertsvc.clock import utc_now
from alertsvc.failpoints import NAMES, VARIABLE
from alertsvc.store import migrate
from alertsvc.store.connect import open_database
from tests.e2e.duty import Duty, Providers, at_rest, check_the_end, everybody_told, let_time_pass, lost
from tests.engine.observing import post
from tests.fakes.provider import running
from tests.fork_server import ForkServer, fork_server
from tests.programs import Program, alertsvc, eventually, free_port, launch
from tests.world import World, rules

ROUNDS = int(os.environ.get("ALERTSVC_FAILPOINT_ROUNDS", "1"))
LONGEST_SECONDS = 15.0
"""From the start of a process to its failpoint."""
LATEST_PASSING = 3

AT_THE_END = [name for name in NAMES if name.startswith("drain.")]
"""Reached by a process that is told to end."""
IN_JOBS = [name for name in NAMES if name.partition(".")[0] in {"mend", "forget", "audit"}]
"""Reached each minute or hour: the job is done by a process of its own."""
IN_MIGRATIONS = [name for name in NAMES if name.startswith("migrate.")]
IN_LOOKS = [name for name in NAMES if name.partition(".")[0] in {"freshness", "silences"}]
"""Reached when a look finds that something did not come, or came again."""
BY_TRAFFIC = [name for name in NAMES if name not in {*AT_THE_END, *IN_JOBS, *IN_MIGRATIONS, *IN_LOOKS}]

LATER = {"apply.withdrawn": 4, "apply.inserted": 4, "apply.written": 4}
"""Passed first by what is posted, and so often until an act of a person passes them."""
HELD_UP = {"ingest.written": "ingest.decided", "command.written": "command.decided"}
"""Where a transaction is held up for a moment before it dies with its process: an answer that does not wait is seen."""


@dataclass
class Stage:
    """One database, the providers, a client, and what came of each failpoint."""

    config: Path
    url: str
    forks: ForkServer
    providers: Providers
    duty: Duty
    port: int
    lives: list[str] = field(default_factory=list)
    acknowledged: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    async def die_at(self, name: str, nth: int) -> None:
        """A process lives until it passes the failpoint for the `nth` time, and dies there."""
        self.providers.begin_life(len(self.lives))
        self.lives.append(name)
        before = self.duty.acknowledged
        held_up = f"{HELD_UP[name]}=sleep:0.2," if name in HELD_UP else ""
        program = await self._begun(f"{held_up}{name}=kill@{nth}", name)
        if name in AT_THE_END:
            await program.wait_ready("/-/ready")
            await eventually(lambda: self.duty.acknowledged > before)
            program.send(signal.SIGTERM)
        await self._has_died(program, name)
        self.acknowledged[name] += self.duty.acknowledged - before
        found = await asyncio.to_thread(at_rest, self.url)
        self.lost[name] += len(lost([self.duty], found))
        assert not self.lost[name], name
        await asyncio.to_thread(let_time_pass, self.url)

    async def _begun(self, armed: str, name: str) -> Program:
        if name not in IN_JOBS:
            return await launch(self.config, port=self.port, database=self.url, forks=self.forks, failpoints=armed)
        log = self.config.with_suffix(".log")
        arguments = [name.partition(".")[0], self.url]
        environment = {"ALERTSVC_FAILPOINTS": armed}
        return Program(await self.forks.fork(arguments, log, environment, "tests.e2e.jobs:main"), log, "")

    async def _has_died(self, program: Program, name: str) -> None:
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                ended = await program.process.wait()
        except TimeoutError:
            await program.end(signal.SIGKILL)
            raise AssertionError(f"nothing came to {name}:\n{program.output[-4000:]}") from None
        assert ended == -signal.SIGKILL, program.output[-4000:]
        assert f"failpoint {name}: kill" in program.output[-2000:], "another thread may have had the last word"

    def report(self, database: str) -> str:
        """What came of each failpoint, as a table."""
        hits, repeats = Counter(self.lives), Counter[str]()
        for life, count in self.providers.repeats().items():
            repeats[self.lives[life] if life < len(self.lives) else "after them"] += count
        rows = [
            f"{name:24}{hits[name]:6}{self.acknowledged[name]:14}{self.lost[name]:6}{repeats[name]:9}" for name in hits
        ]
        total = f"{'all':24}{hits.total():6}{self.duty.acknowledged:14}{self.lost.total():6}{repeats.total():9}"
        return "\n".join([f"{database:24}{'hits':>6}{'acknowledged':>14}{'lost':>6}{'repeats':>9}", *rows, total])


@pytest.mark.timeout(300 + 200 * ROUNDS)
async def test_a_kill_at_each_failpoint_loses_nothing_and_tells_everybody(tmp_path: Path, database_url: str) -> None:
    chance, providers, port = random.Random(11), Providers(), free_port()
    async with running(*providers.all), fork_server() as forks:
        config = tmp_path / "failpoints.yaml"
        config.write_text(providers.configuration())
        stage = Stage(config, database_url, forks, providers, Duty(f"http://127.0.0.1:{port}"), port)
        working = asyncio.create_task(stage.duty.run())
        try:
            for turn in range(ROUNDS):
                for name in [*BY_TRAFFIC, *AT_THE_END, *IN_JOBS]:
                    most = 1 if name in {*AT_THE_END, *IN_JOBS} else min(turn + 1, LATEST_PASSING)
                    await stage.die_at(name, chance.randint(1, most))
                for name, nth in LATER.items():
                    await stage.die_at(name, nth)
            providers.begin_life(len(stage.lives))
            stage.duty.stop()
            providers.flaky.is_flaky = False
            async with alertsvc(config, port=port, database=database_url, forks=forks) as service:
                await working
                await everybody_told(database_url)
                assert await service.end() in {0, -signal.SIGTERM}
        finally:
            working.cancel()
        found = await asyncio.to_thread(at_rest, database_url)
        print(stage.report(database_url.partition(":")[0]))
        print(
            f"{stage.duty.rounds} rounds; {providers.message_count} messages; {found.unknown} tries without an answer"
        )
        check_the_end(found, [stage.duty], providers)


@pytest.mark.timeout(120)
async def test_a_kill_at_each_step_of_a_migration_leaves_all_of_it_or_nothing(
    tmp_path: Path, empty_database_url: str
) -> None:
    config, head = tmp_path / "migrations.yaml", migrate.head_revision()
    config.write_text("route: {receiver: a}\nreceivers: [{name: a}]\n")
    async with fork_server() as forks:
        for name in IN_MIGRATIONS:
            program = await launch(config, database=empty_database_url, forks=forks, failpoints=f"{name}=kill")
            async with asyncio.timeout(LONGEST_SECONDS):
                assert await program.process.wait() == -signal.SIGKILL
            assert program.output.rstrip().endswith(f"failpoint {name}: kill")
            state = await asyncio.to_thread(migrate.current, empty_database_url)
            assert state.current == (head if name == "migrate.committed" else None)
        async with alertsvc(config, database=empty_database_url, forks=forks) as service:
            assert await service.end() in {0, -signal.SIGTERM}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("look", "points", "alertname"),
    [("freshness", "freshness", "MissingObservations"), ("models", "silences", "ModelSilent")],
    ids=["freshness", "models"],
)
async def test_a_kill_of_a_look_neither_loses_nor_doubles_what_it_tells(
    tmp_path: Path, database_url: str, look: str, points: str, alertname: str
) -> None:
    observation = {"metric": "psi", "value": 0.1, "threshold": 0.2, "expect_next_within": "26h"}
    async with fork_server() as forks:

        async def looks(armed: str, ended: int) -> list[str]:
            """A process looks, and dies; what became of the alert."""
            log = tmp_path / "look.log"
            process = await forks.fork([look, database_url], log, {VARIABLE: armed}, "tests.e2e.jobs:main")
            async with asyncio.timeout(LONGEST_SECONDS):
                assert await process.wait() == ended, log.read_text()
            async with a_world(database_url) as world:
                await world.balance()
                alerts = {row.id for row in await world.rows("alert") if row.labels["alertname"] == alertname}
                return [row.change for row in await world.rows("event") if row.alert_id in alerts]

        for so_far, change, at in [([], "opened", utc_now() - timedelta(hours=30)), (["opened"], "ended", utc_now())]:
            async with a_world(database_url) as world:
                world.now = at
                await post(world, observation)
            assert await looks(f"{points}.written=kill", -signal.SIGKILL) == so_far
            assert await looks(f"{points}.committed=kill", -signal.SIGKILL) == [*so_far, change]
            assert await looks("", 0) == [*so_far, change]


@asynccontextmanager
async def a_world(url: str) -> AsyncIterator[World]:
    """It is closed before another process opens the database."""
    database = open_database(url)
    yield World(database, rules())
    await database.close()


def test_every_failpoint_is_hit() -> None:
    assert sorted([*BY_TRAFFIC, *AT_THE_END, *IN_JOBS, *IN_MIGRATIONS, *IN_LOOKS]) == sorted(NAMES)
