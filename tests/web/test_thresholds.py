"""Thresholds at the doors: what is answered of a value, what a dry run foretells, and who may accept a new normal."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.service import Parts, Service
from alertsvc.observe.metrics import Metrics
from alertsvc.settings.thresholds_file import parse_thresholds
from alertsvc.store.connect import open_database
from tests.web.conftest import Client, client_of
from tests.world import Recorder, rules

LIMITS = """
metrics:
  accuracy: {warning: 0.85, critical: 0.8, for: 2, clear_after: 2}
  recall: {critical: 0.8, adaptive: ewma}
  queue_length: {critical: {upper: 1000}, direction: above, adaptive: stream}
"""


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[Client]:
    """A client of a service that has thresholds."""
    known = replace(rules(), thresholds=parse_thresholds(LIMITS, "thresholds.yaml"))
    outlets = Outlets(known, {"team/chat": Outlet("team/chat", "chat", Recorder())})
    service = Service(Parts(open_database(database_url), outlets, Metrics("test")))
    async with client_of(service) as found:
        yield found


async def told(client: Client, value: float, query: str = "") -> dict[str, object]:
    event = {"model": "churn", "metric": "accuracy", "value": value}
    return (await client.post(f"/api/v1/events{query}", json=event)).json()["items"][0]


async def test_an_answer_names_the_entry_that_decided(client: Client) -> None:
    first, second = await told(client, 0.79), await told(client, 0.79)
    assert (first["state"], first["decided_by"], first["rule"]) == (
        "pending",
        "thresholds.yaml",
        "metrics.accuracy.for",
    )
    assert first["because"] == "1 of the last 2 values bad: it fires at 2"
    assert (second["state"], second["severity"], second["rule"]) == ("firing", "critical", "metrics.accuracy.critical")
    incident = second["incident"]
    assert isinstance(incident, dict)
    history = (await client.get(f"/api/v1/incidents/{incident['number']}/history")).json()["items"]
    assert history[0]["facts"]["alerts"][0]["rule"] == "metrics.accuracy.critical"
    (alert,) = (await client.get(f"/api/v1/incidents/{incident['number']}/alerts")).json()["items"]
    assert alert["annotations"]["rule"] == "metrics.accuracy.critical"


async def test_a_dry_run_reads_what_was_measured_and_keeps_nothing(client: Client) -> None:
    dry = "?dry_run=true"
    assert (await told(client, 0.79, dry))["state"] == "pending"
    assert (await told(client, 0.79, dry))["state"] == "pending"
    await told(client, 0.79)
    foretold = await told(client, 0.79, dry)
    assert (foretold["state"], foretold["rule"]) == ("firing", "metrics.accuracy.critical")
    await told(client, 0.79)
    held = await told(client, 0.9, dry)
    assert (held["state"], held["decided_by"]) == ("firing", "clear_after")


async def test_a_new_normal_is_accepted_where_there_is_such_a_series(client: Client) -> None:
    await told(client, 0.79)
    firing = await told(client, 0.79)
    accepted = await client.post(f"/api/v1/series/{firing['fingerprint']}/accept", json={"by": "ann", "comment": "new"})
    assert accepted.status_code == 204
    incident = firing["incident"]
    assert isinstance(incident, dict)
    history = (await client.get(f"/api/v1/incidents/{incident['number']}/history")).json()["items"]
    assert [(each["actor"], each["detail"]) for each in history if each["kind"] == "accepted"] == [
        ("ann", "accuracy as it is now is the new normal: new")
    ]
    assert (await client.post("/api/v1/series/0000000000000000/accept")).status_code == 404


async def test_a_model_shows_the_limits_that_the_next_value_is_held_against(client: Client) -> None:
    """Those of the file, and the one that follows the series: how far it has come, then where it is, in its unit."""
    nothing = dict.fromkeys(("severity", "lower", "upper", "limit", "because", "method"))
    critical = {**nothing, "by": "metrics.recall.critical", "severity": "critical", "lower": 0.8}
    adaptive = {**nothing, "by": "metrics.recall.adaptive", "severity": "warning", "method": "ewma"}
    started = datetime.now(UTC) - timedelta(days=20)
    values = [
        {
            "model": "churn",
            "metric": "recall",
            "value": 0.90 + 0.002 * (day % 5),
            "observed_at": (started + timedelta(days=day)).isoformat(),
        }
        for day in range(15)
    ]

    async def limits_after(*events: dict[str, object]) -> list[dict[str, object]]:
        assert (await client.post("/api/v1/events", json=list(events))).status_code == 202
        (series,) = (await client.get("/api/v1/models/churn")).json()["series"]
        return series["limits"]

    assert await limits_after(*values[:14]) == [critical, {**adaptive, "because": "warming up (14/15)"}]
    first, second = await limits_after(values[14])
    lower = second["lower"]
    assert isinstance(lower, float)
    assert (first, {**second, "lower": None}) == (critical, adaptive)
    assert 0.89 < lower < 0.905


async def test_a_model_shows_that_a_limit_is_a_streams_and_how_far_it_has_come(client: Client) -> None:
    started = datetime.now(UTC) - timedelta(minutes=200)
    values = [
        {
            "model": "churn",
            "metric": "queue_length",
            "value": 10.0 + minute % 2,
            "observed_at": (started + timedelta(minutes=minute)).isoformat(),
        }
        for minute in range(160)
    ]

    async def limits_after(sent: list[dict[str, object]]) -> list[tuple[object, ...]]:
        assert (await client.post("/api/v1/events", json=sent)).status_code == 202
        (series,) = (await client.get("/api/v1/models/churn")).json()["series"]
        return [tuple(each[name] for name in ("by", "severity", "method", "because")) for each in series["limits"]]

    critical = ("metrics.queue_length.critical", "critical", None, None)
    stream = ("metrics.queue_length.adaptive", "warning", "stream")
    assert await limits_after(values[:42]) == [critical, (*stream, "warming up (42/150)")]
    assert await limits_after(values[42:]) == [
        critical,
        (*stream, "new is what is in no pattern of the last 160 values"),
    ]
    new: dict[str, object] = {"model": "churn", "metric": "queue_length", "value": 831.2}
    (foretold,) = (await client.post("/api/v1/events?dry_run=true", json=new)).json()["items"]
    (found,) = (await client.post("/api/v1/events", json=new)).json()["items"]
    for told_of in (foretold, found):
        assert (told_of["state"], told_of["severity"], told_of["decided_by"]) == ("firing", "warning", "adaptive")
        assert (told_of["rule"], told_of["because"]) == (
            "metrics.queue_length.adaptive",
            "new: 831.2; the last 160 values were 10 to 11",
        )
