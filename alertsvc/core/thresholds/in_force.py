"""The limits that the next value of a series will be held against, as far as they are known now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alertsvc.core.model import Severity
from alertsvc.core.observation import Observation
from alertsvc.core.thresholds.adapting import limit_now
from alertsvc.core.thresholds.points import History
from alertsvc.core.thresholds.policy import Policy
from alertsvc.core.thresholds.streaming import Extent, limit_of
from alertsvc.core.thresholds.words import rule_of

BY_SENDER = "sender"
BY_ADAPTIVE = "adaptive"


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """A limit: values at `lower` or below it, or at `upper` or above it, are of `severity`; None: as its sender says.

    `by` is the entry of the file of thresholds that has it, or the sender, of whom only the `limit` that the last value
    was held against is known. `method` is how it follows the series, if it does. `because` says why there is no number
    yet, or what is bad where there is never one.
    """

    by: str
    severity: Severity | None = None
    lower: float | None = None
    upper: float | None = None
    limit: float | None = None
    because: str | None = None
    method: str | None = None


def in_force(
    policy: Policy, seen: Observation, history: History, now: datetime, extent: Extent | None = None
) -> Sequence[LimitInForce]:
    """The bands of the file, the gravest first, and the limit that follows the series, in the metric's own units.

    Args:
        policy: What holds for the series.
        seen: What is known of it: names, kind and version.
        history: Its latest points.
        now: The instant of the value that would be judged.
        extent: What the detector of the series has taken in, where it has one.
    """
    found = [LimitInForce(band.rule, band.severity, band.lower, band.upper) for band in policy.bands]
    if policy.adaptive is None:
        return found
    rule, method = rule_of(policy, "adaptive") or BY_ADAPTIVE, policy.adaptive.method
    if policy.is_stream:
        said = limit_of(extent, policy, seen, history.baseline_from)
        return [*found, LimitInForce(rule, Severity.WARNING, because=said, method=method)]
    judged = limit_now(seen, policy, history, now)
    if judged is not None:
        lower, upper, why = judged.lower, judged.upper, judged.reason or None
        found.append(LimitInForce(rule, Severity.WARNING, lower, upper, because=why, method=method))
    return found
