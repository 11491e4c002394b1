"""Lays a digest out as a card: what is open first."""

from collections.abc import Iterator

from alertsvc.channels.badge import badge, digest_badge
from alertsvc.channels.clean import clean_line
from alertsvc.channels.heading import Heading
from alertsvc.channels.json_body import JsonObject
from alertsvc.channels.message import DigestItem, DigestMessage
from alertsvc.channels.msteams.elements import box, line, link_run, run
from alertsvc.channels.tidy import Room
from alertsvc.channels.view import item_status, severity_word, storm_lines, window
from alertsvc.channels.wording import counted, moment
from alertsvc.core.model import IncidentStatus


def digest_body(message: DigestMessage, heading: Heading, room: Room) -> list[JsonObject]:
    """The elements of the card for `message`, which is tidy for `room`."""
    return list(_body(message, heading, room))


def _body(message: DigestMessage, heading: Heading, room: Room) -> Iterator[JsonObject]:
    title = clean_line(heading.title, room.line) or "Digest"
    head = [
        line([run(f"{digest_badge(message).sign} {title}", size="Large", weight="Bolder")]),
        line([run(window(message), isSubtle=True)], spacing="Small"),
    ]
    yield box(head, "emphasis")
    for said in storm_lines(message):
        yield line([run(said)], spacing="Small")
    shown = sorted(message.items, key=_is_over)[: room.items]
    for name, over in (("Open", False), ("Resolved", True)):
        items = [item for item in shown if _is_over(item) is over]
        if items:
            yield line([run(name, weight="Bolder")])
        for item in items:
            yield from _item(item, message.timezone)
    if message.incident_count > len(shown):
        yield line([run(f"and {counted(message.incident_count - len(shown), 'more incident')}", isSubtle=True)])
    yield line([run(f"receiver {message.receiver}", size="Small", isSubtle=True)])


def _item(item: DigestItem, timezone: str) -> Iterator[JsonObject]:
    yield line([run(f"{badge(item).sign} "), link_run(item.title, item.incident_url, weight="Bolder")], spacing="Small")
    if item.summary and item.summary != item.title:
        yield line([run(item.summary)], spacing="None")
    status = f"{severity_word(item.severity)} · {item_status(item)} · since {moment(item.opened_at, timezone)}"
    yield line([run(f"INC-{item.number} · {status}", size="Small", isSubtle=True)], spacing="None")


def _is_over(item: DigestItem) -> bool:
    return item.status is IncidentStatus.RESOLVED
