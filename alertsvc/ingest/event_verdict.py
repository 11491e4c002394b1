"""What a direct event says of its alert: firing, resolved or nothing; which words or numbers decided; how bad it is."""

import math
from collections.abc import Mapping

import msgspec

from alertsvc.core.model import AlertState, Severity
from alertsvc.core.numbers import apart, short
from alertsvc.core.observation import Trouble
from alertsvc.core.severity import KNOWN_WORDS, SeverityRule
from alertsvc.ingest.clean import MAX_VALUE_BYTES, BadFieldError, clean_text
from alertsvc.ingest.event_fields import EventIn, LimitsIn, nearest
from alertsvc.ingest.metrics import WORDS_FOR_LIMITS, YES_OR_NO, Direction, Kind, breaks, direction_of

Verdict = tuple[AlertState | None, str]
"""Firing, resolved or None (nobody can say), and what decided. Where a `Trouble` did, that fires and not the metric."""

SAID_OF_TROUBLE: Mapping[str, str] = {
    Trouble.NO_VALUE: "has no value: the monitor ran and could not compute it",
    Trouble.NO_ROWS: "was computed over no rows: the monitor ran and had nothing to look at",
}


def check_threshold(sent: EventIn) -> None:
    """Refuse a threshold that would never alert, or nobody knows on which side.

    Raises:
        BadFieldError: It is not finite, has no side, the wrong one, or its sides are swapped.
    """
    threshold = sent.threshold
    if threshold is None:
        return
    direction = direction_for(sent)
    if isinstance(threshold, LimitsIn):
        _check_sides(threshold, direction)
    elif not math.isfinite(threshold):
        raise BadFieldError("threshold", "must be a finite number")
    if direction is None and sent.breached is None and sent.status is None:
        raise BadFieldError(
            "threshold", f'on which side is {sent.metric[:60]!r} bad? Add direction: "above", "below" or "outside"'
        )


def _check_sides(limits: LimitsIn, direction: Direction | None) -> None:
    given = [side for side in (limits.lower, limits.upper) if side is not None]
    if not given:
        raise BadFieldError("threshold", "give lower, upper or both")
    if not all(map(math.isfinite, given)):
        raise BadFieldError("threshold", "must be a finite number")
    if given != sorted(given):
        raise BadFieldError("threshold", "lower is more than upper; swap them")
    if direction is Direction.ABOVE and limits.upper is None:
        raise BadFieldError("threshold", 'direction "above" needs upper')
    if direction is Direction.BELOW and limits.lower is None:
        raise BadFieldError("threshold", 'direction "below" needs lower')


def direction_for(sent: EventIn) -> Direction | None:
    """The bad side: the sender's word, else the sides of the threshold, else what the names say."""
    if sent.direction is not None:
        return sent.direction
    if isinstance(sent.threshold, LimitsIn):
        if sent.threshold.lower is None:
            return Direction.ABOVE
        return Direction.BELOW if sent.threshold.upper is None else Direction.OUTSIDE
    return direction_of(sent.metric, sent.test, sent.score_type)


def verdict(sent: EventIn, kind: Kind) -> Verdict:
    """Decide by status, then breached, then value and threshold.

    What ran over no rows says nothing, whatever number came of it. A value that could not be computed is never fine:
    comparing NaN says "not breached" whatever happened, and null is what a NaN becomes on its way through strict JSON.
    Only a value that is left out leaves the verdict alone.
    """
    if sent.status is not None:
        return AlertState(sent.status), "request.status"
    if sent.breached is not True and sent.window is not None and sent.window.n_current == 0:
        return AlertState.FIRING, Trouble.NO_ROWS
    if sent.breached is False and sent.value is not msgspec.UNSET and value_of(sent) is None:
        return AlertState.FIRING, Trouble.NO_VALUE
    if sent.breached is not None:
        return _state(sent.breached), "request.breached"
    if sent.value is msgspec.UNSET and sent.threshold is None:
        return None, "none"
    return _verdict_on(value_of(sent), sent, kind)


