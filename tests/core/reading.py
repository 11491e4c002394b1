"""Decisions as people would read them: who is told what, when, and why, a line each.

    team/chat | opened | now | route root: critical is delivered immediately
    team/chat | updated | at 09:05 | bundled by group_interval 0:05:00
    team/chat | opened | in the digest of 10:00 | route root: warning is delivered in a digest
    team/chat | raised | with opened, which leaves now as critical | raised from error; ...
    team/chat | updated | never | acknowledged by ann
    team/chat | opened | taken back for resolved | ended before it left

What nobody could read is an error here: a message that covers nothing, a notification that waits for nothing.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from alertsvc.core.effects import Delivery, Effects, Notification, incident_lane
from alertsvc.core.incidents import Believer, LiveDelivery, PendingNotification, Situation


def told(effects: Effects, *before: Situation) -> list[str]:
    """What `effects` come to, where `before` is what was known: what is told, what is taken back, who is reminded."""
    return _Reading(effects, before).lines()


def believe(effects: Effects) -> list[str]:
    """What destinations believe from now on: `team/chat told immediate critical`. Only those that changed."""
    changed = [each for _, each in (*effects.new_believers, *effects.believers)]
    return [_belief(each) for each in changed]


def _belief(each: Believer) -> str:
    return f"{each.destination} {each.state} {each.deliver} {each.severity.word}"


def clock(at: datetime) -> str:
    """The time of the day, with seconds if there are any."""
    return f"{at:%H:%M:%S}".removesuffix(":00")


class _Reading:
    def __init__(self, effects: Effects, before: Iterable[Situation]) -> None:
        situations = list(before)
        self._effects = effects
        self._live: dict[UUID, LiveDelivery] = {each.id: each for known in situations for each in known.live}
        self._pending: dict[UUID, PendingNotification | Notification] = {
            each.id: each for known in situations for each in known.pending
        }
        self._written: dict[UUID, Delivery] = {each.id: each for each in effects.deliveries}
        self._ended = {each.id: each for each in effects.ended}
        self._made = {each.id: each for each in effects.notifications}

    def lines(self) -> list[str]:
        self._check()
        said = [self._note(each) for each in self._effects.notifications if each.id not in self._ended]
        said += [self._taken_back(key) for key in self._ended]
        said += [f"{each.destination} | {each.kind} | at {clock(each.due_at)}" for each in self._effects.timers]
        return said + ["nobody is reminded" for _ in self._effects.quiet]

    def _note(self, each: Notification) -> str:
        return f"{each.destination} | {each.reason} | {self._when(each)} | {each.why}"

    def _when(self, each: Notification) -> str:
        if each.state != "pending":
            assert each.state == "suppressed", "nothing is delivered or has failed by deciding it"
            return "never"
        if each.digest_id is not None:
            (window, *_) = [found for found in self._effects.digests if found.id == each.digest_id]
            return f"in the digest of {clock(window.due_at)}"
        assert each.delivery_id is not None, "waits for nothing"
        made = self._written.get(each.delivery_id)
        if made is None:
            return f"with {self._live[each.delivery_id].reason}{self._revised(each.delivery_id)}"
        when = "now" if made.due_at == made.created_at else f"at {clock(made.due_at)}"
        return f"{when}, behind another" if made.behind else when

    def _revised(self, delivery_id: UUID) -> str:
        for each in self._effects.revised:
            if each.id == delivery_id:
                return f", which leaves at {clock(each.due_at)} as {each.reason} {each.severity.word}"
        return ""

    def _taken_back(self, key: UUID) -> str:
        end = self._ended[key]
        known = self._pending.get(key) or self._made[key]
        how = "taken back" if known.delivery_id else "out of the digest"
        instead = "" if end.superseded_by is None else f" for {self._made[end.superseded_by].reason}"
        assert end.state == "superseded"
        return f"{known.destination} | {known.reason} | {how}{instead} | {end.why}"

    def _check(self) -> None:
        covered = {each.delivery_id for each in self._effects.notifications if each.id not in self._ended}
        for each in self._effects.deliveries:
            assert each.id in covered, "a message that covers nothing"
            assert each.lane == incident_lane(each.incident_id or UUID(int=0), each.destination)
            assert each.expires_at > each.due_at >= each.created_at
        for each in self._effects.notifications:
            known = each.delivery_id is None or each.delivery_id in {*self._written, *self._live}
            assert known or each.id in self._ended, "a notification that waits for nothing"
        for each in self._effects.withdrawn:
            found = self._live[each.id]
            assert found.state != "sending", "takes back what is being sent"
            assert each.lane.endswith(f"/{found.destination}")
            notes = [key for key, note in self._pending.items() if note.delivery_id == each.id]
            assert notes, "a message that covered nothing"
            assert {self._ended[key].why for key in notes} == {each.why}
