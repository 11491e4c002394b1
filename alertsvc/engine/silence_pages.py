"""Lists of silences: by state, and by what they fit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.route import Matcher
from alertsvc.core.silences import SilenceState
from alertsvc.engine.muting import silence_of
from alertsvc.store import silences
from alertsvc.store.silences import SilenceRecord

STEP = 500
MOST_STEPS = 10
"""How many times as many are looked at for one page."""
ANY_STATE = frozenset(SilenceState)


@dataclass(frozen=True, slots=True)
class SilenceFilter:
    """Which silences: those in one of `states` that have each of `matchers` among their own.

    Those that ended before `ended_before` are left out.
    """

    states: Collection[SilenceState] = ANY_STATE
    matchers: Sequence[Matcher] = ()
    ended_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class SilencePage:
    """Silences, the newest first, and where the next page begins (None: that was all)."""

    items: Sequence[SilenceRecord]
    next_after: UUID | None = None


def silence_page(conn: Connection, wanted: SilenceFilter, now: datetime, after: UUID | None, limit: int) -> SilencePage:
    """At most `limit` silences older than `after`; fewer, with a next page, when most of what is there does not fit."""
    ended_before = now if SilenceState.EXPIRED not in wanted.states else wanted.ended_before
    found: list[SilenceRecord] = []
    for _ in range(MOST_STEPS):
        step = silences.page(conn, after, STEP, ended_before)
        found += [record for record in step if _fits(record, wanted, now)]
        if len(found) > limit:
            return SilencePage(found[:limit], found[limit - 1].id)
        if len(step) < STEP:
            return SilencePage(found)
        after = step[-1].id
    return SilencePage(found, after)


def _fits(record: SilenceRecord, wanted: SilenceFilter, now: datetime) -> bool:
    silence = silence_of(record)
    if any(matcher not in silence.matchers for matcher in wanted.matchers):
        return False
    return wanted.states == ANY_STATE or silence.state(now) in wanted.states
