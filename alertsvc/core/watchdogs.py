"""Alerts that always fire, so that their silence is news: what brings alerts here is dead, or the way from there is.

Prometheus' `Watchdog` is one. It comes again and again, and says nothing. When it does not, there may be no alert at
all for want of anybody who could send one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertsvc.core.durations import write_duration
from alertsvc.core.freshness import has_listened, instant
from alertsvc.core.model import Labels, Severity

SOURCE = "watchdogs"
NAME = "WatchdogSilent"
_FIXED = frozenset({"alertname", "watchdog", "kind", "condition"})


@dataclass(frozen=True, slots=True)
class Watchdog:
    """The alert `name` is to come again within a span: for each combination of the labels `by`, any of it will do."""

    name: str
    within: timedelta
    by: tuple[str, ...] = ()
    severity: Severity = Severity.CRITICAL


@dataclass(frozen=True, slots=True)
class Seen:
    """An alert that some watchdog is, and when it came last: as one that fires, or as one that ended."""

    labels: Labels
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """What came last of a watchdog, with some values of its labels `by`; None: nothing, as far as anybody knows."""

    watchdog: Watchdog
    values: Labels
    last_seen_at: datetime | None

    @property
    def labels(self) -> dict[str, str]:
        """What the alert about its silence is known by."""
        about = {"alertname": NAME, "watchdog": self.watchdog.name, "kind": "health", "condition": "silent"}
        return {**self.values, **about}

    def is_silent(self, now: datetime) -> bool:
        """Whether it should have come again by now."""
        return self.last_seen_at is None or self.last_seen_at + self.watchdog.within <= now

    def may_begin(self, hears_since: datetime, now: datetime) -> bool:
        """Whether this service could have heard it, so that its silence may be told now."""
        return has_listened(self.watchdog.within, hears_since, now)

    def silent_since(self, hears_since: datetime) -> datetime:
        """When it should have come at the latest."""
        return (self.last_seen_at or hears_since) + self.watchdog.within

    @property
    def said_of_silence(self) -> str:
        """Its silence for people."""
        when = f"since {instant(self.last_seen_at)}" if self.last_seen_at else "at all"
        every = write_duration(self.watchdog.within)
        return (
            f"{named(self.labels)} has not come {when}; expected every {every}: what sends alerts is dead, or cannot"
            " reach alertsvc, so other alerts may be missing"
        )

    @property
    def said_of_end(self) -> str:
        """That it is heard again, for people."""
        when = f": {instant(self.last_seen_at)}" if self.last_seen_at else ""
        return f"{named(self.labels)} comes again{when}"


def groups(watchdogs: Sequence[Watchdog], seen: Iterable[Seen]) -> list[Group]:
    """All that is waited for: each watchdog with each combination of its labels it was seen with, else as a whole."""
    found: dict[str, dict[tuple[tuple[str, str], ...], datetime]] = {each.name: {} for each in watchdogs}
    parted = {each.name: each.by for each in watchdogs}
    for each in seen:
        name = each.labels.get("alertname", "")
        if name not in found:
            continue
        key = tuple((label, each.labels[label]) for label in parted[name] if label in each.labels)
        last = found[name].get(key)
        found[name][key] = each.last_seen_at if last is None else max(last, each.last_seen_at)
    return [
        Group(watchdog, dict(key), last)
        for watchdog in watchdogs
        for key, last in (sorted(found[watchdog.name].items()) or [((), None)])
    ]


def living(waited_for: Iterable[Group], now: datetime) -> list[Group]:
    """The groups that are not silent; and for each watchdog of which one is not, it as a whole."""
    found: list[Group] = []
    for each in waited_for:
        if not each.is_silent(now):
            found += [each, Group(each.watchdog, {}, each.last_seen_at)]
    return found


def is_waited_for(labels: Labels, watchdogs: Mapping[str, Watchdog]) -> bool:
    """Whether the silence that has these labels is still one that somebody wants to know of."""
    watchdog = watchdogs.get(labels.get("watchdog", ""))
    return watchdog is not None and labels.keys() - _FIXED <= set(watchdog.by)


def named(labels: Labels) -> str:
    """A group in words: "Watchdog of cluster eu"."""
    parts = (f"{name} {value}" for name, value in sorted(labels.items()) if name not in _FIXED)
    return " of ".join((labels.get("watchdog", ""), *parts))
