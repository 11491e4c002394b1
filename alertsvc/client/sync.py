"""The client for programs without an event loop: training scripts, notebooks, batch jobs, web workers."""

import os
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
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
from alertsvc.client.settings import Settings
from alertsvc.client.threads import Helpers

GRACE = 0.1
"""Seconds that a thread may need to say that the time is up."""


class Runs(Protocol):
    """Does work."""

    def __call__(self, work: Work[T]) -> T:
        """Its result."""
        ...


class EndsJob(Protocol):
    """Tells that a job has ended."""

    def __call__(self, event: Mapping[str, object], *, has_failed: bool) -> Result:
        """What became of it; an error is not raised over that of the job."""
        ...


class AlertClient(Common):
    """Sends what a program has to tell. It raises nothing by default: a `Result` says what became of a call.

    `verify` is httpx's, and so is `transport` (for tests). The rest is as in `Common`. Any number of threads may use
    one client, and so may the children of a fork.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(url, token, **options)
        self._verify = verify
        self._transport = transport
        self._https: dict[int, httpx.Client] = {}
        self._helpers = Helpers()
        self.incidents = Incidents(self._settings, self._run)

    def metric(self, model: str | None, metric: str, value: SupportsFloat | None, **fields: Unpack[Judged]) -> Result:
        """Send a measurement, good or bad: the service judges it, and ends the alert with the first good one.

        Args:
            model: The model; None is the one that the client was made with.
            metric: Such as "psi" or "accuracy". The usual ones need no `direction`.
            value: A number of Python, numpy, torch or decimal. None, NaN and infinities are "no value", which alerts.
            fields: `threshold`, `feature`, and whatever else an event may have.
        """
        return self._send_one({**fields, "model": model, "metric": metric, "value": value})

    def alert(self, model: str | None, metric: str, **fields: Unpack[Valued]) -> Result:
        """Say that something is wrong, by your own judgement. It fires until `resolve` names the same."""
        return self._send_one({**fields, "model": model, "metric": metric, "status": "firing"})

    def resolve(self, model: str | None, metric: str, **fields: Unpack[Described]) -> Result:
        """Say that what `alert` told is over. What it is known by (feature, dataset, labels, …) has to be the same."""
        return self._send_one({**fields, "model": model, "metric": metric, "status": "resolved"})

    def event(self, **fields: Unpack[EventFields]) -> Result:
        """Send one event, field by field."""
        return self._send_one(fields)

    def events(self, events: Iterable[Mapping[str, object]]) -> Result:
        """Send many events, in as few requests as can be. One that is refused keeps none of the others back."""
        return self._tell(sending.send_events(self._settings, events))

    def report(self, tool: str, report: object, **context: object) -> Result:
        """Send what a tool wrote: `report("evidently", snapshot.json(), model="churn", dataset="daily")`.

        `report` is JSON text or bytes, which are sent as they are, or values. `context` is what it does not say itself.
        """
        return self._tell(sending.send_report(self._settings, tool, report, context))

    def deployment(self, model: str | None, version: object, **fields: Unpack[Deployed]) -> Result:
        """Say which version of a model runs now, or since `happened_at` (aware)."""
        return self._tell(sending.send_deployment(self._settings, model, version, fields))

    def job(self, name: str, *, model: str | None = None, **fields: Unpack[Described]) -> "Job":
        """Watch the job in a `with` block: an exception is an alert and goes on, a good end resolves it.

        With `expect_next_within` its silence alerts, too, from its first end on; nobody need be alive here for that.
        Its begin is not told: a job that is killed each day would look alive. A failure is critical unless `severity`
        says otherwise.
        """
        return Job(facts_of(name, model, fields), self._end_job)

    def _end_job(self, event: Mapping[str, object], *, has_failed: bool) -> Result:
        return self._tell(sending.send_events(self._settings, [event]), may_raise=not has_failed)

    def _send_one(self, fields: Mapping[str, object]) -> Result:
        return self._tell(sending.send_events(self._settings, [fields]))

    def _tell(self, work: Work[Result], *, may_raise: bool = True) -> Result:
        try:
            result = self._run(work)
        except Exception as fault:  # noqa: BLE001  # whatever it is, it is not what the caller is there for
            result = self._mistaken(fault)
        return self._reported(result, may_raise=may_raise)

    def _run(self, work: Work[T]) -> T:
        self._check_open()
        try:
            step = next(work)
            while True:
                step = work.send(self._done(step))
        except StopIteration as end:
            return end.value

    def _done(self, step: Send | Pause) -> Told:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return PAUSED
        return self._helpers.run(lambda: self._ask(step), step.seconds + GRACE, outcomes.too_late(step))

    def _ask(self, send: Send) -> Told:
        ends = time.monotonic() + send.seconds
        try:
            http = self._http()
            response = http.send(outcomes.request_of(http, send), stream=True)
            try:
                return _read(response, send, ends)
            finally:
                response.close()
        except outcomes.FAULTS as fault:
            return outcomes.no_answer(fault)

    def _http(self) -> httpx.Client:
        """The connections of this process: those of a parent must not be used, nor closed, by a child."""
        process = os.getpid()
        found = self._https.get(process)
        if found is None:
            made = httpx.Client(verify=self._verify, transport=self._transport)
            found = self._https.setdefault(process, made)  # where two threads make one, one of the two is taken
            if found is not made:
                made.close()
        return found

    def close(self) -> None:
        """Close the connections. What is called afterwards reports that it is closed."""
        self._is_closed = True
        http = self._https.pop(os.getpid(), None)
        if http is not None:
            http.close()

    def __enter__(self) -> "AlertClient":
        return self

    def __exit__(self, *_left_by: object) -> None:
        self.close()


def _read(response: httpx.Response, send: Send, ends: float) -> Told:
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > outcomes.MOST_BYTES:
            return outcomes.too_long()
        if time.monotonic() > ends:
            return outcomes.too_late(send)
    return outcomes.answer_of(response, bytes(body))


class Incidents:
    """Incidents of the service. These raise what goes wrong (`AlertsvcError`): who asks cannot go on without."""

    def __init__(self, settings: Settings, run: Runs) -> None:
        self._settings = settings
        self._run = run

    def list(
        self, *, limit: int = PAGE, most: int = MOST_LISTED, **filters: Unpack[IncidentFilters]
    ) -> Iterator[Incident]:
        """Those that fit, the newest first; at most so many, fetched by pages of `limit` (1 to 500)."""
        cursor: str | None = None
        while most > 0:
            page: Page = self._run(incidents.list_page(self._settings, filters, min(limit, most), cursor))
            yield from page.items
            most -= len(page.items)
            cursor = page.next_cursor
            if cursor is None or not page.items:
                return

    def get(self, incident: Reference) -> Incident:
        """One, by its number or id."""
        return self._run(incidents.show(self._settings, incident))

    def ack(self, incident: Reference, *, by: str | None = None, comment: str = "") -> Incident:
        """Take it: repeats stop."""
        return self._act(incident, "acknowledge", by, comment)

    def unack(self, incident: Reference, *, by: str | None = None, comment: str = "") -> Incident:
        """Give it back."""
        return self._act(incident, "unacknowledge", by, comment)

    def resolve(self, incident: Reference, *, by: str | None = None, comment: str = "") -> Incident:
        """Say that it is over."""
        return self._act(incident, "resolve", by, comment)

    def reopen(self, incident: Reference, *, by: str | None = None, comment: str = "") -> Incident:
        """Say that it is not over."""
        return self._act(incident, "reopen", by, comment)

    def comment(self, incident: Reference, comment: str, *, by: str | None = None) -> Incident:
        """Write a line into its timeline. It is not sent again where nobody knows whether it arrived."""
        return self._act(incident, "comments", by, comment)

    def _act(self, incident: Reference, verb: str, by: str | None, comment: str) -> Incident:
        return self._run(incidents.act(self._settings, incident, verb, by, comment))


class Job:
    """A job that is watched. `details` are shown with its end; `result` is what became of telling it."""

    def __init__(self, facts: JobFacts, tell: EndsJob) -> None:
        self._facts = facts
        self._tell = tell
        self.details = facts.details
        self.result: Result | None = None

    def __enter__(self) -> "Job":
        self._facts.begin()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        event = self._facts.ending(fault)
        if event is not None:
            self.result = self._tell(event, has_failed=fault is not None)
