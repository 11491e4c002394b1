"""What keeps firing notices back at one instant: silences, inhibition, the clock. Resolves are never kept back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alertsvc.core.inhibition import InhibitRule, Place, Source, Sources, inhibitors, sources_of
from alertsvc.core.intervals import Interval, Muting, muted_by
from alertsvc.core.model import Labels
from alertsvc.core.route import Route
from alertsvc.core.silences import Silence, SilenceIndex, Stretch


class MuteKind(StrEnum):
    """What a mute comes from: a person, another alert, the clock."""

    SILENCE = "silence"
    INHIBITION = "inhibition"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True)
class Mute:
    """One thing that keeps news back. `ref` names it (`silence:0192…`), `said` is for people.

    `until` is when it ends by itself, None when nobody knows.
    """

    kind: MuteKind
    ref: str
    said: str
    until: datetime | None = None


def refs_of(mutes: Iterable[Mute]) -> tuple[str, ...]:
    """The names of mutes, each once."""
    return tuple(dict.fromkeys(mute.ref for mute in mutes))


def silence_ref(silence: Silence) -> str:
    """How mutes by a silence are named."""
    return f"{MuteKind.SILENCE}:{silence.id}"


def mute_by_silence(silence: Silence, stretch: Stretch) -> Mute:
    """The mute that a silence is during one of its stretches."""
    said = f"silenced by {silence.created_by} until {stretch.ends_at:%Y-%m-%d %H:%M} UTC: {silence.comment}"
    return Mute(MuteKind.SILENCE, silence_ref(silence), said, stretch.ends_at)


def place_ref(place: Place) -> str:
    """How mutes by what fires at a place are named."""
    return f"{MuteKind.INHIBITION}:{place}"


def interval_ref(name: str) -> str:
    """How mutes by a time interval are named."""
    return f"{MuteKind.INTERVAL}:{name}"


def kind_of(ref: str) -> MuteKind:
    """What kind of mute a `ref` names."""
    return MuteKind(ref.partition(":")[0])


Timed = Callable[[Route, datetime], tuple[str, datetime | None] | None]
"""The time interval that keeps a route's news back at an instant, and when that ends; None when none does."""


def never_timed(_route: Route, _instant: datetime) -> None:
    """No time interval."""


def timed_by(intervals: Mapping[str, Interval]) -> Timed:
    """The intervals that routes name."""
    if not intervals:
        return never_timed

    def timed(route: Route, instant: datetime) -> Muting | None:
        if not route.mute_intervals and not route.active_intervals:
            return None
        return muted_by(route.mute_intervals, route.active_intervals, intervals, instant)

    return timed


@dataclass(frozen=True, slots=True)
class Mutes:
    """All mutes in force at `now`. `sources` are those at the places that `rules` ask about; the rest is not needed."""

    now: datetime
    silences: Sequence[Silence] = ()
    rules: Sequence[InhibitRule] = ()
    sources: Sources = field(default_factory=dict[Place, tuple[Source, ...]])
    timed: Timed = never_timed
    _index: SilenceIndex = field(init=False, repr=False, compare=False)
    _idle: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", SilenceIndex(self.silences))
        idle = not self.silences and not self.rules and self.timed is never_timed
        object.__setattr__(self, "_idle", idle)

    @property
    def are_none(self) -> bool:
        """Whether nothing can be muted, whatever it is."""
        return self._idle

    def on(self, labels: Labels, route: Route) -> tuple[Mute, ...]:
        """Everything that keeps back the news of an alert with `labels` that goes by `route`; empty when nothing does.

        In Alertmanager's order: inhibition, the clock, silences.
        """
        if self._idle:
            return ()
        found = [self._by_source(rule, source) for rule, source in inhibitors(self.rules, labels, self.sources)]
        timed = self.timed(route, self.now)
        if timed is not None:
            name, until = timed
            how = "muted by" if name in route.mute_intervals else "outside"
            found.append(Mute(MuteKind.INTERVAL, interval_ref(name), f"{how} the time interval {name}", until))
        found += self._silenced(labels)
        return tuple(found)

    def _silenced(self, labels: Labels) -> list[Mute]:
        found: list[Mute] = []
        for silence in self._index.fitting(labels):
            stretch = silence.stretch_at(self.now)
            if stretch is not None:
                found.append(mute_by_silence(silence, stretch))
        return found

    @staticmethod
    def _by_source(rule: InhibitRule, source: Source) -> Mute:
        said = f"inhibited by the alert {source.fingerprint} (rule {rule.name})"
        return Mute(MuteKind.INHIBITION, place_ref(source.place), said)

    def after(self, changes: Iterable[tuple[str, Labels, bool]]) -> "Mutes":
        """The mutes once alerts have changed: (fingerprint, labels, whether it fires now) for each."""
        if not self.rules:
            return self
        known = {place: {each.fingerprint: each for each in listed} for place, listed in self.sources.items()}
        for fingerprint, labels, fires in changes:
            for source in sources_of(self.rules, fingerprint, labels):
                at_place = known.setdefault(source.place, {})
                if fires:
                    at_place[fingerprint] = source
                else:
                    at_place.pop(fingerprint, None)
        sources = {place: tuple(listed.values()) for place, listed in known.items()}
        return Mutes(self.now, self.silences, self.rules, sources, self.timed)


@dataclass(frozen=True, slots=True)
class Ended:
    """Mutes that have ended: could they have kept back the news of an alert?

    `rules` and the names `intervals` are what may mute in this place by now. A mute that came of anything else belongs
    to another configuration: what it kept back nobody can say any more, so it may have been anything.
    """

    refs: frozenset[str]
    silences: Mapping[str, Silence] = field(default_factory=dict[str, Silence])
    rules: Sequence[InhibitRule] = ()
    intervals: frozenset[str] = frozenset()

    def held(self, labels: Labels, route: Route) -> bool:
        """Whether one of them may have muted an alert with `labels` that goes by `route`."""
        if not self.refs <= self._known():
            return True
        names = (*route.mute_intervals, *route.active_intervals)
        if any(interval_ref(name) in self.refs for name in names):
            return True
        if any(silence.fits(labels) for ref, silence in self.silences.items() if ref in self.refs):
            return True
        return any(self._at(rule, labels) in self.refs for rule in self.rules if rule.is_target(labels))

    def _known(self) -> frozenset[str]:
        keys = {rule.key for rule in self.rules}
        places = (ref for ref in self.refs if kind_of(ref) is MuteKind.INHIBITION and ref.split(":")[1] in keys)
        return frozenset((*self.silences, *places, *map(interval_ref, self.intervals)))

    @staticmethod
    def _at(rule: InhibitRule, labels: Labels) -> str | None:
        spot = rule.spot(labels)
        return None if spot is None else place_ref(Place(rule.key, spot))
