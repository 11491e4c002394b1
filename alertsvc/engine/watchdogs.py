"""What is to be told of alerts that always fire: that one of them does not come any more, or comes again."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from alertsvc.core.alerts import fired
from alertsvc.core.freshness import was_dismissed
from alertsvc.core.model import AlertState, Event, Labels, Severity
from alertsvc.core.rules import Moment
from alertsvc.core.watchdogs import SOURCE, groups, is_waited_for, living, named
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.store import alerts, freshness


def turns_of_watchdogs(hears_since: datetime, moment: Moment, conn: Connection) -> list[Event]:
    """The watchdogs of which it is to be told that they are silent, and those that are no more.

    One that is not known any more goes on being silent: only that it came ends that, or that nobody waits for it.
    """
    expected = {each.name: each for each in moment.rules.watchdogs}
    told = freshness.told_by(conn, SOURCE)
    if not expected and not told:
        return []
    longest = max((each.within for each in expected.values()), default=None)
    seen = [] if longest is None else freshness.watchdogs(conn, expected, moment.now - longest)
    waited_for = groups(moment.rules.watchdogs, seen)
    heard = {fingerprint(each.labels): each for each in living(waited_for, moment.now)}
    silent = {fingerprint(each.labels): each for each in waited_for if each.is_silent(moment.now)}
    known = alerts.known(conn, silent)
    events: list[Event] = []
    for name, each in silent.items():
        alert = known.get(name)
        is_known = fired(alert) or was_dismissed(alert, each.silent_since(hears_since))
        if not is_known and each.may_begin(hears_since, moment.now):
            said = {"summary": each.said_of_silence}
            severity, labels = each.watchdog.severity, each.labels
            events.append(replace(_end(name, labels, said, moment.now), state=AlertState.FIRING, severity=severity))
    for name, labels in sorted(told.items()):
        if name in heard:
            events.append(_end(name, labels, {"summary": heard[name].said_of_end}, moment.now))
        elif not is_waited_for(labels, expected):
            said = {"summary": f"nobody waits for {named(labels)} any more"}
            events.append(_end(name, labels, said, moment.now))
    return events


def _end(name: str, labels: Labels, said: Labels, now: datetime) -> Event:
    ended, severity = AlertState.RESOLVED, Severity.INFO
    return Event(SOURCE, name, ended, severity, labels, said, observed_at=now, decided_by=SOURCE)
