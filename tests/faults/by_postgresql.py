"""PostgreSQL ends, begins again, throws its sessions out, or takes nothing."""

import asyncio
import time

from sqlalchemy.engine import make_url

from tests.faults.fault import Fault, NotHereError
from tests.faults.stage import Stage, refused, taken, under_load
from tests.postgres import PrivateServer, Server

POSTGRESQL = ("postgresql",)


def server_of(play: Stage) -> Server:
    assert play.place.server is not None
    return play.place.server


def private(play: Stage) -> PrivateServer:
    """The server, where it is ours to stop."""
    server = server_of(play)
    if not isinstance(server, PrivateServer):
        raise NotHereError("a PostgreSQL server of our own: unset ALERTSVC_TEST_POSTGRES_URL")
    return server


async def restart(play: Stage, mode: str) -> None:
    """Twice, with some work in between."""
    play.may_repeat = 0
    server = private(play)
    for _ in range(2):
        await asyncio.to_thread(server.stop, mode)
        await asyncio.to_thread(server.start)
        await play.each(taken)


async def restart_fast(play: Stage) -> None:
    await restart(play, "fast")


async def restart_immediate(play: Stage) -> None:
    await restart(play, "immediate")


async def stop(play: Stage) -> None:
    """It is away; what it cannot take is refused in time."""
    play.may_repeat = 0
    server = private(play)
    await asyncio.to_thread(server.stop, "immediate")
    try:
        await asyncio.sleep(play.place.lasting(20, brief=2))
        await play.each(refused)
    finally:
        await asyncio.to_thread(server.start)


async def terminate(play: Stage) -> None:
    """All sessions end, each 100 to 300 ms."""
    play.may_repeat = 0
    until = time.monotonic() + play.place.lasting(10, brief=2)
    while time.monotonic() < until:
        await asyncio.to_thread(throw_out, play)
        await asyncio.sleep(play.place.chance.uniform(0.1, 0.3))


def throw_out(play: Stage) -> None:
    name = make_url(play.place.database_url).database
    server_of(play).run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


async def only_read(play: Stage) -> None:
    """The whole server takes nothing, as after a failover that left us with the standby."""
    play.may_repeat = 0
    server = private(play)
    await asyncio.to_thread(server.run, "ALTER SYSTEM SET default_transaction_read_only = on")
    try:
        await asyncio.to_thread(server.run, "SELECT pg_reload_conf()")
        await play.each(refused, 2)
        await asyncio.sleep(play.place.lasting(10, brief=0))
        assert "database_not_writable" in await play.causes()
    finally:
        await asyncio.to_thread(server.run, "ALTER SYSTEM RESET default_transaction_read_only")
        await asyncio.to_thread(server.run, "SELECT pg_reload_conf()")


DATABASE_FAULTS = [
    Fault("restart-fast", "pg_ctl restart -m fast, twice", under_load(restart_fast), POSTGRESQL),
    Fault("restart-immediate", "pg_ctl restart -m immediate, twice", under_load(restart_immediate), POSTGRESQL),
    Fault("stopped", "PostgreSQL is away for 20 s", under_load(stop), POSTGRESQL),
    Fault("terminate", "all sessions are ended each 100 to 300 ms for 10 s", under_load(terminate), POSTGRESQL),
    Fault("read-only", "the server takes nothing for 10 s", under_load(only_read), POSTGRESQL),
]
