"""What a stream's detector says of values, one after the other, and what is kept of it in between."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertsvc.core.adaptive.stream import WARM_UP
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.observation import Observation
from alertsvc.core.thresholds.policy import Adaptive, Policy
from alertsvc.core.thresholds.streaming import Detector, limit_of, streamed

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SEEN = Observation("churn", "queue_length", "custom", "production")
POLICY = Policy(adaptive=Adaptive("stream"), rules={"adaptive": "metrics.queue_length"})
USUAL = [10.0, 11.0] * 100


def value_of(minute: float, value: float, **changes: Any) -> Event:
    about = {name: changes.pop(name) for name in ("model_version", "test", "score_type") if name in changes}
    event = Event(
        "events",
        "f1",
        None,
        Severity.WARNING,
        {},
        value=value,
        observed_at=START + minute * MINUTE,
        decided_by="none",
        observation=replace(SEEN, **about),
    )
    return replace(event, **changes)


class Line:
    """One series: its values come a minute apart, and what is kept goes through JSON in between."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.detector = Detector()
        self.minute = 0
        self.baseline_from: datetime | None = None

    def event(self, event: Event) -> Event:
        received_at = START + (self.minute + 0.5) * MINUTE
        before = json.dumps(self.detector.state())
        self.detector = Detector(self.detector.extent, json.loads(before))
        return streamed(event, self.policy, self.detector, self.baseline_from, received_at)

    def values(self, *values: float, **changes: Any) -> list[Event]:
        found: list[Event] = []
        for value in values:
            self.minute += 1
            found.append(self.event(value_of(self.minute, value, **changes)))
        return found

    @property
    def count(self) -> int:
        return self.detector.extent.value_count if self.detector.extent else 0


@pytest.fixture
def line() -> Line:
    """A series that is known."""
    known = Line()
    known.values(*USUAL)
    return known


def why(event: Event) -> str | None:
    return event.annotations.get("because")


def test_it_says_how_far_it_has_come_and_then_what_is_fine() -> None:
    line = Line()
    said = line.values(*USUAL)
    assert [why(each) for each in (said[0], said[41])] == ["warming up (0/150)", "warming up (41/150)"]
    assert {(each.state, each.decided_by) for each in said[:WARM_UP]} == {(None, "adaptive")}
    assert {(each.state, each.decided_by, why(each)) for each in said[WARM_UP:]} == {
        (AlertState.RESOLVED, "adaptive", None)
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param([831.2], "new: 831.2; the last 200 values were 10 to 11", id="above"),
        pytest.param([-3.0], "new: -3; the last 200 values were 10 to 11", id="below"),
    ],
)
def test_what_is_new_is_a_warning_that_says_what_was_known(line: Line, values: list[float], said: str) -> None:
    found = line.values(*values)[-1]
    assert (found.state, found.severity, found.decided_by) == (AlertState.FIRING, Severity.WARNING, "adaptive")
    assert found.annotations == {"rule": "metrics.queue_length.adaptive", "because": said}


@pytest.mark.parametrize(
    ("usual", "then", "said"),
    [
        pytest.param(
            [5.0 * (each % 20) for each in range(391)],
            [50.0] * 10,
            "new: 50, about 7 values after 35; in no pattern of the last 394 values",
            id="it-stays",
        ),
        pytest.param(
            [*([0.0] * 30 + [100.0] * 30) * 6, *[0.0] * 12],
            [*[100.0] * 8, *[0.0] * 8],
            "new: the average of 20 values went from 80 to 40; in no pattern of the last 383 values",
            id="it-comes-too-soon",
        ),
    ],
)
def test_usual_values_at_an_unusual_time_are_told_as_such(usual: list[float], then: list[float], said: str) -> None:
    line = Line()
    line.values(*usual)
    (first, *_) = [each for each in line.values(*then) if each.state is AlertState.FIRING]
    assert why(first) == said


def test_it_is_bad_until_it_is_as_before_or_for_as_long_as_nothing_becomes_usual(line: Line) -> None:
    assert {each.state for each in line.values(*[20.0] * 30)} == {AlertState.FIRING}
    still = line.values(20.0)[0]
    assert why(still) == "still new: 20 is in no pattern that was known before the alarm at 02 Mar 12:21 UTC"
    line.policy = replace(POLICY, freeze=35 * MINUTE)
    states = [each.state for each in line.values(*[20.0] * 10)]
    assert states == [AlertState.FIRING] * 5 + [AlertState.RESOLVED] * 5


def test_it_is_fine_again_once_it_is_as_before(line: Line) -> None:
    line.values(*[20.0] * 10)
    states = [each.state for each in line.values(*USUAL[:20])]
    end = states.index(AlertState.RESOLVED)
    assert end <= 7
    assert set(states[end:]) == {AlertState.RESOLVED}


def test_soon_after_an_alarm_what_is_new_is_kept_and_said(line: Line) -> None:
    line.values(20.0, *USUAL[:30])
    (held,) = line.values(24.0)
    assert (held.state, why(held)) == (
        AlertState.RESOLVED,
        "new, and not told of: there was an alarm within the last 100 values",
    )


def test_what_moves_to_its_good_side_is_no_trouble(line: Line) -> None:
    line.policy = replace(POLICY, direction="above")
    (good,) = line.values(1.0)
    assert (good.state, why(good)) == (AlertState.RESOLVED, "new, and no trouble: it moved to its good side")


