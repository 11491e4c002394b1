"""The service of `testing`: in memory, with the parser and the decisions of the real one, and nobody to tell anything.

Unlike the rest of the client this needs what the service needs. Its rules are those of a configuration that says
nothing of them: the alerts of one model and environment are one incident.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from alertsvc.clock import new_id, utc_now
from alertsvc.core import acts, freshness
from alertsvc.core.acts import Act, Actor, NotPossibleError
from alertsvc.core.alerts import PERSON, Alert, Change
from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.decide import Batch, correlation_for
from alertsvc.core.digests import DigestRule, Every
from alertsvc.core.incidents import Firing, Incident, Situation
from alertsvc.core.model import AlertState, Deliver, Event, Severity
from alertsvc.core.observation import Trouble
from alertsvc.core.route import Matcher, Op, Route, Timing
from alertsvc.core.rules import Moment, Rules
from alertsvc.ingest import events
from alertsvc.ingest.events import ParsedEvents
from alertsvc.ingest.monitoring import fingerprint_about
from alertsvc.ingest.parsed import BadItem
from alertsvc.ingest.tools import reading
from alertsvc.ingest.tools.context import Context

RULES = Rules(
    root=Route(
        "root",
        "nobody",
        Timing(timedelta(0), timedelta(minutes=5), timedelta(hours=4)),
        dict.fromkeys(Severity, Deliver.NONE),
        "hourly",
    ),
    receivers={"nobody": ()},
    digests={"hourly": DigestRule("hourly", Every(timedelta(hours=1)))},
    correlate=(
        CorrelateRule("model", ("model", "environment"), (Matcher("model", Op.NOT_EQUAL, "", bool),)),
        CorrelateRule("alert", ("alertname",)),
    ),
)

Taken = tuple[list[dict[str, Any]], Sequence[BadItem]]
"""The items of an answer, and what was refused."""
Decide = Callable[[Situation, Actor, Moment], Act]


@dataclass(slots=True)
class FakeService:
    """What it holds: alerts by fingerprint, incidents by id, the names of events it has seen."""

    clock: Callable[[], datetime] = utc_now
    alerts: dict[str, Alert] = field(default_factory=dict[str, Alert])
    incidents: dict[UUID, Incident] = field(default_factory=dict[UUID, Incident])
    seen: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def take(self, body: bytes) -> Taken:
        """Take a body of events in.

        Raises:
            BadPayloadError: It is none.
        """
        now = self.clock()
        return self._take(events.parse(body, now, RULES.severities), now)

    def take_report(self, tool: str, body: bytes, said: Mapping[str, str]) -> Taken:
        """Take a report of a tool in; `said` is what its address says of it.

        Raises:
            LookupError: There is no such tool.
            BadPayloadError: It is no report of it.
        """
        now = self.clock()
        source = tool.replace("-", "_")
        if source not in reading.READERS:
            raise LookupError(tool)
        report = reading.parse(source, body, Context().or_else(said), now, RULES.severities)
        return self._take(report.events, now)

    def _take(self, parsed: ParsedEvents, now: datetime) -> Taken:
        arrived = [event for _, event in parsed.events]
        changes = self._decide(arrived, now)
        self._decide(list(self._ended_by(arrived)), now)
        items = [
            self._item(index, event, key, change)
            for (index, event), key, change in zip(parsed.events, parsed.keys, changes, strict=True)
        ]
        refused = [
            {"index": each.index, "state": "rejected", "error": each.reason, "pointer": each.pointer}
            for each in parsed.refused
        ]
        return sorted([*items, *refused], key=lambda item: item["index"]), parsed.refused

    def _ended_by(self, arrived: Sequence[Event]) -> Iterator[Event]:
        """The ends of what was wrong with the monitoring of series that have a value again.

        The service finds them by itself a few seconds later.
        """
        for event in arrived:
            if event.observation is None or event.observation.trouble is not None:
                continue
            for trouble in (Trouble.NO_VALUE, Trouble.NO_ROWS):
                name = fingerprint_about(event.fingerprint, trouble)
                alert = self.alerts.get(name)
                if alert is not None and alert.state is AlertState.FIRING:
                    labels = freshness.about(event.labels, trouble)
                    end = Event(freshness.SOURCE, name, AlertState.RESOLVED, alert.severity, labels)
                    yield replace(end, observed_at=event.observed_at, decided_by=freshness.SOURCE)

    def _decide(self, arrived: Sequence[Event], now: datetime) -> list[Change | None]:
        moment = Moment(RULES, now, new_id)
        keys = {correlation_for(RULES, each).key for each in arrived}
        own = {known.incident_id for each in arrived if (known := self.alerts.get(each.fingerprint))}
        near = [
            Situation(each)
            for each in self.incidents.values()
            if each.id in own or (each.is_open and each.correlation_key in keys)
        ]
        held = {each.fingerprint: self.alerts[each.fingerprint] for each in arrived if each.fingerprint in self.alerts}
        batch = Batch(moment, held, near)
        changes = [self._arrive(batch, each, now) for each in arrived]
        verdict = batch.finish()
        for opened in verdict.effects.opened:
            self.incidents[opened.id] = replace(opened, number=len(self.incidents) + 1)
        for changed in verdict.effects.changed:
            self.incidents[changed.id] = changed
        for alert, _, _ in verdict.alerts:
            self.alerts[alert.fingerprint] = alert
        for alert in batch.touched():
            self.alerts[alert.fingerprint] = alert
        return changes

    def _arrive(self, batch: Batch, event: Event, now: datetime) -> Change | None:
        if event.state is None:
            return None
        if event.event_id:
            name = (event.fingerprint, event.event_id)
            if name in self.seen:
                return Change.DUPLICATE
            self.seen.add(name)
        return batch.arrive(event, new_id(), now)

    def _item(self, index: int, event: Event, key: str, change: Change | None) -> dict[str, Any]:
        alert = self.alerts.get(event.fingerprint)
        incident = self.incidents.get(alert.incident_id) if alert and alert.incident_id and change else None
        return {
            "index": index,
            "event_id": event.event_id,
            "dedup_key": key,
            "fingerprint": event.fingerprint,
            "duplicate": change is Change.DUPLICATE,
            "state": _state(event, change),
            "severity": event.severity.word,
            "decided_by": event.decided_by,
            "incident": None if incident is None else {"id": str(incident.id), "number": incident.number},
        }

    def find(self, reference: str) -> Incident | None:
        """An incident by its number or id."""
        return next((each for each in self.incidents.values() if reference in {str(each.number), str(each.id)}), None)

    def act(self, incident: Incident, verb: str, actor: Actor) -> Incident:
        """Let somebody act.

        Raises:
            NotPossibleError: Its state does not allow that.
            LookupError: There is no such act.
        """
        moment = Moment(RULES, self.clock(), new_id)
        done = self._acted(incident, verb, actor, moment)
        if done.effects is not None:
            self.incidents[incident.id] = done.incident
            self._follow(incident, done.incident, moment)
        return self.incidents[incident.id]

    def _acted(self, incident: Incident, verb: str, actor: Actor, moment: Moment) -> Act:
        if verb == "reopen":
            for other in self.incidents.values():
                if other.is_open and other.id != incident.id and other.correlation_key == incident.correlation_key:
                    raise NotPossibleError(f"incident #{other.number} is already open for the same problem")
            return acts.reopen(Situation(incident), self._closed_by_hand(incident), actor, moment)
        return ACTS[verb](Situation(incident), actor, moment)

    def _closed_by_hand(self, incident: Incident) -> Firing:
        closed = [each for each in self.alerts.values() if _ended_with(each, incident)]
        info, warning, error, critical = (sum(each.severity is level for each in closed) for level in sorted(Severity))
        return (info, warning, error, critical)

    def _follow(self, before: Incident, after: Incident, moment: Moment) -> None:
        """The alerts of an incident that a person ended end with it, and fire again with it."""
        for name, alert in list(self.alerts.items()):
            if before.is_open and not after.is_open and (alert.incident_id, alert.state) == (after.id, FIRING):
                ended = replace(alert, state=AlertState.RESOLVED, closed_at=moment.now, closed_by=PERSON)
                self.alerts[name] = ended
            elif after.is_open and not before.is_open and _ended_with(alert, before):
                self.alerts[name] = replace(alert, state=FIRING, closed_at=None, closed_by=None)


FIRING = AlertState.FIRING
ACTS: Mapping[str, Decide] = {
    "acknowledge": acts.acknowledge,
    "unacknowledge": acts.unacknowledge,
    "resolve": acts.resolve,
    "comments": acts.comment,
}
VERBS = frozenset({*ACTS, "reopen"})


def _ended_with(alert: Alert, incident: Incident) -> bool:
    return (alert.incident_id, alert.closed_by, alert.closed_at) == (incident.id, PERSON, incident.resolved_at)


def _state(event: Event, change: Change | None) -> str:
    if event.state is None:
        return "recorded"
    if event.state is AlertState.FIRING:
        return "firing"
    return "resolved" if change is Change.ENDED else "ok"


def shown(incident: Incident) -> dict[str, Any]:
    """An incident as the API shows it."""
    at = {"acknowledged_at": incident.acknowledged_at, "resolved_at": incident.resolved_at}
    return {
        "id": str(incident.id),
        "number": incident.number,
        "title": incident.title,
        "summary": incident.summary,
        "status": str(incident.status),
        "severity": incident.severity.word,
        "peak_severity": incident.peak_severity.word,
        "labels": dict(incident.labels),
        "firing_count": incident.firing_count,
        "alert_count": incident.alert_count,
        "opened_at": incident.opened_at.isoformat(),
        "updated_at": incident.updated_at.isoformat(),
        **{name: None if moment is None else moment.isoformat() for name, moment in at.items()},
        "acknowledged_by": incident.acknowledged_by,
        "resolved_by": incident.resolved_by,
        "version": incident.version,
    }
