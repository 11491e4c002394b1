"""What a message says, in the order people need it: the same facts for every layout."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertsvc.channels.clean import cut
from alertsvc.channels.message import AlertLine, DigestItem, DigestMessage, IncidentMessage, Storm
from alertsvc.channels.wording import counted, duration, moment, number
from alertsvc.core.alerts import EXPIRED
from alertsvc.core.consequence import phrases
from alertsvc.core.model import AlertState, IncidentStatus, Link, Reason, Severity
from alertsvc.core.numbers import apart
from alertsvc.core.thresholds.adapting import BASELINE, BY_SERIES, IN_NUMBERS
from alertsvc.core.thresholds.words import BECAUSE, RULE

MAX_TITLE_CHARS = 120
MAX_PHRASE_CHARS = 60
"""What is wrong with a model is several phrases."""
_SAID_BY_NAME = frozenset({"alertname", "feature", "kind", "metric", "condition"})
_DECIDERS = {
    "request.breached": "the verdict that its sender gave",
    "request.threshold": "the limit that its sender gave",
    "request.status": "its sender",
}
WORTH_SAYING = timedelta(minutes=1)
"""A shorter span, or a shorter delay, is not a fact for people."""
STORM_NOTE = "Further alerts of known kinds wait for the next summary; a new kind is told at once, up to a limit."


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a message: a name and a value, both for people."""

    name: str
    value: str


def status_word(status: IncidentStatus) -> str:
    """The status as a badge says it: `Firing`, `Acknowledged`, `Resolved`."""
    return status.value.capitalize()


def severity_word(severity: Severity) -> str:
    """The severity as a badge says it: `Critical`."""
    return severity.word.capitalize()


def headline(message: IncidentMessage) -> str:
    """What happened, in a few words and without the title: `Raised from warning to critical`."""
    match message.reason:
        case Reason.ACKNOWLEDGED:
            said = f"Acknowledged{_by(message.acknowledged_by)}"
        case Reason.UNACKNOWLEDGED:
            said = "No longer acknowledged, it needs somebody again"
        case Reason.RESOLVED:
            said = f"Resolved after {duration(_ended(message) - message.opened_at)}{_resolver(message)}"
        case Reason.TEST:
            said = "Test message, nothing is wrong"
        case _:
            said = _that_it_fires(message)
    return said


def _that_it_fires(message: IncidentMessage) -> str:
    span = duration(message.happened_at - message.opened_at)
    match message.reason:
        case Reason.UPDATED:
            said = f"Changed: {counted(message.firing_count, 'alert')} firing"
        case Reason.RAISED:
            before = message.previous_severity
            said = f"Raised{'' if before is None else f' from {before.word}'} to {message.severity.word}"
        case Reason.REPEATED:
            said = f"Still {'firing' if message.status is IncidentStatus.FIRING else 'open'} after {span}"
        case Reason.UNMUTED:
            said = f"No longer muted and still firing, after {span}"
        case Reason.FLAPPING:
            said = "Flapping: it begins and ends again and again; you will hear when it is stable"
        case _:
            said = f"New {message.severity.word} incident"
    return said


def reading(alert: AlertLine) -> str:
    """The measured value beside its threshold: `0.41 (threshold 0.25)`. Empty when nothing was measured."""
    if alert.value is None:
        return ""
    if alert.threshold is None:
        return number(alert.value)
    value, threshold = apart(alert.value, alert.threshold)
    return f"{value} (threshold {threshold})"


def breach(message: IncidentMessage) -> str:
    """The value that crossed its threshold, for a title: `0.41 (> 0.25)`. Empty unless one alert alone is firing."""
    firing = [alert for alert in message.alerts if alert.state is AlertState.FIRING]
    if message.firing_count != 1 or message.ended_count or len(firing) != 1 or firing[0].value is None:
        return ""
    return crossing(firing[0])


def crossing(alert: AlertLine) -> str:
    """The measured value and how it stands to its limit: `0.41 (> 0.25)`. Empty when nothing was measured.

    A limit that follows the series is one to an average, which the value need not be beyond: there stands what is
    usual.
    """
    usual = alert.annotations.get(BASELINE, "").partition(" in ")[0]
    if alert.value is not None and alert.decided_by == BY_SERIES and usual:
        return f"{number(alert.value)} (usually {usual})"
    if alert.value is None or alert.threshold is None:
        return number(alert.value)
    value, threshold = apart(alert.value, alert.threshold)
    if value == threshold:
        return f"{value} (at its limit)"
    return f"{value} ({'>' if alert.value > alert.threshold else '<'} {threshold})"


