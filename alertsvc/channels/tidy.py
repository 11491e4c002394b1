"""Cleans every untrusted text of a message and cuts it to the room a page has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import overload

from alertsvc.channels.clean import clean_line, clean_text, web_link
from alertsvc.channels.message import AlertLine, DigestItem, DigestMessage, IncidentMessage, Message, Storm
from alertsvc.core.model import Link

MAX_LINKS = 8
INTERNAL = "__"
"""Labels that begin so belong to machines and are not shown."""
UNTITLED = "Untitled incident"
UNNAMED = "Unnamed alert"


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a message is shown: counts of rows, and characters of one long text and of one short one."""

    alerts: int
    labels: int
    items: int
    text: int
    line: int


ROOMS = (
    Room(alerts=10, labels=20, items=200, text=2000, line=200),
    Room(alerts=10, labels=12, items=80, text=800, line=120),
    Room(alerts=6, labels=8, items=30, text=300, line=80),
    Room(alerts=2, labels=4, items=10, text=120, line=40),
)
"""From generous to tight. A page that came out too large is laid out again in the next one."""


@overload
def tidy(message: IncidentMessage, room: Room) -> IncidentMessage: ...
@overload
def tidy(message: DigestMessage, room: Room) -> DigestMessage: ...
def tidy(message: Message, room: Room) -> Message:
    """`message` with printable text only, plain web links only, and no more of each than `room` has."""
    return _digest(message, room) if isinstance(message, DigestMessage) else _incident(message, room)


def _incident(message: IncidentMessage, room: Room) -> IncidentMessage:
    return replace(
        message,
        title=clean_line(message.title, room.line) or UNTITLED,
        summary=clean_text(message.summary, room.text),
        description=clean_text(message.description, room.text),
        resolved_by=_line_or_none(message.resolved_by, room),
        acknowledged_by=_line_or_none(message.acknowledged_by, room),
        comment=None if message.comment is None else clean_text(message.comment, room.text) or None,
        receiver=clean_line(message.receiver, room.line),
        route=clean_line(message.route, room.line),
        owner=_line_or_none(message.owner, room),
        labels=_pairs(message.labels, room.labels, room.line),
        alerts=tuple(_alert(alert, message.labels, room) for alert in message.alerts[: room.alerts]),
        links=_links(message.links, room),
        runbook_url=web_link(message.runbook_url),
        incident_url=web_link(message.incident_url),
        acknowledge_url=web_link(message.acknowledge_url),
        subject=clean_line(message.subject, room.line),
        groups=tuple(replace(group, called=clean_line(group.called, room.line)) for group in message.groups),
        deployment=clean_line(message.deployment, room.line),
    )


def _alert(alert: AlertLine, shared: Mapping[str, str], room: Room) -> AlertLine:
    """`alert` with the labels that tell it from its neighbours: what all of them share is said once, elsewhere."""
    own = {name: value for name, value in alert.labels.items() if shared.get(name) != value}
    return replace(
        alert,
        name=clean_line(alert.name, room.line) or UNNAMED,
        labels=_pairs(own, room.labels, room.line),
        called=clean_line(alert.called, room.line),
        decided_by=clean_line(alert.decided_by, room.line),
        annotations=_pairs(alert.annotations, room.labels, room.text),
        links=_links(alert.links, room),
    )


def _digest(message: DigestMessage, room: Room) -> DigestMessage:
    return replace(
        message,
        name=clean_line(message.name, room.line),
        receiver=clean_line(message.receiver, room.line),
        items=tuple(_item(item, room) for item in message.items),
        digest_url=web_link(message.digest_url),
        storm=None if message.storm is None else _storm(message.storm, room),
    )


def _storm(storm: Storm, room: Room) -> Storm:
    classes = (replace(each, alertname=clean_line(each.alertname, room.line) or UNNAMED) for each in storm.classes)
    return replace(storm, classes=tuple(classes)[: room.items])


def _item(item: DigestItem, room: Room) -> DigestItem:
    return replace(
        item,
        title=clean_line(item.title, room.line) or UNTITLED,
        summary=clean_line(item.summary, room.line),
        acknowledged_by=_line_or_none(item.acknowledged_by, room),
        labels=_pairs(item.labels, room.labels, room.line),
        incident_url=web_link(item.incident_url),
    )


def _pairs(pairs: Mapping[str, str], count: int, limit: int) -> dict[str, str]:
    """The first `count` pairs by name. A name cleaned into another's place keeps the first."""
    shown: dict[str, str] = {}
    for name in sorted(pairs):
        if len(shown) == count:
            break
        if pairs[name] and not name.startswith(INTERNAL):
            shown.setdefault(clean_line(name, limit), clean_text(pairs[name], limit))
    return shown


def _links(links: Iterable[Link], room: Room) -> tuple[Link, ...]:
    usable = [(clean_line(link.title, room.line), web_link(link.url)) for link in links]
    return tuple(Link(title or "Link", url) for title, url in usable if url)[:MAX_LINKS]


def _line_or_none(text: str | None, room: Room) -> str | None:
    return None if text is None else clean_line(text, room.line) or None
