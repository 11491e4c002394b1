"""One process of the service on the simulated loop: the parts that `engine.service` puts together, and its death."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool, StaticPool

from alertsvc.core.rules import Moment, Rules
from alertsvc.engine.deliver import Sender, SendingPace
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.receive import Committer
from alertsvc.engine.tick import Ticker
from alertsvc.store import outbox
from alertsvc.store.connect import READER_PRAGMAS, WRITER_PRAGMAS, sqlite_engine
from alertsvc.store.database import Database, SqliteDatabase, StoreUnavailableError
from tests.simulation.loop import Process
from tests.simulation.wire import Providers

T = TypeVar("T")

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SWEEP_SECONDS, MEND_SECONDS = 2.0, 60.0
NO_FLUSH = tuple(each.replace("synchronous = FULL", "synchronous = OFF") for each in WRITER_PRAGMAS)
"""A process dies here, never the machine: what was written stays, whoever flushed it."""


@dataclass(frozen=True)
class World:
    """What replicas share: the file, the providers, and a chance that decides what nothing else does."""

    file: Path
    providers: Providers
    chance: Random
    new_id: Callable[[], UUID]
    now: Callable[[], float]


class Replica:
    """Receives, decides, sends and sweeps from `start` until it crashes or is stopped.

    Its clock is `ahead` of the others'. It is `alone` on its database when what others had leased is free as it starts.
    """

    def __init__(self, world: World, name: str, rules: Rules, *, ahead: timedelta, alone: bool) -> None:
        self.world = world
        self.process = Process(name)
        self.database: Database = _open(world.file)
        self.outlets = _outlets(world.providers, rules)
        self._alone = alone
        self._ahead = ahead
        self.sender = Sender(
            self.database,
            lambda: self.outlets,
            self.clock,
            world.new_id,
            worker=name,
            pace=SendingPace(poll_seconds=1.0),
            ticks=world.now,
        )
        self.committer = Committer(self.database, self._rules, self.clock, world.new_id, passenger=self.sender.ride)
        self.ticker = Ticker(
            self.database,
            self._rules,
            self.clock,
            world.new_id,
            something_is_due=self.sender.wake,
            ticks=world.now,
        )
        self._loops: list[asyncio.Task[None]] = []

    def clock(self) -> datetime:
        """The time by the clock on its wall."""
        return START + timedelta(seconds=self.world.now()) + self._ahead

    def _rules(self) -> Rules:
        return self.outlets.rules

    def moment(self) -> Moment:
        """The rules in force and its time."""
        return Moment(self.outlets.rules, self.clock(), self.world.new_id)

    @property
    def is_up(self) -> bool:
        """Whether it takes requests."""
        return bool(self._loops) and not self.process.is_dead

    def start(self) -> None:
        """Begin, as `Service.start` does."""
        self.process.begin(self._start())

    async def _start(self) -> None:
        while self._alone:
            try:
                await self.database.transaction(partial(_take_over, self.process.name))
            except StoreUnavailableError:
                await asyncio.sleep(1)
            else:
                break
        self._loops = [
            self.process.begin(self.committer.run()),
            self.process.begin(self.sender.run()),
            self.process.begin(_again_and_again(SWEEP_SECONDS, self.ticker.sweep)),
            self.process.begin(_again_and_again(MEND_SECONDS, self.ticker.mend)),
        ]

    def ask(self, coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Have it do something. It never ends when the process dies."""
        return self.process.begin(coroutine)

    def adopt(self, rules: Rules) -> None:
        """Another configuration, as `Service.adopt` puts it in force."""
        before, self.outlets = self.outlets, _outlets(self.world.providers, rules, self.outlets)
        self.sender.adopt(SendingPace(poll_seconds=1.0), self.outlets.not_in(before))

    def crash(self) -> None:
        """Die between two steps."""
        self.process.is_dead = True

    async def stop(self) -> None:
        """End in order, as `Service.stop` does, and then die."""
        committer, sender, *others = self._loops
        self._loops = []
        self.sender.close()
        self.committer.close()
        for each in others:
            each.cancel()
        await asyncio.wait({committer, sender}, timeout=20.5)
        await self.sender.give_up()
        await asyncio.wait({committer, sender}, timeout=2)
        self.process.is_dead = True


def _take_over(worker: str, conn: Connection) -> int:
    return outbox.free_of_other_workers(conn, worker)


async def _again_and_again(seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except StoreUnavailableError:
            continue


def _open(file: Path) -> SqliteDatabase:
    url = make_url(f"sqlite:///{file}")
    writer = sqlite_engine(url, StaticPool, NO_FLUSH, "BEGIN IMMEDIATE")
    return SqliteDatabase(writer, sqlite_engine(url, QueuePool, READER_PRAGMAS, "BEGIN"))


def _outlets(providers: Providers, rules: Rules, before: Outlets | None = None) -> Outlets:
    known = before.by_destination if before is not None else {}
    listed = [each for group in rules.receivers.values() for each in group]
    return Outlets(
        rules, {each.id: known.get(each.id) or Outlet(each.id, each.kind, providers.open(each.id)) for each in listed}
    )
