"""Who is told what about one incident, and when. One `Telling` for one incident and one instant."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alertsvc.core.effects import Effects
from alertsvc.core.incidents import Believer, Incident, Situation
from alertsvc.core.model import Deliver, IncidentStatus, Reason, Severity
from alertsvc.core.mutes import Mute
from alertsvc.core.outgoing import FIRING_NEWS, Outgoing
from alertsvc.core.route import Destination, Route
from alertsvc.core.rules import Moment

BUNDLED_NEWS = frozenset({Reason.UPDATED, Reason.REPEATED, Reason.UNMUTED})
"""What somebody who took the incident need not hear of."""
CHANGES_OF_HANDS = frozenset({Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED})
EVERYTHING = frozenset(Reason)
NOT_THE_END = EVERYTHING - {Reason.RESOLVED}


class Telling:
    """Collects what the destinations of `incident`, as it is now, are told. Say what happened, then `finish`."""

    def __init__(self, incident: Incident, situation: Situation, moment: Moment) -> None:
        self._incident = incident
        self._now = moment.now
        self._out = Outgoing(incident.id, situation, moment)
        self._severity_before = situation.incident.severity if situation.incident else incident.severity
        self._hears = {
            destination.id: destination.hears for listed in moment.rules.receivers.values() for destination in listed
        }

    def finish(self) -> Effects:
        """What must be written."""
        return self._out.effects()

    # What happened

    def fires(
        self, destination: Destination, route: Route, severity: Severity, alertname: str = "", *, flaps: bool = False
    ) -> None:
        """An alert of `severity` that `route` sends to `destination` fires now and did not, or is worse than it was.

        `flaps`: it began to flap; whoever hears of it is told so, and of no further change until it is stable.
        """
        self._out.alertname = alertname
        believer = self._out.believers.get(destination.id)
        subscriber = _subscriber(destination, route, severity, believer)
        if subscriber.deliver is Deliver.NONE:
            self._is_not_for(subscriber, believer, _choice(route, severity))
            return
        if believer is not None and believer.state == "ended":
            believer = self._believes_again(believer)
        if believer is None or believer.state == "ended":
            wait = timedelta(0) if severity is Severity.CRITICAL else route.timing.group_wait
            reason = Reason.FLAPPING if flaps else Reason.OPENED
            self._begin(subscriber, _choice(route, severity), self._now + wait, reason)
        elif severity > min(believer.severity, self._severity_before):
            self._raise(believer, route, severity)
        elif believer.deliver is Deliver.DIGEST and subscriber.deliver is Deliver.IMMEDIATE:
            self._hurry(believer, route, severity)
        elif flaps:
            self._tell_that_it_flaps(believer)
        else:
            self._news(believer)

    def is_muted(self, destination: Destination, route: Route, severity: Severity, mutes: Sequence[Mute]) -> None:
        """An alert of `severity` fires that `route` sends to `destination`, and `mutes` keep the news of it back."""
        believer = self._out.believers.get(destination.id)
        subscriber = _subscriber(destination, route, severity, believer)
        if subscriber.deliver is Deliver.NONE:
            self._is_not_for(subscriber, believer, _choice(route, severity))
            return
        if believer is not None and believer.state == "ended":
            believer = self._believes_again(believer)
        if believer is None or believer.state == "ended":
            self._out.keep_back(subscriber, Reason.OPENED, mutes)
        else:
            self._out.keep_back(believer, Reason.RAISED if severity > believer.severity else Reason.UPDATED, mutes)

    def mute_has_ended(
        self, destination: Destination, route: Route, severity: Severity, why: str, alertname: str = ""
    ) -> None:
        """What kept news from `destination` has ended, and an alert of `severity` still fires."""
        self._out.alertname = alertname
        believer = self._out.believers.get(destination.id)
        if believer is None or believer.state == "ended":
            return
        if self._incident.status is IncidentStatus.ACKNOWLEDGED:
            taken = f"acknowledged by {self._incident.acknowledged_by}"
            self._out.note(believer, Reason.UNMUTED, "suppressed", taken)
        elif believer.told_at is not None and severity > believer.severity:
            self._raise(believer, route, severity)
        else:
            self._unmute(believer, route, severity, why)

    def mutes_have_changed(self, destination: str, ended: frozenset[str], mutes: Sequence[Mute]) -> None:
        """Of what kept news from `destination` the mutes `ended` are over; `mutes` keep some of it back now."""
        if destination in self._out.believers:
            self._out.hold_on(destination, ended, mutes)

    def is_stranger(self, destination: str) -> bool:
        """Whether `destination` is not to hear of the incident: it never was, or it only knows of an earlier end."""
        believer = self._out.believers.get(destination)
        return believer is None or believer.state == "ended"

    def knows_nothing(self, destination: str) -> bool:
        """Whether `destination` is to hear of the incident, and has heard nothing, nor is anything on its way."""
        believer = self._out.believers.get(destination)
        if believer is None or believer.told_at is not None:
            return False
        return not self._is_on_its_way(destination) and not self._out.news_waits(destination)

    def need_not_hear(self, destination: str) -> None:
        """`destination` knows nothing, and nothing that fires is for it now. If anything is later, it begins anew."""
        believer = self._out.believers.get(destination)
        if believer is not None and believer.state != "ended" and not believer.held:
            self._out.believers[destination] = replace(believer, state="ended", ended_at=self._now)

    def digest_is_muted(self, destination: str, mutes: Sequence[Mute]) -> None:
        """The digest that `destination` waits for is about to be made, and everything that fires is muted."""
        if destination in self._out.believers:
            self._out.mute_waiting(destination, mutes)

    def eases(self, destination: Destination) -> None:
        """An alert that `destination` heard of ended, while the incident goes on."""
        believer = self._out.believers.get(destination.id)
        if believer is not None and believer.state != "ended":
            self._news(believer)

    def ends(self, why: str) -> None:
        """The incident is over. Whoever was told that it fires is told that it ended; what never left is cancelled."""
        for believer in self._still_believing():
            self._end(believer, why)
        self._out.call_off_reminders()
        self._out.forget_mutes()

    def is_acknowledged(self, who: str) -> None:
        """A person took it: repeats stop, and channels that can show it do."""
        why = f"acknowledged by {who}"
        for believer in self._still_believing():
            self._out.withdraw(believer.destination, BUNDLED_NEWS | {Reason.UNACKNOWLEDGED}, why)
            self._show(believer, Reason.ACKNOWLEDGED, why)
        self._out.call_off_reminders()

    def is_unacknowledged(self, why: str, told_anyway: frozenset[str] = frozenset()) -> None:
        """Nobody has it any more: repeats go on, and channels that can show it do, except where news follows."""
        for believer in self._still_believing():
            self._out.withdraw(believer.destination, frozenset({Reason.ACKNOWLEDGED}), why)
            if believer.destination not in told_anyway:
                self._show(believer, Reason.UNACKNOWLEDGED, why)
            self._remind(believer)

    def fires_again_for(self, believer: Believer, why: str) -> None:
        """A person reopened it: whoever was to be told is told again, by the way it was told before."""
        current = self._believes_again(believer)
        if current.state == "ended":
            untold = replace(current, state="pending", told_at=None, last_told_at=None, ended_at=None)
            self._begin(untold, why, self._now)
        elif current.last_told_at is None and not self._out.lane(current.destination):
            self._begin(current, why, self._now)
        else:  # what it had not been told yet was taken back with the end
            self._news(current)

    def is_still_firing(self, destination: str, mutes: Sequence[Mute] = ()) -> None:
        """The repeat interval of `destination` passed; `mutes` keep back the news of everything that fires."""
        believer = self._out.believers.get(destination)
        if believer is None or believer.state == "ended" or self._incident.status is not IncidentStatus.FIRING:
            return
        every = f"repeat_interval {_spoken(believer.repeat_interval_seconds)} passed"
        waits_in_storm = believer.deliver is Deliver.IMMEDIATE and self._out.news_waits(destination)
        if self._out.tells_that_it_fires(destination) or waits_in_storm:
            return  # once it is told, or has failed, the interval begins anew
        if mutes:
            self._out.keep_back(believer, Reason.REPEATED, mutes)
            return
        if believer.deliver is Deliver.DIGEST:
            if not self._out.news_waits(destination):
                self._out.into_digest(believer, Reason.REPEATED, every)
            self._out.remind(believer, self._now + timedelta(seconds=believer.repeat_interval_seconds))
        else:
            self._out.send(believer, Reason.REPEATED if believer.last_told_at else Reason.OPENED, self._now, every)

    def was_not_taken(self, destination: str, reason: Reason) -> None:
        """A try to tell `destination` of `reason` ended, surely or maybe without being taken: what is no news any more
        goes.

        Once it is over nobody needs to hear that it fired, and once somebody has it, to be reminded. Who never heard
        that it fires has nothing more to hear. But an end that is being told stays, whatever came after it: it is for
        who heard of what it ends.
        """
        believer = self._out.believers.get(destination)
        if believer is None:
            return
        knows = believer.told_at is not None or self._may_be_hearing(destination)
        if believer.state == "ended":
            stays = knows or reason is Reason.RESOLVED
            self._out.withdraw(destination, NOT_THE_END if stays else EVERYTHING, "ended before it left")
            return
        if self._incident.status is IncidentStatus.ACKNOWLEDGED:
            self._out.withdraw(destination, BUNDLED_NEWS, f"acknowledged by {self._incident.acknowledged_by}")
        if not knows:  # what comes before the next news would be the first it hears
            early = [each for each in self._out.ahead_of_news(destination) if each.reason in CHANGES_OF_HANDS]
            self._out.withdraw_these(destination, early, "the opening had failed")

    def may_have_come_late(self, destination: str, reason: Reason) -> None:
        """A try to tell `destination` of `reason` was held up until its lease had gone to another, and then may have
        arrived after what followed it.

        If so, that was the last word, and a wrong one: what is so now is said again. A word too many does less harm.
        """
        believer = self._out.believers.get(destination)
        if believer is not None and (believer.state == "ended") is not (reason is Reason.RESOLVED):
            self._say_again(believer, f"said again: {reason} may have come after it")

    def was_overtaken(self, destination: str) -> None:
        """It ended for `destination` while a digest that says it fires was on its way: the end, which left by itself,
        may have come first.
        """
        believer = self._out.believers.get(destination)
        if believer is not None and believer.state == "ended" and believer.deliver is not Deliver.DIGEST:
            self._say_again(believer, "said again: the digest that told of it may have come after it")

    def _say_again(self, believer: Believer, why: str) -> None:
        destination = believer.destination
        if believer.state == "ended":
            truth, is_wanted = Reason.RESOLVED, self._carries(destination, Reason.RESOLVED)
        else:
            knows = believer.told_at is not None
            truth, is_wanted = Reason.REPEATED, knows and self._incident.status is IncidentStatus.FIRING
        said = FIRING_NEWS if truth is Reason.REPEATED else {truth}
        follows = any(each.reason in said and each.surely_here for each in self._out.lane(destination))
        if is_wanted and not follows:
            self._out.send(believer, truth, self._now, why)

    # What follows for one destination

    def _still_believing(self) -> list[Believer]:
        return [each for each in self._out.believers.values() if each.state != "ended"]

    def _is_not_for(self, subscriber: Believer, before: Believer | None, why: str) -> None:
        reason = Reason.UPDATED if before is not None and before.state != "ended" else Reason.OPENED
        self._out.note(subscriber, reason, "suppressed", why)

    def _begin(self, believer: Believer, why: str, due_at: datetime, reason: Reason = Reason.OPENED) -> None:
        self._out.believers[believer.destination] = believer
        if believer.deliver is Deliver.DIGEST:
            self._out.into_digest(believer, reason, why)
        else:
            begun = self._out.send(believer, reason, due_at, why)
            self._out.take_from_digest(believer.destination, "left the digest: delivered immediately", begun)

    def _believes_again(self, believer: Believer) -> Believer:
        """It fires again before the news of its end has left: then that news is taken back, and nothing ended."""
        lane, end = self._out.lane(believer.destination), frozenset({Reason.RESOLVED})
        is_alone = any(delivery.reason is Reason.RESOLVED and delivery.surely_here for delivery in lane)
        in_digest = self._out.take_back(believer.destination, end, "fired again before it left")
        if not is_alone and not in_digest:
            return believer
        self._out.withdraw(believer.destination, end, "fired again before it left")
        state = "told" if believer.last_told_at else "pending"
        knew_at = self._now if is_alone and not self._out.tells_that_it_fires(believer.destination) else None
        again = replace(believer, state=state, told_at=believer.told_at or knew_at, ended_at=None)
        self._out.believers[believer.destination] = again
        return again

    def _raise(self, believer: Believer, route: Route, severity: Severity) -> None:
        mode = route.deliver[severity]
        if mode is not Deliver.IMMEDIATE:
            worse = replace(believer, severity=severity)
            self._out.believers[believer.destination] = worse
            self._news(worse)
            return
        before = min(believer.severity, self._severity_before)
        why = f"raised from {before.word}; {_choice(route, severity)}"
        paged = replace(believer, severity=severity, deliver=Deliver.IMMEDIATE, route=route.path)
        self._out.believers[believer.destination] = paged
        unsent = self._out.unsent_news(believer.destination)
        if unsent is None:
            raised = self._out.send(paged, Reason.RAISED, self._now, why)
        else:
            self._out.revise(unsent, Reason.OPENED if unsent.reason is Reason.OPENED else Reason.RAISED, severity)
            raised = self._out.note(paged, Reason.RAISED, "pending", why, delivery_id=unsent.id)
        self._out.take_from_digest(believer.destination, "left the digest: severity raised", raised)

    def _hurry(self, believer: Believer, route: Route, severity: Severity) -> None:
        """It is no worse than what a digest tells of, but the route of this alert does not wait for digests."""
        if self._incident.status is IncidentStatus.ACKNOWLEDGED or self._out.unsent_news(believer.destination):
            self._news(believer)
            return
        at_once = replace(
            believer, severity=max(severity, believer.severity), deliver=Deliver.IMMEDIATE, route=route.path
        )
        opened = self._out.send(at_once, Reason.OPENED, self._now, _choice(route, severity))
        self._out.take_from_digest(believer.destination, "left the digest: delivered immediately", opened)

    def _tell_that_it_flaps(self, believer: Believer) -> None:
        unsent = self._out.unsent_news(believer.destination)
        why = "an alert began and ended too often; quiet until it is stable"
        if unsent is not None:
            self._out.revise(unsent, Reason.FLAPPING, max(unsent.severity, believer.severity))
        elif believer.deliver is not Deliver.DIGEST:
            self._out.send(believer, Reason.FLAPPING, self._now, why)
        elif not self._out.news_waits(believer.destination):
            self._out.into_digest(believer, Reason.FLAPPING, why)

    def _news(self, believer: Believer) -> None:
        """Something changed that is worth an update, in its time."""
        if self._out.unsent_news(believer.destination) is not None:
            return
        if self._incident.status is IncidentStatus.ACKNOWLEDGED:
            why = f"acknowledged by {self._incident.acknowledged_by}"
            self._out.note(believer, Reason.UPDATED, "suppressed", why)
        elif believer.deliver is Deliver.DIGEST:
            if not self._out.news_waits(believer.destination):
                self._out.into_digest(believer, Reason.UPDATED, f"route {believer.route}: waits for the digest")
        elif self._out.news_waits(believer.destination):  # in a storm: what its summary says is read when it leaves
            return
        elif believer.last_told_at is None and not self._is_on_its_way(believer.destination):
            why = "the opening had been muted" if believer.held else "the opening had failed"
            self._out.send(believer, Reason.OPENED, self._now, why)
        else:
            interval = timedelta(seconds=believer.group_interval_seconds)
            due = max(self._now, (believer.last_told_at or self._now) + interval)
            why = f"bundled by group_interval {_spoken(interval.total_seconds())}"
            self._out.send(believer, Reason.UPDATED, due, why)

    def _unmute(self, believer: Believer, route: Route, severity: Severity, why: str) -> None:
        """It hears of it now: at once, or in its next digest, as its route has it."""
        hurried = believer.deliver is Deliver.IMMEDIATE or route.deliver[severity] is Deliver.IMMEDIATE
        hearer = replace(
            believer,
            severity=max(believer.severity, severity),
            deliver=Deliver.IMMEDIATE if hurried else Deliver.DIGEST,
            route=route.path,
        )
        self._out.believers[believer.destination] = hearer
        if not hurried:
            if not self._out.news_waits(hearer.destination):
                self._out.into_digest(hearer, Reason.UNMUTED, why)
        elif self._out.unsent_news(hearer.destination) is None:
            self._out.send(hearer, Reason.UNMUTED, self._now, why)

    def _end(self, believer: Believer, why: str) -> None:
        name = believer.destination
        may_know = believer.told_at is not None or self._may_be_hearing(name)
        ended = replace(believer, state="ended", ended_at=self._now)
        self._out.believers[name] = ended
        if not self._carries(name, Reason.RESOLVED):
            noted = self._out.note(ended, Reason.RESOLVED, "suppressed", "send_resolved: false")
        elif believer.deliver is Deliver.DIGEST and (may_know or self._out.news_waits(name)):
            self._out.into_digest(ended, Reason.RESOLVED, why)
            return
        elif self._out.news_waits(name) and not may_know and self._out.is_in_storm(name):
            noted = self._out.into_summary(ended, Reason.RESOLVED, why)  # which lists it as ended
        elif may_know:
            noted = self._out.send(ended, Reason.RESOLVED, self._now, why)
        elif self._out.news_waits(name):  # from a time when it was less urgent: that digest lists it as ended
            noted = self._out.into_digest(ended, Reason.RESOLVED, why)
        else:
            why = f"{why}; the opening {'was muted' if believer.held else 'had not left'}: both cancel"
            noted = self._out.note(ended, Reason.RESOLVED, "suppressed", why)
        self._out.withdraw(name, NOT_THE_END, "ended before it left", noted)

    def _may_be_hearing(self, destination: str) -> bool:
        """Whether a message that it fires is being sent, or may have been taken."""
        lane = self._out.lane(destination)
        leaving = any(not each.surely_here and each.reason is not Reason.RESOLVED for each in lane)
        return leaving or self._out.is_in_made_digest(destination)

    def _is_on_its_way(self, destination: str) -> bool:
        """Whether anything is, by itself or in a digest that has been made."""
        return bool(self._out.lane(destination)) or self._out.is_in_made_digest(destination)

    def _show(self, believer: Believer, reason: Reason, why: str) -> None:
        """Tell a change of hands to a channel that carries such news and has heard of the incident."""
        heard = believer.told_at is not None or bool(self._out.lane(believer.destination))
        if heard and believer.deliver is Deliver.IMMEDIATE and self._carries(believer.destination, reason):
            self._out.send(believer, reason, self._now, why)

    def _remind(self, believer: Believer) -> None:
        interval = timedelta(seconds=believer.repeat_interval_seconds)
        self._out.remind(believer, max((believer.last_told_at or self._now) + interval, self._now))

    def _carries(self, destination: str, reason: Reason) -> bool:
        """Whether the channel carries such news. One that is no longer configured is assumed to: it may return."""
        hears = self._hears.get(destination)
        return hears is None or reason in hears


def _subscriber(destination: Destination, route: Route, severity: Severity, before: Believer | None) -> Believer:
    """Who is to be told because of `route`, and how. Nothing has been told yet."""
    return Believer(
        destination=destination.id,
        receiver=route.receiver,
        route=route.path,
        state="pending",
        deliver=route.deliver[severity],
        digest=route.digest,
        severity=severity,
        group_interval_seconds=route.timing.group_interval.total_seconds(),
        repeat_interval_seconds=route.timing.repeat_interval.total_seconds(),
        sequence=before.sequence if before else 0,
    )


def _choice(route: Route, severity: Severity) -> str:
    return f"route {route.path}: {severity.word} is {_MODE_WORDS[route.deliver[severity]]}"


_MODE_WORDS: Mapping[Deliver, str] = {
    Deliver.IMMEDIATE: "delivered immediately",
    Deliver.DIGEST: "delivered in a digest",
    Deliver.NONE: "kept in history only",
}


def _spoken(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