@pytest.mark.parametrize("changes", [{}, {"decided_by": "thresholds.yaml", "state": AlertState.RESOLVED}])
def test_a_late_value_is_not_taken_in(line: Line, changes: dict[str, Any]) -> None:
    before = line.detector.state()
    late = line.event(value_of(line.minute - 0.5, 900.0, **changes))
    assert late.state is changes.get("state")
    assert late.decided_by == changes.get("decided_by", "late")
    assert (line.detector.state(), line.detector.is_changed) == (before, False)


def test_an_instant_that_is_told_twice_comes_to_the_same_and_is_taken_in_once(line: Line) -> None:
    (first,) = line.values(20.0)
    before = line.detector.state()
    assert line.event(value_of(line.minute, 20.0)) == first
    assert (line.detector.state(), line.detector.is_changed) == (before, False)


def test_what_was_observed_as_it_arrived_is_never_late(line: Line) -> None:
    received_at = START - 60 * MINUTE  # the clock was set back
    event = replace(value_of(0, 20.0), observed_at=received_at)
    assert streamed(event, POLICY, line.detector, None, received_at).state is AlertState.FIRING
    assert line.detector.extent is not None
    assert line.detector.extent.last_observed_at == received_at


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"decided_by": "request.breached", "state": AlertState.FIRING}, id="its-sender-says"),
        pytest.param({"decided_by": "min_samples"}, id="too-few-rows"),
        pytest.param({"score_type": "p_value"}, id="a-p-value"),
        pytest.param({"value": 1e300}, id="no-number-to-speak-of"),
        pytest.param({"value": None}, id="no-value"),
    ],
)
def test_what_is_not_judged_is_not_taken_in(line: Line, changes: dict[str, Any]) -> None:
    before = line.detector.state()
    line.minute += 1
    said = line.event(value_of(line.minute, **{"value": 900.0, **changes}))
    assert (said.state, said.decided_by) == (changes.get("state"), changes.get("decided_by", "none"))
    assert line.detector.state() == before
    if "score_type" in changes:
        assert (why(said) or "").startswith("a p-value has no usual level")


def test_what_a_band_finds_bad_is_taken_in_and_stays_what_it_is(line: Line) -> None:
    critical = {"decided_by": "thresholds.yaml", "state": AlertState.FIRING, "severity": Severity.CRITICAL}
    (said,) = line.values(900.0, **critical)
    assert (said.severity, said.decided_by, said.annotations) == (Severity.CRITICAL, "thresholds.yaml", {})
    assert line.count == len(USUAL) + 1
    (after,) = line.values(900.0, decided_by="thresholds.yaml", state=AlertState.RESOLVED)
    assert (after.state, after.decided_by) == (AlertState.FIRING, "adaptive")


@pytest.mark.parametrize(
    ("first", "then", "count"),
    [
        pytest.param({"model_version": "1"}, {"model_version": "2"}, 1, id="another-version"),
        pytest.param({"model_version": "1"}, {}, 151, id="no-version-is-any"),
        pytest.param({"test": "psi"}, {"test": "ks"}, 1, id="another-test"),
        pytest.param({}, {"test": "ks"}, 151, id="a-test-that-is-named-at-last"),
    ],
)
def test_another_version_or_test_begins_anew(first: dict[str, str], then: dict[str, str], count: int) -> None:
    line = Line()
    line.values(*USUAL[:150], **first)
    (said,) = line.values(900.0, **then)
    assert (line.count, why(said) == "warming up (0/150)") == (count, count == 1)
    line.values(11.0, **first)
    assert line.count == (1 if count == 1 else count + 1)


def test_what_is_known_from_before_the_new_normal_is_not_compared_with(line: Line) -> None:
    line.baseline_from = START + line.minute * MINUTE
    said = line.values(900.0, 901.0)
    assert [(each.state, why(each)) for each in said] == [
        (AlertState.RESOLVED, "warming up (0/150)"),  # somebody took it as normal
        (AlertState.RESOLVED, "warming up (1/150)"),
    ]


@pytest.mark.parametrize("state", [{}, {"form": 0}, {"form": 1, "stream": {}, "told": [], "trouble_at": None}])
def test_what_cannot_be_read_begins_anew(line: Line, state: dict[str, Any]) -> None:
    line.detector = Detector(line.detector.extent, state)
    assert why(line.values(10.0)[0]) == "warming up (0/150)"


def test_the_limit_in_force_is_said_in_words(line: Line) -> None:
    extent = line.detector.extent
    assert limit_of(None, POLICY, SEEN, None) == "warming up (0/150)"
    assert limit_of(extent, POLICY, SEEN, None) == "new is what is in no pattern of the last 200 values"
    assert extent is not None
    assert limit_of(replace(extent, value_count=42), POLICY, SEEN, None) == "warming up (42/150)"
    assert limit_of(replace(extent, value_count=70_000), POLICY, SEEN, None).endswith("of the last 10,000 values")
    assert limit_of(extent, POLICY, SEEN, START + line.minute * MINUTE) == "warming up (0/150)"
    assert limit_of(extent, POLICY, replace(SEEN, score_type="p_value"), None).startswith("a p-value")
