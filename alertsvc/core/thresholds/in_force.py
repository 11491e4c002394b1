"""The limits that the next value of a series will be held against, as far as they are known now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alertsvc.core.model import Severity
from alertsvc.core.observation import Observation
from alertsvc.core.thresholds.adapting import limit_now
from alertsvc.core.thresholds.points import History
from alertsvc.core.thresholds.policy import Policy
from alertsvc.core.thresholds.words import rule_of

BY_SENDER = "sender"
BY_ADAPTIVE = "adaptive"


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """A limit: values at `lower` or below it, or at `upper` or above it, are of `severity`; None: as its sender says.

    `by` is the entry of the file of thresholds that has it, or the sender, of whom only the `limit` that the last value
    was held against is known. `because` says why there is no number yet.
    """

    by: str
    severity: Severity | None = None
    lower: float | None = None
    upper: float | None = None
    limit: float | None = None
    because: str | None = None


def in_force(policy: Policy, seen: Observation, history: History, now: datetime) -> Sequence[LimitInForce]:
    """The bands of the file, the gravest first, and the limit that follows the series, in the metric's own units.

    Args:
        policy: What holds for the series.
        seen: What is known of it: names, kind and version.
        history: Its latest points.
        now: The instant of the value that would be judged.
    """
    found = [LimitInForce(band.rule, band.severity, band.lower, band.upper) for band in policy.bands]
    judged = limit_now(seen, policy, history, now)
    if judged is not None:
        rule = rule_of(policy, "adaptive") or BY_ADAPTIVE
        found.append(LimitInForce(rule, Severity.WARNING, judged.lower, judged.upper, because=judged.reason or None))
    return found
