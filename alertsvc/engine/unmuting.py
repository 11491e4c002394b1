"""Looks again at news that was kept back once its mute may have ended, and tells what still fires."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.effects import Effects, Released
from alertsvc.core.incidents import Incident, Situation
from alertsvc.core.model import Deliver, Severity
from alertsvc.core.mutes import Ended, Mute, MuteKind, Mutes, silence_ref
from alertsvc.core.rules import Moment, Rules
from alertsvc.core.silences import Silence
from alertsvc.core.tell import Telling
from alertsvc.engine.apply import apply_effects
from alertsvc.engine.firing import Fires, fires_of
from alertsvc.engine.muting import kept_back, mutes_for, silence_of
from alertsvc.engine.storming import with_storms
from alertsvc.store import incidents, mutes, silences
from alertsvc.store.mutes import DueIncident, Held

INCIDENTS_TOGETHER = 50
ALERTS_TOGETHER = 2000


@dataclass(frozen=True, slots=True)
class _Mutings:
    """What mutes by the rules in force, and the silences that what is kept back names."""

    in_force: Mutes
    silences: Mapping[str, Silence]
    rules: Rules

    def ended(self, destination: str, refs: Iterable[str]) -> Ended:
        """The mutes `refs` of a destination, which are over."""
        names = self.rules.timed_by.get(destination, frozenset())
        return Ended(frozenset(refs), self.silences, self.rules.inhibit, names)


def together(due: Iterable[DueIncident]) -> Iterator[list[UUID]]:
    """The incidents that one transaction looks at again, one such list after the other, in the order given.

    What is read for each costs a round trip: many share them. But they must not hold what others wait for too long.
    """
    listed: list[UUID] = []
    alert_count = 0
    for each in due:
        if listed and (len(listed) == INCIDENTS_TOGETHER or alert_count + each.firing_count > ALERTS_TOGETHER):
            yield listed
            listed, alert_count = [], 0
        listed.append(each.id)
        alert_count += each.firing_count
    if listed:
        yield listed


def look_again(incident_ids: Sequence[UUID], moment: Moment, conn: Connection) -> int:
    """See what still keeps news of incidents back, and tell what nothing does any more, of the first of them first.

    Returns how much it was.
    """
    situations = _open(conn, incident_ids, moment.now)
    held = mutes.of_incidents(conn, incident_ids, moment.now)
    mutes.forget(conn, [each for each in incident_ids if each not in situations])
    fires = fires_of(conn, situations, moment.rules)
    in_force = mutes_for(conn, moment.rules, moment.now, [each.labels for listed in fires.values() for each in listed])
    silenced = _silences(conn, (each for listed in held.values() for each in listed))
    mutings = _Mutings(in_force, silenced, moment.rules)
    deciding = with_storms(conn, moment)
    effects = Effects()
    for incident_id in incident_ids:
        if incident_id in situations:
            incident, situation = situations[incident_id]
            telling = Telling(incident, situation, deciding)
            kept = held.get(incident_id, [])
            _look_at(telling, kept, fires.get(incident_id, []), mutings)
            effects.add(telling.finish())
            effects.released += _of_strangers(incident_id, kept, situation)
    apply_effects(conn, effects, deciding)
    return sum(map(len, held.values()))


def _open(conn: Connection, incident_ids: Sequence[UUID], now: datetime) -> dict[UUID, tuple[Incident, Situation]]:
    """Those of the incidents that are open. All are held until the transaction ends."""
    found = ((each.incident, each) for each in incidents.situations(conn, incident_ids, (), now))
    return {incident.id: (incident, each) for incident, each in found if incident is not None and incident.is_open}


def _of_strangers(incident_id: UUID, held: Sequence[Held], situation: Situation) -> list[Released]:
    """What was kept from destinations that believe nothing is kept from nobody."""
    strangers = sorted({each.destination for each in held} - situation.believers.keys())
    return [Released(incident_id, name, frozenset(each.ref for each in held)) for name in strangers]


def _look_at(telling: Telling, held: Sequence[Held], fires: Sequence[Fires], mutings: _Mutings) -> None:
    for name in dict.fromkeys(each.destination for each in held if each.is_due):
        rows = [each for each in held if each.destination == name]
        _look_at_lane(telling, rows, [each for each in fires if each.destination.id == name], mutings)


def _look_at_lane(telling: Telling, held: Sequence[Held], fires: Sequence[Fires], mutings: _Mutings) -> None:
    name = held[0].destination
    still: dict[str, Mute] = {}
    free: list[Fires] = []
    for each in fires:
        found = mutings.in_force.on(each.labels, each.route)
        still |= {mute.ref: mute for mute in found}
        if not found and each.is_told:
            free.append(each)
    over = {each.ref: each.said for each in held if each.is_due and each.ref not in still}
    telling.mutes_have_changed(name, frozenset(over), tuple(still.values()))
    ended, never_told = mutings.ended(name, over), telling.knows_nothing(name)
    if never_told and not fires:
        telling.need_not_hear(name)
    heard = [each for each in free if never_told or ended.held(each.labels, each.route)]
    if heard:
        worst = max(heard, key=_urgency)
        why = f"the mute has ended: {'; '.join(over.values())}"
        telling.mute_has_ended(worst.destination, worst.route, worst.severity, why, worst.labels.get("alertname", ""))


def _urgency(each: Fires) -> tuple[bool, Severity]:
    return (each.route.deliver[each.severity] is Deliver.IMMEDIATE, each.severity)


def _silences(conn: Connection, held: Iterable[Held]) -> dict[str, Silence]:
    prefix = f"{MuteKind.SILENCE}:"
    ids = {UUID(each.ref.removeprefix(prefix)) for each in held if each.ref.startswith(prefix)}
    found = [silence_of(record) for record in silences.by_ids(conn, ids)] if ids else []
    return {silence_ref(silence): silence for silence in found}


def mute_digest_entries(incident_id: UUID, destinations: Iterable[str], moment: Moment, conn: Connection) -> int:
    """A digest is about to be made: what is muted by now is not to be in it. Returns for how many destinations."""
    situation = incidents.situation(conn, incident_id)
    if situation is None or situation.incident is None:
        return 0
    telling = Telling(situation.incident, situation, moment)
    muted = 0
    for destination in destinations:
        found = kept_back(conn, moment.rules, moment.now, incident_id, destination)
        if found:
            telling.digest_is_muted(destination, found)
            muted += 1
    apply_effects(conn, telling.finish(), moment)
    return muted
