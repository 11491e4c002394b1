"""The fake answers as the real service does: the same calls, to both."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alertsvc.client import AlertClient, AlertsvcError, ApiError, Incident, Item, Result
from alertsvc.client.testing import FakeAlertsvc, fake_client
from tests.programs import alertsvc

CONFIGURATION = """\
database: {{url: "sqlite:///{folder}/alertsvc.db"}}
route: {{receiver: console}}
receivers: [{{name: console, console_configs: [{{}}]}}]
"""


DRIFTED = {
    "metrics": [
        {
            "id": "1",
            "metric_name": "DriftedColumnsCount(drift_share=0.5)",
            "config": {"type": "evidently:metric_v2:DriftedColumnsCount", "drift_share": 0.5},
            "value": {"count": 2.0, "share": 0.67},
        }
    ],
    "tests": [],
}


def story(client: AlertClient) -> list[Any]:
    """What happens to one client: every kind of call, and every kind of answer."""
    now = datetime.now(UTC)
    seen: list[Any] = [
        client.metric("churn", "psi", 0.41, feature="age", threshold=0.2),
        client.metric("churn", "psi", 0.41, feature="age", threshold=0.2),
        client.metric("churn", "psi", 0.55, feature="age", threshold=0.2, severity="critical"),
        client.metric("churn", "psi", float("nan"), feature="income", threshold=0.2),
        client.metric("churn", "psi", 0.3, feature="zip", threshold=0.2, event_id="run-1"),
        client.metric("churn", "psi", 0.9, feature="zip", threshold=0.2, event_id="run-1"),
        client.metric("churn", "psi", 0.1, feature="zip", threshold=0.2, observed_at=now - timedelta(days=1)),
        client.metric("churn", "latency_p95", 120),
        client.metric("churn", "model_loaded", True),
        client.metric("churn", "model_loaded", False),
        client.alert("fraud", "schema_changed", severity="critical", labels={"team": "risk"}),
        client.events(
            [
                {"model": "fraud", "metric": "accuracy", "value": 0.7, "threshold": 0.8},
                {"model": "fraud", "metric": "zork", "value": 1, "threshold": 1},
                {"model": "fraud", "metric": "psi", "treshold": 1},
                {"metric": "psi"},
            ]
        ),
        client.events([{"metric": "psi"}, {"model": "fraud", "severity": "grave", "metric": "psi"}]),
        client.events([]),
        client.report("evidently", DRIFTED, model="scoring", dataset="daily"),
        client.report("evidently", DRIFTED),
        client.report("evidently", DRIFTED, model="scoring", split="row"),
        client.report("evidently", {"hello": 1}, model="scoring"),
        client.report("evidently", "{"),
        client.report("unheard-of", DRIFTED, model="scoring"),
        client.alert("fraud", "schema_changed", observed_at=now + timedelta(hours=1)),
    ]
    seen += sorted(client.incidents.list(status="open"), key=lambda each: each.number)
    seen += [
        client.incidents.ack(1, by="ann"),
        client.incidents.ack(1, by="bob"),
        client.incidents.unack("INC-1"),
        client.incidents.comment(1, "a line", by="ann"),
        client.metric("churn", "psi", 0.1, feature="age", threshold=0.2),
        client.incidents.resolve(1, by="ann"),
        fault_of(lambda: client.incidents.ack(1)),
        client.metric("churn", "psi", 0.7, feature="age", threshold=0.2),
        fault_of(lambda: client.incidents.reopen(1)),
        fault_of(lambda: client.incidents.get(99)),
        client.resolve("fraud", "schema_changed", labels={"team": "risk"}),
        client.metric("fraud", "accuracy", 0.95, threshold=0.8),
        client.metric("fraud", "accuracy", 0.95, threshold=0.8),
    ]
    seen += sorted(client.incidents.list(), key=lambda each: each.number)
    seen.append([each.number for each in client.incidents.list(model="fraud", severity=["critical", "error"], limit=1)])
    return seen


def fault_of(call: Callable[[], Any]) -> AlertsvcError:
    with pytest.raises(AlertsvcError) as fault:
        call()
    return fault.value


def comparable(seen: Any) -> Any:
    """What both must agree on: everything but identities and instants."""
    match seen:
        case Incident():
            known = {
                name: getattr(seen, name)
                for name in Incident.__dataclass_fields__
                if name not in {"id", "raw"} and not name.endswith("_at")
            }
            return known, seen.resolved_at is None, seen.acknowledged_at is None
        case Result():
            return seen.ok, [comparable(each) for each in seen.items], comparable(seen.error), seen.attempts
        case Item():
            return replace(seen, event_id=None)
        case ApiError():
            return type(seen), seen.status, seen.kind, str(seen).partition(" has ")[0], len(seen.errors)
        case AlertsvcError():
            return type(seen), str(seen)
        case _:
            return seen


async def test_the_fake_and_the_service_tell_the_same_story(tmp_path: Path) -> None:
    config = tmp_path / "alertsvc.yaml"
    config.write_text(CONFIGURATION.format(folder=tmp_path))
    async with alertsvc(config) as program:
        with AlertClient(program.url, timeout=20) as client:
            real = await asyncio.to_thread(story, client)
    with fake_client() as (client, _):
        faked = story(client)
    for place, (one, other) in enumerate(zip(real, faked, strict=True)):
        assert comparable(other) == comparable(one), place


def test_what_was_taken_is_kept_as_it_was_sent() -> None:
    with fake_client(environment="staging") as (client, fake):
        client.events([{"model": "churn", "metric": "psi", "value": 0.4}, {"metric": "psi"}])
        client.report("evidently", DRIFTED, model="churn")
        client.deployment("churn", 7)
    assert [(each["model"], each["environment"]) for each in fake.events] == [("churn", "staging")]
    assert fake.reports == [("evidently", {"environment": "staging", "model": "churn"}, DRIFTED)]
    assert fake.deployments[0]["model_version"] == "7"
    assert len(fake.requests) == 3


def test_the_fake_can_be_told_to_fail() -> None:
    fake = FakeAlertsvc(token="als_x")
    client = fake.client()
    fake.fail(503, 0)
    assert client.metric("churn", "psi", 0.4).attempts == 3
    fake.fail(422)
    assert not client.metric("churn", "psi", 0.4).ok
    stranger = AlertClient("http://x.test", "als_wrong", transport=client._transport)
    assert isinstance(stranger.metric("churn", "psi", 0.4).error, ApiError)


async def test_the_fake_serves_asyncio_as_well() -> None:
    fake = FakeAlertsvc()
    async with fake.async_client() as client:
        await client.alert("churn", "schema_changed")
        (incident,) = [each async for each in client.incidents.list(status="open")]
        assert (await client.incidents.resolve(incident.number, by="ann")).resolved_by == "ann"
    assert fake.open_incidents() == []


def test_what_the_fake_cannot_filter_by_it_says() -> None:
    with fake_client() as (client, _):
        assert "the fake lists by" in str(fault_of(lambda: list(client.incidents.list(q="age"))))
