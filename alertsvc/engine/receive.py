"""Group commit: the requests that wait at the same time share one transaction, and one flush to disk.

A request's fault is its own: a group that fails is tried again one request at a time.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.clock import Clock, NewId
from alertsvc.core.rules import Moment, Rules
from alertsvc.engine.admit import admit, admit_one_by_one
from alertsvc.engine.apply import Boarding, NobodyBoards
from alertsvc.engine.attempt import Attempt
from alertsvc.engine.receipts import Receipt
from alertsvc.engine.submissions import Submission
from alertsvc.store.database import Database, StoreUnavailableError
from alertsvc.store.recall import Recall

log = logging.getLogger(__name__)

STEPS_TO_LEAVE = 6
"""Turns of the loop from a message's start to its first byte: its task, its request's, the pool's lock, the writing;
and some to spare."""


class OverloadedError(Exception):
    """Too much waits to be made durable. The sender should come again in a moment."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the committer holds at most, and what one transaction takes.

    `waiting_bytes` counts the bodies in the transaction under way too, as a database that is silent must not free room,
    and what has come of those that are still read.
    """

    waiting_requests: int = 2048
    waiting_bytes: int = 64 * 1024 * 1024
    events_per_commit: int = 1000
    writers: int = 1


class Passenger(Boarding, Protocol):
    """What rides in the transaction of ingest, and takes along the messages that it makes due."""

    def begin(self) -> None:
        """The transaction begins; again when it is run again."""
        ...

    def compose(self, now: datetime, conn: Connection) -> None:
        """Make the messages that are taken along, at the end of the transaction."""
        ...

    def start(self) -> bool:
        """After it has committed. Returns whether something leaves now."""
        ...

    def abandon(self) -> None:
        """Nobody knows whether it has committed."""
        ...


class NoPassenger(NobodyBoards):
    """Nothing rides along."""

    def begin(self) -> None:
        """See `Passenger`."""

    def compose(self, now: datetime, conn: Connection) -> None:
        """See `Passenger`."""

    def start(self) -> bool:
        """See `Passenger`."""
        return False

    def abandon(self) -> None:
        """See `Passenger`."""


Board = Callable[[], AbstractContextManager[Passenger]]
"""Takes a passenger aboard. It gets off when the context ends, whether the transaction has committed or not."""


def nobody() -> AbstractContextManager[Passenger]:
    """Takes nobody aboard."""
    return nullcontext(NoPassenger())


@dataclass(frozen=True, slots=True)
class _Waiting:
    submission: Submission
    receipt: "asyncio.Future[Receipt]"


class Committer:
    """Makes submissions durable. `run` must be running for `submit` to end."""

    def __init__(
        self,
        database: Database,
        rules: Callable[[], Rules],
        clock: Clock,
        new_id: NewId,
        *,
        bounds: Bounds = Bounds(),
        passenger: Board = nobody,
    ) -> None:
        self._database = database
        self._rules = rules
        self._clock = clock
        self._new_id = new_id
        self._bounds = bounds
        self._passenger = passenger
        self._recall = Recall()
        self._queue: deque[_Waiting] = deque()
        self._held_bytes = 0
        self._under_way: list[list[_Waiting]] = []
        self._arriving_bytes = 0
        self._arrived = asyncio.Event()
        self._closing = False

    @property
    def waiting_count(self) -> int:
        """How many requests wait."""
        return len(self._queue)

    @property
    def held_bytes(self) -> int:
        """How large the bodies of the requests are that are being read, wait, or are being stored."""
        return self._held_bytes + self._arriving_bytes

    @property
    def oldest_received_at(self) -> datetime | None:
        """When the first of them came; None when there are none."""
        firsts = [group[0] for group in (*self._under_way, self._queue) if group]
        return min((first.submission.received_at for first in firsts), default=None)

    @property
    def is_full(self) -> bool:
        """Whether another request would be refused."""
        return len(self._queue) >= self._bounds.waiting_requests or self._room <= 0

    @property
    def _room(self) -> int:
        return self._bounds.waiting_bytes - self._held_bytes - self._arriving_bytes

    @contextmanager
    def reading(self) -> Generator[Callable[[int], None]]:
        """Counts a body while it is read: tell it the size of each part. One that is alone may be larger than the room:
        else it would be refused for ever.

        Raises:
            OverloadedError: There is no room for that part beside others.
        """
        counted = 0

        def count(size: int) -> None:
            nonlocal counted
            if size > self._room and self.held_bytes > counted:
                raise OverloadedError("too many requests wait to be stored")
            counted += size
            self._arriving_bytes += size

        try:
            yield count
        finally:
            self._arriving_bytes -= counted

    async def submit(self, submission: Submission) -> Receipt:
        """Wait until `submission` is durable.

        Raises:
            OverloadedError: Too many requests or bytes wait already, or the service is closing.
            StoreUnavailableError: The database cannot take it now, or did not say whether it did.
        """
        if self.is_full or self._closing:
            raise OverloadedError("too many requests wait to be stored")
        receipt = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(submission, receipt))
        self._held_bytes += len(submission.body)
        self._arrived.set()
        return await receipt

    async def run(self) -> None:
        """Commit what waits until `close`, with as many writers as the bounds say."""
        async with asyncio.TaskGroup() as writers:
            for _ in range(self._bounds.writers):
                writers.create_task(self._write())

    def close(self) -> None:
        """Refuse what comes from now on; `run` ends when what waits is done."""
        self._closing = True
        self._arrived.set()

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(0)  # requests that are already readable join this group, not the next
            group = self._take()
            if not group:
                if self._closing:
                    return
                self._arrived.clear()
                await self._arrived.wait()
                continue
            self._under_way.append(group)
            try:
                await self._commit(group)
            except Exception as fault:
                log.exception("ingest: a group of %d requests was not committed", len(group))
                self._fail(group, StoreUnavailableError(type(fault).__name__))
            finally:
                self._under_way.remove(group)
                self._held_bytes -= sum(len(waiting.submission.body) for waiting in group)

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        events = 0
        while self._queue and events < self._bounds.events_per_commit:
            waiting = self._queue.popleft()
            if waiting.receipt.done():  # its client gave up
                self._held_bytes -= len(waiting.submission.body)
                continue
            group.append(waiting)
            events += len(waiting.submission.events)
        return group

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        with self._passenger() as passenger:
            await self._commit_with(passenger, group)

    async def _commit_with(self, passenger: Passenger, group: Sequence[_Waiting]) -> None:
        submissions = [waiting.submission for waiting in group]
        attempt = Attempt(self._recall)
        try:
            receipts = await self._database.transaction(partial(self._admit, submissions, passenger, attempt))
        except StoreUnavailableError as fault:
            passenger.abandon()
            self._fail(group, fault)
        except Exception:
            log.exception("ingest: %d requests failed together; each is tried alone", len(group))
            for waiting in group:
                with self._passenger() as another:
                    await self._commit_alone(another, waiting)
        else:
            failpoints.reach("ingest.committed")
            attempt.has_committed()
            if passenger.start():
                for _ in range(STEPS_TO_LEAVE):  # a page is worth more than an acknowledgement: it goes first
                    await asyncio.sleep(0)
            for waiting, receipt in zip(group, receipts, strict=True):
                if not waiting.receipt.done():
                    waiting.receipt.set_result(receipt)

    async def _commit_alone(self, passenger: Passenger, waiting: _Waiting) -> None:
        try:
            receipt = await self._database.transaction(partial(self._admit_alone, waiting.submission, passenger))
        except StoreUnavailableError as fault:
            self._fail([waiting], fault)
        except Exception as fault:
            log.exception("ingest: a request was not committed")
            self._fail([waiting], StoreUnavailableError(type(fault).__name__))
        else:
            passenger.start()
            if not waiting.receipt.done():
                waiting.receipt.set_result(receipt)

    def _moment(self) -> Moment:
        return Moment(self._rules(), self._clock(), self._new_id)

    def _admit(
        self, submissions: Sequence[Submission], passenger: Passenger, attempt: Attempt, conn: Connection
    ) -> list[Receipt]:
        failpoints.reach("ingest.begun")
        moment = self._moment()
        passenger.begin()
        receipts = admit(conn, submissions, moment, attempt, passenger)
        passenger.compose(moment.now, conn)
        failpoints.reach("ingest.written")
        return receipts

    def _admit_alone(self, submission: Submission, passenger: Passenger, conn: Connection) -> Receipt:
        passenger.begin()
        receipt = admit_one_by_one(conn, submission, self._moment())
        passenger.stays()  # what it made due may have been undone with the event it was for: nothing is taken along
        return receipt

    @staticmethod
    def _fail(group: Sequence[_Waiting], fault: Exception) -> None:
        for waiting in group:
            if not waiting.receipt.done():
                waiting.receipt.set_exception(fault)
