"""What must happen because events arrived or a person acted. Says it; does none of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from alertsvc.core.alerts import OPENING, UNCHANGED, Alert, Change, Step, fired
from alertsvc.core.correlate import Correlation, correlation_of
from alertsvc.core.effects import Effects
from alertsvc.core.endings import ending
from alertsvc.core.incidents import Incident, Situation, Tally, named_after, summary_of, title_of
from alertsvc.core.inhibition import Source, sources_of
from alertsvc.core.judge import judge
from alertsvc.core.model import Deliver, Event, IncidentStatus, Labels, Severity
from alertsvc.core.mutes import Mute, Mutes
from alertsvc.core.route import Destination, Route
from alertsvc.core.rules import Moment, Rules
from alertsvc.core.storms import Storms
from alertsvc.core.subscribers import event_labels, subscribers
from alertsvc.core.tell import Telling
from alertsvc.core.timeline import outgrown, timeline


@dataclass(frozen=True, slots=True)
class Happening:
    """An event that changed its alert, for the record."""

    event: Event
    step: Step
    arrival_id: UUID
    received_at: datetime
    incident_id: UUID | None


@dataclass(slots=True)
class _Draft:
    """An incident while the events of a batch pass over it."""

    before: Situation
    incident: Incident
    is_new: bool
    tally: Tally
    steps: list[tuple[Event, Step]] = field(default_factory=list[tuple[Event, Step]])

    @classmethod
    def of(cls, before: Situation, incident: Incident, *, is_new: bool) -> "_Draft":
        """One that nothing has passed over yet."""
        return cls(before, incident, is_new, Tally(incident.firing, incident.severity, incident.peak_severity))

    def count_in(self, event: Event, step: Step) -> None:
        """One of its alerts changed."""
        self.steps.append((event, step))
        joined = step.change in OPENING and (step.before is None or step.before.incident_id != self.incident.id)
        fires_before = step.before.severity if step.before is not None and fired(step.before) else None
        self.tally.count(fires_before, step.after.severity if fired(step.after) else None, joined=joined)

    def counted(self) -> Incident:
        """The incident with what its alerts come to."""
        tally = self.tally
        return replace(
            self.incident,
            firing=tally.firing,
            severity=tally.severity,
            peak_severity=tally.peak,
            alert_count=self.incident.alert_count + tally.joined,
        )


@dataclass(frozen=True, slots=True)
class _News:
    """The last event of an alert in a batch, at the severity that counts, and whether it fires now or did before.

    `flaps`: it began to flap in this batch.
    """

    event: Event
    severity: Severity
    fires_now: bool
    flaps: bool = False


@dataclass(slots=True)
class _Hearing:
    """What one destination is to hear of what fires: the most urgent, and the most urgent of what is muted.

    `alertname` is that of the most urgent.
    """

    destination: Destination
    free: tuple[Route, Severity] | None = None
    alertname: str = ""
    muted: tuple[Route, Severity] | None = None
    mutes: dict[str, Mute] = field(default_factory=dict[str, Mute])
    flaps: bool = False

    def add(self, route: Route, news: "_News", mutes: Sequence[Mute]) -> None:
        """One alert that it is to hear of by one route."""
        severity = news.severity
        known = self.muted if mutes else self.free
        if known is None or _urgency(route, severity) > _urgency(*known):
            known = (route, severity)
        if mutes:
            self.muted = known
            self.mutes |= {mute.ref: mute for mute in mutes}
        else:
            if known is not self.free:
                self.free, self.alertname = known, news.event.labels.get("alertname", "")
            self.flaps |= news.flaps


@dataclass(frozen=True, slots=True)
class Inhibiting:
    """An alert began, or ended, to mute others from some places."""

    alert_id: UUID
    sources: Sequence[Source]
    fires: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a batch of events comes to. `alerts` are to be saved, each once, as they are at the end."""

    effects: Effects
    alerts: Sequence[tuple[Alert, Event, bool]]
    happenings: Sequence[Happening]
    inhibiting: Sequence[Inhibiting] = ()


