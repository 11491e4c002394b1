"""What comes next for a destination of an incident, as the API tells it."""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import SQLModel

from alertsvc.core.incidents import LiveDelivery
from alertsvc.core.outgoing import REPEAT
from alertsvc.engine.story import Story


class Next(SQLModel):
    """What comes next for a destination: a `repeat`, a `digest`, a `delivery`, a `mute_check`.

    `at` is null when nobody knows: an alert that inhibits ends when it ends.
    """

    what: str
    at: datetime | None
    said: str


def coming(name: str, story: Story) -> Iterator[Next]:
    """What comes next for a destination: what is on its way, its digests, its reminder, the ends of mutes."""
    today = story.today_of(name)
    unless = "; not if all that fires is muted then, as it is now" if today is not None and today.mutes else ""
    for delivery in story.situation.live:
        if delivery.destination == name:
            yield _leaving(delivery, story, unless)
    waits = [each for each in story.situation.pending if each.destination == name and each.delivery_id is None]
    for key, window in story.digests.items():
        told = ", ".join(dict.fromkeys(str(each.reason) for each in waits if each.digest_id == key))
        if told:
            said = f"the digest {window.name} is sent and says it ({told}){unless}"
            yield Next(what="digest", at=window.due_at, said=said)
    for row in story.coming:
        if row.destination == name and row.kind == REPEAT:
            said = f"it is told again that it fires, unless somebody takes it or it ends before{unless}"
            yield Next(what=REPEAT, at=row.due_at, said=said)
    for row in [row for row in story.kept_back if row.destination == name]:
        yield Next(what="mute_check", at=row.check_at, said="what still fires is told, if nothing else mutes it then")


def _leaving(delivery: LiveDelivery, story: Story, unless: str) -> Next:
    row = story.deliveries.get(delivery.id)
    tried = row.attempt_count if row is not None else 0
    match delivery.state:
        case "sending":
            said = f"{delivery.reason} is being sent, try {tried}"
        case "waiting":
            said = f"{delivery.reason} leaves once the message before it has ended"
        case _ if tried:
            said = f"{delivery.reason} is tried again; tries so far: {tried}{unless}"
        case _:
            said = f"{delivery.reason} leaves{unless}"
    return Next(what="delivery", at=delivery.due_at, said=said)
