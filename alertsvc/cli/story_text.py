"""The story of an incident or a notification as text for people: who was told what, why not, and what comes next."""

from collections.abc import Iterator

from alertsvc.cli.explanation_text import instant_text, label_text, mute_lines
from alertsvc.core.alerts import EXPIRED, SOURCE
from alertsvc.quoting import printable
from alertsvc.web.story_views import (
    DestinationStory,
    FlappingView,
    IncidentStory,
    NotificationExplanation,
    NotificationStory,
)
from alertsvc.web.today_views import AlertToday
from alertsvc.web.views import DeliveryView, IncidentView

_RESOLVERS = {SOURCE: "resolved: ended at its source", EXPIRED: "resolved: its source fell silent"}


def shown_incident(told: IncidentStory) -> list[str]:
    """The story of an incident, destination by destination."""
    lines = [*_heading(told.incident), *_flapping(told.flapping)]
    for each in told.destinations:
        lines += ["", *_destination_lines(each)]
    if told.alerts:
        rest = told.firing_count - len(told.alerts)
        more = f", of which the gravest {len(told.alerts)} are shown" if rest > 0 else ""
        fire = "1 alert fires" if told.firing_count == 1 else f"{told.firing_count} alerts fire"
        lines += ["", f"today, {fire}{more}:"]
        lines += [f"  {line}" for each in told.alerts for line in _alert_lines(each)]
    return [printable(line) for line in lines]


def shown_notification(told: NotificationExplanation) -> list[str]:
    """The story of one notification."""
    lines = [*_heading(told.incident), *_flapping(told.flapping), ""]
    lines += [told.notification.destination, *(f"  {line}" for line in _notification_lines(told.notification))]
    lines += [f"  {line}" for line in _rest(told.destination)]
    return [printable(line) for line in lines]


def _heading(incident: IncidentView) -> Iterator[str]:
    yield f"#{incident.number} {incident.title}"
    yield f"{incident.status}, {incident.severity}, opened {instant_text(incident.opened_at)}"
    if incident.acknowledged_by is not None:
        yield f"acknowledged by {incident.acknowledged_by}: updates and repeats stop"
    if incident.resolved_at is not None:
        by = _RESOLVERS.get(incident.resolved_by or "", f"resolved by {incident.resolved_by}")
        yield f"{by}, {instant_text(incident.resolved_at)}"


def _flapping(found: FlappingView | None) -> Iterator[str]:
    if found is not None:
        yield f"{found.alert_count} of its alerts flap: quiet until {instant_text(found.until)} at least"


def _destination_lines(each: DestinationStory) -> Iterator[str]:
    yield each.destination
    if not each.notifications and each.belief is None:
        yield "  was never to be told"
    for note in each.notifications:
        yield from (f"  {line}" for line in _notification_lines(note))
    yield from (f"  {line}" for line in _rest(each))


def _rest(each: DestinationStory) -> Iterator[str]:
    for mute in each.kept_back:
        yield from mute_lines(mute)
    for coming in each.next:
        yield f"next: {instant_text(coming.at) if coming.at else 'nobody knows when'}: {coming.said}"
    if each.differs is not None:
        yield f"routing has changed: {each.differs}"


def _notification_lines(note: NotificationStory) -> Iterator[str]:
    """One notification: its reason and end, and below it whatever explains that."""
    yield f"{instant_text(note.created_at)}  {note.reason}: {note.state}"
    yield f"  {note.why}"
    if note.ended_why and note.ended_why != note.why:
        yield f"  {note.ended_why}"
    if note.mute is not None and (note.mute.silence or note.mute.alert):
        yield from (f"  {line}" for line in mute_lines(note.mute))
    if note.took_its_place is not None:
        yield f"  in its place: {note.took_its_place.reason} ({note.took_its_place.state})"
    if note.digest is not None:
        closed = f", closed {instant_text(note.digest.closed_at)}" if note.digest.closed_at else ""
        yield f"  digest {note.digest.name}: {note.digest.state}, due {instant_text(note.digest.due_at)}{closed}"
    if note.delivery is not None:
        yield from (f"  {line}" for line in _delivery_lines(note.delivery))


def _delivery_lines(delivery: DeliveryView) -> Iterator[str]:
    detail = f": {delivery.detail}" if delivery.detail else ""
    yield f"message {delivery.state}, tries: {delivery.attempt_count}{detail}"
    for each in delivery.attempts:
        status = f" {each.status_code}" if each.status_code is not None else ""
        answer = f": {each.detail}" if each.detail else ""
        yield f"  try {each.number}, {instant_text(each.started_at)}: {each.outcome}{status}{answer}"


def _alert_lines(each: AlertToday) -> Iterator[str]:
    yield f"{label_text(each.labels)} ({each.severity})"
    for route in each.routes:
        yield f"  {route.route} leads it to {route.receiver}: {route.deliver}"
        yield from (f"    muted: {mute.said}" for mute in route.mutes)
