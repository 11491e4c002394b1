"""Looks whether what is to come comes: a series' next observation, anything at all of a model, a watchdog.

Any replica looks, and all may at once: what to tell is decided from what is stored, and told in the transaction that
marks the series as told of.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.clock import Clock, NewId
from alertsvc.core import silent_models
from alertsvc.core.alerts import Alert, fired
from alertsvc.core.freshness import SOURCE, Watched, said_of_end, said_of_missing, turns, was_dismissed
from alertsvc.core.model import AlertState, Event, Labels
from alertsvc.core.observation import Trouble
from alertsvc.core.rules import Moment, Rules
from alertsvc.core.silent_models import silences
from alertsvc.engine.admit import admit
from alertsvc.engine.farewells import ended, known_alerts
from alertsvc.engine.submissions import Submission
from alertsvc.engine.watchdogs import turns_of_watchdogs
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.store import alerts, freshness
from alertsvc.store.database import Database, StoreUnavailableError

log = logging.getLogger(__name__)

AT_ONCE = 100
"""Series in one transaction. Each may be three alerts."""
MOST = 5000
"""Series that one look comes to; others wait for the next."""


class Freshness:
    """Looks again and again: `look` at series, `look_at_models` and `look_at_watchdogs` at those."""

    def __init__(
        self,
        database: Database,
        rules: Callable[[], Rules],
        clock: Clock,
        new_id: NewId,
        *,
        hears_since: Callable[[], datetime],
        something_is_due: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._rules = rules
        self._clock = clock
        self._new_id = new_id
        self._hears_since = hears_since
        self._something_is_due = something_is_due

    async def look(self) -> None:
        """Tell of observations that did not come, and that those came which did, or have a value again.

        Raises:
            StoreUnavailableError: What is left is told at the next look.
        """
        moment = Moment(self._rules(), self._clock(), self._new_id)
        hears_since = self._hears_since()
        find = partial(freshness.to_look_at, now=moment.now, hears_since=hears_since, limit=MOST)
        names = await self._database.snapshot(find)
        steps = (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))
        if sum([await self._tell(step, hears_since, moment) for step in steps]):
            self._something_is_due()

    async def look_at_models(self) -> None:
        """Tell of models of which nothing came, and that something came again.

        Raises:
            StoreUnavailableError: It is told at the next look.
        """
        await self._look_for(_turns_of_models)

    async def look_at_watchdogs(self) -> None:
        """Tell of alerts that always fire and do not come any more, and that they come again.

        Raises:
            StoreUnavailableError: It is told at the next look.
        """
        await self._look_for(turns_of_watchdogs)

    async def _look_for(self, turns_of: Callable[[datetime, Moment, Connection], list[Event]]) -> None:
        moment = Moment(self._rules(), self._clock(), self._new_id)
        hears_since = self._hears_since()
        if await self._database.snapshot(partial(turns_of, hears_since, moment)):
            await self._database.transaction(partial(_take_in_turns, turns_of, hears_since, moment))
            failpoints.reach("silences.committed")
            self._something_is_due()

    async def _tell(self, names: Sequence[str], hears_since: datetime, moment: Moment) -> int:
        """What cannot be told of together is told of alone: one that fails holds up no other."""
        try:
            told = await self._database.transaction(partial(_look_at, names, hears_since, moment))
        except StoreUnavailableError:
            raise
        except Exception:
            log.exception("freshness: %d series could not be told of, and are tried again", len(names))
        else:
            if told:
                failpoints.reach("freshness.committed")
            return told
        if len(names) == 1:
            return 0
        return sum([await self._tell([each], hears_since, moment) for each in names])


def _look_at(names: Sequence[str], hears_since: datetime, moment: Moment, conn: Connection) -> int:
    """Decide about series as they are now, tell, and mark them. Returns how many alerts changed."""
    watched = freshness.watched(conn, names)
    known = known_alerts(conn, watched)
    events: list[Event] = []
    marked: list[tuple[Watched, str | None]] = []
    for series in watched:
        about_it = known.get(series.fingerprint, {})
        changes, mark = turns(series, about_it, hears_since, moment.now)
        for trouble, state in changes.items():
            events.append(_event(series, trouble, state, about_it.get(trouble), moment))
        marked.append((series, mark))
    take_in(conn, events, moment)
    freshness.mark(conn, [each for each in marked if each[1] != each[0].trouble])
    if events:
        failpoints.reach("freshness.written")
    return len(events)


def take_in(conn: Connection, events: Sequence[Event], moment: Moment) -> None:
    """Have `events` do what events of any source do, in this transaction."""
    if not events:
        return
    admit(conn, [Submission(moment.new_id(), SOURCE, moment.now, events, b"")], moment)
    for event in events:
        log.info("freshness, %s: %s", event.state, event.annotations["summary"])


def _event(series: Watched, trouble: Trouble, state: AlertState, alert: Alert | None, moment: Moment) -> Event:
    """What is told of a series. That it has a value again was so when that was observed: a run without one that was
    made later may arrive later. Where its `alert` was, by a clock that was set back since, it is so now.
    """
    said = said_of_missing(series) if state is AlertState.FIRING else said_of_end(series, trouble)
    was_later = alert is not None and alert.observed_at is not None and alert.observed_at > series.last_observed_at
    at = moment.now if trouble is Trouble.MISSING or was_later else series.last_observed_at
    severity = moment.rules.freshness.severity
    return replace(ended(series, trouble, said, at), state=state, severity=severity)


def _take_in_turns(
    turns_of: Callable[[datetime, Moment, Connection], list[Event]],
    hears_since: datetime,
    moment: Moment,
    conn: Connection,
) -> None:
    take_in(conn, turns_of(hears_since, moment, conn), moment)
    failpoints.reach("silences.written")


def _turns_of_models(hears_since: datetime, moment: Moment, conn: Connection) -> list[Event]:
    """What is to be told of models: which are silent, and which no more."""
    every = {each.name: each.expect_event_every for each in moment.rules.models.values()}
    expected = {name: span for name, span in every.items() if span is not None}
    told = freshness.told_by(conn, silent_models.SOURCE)
    if not expected and not told:
        return []
    heard = freshness.heard(conn, expected)
    silent = {fingerprint(each.labels): each for each in silences(expected, heard, hears_since, moment.now)}
    known = alerts.known(conn, silent)
    events: list[Event] = []
    for name, each in silent.items():
        alert = known.get(name)
        if each.may_begin and not fired(alert) and not was_dismissed(alert, each.since + each.every):
            events.append(_of_model(name, each.labels, AlertState.FIRING, each.said, moment))
    for name in sorted(told.keys() - silent.keys()):
        said = silent_models.said_of_end(told[name], expected, heard)
        events.append(_of_model(name, told[name], AlertState.RESOLVED, said, moment))
    return events


def _of_model(name: str, labels: Labels, state: AlertState, said: str, moment: Moment) -> Event:
    severity, summary = moment.rules.freshness.severity, {"summary": said}
    source = silent_models.SOURCE
    return Event(source, name, state, severity, labels, summary, observed_at=moment.now, decided_by=source)
