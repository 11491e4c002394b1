"""The facts beside an event: flat, because PagerDuty shows them as a table of names and texts."""

from collections.abc import Iterable, Iterator, Mapping

from alertsvc.channels.badge import badge
from alertsvc.channels.clean import clean_line, clean_text
from alertsvc.channels.heading import Heading
from alertsvc.channels.message import AlertLine, DigestMessage, IncidentMessage
from alertsvc.channels.selection import hidden_alert_count, listed_alerts, shown_labels
from alertsvc.channels.view import detail, facts, item_status, named, own_labels, reading, storm_lines, window
from alertsvc.channels.wording import counted

MAX_KEYS = 30
MAX_NAME_CHARS = 200
MAX_TEXT_CHARS = 2000


def incident_details(message: IncidentMessage, heading: Heading, given: Mapping[str, str]) -> dict[str, str]:
    """The details of an incident: what the configuration gives first, then the facts, labels and alerts."""
    return _flat([*given.items(), *_of_incident(message, heading), *shown_labels(message).items()])


def digest_details(message: DigestMessage, given: Mapping[str, str]) -> dict[str, str]:
    """The details of a digest: an incident in each, the gravest first."""
    return _flat([*given.items(), *_of_digest(message)])


def _of_incident(message: IncidentMessage, heading: Heading) -> Iterator[tuple[str, str]]:
    yield "incident", f"INC-{message.number}"
    yield "what happened", heading.summary
    yield "description", message.description
    for fact in facts(message):
        yield fact.name.lower(), fact.value
    yield "comment", message.comment or ""
    yield "alerts", "\n".join(_alerts(message))
    yield "runbook", message.runbook_url or ""
    yield "why you get this", f"receiver {message.receiver}, route {message.route}"


def _alerts(message: IncidentMessage) -> Iterator[str]:
    yield from (_alert(alert, detail(alert, message)) for alert in listed_alerts(message))
    if hidden := hidden_alert_count(message):
        yield f"and {counted(hidden, 'more alert')}"


def _alert(alert: AlertLine, said: str) -> str:
    own = " ".join(f"{name}={value}" for name, value in own_labels(alert).items())
    return " ".join(filter(None, [named(alert), f"[{alert.state.value}]", reading(alert), own, said]))


def _of_digest(message: DigestMessage) -> Iterator[tuple[str, str]]:
    yield "window", window(message)
    yield "why you get this", f"receiver {message.receiver}"
    yield "storm", "\n".join(storm_lines(message))
    for item in message.items[: MAX_KEYS - 4]:
        yield f"INC-{item.number}", f"{badge(item)}: {item.title}. {item_status(item)}. {item.summary}".strip()
    hidden = message.incident_count - len(message.items[: MAX_KEYS - 4])
    if hidden > 0:
        yield "and", counted(hidden, "more incident")


def _flat(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The first thirty pairs that say something; a name that comes again keeps its first text."""
    found: dict[str, str] = {}
    for name, text in pairs:
        shown = clean_text(text, MAX_TEXT_CHARS)
        if shown and len(found) < MAX_KEYS:
            found.setdefault(clean_line(name, MAX_NAME_CHARS) or "-", shown)
    return found
