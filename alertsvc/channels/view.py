"""What a message says, in the order people need it: the same facts for every layout."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertsvc.channels.message import AlertLine, DigestItem, DigestMessage, IncidentMessage, Storm
from alertsvc.channels.wording import counted, duration, moment, number
from alertsvc.core.alerts import EXPIRED
from alertsvc.core.model import AlertState, IncidentStatus, Link, Reason, Severity

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
    threshold = "" if alert.threshold is None else f" (threshold {number(alert.threshold)})"
    return number(alert.value) + threshold


def breach(message: IncidentMessage) -> str:
    """The value that crossed its threshold, for a title: `0.41 (> 0.25)`. Empty unless one alert alone is firing."""
    firing = [alert for alert in message.alerts if alert.state is AlertState.FIRING]
    if message.firing_count != 1 or message.ended_count or len(firing) != 1 or firing[0].value is None:
        return ""
    value, threshold = firing[0].value, firing[0].threshold
    if threshold is None:
        return number(value)
    sign = ">" if value > threshold else "<" if value < threshold else "="
    return f"{number(value)} ({sign} {number(threshold)})"


def facts(message: IncidentMessage) -> tuple[Fact, ...]:
    """The facts of an incident in the order to show them. Nothing empty, nothing that only repeats the title."""
    return tuple(Fact(name, value) for name, value in _facts(message) if value)


def _facts(message: IncidentMessage) -> Iterator[tuple[str, str]]:
    yield "Status", _status(message)
    yield "Severity", _severity(message)
    yield "What it was", message.summary if message.status is IncidentStatus.RESOLVED else ""
    yield "Measured", reading(message.alerts[0]) if len(message.alerts) == 1 else ""
    yield "Started", moment(message.opened_at)
    yield "Lasted" if message.status is IncidentStatus.RESOLVED else "Open for", _span(message)
    if message.acknowledged_at is not None:
        yield "Acknowledged", moment(message.acknowledged_at) + _by(message.acknowledged_by)
    if message.resolved_at is not None:
        yield "Resolved", moment(message.resolved_at) + (_resolver(message) or ", at its source")
    yield "Owner", message.owner or ""
    yield "Delayed", _delay(message)


def _status(message: IncidentMessage) -> str:
    total = message.firing_count + message.ended_count
    counts = f", {message.firing_count} of {counted(total, 'alert')}" if total > 1 else ""
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
    over = message.status is IncidentStatus.RESOLVED
    return "" if over or message.summary == message.title else message.summary


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
