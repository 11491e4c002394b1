"""What happened to the versions of a model, and how a timeline says it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alertsvc.core.durations import write_duration

DEPLOYED = "deployed"
NEARBY = timedelta(days=7)
"""What happened longer before is no likely cause."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """`action` happened to a version or an alias of a model: it was `deployed`, registered, given an alias.

    It is an annotation, never an alert. `environment` None: all of them, or nobody said. `details` are for people.
    """

    model: str
    action: str
    happened_at: datetime
    source: str
    model_version: str | None = None
    alias: str | None = None
    environment: str | None = None
    details: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def changes_version(self) -> bool:
        """Whether what is measured from now on may be of another version than before."""
        return self.alias is not None or (self.model_version is not None and self.action == DEPLOYED)


def said(deployment: Deployment) -> str:
    """It in a few words: "champion -> v7", "v7 deployed in production", "v7 created"."""
    version = f"v{deployment.model_version}" if deployment.model_version else deployment.model
    if deployment.alias and deployment.model_version:
        words = f"{deployment.alias} -> {version}"
    elif deployment.alias:
        words = f"{deployment.alias}: {deployment.action}"
    else:
        words = f"{version} {deployment.action}"
    return f"{words} in {deployment.environment}" if deployment.environment else words


def suspect(before: Iterable[Deployment], environment: str | None, began_at: datetime) -> Deployment | None:
    """The latest change of what is in use before something began, if it is near enough to be its cause."""
    near = (
        each
        for each in before
        if each.changes_version
        and each.environment in {None, environment}
        and began_at - NEARBY <= each.happened_at <= began_at
    )
    return max(near, key=lambda each: each.happened_at, default=None)


def said_before(deployment: Deployment, began_at: datetime) -> str:
    """It in a few words, and how long it was before something began: "champion -> v7, 40m before it began"."""
    return f"{said(deployment)}, {_span(began_at - deployment.happened_at)} before it began"


def _span(between: timedelta) -> str:
    """To the minute where it is longer, and no more than two units of it."""
    seconds = int(between.total_seconds())
    rounded = seconds - seconds % (3600 if seconds >= 86400 else 60 if seconds >= 60 else 1)
    return write_duration(timedelta(seconds=rounded))


def superseded(before: Iterable[Deployment], made: Iterable[Deployment]) -> set[str]:
    """The versions of one model that something took the place of, and that stand nowhere else.

    A version stands where it was deployed last, by environment, and where an alias leads to it.
    """
    known = [each for each in before if _place(each)]
    first, then = _standing(known), _standing([*known, *(each for each in made if _place(each))])
    return set(first.values()) - set(then.values())


def _place(deployment: Deployment) -> tuple[str | None, str | None] | None:
    """Where it puts a version; None: nowhere."""
    if deployment.model_version is None or not deployment.changes_version:
        return None
    return deployment.environment, deployment.alias


def _standing(deployments: Iterable[Deployment]) -> dict[object, str]:
    latest = sorted(deployments, key=lambda each: each.happened_at)
    return {_place(each): each.model_version for each in latest if each.model_version is not None}