def correlation_for(rules: Rules, event: Event) -> Correlation:
    """The incident that `event` belongs to."""
    return correlation_of(rules.correlate_rule(event.labels, event_labels(event)), event.labels)


class Batch:
    """Decides on a batch of events, in their order, for one instant.

    Feed it with `arrive`; then `finish` says what must happen. `alerts` are the known ones by fingerprint,
    `situations` the incidents they and the correlation keys lead to: those that are open, and those that were resolved
    recently enough to open again.
    """

    def __init__(
        self,
        moment: Moment,
        alerts: Mapping[str, Alert],
        situations: Sequence[Situation],
    ) -> None:
        self._moment = moment
        self._rules = moment.rules
        self._now = moment.now
        self._new_id = moment.new_id
        self._before = alerts
        self._alerts: dict[str, Alert] = dict(alerts)
        self._latest: dict[str, Event] = {}
        self._drafts: dict[UUID, _Draft] = {}
        self._by_key: dict[str, _Draft] = {}
        self._happenings: list[Happening] = []
        self._mutes = Mutes(moment.now)
        for situation in situations:
            if situation.incident is not None:
                self._know(_Draft.of(situation, situation.incident, is_new=False))

    def arrive(
        self, event: Event, arrival_id: UUID, received_at: datetime, correlation: Correlation | None = None
    ) -> Change:
        """Take in one event that has a state, and say what it was to its alert.

        `correlation` is the event's, if somebody has asked for that already.
        """
        step = judge(self._alerts.get(event.fingerprint), event, received_at, self._new_id, self._rules)
        if step.change in UNCHANGED:
            if step.after is not step.before:
                self._alerts[event.fingerprint] = step.after
            return step.change
        draft = self._home(event, step, correlation)
        if draft is not None:
            step = Step(step.change, step.before, step.after.standing_in(draft.incident.id), step.flaps)
            draft.count_in(event, step)
        self._alerts[event.fingerprint] = step.after
        self._latest[event.fingerprint] = event
        incident_id = draft.incident.id if draft else None
        self._happenings.append(Happening(event, step, arrival_id, received_at, incident_id))
        return step.change

    def alert(self, fingerprint: str) -> Alert | None:
        """An alert as the events so far left it, if it is among those given or new."""
        return self._alerts.get(fingerprint)

    def incident_of(self, fingerprint: str) -> UUID | None:
        """The incident that an alert stands in after the events so far."""
        alert = self._alerts.get(fingerprint)
        return alert.incident_id if alert else None

    @property
    def numbers(self) -> dict[UUID, int]:
        """The numbers of the incidents given to it, by id."""
        return {key: each.incident.number for key, each in self._drafts.items() if not each.is_new}

    def asks(self) -> list[Labels]:
        """The labels of the alerts whose news may be muted: what the mutes given to `finish` must know about."""
        return [event_labels(event) for event in self._latest.values()]

    @property
    def changed(self) -> Collection[str]:
        """The fingerprints of the alerts that changed."""
        return self._latest.keys()

    def finish(self, mutes: Mutes | None = None, storms: Storms | None = None) -> Verdict:
        """What must happen because of everything that arrived, where `mutes` were in force before it did.

        What it makes of `storms` is noted there.
        """
        if storms is not None:
            self._moment = replace(self._moment, storms=storms)
        inhibiting = self._inhibiting()
        known = mutes or Mutes(self._now)
        self._mutes = known.after(
            (name, event_labels(event), fired(self._alerts[name])) for name, event in self._latest.items()
        )
        effects = Effects()
        for draft in self._drafts.values():
            if draft.steps:
                effects.add(self._conclude(draft))
        saved = [
            (alert, self._latest[name], name not in self._before)
            for name, alert in sorted(self._alerts.items())
            if name in self._latest
        ]
        return Verdict(effects, saved, self._happenings, inhibiting)

    def touched(self) -> list[Alert]:
        """Alerts that only duplicates reached and whose times moved."""
        return [
            alert
            for name, alert in sorted(self._alerts.items())
            if name not in self._latest and alert is not self._before.get(name)
        ]

    def _inhibiting(self) -> list[Inhibiting]:
        """The alerts of this batch that mute others from now on, or no more."""
        found: list[Inhibiting] = []
        for name, event in self._latest.items() if self._rules.inhibit else ():
            alert = self._alerts[name]
            if fired(alert) is fired(self._before.get(name)):
                continue
            sources = sources_of(self._rules.inhibit, name, event_labels(event))
            if sources:
                found.append(Inhibiting(alert.id, sources, fired(alert)))
        return found

    # Which incident

    def _know(self, draft: _Draft) -> None:
        self._drafts[draft.incident.id] = draft
        key = draft.incident.correlation_key
        other = self._by_key.get(key)
        if other is None or _is_nearer(draft.incident, other.incident):
            self._by_key[key] = draft

    def _home(self, event: Event, step: Step, correlation: Correlation | None) -> _Draft | None:
        """The incident an event changes: the alert's own while its episode lasts, else that of its correlation key."""
        own = self._drafts.get(step.after.incident_id) if step.after.incident_id else None
        if step.change not in OPENING:
            return own
        if step.change is Change.REOPENED and own is not None and own.incident.is_open:
            return own
        correlation = correlation or correlation_for(self._rules, event)
        known = self._by_key.get(correlation.key)
        if known is not None and known.incident.is_open:
            return known
        if step.change is Change.REOPENED and own is not None and own.incident.correlation_key == correlation.key:
            return own
        if known is not None and self._may_reopen(known.incident, correlation):
            return known
        draft = _Draft.of(Situation(None), self._new_incident(event, correlation), is_new=True)
        self._know(draft)
        self._by_key[correlation.key] = draft
        return draft

    def _may_reopen(self, incident: Incident, correlation: Correlation) -> bool:
        if incident.resolved_at is None or not correlation.reopen_within:
            return False
        return self._now - incident.resolved_at < correlation.reopen_within

    def _new_incident(self, event: Event, correlation: Correlation) -> Incident:
        return Incident(
            id=self._new_id(),
            number=0,
            correlation_key=correlation.key,
            labels=correlation.labels,
            title=title_of(correlation.labels, event.labels),
            summary=summary_of(event),
            status=IncidentStatus.FIRING,
            severity=event.severity,
            peak_severity=event.severity,
            opened_at=self._now,
            updated_at=self._now,
            version=0,
        )

    # What it comes to

    def _conclude(self, draft: _Draft) -> Effects:
        before = draft.before.incident
        incident = self._with_status(draft).next(self._now)
        if draft.is_new:
            incident = named_after(incident, [event for event, step in draft.steps if step.change in OPENING])
        draft.incident = incident
        telling = Telling(incident, draft.before, self._moment)
        if incident.is_open:
            self._tell_of_changes(draft, telling)
        else:
            self._tell_of_end(draft, telling)
        effects = telling.finish()
        (effects.opened if draft.is_new else effects.changed).append(incident)
        effects.history.extend(timeline(draft.steps, before, incident, self._now))
        return effects

    def _with_status(self, draft: _Draft) -> Incident:
        """The incident with the status its alerts and the person who took it give it."""
        before, incident = draft.before.incident, draft.counted()
        if incident.firing_count == 0:
            if not any(fired(step.before) or fired(step.after) for _, step in draft.steps):
                return incident
            if before is not None and not before.is_open:  # it opened and ended within the batch
                return incident
            by = ending(draft.steps).by
            return replace(incident, status=IncidentStatus.RESOLVED, resolved_at=self._now, resolved_by=by)
        opened_again = before is not None and not before.is_open
        if not opened_again and not _outgrew_its_acknowledgement(before, incident):
            return incident
        return replace(
            incident,
            status=IncidentStatus.FIRING,
            resolved_at=None,
            resolved_by=None,
            acknowledged_at=None,
            acknowledged_by=None,
        )

    def _tell_of_changes(self, draft: _Draft, telling: Telling) -> None:
        news = self._net(draft)
        worse = self._who_hears_of_worse(news)
        before = draft.before.incident
        if before is not None and _outgrew_its_acknowledgement(before, draft.incident):
            told = frozenset(name for name, hearing in worse.items() if hearing.free)
            telling.is_unacknowledged(outgrown(before), told_anyway=told)
        for hearing in worse.values():
            if hearing.free is not None:
                telling.fires(hearing.destination, *hearing.free, hearing.alertname, flaps=hearing.flaps)
            if hearing.muted is not None:
                telling.is_muted(hearing.destination, *hearing.muted, tuple(hearing.mutes.values()))
        for name, destination in self._who_hears_of_better(news).items():
            if name not in worse:
                telling.eases(destination)

    def _who_hears_of_worse(self, news: Sequence[_News]) -> dict[str, _Hearing]:
        """By destination: what it is to hear of what fires, and what of that is muted."""
        found: dict[str, _Hearing] = {}
        for each in news:
            labels = event_labels(each.event)
            for destination, route in subscribers(self._rules, labels) if each.fires_now else ():
                hearing = found.setdefault(destination.id, _Hearing(destination))
                hearing.add(route, each, self._mutes.on(labels, route))
        return found

    def _who_hears_of_better(self, news: Sequence[_News]) -> dict[str, Destination]:
        """By destination: who was to hear of what fires no more, unless it is muted even now."""
        found: dict[str, Destination] = {}
        for each in news:
            labels = event_labels(each.event)
            for destination, route in subscribers(self._rules, labels) if not each.fires_now else ():
                if route.deliver[each.severity] is not Deliver.NONE and not self._mutes.on(labels, route):
                    found[destination.id] = destination
        return found

    def _tell_of_end(self, draft: _Draft, telling: Telling) -> None:
        if draft.before.incident is None:
            self._tell_of_changes(draft, telling)
        telling.ends(ending(draft.steps).why)

    def _net(self, draft: _Draft) -> list[_News]:
        """What the batch comes to for each alert that people want to hear of."""
        last: dict[str, tuple[Event, Step]] = {}
        matters: dict[str, bool] = {}
        for event, step in draft.steps:
            last[event.fingerprint] = (event, step)
            if _is_news(step):
                matters[event.fingerprint] = matters.get(event.fingerprint, False) or step.flaps
        passed_unseen = draft.is_new and not draft.incident.is_open  # opened and ended within the batch
        listed: list[_News] = []
        for name, flaps in matters.items():
            event, step = last[name]
            severity = step.after.severity  # that of an end may be anything
            fires_now = fired(step.after) or passed_unseen
            if fires_now or fired(self._before.get(name)):
                judged = event if event.severity is severity else replace(event, severity=severity)
                listed.append(_News(judged, severity, fires_now, flaps))
        return listed


def _is_nearer(incident: Incident, other: Incident) -> bool:
    """Whether an alert goes into `incident` rather than into `other` of the same key: the open one, else the latest."""
    if incident.is_open or other.is_open:
        return incident.is_open
    return (incident.resolved_at or incident.opened_at) > (other.resolved_at or other.opened_at)


def _outgrew_its_acknowledgement(before: Incident | None, after: Incident) -> bool:
    """Whether somebody took what was less: the acknowledgement does not cover what it is now."""
    return before is not None and before.status is IncidentStatus.ACKNOWLEDGED and after.severity > before.severity


def _is_news(step: Step) -> bool:
    """Whether people want to hear of it: it began, ended, flaps or does no longer, or is worse than it was."""
    if step.flaps or step.change in OPENING or step.change in {Change.ENDED, Change.SETTLED, Change.FELL_SILENT}:
        return True
    return step.before is not None and fired(step.after) and step.after.severity > step.before.severity


def _urgency(route: Route, severity: Severity) -> tuple[int, Severity]:
    """What decides when one destination hears of several alerts, or of one by several routes: the most urgent."""
    return (route.deliver[severity].urgency, severity)
