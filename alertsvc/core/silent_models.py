"""Models of which something is to be observed at least so often, whatever it is, and of which nothing is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertsvc.core.durations import write_duration
from alertsvc.core.freshness import has_listened, instant
from alertsvc.core.model import Labels

SOURCE = "models"
NAME = "ModelSilent"


@dataclass(frozen=True, slots=True)
class Heard:
    """When something of a model in an environment came last."""

    model: str
    environment: str
    last_received_at: datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing came of a model since `since`, and `every` so often something is to. `may_begin`: it may be told now.

    Without an environment nothing ever came of it, as far as this service knows.
    """

    model: str
    environment: str | None
    since: datetime
    every: timedelta
    may_begin: bool

    @property
    def labels(self) -> dict[str, str]:
        """What its alert is known by."""
        return labels_of(self.model, self.environment)

    @property
    def said(self) -> str:
        """It for people."""
        when = f"since {instant(self.since)}" if self.environment else "at all"
        about = place(self.model, self.environment)
        every = write_duration(self.every)
        return (
            f"nothing of {about} has been observed {when}; expected every {every}: its jobs do not run, or cannot send"
        )


def labels_of(model: str, environment: str | None) -> dict[str, str]:
    """What the alert about a silent model is known by."""
    known = {"alertname": NAME, "model": model, "kind": "health", "condition": "silent"}
    return {**known, "environment": environment} if environment else known


def place(model: str, environment: str | None) -> str:
    """A model in words, and where."""
    return f"{model} in {environment}" if environment else model


def silences(
    expected: Mapping[str, timedelta], heard: Iterable[Heard], hears_since: datetime, now: datetime
) -> Iterator[Silence]:
    """The models that are silent longer than is `expected` of them, by name."""
    known: set[str] = set()
    for each in heard:
        known.add(each.model)
        every = expected[each.model]
        if each.last_received_at + every <= now:
            may_begin = has_listened(every, hears_since, now)
            yield Silence(each.model, each.environment, each.last_received_at, every, may_begin)
    for model in sorted(expected.keys() - known):
        yield Silence(model, None, hears_since, expected[model], hears_since + expected[model] <= now)


def said_of_end(labels: Labels, expected: Mapping[str, timedelta], heard: Iterable[Heard]) -> str:
    """Why a silence is over."""
    model, environment = labels.get("model", ""), labels.get("environment")
    last = [each.last_received_at for each in heard if each.model == model and environment in {None, each.environment}]
    if model in expected and last:
        return f"something of {place(model, environment)} is observed again: {instant(max(last))}"
    return f"nobody expects anything of {place(model, environment)} any more"