def title(message: IncidentMessage) -> str:
    """What it is about and what is wrong now, the gravest consequence first.

    `churn-xgb production: accuracy 0.78 (< 0.8), prediction drift, drift of 12 features`; for what is not about a model
    its fixed title, with the value that crossed its threshold.
    """
    said = phrases(message.groups)
    if not said or not message.subject:
        return " ".join(part for part in (cut(message.title, MAX_TITLE_CHARS), breach(message)) if part)
    said = [cut(phrase, MAX_PHRASE_CHARS) for phrase in said]
    first = message.alerts[0] if message.alerts else None
    if first is not None and first.state is AlertState.FIRING and message.groups[0].alert_count == 1:
        said[0] = f"{said[0]} {crossing(first)}".strip()
    return f"{cut(message.subject, MAX_PHRASE_CHARS)}: {', '.join(said)}"


def named(alert: AlertLine) -> str:
    """What an alert is called in a list: `psi of age`, else its name."""
    return alert.called or alert.name


def own_labels(alert: AlertLine) -> Mapping[str, str]:
    """Its labels without those that its name in a list says."""
    if not alert.called:
        return alert.labels
    return {name: value for name, value in alert.labels.items() if name not in _SAID_BY_NAME}


def remark(alert: AlertLine) -> str:
    """What is said of an alert beyond its name and its numbers."""
    said = alert.annotations.get("summary", "")
    return "" if _is_in_numbers(alert, said) else said


def detail(alert: AlertLine, message: IncidentMessage) -> str:
    """What is to be said beside an alert that is measured: which checks failed. Not what the summary says already."""
    said = remark(alert) if alert.is_observed and alert.state is AlertState.FIRING else ""
    return "" if said in message.summary else said


def _is_in_numbers(alert: AlertLine, said: str) -> bool:
    metric = alert.called.rpartition(", ")[2]  # what comes before is the kind of drift
    return alert.is_observed and IN_NUMBERS.fullmatch(said.removeprefix(metric)) is not None


def decision(alert: AlertLine) -> str:
    """What found it bad, and why: `metrics.psi.critical in thresholds.yaml`. Empty where its source alone knows."""
    rule, why = alert.annotations.get(RULE, ""), alert.annotations.get(BECAUSE, "")
    place = f"{rule} in thresholds.yaml" if rule else ""
    by = _DECIDERS.get(alert.decided_by, "")
    if alert.decided_by == BY_SERIES:
        return f"the limit that follows its own values{f' ({place})' if place else ''}"
    if by and place:
        by = f"{by}; graded by {place}"
    return ": ".join(part for part in (by or place, why) if part)


def facts(message: IncidentMessage) -> tuple[Fact, ...]:
    """The facts of an incident in the order to show them. Nothing empty, nothing that only repeats the title."""
    return tuple(Fact(name, value) for name, value in _facts(message) if value)


def _facts(message: IncidentMessage) -> Iterator[tuple[str, str]]:
    yield "Status", _status(message)
    yield "Severity", _severity(message)
    yield "What it was", message.summary if message.status is IncidentStatus.RESOLVED else ""
    yield from _measured(message)
    yield "Started", moment(message.opened_at)
    yield "Lasted" if message.status is IncidentStatus.RESOLVED else "Open for", _span(message)
    if message.acknowledged_at is not None:
        yield "Acknowledged", moment(message.acknowledged_at) + _by(message.acknowledged_by)
    if message.resolved_at is not None:
        yield "Resolved", moment(message.resolved_at) + (_resolver(message) or ", at its source")
    yield "Deployment", message.deployment
    yield "Owner", message.owner or ""
    yield "Delayed", _delay(message)


def _measured(message: IncidentMessage) -> Iterator[tuple[str, str]]:
    """The numbers of the only alert, and what decided on the first of several."""
    first = message.alerts[0] if message.alerts else None
    if first is None:
        return
    over = message.status is IncidentStatus.RESOLVED
    is_alone = len(message.alerts) == 1
    now = first.annotations.get("summary", "") if over and is_alone and first.is_observed else ""
    if now and now != message.summary and not _is_in_numbers(first, now):
        yield "Now", now
    else:
        yield "Measured last" if over else "Measured", reading(first) if is_alone else ""
    if not over and first.state is AlertState.FIRING:
        usual = first.annotations.get(BASELINE, "")
        yield "Usual", "" if usual in message.summary else usual
        yield "Decided by", decision(first)


def _status(message: IncidentMessage) -> str:
    total = message.firing_count + message.ended_count
    all_alike = 0 in {message.firing_count, message.ended_count}
    count = counted(total, "alert") if all_alike else f"{message.firing_count:,} of {counted(total, 'alert')}"
    counts = f", {count}" if total > 1 else ""
    return status_word(message.status) + counts


def _severity(message: IncidentMessage) -> str:
    before = message.previous_severity
    was = f", was {before.word}" if before is not None and before is not message.severity else ""
    return severity_word(message.severity) + was