def _verdict_on(value: float | None, sent: EventIn, kind: Kind) -> Verdict:
    if value is None:
        return AlertState.FIRING, Trouble.NO_VALUE
    direction = direction_for(sent)
    if sent.threshold is not None and direction is not None:
        lower, upper = _limits(sent.threshold, direction)
        return _state(breaks(value, direction, lower, upper)), "request.threshold"
    if is_yes_or_no(sent, kind):
        return _state(value == 0), "kind"
    return None, "none"


def _state(is_bad: bool) -> AlertState:
    return AlertState.FIRING if is_bad else AlertState.RESOLVED


def _limits(threshold: float | LimitsIn, direction: Direction) -> tuple[float | None, float | None]:
    if isinstance(threshold, LimitsIn):
        return threshold.lower, threshold.upper
    if direction is Direction.OUTSIDE:
        return -abs(threshold), abs(threshold)
    return (threshold, None) if direction is Direction.BELOW else (None, threshold)


def value_of(sent: EventIn) -> float | None:
    """The number that was observed, if there is one."""
    return sent.value if isinstance(sent.value, float) and math.isfinite(sent.value) else None


def threshold_of(sent: EventIn) -> float | None:
    """The limit to show beside the value: the one it broke, else the upper, else the lower."""
    limits = sent.threshold
    if not isinstance(limits, LimitsIn):
        return limits
    value = value_of(sent)
    under = value is not None and limits.lower is not None and value <= limits.lower
    return limits.lower if under or limits.upper is None else limits.upper


def is_yes_or_no(sent: EventIn, kind: Kind) -> bool:
    """Whether the metric is a question of health, whose answer needs no threshold: 0 or false is bad."""
    return kind is Kind.HEALTH and sent.metric in YES_OR_NO


def severity_for(sent: EventIn, kind: Kind, severities: SeverityRule, of_band: Severity | None = None) -> Severity:
    """The sender's word, else that of the band its value is in, else how bad such a thing usually is.

    Raises:
        BadFieldError: The word is neither one of the four, nor one the operator or many tools use.
    """
    if sent.severity is None and of_band is not None:
        return of_band
    if sent.severity is None:
        usual = Severity.CRITICAL if is_yes_or_no(sent, kind) else severities.default
        return severities.kinds.get(kind, usual)
    word = sent.severity.strip().lower()
    if word not in severities.words and word not in KNOWN_WORDS:
        own = tuple(each.word for each in Severity)
        near = nearest(word, own)
        hint = f"; did you mean {near!r}?" if near else ""
        raise BadFieldError("severity", f"{sent.severity[:60]!r} is none of {', '.join(own)}{hint}")
    return severities.read(word)


def summary_of(sent: EventIn, decided_by: str, our_limit: float | None = None, our_side: str | None = None) -> str:
    """One sentence: what of what has which value, and where its limit is: its sender's, or one of ours."""
    about = f"{sent.metric} of {sent.feature}" if sent.feature else sent.metric
    if decided_by in SAID_OF_TROUBLE:
        return clean_text(f"{about} {SAID_OF_TROUBLE[decided_by]}", MAX_VALUE_BYTES)
    value = value_of(sent)
    limit, direction = threshold_of(sent), direction_for(sent)
    is_ours = our_limit is not None and our_side is not None
    if is_ours:
        limit, direction = our_limit, Direction(our_side)
    if value is None:
        return clean_text(f"{about} is not given", MAX_VALUE_BYTES)
    if limit is None or direction is None:
        return clean_text(f"{about} is {short(value)}", MAX_VALUE_BYTES)
    shown, spoken = apart(value, limit)
    if direction is Direction.OUTSIDE and not is_ours and sent.threshold is not None:
        spoken = _both_sides(sent.threshold)
    return clean_text(f"{about} is {shown} (alert {WORDS_FOR_LIMITS[direction]} {spoken})", MAX_VALUE_BYTES)


def _both_sides(threshold: float | LimitsIn) -> str:
    lower, upper = _limits(threshold, Direction.OUTSIDE)
    return " to ".join("…" if side is None else short(side) for side in (lower, upper))
