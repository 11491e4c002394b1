"""Lays an incident out for Slack."""

from collections.abc import Iterator

from alertsvc.channels.badge import badge
from alertsvc.channels.heading import Heading
from alertsvc.channels.json_body import JsonObject
from alertsvc.channels.message import AlertLine, IncidentMessage
from alertsvc.channels.selection import all_links, background, hidden_alert_count, listed_alerts, shown_labels
from alertsvc.channels.slack.blocks import MAX_FIELD_CHARS, MAX_SECTION_CHARS, buttons, context, fields, section
from alertsvc.channels.slack.mrkdwn import code, date, escaped, escaped_line, link
from alertsvc.channels.slack.parts import STATE_COLORS, TEST_COLOR, Look, Parts
from alertsvc.channels.tidy import UNTITLED, Room
from alertsvc.channels.view import detail, facts, named, own_labels, reading
from alertsvc.channels.wording import counted, moment
from alertsvc.core.model import AlertState, IncidentStatus, Reason

MAX_TITLE_CHARS = 300
MAX_ALERT_CHARS = 250
MAX_LABEL_CHARS = 120
MAX_LABELS_CHARS = 1900


def incident_parts(message: IncidentMessage, heading: Heading, room: Room, look: Look) -> Parts:
    """The parts of `message`, which is tidy for `room`."""
    mark = badge(message)
    title = link(escaped_line(heading.title, MAX_TITLE_CHARS) or UNTITLED, message.incident_url)
    color = TEST_COLOR if message.reason is Reason.TEST else STATE_COLORS[message.status]
    return Parts(f"{mark.sign} *{mark.word}* · *{title}*", color, tuple(_blocks(message, heading, room, look)))


def _blocks(message: IncidentMessage, heading: Heading, room: Room, look: Look) -> Iterator[JsonObject]:
    for text in (heading.summary, background(message)):
        if shown := escaped(text, room.text):
            yield section(shown)
    yield fields(_facts(message))
    if alerts := list(_alerts(message)):
        yield section("\n".join(alerts))
    if message.comment:
        yield section(f"💬 {escaped(message.comment, room.text)}")
    labels = list(_labels(message))
    if labels:
        yield context([" ".join(labels)])
    yield context(_footer(message, look))
    links = () if message.status is IncidentStatus.RESOLVED else all_links(message)
    if links:
        yield buttons(links)


def _facts(message: IncidentMessage) -> Iterator[str]:
    """The facts but for the one that the badge says."""
    said = badge(message).word
    for fact in facts(message):
        if fact.value != said:
            value = _in_local_time(escaped_line(fact.value, MAX_FIELD_CHARS), message)
            yield f"*{fact.name}*\n{value}"


def _in_local_time(text: str, message: IncidentMessage) -> str:
    """`text` with the instants of the message as Slack shows them to each reader in his own time zone."""
    instants = (message.opened_at, message.acknowledged_at, message.resolved_at, message.delayed_since)
    for instant in dict.fromkeys(instants):
        if instant is not None and (written := moment(instant)) in text:
            return text.replace(written, date(instant), 1)
    return text


def _alerts(message: IncidentMessage) -> Iterator[str]:
    """A line for each alert that is listed, as far as a section holds them."""
    listed, hidden, length = listed_alerts(message), hidden_alert_count(message), 0
    for position, alert in enumerate(listed):
        line = _alert(alert, detail(alert, message))
        length += len(line) + 1
        if length > MAX_SECTION_CHARS - 40:
            hidden += len(listed) - position
            break
        yield line
    if hidden:
        yield f"and {counted(hidden, 'more alert')}"


def _alert(alert: AlertLine, said: str) -> str:
    mark = "•" if alert.state is AlertState.FIRING else "✅"
    name = link(escaped_line(named(alert), MAX_LABEL_CHARS), alert.links[0].url if alert.links else None)
    own: list[str] = []
    for label in (f"{name}={value}" for name, value in own_labels(alert).items()):
        box = code(label, MAX_LABEL_CHARS)
        if sum(map(len, own)) + len(box) <= MAX_ALERT_CHARS:
            own.append(box)
    beside = f"· {escaped_line(said, MAX_ALERT_CHARS)}" if said else ""
    return " ".join(filter(None, [mark, name, escaped_line(reading(alert), MAX_LABEL_CHARS), *own, beside]))


def _labels(message: IncidentMessage) -> Iterator[str]:
    length = 0
    for name, value in shown_labels(message).items():
        box = code(f"{name}={value}", MAX_LABEL_CHARS)
        length += len(box) + 1
        if length <= MAX_LABELS_CHARS:
            yield box


def _footer(message: IncidentMessage, look: Look) -> Iterator[str]:
    number = f"INC-{message.number}" if message.reason is not Reason.TEST else "not an incident"
    receiver, route = (escaped_line(name, MAX_LABEL_CHARS) for name in (message.receiver, message.route))
    yield f"{number} · receiver {receiver}, route {route}"
    if look.footer:
        yield look.footer
