"""The storms that destinations are in while it is decided about news. Changes as messages are let through or joined."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from alertsvc.core.effects import DigestWindow, digest_id
from alertsvc.core.storm import StormMark, StormRule, StormState, admit, storm_id


@dataclass(frozen=True, slots=True)
class KnownStorm:
    """A state as it was read. `version` 0: there is none yet."""

    state: StormState = field(default_factory=StormState)
    version: int = 0


@dataclass(slots=True)
class Storms:
    """By destination: the rules of those that can be in a storm, and the states. Without rules nothing is held up.

    `changed` are the states to be written. Of the destinations that `joined` a summary the state must not have been
    changed by another when this decision is written.
    """

    rules: Mapping[str, StormRule] = field(default_factory=dict[str, StormRule])
    known: Mapping[str, KnownStorm] = field(default_factory=dict[str, KnownStorm])
    changed: dict[str, StormState] = field(default_factory=dict[str, StormState])
    joined: set[str] = field(default_factory=set[str])

    def lets_through(self, destination: str, klass: str, now: datetime) -> bool:
        """Whether a message may leave by itself; else it must `join` the summary. `klass` is as for `admit`."""
        rule = self.rules.get(destination)
        if rule is None:
            return True
        before = self._state(destination)
        alone, after = admit(before, rule, klass, now)
        if after is not before:
            self.changed[destination] = after
        return alone

    def ends_singly(self, destination: str) -> bool:
        """See `StormRule`."""
        rule = self.rules.get(destination)
        return rule is not None and rule.ends_singly

    def is_on(self, destination: str) -> bool:
        """Whether news for the destination joins summaries."""
        return destination in self.rules and self._state(destination).since is not None

    def join(self, destination: str, receiver: str) -> DigestWindow:
        """The window of the next summary, for something that waits in it from now on. The storm is on."""
        self.joined.add(destination)
        return window_of(destination, receiver, self._state(destination))

    @property
    def after(self) -> Mapping[str, KnownStorm]:
        """The states that changed, as they are once they are written."""
        return {
            name: KnownStorm(state, self.known.get(name, _NONE).version + 1) for name, state in self.changed.items()
        }

    def _state(self, destination: str) -> StormState:
        changed = self.changed.get(destination)
        return changed if changed is not None else self.known.get(destination, _NONE).state


_NONE = KnownStorm()


def window_name(destination: str) -> str:
    """The name of the windows of summaries for a destination."""
    return f"storm {destination}"


def window_of(destination: str, receiver: str, state: StormState) -> DigestWindow:
    """The window of the next summary of a storm that is on."""
    if state.since is None or state.next_at is None:
        raise LookupError(f"there is no storm at {destination}")
    name = window_name(destination)
    mark = StormMark(storm_id(destination, state.since), state.since)
    start = state.summed_at or state.since
    return DigestWindow(digest_id(name, receiver, state.next_at), name, receiver, start, state.next_at, mark)
