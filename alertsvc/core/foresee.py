"""What would be told if an alert began to fire or ended: the decision of live traffic, made and read, never done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from alertsvc.core.alerts import Alert
from alertsvc.core.decide import Batch
from alertsvc.core.effects import DigestWindow, Effects, Notification, digest_id
from alertsvc.core.incidents import Situation
from alertsvc.core.model import AlertState, Event, Reason
from alertsvc.core.mutes import Mutes
from alertsvc.core.outgoing import FIRING_NEWS
from alertsvc.core.route import Route
from alertsvc.core.rules import Moment, Rules
from alertsvc.core.subscribers import event_labels, subscribers


class Way(StrEnum):
    """How a destination would hear of it, if at all."""

    NOW = "now"
    LATER = "later"
    """When its group_wait or group_interval has passed."""
    DIGEST = "digest"
    ALONG = "along"
    """A message or a digest that has not left says this too."""
    MUTED = "muted"
    NOT_TOLD = "not told"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one destination would be told. `due_at` is when, `digest` in which one, `reason` as what; None: not told."""

    destination: str
    receiver: str
    route: str
    way: Way
    reason: Reason | None
    why: str
    due_at: datetime | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when it is asked: incidents that the alert may go into, and the alert itself if it was seen."""

    situations: Sequence[Situation] = ()
    alert: Alert | None = None


def foresee(moment: Moment, event: Event, mutes: Mutes, known: Known) -> tuple[Foreseen, ...]:
    """What every destination that `event` is about would be told: those of its routes first, in their order.

    One that begins to fire is taken as new, even where an alert like it fires already.
    """
    begins = event.state is AlertState.FIRING
    alerts = {} if begins or known.alert is None else {event.fingerprint: known.alert}
    batch = Batch(moment, alerts, known.situations)
    batch.arrive(event, moment.new_id(), moment.now)
    effects = batch.finish(mutes, moment.storms).effects
    read = _Reading(effects, known.situations, moment)
    named: dict[str, Route | None] = {}
    for destination, route in subscribers(moment.rules, event_labels(event)):
        named.setdefault(destination.id, route)
    for note in effects.notifications:
        named.setdefault(note.destination, None)
    return tuple(read.destination(name, moment.rules, route) for name, route in named.items())


class _Reading:
    """Reads what was decided, destination by destination."""

    def __init__(self, effects: Effects, situations: Sequence[Situation], moment: Moment) -> None:
        self._moment = moment
        self._situations = situations
        self._due: dict[UUID, datetime] = {each.id: each.due_at for known in situations for each in known.live}
        self._due |= {each.id: each.due_at for each in (*effects.deliveries, *effects.revised)}
        self._windows: Mapping[UUID, DigestWindow] = {each.id: each for each in effects.digests}
        self._taken_back = {each.id for each in effects.ended}
        self._noted: dict[str, list[Notification]] = {}
        for each in effects.notifications:
            self._noted.setdefault(each.destination, []).append(each)

    def destination(self, name: str, rules: Rules, route: Route | None) -> Foreseen:
        """The most telling of what was decided for a destination."""
        noted = [each for each in self._noted.get(name, ()) if each.id not in self._taken_back]
        if noted:
            return self._note(max(noted, key=lambda each: (each.state == "pending", bool(each.muted_by))))
        receiver = route.receiver if route else ""
        path = route.path if route else ""
        return self._along(name, rules) or Foreseen(
            name, receiver, path, Way.NOT_TOLD, None, "nothing that it has not heard, or has to hear"
        )

    def _note(self, note: Notification) -> Foreseen:
        found = (note.destination, note.receiver, note.route)
        if note.muted_by:
            return Foreseen(*found, Way.MUTED, note.reason, note.why)
        if note.state != "pending":
            return Foreseen(*found, Way.NOT_TOLD, note.reason, note.why)
        if note.digest_id is not None:
            window = self._windows[note.digest_id]
            return Foreseen(*found, Way.DIGEST, note.reason, note.why, window.due_at, window.name)
        due_at = self._due[note.delivery_id] if note.delivery_id else self._moment.now
        way = Way.NOW if due_at <= self._moment.now else Way.LATER
        return Foreseen(*found, way, note.reason, note.why, due_at)

    def _along(self, name: str, rules: Rules) -> Foreseen | None:
        """What is on its way there and says it too: a message is rendered when it is sent."""
        for situation in self._situations:
            believer = situation.believers.get(name)
            if believer is None:
                continue
            found = (name, believer.receiver, believer.route)
            unsent = [each for each in situation.live if each.destination == name and each.surely_here]
            news = next((each for each in unsent if each.reason in FIRING_NEWS), None)
            if news is not None:
                why = f"the message {news.reason} has not left and will say it"
                return Foreseen(*found, Way.ALONG, news.reason, why, news.due_at)
            waiting = [each for each in situation.pending if each.destination == name and each.delivery_id is None]
            entry = next((each for each in waiting if each.reason in FIRING_NEWS), None)
            if entry is not None and believer.digest in rules.digests:
                due_at = rules.digests[believer.digest].schedule.next_after(self._moment.now)
                same = digest_id(believer.digest, believer.receiver, due_at) == entry.digest_id
                why = "waits for the digest, which will say it"
                return Foreseen(*found, Way.ALONG, entry.reason, why, due_at if same else None, believer.digest)
        return None
