"""What the API says of models, and what it takes about them."""

from typing import Any

import pytest

from tests.web.conftest import Client

NO_LIMIT = dict.fromkeys(("severity", "lower", "upper", "limit", "because", "method"))
PSI = {"model": "churn", "metric": "psi", "value": 0.1, "threshold": 0.2}


async def posted(client: Client, *events: dict[str, Any]) -> None:
    answer = await client.post("/api/v1/events", json=list(events))
    assert answer.status_code == 202, answer.text


async def got(client: Client, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_models_are_listed_by_name_with_what_is_wrong_with_them(client: Client) -> None:
    await posted(
        client,
        {**PSI, "value": 0.4, "severity": "critical"},
        {**PSI, "environment": "staging", "expect_next_within": "26h"},
        {**PSI, "model": "fraud"},
    )
    page = await got(client, "/api/v1/models")
    assert page["next_cursor"] is None
    churn, fraud = page["items"]
    assert churn.pop("last_received_at") is not None
    assert churn == {
        "model": "churn",
        "environments": ["production", "staging"],
        "open_incident_count": 1,
        "worst_severity": "critical",
        "series_count": 2,
        "late_count": 0,
    }
    assert (fraud["model"], fraud["open_incident_count"], fraud["worst_severity"]) == ("fraud", 0, None)


async def test_models_come_a_page_at_a_time(client: Client) -> None:
    await posted(client, *({**PSI, "model": f"m{each}"} for each in range(5)))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await got(client, "/api/v1/models", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [each["model"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"m{each}" for each in range(5)]


async def test_a_model_is_shown_whole(client: Client) -> None:
    await posted(client, {**PSI, "value": 0.4, "feature": "age", "model_version": "6", "expect_next_within": "26h"})
    made = await client.post("/api/v1/deployments", json={"model": "churn", "model_version": "6", "alias": "champion"})
    assert made.status_code == 201, made.text
    shown = await got(client, "/api/v1/models/churn")
    (incident,), (series,), (version,), (deployment,) = (
        shown[name] for name in ("incidents", "series", "versions", "deployments")
    )
    assert (incident["status"], series["state"], series["decided_by"]) == ("firing", "firing", "request.threshold")
    assert (series["metric"], series["feature"], series["value"], series["is_late"]) == ("psi", "age", 0.4, False)
    assert series["expected_at"] > series["received_at"]
    assert series["limits"] == [{**NO_LIMIT, "by": "sender", "limit": 0.2}]
    assert version["model_version"] == "6"
    assert version["deployed_at"] == deployment["happened_at"]
    assert version["first_observed_at"] is not None
    assert deployment["said"] == "champion -> v6"
    assert (shown["recent_incident_count"], shown["noise_share"]) == (1, 0.0)
    history = await got(client, f"/api/v1/incidents/{incident['number']}/history")
    assert [line["detail"] for line in history["items"] if line["kind"] == "deployment"] == ["champion -> v6"]


async def test_an_incident_that_ends_by_itself_at_once_was_noise(client: Client) -> None:
    await posted(client, {**PSI, "value": 0.4})
    await posted(client, PSI)
    assert (await got(client, "/api/v1/models/churn"))["noise_share"] == 1.0


async def test_the_series_of_a_model_come_a_page_at_a_time(client: Client) -> None:
    await posted(client, *({**PSI, "feature": f"f{each}"} for each in range(3)))
    first = await got(client, "/api/v1/models/churn", limit=2)
    second = await got(client, "/api/v1/models/churn", limit=2, cursor=first["next_cursor"])
    assert {each["feature"] for page in (first, second) for each in page["series"]} == {"f0", "f1", "f2"}
    assert second["next_cursor"] is None


async def test_what_was_measured_is_told_in_columns_the_latest_first(client: Client) -> None:
    times = [f"2026-03-0{each}T00:00:00Z" for each in range(1, 6)]
    await posted(client, *({**PSI, "value": at / 10, "observed_at": times[at]} for at in (2, 0, 1, 4, 3)))
    await posted(client, {**PSI, "feature": "age", "observed_at": times[0]}, {**PSI, "metric": "mae"})
    asked = {"model": "churn", "metric": "psi", "since": times[1], "until": times[4]}
    first = await got(client, "/api/v1/measurements", limit=2, **asked)
    second = await got(client, "/api/v1/measurements", limit=2, cursor=first["next_cursor"], **asked)
    at = first["columns"].index("value")
    assert [row[at] for row in (*first["rows"], *second["rows"])] == [0.3, 0.2, 0.1]
    assert second["next_cursor"] is None
    of_age = await got(client, "/api/v1/measurements", model="churn", metric="psi", feature="age")
    assert [dict(zip(of_age["columns"], row, strict=True))["feature"] for row in of_age["rows"]] == ["age"]


async def test_a_verdict_without_a_number_is_shown_among_the_measurements(client: Client) -> None:
    told = {"model": "churn", "metric": "psi"}
    times = [f"2026-03-0{each}T00:00:00Z" for each in range(1, 4)]
    await posted(client, {**told, "breached": False, "observed_at": times[0]})
    await posted(client, {**told, "value": 0.1, "threshold": 0.2, "observed_at": times[1]})
    await posted(client, {**told, "status": "firing", "observed_at": times[2]})
    page = await got(client, "/api/v1/measurements", **told)
    rows = [dict(zip(page["columns"], row, strict=True)) for row in page["rows"]]
    shown = [(row["value"], row["is_bad"], row["is_baseline"]) for row in rows]
    assert shown == [(None, True, False), (0.1, False, True), (None, False, False)]


async def test_a_retired_series_is_gone_and_its_alerts_end(client: Client) -> None:
    await posted(client, {**PSI, "value": 0.4}, {**PSI, "metric": "mae", "value": None})
    shown = await got(client, "/api/v1/models/churn")
    assert shown["open_incident_count"] == 1
    for each in shown["series"]:
        answer = await client.delete(f"/api/v1/series/{each['fingerprint']}")
        assert answer.status_code == 204
    shown = await got(client, "/api/v1/models/churn")
    assert (shown["series"], shown["open_incident_count"]) == ([], 0)
    again = await client.delete("/api/v1/series/0000000000000000")
    assert again.status_code == 404


async def test_deployments_are_listed_the_latest_first(client: Client) -> None:
    for version, day in (("6", 2), ("7", 3), ("5", 1)):
        body = {"model": "churn", "model_version": version, "happened_at": f"2026-03-0{day}T00:00:00Z"}
        assert (await client.post("/api/v1/deployments", json=body)).status_code == 201
    await client.post("/api/v1/deployments", json={"model": "fraud", "details": {"by": "ann"}})
    first = await got(client, "/api/v1/deployments", model="churn", limit=2)
    second = await got(client, "/api/v1/deployments", model="churn", limit=2, cursor=first["next_cursor"])
    assert [each["model_version"] for each in (*first["items"], *second["items"])] == ["7", "6", "5"]
    assert [each["model"] for each in (await got(client, "/api/v1/deployments"))["items"]].count("fraud") == 1


async def test_a_deployment_that_is_told_again_is_taken_once(client: Client) -> None:
    body, key = {"model": "churn", "model_version": "7"}, {"Idempotency-Key": "build-12"}
    first = await client.post("/api/v1/deployments", json=body, headers=key)
    again = await client.post("/api/v1/deployments", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await client.post("/api/v1/deployments", json={**body, "model_version": "8"}, headers=key)
    assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (422, "idempotency-key-reused")
    assert [each["model_version"] for each in (await got(client, "/api/v1/deployments"))["items"]] == ["7"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        pytest.param({}, 422, "model", id="no-model"),
        pytest.param({"model": "churn", "version": "7"}, 422, "version", id="unknown-field"),
        pytest.param({"model": "ch\x00urn"}, 422, "control character", id="nul"),
        pytest.param({"model": "churn", "happened_at": "2126-03-01T00:00:00Z"}, 422, "from 1970 to now", id="future"),
        pytest.param({"model": "churn", "happened_at": "2026-03-01T00:00:00"}, 400, "time zone", id="no-zone"),
        pytest.param({"model": "churn", "details": {"a": "b" * 5000}}, 422, "at most 4000", id="long-details"),
    ],
)
async def test_a_wrong_deployment_is_refused_in_words(
    client: Client, body: dict[str, Any], status: int, says: str
) -> None:
    answer = await client.post("/api/v1/deployments", json=body)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/api/v1/models/nobody", 404, id="unknown-model"),
        pytest.param("/api/v1/models?cursor=%21", 400, id="bad-cursor"),
        pytest.param("/api/v1/models?limit=0", 400, id="bad-limit"),
        pytest.param("/api/v1/measurements?model=churn", 400, id="no-metric"),
    ],
)
async def test_what_cannot_be_shown_is_refused(client: Client, path: str, status: int) -> None:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
