"""What muted a notification: all of it, since each mute is asked afterwards what it hid."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.store.bulk import insert_rows
from alertsvc.store.insertions import Insertions
from alertsvc.store.tables import notification_mute


@dataclass(frozen=True, slots=True)
class Suppression:
    """The notification `notification_id` was not told because of the mutes `refs`."""

    notification_id: UUID
    refs: Sequence[str]
    muted_at: datetime


def first_of(refs: Sequence[str]) -> str | None:
    """The mute that the notification itself names, if any: one is enough to say why."""
    return refs[0] if refs else None


def add(new: Insertions, suppressions: Iterable[Suppression]) -> None:
    """Have it written what muted notifications that are written with it."""
    new.add(notification_mute, _rows(suppressions), on_conflict=_ONCE)


def write(conn: Connection, suppressions: Iterable[Suppression]) -> None:
    """Write what muted notifications that are there already."""
    insert_rows(conn, notification_mute, _rows(suppressions), on_conflict=_ONCE)


_ONCE = "ON CONFLICT (notification_id, ref) DO NOTHING"


def _rows(suppressions: Iterable[Suppression]) -> list[dict[str, object]]:
    return [
        {"notification_id": each.notification_id, "ref": ref, "muted_at": each.muted_at}
        for each in suppressions
        for ref in each.refs
    ]
