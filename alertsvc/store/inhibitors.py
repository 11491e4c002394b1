"""The firing alerts that mute others, by the places they mute from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, delete, func, select

from alertsvc.core.inhibition import Place, Source, Sources
from alertsvc.core.model import AlertState, Labels
from alertsvc.store.bulk import among, insert_rows, not_among
from alertsvc.store.tables import alert, incident, inhibitor


def add(conn: Connection, sources: Sequence[tuple[UUID, Source]]) -> None:
    """Alerts that fire mute others from now on."""
    rows = [
        {
            "alert_id": alert_id,
            "rule_key": source.place.rule_key,
            "place": str(source.place),
            "fingerprint": source.fingerprint,
            "two_sided": source.two_sided,
        }
        for alert_id, source in sources
    ]
    insert_rows(conn, inhibitor, rows, on_conflict="ON CONFLICT (alert_id, rule_key) DO NOTHING")


def drop(conn: Connection, alert_ids: Iterable[UUID]) -> list[str]:
    """Alerts mute no others any more. Returns the places, as text, from which they did."""
    listed = list(alert_ids)
    if not listed:
        return []
    gone = delete(inhibitor).where(among(conn, inhibitor.c.alert_id, listed)).returning(inhibitor.c.place)
    return list(conn.execute(gone).scalars())


def drop_of_incident(conn: Connection, incident_id: UUID) -> list[str]:
    """The alerts of an incident mute no others any more. Returns the places, as text, from which they did."""
    members = select(alert.c.id).where(alert.c.incident_id == incident_id)
    gone = delete(inhibitor).where(inhibitor.c.alert_id.in_(members)).returning(inhibitor.c.place)
    return list(conn.execute(gone).scalars())


def at_places(conn: Connection, places: Iterable[Place], besides: Iterable[str] = ()) -> Sources:
    """What fires at places, apart from the fingerprints `besides`. Of many at one place one of each kind is enough."""
    by_text: Mapping[str, Place] = {str(place): place for place in places}
    if not by_text:
        return {}
    i = inhibitor.c
    chosen = select(i.place, i.two_sided, func.min(i.fingerprint).label("fingerprint"))
    chosen = chosen.join(alert, alert.c.id == i.alert_id).where(
        among(conn, i.place, by_text), alert.c.state == AlertState.FIRING, not_among(conn, i.fingerprint, besides)
    )
    found: dict[Place, list[Source]] = {}
    for row in conn.execute(chosen.group_by(i.place, i.two_sided).order_by(i.place, i.two_sided)):
        place = by_text[row.place]
        found.setdefault(place, []).append(Source(place, row.fingerprint, row.two_sided))
    return {place: tuple(listed) for place, listed in found.items()}


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """A firing alert that mutes others from `place` (as text); the incident it is in by its number."""

    place: str
    fingerprint: str
    labels: Labels
    incident_number: int | None


def named(conn: Connection, places: Iterable[str]) -> dict[str, Inhibitor]:
    """By place, as text: one of the alerts that fire there and mute others, the same that `at_places` finds."""
    i = inhibitor.c
    chosen = select(i.place, i.fingerprint, alert.c.labels, incident.c.number)
    chosen = chosen.join(alert, alert.c.id == i.alert_id).outerjoin(incident, incident.c.id == alert.c.incident_id)
    chosen = chosen.where(among(conn, i.place, list(places)), alert.c.state == AlertState.FIRING)
    first_last = chosen.order_by(i.place, i.two_sided.desc(), i.fingerprint.desc())
    return {row.place: Inhibitor(*row) for row in conn.execute(first_last)}


def add_firing(conn: Connection, sources: Sequence[tuple[UUID, Source]]) -> None:
    """As `add`, for alerts that fired a moment ago: those that do so no more are left out, and the others held."""
    ids = {alert_id for alert_id, _ in sources}
    chosen = select(alert.c.id).where(among(conn, alert.c.id, ids), alert.c.state == AlertState.FIRING)
    firing = set(conn.execute(chosen.order_by(alert.c.fingerprint).with_for_update(key_share=True)).scalars())
    add(conn, [each for each in sources if each[0] in firing])
