"""What the service promises, as a model: what arrives, what people do and what time brings, and what must be so then.

It knows nothing of tables, lanes, leases or timers, and shares no rule with `alertsvc.core`: it is a second account of
the same promises. All alerts of a `model` label are one incident.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

RESOLVE_HOLDS = timedelta(hours=4)
"""So long what a person said stands against a source that repeats the same episode."""
TOUCH_EVERY = timedelta(seconds=30)
INFO, WARNING, ERROR, CRITICAL = 1, 2, 3, 4

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Said:
    """What one event says. `start` names its episode."""

    name: str
    fires: bool
    severity: int
    start: datetime


@dataclass
class Alert:
    """A condition at its source. An episode goes by several starts where two sources tell of it: `first` to `last`."""

    fires: bool
    severity: int
    first: datetime
    last: datetime
    seen_at: datetime
    before: datetime | None = None
    """The latest start of the episode before: what is older belongs to that."""
    ended_at: datetime | None = None
    ended_by_person: bool = False
    incident: int | None = None


@dataclass
class Incident:
    """What people work on. Numbers count from 1."""

    number: int
    key: str
    status: str = "firing"
    severity: int = INFO
    peak: int = INFO
    resolved_at: datetime | None = None


@dataclass(frozen=True)
class Configuration:
    """Who hears of an alert of some severity, and for how long an incident that is over may open again."""

    hearers: Callable[[Labels, int], set[str]]
    reopen_within: timedelta = timedelta(0)


@dataclass(frozen=True)
class Silence:
    """News of alerts whose label `name` is `value` is kept back."""

    name: str
    value: str
    until: datetime


@dataclass
class Model:
    """The service as people may think of it."""

    labels: Mapping[str, Labels]
    now: datetime
    configuration: Configuration
    alerts: dict[str, Alert] = field(default_factory=dict)
    incidents: list[Incident] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)

    # What arrives

    def post(self, events: Sequence[Said]) -> dict[str, int]:
        """One request. Returns how many of its events were what."""
        counts = {"new": 0, "updated": 0, "duplicate": 0, "stale": 0}
        before = {each.number: (each.status, each.severity) for each in self.incidents}
        touched: dict[int, bool] = {}
        """Incidents of which an alert changed: whether any of these fired, before or after."""
        for each in events:
            known = self.alerts.get(each.name)
            fired = known is not None and known.fires
            what, opens = self._judge(each)
            counts[what] += 1
            alert = self.alerts[each.name]
            if opens:
                alert.incident = self._home(alert, self.labels[each.name]["model"], opens == "reopened").number
            if what in {"new", "updated"} and alert.incident is not None:
                touched[alert.incident] = touched.get(alert.incident, False) or fired or alert.fires
                self._weigh(self._of(alert.incident))
        for number, matters in touched.items():
            self._conclude(self._of(number), before.get(number), matters=matters)
        return counts

    def _judge(self, said: Said) -> tuple[str, str]:
        """What an event is, and whether an alert `opens` with it or is `reopened`."""
        alert = self.alerts.get(said.name)
        if alert is None:
            self.alerts[said.name] = Alert(said.fires, said.severity, said.start, said.start, self.now)
            if said.fires:
                return "new", "opens"
            self.alerts[said.name].ended_at = self.now
            return "new", ""
        if alert.fires:
            return self._while_it_fires(alert, said), ""
        if not said.fires:
            return self._ended_again(alert, said), ""
        return self._fires_again(alert, said)

    def _while_it_fires(self, alert: Alert, said: Said) -> str:
        if not said.fires:
            if said.start < alert.first:
                return "stale"  # the end of an episode that is over
            alert.fires, alert.ended_at, alert.ended_by_person = False, self.now, False
            alert.last, alert.seen_at = max(alert.last, said.start), self.now
            return "updated"
        if alert.before is not None and said.start <= alert.before:
            return "stale"
        if said.start > alert.last and said.start > alert.seen_at:  # it ended and began, and nobody told us
            self._begin(alert, said, before=alert.before)
            return "updated"
        alert.first, alert.last = min(alert.first, said.start), max(alert.last, said.start)
        if self.now - alert.seen_at >= TOUCH_EVERY:
            alert.seen_at = self.now
        if said.severity == alert.severity:
            return "duplicate"
        alert.severity = said.severity
        return "updated"

    def _ended_again(self, alert: Alert, said: Said) -> str:
        alert.last = max(alert.last, said.start)
        if self.now - alert.seen_at >= TOUCH_EVERY:
            alert.seen_at = self.now
        if alert.ended_by_person and said.start >= alert.first:
            alert.ended_by_person, alert.seen_at = False, self.now  # its source agrees
            return "updated"
        return "duplicate"

    def _fires_again(self, alert: Alert, said: Said) -> tuple[str, str]:
        assert alert.ended_at is not None
        if said.start < alert.first and said.start <= alert.ended_at:
            return "stale", ""
        if not alert.first <= said.start <= alert.last:
            self._begin(alert, said, before=alert.last if alert.last < said.start else None)
            return "new", "opens"
        if alert.ended_by_person and self.now - alert.ended_at < RESOLVE_HOLDS:
            if self.now - alert.seen_at >= TOUCH_EVERY:
                alert.seen_at = self.now
            return "duplicate", ""
        alert.fires, alert.severity, alert.ended_at, alert.seen_at = True, said.severity, None, self.now
        alert.ended_by_person = False
        return "new", "reopened"

    def _begin(self, alert: Alert, said: Said, *, before: datetime | None) -> None:
        alert.fires, alert.severity, alert.first, alert.last = True, said.severity, said.start, said.start
        alert.before, alert.ended_at, alert.ended_by_person, alert.seen_at = before, None, False, self.now

    # Which incident, and how it stands

    def _of(self, number: int) -> Incident:
        return self.incidents[number - 1]

    def _home(self, alert: Alert, key: str, reopened: bool) -> Incident:
        """The open one; else its own if its very episode goes on; else one that is over, but not for long; else new."""
        same = [each for each in self.incidents if each.key == key]
        for each in same:
            if each.status != "resolved":
                return each
        if reopened and alert.incident is not None:
            return self._of(alert.incident)
        latest = max((each for each in same if each.resolved_at), key=lambda each: each.resolved_at, default=None)
        within = self.configuration.reopen_within
        if latest is not None and latest.resolved_at is not None and self.now - latest.resolved_at < within:
            return latest
        self.incidents.append(Incident(len(self.incidents) + 1, key, status="new"))
        return self.incidents[-1]

    def firing(self, number: int) -> list[str]:
        """The alerts of an incident that fire."""
        return [name for name, each in self.alerts.items() if each.incident == number and each.fires]

    def _weigh(self, incident: Incident) -> None:
        fires = [self.alerts[name].severity for name in self.firing(incident.number)]
        if fires:
            incident.severity = max(fires)
            incident.peak = max(incident.peak, incident.severity)

    def _conclude(self, incident: Incident, before: tuple[str, int] | None, *, matters: bool) -> None:
        status, severity = before or ("new", INFO)
        if not self.firing(incident.number):
            if matters and status != "resolved":
                incident.status, incident.resolved_at = "resolved", self.now
        elif status in {"new", "resolved"} or (status == "acknowledged" and incident.severity > severity):
            incident.status, incident.resolved_at = "firing", None

    # What people do. Each says whether it is possible.

    def acknowledge(self, number: int) -> bool:
        incident = self._of(number)
        if incident.status == "resolved":
            return False
        incident.status = "acknowledged"
        return True

    def unacknowledge(self, number: int) -> bool:
        incident = self._of(number)
        if incident.status == "resolved":
            return False
        incident.status = "firing"
        return True

    def resolve(self, number: int) -> bool:
        incident = self._of(number)
        if incident.status != "resolved":
            incident.status, incident.resolved_at = "resolved", self.now
            for name in self.firing(number):
                alert = self.alerts[name]
                alert.fires, alert.ended_at, alert.ended_by_person = False, self.now, True
        return True

    def reopen(self, number: int) -> bool:
        incident = self._of(number)
        if incident.status != "resolved":
            return True
        if any(each.key == incident.key and each.status != "resolved" for each in self.incidents):
            return False
        for alert in self.alerts.values():
            if alert.incident == number and alert.ended_by_person and alert.ended_at == incident.resolved_at:
                alert.fires, alert.ended_at, alert.ended_by_person = True, None, False
        incident.status, incident.resolved_at = "firing", None
        self._weigh(incident)
        return True

    def is_muted(self, name: str) -> bool:
        """Whether a silence keeps back the news of an alert."""
        return any(self.labels[name].get(each.name) == each.value and self.now < each.until for each in self.silences)

    # What must be so

    def must_know(self) -> Iterator[tuple[int, str]]:
        """Incidents, and who is to know that they fire: whoever hears of an alert that fires and is not muted."""
        for incident in self.incidents:
            if incident.status != "firing":
                continue
            for name in self.firing(incident.number):
                if not self.is_muted(name):
                    hearers = self.configuration.hearers(self.labels[name], self.alerts[name].severity)
                    yield from ((incident.number, each) for each in sorted(hearers))
