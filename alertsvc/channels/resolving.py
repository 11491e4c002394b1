"""Resolves names for one destination: a dead resolver stops nobody else, and keeps no process from ending."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread

MAX_THREADS = 2

Resolve = Callable[[str, int], Sequence[str]]


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of `host` as this machine knows them. Blocks.

    Raises:
        OSError: There are none, or nobody answered.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Resolver:
    """Calls what blocks in threads of its own, at most two at a time.

    They are daemons: the threads of an executor are waited for when the process ends, and a resolver that nobody
    answers takes minutes.
    """

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._free = asyncio.Semaphore(MAX_THREADS)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`. The thread of a caller who gives up keeps its place until it is done.

        Raises:
            OSError: There are none, or nobody answered.
            UnicodeError: `host` cannot be a name.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()
        thread = Thread(target=self._answer, args=(loop, answer, host, port), name="resolve", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._free.release()
            raise OSError("this machine has no thread to spare") from None
        return await answer

    def _answer(
        self, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Sequence[str]], host: str, port: int
    ) -> None:
        found: Sequence[str] | Exception
        try:
            found = self._resolve(host, port)
        except Exception as fault:  # noqa: BLE001 - whatever it is belongs to the one who waits, not to this thread
            found = fault
        with suppress(RuntimeError):  # the loop was closed in the meantime
            loop.call_soon_threadsafe(self._tell, answer, found)

    def _tell(self, answer: asyncio.Future[Sequence[str]], found: Sequence[str] | Exception) -> None:
        self._free.release()
        if answer.done():  # the caller gave up
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)
