"""What one number comes to by itself: the sender's word first, then the bands of the file."""

from dataclasses import dataclass

from alertsvc.core.model import AlertState, Severity
from alertsvc.core.thresholds.policy import OPPOSITES, Policy
from alertsvc.core.thresholds.words import rule_of

BY_BANDS = "thresholds.yaml"
BY_SAMPLES = "min_samples"
NOBODY = "none"
BY_STATUS = "request.status"
FINAL = frozenset({BY_STATUS, "no_value", "no_rows"})
"""What decides whatever thresholds say: the sender keeps the state by itself, or there is no number."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a number comes to: firing, resolved or None (nobody can say), and what decided.

    `rule` is the entry of the file that had a say, `severity` and `limit` what it says, which is bad on its `side`, and
    `why` the reason in words where the rest does not tell.
    """

    state: AlertState | None
    decided_by: str
    rule: str | None = None
    severity: Severity | None = None
    limit: float | None = None
    side: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A number as it was sent. `state` and `decided_by` are what its sender said of it; None and `none`: nothing.

    `direction` is what the sender said of the bad side, and not what names tell.
    """

    value: float | None
    state: AlertState | None
    decided_by: str
    row_count: int | None = None
    direction: str | None = None


def rule_on(measured: Measured, policy: Policy) -> Ruling:
    """Judge one number. Its sender's verdict stands; the band that it is in then says how bad it is."""
    if measured.decided_by in FINAL:
        return Ruling(measured.state, measured.decided_by)
    is_judged = measured.state is not None or policy.bands or policy.adaptive
    if is_judged and measured.row_count is not None and measured.row_count < policy.min_samples:
        why = f"{measured.row_count} rows are fewer than the {policy.min_samples} that are needed"
        return Ruling(None, BY_SAMPLES, rule_of(policy, "min_samples"), why=why)
    if measured.value is None or not policy.bands:
        return Ruling(measured.state, measured.decided_by)
    contradiction = _contradiction(measured, policy)
    if contradiction is not None:
        return Ruling(measured.state, measured.decided_by, rule_of(policy, "direction"), why=contradiction)
    return _by_bands(measured, measured.value, policy)


def _by_bands(measured: Measured, value: float, policy: Policy) -> Ruling:
    band = policy.crossed(value)
    if measured.state is AlertState.FIRING and band is not None:
        return Ruling(measured.state, measured.decided_by, band.rule, band.severity)
    if measured.state is not None:
        return Ruling(measured.state, measured.decided_by)
    if band is not None:
        side, limit = band.edge(value)
        return Ruling(AlertState.FIRING, BY_BANDS, band.rule, band.severity, limit, side)
    side, limit = policy.bands[-1].edge(value)
    return Ruling(AlertState.RESOLVED, BY_BANDS, policy.bands[-1].rule, limit=limit, side=side)


def _contradiction(measured: Measured, policy: Policy) -> str | None:
    """Why the bands say nothing of this number: they are for the other side."""
    if measured.direction is None or OPPOSITES.get(measured.direction) != policy.direction:
        return None
    return f"the event is bad {measured.direction} a limit, and thresholds.yaml has one to be {policy.direction}"
