"""One value by itself: who decides before whom, at which limit, and how bad it is."""

import pytest

from alertsvc.core.model import AlertState, Severity
from alertsvc.core.thresholds.policy import ABOVE, BELOW, OUTSIDE, Adaptive, Limits, Policy, Said, merged
from alertsvc.core.thresholds.ruling import Measured, Ruling, rule_on

FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED
INFO, WARNING, ERROR, CRITICAL = Severity


def policy(direction: str, warning: Limits, critical: Limits, **said: object) -> Policy:
    return merged([Said("m", direction, {WARNING: warning, CRITICAL: critical}, **said)])  # type: ignore[arg-type]


DOWN = policy(BELOW, Limits(0.85), Limits(0.8), min_samples=100)
UP = policy(ABOVE, Limits(0.1), Limits(0.25))
AROUND = policy(OUTSIDE, Limits(lower=-1, upper=2), Limits(3))


@pytest.mark.parametrize(
    ("value", "known", "severity", "limit", "side"),
    [
        pytest.param(0.86, DOWN, None, 0.85, BELOW, id="above-a-lower-limit-is-fine"),
        pytest.param(0.85, DOWN, WARNING, 0.85, BELOW, id="at-a-lower-limit-is-beyond"),
        pytest.param(0.81, DOWN, WARNING, 0.85, BELOW, id="between-the-bands"),
        pytest.param(0.8, DOWN, CRITICAL, 0.8, BELOW, id="at-the-graver-lower-limit"),
        pytest.param(-5, DOWN, CRITICAL, 0.8, BELOW, id="far-below"),
        pytest.param(0.09, UP, None, 0.1, ABOVE, id="below-an-upper-limit-is-fine"),
        pytest.param(0.1, UP, WARNING, 0.1, ABOVE, id="at-an-upper-limit-is-beyond"),
        pytest.param(0.25, UP, CRITICAL, 0.25, ABOVE, id="at-the-graver-upper-limit"),
        pytest.param(0, AROUND, None, -1, BELOW, id="inside-shows-the-nearer-limit"),
        pytest.param(1, AROUND, None, 2, ABOVE, id="inside-shows-the-other-when-that-is-nearer"),
        pytest.param(-1, AROUND, WARNING, -1, BELOW, id="at-the-lower-of-two"),
        pytest.param(2, AROUND, WARNING, 2, ABOVE, id="at-the-upper-of-two"),
        pytest.param(-3, AROUND, CRITICAL, -3, BELOW, id="a-number-is-that-far-from-0-below"),
        pytest.param(3, AROUND, CRITICAL, 3, ABOVE, id="a-number-is-that-far-from-0-above"),
    ],
)
def test_a_limit_belongs_to_its_band(
    value: float, known: Policy, severity: Severity | None, limit: float, side: str
) -> None:
    ruling = rule_on(Measured(value, None, "none"), known)
    assert ruling.state is (RESOLVED if severity is None else FIRING)
    assert (ruling.severity, ruling.limit, ruling.side, ruling.decided_by) == (severity, limit, side, "thresholds.yaml")


FEW, BAD, GOOD = 99, 0.7, 0.9


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        pytest.param(Measured(BAD, RESOLVED, "request.status", FEW), (RESOLVED, "request.status", None), id="status"),
        pytest.param(Measured(None, FIRING, "no_value", FEW), (FIRING, "no_value", None), id="no-value"),
        pytest.param(Measured(BAD, FIRING, "request.breached", FEW), (None, "min_samples", None), id="too-few-rows"),
        pytest.param(Measured(BAD, None, "none", 100), (FIRING, "thresholds.yaml", CRITICAL), id="just-enough-rows"),
        pytest.param(Measured(BAD, None, "none"), (FIRING, "thresholds.yaml", CRITICAL), id="nobody-counted-rows"),
        pytest.param(
            Measured(BAD, RESOLVED, "request.breached"), (RESOLVED, "request.breached", None), id="the-tool-says-fine"
        ),
        pytest.param(
            Measured(GOOD, FIRING, "request.breached"), (FIRING, "request.breached", None), id="the-tool-says-bad"
        ),
        pytest.param(
            Measured(0.84, FIRING, "request.breached"),
            (FIRING, "request.breached", WARNING),
            id="the-band-says-how-bad",
        ),
        pytest.param(
            Measured(BAD, FIRING, "request.threshold"),
            (FIRING, "request.threshold", CRITICAL),
            id="also-of-a-threshold",
        ),
        pytest.param(Measured(None, None, "none"), (None, "none", None), id="no-number"),
        pytest.param(
            Measured(BAD, None, "none", None, ABOVE), (None, "none", None), id="the-event-is-of-the-other-side"
        ),
        pytest.param(
            Measured(BAD, None, "none", None, BELOW), (FIRING, "thresholds.yaml", CRITICAL), id="of-the-same-side"
        ),
    ],
)
def test_who_decides_before_whom(measured: Measured, expected: tuple[AlertState | None, str, Severity | None]) -> None:
    ruling = rule_on(measured, DOWN)
    assert (ruling.state, ruling.decided_by, ruling.severity) == expected


def test_where_nothing_would_be_judged_too_few_rows_are_no_reason() -> None:
    nothing = merged([Said("defaults", min_samples=100)])
    assert rule_on(Measured(1.0, None, "none", FEW), nothing) == Ruling(None, "none")
    follows = merged([Said("defaults", min_samples=100, adaptive=Adaptive())])
    assert rule_on(Measured(1.0, None, "none", FEW), follows).rule == "defaults.min_samples"


def test_a_rule_is_where_the_limit_stands() -> None:
    laid = merged(
        [
            Said("metrics.psi", ABOVE, {WARNING: Limits(0.1), CRITICAL: Limits(0.2)}),
            Said("models.churn.psi", limits={CRITICAL: Limits(0.3)}),
        ]
    )
    assert rule_on(Measured(0.25, None, "none"), laid).rule == "metrics.psi.warning"
    assert rule_on(Measured(0.3, None, "none"), laid).rule == "models.churn.psi.critical"
