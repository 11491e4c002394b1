"""The client for programs with an event loop (asyncio): the same calls as `AlertClient`, to be awaited."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Protocol, SupportsFloat, Unpack

import httpx

from alertsvc.client import incidents, outcomes, sending
from alertsvc.client.answers import Result
from alertsvc.client.common import Common, Options
from alertsvc.client.exchange import PAUSED, Pause, Send, T, Told, Work
from alertsvc.client.fields import Deployed, Described, EventFields, IncidentFilters, Judged, Valued
from alertsvc.client.incidents import MOST_LISTED, PAGE, Incident, Page, Reference
from alertsvc.client.jobs import JobFacts, facts_of
from alertsvc.client.settings import CONNECT_SECONDS, Settings

LEFT_SECONDS = CONNECT_SECONDS + 1.0
"""After so long nobody connects any more, so that a request may be cancelled."""


class Runs(Protocol):
    """Does work."""

    async def __call__(self, work: Work[T]) -> T:
        """Its result."""
        ...


class EndsJob(Protocol):
    """Tells that a job has ended."""

    async def __call__(self, event: Mapping[str, object], *, has_failed: bool) -> Result:
        """What became of it; an error is not raised over that of the job."""
        ...


class AsyncAlertClient(Common):
    """`AlertClient` for asyncio. Tasks may share one; another event loop gets connections of its own."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(url, token, **options)
        self._verify = verify
        self._transport = transport
        self._https: tuple[int, asyncio.AbstractEventLoop, httpx.AsyncClient] | None = None
        self._left: set[asyncio.Task[Told]] = set()
        self._replaced: list[httpx.AsyncClient] = []
        self._closing: set[asyncio.Task[None]] = set()
        self.incidents = AsyncIncidents(self._settings, self._run)

    async def metric(
        self, model: str | None, metric: str, value: SupportsFloat | None, **fields: Unpack[Judged]
    ) -> Result:
        """As `AlertClient.metric`."""
        return await self._send_one({**fields, "model": model, "metric": metric, "value": value})

    async def alert(self, model: str | None, metric: str, **fields: Unpack[Valued]) -> Result:
        """As `AlertClient.alert`."""
        return await self._send_one({**fields, "model": model, "metric": metric, "status": "firing"})

    async def resolve(self, model: str | None, metric: str, **fields: Unpack[Described]) -> Result:
        """As `AlertClient.resolve`."""
        return await self._send_one({**fields, "model": model, "metric": metric, "status": "resolved"})

    async def event(self, **fields: Unpack[EventFields]) -> Result:
        """As `AlertClient.event`."""
        return await self._send_one(fields)

    async def events(self, events: Iterable[Mapping[str, object]]) -> Result:
        """As `AlertClient.events`."""
        return await self._tell(sending.send_events(self._settings, events))

    async def report(self, tool: str, report: object, **context: object) -> Result:
        """As `AlertClient.report`."""
        return await self._tell(sending.send_report(self._settings, tool, report, context))

    async def deployment(self, model: str | None, version: object, **fields: Unpack[Deployed]) -> Result:
        """As `AlertClient.deployment`."""
        return await self._tell(sending.send_deployment(self._settings, model, version, fields))

    def job(self, name: str, *, model: str | None = None, **fields: Unpack[Described]) -> "AsyncJob":
        """As `AlertClient.job`, for `async with`. A job that is cancelled has neither failed nor succeeded."""
        return AsyncJob(facts_of(name, model, fields), self._end_job)

    async def _end_job(self, event: Mapping[str, object], *, has_failed: bool) -> Result:
        return await self._tell(sending.send_events(self._settings, [event]), may_raise=not has_failed)

    async def _send_one(self, fields: Mapping[str, object]) -> Result:
        return await self._tell(sending.send_events(self._settings, [fields]))

    async def _tell(self, work: Work[Result], *, may_raise: bool = True) -> Result:
        try:
            result = await self._run(work)
        except Exception as fault:  # noqa: BLE001  # whatever it is, it is not what the caller is there for
            result = self._mistaken(fault)
        return self._reported(result, may_raise=may_raise)

    async def _run(self, work: Work[T]) -> T:
        self._check_open()
        try:
            step = next(work)
            while True:
                step = work.send(await self._done(step))
        except StopIteration as end:
            return end.value

    async def _done(self, step: Send | Pause) -> Told:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return PAUSED
        asking = asyncio.create_task(self._ask(step))
        try:
            done, _ = await asyncio.wait({asking}, timeout=step.seconds)
        except asyncio.CancelledError:
            self._leave(asking)
            raise
        if done:
            return asking.result()
        self._leave(asking)
        return outcomes.too_late(step)

    def _leave(self, asking: asyncio.Task[Told]) -> None:
        """Nobody waits for it any more. Cancelled while it connects, it would hold its place among the connections
        for ever; so it is let come to its end, and is cancelled only when it must have connected.
        """
        timer = asking.get_loop().call_later(LEFT_SECONDS, self._give_up, asking)

        def ended(task: asyncio.Task[Told]) -> None:
            timer.cancel()
            self._left.discard(task)
            if not task.cancelled():
                task.exception()  # looked at: it is nobody's

        self._left.add(asking)
        asking.add_done_callback(ended)

    def _give_up(self, asking: asyncio.Task[Told]) -> None:
        """It should have ended by itself. On a busy machine it may still connect, and its place is lost with it."""
        asking.cancel()
        if self._https is not None and self._https[1] is asking.get_loop():
            self._replace(self._https[2])

    def _replace(self, http: httpx.AsyncClient) -> None:
        """Who comes now gets other connections. These are closed when nobody can use them any more."""
        known = self._https
        if known is not None and known[2] is http and self._transport is None:
            self._https = None
            self._replaced.append(http)
            known[1].call_later(self._settings.timeout + LEFT_SECONDS, self._close_replaced)

    def _close_replaced(self) -> None:
        if self._replaced:
            closing = asyncio.create_task(self._replaced.pop(0).aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _ask(self, send: Send) -> Told:
        http = await self._http()
        try:
            response = await http.send(outcomes.request_of(http, send), stream=True)
            try:
                return await _read(response)
            finally:
                await response.aclose()
        except outcomes.FAULTS as fault:
            if isinstance(fault, httpx.PoolTimeout):  # httpcore loses a place that is free just as waiting for it ends
                self._replace(http)
            return outcomes.no_answer(fault)

    async def _http(self) -> httpx.AsyncClient:
        """The connections of this process and event loop: those of another cannot be used here."""
        process, loop = os.getpid(), asyncio.get_running_loop()
        if self._https is None or self._https[0] != process or self._https[1] is not loop:
            made = httpx.AsyncClient(verify=self._verify, transport=self._transport)
            self._https = (process, loop, made)
        return self._https[2]

    async def close(self) -> None:
        """Close the connections. What is called afterwards reports that it is closed."""
        self._is_closed = True
        left = [each for each in self._left if each.get_loop() is asyncio.get_running_loop()]
        for each in left:
            each.cancel()
        if left:  # else they would go on with connections that are closed
            await asyncio.wait(left, timeout=LEFT_SECONDS)
        known, self._https = self._https, None
        if known is not None and known[:2] == (os.getpid(), asyncio.get_running_loop()):
            await known[2].aclose()
        while self._replaced:
            await self._replaced.pop().aclose()

    async def __aenter__(self) -> "AsyncAlertClient":
        return self

    async def __aexit__(self, *_left_by: object) -> None:
        await self.close()


async def _read(response: httpx.Response) -> Told:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > outcomes.MOST_BYTES:
            return outcomes.too_long()
    return outcomes.answer_of(response, bytes(body))


class AsyncIncidents:
    """As `Incidents`."""

    def __init__(self, settings: Settings, run: Runs) -> None:
        self._settings = settings
        self._run = run

    async def list(
        self, *, limit: int = PAGE, most: int = MOST_LISTED, **filters: Unpack[IncidentFilters]
    ) -> AsyncIterator[Incident]:
        """As `Incidents.list`, for `async for`."""
        cursor: str | None = None
        while most > 0:
            page: Page = await self._run(incidents.list_page(self._settings, filters, min(limit, most), cursor))
            for each in page.items:
                yield each
            most -= len(page.items)
            cursor = page.next_cursor
            if cursor is None or not page.items:
                return

    async def get(self, incident: Reference) -> Incident:
        """As `Incidents.get`."""
        return await self._run(incidents.show(self._settings, incident))

    async def ack(self, incident: Reference, *, by: str | None = None, comment: str = "") -> Incident:
        """As `Incidents.ack`."""
        return await self._act(incident, "acknowledge", by, comment)

    async def unack(self, incident: Reference, *, by: str | None = None, comment: str = "") -> Incident:
        """As `Incidents.unack`."""
        return await self._act(incident, "unacknowledge", by, comment)

    async def resolve(self, incident: Reference, *, by: str | None = None, comment: str = "") -> Incident:
        """As `Incidents.resolve`."""
        return await self._act(incident, "resolve", by, comment)

    async def reopen(self, incident: Reference, *, by: str | None = None, comment: str = "") -> Incident:
        """As `Incidents.reopen`."""
        return await self._act(incident, "reopen", by, comment)

    async def comment(self, incident: Reference, comment: str, *, by: str | None = None) -> Incident:
        """As `Incidents.comment`."""
        return await self._act(incident, "comments", by, comment)

    async def _act(self, incident: Reference, verb: str, by: str | None, comment: str) -> Incident:
        return await self._run(incidents.act(self._settings, incident, verb, by, comment))


class AsyncJob:
    """As `Job`."""

    def __init__(self, facts: JobFacts, tell: EndsJob) -> None:
        self._facts = facts
        self._tell = tell
        self.details = facts.details
        self.result: Result | None = None

    async def __aenter__(self) -> "AsyncJob":
        self._facts.begin()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        event = self._facts.ending(fault)
        if event is not None:
            self.result = await self._tell(event, has_failed=fault is not None)
