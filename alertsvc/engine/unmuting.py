"""Looks again at news that was kept back once its mute may have ended, and tells what still fires."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.effects import Released
from alertsvc.core.incidents import Believer
from alertsvc.core.model import Deliver, Labels, Severity
from alertsvc.core.mutes import Ended, Mute, MuteKind, Mutes, silence_ref
from alertsvc.core.route import Destination, Route
from alertsvc.core.rules import Moment
from alertsvc.core.severity import with_severity
from alertsvc.core.silences import Silence
from alertsvc.core.subscribers import subscribers
from alertsvc.core.tell import Telling
from alertsvc.engine.apply import apply_effects
from alertsvc.engine.muting import kept_back, mutes_for, silence_of
from alertsvc.engine.storming import with_storms
from alertsvc.store import alerts, incidents, mutes, silences
from alertsvc.store.mutes import Held


@dataclass(frozen=True, slots=True)
class _Fires:
    """An alert that fires, and the route that sends it to a destination."""

    labels: Labels
    severity: Severity
    destination: Destination
    route: Route


def look_again(incident_id: UUID, moment: Moment, conn: Connection) -> int:
    """See what still keeps news of an incident back, and tell what nothing does any more. Returns how much it was."""
    situation = incidents.situation(conn, incident_id)
    held = mutes.of_incident(conn, incident_id, moment.now)
    if situation is None or situation.incident is None or not situation.incident.is_open:
        mutes.forget(conn, [incident_id])
        return len(held)
    fires = _firing(conn, incident_id, moment)
    in_force = mutes_for(conn, moment.rules, moment.now, [each.labels for each in fires])
    deciding = with_storms(conn, moment)
    telling = Telling(situation.incident, situation, deciding)
    known_silences = _silences(conn, held)
    for name in dict.fromkeys(each.destination for each in held if each.is_due):
        rows = [each for each in held if each.destination == name]
        lane = [each for each in fires if each.destination.id == name]
        ended = Ended(frozenset(), known_silences, moment.rules.inhibit, moment.rules.timed_by.get(name, frozenset()))
        _look_at_lane(telling, rows, lane, in_force, ended)
        if not lane:
            _tell_elsewhere(telling, fires, situation.believers, in_force)
    apply_effects(conn, telling.finish(), deciding)
    strangers = {each.destination for each in held} - situation.believers.keys()
    mutes.release(conn, [Released(incident_id, name, frozenset(each.ref for each in held)) for name in strangers])
    return len(held)


def _look_at_lane(
    telling: Telling,
    held: Sequence[Held],
    fires: Sequence[_Fires],
    in_force: Mutes,
    ended: Ended,
) -> None:
    still: dict[str, Mute] = {}
    free: list[_Fires] = []
    for each in fires:
        found = in_force.on(each.labels, each.route)
        still |= {mute.ref: mute for mute in found}
        if not found and each.route.deliver[each.severity] is not Deliver.NONE:
            free.append(each)
    over = {each.ref: each.said for each in held if each.is_due and each.ref not in still}
    telling.mutes_have_changed(held[0].destination, frozenset(over), tuple(still.values()))
    ended = replace(ended, refs=frozenset(over))
    never_told = telling.knows_nothing(held[0].destination)
    heard = [each for each in free if never_told or ended.held(each.labels, each.route)]
    if heard:
        worst = max(heard, key=_urgency)
        why = f"the mute has ended: {'; '.join(over.values())}"
        telling.mute_has_ended(worst.destination, worst.route, worst.severity, why, worst.labels.get("alertname", ""))


def _tell_elsewhere(telling: Telling, fires: Sequence[_Fires], known: Mapping[str, Believer], in_force: Mutes) -> None:
    """What was kept from a destination is routed to others by now, some of which have never heard of the incident."""
    for each in fires:
        if each.destination.id not in known:
            found = in_force.on(each.labels, each.route)
            if found:
                telling.is_muted(each.destination, each.route, each.severity, found)
            else:
                telling.fires(each.destination, each.route, each.severity, each.labels.get("alertname", ""))


def _urgency(each: _Fires) -> tuple[bool, Severity]:
    return (each.route.deliver[each.severity] is Deliver.IMMEDIATE, each.severity)


def _firing(conn: Connection, incident_id: UUID, moment: Moment) -> list[_Fires]:
    return [
        _Fires(labels, alert.severity, destination, route)
        for alert in alerts.firing_of(conn, incident_id)
        for labels in (with_severity(alert.labels, alert.severity, alert.source),)
        for destination, route in subscribers(moment.rules, labels)
    ]


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
