"""Silences: a person's mute with an end, in one stretch or again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from alertsvc.core.digests import Schedule
from alertsvc.core.model import Labels
from alertsvc.core.route import Matcher

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of a recurring silence that was given none."""
STRETCHES_LOOKED_AT = 1000
"""In so many of them a gap is looked for: almost three years of nights."""
_A_MOMENT = timedelta(microseconds=1)


class SilenceState(StrEnum):
    """Whether a silence mutes now, will, or never will again. A recurring one is pending between its stretches."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span of time, without its end."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Begins at each due instant of `schedule`, and lasts so long."""

    schedule: Schedule
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class Silence:
    """What `matchers`, all of them, fit is muted from `starts_at` until `ends_at`; with a recurrence only at times."""

    id: UUID
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    recurrence: Recurrence | None = None

    def fits(self, labels: Labels) -> bool:
        """Whether it is about an alert with `labels`, at any time."""
        return all(matcher.fits(labels) for matcher in self.matchers)

    def stretch_at(self, instant: datetime) -> Stretch | None:
        """The stretch in which it mutes at `instant`, or None when it does not."""
        found = self._latest_stretch(instant)
        return found if found is not None and found.starts_at <= instant < found.ends_at else None

    def next_stretch(self, instant: datetime) -> Stretch | None:
        """The first stretch that begins after `instant`, or None when there is none."""
        first = self.stretch_at(self.starts_at) if instant < self.starts_at else None
        if first is not None or self.recurrence is None:
            return first  # it may begin in the middle of what its schedule began
        begins_at = self.recurrence.schedule.next_after(max(instant, self.starts_at))
        return self._bounded(begins_at) if begins_at < self.ends_at else None

    def state(self, now: datetime) -> SilenceState:
        """What it is at `now`."""
        if now >= self.ends_at:
            return SilenceState.EXPIRED
        if self.stretch_at(now) is not None:
            return SilenceState.ACTIVE
        return SilenceState.EXPIRED if self.next_stretch(now) is None else SilenceState.PENDING

    def _latest_stretch(self, instant: datetime) -> Stretch | None:
        """The stretch that began last, at `instant` or before."""
        if not self.starts_at <= instant < self.ends_at:
            return None
        if self.recurrence is None:
            return Stretch(self.starts_at, self.ends_at)
        return self._bounded(self.recurrence.schedule.last_before(instant + _A_MOMENT))

    def _bounded(self, begins_at: datetime) -> Stretch | None:
        """The stretch that its schedule begins at `begins_at`, within what the silence spans."""
        if self.recurrence is None:
            return None
        starts_at = max(begins_at, self.starts_at)
        ends_at = min(begins_at + self.recurrence.lasts, self.ends_at)
        return Stretch(starts_at, ends_at) if starts_at < ends_at else None


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a field of a silence that somebody wants to make."""

    field: str
    what: str


def flaws_of(silence: Silence, now: datetime, longest: timedelta | None = None) -> list[Flaw]:
    """Everything that keeps `silence` from being made at `now`; `longest` bounds how long it may mute without a gap."""
    found: list[Flaw] = []
    if not silence.matchers:
        found.append(Flaw("matchers", "at least one is needed"))
    elif all(matcher.fits({}) for matcher in silence.matchers):
        found.append(Flaw("matchers", "at least one must not fit an empty label, or everything would be silenced"))
    if silence.ends_at <= now:
        found.append(Flaw("ends_at", f"lies in the past, as it is {now:%Y-%m-%d %H:%M:%S} UTC: give a later end"))
    elif silence.ends_at <= silence.starts_at:
        found.append(Flaw("ends_at", "must be later than starts_at"))
    if silence.recurrence is not None and silence.recurrence.lasts <= timedelta(0):
        found.append(Flaw("duration", "must be longer than nothing"))
    elif longest is not None and longest < (silence.recurrence.lasts if silence.recurrence else _span(silence, now)):
        found.append(Flaw("duration" if silence.recurrence else "ends_at", f"may mute for {longest} at most"))
    elif longest is not None and silence.recurrence is not None and _span(silence, now) > longest:
        found.append(
            Flaw("schedule", f"comes again before it is over; without a gap it may mute for {longest} at most")
        )
    found += [
        Flaw(name, "must say something; whoever finds the silence will want to know")
        for name, text in (("created_by", silence.created_by), ("comment", silence.comment))
        if not text.strip()
    ]
    return found


def _span(silence: Silence, now: datetime) -> timedelta:
    """How long it mutes without a gap, from `now` on: of one that comes again, the longest of its next stretches.

    Stretches that touch are one. Where no gap is found, it mutes until it ends.
    """
    if silence.recurrence is None:
        return silence.ends_at - max(silence.starts_at, now)
    stretch = silence.stretch_at(now) or silence.next_stretch(now)
    if stretch is None:
        return timedelta(0)
    first = begins_at = max(stretch.starts_at, now)
    longest = timedelta(0)
    for _ in range(STRETCHES_LOOKED_AT):
        longest = max(longest, stretch.ends_at - begins_at)
        following = silence.next_stretch(stretch.starts_at)
        if following is None:
            return longest
        begins_at = following.starts_at if following.starts_at > stretch.ends_at else begins_at
        stretch = following
    return longest if begins_at > first else silence.ends_at - first


def may_keep_its_name(before: Silence, after: Silence, now: datetime) -> bool:
    """Whether `before`, once it is changed into `after`, is still the same silence; else it ends and another begins.

    Alertmanager's rule: what it fits is unchanged; an active one keeps its start and ends later than now, a pending
    one begins later than now.

    Source: https://github.com/prometheus/alertmanager/blob/main/silence/silence.go (`canUpdate`)
    """
    if before.matchers != after.matchers or before.recurrence != after.recurrence:
        return False
    match before.state(now):
        case SilenceState.ACTIVE:
            return _second(before.starts_at) == _second(after.starts_at) and after.ends_at >= now
        case SilenceState.PENDING:
            return after.starts_at >= now or before.recurrence is not None
        case SilenceState.EXPIRED:
            return False


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


class SilenceIndex:
    """Finds the silences that fit: those with an equality look at one label's value, the others at all labels."""

    def __init__(self, silences: Sequence[Silence]) -> None:
        self._by_label: dict[tuple[str, str], list[Silence]] = {}
        self._others: list[Silence] = []
        for silence in silences:
            chosen = next((each for each in silence.matchers if each.op == "=" and each.value), None)
            if chosen is None:
                self._others.append(silence)
            else:
                self._by_label.setdefault((chosen.name, chosen.value), []).append(silence)

    def fitting(self, labels: Labels) -> list[Silence]:
        """Those that fit an alert with `labels`."""
        offered = list(self._others)
        if self._by_label:
            for pair in labels.items():
                offered += self._by_label.get(pair, ())
        return [silence for silence in offered if silence.fits(labels)]
