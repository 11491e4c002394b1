"""How much destinations were told lately, and the storms they are in."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, bindparam, func, select, update

from alertsvc.core.model import Severity
from alertsvc.core.storm import Single, StormMark, StormState
from alertsvc.core.storms import KnownStorm, Storms
from alertsvc.store.bulk import Among, insert_rows
from alertsvc.store.database import ConflictError
from alertsvc.store.insertions import Insertions
from alertsvc.store.tables import incident, notification, storm

_KNOWN = select(storm.c.destination, storm.c.state, storm.c.version).where(Among(storm.c.destination, "destinations"))
_VERSION = select(storm.c.version).where(storm.c.destination == bindparam("name")).with_for_update(read=True)
_UPDATE = (
    update(storm)
    .where(storm.c.destination == bindparam("name"), storm.c.version == bindparam("before"))
    .values(state=bindparam("state"), next_at=bindparam("next_at"), version=bindparam("version"))
)
_CHANGED = "what a destination was told lately has changed meanwhile"
_NEXT = """ON CONFLICT (destination) DO UPDATE
SET state = excluded.state, next_at = excluded.next_at, version = excluded.version
WHERE storm.version = excluded.version - 1"""
"""Only over the state that was decided on."""


def known(conn: Connection, destinations: Collection[str]) -> dict[str, KnownStorm]:
    """The states of those of `destinations` that were told anything yet. Nothing is held."""
    rows = conn.execute(_KNOWN, {"destinations": destinations})
    return {row.destination: KnownStorm(_state(row.state), row.version) for row in rows}


def read_from(rows: Iterable[tuple[str, int, str]]) -> dict[str, KnownStorm]:
    """As `known`, from rows that another statement read: destination, version, and the state as JSON."""
    return {name: KnownStorm(_state(msgspec.json.decode(text)), version) for name, version, text in rows}


def put_first(new: Insertions, storms: Storms) -> None:
    """As `save`, for a decision that lets nothing join a summary, with what is new, and before it: what two writers of
    news wait for they take in this order.
    """
    rows = [
        {"destination": name, **_row(state, storms.known.get(name, KnownStorm()).version)}
        for name, state in sorted(storms.changed.items())
    ]
    new.add(storm, rows, on_conflict=_NEXT, conflict=_CHANGED, is_first=True)


def save(conn: Connection, storms: Storms) -> None:
    """Write the states that a decision changed, and make sure that those it went by do not change before it is written.

    Raises:
        ConflictError: Another changed one of them meanwhile.
    """
    for destination in sorted(storms.joined | storms.changed.keys()):  # so no two writers wait crosswise
        before = storms.known.get(destination, KnownStorm())
        if destination in storms.changed:
            write(conn, destination, storms.changed[destination], before.version)
        elif conn.execute(_VERSION, {"name": destination}).scalar_one_or_none() != before.version:
            raise ConflictError(_CHANGED)


def write(conn: Connection, destination: str, state: StormState, version: int) -> None:
    """Write a state that was read at `version`.

    Raises:
        ConflictError: It is at another by now.
    """
    row = _row(state, version)
    if version == 0:
        fresh = {"destination": destination, **row}
        written = insert_rows(conn, storm, [fresh], on_conflict="ON CONFLICT (destination) DO NOTHING")
    else:
        written = conn.execute(_UPDATE, {"name": destination, "before": version, **row}).rowcount
    if written != 1:
        raise ConflictError(_CHANGED)


def _row(state: StormState, version: int) -> dict[str, Any]:
    return {"state": _json(state), "next_at": state.next_at, "version": version + 1}


def on(conn: Connection) -> dict[str, StormState]:
    """The destinations that are in a storm."""
    rows = conn.execute(select(storm.c.destination, storm.c.state).where(storm.c.next_at.is_not(None)))
    return {row.destination: _state(row.state) for row in rows}


def hold(conn: Connection, destination: str) -> KnownStorm | None:
    """The state of a destination, held until the transaction ends; None when it was told nothing yet."""
    row = conn.execute(select(storm).where(storm.c.destination == destination).with_for_update()).one_or_none()
    return None if row is None else KnownStorm(_state(row.state), row.version)


_COVERED = Among(notification.c.delivery_id, "delivery_ids")
_TOTALS = select(
    func.count(notification.c.incident_id.distinct()),
    func.count(notification.c.incident_id.distinct()).filter(incident.c.status != "resolved"),
).select_from(notification.join(incident, incident.c.id == notification.c.incident_id))


def totals(conn: Connection, told_in: Iterable[UUID]) -> tuple[int, int]:
    """How many incidents the summaries `told_in` had, and how many of them are open."""
    row = conn.execute(_TOTALS.where(_COVERED), {"delivery_ids": list(told_in)}).one()
    return int(row[0]), int(row[1])


def mark_json(mark: StormMark) -> dict[str, Any]:
    """How a window keeps the storm that it is of."""
    return {
        "id": str(mark.id),
        "since": mark.since.isoformat(),
        "is_over": mark.is_over,
        "incident_count": mark.incident_count,
        "open_count": mark.open_count,
    }


def mark_from(kept: Mapping[str, Any] | None) -> StormMark | None:
    """The storm that a window is of, if any."""
    if kept is None:
        return None
    since = datetime.fromisoformat(kept["since"])
    return StormMark(UUID(kept["id"]), since, kept["is_over"], kept["incident_count"], kept["open_count"])


def _json(state: StormState) -> dict[str, Any]:
    return {
        "recent": [[each.at.isoformat(), each.klass] for each in state.recent],
        "since": _spelled(state.since),
        "next_at": _spelled(state.next_at),
        "summed_at": _spelled(state.summed_at),
        "step": state.step,
        "classes": sorted(state.classes),
        "breakthroughs": [at.isoformat() for at in state.breakthroughs],
        "told_in": [str(each) for each in state.told_in],
        "worst": int(state.worst),
        "ended_at": _spelled(state.ended_at),
    }


def _state(kept: Mapping[str, Any]) -> StormState:
    return StormState(
        recent=tuple(Single(datetime.fromisoformat(at), klass) for at, klass in kept["recent"]),
        since=_read(kept["since"]),
        next_at=_read(kept["next_at"]),
        summed_at=_read(kept["summed_at"]),
        step=kept["step"],
        classes=frozenset(kept["classes"]),
        breakthroughs=tuple(map(datetime.fromisoformat, kept["breakthroughs"])),
        told_in=tuple(map(UUID, kept["told_in"])),
        worst=Severity(kept["worst"]),
        ended_at=_read(kept["ended_at"]),
    )


def _spelled(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
