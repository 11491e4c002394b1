"""Lays a digest out for Slack: what is open first, each incident on a line or two."""

from collections.abc import Iterator, Sequence

from alertsvc.channels.badge import badge, digest_badge
from alertsvc.channels.heading import Heading
from alertsvc.channels.json_body import JsonObject
from alertsvc.channels.message import DigestItem, DigestMessage
from alertsvc.channels.slack.blocks import MAX_SECTION_CHARS, MAX_TOTAL_CHARS, context, section
from alertsvc.channels.slack.mrkdwn import date, escaped_line, link
from alertsvc.channels.slack.parts import STATE_COLORS, Look, Parts
from alertsvc.channels.tidy import Room
from alertsvc.channels.view import item_status, severity_word, storm_lines, window
from alertsvc.channels.wording import counted
from alertsvc.core.model import IncidentStatus

MAX_TITLE_CHARS = 300
MAX_TEXT_CHARS = 250
ITEMS_CHARS = MAX_TOTAL_CHARS - 2500
"""What the lines of the incidents may take; the rest is for the title, the sentence beside it and the footer."""


def digest_parts(message: DigestMessage, heading: Heading, room: Room, look: Look) -> Parts:
    """The parts of `message`, which is tidy for `room`."""
    over = message.ended_count == message.incident_count
    title = link(escaped_line(heading.title, MAX_TITLE_CHARS) or "Digest", message.digest_url)
    color = STATE_COLORS[IncidentStatus.RESOLVED if over else IncidentStatus.ACKNOWLEDGED]
    if message.storm is not None and not message.storm.is_over:
        color = STATE_COLORS[IncidentStatus.FIRING]
    return Parts(f"{digest_badge(message).sign} *{title}*", color, tuple(_blocks(message, room, look)))


def _blocks(message: DigestMessage, room: Room, look: Look) -> Iterator[JsonObject]:
    groups = (
        ("Open", [item for item in message.items if item.status is not IncidentStatus.RESOLVED]),
        ("Resolved", [item for item in message.items if item.status is IncidentStatus.RESOLVED]),
    )
    if said := storm_lines(message):
        yield section("\n".join(escaped_line(line, MAX_TEXT_CHARS) for line in said))
    left, shown = ITEMS_CHARS, 0
    for name, items in groups:
        lines = list(_fitting(items[: room.items - shown], left))
        shown += len(lines)
        left -= sum(map(len, lines))
        yield from _sections(name, lines)
    if shown < message.incident_count:
        yield section(f"and {counted(message.incident_count - shown, 'more incident')}")
    why = f"receiver {escaped_line(message.receiver, MAX_TEXT_CHARS)}"
    yield context([f"{escaped_line(window(message), MAX_TEXT_CHARS)} · {why}", *filter(None, [look.footer])])


def _fitting(items: Sequence[DigestItem], room: int) -> Iterator[str]:
    for item in items:
        line = _line(item)
        room -= len(line)
        if room < 0:
            return
        yield line


def _sections(name: str, lines: Sequence[str]) -> Iterator[JsonObject]:
    """The lines under their name, in as few sections as hold them."""
    text = f"*{name}*"
    for line in lines:
        if len(text) + len(line) + 1 > MAX_SECTION_CHARS:
            yield section(text)
            text = line
        else:
            text += f"\n{line}"
    if lines:
        yield section(text)


def _line(item: DigestItem) -> str:
    title = link(escaped_line(item.title, MAX_TEXT_CHARS), item.incident_url)
    status = f"{severity_word(item.severity)} · {escaped_line(item_status(item), MAX_TEXT_CHARS)}"
    first = f"{badge(item).sign} *{title}* · INC-{item.number} · {status} · since {date(item.opened_at)}"
    if not item.summary or item.summary == item.title:
        return first
    return f"{first}\n{escaped_line(item.summary, MAX_TEXT_CHARS)}"
