"""The reasoning about an alert for machines: the same for the API and the command line."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Field, SQLModel

from alertsvc.core.explain import Explanation, Taking
from alertsvc.core.findings import Finding, Misfit
from alertsvc.core.foresee import Foreseen
from alertsvc.core.model import Reason
from alertsvc.core.route import Destination
from alertsvc.core.rules import Rules
from alertsvc.engine.expectation import Expectation
from alertsvc.engine.mute_origins import Origins
from alertsvc.web.explanation_requests import ExplainRequest
from alertsvc.web.mute_views import MuteView
from alertsvc.web.silence_views import IncidentNote

NEWS = frozenset(Reason) - {Reason.TEST}


class MisfitView(SQLModel):
    """The first matcher of a route that does not fit, and what the label is; null when there is no such label."""

    matcher: str
    label: str
    found: str | None

    @classmethod
    def of(cls, misfit: Misfit) -> "MisfitView":
        """The view of a misfit."""
        return cls(matcher=str(misfit.matcher), label=misfit.matcher.name, found=misfit.found)


class FindingView(SQLModel):
    """What became of a route: it `takes` the alert, `leads` to children that do, `fails`, or is `not reached`.

    `stopped_by` is the sibling before it that took the alert and does not continue; `stops` says that this one is such.
    """

    route: str
    receiver: str
    matchers: list[str]
    continues: bool
    standing: str
    misfit: MisfitView | None
    stopped_by: str | None
    stops: bool
    routes: list["FindingView"]

    @classmethod
    def of(cls, finding: Finding) -> "FindingView":
        """The view of a finding and of those below it."""
        route = finding.route
        return cls(
            route=route.path,
            receiver=route.receiver,
            matchers=[str(matcher) for matcher in route.matchers],
            continues=route.goes_on,
            standing=finding.standing,
            misfit=MisfitView.of(finding.misfit) if finding.misfit else None,
            stopped_by=finding.stopped_by,
            stops=finding.stops,
            routes=[cls.of(each) for each in finding.below],
        )


class TakingView(SQLModel):
    """What a route that takes the alert does with it. `does_not_hear`: what channels are configured not to be told."""

    route: str
    receiver: str
    destinations: list[str]
    does_not_hear: dict[str, list[str]]
    deliver: str
    digest: str | None
    deliver_by_severity: dict[str, str]
    group_wait_seconds: float
    group_interval_seconds: float
    repeat_interval_seconds: float
    mute_time_intervals: list[str]
    active_time_intervals: list[str]
    mutes: list[MuteView]

    @classmethod
    def of(cls, taking: Taking, origins: Origins) -> "TakingView":
        """The view of a route that takes the alert."""
        route, timing = taking.route, taking.route.timing
        return cls(
            route=route.path,
            receiver=route.receiver,
            destinations=[each.id for each in taking.destinations],
            does_not_hear={each.id: unheard for each in taking.destinations if (unheard := _unheard(each))},
            deliver=taking.deliver,
            digest=taking.digest,
            deliver_by_severity={severity.word: str(deliver) for severity, deliver in route.deliver.items()},
            group_wait_seconds=timing.group_wait.total_seconds(),
            group_interval_seconds=timing.group_interval.total_seconds(),
            repeat_interval_seconds=timing.repeat_interval.total_seconds(),
            mute_time_intervals=list(route.mute_intervals),
            active_time_intervals=list(route.active_intervals),
            mutes=[MuteView.of(mute, origins.get(mute.ref)) for mute in taking.mutes],
        )


def _unheard(destination: Destination) -> list[str]:
    return sorted(str(reason) for reason in NEWS - destination.hears)


class OutcomeView(SQLModel):
    """What one destination would be told.

    `way`: `now`, `later` (when group_wait or group_interval has passed), `digest`, `along` (a message or a digest that
    has not left says it too), `muted`, `not told`. `hears`: whether its channel carries such news; null when it is
    told nothing, or is not configured any more.
    """

    destination: str
    receiver: str
    route: str
    way: str
    reason: str | None
    why: str
    due_at: datetime | None
    digest: str | None
    hears: bool | None

    @classmethod
    def of(cls, each: Foreseen, rules: Rules) -> "OutcomeView":
        """The view of what was foreseen."""
        known = {found.id: found for listed in rules.receivers.values() for found in listed}.get(each.destination)
        return cls(
            destination=each.destination,
            receiver=each.receiver,
            route=each.route,
            way=each.way,
            reason=each.reason,
            why=each.why,
            due_at=each.due_at,
            digest=each.digest,
            hears=None if known is None or each.reason is None else each.reason in known.hears,
        )


class CorrelationView(SQLModel):
    """What makes the incident: the rule, the labels that it looks at with their values, and their key.

    `open` is the incident with this key that is open now.
    """

    rule: str
    by: list[str]
    labels: dict[str, str]
    correlation_key: str
    open: IncidentNote | None = None


class KnownAlert(SQLModel):
    """The alert with exactly these labels, as it is now. While it flaps its end is held back until `flapping_until`."""

    fingerprint: str
    state: str
    severity: str
    starts_at: datetime
    last_seen_at: datetime
    flapping_until: datetime | None
    incident: IncidentNote | None


class ExplanationView(SQLModel):
    """Where an alert with these labels goes, and why.

    `at` is the instant that `outcomes` and mutes are about; null when none was named, and then there are none.
    `notes` say what was not judged at that instant.
    """

    receivers: list[str]
    labels: dict[str, str]
    severity: str
    status: str = "firing"
    at: datetime | None
    incident: CorrelationView
    alert: KnownAlert | None = None
    outcomes: list[OutcomeView]
    taken: list[TakingView]
    tree: FindingView
    mutes: list[MuteView]
    notes: list[str] = Field(default_factory=list)

    @classmethod
    def of(
        cls, known: Explanation, foreseen: Sequence[Foreseen], rules: Rules, origins: Origins | None = None
    ) -> "ExplanationView":
        """The view of what is known without a database."""
        origins = origins or {}
        return cls(
            receivers=list(known.receivers),
            labels=dict(known.labels),
            severity=known.severity.word,
            at=known.at,
            incident=CorrelationView(
                rule=known.rule.name,
                by=list(known.rule.by),
                labels=dict(known.correlation.labels),
                correlation_key=known.correlation.key,
            ),
            outcomes=[OutcomeView.of(each, rules) for each in foreseen],
            taken=[TakingView.of(taking, origins) for taking in known.taken],
            tree=FindingView.of(known.tree),
            mutes=[MuteView.of(mute, origins.get(mute.ref)) for mute in known.mutes],
        )

    @classmethod
    def about(cls, found: Expectation, rules: Rules, asked: ExplainRequest, now: datetime) -> "ExplanationView":
        """The view of what the database adds: the open incident, the alert, who is behind a mute."""
        view = cls.of(found.explanation, found.foreseen, rules, found.origins)
        view.status = asked.status
        if found.open_incident is not None:
            view.incident.open = IncidentNote.of(found.open_incident)
        view.alert = _known(found)
        view.notes = list(_notes(found, asked, now))
        return view


def _known(found: Expectation) -> KnownAlert | None:
    alert = found.alert
    if alert is None:
        return None
    return KnownAlert(
        fingerprint=alert.fingerprint,
        state=alert.state,
        severity=alert.severity.word,
        starts_at=alert.starts_at,
        last_seen_at=alert.last_seen_at,
        flapping_until=alert.stable_at,
        incident=IncidentNote.of(found.stands_in) if found.stands_in else None,
    )


def _notes(found: Expectation, asked: ExplainRequest, now: datetime) -> list[str]:
    said: list[str] = []
    if asked.at is not None:
        said.append(
            "silences and time intervals are those at the instant asked about; what inhibits, the open incident and"
            f" who was told of it are as of now, {now.isoformat(timespec='seconds')}"
        )
    if asked.status == "firing" and found.alert is not None and found.alert.state == "firing":
        said.append(
            "an alert with these labels fires already: a repetition of it is told to nobody;"
            " the outcomes are those of one that begins to fire"
        )
    if asked.status == "resolved" and (found.alert is None or found.alert.state != "firing"):
        said.append("no alert with these labels fires: that it ended is told to nobody")
    return said
