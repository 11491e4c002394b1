"""The process ends in the middle of anything."""

import asyncio

from tests.faults.fault import Fault
from tests.faults.stage import Stage, under_load
from tests.fork_server import fork_server

LONGEST_LIFE_SECONDS = 0.5


async def kill(play: Stage) -> None:
    """Again and again, soon after it is ready."""
    async with fork_server() as play.forks:
        for _ in range(3 if play.place.brief else 10):
            await asyncio.sleep(play.place.chance.uniform(0.0, LONGEST_LIFE_SECONDS))
            await play.kill()
            await play.start()
        await play.kill()
    play.forks = None
    await play.start()


KILLS = [Fault("kill", "SIGKILL, ten times in a run", under_load(kill, may_vanish=True))]
