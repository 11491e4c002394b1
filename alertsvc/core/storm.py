"""When more comes for one destination than people can read: the first few one by one, the rest in summaries.

A storm lasts while something waits each time a summary is due. What joins a summary changes no state, so that the many
do not wait for each other; only what is sent by itself, and a storm that begins, goes on or ends, does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from alertsvc.core.model import Severity

FIRST_WAITS = (timedelta(seconds=30), timedelta(seconds=30), timedelta(minutes=1))
"""Between the first summaries: they come 30 s, 1 min and 2 min after the storm began."""
LONGEST_WAIT = timedelta(minutes=5)
COMES_BACK_WITHIN = timedelta(minutes=10)
"""A storm that begins so soon after another goes on with its longer waits, and lets fewer through at first."""
BREAK_THROUGH_A_MINUTE = 5
BREAK_THROUGH_A_STORM = 10
MOST_CLASSES = 200
"""Beyond these no class is new: what is so varied is no news by itself."""
MOST_SUMMARIES = 300


@dataclass(frozen=True, slots=True)
class StormRule:
    """At most `individually` messages `within` a span leave one by one, else it is a storm.

    `ends_singly`: whoever was told of an incident by itself must be told of its end likewise, however many they are:
    a program keeps books, and no person is woken by it.
    """

    individually: int
    within: timedelta
    ends_singly: bool = False


@dataclass(frozen=True, slots=True)
class Single:
    """A message that left by itself. `klass` is empty where it says nothing about a kind of alert."""

    at: datetime
    klass: str = ""


@dataclass(frozen=True, slots=True)
class StormState:
    """What one destination was told lately, and the storm it is in, if any: then `since` and `next_at` are set.

    `summed_at` is when its last summary was due, None before the first. `step` counts the waits of the storm, or of the
    last one until another begins much later. `classes` are known in the storm, `breakthroughs` the instants at which
    new ones were told at once. `told_in` are the deliveries of its summaries, the latest of them if there are many,
    and `worst` the gravest severity they had.
    """

    recent: tuple[Single, ...] = ()
    since: datetime | None = None
    next_at: datetime | None = None
    summed_at: datetime | None = None
    step: int = 0
    classes: frozenset[str] = frozenset()
    breakthroughs: tuple[datetime, ...] = ()
    told_in: tuple[UUID, ...] = ()
    worst: Severity = Severity.INFO
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StormMark:
    """The storm that a summary belongs to. When it `is_over`: how many incidents it had, and how many are open."""

    id: UUID
    since: datetime
    is_over: bool = False
    incident_count: int = 0
    open_count: int = 0


def storm_id(destination: str, since: datetime) -> UUID:
    """The identity of the storm that began at `since`."""
    return uuid5(NAMESPACE_URL, f"alertsvc:storm:{destination}:{since.isoformat()}")


def class_of(alertname: str, severity: Severity) -> str:
    """The kind of an alert, as far as it can be new in a storm."""
    return f"{alertname[:200]}/{severity.word}"


def admit(state: StormState, rule: StormRule, klass: str, now: datetime) -> tuple[bool, StormState]:
    """Whether a message leaves by itself, else it joins the next summary; and the state after that.

    `klass` is the kind of alert it is the first news of; empty when it cannot be new to anybody.
    """
    if state.since is None:
        recent = _within(state.recent, rule.within, now)
        if _room(state, rule, recent, now) > 0:
            return True, replace(state, recent=(*recent, Single(now, klass)))
        state = _begun(state, recent, now)
    if not klass or klass in state.classes or not _may_break_through(state, now):
        return False, state
    broken = replace(state, classes=state.classes | {klass}, breakthroughs=(*state.breakthroughs, now))
    return True, broken


def is_due(state: StormState, now: datetime) -> bool:
    """Whether the next summary is due. One that is too far ahead was set by a clock that was."""
    return state.next_at is not None and not now < state.next_at < now + 2 * LONGEST_WAIT


def goes_on(state: StormState, told_in: Iterable[UUID], worst: Severity, now: datetime) -> StormState:
    """The summary that was due has been made: when the next one is."""
    step = state.step + 1
    told = (*state.told_in, *told_in)[-MOST_SUMMARIES:]
    return replace(
        state,
        next_at=_after(state, step, now),
        summed_at=state.next_at,
        step=step,
        told_in=told,
        worst=max(state.worst, worst),
    )


def is_over(state: StormState, now: datetime) -> StormState:
    """The summary was due and nothing waited for it."""
    return StormState(step=state.step + 1, ended_at=now)


def _within(recent: Iterable[Single], span: timedelta, now: datetime) -> tuple[Single, ...]:
    return tuple(each for each in recent if abs(now - each.at) < span)


def _room(state: StormState, rule: StormRule, recent: tuple[Single, ...], now: datetime) -> int:
    most = max(1, rule.individually // 4) if _comes_back(state, now) else rule.individually
    return most - len(recent)


def _comes_back(state: StormState, now: datetime) -> bool:
    return state.ended_at is not None and abs(now - state.ended_at) < COMES_BACK_WITHIN


def _begun(state: StormState, recent: tuple[Single, ...], now: datetime) -> StormState:
    step = state.step if _comes_back(state, now) else 0
    known = frozenset(each.klass for each in recent if each.klass)
    return StormState(since=now, next_at=now + _wait(step), step=step, classes=known)


def _may_break_through(state: StormState, now: datetime) -> bool:
    told = state.breakthroughs
    if len(told) >= BREAK_THROUGH_A_STORM or len(state.classes) >= MOST_CLASSES:
        return False
    return sum(abs(now - at) < timedelta(minutes=1) for at in told) < BREAK_THROUGH_A_MINUTE


def _wait(step: int) -> timedelta:
    return FIRST_WAITS[step] if step < len(FIRST_WAITS) else LONGEST_WAIT


def _after(state: StormState, step: int, now: datetime) -> datetime:
    """A wait counts from when the summary was due, so that they come on time, unless that was long ago or is ahead."""
    wait = _wait(step)
    due_at = state.next_at or now
    return due_at + wait if timedelta(0) <= now - due_at < wait else now + wait
