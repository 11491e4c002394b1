"""Counts what happens for Prometheus. A series that may be counted one day is there from the start, with 0.

Prometheus sees an increase only between two samples: the first failure of a series that was not there is none to it.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from prometheus_client import Counter, Histogram

from alertsvc.channels.outcome import Accepted, Fault, Unknown
from alertsvc.core.model import Severity
from alertsvc.core.mutes import MuteKind
from alertsvc.engine.apply import NOT_TO_BE_TOLD
from alertsvc.engine.audit import Found
from alertsvc.engine.muting import KeptBack
from alertsvc.engine.settle import OUTCOMES, Settled
from alertsvc.ingest import alertmanager, alertmanager_api, events, grafana
from alertsvc.ingest.tools.reading import READERS
from alertsvc.observe.metrics import Metrics
from alertsvc.store import tally
from alertsvc.store.listening import RETRY_CAUSES, Access, Listener
from alertsvc.store.tally import Tally

DOORS: Mapping[str, tuple[int, ...]] = {
    alertmanager.SOURCE: (202, 400, 503),
    alertmanager_api.SOURCE: (200, 400, 503),
    events.SOURCE: (202, 400, 422, 503),
}
"""The sources whose requests are counted, and what they are answered as a rule."""
TOOLS = (grafana.SOURCE, *READERS)
"""More sources. Most of them never come: only what is wrong with them is there from the start, the rest when it is."""
RESULTS = ("new", "updated", "duplicate", "stale", "recorded", "quarantined")
DELIVERY_ENDS = ("accepted", "failed", "superseded", "suppressed")
NOTIFICATION_ENDS = ("delivered", "failed", "superseded", "suppressed")


class Counting:
    """Hears what happened and counts it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._destinations: frozenset[str] = frozenset()
        self.listener = Listener(self._counted, self._ended, self._retried)
        self._begin()
        for source in TOOLS:
            self._begin_tool(source)

    def _begin(self) -> None:
        """The series that are there whatever the configuration says."""
        metrics = self._metrics
        for source, codes in DOORS.items():
            for code in codes:
                metrics.ingest_requests.labels(source, str(code))
            for result in RESULTS:
                metrics.ingest_events.labels(source, result)
            metrics.ingest_duration.labels(source)
            metrics.ingest_shed.labels(source)
            metrics.truncated_upstream.labels(source)
        metrics.ingest_events.labels(events.SOURCE, "rejected")
        for reason in ("unauthenticated", "forbidden"):
            metrics.auth_failures.labels(reason)
        for reason in (*MuteKind, NOT_TO_BE_TOLD):
            metrics.suppressed.labels(reason)
        for severity in Severity:
            metrics.notification_latency.labels(severity.word)
        for cause in RETRY_CAUSES:
            metrics.database_retries.labels(cause)

    def _begin_tool(self, source: str) -> None:
        for code in (202, 400, 422, 503):
            self._metrics.ingest_requests.labels(source, str(code))
        for result in ("quarantined", "rejected"):
            self._metrics.ingest_events.labels(source, result)

    def follow(self, destinations: Collection[str]) -> None:
        """These are the destinations in force: the new ones begin at 0, those that have gone are forgotten."""
        for gone in self._destinations.difference(destinations):
            self._forget(gone)
        for name in set(destinations) - self._destinations:
            self._expect(name)
        self._destinations = frozenset(destinations)

    def _expect(self, destination: str) -> None:
        for metric, values in self._by_destination():
            for value in values:
                metric.labels(destination, *value)

    def _forget(self, destination: str) -> None:
        for metric, values in self._by_destination():
            for value in values:
                metric.remove(destination, *value)

    def _by_destination(self) -> list[tuple[Counter | Histogram, list[tuple[str, ...]]]]:
        """Each metric about destinations, with the values that its other labels may have."""
        metrics = self._metrics
        return [
            (metrics.attempts, [(outcome,) for outcome in OUTCOMES.values()]),
            (metrics.attempt_faults, [(fault,) for fault in Fault]),
            (metrics.deliveries, [(state,) for state in DELIVERY_ENDS]),
            (metrics.notifications, [(state,) for state in NOTIFICATION_ENDS]),
            (metrics.duplicate_risk, [()]),
            (metrics.summarised, [()]),
            (metrics.provider_request, [()]),
        ]

    def summarised(self, destination: str, count: int) -> None:
        """So many notifications went into the summary of a storm."""
        self._metrics.summarised.labels(destination).inc(count)

    def settled(self, settled: Settled) -> None:
        """A try has ended. How its message did is counted by the transaction that wrote it down."""
        tried, metrics = settled.tried, self._metrics
        outcome = tried.outcome
        if isinstance(outcome, KeptBack):
            return
        destination = tried.claimed.destination
        metrics.attempts.labels(destination, OUTCOMES[type(outcome)]).inc()
        metrics.provider_request.labels(destination).observe((tried.finished_at - tried.started_at).total_seconds())
        if not isinstance(outcome, Accepted):
            metrics.attempt_faults.labels(destination, outcome.fault).inc()
        if isinstance(outcome, Unknown):
            metrics.duplicate_risk.labels(destination).inc()
        if settled.state == "fenced":
            metrics.fenced.inc()
        elif settled.state == "accepted":
            metrics.notification_latency.labels(tried.claimed.severity.word).observe(_latency(settled))

    def audited(self, found: Found, at: datetime) -> None:
        """The books were looked at."""
        for check, wrong in found.items():
            self._metrics.ledger_mismatch.labels(check).set(len(wrong))
        self._metrics.audited_at.set(at.timestamp())

    def _counted(self, counted: Tally) -> None:
        for (what, *about), number in counted.items():
            self._counter(what, about).inc(number)

    def _counter(self, what: str, about: list[str]) -> Counter:
        match what:
            case tally.DELIVERY:
                return self._metrics.deliveries.labels(*about)
            case tally.NOTIFICATION:
                return self._metrics.notifications.labels(*about)
            case tally.SUPPRESSED:
                return self._metrics.suppressed.labels(*about)
            case tally.LEASE_EXPIRED:
                return self._metrics.leases_expired
            case _:
                raise LookupError(f"nobody counts {what!r}")

    def _ended(self, access: Access, seconds: float) -> None:
        self._metrics.database_transaction.labels(access).observe(seconds)

    def _retried(self, cause: str) -> None:
        self._metrics.database_retries.labels(cause).inc()


def _latency(settled: Settled) -> float:
    """Seconds from when an accepted message was to leave, which is its making once a try has put that off."""
    claimed = settled.tried.claimed
    since = claimed.created_at if claimed.attempt_count > 1 else max(claimed.created_at, claimed.due_at)
    return max((settled.tried.finished_at - since).total_seconds(), 0.0)
