"""What time alone does to alerts, done as events would do it, so that the books balance.

An alert ends that nobody repeats any more although that was promised; where nothing was, people are told that nobody
does. One that flapped and has been stable for long enough is told of again.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from alertsvc.core.model import Event
from alertsvc.core.rules import Moment
from alertsvc.engine.admit import admit, admit_one_by_one
from alertsvc.engine.receipts import Receipt
from alertsvc.engine.submissions import Submission
from alertsvc.store import overdue
from alertsvc.store.database import Database, StoreUnavailableError

log = logging.getLogger(__name__)

SOURCE = "clock"
AT_ONCE = 500


Find = Callable[[Connection, datetime, int], list[Event]]
"""At most so many events that the clock has for alerts at an instant; the alerts are held."""


async def end_overdue(database: Database, moment: Moment) -> int:
    """End a step of the alerts whose promise has passed. Returns how many that were; 0: there are no more.

    Raises:
        StoreUnavailableError: None has ended.
    """
    return await _take_in(database, moment, overdue.ends)


async def settle_stable(database: Database, moment: Moment) -> int:
    """Let a step of the alerts that flapped and are stable now count as such. Returns as `end_overdue`.

    Raises:
        StoreUnavailableError: None does.
    """
    return await _take_in(database, moment, overdue.settled)


async def notice_silence(database: Database, moment: Moment, hears_since: datetime) -> int:
    """Notice a step of the alerts that their sources tell of no more, as far as that could be heard.

    Returns as `end_overdue`.

    Raises:
        StoreUnavailableError: Nothing is noticed.
    """
    find = partial(overdue.silent, hears_since=hears_since, stale_after=moment.rules.stale_after)
    return await _take_in(database, moment, find)


async def _take_in(database: Database, moment: Moment, find: Find) -> int:
    if not await database.snapshot(partial(overdue.is_any, now=moment.now)):
        return 0
    try:
        return await database.transaction(partial(_together, moment, find))
    except StoreUnavailableError:
        raise
    except Exception:
        log.exception("expiry: alerts could not be ended together; each is tried alone")
        return await database.transaction(partial(_one_by_one, moment, find))


def _found(conn: Connection, moment: Moment, find: Find) -> Submission | None:
    events = find(conn, moment.now, AT_ONCE)
    return Submission(moment.new_id(), SOURCE, moment.now, events, b"") if events else None


def _together(moment: Moment, find: Find, conn: Connection) -> int:
    submission = _found(conn, moment, find)
    return _told(admit(conn, [submission], moment)[0]) if submission else 0


def _one_by_one(moment: Moment, find: Find, conn: Connection) -> int:
    """What cannot be ended is in the quarantine then, and left alone: it must not keep the others from ending."""
    submission = _found(conn, moment, find)
    if submission is None:
        return 0
    receipt = admit_one_by_one(conn, submission, moment)
    overdue.leave(conn, [item.fingerprint for item in receipt.items if item.failure is not None])
    return _told(receipt)


def _told(receipt: Receipt) -> int:
    log.info(
        "expiry: %d alerts ended, or are stable again, or are confirmed no more, by the clock", receipt.counts.updated
    )
    return len(receipt.items)
