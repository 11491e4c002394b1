"""What people do to an incident. A repeated act changes nothing; an impossible one is refused with the reason."""

from dataclasses import dataclass, replace

from alertsvc.core.effects import Effects, HistoryEntry
from alertsvc.core.incidents import NONE_FIRING, Firing, Incident, Situation, with_firing
from alertsvc.core.model import IncidentStatus
from alertsvc.core.rules import Moment
from alertsvc.core.tell import Telling


class NotPossibleError(Exception):
    """The incident is in a state in which this cannot be done. The text is for people."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, through which door (`api`, `slack`, `email link`, ...), and what they had to say."""

    name: str
    channel: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """The incident after an act and what follows; `effects` is None when nothing changed."""

    incident: Incident
    effects: Effects | None


def acknowledge(situation: Situation, actor: Actor, moment: Moment) -> Act:
    """Somebody takes it: repeats stop. It stays with the first who took it.

    Raises:
        NotPossibleError: It is resolved.
    """
    incident = _of(situation)
    if incident.status is IncidentStatus.ACKNOWLEDGED:
        return Act(incident, None)
    if not incident.is_open:
        raise NotPossibleError("a resolved incident cannot be acknowledged; reopen it first")
    after = replace(
        incident.next(moment.now),
        status=IncidentStatus.ACKNOWLEDGED,
        acknowledged_at=moment.now,
        acknowledged_by=actor.name,
    )
    telling = Telling(after, situation, moment)
    telling.is_acknowledged(actor.name)
    return _done("acknowledged", after, telling, actor, moment)


def unacknowledge(situation: Situation, actor: Actor, moment: Moment) -> Act:
    """Somebody gives it back: it wants attention again.

    Raises:
        NotPossibleError: It is resolved.
    """
    incident = _of(situation)
    if incident.status is IncidentStatus.FIRING:
        return Act(incident, None)
    if not incident.is_open:
        raise NotPossibleError("a resolved incident is not acknowledged by anybody")
    after = replace(incident.next(moment.now), status=IncidentStatus.FIRING, acknowledged_at=None, acknowledged_by=None)
    telling = Telling(after, situation, moment)
    telling.is_unacknowledged(f"unacknowledged by {actor.name}")
    return _done("unacknowledged", after, telling, actor, moment)


def resolve(situation: Situation, actor: Actor, moment: Moment) -> Act:
    """Somebody says it is over. Its alerts count as ended until their source begins a new episode."""
    incident = _of(situation)
    if not incident.is_open:
        return Act(incident, None)
    after = replace(
        with_firing(incident, NONE_FIRING, moment.now).next(moment.now),
        status=IncidentStatus.RESOLVED,
        resolved_at=moment.now,
        resolved_by=actor.name,
    )
    telling = Telling(after, situation, moment)
    telling.ends(f"resolved by {actor.name}")
    return _done("resolved", after, telling, actor, moment)


def reopen(situation: Situation, firing: Firing, actor: Actor, moment: Moment) -> Act:
    """Somebody says it is not over. `firing` are the alerts that a person's resolve had closed."""
    incident = _of(situation)
    if incident.is_open:
        return Act(incident, None)
    after = replace(
        with_firing(incident, firing, moment.now).next(moment.now),
        status=IncidentStatus.FIRING,
        resolved_at=None,
        resolved_by=None,
        acknowledged_at=None,
        acknowledged_by=None,
    )
    telling = Telling(after, situation, moment)
    for believer in situation.believers.values():
        telling.fires_again_for(believer, f"reopened by {actor.name}")
    return _done("reopened", after, telling, actor, moment)


def comment(situation: Situation, actor: Actor, moment: Moment) -> Act:
    """Somebody writes a line into the timeline."""
    after = _of(situation).next(moment.now)
    return _done("comment", after, Telling(after, situation, moment), actor, moment)


def accept(situation: Situation, actor: Actor, moment: Moment, what: str) -> Act:
    """Somebody takes `what` one of its alerts is now as normal."""
    after = _of(situation).next(moment.now)
    line = f"{what} as it is now is the new normal"
    said = replace(actor, comment=f"{line}: {actor.comment}" if actor.comment else line)
    return _done("accepted", after, Telling(after, situation, moment), said, moment)


def _of(situation: Situation) -> Incident:
    if situation.incident is None:
        raise LookupError("there is no incident to act on")
    return situation.incident


def _done(kind: str, after: Incident, telling: Telling, actor: Actor, moment: Moment) -> Act:
    effects = telling.finish()
    effects.changed.append(after)
    effects.history.append(HistoryEntry(after.id, moment.now, kind, actor.name, actor.channel, actor.comment))
    return Act(after, effects)
