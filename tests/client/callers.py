"""One way to call both clients, so that a test is written once."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import httpx

from alertsvc.client import AlertClient, AsyncAlertClient

URL = "http://alertsvc.test"
Handler = Callable[[httpx.Request], httpx.Response]


class Caller:
    """A client of either kind, and its calls."""

    def __init__(self, kind: str) -> None:
        self._make = {"sync": AlertClient, "async": AsyncAlertClient}[kind]

    def new(self, handler: Handler | None = None, url: str | None = URL, **options: Any) -> Any:
        """A client whose requests a handler answers, or a server."""
        transport = httpx.MockTransport(handler) if handler else None
        return self._make(url, transport=transport, **options)

    async def __call__(self, function: Callable[..., Any], *args: Any, **fields: Any) -> Any:
        """The result of a call, whatever the kind."""
        if inspect.iscoroutinefunction(function):
            return await function(*args, **fields)
        return await asyncio.to_thread(function, *args, **fields)

    async def all(self, found: Any) -> list[Any]:
        """Everything that a list of incidents yields."""
        if hasattr(found, "__aiter__"):
            return [each async for each in found]
        return await asyncio.to_thread(list, found)
