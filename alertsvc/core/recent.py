"""The latest deployments, as many of them as one process remembers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from alertsvc.core.deployments import Deployment, suspect

LATEST = 8
MOST_PLACES = 500
"""Models in environments: with `LATEST` of each at most 4,000 deployments, about 4 MB."""


class RecentDeployments:
    """The `latest` changes of what is in use, of each of `most` models in environments.

    Those of which nothing came for the longest time go first. What changes no version is no suspect, and is left out.
    """

    def __init__(self, latest: int = LATEST, most: int = MOST_PLACES) -> None:
        self._latest = latest
        self._most = most
        self._kept: dict[tuple[str, str | None], tuple[Deployment, ...]] = {}

    def __len__(self) -> int:
        return sum(len(each) for each in self._kept.values())

    def add(self, made: Iterable[Deployment]) -> None:
        """Remember what happened. What is known already changes nothing."""
        for each in made:
            if each.changes_version:
                self._add(replace(each, details={}))

    def _add(self, made: Deployment) -> None:
        place = (made.model, made.environment)
        known = self._kept.get(place, ())
        if made in known:
            return
        latest = sorted((*known, made), key=lambda each: each.happened_at)[-self._latest :]
        self._kept.pop(place, None)  # to the end
        self._kept[place] = tuple(latest)
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def suspect(self, model: str, environment: str | None, began_at: datetime) -> Deployment | None:
        """As `suspect` among all there ever were; None too where what may have been the one is remembered no more."""
        nearest_first = dict.fromkeys((environment, None))  # of two at the same time it is the one of the environment
        places = [self._kept.get((model, each), ()) for each in nearest_first]
        if any(len(known) == self._latest and known[0].happened_at > began_at for known in places):
            return None  # what the other place has may be older than what was forgotten
        return suspect((each for known in places for each in known), environment, began_at)
