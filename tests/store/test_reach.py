"""How a connection to PostgreSQL is made when some of its servers are away."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from alertsvc.store.dsn import parse_dsn
from alertsvc.store.reach import Reach
from tests.e2e.pipe import Pipe, State
from tests.postgres import Server
from tests.programs import free_port

PATIENCE = "keepalives_idle=7&keepalives_interval=6&keepalives_count=4&tcp_user_timeout=9000"


@contextmanager
def silent_port() -> Iterator[int]:
    """A port at which the system lets everybody in, and nobody says anything."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        yield nobody.getsockname()[1]


def through(pipe: Pipe, *before: int, options: str = "") -> Reach:
    """Tries ports of this machine, and the one of the pipe last."""
    port = int(pipe.url.rpartition(":")[2].partition("/")[0])
    hosts = ",".join(f"127.0.0.1:{each}" for each in (*before, port))
    return Reach(parse_dsn(f"postgresql://postgres:canary@{hosts}/postgres?connect_timeout=1&{options}"), {})


async def test_servers_that_are_dead_are_asked_once(postgres: Server) -> None:
    clock = asyncio.get_running_loop().time
    with silent_port() as silent:
        async with Pipe(postgres.url.render_as_string()) as pipe:
            reach = through(pipe, silent, free_port())
            began = clock()
            (await reach()).terminate()
            between = clock()
            (await reach()).terminate()
            assert 1 <= between - began < 3
            assert clock() - between < 0.9, "the silent one was asked again"


async def test_when_no_server_answers_each_reason_is_told(postgres: Server) -> None:
    with silent_port() as silent:
        async with Pipe(postgres.url.render_as_string()) as pipe:
            reach = through(pipe, silent)
            await pipe.become(State.CLOSED)
            with pytest.raises(
                ConnectionError, match=f"127.0.0.1:{silent}: no answer in time; 127.0.0.1:.*Connect call"
            ) as no:
                await reach()
    assert "canary" not in str(no.value)


async def test_tls_that_is_required_is_not_done_without(postgres: Server) -> None:
    async with Pipe(postgres.url.render_as_string()) as pipe:
        (await through(pipe)()).terminate()
        with pytest.raises(ConnectionError, match="rejected SSL"):
            await through(pipe, options="sslmode=require")()


async def test_the_socket_notices_a_dead_peer(postgres: Server) -> None:
    async with Pipe(postgres.url.render_as_string()) as pipe:
        connection = await through(pipe, options=PATIENCE)()
        theirs = connection._transport.get_extra_info("socket")
        names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        found = [theirs.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
        alive = theirs.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        connection.terminate()
    assert (alive, found) == (1, [7, 6, 4, 9000])
