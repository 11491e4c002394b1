"""The configurations that were in force: kept, and the last of them found again when the file is broken."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, inspect, select, update

from alertsvc.store.tables import configuration

MOST_KEPT = 50


@dataclass(frozen=True, slots=True)
class Kept:
    """A configuration file as it was taken, with the files it names. `version` is of the service that took it."""

    fingerprint: str
    text: str = field(repr=False)
    templates: Mapping[str, str]
    version: str


def keep(conn: Connection, taken: Kept, now: datetime) -> bool:
    """The configuration is in force from now on. True when there was none with this content yet.

    Of two replicas that do so at once with the same new file one fails, and has nothing left to do.
    """
    known = update(configuration).where(configuration.c.fingerprint == taken.fingerprint)
    later = func.max if conn.dialect.name == "sqlite" else func.greatest
    if conn.execute(known.values(last_used_at=later(configuration.c.last_used_at, now))).rowcount:
        return False
    row = {
        "fingerprint": taken.fingerprint,
        "text": taken.text,
        "templates": dict(taken.templates),
        "version": taken.version,
        "first_used_at": now,
        "last_used_at": now,
    }
    conn.execute(insert(configuration), [row])
    newest = select(configuration.c.fingerprint).order_by(configuration.c.last_used_at.desc()).limit(MOST_KEPT)
    conn.execute(delete(configuration).where(configuration.c.fingerprint.not_in(newest)))
    return True


def last(conn: Connection) -> Kept | None:
    """The configuration that was in force last, or None: also when the database has no place for them yet."""
    if not inspect(conn).has_table(configuration.name):
        return None
    newest = select(configuration).order_by(configuration.c.last_used_at.desc()).limit(1)
    row = conn.execute(newest).one_or_none()
    return None if row is None else Kept(row.fingerprint, row.text, row.templates, row.version)


def forget(conn: Connection) -> int:
    """None is kept any longer. Returns how many there were."""
    return conn.execute(delete(configuration)).rowcount