def _span(message: IncidentMessage) -> str:
    span = _ended(message) - message.opened_at
    return duration(span) if span >= WORTH_SAYING else ""


def _delay(message: IncidentMessage) -> str:
    return "" if message.delayed_since is None else f"this should have left at {moment(message.delayed_since)}"


def _ended(message: IncidentMessage) -> datetime:
    return message.resolved_at or message.happened_at


def _resolver(message: IncidentMessage) -> str:
    """Who or what resolved it; empty where it ended at its source, as most do."""
    return ", its source fell silent" if message.resolved_how == EXPIRED else _by(message.resolved_by)


def _by(person: str | None) -> str:
    return f" by {person}" if person else ""


def what_is_wrong(message: IncidentMessage) -> str:
    """What the source says about it, while it is true and more than the title. Empty once it is over."""
    if message.status is IncidentStatus.RESOLVED or message.summary == message.title:
        return ""
    leads = message.groups[0] if message.groups else None
    is_worst = leads is not None and leads.is_known and leads.alert_count > 1 and bool(message.summary)
    return f"The worst: {message.summary}" if is_worst else message.summary


def digest_title(message: DigestMessage) -> str:
    """A digest's name and what is in it: `Hourly digest: 3 incidents open, 1 resolved`."""
    storm = message.storm
    if storm is None:
        return f"{message.name[:1].upper()}{message.name[1:60]} digest: {verdict(message)}"
    if storm.is_over:
        counts = f"{counted(storm.incident_count, 'incident')} since {_hour(storm.since, message)}"
        return f"The storm is over: {counts}, {_still_open(storm)}"
    counts = f"{counted(message.incident_count, 'incident')} since {_hour(message.window_start, message)}"
    return f"Storm: {counts}, worst {storm.worst.word}"


def verdict(message: DigestMessage) -> str:
    """A digest in one line: `3 incidents open, 1 resolved`."""
    if message.storm is not None and message.storm.is_over:
        return f"{_still_open(message.storm).capitalize()}, and what comes now is told one by one again"
    ended = message.ended_count
    still = message.incident_count - ended
    if not still:
        return f"{counted(ended, 'incident')} came and went, nothing is open"
    return f"{counted(still, 'incident')} open" + (f", {ended:,} resolved" if ended else "")


def storm_lines(message: DigestMessage) -> tuple[str, ...]:
    """What is to be said of the storm that goes on: its kinds of alerts, the most frequent first, and what follows."""
    storm = message.storm
    if storm is None or storm.is_over:
        return ()
    kinds = (
        f"{kind.alertname} ({kind.severity.word}): {counted(kind.incident_count, 'incident')}" for kind in storm.classes
    )
    return (*kinds, f"The storm began at {_hour(storm.since, message)}. {STORM_NOTE}")


def digest_door(message: DigestMessage) -> str:
    """What the link of a digest is called."""
    return "Open digest" if message.storm is None else "Open incidents"


def _still_open(storm: Storm) -> str:
    return f"{storm.open_count:,} still open" if storm.open_count else "nothing is open"


def _hour(instant: datetime, message: DigestMessage) -> str:
    """`12:00 UTC`: a storm is a matter of hours."""
    return moment(instant, message.timezone)[11:]


def window(message: DigestMessage) -> str:
    """The stretch a digest covers, in its own time zone: `2026-11-24 13:00 to 14:00 UTC`."""
    start, end = moment(message.window_start, message.timezone), moment(message.window_end, message.timezone)
    return f"{start.rsplit(' ', 1)[0]} to {end[11:] if start[:10] == end[:10] else end}"


def item_status(item: DigestItem) -> str:
    """What became of an incident of a digest: `Acknowledged by ana`, `Resolved after 12 m`, `Firing, 3 alerts`."""
    if item.status is IncidentStatus.RESOLVED and item.resolved_at is not None:
        return f"Resolved after {duration(item.resolved_at - item.opened_at)}"
    if item.status is IncidentStatus.ACKNOWLEDGED:
        return f"Acknowledged{_by(item.acknowledged_by)}"
    more = f", {counted(item.firing_count, 'alert')}" if item.firing_count > 1 else ""
    return status_word(item.status) + more


def buttons(message: IncidentMessage) -> tuple[Link, ...]:
    """Where to act, most useful first. Nothing is left to acknowledge once somebody did, or once it is over."""
    found: list[tuple[str, str | None]] = [("Open incident", message.incident_url)]
    if message.status is IncidentStatus.FIRING:
        found.append(("Acknowledge", message.acknowledge_url))
    if message.status is not IncidentStatus.RESOLVED:
        found.append(("Runbook", message.runbook_url))
    return tuple(Link(title, url) for title, url in found if url)
