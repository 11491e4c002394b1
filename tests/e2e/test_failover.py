"""Of several PostgreSQL servers the one that takes writes is used; when another takes over, that one, by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.e2e.test_database_trouble import check_books, check_refusals, stage
from tests.postgres_pair import Pair, running_pair
from tests.programs import eventually

RECOVERED_WITHIN_SECONDS = 10.0


@pytest.mark.parametrize("how", [Pair.swap, Pair.fail_over], ids=["demoted", "dead"])
async def test_the_service_follows_the_server_that_takes_writes(
    tmp_path: Path, how: Callable[[Pair], Awaitable[None]]
) -> None:
    async with running_pair() as pair:
        async with stage(tmp_path, pair.url) as play:
            await play.each(lambda client: len(client.acknowledged), 3)
            await how(pair)
            since = asyncio.get_running_loop().time()
            await play.each(lambda client: len(client.acknowledged), 2)
            await eventually(play.is_ready)
            told = len(play.ear.messages)
            await play.each(lambda client: len(client.acknowledged), 2)
            assert asyncio.get_running_loop().time() - since < RECOVERED_WITHIN_SECONDS
            assert len(play.ear.messages) > told
        if play.refusals:  # where the next server was there at once, nobody had to be refused
            check_refusals(play)
        await pair.first.stop()
        await check_books(pair.url, play)
