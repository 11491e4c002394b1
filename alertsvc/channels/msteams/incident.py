"""Lays an incident out as a card."""

from collections.abc import Iterator, Mapping

from alertsvc.channels.badge import badge
from alertsvc.channels.clean import clean_line, clean_text
from alertsvc.channels.heading import Heading
from alertsvc.channels.json_body import JsonObject
from alertsvc.channels.message import AlertLine, IncidentMessage
from alertsvc.channels.msteams.elements import box, fact, line, link_run, paragraphs, run
from alertsvc.channels.selection import background, hidden_alert_count, listed_alerts, shown_labels
from alertsvc.channels.tidy import UNTITLED, Room
from alertsvc.channels.view import detail, facts, named, own_labels, reading
from alertsvc.channels.wording import counted
from alertsvc.core.model import AlertState, IncidentStatus, Reason

STYLES: Mapping[IncidentStatus, str] = {
    IncidentStatus.FIRING: "attention",
    IncidentStatus.ACKNOWLEDGED: "warning",
    IncidentStatus.RESOLVED: "good",
}
TEST_STYLE = "accent"
MAX_DETAIL_CHARS = 250


def incident_body(message: IncidentMessage, heading: Heading, room: Room) -> list[JsonObject]:
    """The elements of the card for `message`, which is tidy for `room`."""
    return list(_body(message, heading, room))


def _body(message: IncidentMessage, heading: Heading, room: Room) -> Iterator[JsonObject]:
    style = TEST_STYLE if message.reason is Reason.TEST else STYLES[message.status]
    # The badge is made of our own words, so it may be a heading, which only this element can be.
    mark: JsonObject = {"type": "TextBlock", "text": str(badge(message)), "style": "heading", "weight": "Bolder"}
    title = clean_line(heading.title, room.line) or UNTITLED
    yield box([mark, line([run(title, size="Large", weight="Bolder")], spacing="Small")], style)
    yield from paragraphs(clean_text(heading.summary, room.text))
    yield from paragraphs(background(message), isSubtle=True)
    yield box([fact(each.name, each.value) for each in facts(message) if each.value != badge(message).word])
    if alerts := list(_alerts(message)):
        yield box(alerts)
    if message.comment:
        yield from paragraphs(f"💬 {message.comment}")
    if labels := shown_labels(message):
        text = "   ".join(f"{name}={value}" for name, value in labels.items())
        yield line([run(text, fontType="Monospace", size="Small", isSubtle=True)])
    number = "not an incident" if message.reason is Reason.TEST else f"INC-{message.number}"
    footer = f"{number} · receiver {message.receiver}, route {message.route}"
    yield line([run(footer, size="Small", isSubtle=True)])


def _alerts(message: IncidentMessage) -> Iterator[JsonObject]:
    listed, hidden = listed_alerts(message), hidden_alert_count(message)
    yield from (_alert(alert, detail(alert, message)) for alert in listed)
    if hidden:
        more = f"and {counted(hidden, 'more alert')}" if listed else counted(hidden, "alert")
        yield line([run(more, isSubtle=True)], spacing="Small")


def _alert(alert: AlertLine, said: str) -> JsonObject:
    mark = "•" if alert.state is AlertState.FIRING else "✅"
    own = "   ".join(f"{name}={value}" for name, value in own_labels(alert).items())
    measured = reading(alert)
    return line(
        [
            run(f"{mark} "),
            link_run(named(alert), alert.links[0].url if alert.links else None, weight="Bolder"),
            run(f"  {measured}" if measured else ""),
            run(f"  {own}" if own else "", fontType="Monospace", size="Small", isSubtle=True),
            run(f"  {clean_line(said, MAX_DETAIL_CHARS)}" if said else "", size="Small"),
        ],
        spacing="Small",
    )
