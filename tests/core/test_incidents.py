"""What an incident's alerts make of it: counts, severity, peak and title."""

import pytest

from alertsvc.core.incidents import Tally, counted, highest, title_of, with_firing
from alertsvc.core.model import IncidentStatus, Reason
from tests.core.builders import CRITICAL, ERROR, HOUR, INFO, MINUTE, NOW, WARNING, incident, live


@pytest.mark.parametrize(
    ("firing", "severity"),
    [
        pytest.param((0, 0, 0, 0), ERROR, id="nothing-fires-it-stays"),
        pytest.param((1, 0, 0, 0), INFO, id="info"),
        pytest.param((9, 1, 0, 0), WARNING, id="warning-above-many-infos"),
        pytest.param((0, 2, 1, 0), ERROR, id="error"),
        pytest.param((5, 5, 5, 1), CRITICAL, id="critical"),
    ],
)
def test_the_severity_is_the_highest_that_fires(firing, severity):
    assert highest(firing, ERROR) is severity
    after = with_firing(incident(severity=ERROR), firing, NOW + MINUTE)
    assert (after.firing, after.severity, after.updated_at) == (firing, severity, NOW + MINUTE)
    assert after.peak_severity is max(severity, ERROR)
    assert after.status is IncidentStatus.FIRING


@pytest.mark.parametrize(
    ("firing", "severity", "by", "after"),
    [
        pytest.param((0, 0, 0, 0), INFO, +1, (1, 0, 0, 0), id="one-info-more"),
        pytest.param((1, 2, 3, 4), CRITICAL, +1, (1, 2, 3, 5), id="one-critical-more"),
        pytest.param((1, 2, 3, 4), WARNING, -1, (1, 1, 3, 4), id="one-warning-less"),
        pytest.param((1, 2, 0, 4), ERROR, -1, (1, 2, 0, 4), id="never-below-zero"),
    ],
)
def test_alerts_are_counted_by_severity(firing, severity, by, after):
    assert counted(firing, severity, by) == after


@pytest.mark.parametrize(
    ("changes", "firing", "severity", "peak", "joined"),
    [
        pytest.param([], (0, 1, 0, 0), WARNING, ERROR, 0, id="nothing"),
        pytest.param([(None, CRITICAL, True)], (0, 1, 0, 1), CRITICAL, CRITICAL, 1, id="a-critical-one-joins"),
        pytest.param([(None, INFO, True)], (1, 1, 0, 0), WARNING, ERROR, 1, id="an-info-joins"),
        pytest.param([(WARNING, ERROR, False)], (0, 0, 1, 0), ERROR, ERROR, 0, id="raised"),
        pytest.param([(WARNING, INFO, False)], (1, 0, 0, 0), INFO, ERROR, 0, id="lowered"),
        pytest.param([(WARNING, None, False)], (0, 0, 0, 0), WARNING, ERROR, 0, id="the-last-ends-severity-stays"),
        pytest.param([(WARNING, WARNING, False)], (0, 1, 0, 0), WARNING, ERROR, 0, id="as-it-was"),
        pytest.param([(None, None, False)], (0, 1, 0, 0), WARNING, ERROR, 0, id="did-not-fire-and-does-not"),
        pytest.param([(None, None, True)], (0, 1, 0, 0), WARNING, ERROR, 1, id="joins-without-firing"),
        pytest.param(
            [(None, CRITICAL, True), (CRITICAL, None, False)],
            (0, 1, 0, 0),
            WARNING,
            CRITICAL,
            1,
            id="began-and-ended-the-peak-stays",
        ),
    ],
)
def test_a_tally_keeps_what_many_changes_come_to(changes, firing, severity, peak, joined):
    tally = Tally((0, 1, 0, 0), WARNING, ERROR)
    for before, after, joins in changes:
        tally.count(before, after, joined=joins)
    assert tally == Tally(firing, severity, peak, joined)


@pytest.mark.parametrize(
    ("status", "is_open"),
    [
        pytest.param(IncidentStatus.FIRING, True, id="firing"),
        pytest.param(IncidentStatus.ACKNOWLEDGED, True, id="acknowledged"),
        pytest.param(IncidentStatus.RESOLVED, False, id="resolved"),
    ],
)
def test_every_status_but_resolved_is_open(status, is_open):
    assert incident(status).is_open is is_open
    assert incident(status).firing_count == int(is_open)


def test_each_change_is_a_version():
    after = incident(version=4).next(NOW + HOUR)
    assert (after.version, after.updated_at, after.opened_at) == (5, NOW + HOUR, NOW)


@pytest.mark.parametrize(
    ("state", "maybe_left", "surely_here", "changeable"),
    [
        pytest.param("waiting", False, True, True, id="behind-another"),
        pytest.param("pending", False, True, True, id="not-tried-yet"),
        pytest.param("pending", True, False, True, id="tried-and-nobody-knows"),
        pytest.param("sending", False, False, False, id="being-sent"),
        pytest.param("sending", True, False, False, id="being-sent-again"),
    ],
)
def test_whether_a_message_is_still_here(state, maybe_left, surely_here, changeable):
    message = live(Reason.OPENED, state, maybe_left=maybe_left)
    assert (message.surely_here, message.changeable) == (surely_here, changeable)


@pytest.mark.parametrize(
    ("correlated", "alert", "title"),
    [
        pytest.param(
            {"model": "churn", "environment": "prod"},
            {"alertname": "Drift", "feature": "age"},
            "churn prod: Drift",
            id="a-model",
        ),
        pytest.param(
            {"model": "churn", "environment": ""}, {"alertname": "Drift"}, "churn: Drift", id="no-environment"
        ),
        pytest.param({"model": "churn", "alertname": "Drift"}, {"alertname": "Drift"}, "churn: Drift", id="named-once"),
        pytest.param({"model": "churn"}, {}, "churn: alert", id="a-model-and-no-name"),
        pytest.param({"host": "db-1"}, {"alertname": "DiskFull"}, "DiskFull db-1", id="no-model"),
        pytest.param({"model": "", "host": "db-1"}, {"alertname": "DiskFull"}, "DiskFull db-1", id="an-empty-model"),
        pytest.param(
            {"alertname": "DiskFull", "severity": "page", "host": "a"},
            {"alertname": "DiskFull"},
            "DiskFull a",
            id="host",
        ),
        pytest.param({"alertname": "DiskFull"}, {"alertname": "DiskFull"}, "DiskFull", id="a-name-alone"),
        pytest.param({}, {"alertname": ""}, "alert", id="nothing"),
        pytest.param({"model": "m" * 300}, {"alertname": "Drift"}, "m" * 200, id="a-long-model"),
        pytest.param({"host": "h" * 300}, {"alertname": "Drift"}, "Drift " + "h" * 194, id="a-long-label"),
    ],
)
def test_a_title_says_what_it_is_about_and_what_is_wrong(correlated, alert, title):
    assert title_of(correlated, alert) == title
