"""An event loop whose time is a number and whose order is a seed's, and the processes that die in it."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

EXECUTION_SECONDS = 0.02
"""The longest that a thread takes to begin its work, and its result to come back."""


class Process:
    """What dies as a whole. Everything that is begun in its `context` belongs to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.context = copy_context()
        self.context.run(_PROCESS.set, self)

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """A task of this process."""
        return asyncio.get_running_loop().create_task(coroutine, context=self.context.copy())


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what is ready in an order of its seed's, and skips the time until something is.

    What belongs to a dead process is never run again: neither its next step nor its `finally`. Work for threads is done
    in the loop, each piece whole, in the order of its executor; between its end and its result anything may happen.
    """

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.steps = 0
        self.alarm: tuple[int, Callable[[], None]] | None = None
        """At which step to do what: a crash between two steps."""
        self.execute: Callable[[Callable[[], Any]], Any] = lambda work: work()
        """How a piece of work for a thread is done; faults of the database are put in here."""
        self._chance = chance
        self._now = 0.0
        self._lines: dict[Any, deque[tuple[asyncio.Future[Any], Callable[[], Any]]]] = {}
        self._buried: list[asyncio.Handle] = []
        self._is_over = False

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not ready and scheduled:
            self._now = max(self._now, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        if not ready:
            raise RuntimeError("everything waits for something that will never happen")
        place = self._chance.randrange(len(ready))
        handle = ready[place]
        del ready[place]
        if handle._cancelled:
            return
        process = handle._context.get(_PROCESS)
        if process is not None and process.is_dead and not self._is_over:
            self._buried.append(handle)  # kept: what is collected as garbage runs its `finally`
            return
        self.steps += 1
        handle._run()
        if self.alarm is not None and self.steps >= self.alarm[0]:
            act, self.alarm = self.alarm[1], None
            act()

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":  # pyright: ignore
        """See `AbstractEventLoop`: no thread is begun."""
        future: asyncio.Future[T] = self.create_future()
        line = self._lines.setdefault(executor, deque())
        line.append((future, lambda: func(*args)))
        self.call_later(self._chance.random() * EXECUTION_SECONDS, self._work, line)
        return future

    def _work(self, line: deque[tuple[asyncio.Future[Any], Callable[[], Any]]]) -> None:
        future, work = line.popleft()
        try:
            result = self.execute(work)
        except (Exception, asyncio.CancelledError) as fault:  # a thread passes on that its work was called off, too
            self._return(future, future.set_exception, fault)
        else:
            self._return(future, future.set_result, result)

    def _return(self, future: asyncio.Future[Any], end: Callable[[Any], None], how: Any) -> None:
        def returned() -> None:
            if not future.done():
                end(how)

        self.call_later(self._chance.random() * EXECUTION_SECONDS, returned)

    def call_outside(self, seconds: float, act: Callable[[], None]) -> None:
        """Something that happens to the world, whether or not who set it off still lives."""
        self.call_later(seconds, act, context=Context())

    def close(self) -> None:
        """Let everybody end, the dead too: what they do now is seen by nobody, and what never ends would complain."""
        self.alarm, self._is_over = None, True
        self._ready.extend(self._buried)
        tasks = asyncio.all_tasks(self)
        for task in tasks:
            task.cancel()
        if tasks:
            self.run_until_complete(asyncio.wait(tasks, timeout=100))
        super().close()

    # What a loop needs of a system

    def _process_events(self, event_list: object) -> None: ...

    def _write_to_self(self) -> None: ...
