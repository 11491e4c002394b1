"""What a card shows of an incident: a single alert is the incident itself, several are listed."""

from alertsvc.channels.message import AlertLine, IncidentMessage
from alertsvc.channels.view import buttons
from alertsvc.core.model import IncidentStatus, Labels, Link


def listed_alerts(message: IncidentMessage) -> tuple[AlertLine, ...]:
    """The alerts to list. None when there is only one: then all that is said is said of it."""
    return () if _is_single(message) else message.alerts


def hidden_alert_count(message: IncidentMessage) -> int:
    """How many alerts there are beyond those that are listed."""
    return 0 if _is_single(message) else max(0, _total(message) - len(message.alerts))


def shown_labels(message: IncidentMessage) -> Labels:
    """The labels that all alerts share, which for a single alert are all of its own."""
    if not _is_single(message) or not message.alerts:
        return message.labels
    return dict(sorted({**message.labels, **message.alerts[0].labels}.items()))


def all_links(message: IncidentMessage) -> tuple[Link, ...]:
    """Where to go from here, most useful first, each address once."""
    own = message.alerts[0].links if _is_single(message) and message.alerts else ()
    found: dict[str, Link] = {}
    for link in (*buttons(message), *message.links, *own):
        found.setdefault(link.url, link)
    return tuple(found.values())


def background(message: IncidentMessage) -> str:
    """What the source says at length, while it is true and more than the summary."""
    over = message.status is IncidentStatus.RESOLVED
    return "" if over or message.description == message.summary else message.description


def _is_single(message: IncidentMessage) -> bool:
    return max(_total(message), len(message.alerts)) <= 1


def _total(message: IncidentMessage) -> int:
    return message.firing_count + message.ended_count
