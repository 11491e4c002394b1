"""What comes in, and what is answered: chosen for what the sender does with it."""

import json
from typing import Any

import pytest

from alertsvc.engine.receive import Bounds
from alertsvc.settings.process import ServerSection
from tests.ingest.expected_captures import CAPTURES
from tests.ingest.test_alertmanager import alert, body
from tests.web.conftest import Client, opened
from tests.world import Recorder

HOOK = "/api/v1/hooks/alertmanager"
JSON = {"content-type": "application/json"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough: what stands before it does not know which it is."""
    return sqlite_url


async def post(client: Client, content: bytes, headers: dict[str, str] | None = None) -> Any:
    return await client.post(HOOK, content=content, headers=JSON if headers is None else headers)


async def test_an_accepted_webhook_is_answered_with_small_complete_counts(client: Client) -> None:
    first = await post(client, body(alert(), alert(labels={"alertname": "Other"})))
    again = await post(client, body(alert()))
    assert first.status_code == again.status_code == 202
    assert (first.json()["accepted"], first.json()["new"], again.json()["duplicate"]) == (2, 2, 1)
    assert first.json()["incidents"][0] == again.json()["incidents"][0]
    shown = (await client.get(f"/api/v1/incidents/{first.json()['incidents'][1]['number']}")).json()
    assert shown["id"] == first.json()["incidents"][1]["id"]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        pytest.param(b"", JSON, 400, id="empty"),
        pytest.param(b"{", JSON, 400, id="not-json"),
        pytest.param(b"\xff\xfe", JSON, 400, id="bad-utf-8"),
        pytest.param(b'{"alerts":[{"status":NaN}]}', JSON, 400, id="nan"),
        pytest.param(b"[" * 100_000, JSON, 400, id="100k-deep"),
        pytest.param(b'{"x":' * 100_000, JSON, 400, id="100k-deep-objects"),
        pytest.param(b'{"message": "templated payload"}', JSON, 400, id="another-payload"),
        pytest.param(body(alert()), {"content-type": "text/plain"}, 415, id="text"),
        pytest.param(body(alert()), {**JSON, "content-encoding": "gzip"}, 415, id="compressed"),
        pytest.param(b" " * (2 * 1024 * 1024 + 1), JSON, 413, id="too-large"),
        pytest.param(body(alert(), {"labels": {"a": 1}}), JSON, 202, id="one-bad-among-good"),
        pytest.param(body(alert(labels={"alertname": "nul \x00 nul"})), JSON, 202, id="nul"),
        pytest.param(b'{"alerts":[{"status":"firing","labels":{"a":"\\ud800"}}]}', JSON, 202, id="half-a-character"),
        pytest.param(body(), JSON, 202, id="no-alerts"),
    ],
)
async def test_whatever_comes_is_never_our_fault(
    client: Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    reply = await post(client, content, headers)
    assert reply.status_code == status
    if status >= 400:
        assert reply.headers["content-type"].startswith("application/problem+json")
        assert {"type", "title", "status", "detail", "request_id"} <= set(reply.json())


async def test_a_bad_alert_goes_to_the_quarantine_and_comes_back_when_it_can_be_read(client: Client) -> None:
    reply = await post(client, body(alert(), {"status": "firing", "labels": {"a": 1}}))
    assert (reply.json()["new"], reply.json()["quarantined"]) == (1, 1)
    (item,) = (await client.get("/api/v1/quarantine")).json()["items"]
    assert "labels" in item["reason"]
    assert json.loads(item["raw"]) == {"status": "firing", "labels": {"a": 1}}
    assert (await client.post(f"/api/v1/quarantine/{item['id']}/replay")).status_code == 409
    assert (await client.post(f"/api/v1/quarantine/{item['id']}/drop")).status_code == 204
    assert (await client.get("/api/v1/quarantine")).json()["items"] == []


async def test_getting_the_hook_is_refused_and_never_redirected(client: Client) -> None:
    for path in (HOOK, HOOK + "/"):
        reply = await client.get(path, follow_redirects=False)
        assert reply.status_code == 405


async def test_every_recorded_webhook_is_taken(client: Client) -> None:
    for capture in CAPTURES:
        reply = await post(client, capture.body)
        assert reply.status_code == 202, capture.file
        assert reply.json()["accepted"] == capture.firing + capture.resolved


async def test_five_thousand_alerts_with_long_texts_are_taken_as_one_body(
    database_url: str, recorder: Recorder
) -> None:
    text = "The distribution has moved. " * 73
    assert len(text) > 2000
    listed = [
        alert(labels={"alertname": "Bulk", "n": str(number)}, annotations={"description": text})
        for number in range(5000)
    ]
    async with opened(database_url, recorder, ServerSection().max_body_bytes) as client:
        reply = await post(client, body(*listed))
        assert (reply.status_code, reply.json()["new"]) == (202, 5000)


async def test_a_body_for_which_there_is_no_room_is_to_come_again(client: Client) -> None:
    service = client.app.dependencies["service"].dependency()
    with service.committer.reading() as count:
        count(Bounds().waiting_bytes - 100)
        reply = await post(client, body(alert()))
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert (await post(client, body(alert()))).status_code == 202
    assert 'alertsvc_ingest_shed_total{source="alertmanager"} 1.0' in (await client.get("/metrics")).text


OBSERVATION = {"model": "churn", "metric": "psi", "feature": "age", "value": 0.41, "threshold": 0.2}


async def test_an_event_says_what_became_of_it(client: Client) -> None:
    bad = (await client.post("/api/v1/events", json=OBSERVATION)).json()["items"][0]
    good = (await client.post("/api/v1/events", json={**OBSERVATION, "value": 0.1})).json()["items"][0]
    fine = (await client.post("/api/v1/events", json={**OBSERVATION, "value": 0.1, "feature": "income"})).json()[
        "items"
    ][0]
    kept = (await client.post("/api/v1/events", json={"model": "churn", "metric": "rows", "value": 5})).json()["items"][
        0
    ]
    assert [each["state"] for each in (bad, good, fine, kept)] == ["firing", "resolved", "ok", "recorded"]
    assert bad["incident"] == good["incident"] == {"id": bad["incident"]["id"], "number": 1}


async def test_good_events_are_taken_beside_a_slip(client: Client) -> None:
    reply = await client.post("/api/v1/events", json=[OBSERVATION, {**OBSERVATION, "treshold": 1}])
    assert reply.status_code == 202
    assert [item["state"] for item in reply.json()["items"]] == ["firing", "rejected"]
    assert "did you mean 'threshold'" in reply.json()["items"][1]["error"]
    assert reply.json()["items"][1]["pointer"] == "/1/treshold"
    assert [reply.json()[name] for name in ("accepted", "new", "quarantined", "rejected")] == [2, 1, 1, 1]


async def test_what_is_refused_among_others_waits_in_the_quarantine_once(client: Client) -> None:
    sent = [OBSERVATION, {**OBSERVATION, "treshold": 1, "value": float("nan")}, "\ud800", OBSERVATION]
    headers = {"Idempotency-Key": "once", "content-type": "application/json"}
    for expected in ({"new": 1, "duplicate": 1, "quarantined": 2}, {"new": 0, "duplicate": 4, "quarantined": 0}):
        answer = (await client.post("/api/v1/events", content=json.dumps(sent), headers=headers)).json()
        assert {name: answer[name] for name in expected} == expected
        assert [item["state"] for item in answer["items"]] == ["firing", "rejected", "rejected", "firing"]
    kept = (await client.get("/api/v1/quarantine")).json()["items"]
    found = {each["position"]: each for each in kept}
    assert sorted((each["source"], each["position"]) for each in kept) == [("events", 1), ("events", 2)]
    assert "did you mean 'threshold'" in found[1]["reason"]
    assert '"treshold": 1' in found[1]["raw"]
    assert found[2]["raw"] == '"\\ud800"'
    again = await client.post(f"/api/v1/quarantine/{found[1]['id']}/replay")
    assert (again.status_code, "did you mean 'threshold'" in again.json()["detail"]) == (409, True)


async def test_a_slip_alone_is_answered_with_the_nearest_field(client: Client) -> None:
    reply = await client.post("/api/v1/events", json={**OBSERVATION, "treshold": 1})
    assert reply.status_code == 422
    assert "did you mean 'threshold'" in reply.json()["detail"]
    assert [each["pointer"] for each in reply.json()["errors"]] == ["/treshold"]


async def test_a_dry_run_decides_and_stores_nothing(client: Client) -> None:
    reply = await client.post("/api/v1/events?dry_run=true", json=OBSERVATION)
    (item,) = reply.json()["items"]
    assert (reply.status_code, item["state"], item["routes"][0]["deliver"]) == (200, "firing", "digest")
    assert (await client.get("/api/v1/incidents")).json()["items"] == []


@pytest.mark.parametrize("own", [{}, {"dedup_key": "nightly/churn"}], ids=["a-key-made-here", "a-key-of-the-sender"])
async def test_the_answered_key_reaches_the_same_alert_again(client: Client, own: dict[str, str]) -> None:
    begun = (await client.post("/api/v1/events", json={**OBSERVATION, **own})).json()["items"][0]
    assert begun["dedup_key"] == own.get("dedup_key", f"fingerprint:{begun['fingerprint']}")
    ending = {"model": "churn", "metric": "psi", "status": "resolved", "dedup_key": begun["dedup_key"]}
    foreseen = (await client.post("/api/v1/events?dry_run=true", json=ending)).json()["items"][0]
    ended = (await client.post("/api/v1/events", json=ending)).json()["items"][0]
    assert (ended["state"], ended["incident"]) == ("resolved", begun["incident"])
    for name in ("dedup_key", "fingerprint"):
        assert begun[name] == foreseen[name] == ended[name]
    alerts = (await client.get(f"/api/v1/incidents/{begun['incident']['number']}/alerts")).json()["items"]
    assert [(each["fingerprint"], each["state"]) for each in alerts] == [(begun["fingerprint"], "resolved")]


async def test_the_same_event_id_is_a_duplicate(client: Client) -> None:
    event = {**OBSERVATION, "event_id": "run-1"}
    first = (await client.post("/api/v1/events", json=event)).json()["items"][0]
    again = (await client.post("/api/v1/events", json={**event, "value": 0.1})).json()["items"][0]
    assert (first["duplicate"], again["duplicate"]) == (False, True)


async def test_an_event_id_names_an_event_of_one_alert_only(client: Client) -> None:
    of_one_run = [{**OBSERVATION, "feature": name, "event_id": "run-1"} for name in ("age", "income")]
    answer = (await client.post("/api/v1/events", json=[*of_one_run, of_one_run[0]])).json()
    assert [each["duplicate"] for each in answer["items"]] == [False, False, True]
    assert (answer["new"], answer["duplicate"]) == (2, 1)


async def test_an_idempotency_key_is_good_for_one_body(client: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await client.post("/api/v1/events", json=OBSERVATION, headers=headers)
    again = await client.post("/api/v1/events", json=OBSERVATION, headers=headers)
    other = await client.post("/api/v1/events", json={**OBSERVATION, "value": 9}, headers=headers)
    assert (first.json()["new"], again.json()["duplicate"], other.status_code) == (1, 1, 422)


async def counted(client: Client, sample: str) -> float:
    """What stands at /metrics behind `sample`; 0 while nothing does."""
    lines = (await client.get("/metrics")).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(sample)), 0.0)


async def test_what_is_refused_is_counted_as_kept_or_as_sent_back(client: Client) -> None:
    slip = {**OBSERVATION, "treshold": 1}
    results = [
        f'alertsvc_ingest_events_total{{result="{each}",source="events"}}' for each in ("quarantined", "rejected")
    ]
    for sent, expected in ([OBSERVATION, slip, slip], [2, 0]), (slip, [2, 1]):
        await client.post("/api/v1/events", json=sent)
        assert [await counted(client, each) for each in results] == expected
    await client.post("/api/v1/events?dry_run=true", json=[OBSERVATION, slip])
    assert [await counted(client, each) for each in results] == [2, 1]


async def test_a_request_with_a_used_key_is_counted_as_it_is_answered(client: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    for value in (0.41, 9):
        await client.post("/api/v1/events", json={**OBSERVATION, "value": value}, headers=headers)
    counts = [
        await counted(client, f'alertsvc_ingest_requests_total{{code="{code}",source="events"}}') for code in (202, 422)
    ]
    assert counts == [1, 1]
