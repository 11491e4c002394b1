"""What is on its way about one incident, and how more of it is written down. Decides nothing.

A lane (incident, destination) holds its deliveries in the order they leave. A message is rendered when it is sent, so
news rides along with one that surely has not left.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import UUID

from alertsvc.core.effects import (
    Delivery,
    DigestWindow,
    Effects,
    HeldBack,
    Notification,
    NotificationEnd,
    Released,
    Revision,
    Timer,
    Withdrawal,
    digest_id,
    incident_lane,
)
from alertsvc.core.incidents import Believer, LiveDelivery, PendingNotification, Situation
from alertsvc.core.model import Reason, Severity
from alertsvc.core.mutes import Mute, refs_of
from alertsvc.core.rules import Moment
from alertsvc.core.storm import class_of

FIRING_NEWS = frozenset(
    {Reason.OPENED, Reason.UPDATED, Reason.RAISED, Reason.REPEATED, Reason.UNMUTED, Reason.FLAPPING}
)
"""What tells a destination that it fires."""
BREAKING_NEWS = frozenset({Reason.OPENED, Reason.RAISED, Reason.UNMUTED})
"""What can be the first that is heard of a kind of alert."""
REPEAT = "repeat"
CRITICAL_HORIZON = timedelta(hours=72)
HORIZON = timedelta(hours=24)


def horizon(severity: Severity) -> timedelta:
    """How long a message of `severity` is tried before it counts as failed."""
    return CRITICAL_HORIZON if severity is Severity.CRITICAL else HORIZON


class Outgoing:
    """The lanes and believers of the incident `incident_id`, as they are while it is decided about them."""

    def __init__(self, incident_id: UUID, situation: Situation, moment: Moment) -> None:
        self.believers: dict[str, Believer] = dict(situation.believers)
        self.alertname = ""
        """What the news that is told is about, where that is one kind of alert."""
        self._storms = moment.storms
        self._effects = Effects()
        self._incident_id = incident_id
        self._rules = moment.rules
        self._now = moment.now
        self._new_id = moment.new_id
        self._known = situation.believers
        self._live: dict[str, list[LiveDelivery]] = {}
        for delivery in situation.live:
            self._live.setdefault(delivery.destination, []).append(delivery)
        self._pending: dict[str, list[PendingNotification]] = {}
        for notification in situation.pending:
            self._pending.setdefault(notification.destination, []).append(notification)

    def effects(self) -> Effects:
        """What is to be written, the believers that changed among it. Ask once, at the end."""
        for name, believer in self.believers.items():
            before = self._known.get(name)
            if before is None:
                self._effects.new_believers.append((self._incident_id, believer))
            elif before != believer:
                self._effects.believers.append((self._incident_id, believer))
        return self._effects

    # What is on its way

    def lane(self, destination: str) -> list[LiveDelivery]:
        """What has not ended, the head first."""
        return self._live.get(destination, [])

    def unsent_news(self, destination: str) -> LiveDelivery | None:
        """The message that says it fires and surely has not left: further news rides along with it.

        One that may have left does not count: whoever has it may take the next try for the same message again.
        """
        return next((each for each in self.lane(destination) if each.surely_here and each.reason in FIRING_NEWS), None)

    def ahead_of_news(self, destination: str) -> list[LiveDelivery]:
        """What leaves before anything that says it fires."""
        return list(takewhile(lambda each: each.reason not in FIRING_NEWS, self.lane(destination)))

    def tells_that_it_fires(self, destination: str) -> bool:
        """Whether a message that says so has not ended, maybe being sent right now."""
        return any(each.reason in FIRING_NEWS for each in self.lane(destination))

    def waiting(self, destination: str) -> list[PendingNotification]:
        """What waits for a digest that has not been made."""
        listed = self._pending.get(destination, [])
        return [each for each in listed if each.digest_id is not None and each.delivery_id is None]

    def news_waits(self, destination: str) -> bool:
        """Whether a digest that has not been made will say that it fires."""
        return any(each.reason in FIRING_NEWS for each in self.waiting(destination))

    def is_in_made_digest(self, destination: str) -> bool:
        """Whether a digest that names the incident has been made and has not ended."""
        listed = self._pending.get(destination, [])
        return any(each.digest_id is not None and each.delivery_id is not None for each in listed)

    # How more of it is written down

    def note(
        self,
        believer: Believer,
        reason: Reason,
        state: str,
        why: str,
        *,
        delivery_id: UUID | None = None,
        window_id: UUID | None = None,
        muted_by: tuple[str, ...] = (),
    ) -> UUID:
        """Write down what a destination should be told, or why it is not."""
        notification = Notification(
            id=self._new_id(),
            incident_id=self._incident_id,
            destination=believer.destination,
            receiver=believer.receiver,
            route=believer.route,
            reason=reason,
            severity=believer.severity,
            state=state,
            why=why,
            created_at=self._now,
            delivery_id=delivery_id,
            digest_id=window_id,
            muted_by=muted_by,
        )
        self._effects.notifications.append(notification)
        if state == "pending":
            entry = PendingNotification(notification.id, believer.destination, reason, delivery_id, window_id)
            self._pending.setdefault(believer.destination, []).append(entry)
        return notification.id

    def send(self, believer: Believer, reason: Reason, due_at: datetime, why: str) -> UUID:
        """Put a message at the end of the lane, or, in a storm, news into its next summary.

        Returns the notification that is covered.
        """
        if self._is_too_much(believer, reason):
            return self.into_summary(believer, reason, why)
        lane = self._live.setdefault(believer.destination, [])
        told = replace(believer, sequence=believer.sequence + 1)
        self.believers[believer.destination] = told
        delivery = Delivery(
            id=self._new_id(),
            lane=incident_lane(self._incident_id, believer.destination),
            sequence=told.sequence,
            destination=believer.destination,
            receiver=believer.receiver,
            incident_id=self._incident_id,
            digest_id=None,
            reason=reason,
            severity=believer.severity,
            behind=bool(lane),
            created_at=self._now,
            due_at=due_at,
            expires_at=due_at + horizon(believer.severity),
        )
        lane.append(
            LiveDelivery(delivery.id, believer.destination, reason, believer.severity, "pending", False, due_at)
        )
        self._effects.deliveries.append(delivery)
        return self.note(told, reason, "pending", why, delivery_id=delivery.id)

    def _is_too_much(self, believer: Believer, reason: Reason) -> bool:
        if reason is Reason.RESOLVED:
            if believer.sequence and self._storms.ends_singly(believer.destination):
                return False
        elif reason not in FIRING_NEWS:
            return False
        breaks = self.alertname and reason in BREAKING_NEWS
        klass = class_of(self.alertname, believer.severity) if breaks else ""
        return not self._storms.lets_through(believer.destination, klass, self._now)

    def is_in_storm(self, destination: str) -> bool:
        """Whether there is a summary for `into_summary`."""
        return self._storms.is_on(destination)

    def into_summary(self, believer: Believer, reason: Reason, why: str) -> UUID:
        """Have news wait for the next summary of the storm that its destination is in."""
        self.believers[believer.destination] = believer
        window = self._storms.join(believer.destination, believer.receiver)
        self._effects.digests.append(window)
        said = f"{why}; joined the storm summary of {window.due_at:%H:%M:%S}"
        return self.note(believer, reason, "pending", said, window_id=window.id)

    def keep_back(self, believer: Believer, reason: Reason, mutes: Sequence[Mute]) -> None:
        """Write down that mutes keep news from a destination, and that somebody must look again when they end."""
        self.believers[believer.destination] = replace(believer, held=True)
        why = "; ".join(mute.said for mute in mutes)
        self.note(believer, reason, "suppressed", why, muted_by=refs_of(mutes))
        self._effects.held += [HeldBack(self._incident_id, believer.destination, mute) for mute in mutes]

    def hold_on(self, destination: str, ended: frozenset[str], mutes: Sequence[Mute]) -> None:
        """Of what kept news from a destination `ended` is over, and `mutes` are what keeps some of it back now."""
        self._effects.released.append(Released(self._incident_id, destination, ended))
        self._effects.held += [HeldBack(self._incident_id, destination, mute) for mute in mutes]
        self.believers[destination] = replace(self.believers[destination], held=bool(mutes))

    def mute_waiting(self, destination: str, mutes: Sequence[Mute]) -> None:
        """What waits for a digest to say that it fires is not to be in it."""
        why = "; ".join(mute.said for mute in mutes)
        waiting = [each for each in self.waiting(destination) if each.reason in FIRING_NEWS]
        for each in waiting:
            self._effects.ended.append(
                NotificationEnd(each.id, destination, "suppressed", why, muted_by=refs_of(mutes))
            )
        self._pending[destination] = [each for each in self._pending.get(destination, []) if each not in waiting]
        self._effects.held += [HeldBack(self._incident_id, destination, mute) for mute in mutes]
        self.believers[destination] = replace(self.believers[destination], held=True)

    def forget_mutes(self) -> None:
        """There is no news any more that could be kept back."""
        held = [each for each in self.believers.values() if each.held]
        if held:
            self.believers |= {each.destination: replace(each, held=False) for each in held}
            self._effects.held.clear()
            self._effects.unheld.append(self._incident_id)

    def into_digest(self, believer: Believer, reason: Reason, why: str) -> UUID:
        """Have it wait for the digest whose window is open now. Returns the notification."""
        rule = self._rules.digests.get(believer.digest) or next(iter(self._rules.digests.values()))
        due_at = rule.schedule.next_after(self._now)
        window_id = digest_id(rule.name, believer.receiver, due_at)
        start = rule.schedule.last_before(due_at)
        self._effects.digests.append(DigestWindow(window_id, rule.name, believer.receiver, start, due_at))
        return self.note(believer, reason, "pending", why, window_id=window_id)

    def revise(self, delivery: LiveDelivery, reason: Reason, severity: Severity) -> None:
        """Have a message that surely has not left say more, and leave now."""
        lane = self._live[delivery.destination]
        lane[lane.index(delivery)] = replace(delivery, reason=reason, severity=severity, due_at=self._now)
        expires_at = self._now + horizon(severity)
        self._effects.revised.append(Revision(delivery.id, reason, severity, self._now, expires_at))

    def withdraw(
        self, destination: str, reasons: frozenset[Reason], why: str, superseded_by: UUID | None = None
    ) -> None:
        """Take back what is not being sent, of `reasons`, and end the notifications it covers."""
        listed = [each for each in self.lane(destination) if each.reason in reasons]
        self.withdraw_these(destination, listed, why, superseded_by)

    def withdraw_these(
        self, destination: str, listed: Sequence[LiveDelivery], why: str, superseded_by: UUID | None = None
    ) -> None:
        """Take back those of the lane's messages `listed` that are not being sent."""
        lane = self.lane(destination)
        taken = [each for each in listed if each.changeable]
        unwritten = {delivery.id for delivery in self._effects.deliveries}
        for delivery in taken:
            if delivery.maybe_left and delivery.reason in FIRING_NEWS:
                self._may_have_heard(destination)
            if delivery.id in unwritten:  # decided a moment ago: it need not be written at all
                self._effects.deliveries = [each for each in self._effects.deliveries if each.id != delivery.id]
            else:
                name = incident_lane(self._incident_id, destination)
                self._effects.withdrawn.append(Withdrawal(delivery.id, name, why))
            for notification in self._pending.get(destination, []):
                if notification.delivery_id == delivery.id:
                    self._effects.ended.append(
                        NotificationEnd(notification.id, destination, "superseded", why, superseded_by)
                    )
        self._live[destination] = [delivery for delivery in lane if delivery not in taken]

    def _may_have_heard(self, destination: str) -> None:
        believer = self.believers[destination]
        self.believers[destination] = replace(believer, told_at=believer.told_at or self._now)

    def take_back(self, destination: str, reasons: frozenset[Reason], why: str) -> bool:
        """What waits for a digest, of `reasons`, is not to be in it. Returns whether anything did."""
        waiting = [each for each in self.waiting(destination) if each.reason in reasons]
        self._effects.ended += [NotificationEnd(each.id, destination, "superseded", why) for each in waiting]
        self._pending[destination] = [each for each in self._pending.get(destination, []) if each not in waiting]
        return bool(waiting)

    def take_from_digest(self, destination: str, why: str, superseded_by: UUID) -> None:
        """What waits for a digest waits no more, but for `superseded_by` itself."""
        waiting = [each for each in self.waiting(destination) if each.id != superseded_by]
        for notification in waiting:
            self._effects.ended.append(NotificationEnd(notification.id, destination, "superseded", why, superseded_by))
        self._pending[destination] = [each for each in self._pending.get(destination, []) if each not in waiting]

    def remind(self, believer: Believer, due_at: datetime) -> None:
        """Have the destination reminded at `due_at`."""
        self._effects.timers.append(Timer(self._incident_id, believer.destination, REPEAT, due_at))

    def call_off_reminders(self) -> None:
        """Remind nobody."""
        self._effects.quiet.append(self._incident_id)
