"""The lines that arrivals add to an incident's timeline."""

from dataclasses import replace

import pytest

from alertsvc.core.alerts import Change, Step
from alertsvc.core.model import IncidentStatus
from alertsvc.core.timeline import outgrown, timeline
from tests.core.builders import CRITICAL, ERROR, INFO, MINUTE, NOW, WARNING, alert, event, incident, uid

ACKNOWLEDGED, RESOLVED = IncidentStatus.ACKNOWLEDGED, IncidentStatus.RESOLVED


def step(change: Change, name: str = "Drift", **labels: str):
    """An event of the alert `name` that was `change` to it."""
    return event(labels={"alertname": name, **labels} if name else labels), Step(change, None, alert())


def many(change: Change, count: int):
    return [step(change, f"A{number}") for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("before", "steps", "after", "lines"),
    [
        pytest.param(
            None,
            [step(Change.OPENED)],
            incident(),
            ["opened: opened: churn: Drift"],
            id="opened-by-one-alert-is-one-line",
        ),
        pytest.param(
            None,
            many(Change.OPENED, 2),
            incident(),
            ["opened: opened: churn: Drift", "alert_opened: A1, A2"],
            id="opened-by-two",
        ),
        pytest.param(
            None,
            [step(Change.REFIRED)],
            incident(),
            ["opened: opened: churn: Drift", "alert_refired: Drift"],
            id="opened-by-one-that-had-ended-before",
        ),
        pytest.param(
            None,
            [step(Change.OPENED), step(Change.ENDED)],
            incident(RESOLVED),
            ["opened: opened: churn: Drift", "alert_ended: Drift", "resolved: its last alert ended at its source"],
            id="opened-and-ended-at-once",
        ),
        pytest.param(incident(), [step(Change.OPENED)], incident(), ["alert_opened: Drift"], id="an-alert-joins"),
        pytest.param(
            incident(),
            many(Change.OPENED, 5),
            incident(),
            ["alert_opened: A1, A2, A3, A4, A5"],
            id="five-are-named",
        ),
        pytest.param(
            incident(),
            many(Change.OPENED, 7),
            incident(),
            ["alert_opened: A1, A2, A3, A4, A5 and 2 more"],
            id="of-more-than-five-the-rest-is-counted",
        ),
        pytest.param(
            incident(), [step(Change.RAISED, "")], incident(), ["alert_raised: f1"], id="an-alert-without-a-name"
        ),
        pytest.param(
            incident(),
            [step(Change.ENDED, "A"), step(Change.OPENED, "B"), step(Change.ENDED, "C")],
            incident(),
            ["alert_ended: A, C", "alert_opened: B"],
            id="by-what-happened-in-order-of-the-first",
        ),
        pytest.param(incident(), [step(Change.UPDATED)], incident(), [], id="another-number-is-no-line"),
        pytest.param(
            incident(),
            [step(Change.ENDED)],
            incident(RESOLVED),
            ["alert_ended: Drift", "resolved: its last alert ended at its source"],
            id="the-last-one-ends",
        ),
        pytest.param(
            incident(severity=WARNING),
            [step(Change.RAISED)],
            incident(severity=ERROR),
            ["alert_raised: Drift", "raised: warning to error"],
            id="worse",
        ),
        pytest.param(
            incident(severity=CRITICAL),
            [step(Change.LOWERED)],
            incident(severity=INFO),
            ["alert_lowered: Drift", "lowered: critical to info"],
            id="better",
        ),
        pytest.param(
            incident(ACKNOWLEDGED, WARNING),
            [step(Change.RAISED)],
            incident(severity=CRITICAL),
            [
                "alert_raised: Drift",
                "raised: warning to critical",
                "unacknowledged: the acknowledgement by ann was of warning",
            ],
            id="worse-than-what-somebody-took",
        ),
        pytest.param(
            incident(ACKNOWLEDGED, CRITICAL),
            [step(Change.LOWERED)],
            incident(ACKNOWLEDGED, WARNING),
            ["alert_lowered: Drift", "lowered: critical to warning"],
            id="better-than-what-somebody-took",
        ),
        pytest.param(
            incident(RESOLVED, WARNING),
            [step(Change.REFIRED)],
            incident(severity=CRITICAL),
            ["reopened: fires again", "alert_refired: Drift"],
            id="opened-again-worse-is-no-raise",
        ),
        pytest.param(
            incident(RESOLVED),
            [step(Change.REFIRED), step(Change.ENDED)],
            incident(RESOLVED),
            ["alert_refired: Drift", "alert_ended: Drift"],
            id="fired-and-ended-while-resolved",
        ),
        pytest.param(
            incident(RESOLVED), [step(Change.CONFIRMED)], incident(RESOLVED), ["alert_confirmed: Drift"], id="confirmed"
        ),
    ],
)
def test_people_read_what_became_of_it(before, steps, after, lines):
    found = timeline(steps, before, after, NOW + MINUTE)
    named = [f"{line.kind}: {line.detail}" for line in found]
    assert [line.replace(" (f1)", "") for line in named] == lines
    assert {(line.incident_id, line.at, line.actor, line.channel) for line in found} <= {
        (uid(2), NOW + MINUTE, "source", "ingest")
    }


