"""Kill the service again and again at random while clients do everything: nothing acknowledged is lost, all is told.

One command runs as many kills as wanted on each database:

    ALERTSVC_KILLS=1000 python -m pytest -n 2 -rP tests/e2e/test_crash.py
"""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from tests.e2e.duty import Duty, Providers, at_rest, check_the_end, everybody_told, let_time_pass
from tests.fakes.provider import running
from tests.fork_server import fork_server
from tests.programs import Program, alertsvc, free_port

KILLS = int(os.environ.get("ALERTSVC_KILLS", "50"))
CLIENTS = 8
PAUSE_SECONDS = 0.5
SHORT_LIFE_SECONDS = 0.5
LONG_LIFE_SECONDS = 2.0
"""Each fourth may live so long, in which the clock does something: digests, ends of silences, leases of the dead."""


@pytest.mark.timeout(200 + KILLS * 8)
async def test_no_kill_loses_what_was_acknowledged(tmp_path: Path, database_url: str) -> None:
    chance, port, providers = random.Random(7), free_port(), Providers()
    clients = [
        Duty(f"http://127.0.0.1:{port}", str(number), PAUSE_SECONDS, reloads=number == 0) for number in range(CLIENTS)
    ]
    async with running(*providers.all), fork_server() as forks:
        config = tmp_path / "crash.yaml"
        config.write_text(providers.configuration())
        working = [asyncio.create_task(client.run()) for client in clients]
        try:
            for turn in range(KILLS):
                providers.begin_life(turn)
                async with alertsvc(config, port=port, database=database_url, forks=forks) as service:
                    longest = SHORT_LIFE_SECONDS if turn % 4 else LONG_LIFE_SECONDS
                    await asyncio.sleep(chance.uniform(0.0, longest))
                    await service.end(signal.SIGKILL)
            await asyncio.to_thread(at_rest, database_url)
            await asyncio.to_thread(let_time_pass, database_url, leases=False)  # some pauses are minutes by now
            providers.flaky.is_flaky = False
            for client in clients:
                client.stop()
            async with alertsvc(config, port=port, database=database_url) as service:
                await asyncio.gather(*working)
                await everybody_told(database_url, 110 + KILLS / 5)
                await check_service(service)
        finally:
            for task in working:
                task.cancel()
        found = await asyncio.to_thread(at_rest, database_url)
        acknowledged = sum(client.acknowledged for client in clients)
        print(
            f"{database_url.partition(':')[0]}: {KILLS} kills in {sum(client.rounds for client in clients)} rounds;"
            f" {acknowledged} requests acknowledged, {sum(client.repeated for client in clients)} times repeated;"
            f" {len(found.alerts)} alerts, {providers.message_count} messages, {found.unknown} tries without an answer,"
            f" {providers.repeats().total()} messages repeated"
        )
        check_the_end(found, clients, providers)
        assert acknowledged > KILLS


async def check_service(service: Program) -> None:
    """It ends as it should, although its predecessors did not."""
    assert await service.end() in {0, -signal.SIGTERM}
    assert "Traceback" not in service.output.rpartition("is ready on")[2]
