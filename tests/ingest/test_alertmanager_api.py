"""What Prometheus and amtool post becomes events with an end, by the rules Alertmanager has for it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertsvc.core.model import AlertState, Severity
from alertsvc.core.severity import SeverityRule
from alertsvc.ingest.alertmanager_api import MOST_ALERTS, Reading, parse, parse_one
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.ingest.parsed import BadPayloadError, Parsed

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
READING = Reading(NOW, timedelta(minutes=5), SeverityRule())
FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED


def posted(**changes: Any) -> dict[str, Any]:
    """An alert as Prometheus posts it."""
    sent = {
        "annotations": {"summary": "s"},
        "endsAt": "2026-03-02T09:04:00.116Z",
        "startsAt": "2026-03-02T08:30:00.116Z",
        "generatorURL": "http://prometheus.example/graph?g0.expr=up",
        "labels": {"alertname": "Drift", "model": "churn", "severity": "critical"},
    }
    return {name: value for name, value in {**sent, **changes}.items() if value is not ...}


def read(*alerts: Any) -> Parsed:
    return parse(json.dumps(alerts).encode(), READING)


def test_an_alert_of_prometheus_is_read_whole() -> None:
    (event,) = read(posted()).events
    assert (event.state, event.severity, event.source) == (FIRING, Severity.CRITICAL, "alertmanager_api")
    assert event.starts_at == datetime(2026, 3, 2, 8, 30, 0, 116000, UTC)
    assert event.expires_at == datetime(2026, 3, 2, 9, 4, 0, 116000, UTC)
    assert event.fingerprint == fingerprint(posted()["labels"])
    assert [(link.title, link.url) for link in event.links] == [("Source", posted()["generatorURL"])]


@pytest.mark.parametrize(
    ("ends", "state", "expires_in"),
    [
        pytest.param("2026-03-02T09:00:01Z", FIRING, 1, id="in-the-future"),
        pytest.param("2026-03-02T09:00:00Z", RESOLVED, None, id="now"),
        pytest.param("2026-03-02T08:59:59Z", RESOLVED, None, id="in-the-past"),
        pytest.param("2026-03-02T10:00:00+02:00", RESOLVED, None, id="in-the-past-elsewhere"),
        pytest.param(..., FIRING, 300, id="not-given"),
        pytest.param(None, FIRING, 300, id="null"),
        pytest.param("0001-01-01T00:00:00.000Z", FIRING, 300, id="year-1-means-none"),
        pytest.param("9999-01-01T00:00:00Z", FIRING, None, id="for-ever"),
    ],
)
def test_an_alert_fires_until_its_end(ends: Any, state: AlertState, expires_in: int | None) -> None:
    (event,) = read(posted(startsAt=..., endsAt=ends)).events
    assert event.state is state
    assert event.expires_at == (None if expires_in is None else NOW + timedelta(seconds=expires_in))
    assert (event.ends_at is not None) is (state is RESOLVED)


def test_without_a_start_an_alert_names_no_episode() -> None:
    assert read(posted(startsAt=...)).events[0].starts_at is None


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        pytest.param(posted(labels={}), "labels", id="no-labels"),
        pytest.param(posted(labels={"a": ""}), "labels", id="only-empty-labels"),
        pytest.param(posted(labels=...), "labels", id="labels-missing"),
        pytest.param(posted(labels={"": "a"}), "label", id="empty-name"),
        pytest.param(posted(labels={"a": 1}), "labels", id="number"),
        pytest.param(posted(startsAt="2026-03-02T09:05:00Z"), "startsAt", id="starts-after-its-end"),
        pytest.param(posted(endsAt="2026-03-02T09:05:00"), "endsAt", id="no-time-zone"),
        pytest.param(posted(endsAt="soon"), "endsAt", id="no-instant"),
        pytest.param("text", "object", id="no-object"),
    ],
)
def test_a_bad_alert_takes_no_other_with_it(bad: Any, said: str) -> None:
    parsed = read(posted(), bad, posted(labels={"alertname": "Other", "empty": ""}))
    assert [dict(event.labels) for event in parsed.events] == [posted()["labels"], {"alertname": "Other"}]
    assert [item.index for item in parsed.bad] == [1]
    assert said in parsed.bad[0].reason
    with pytest.raises(BadPayloadError, match=said):
        parse_one(parsed.bad[0].raw, READING)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[", b"\xff", b'[{"labels":', b"[" * 100_000])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(BadPayloadError, match="not a list of alerts"):
        parse(body, READING)


def test_too_many_are_refused() -> None:
    with pytest.raises(BadPayloadError, match="at most"):
        parse(b"[" + b",".join([b'{"labels":{"a":"b"}}'] * (MOST_ALERTS + 1)) + b"]", READING)
