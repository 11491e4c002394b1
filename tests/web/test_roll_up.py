"""Many troubles of one model at once: through the door, one incident, one message, and what that says first."""

from typing import Any

import pytest

from alertsvc.channels.message import IncidentMessage
from alertsvc.channels.view import facts, title
from tests.programs import eventually
from tests.web.conftest import Client
from tests.world import Recorder

COUNT = 500


def column(number: int) -> dict[str, Any]:
    """A column of a report of Evidently's, its test failed; the higher the number the further beyond the limit."""
    config = {"type": "evidently:metric_v2:ValueDrift", "column": f"f{number}", "method": "psi", "threshold": 0.1}
    return {"id": f"m{number}", "metric_name": "ValueDrift", "config": config, "value": 0.2 + number / 1000}


def report() -> dict[str, Any]:
    columns = [column(number) for number in range(COUNT)]
    tests = [
        {"id": "drift", "metric_config": {"metric_id": each["id"], "params": each["config"]}, "status": "FAIL"}
        for each in columns
    ]
    return {"metrics": columns, "tests": tests}


def observations() -> list[dict[str, Any]]:
    return [
        {"model": "churn", "metric": "psi", "feature": f"f{number}", "value": 0.2 + number / 1000, "threshold": 0.1}
        for number in range(COUNT)
    ]


async def only_message(recorder: Recorder) -> IncidentMessage:
    """The message, once there is one."""
    (message,) = await eventually(lambda: recorder.sent)
    assert isinstance(message, IncidentMessage)
    return message


@pytest.mark.parametrize(("way", "reason"), [("events", "opened"), ("evidently", "raised")])
async def test_500_drifting_features_of_one_model_make_one_incident_and_one_message(
    client: Client, recorder: Recorder, way: str, reason: str
) -> None:
    if way == "events":
        body = [{**each, "severity": "critical"} for each in observations()]
        answer = await client.post("/api/v1/events", json=body)
    else:
        answer = await client.post("/api/v1/hooks/evidently?model=churn&split=feature", json=report())
        loud = {"model": "churn", "metric": "drift_score", "value": 1, "status": "firing", "severity": "critical"}
        await client.post("/api/v1/events", json=loud)  # what a report has is a warning, which waits for a digest
    assert answer.status_code == 202
    assert answer.json()["incident_count"] == 1
    message = await only_message(recorder)
    assert (await client.get("/api/v1/incidents")).json()["items"][0]["alert_count"] >= COUNT
    assert len((await client.get("/api/v1/incidents")).json()["items"]) == 1
    assert "drift of 500 features" in title(message)
    listed = [alert.called for alert in message.alerts if alert.labels.get("feature")]
    metric = "psi" if way == "events" else "drift_score"
    assert listed[:9] == [f"{metric} of f{number}" for number in range(COUNT - 1, COUNT - 10, -1)]
    assert message.firing_count > COUNT - 1
    assert recorder.reasons == [reason]


async def test_a_drop_in_performance_leads_whatever_came_first(client: Client, recorder: Recorder) -> None:
    body = [
        *({**each, "severity": "critical"} for each in observations()[:12]),
        {"model": "churn", "metric": "null_share", "feature": "income", "value": 0.31, "threshold": 0.2},
        {"model": "churn", "metric": "psi", "kind": "prediction_drift", "value": 0.27, "threshold": 0.25},
        {"model": "churn", "metric": "accuracy", "value": 0.7812345, "threshold": 0.8},
    ]
    await client.post("/api/v1/events", json=body)
    message = await only_message(recorder)
    said = "churn: accuracy 0.781 (< 0.8), prediction drift, null_share of income, drift of 12 features"
    assert title(message) == said
    assert message.title == "churn: accuracy"
    assert [alert.called for alert in message.alerts][:4] == [
        "accuracy",
        "prediction drift, psi",
        "null_share of income",
        "psi of f11",
    ]
    shown = {fact.name: fact.value for fact in facts(message)}
    assert shown["Decided by"] == "the limit that its sender gave"
    assert shown["Status"] == "Firing, 15 alerts"


async def test_what_was_deployed_before_it_began_stands_in_the_very_first_message(
    client: Client, recorder: Recorder
) -> None:
    made = {"model": "churn", "alias": "champion", "model_version": "7", "happened_at": "2026-03-02T08:20:00Z"}
    assert (await client.post("/api/v1/deployments", json=made)).status_code == 201
    bad = {"model": "churn", "metric": "auc", "value": 0.5, "threshold": 0.7, "severity": "critical"}
    await client.post("/api/v1/events", json={**bad, "observed_at": "2026-03-02T09:00:00Z"})
    message = await only_message(recorder)
    assert message.deployment == "champion -> v7, 40m before it began"
    assert (await client.get("/api/v1/incidents/1")).json()["deployment"] == {
        "model_version": "7",
        "alias": "champion",
        "environment": None,
        "happened_at": "2026-03-02T08:20:00Z",
        "seconds_before": 2400,
        "said": message.deployment,
    }
    assert "deployment" not in (await client.get("/api/v1/incidents")).json()["items"][0]