def test_a_line_carries_numbers_for_machines():
    after = replace(incident(severity=WARNING), peak_severity=CRITICAL)
    opened, joined = timeline(many(Change.OPENED, 7), None, after, NOW)
    assert opened.facts == {"severity": "critical"}
    assert joined.facts["alert_count"] == 7
    assert [each["alertname"] for each in joined.facts["alerts"]] == ["A1", "A2", "A3", "A4", "A5"]
    assert timeline([step(Change.ENDED)], incident(), incident(RESOLVED), NOW)[-1].facts == {}


def test_why_an_acknowledgement_counts_no_more():
    assert outgrown(incident(ACKNOWLEDGED, ERROR)) == "the acknowledgement by ann was of error"


AGE = {"alertname": "psi", "model": "churn", "kind": "drift", "severity": "warning", "feature": "age"}


@pytest.mark.parametrize(
    ("what", "name"),
    [
        pytest.param({"labels": AGE, "value": 0.41, "threshold": 0.2}, "feature age: psi 0.41 ≥ 0.2", id="above"),
        pytest.param({"labels": AGE, "value": 0.1, "threshold": 0.2}, "feature age: psi 0.1 < 0.2", id="below"),
        pytest.param({"labels": AGE, "value": 123456.7}, "feature age: psi 123,457", id="without-a-threshold"),
        pytest.param({"labels": AGE}, "feature age: psi", id="without-a-value"),
        pytest.param(
            {"labels": {**AGE, "dataset": "eu", "zone": "b", "test": "ks"}},
            "feature age, dataset eu, test ks: psi",
            id="three-labels-the-feature-first",
        ),
        pytest.param({"labels": {"feature": "age"}}, "feature age", id="without-a-name"),
        pytest.param({"labels": {"alertname": "A", "b": "x" * 70}}, f"b {'x' * 59}…: A", id="long"),
        pytest.param({"labels": {"model": "churn"}}, "f1", id="nothing-of-its-own"),
    ],
)
def test_an_alert_is_named_by_what_tells_it_from_the_others(what, name):
    ended = (event(**what), Step(Change.ENDED, None, alert()))
    (line,) = timeline([ended], incident(), incident(), NOW)
    assert line.detail == f"{name} (f1)"
    (fact,) = line.facts["alerts"]
    assert (fact["name"], fact["fingerprint"]) == (name, "f1")


def test_the_one_alert_that_opens_an_incident_is_named_where_the_title_does_not():
    first = (event(labels=AGE, value=0.41, threshold=0.2), Step(Change.OPENED, None, alert()))
    (line,) = timeline([first], None, incident(), NOW)
    assert line.detail == "opened: churn: Drift; feature age: psi 0.41 ≥ 0.2 (f1)"
    assert [each["labels"] for each in line.facts["alerts"]] == [{"feature": "age"}]


def test_two_hundred_alerts_are_one_line_of_bounded_length():
    features = [step(Change.OPENED, "psi", feature=f"f{number}" * 500) for number in range(200)]
    (line,) = timeline(features, incident(), incident(), NOW)
    assert line.detail.endswith(" and 195 more")
    assert len(line.detail) < 1000
    assert (line.facts["alert_count"], len(line.facts["alerts"])) == (200, 5)
