"""Forgets what is old while the service works: in transactions that are short, with room between them for others."""

import asyncio
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.engine.wall import Ticks
from alertsvc.store.database import Database
from alertsvc.store.forgetting import PARTS, forget_some
from alertsvc.store.housekeeping import STEP, Retention

FIRST_STEP = 10
"""Rows. An incident takes all that hangs on it along: how much that is shows when it is done."""
WANTED_SECONDS = 0.02
"""So long a transaction is to take: on SQLite everybody who writes waits for it."""


async def forget_all(database: Database, keep: Retention, now: datetime, ticks: Ticks) -> int:
    """Delete what is older than it is to be kept. Returns how many rows, without what hung on them.

    Raises:
        StoreUnavailableError: What is left is forgotten next time.
    """
    return sum([await _forget_part(database, part, keep, now, ticks) for part in PARTS])


async def _forget_part(database: Database, part: str, keep: Retention, now: datetime, ticks: Ticks) -> int:
    gone, size = 0, FIRST_STEP
    while True:
        began = ticks()
        step = await database.transaction(partial(_forget, part, keep, now, size))
        took = ticks() - began
        gone += step
        if step:
            failpoints.reach("forget.committed")
        if step < size:
            return gone
        size = fitting(size, took)
        await asyncio.sleep(took)


def fitting(size: int, took: float) -> int:
    """How many rows the next step takes, after one of `size` rows has taken so many seconds, waiting included."""
    fits = size * min(2.0, WANTED_SECONDS / took) if took > 0 else 2 * size
    return max(1, min(STEP, int(fits)))


def _forget(part: str, keep: Retention, now: datetime, limit: int, conn: Connection) -> int:
    gone = forget_some(conn, part, keep, now, limit)
    failpoints.reach("forget.written")
    return gone
