"""The doors of ML tools: what is answered, what is kept, what ends, and who may come in."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from alertsvc.core.model import AlertState, Deliver, Severity
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.service import Parts, Service
from alertsvc.engine.tuning import Tuning
from alertsvc.ingest.signatures import GRAFANA_HEADER, MLFLOW_HEADER, Signing
from alertsvc.observe.metrics import Metrics
from alertsvc.secret import Secret
from alertsvc.settings.build import MODEL_RULES
from alertsvc.store.connect import open_database
from alertsvc.store.tables import quarantine
from tests.ingest.ml_captures import EXPECTED, grafana, mlflow_requests, raw, report
from tests.web.conftest import Client, client_of
from tests.world import DELIVER, Recorder, rules

HOOKS = "/api/v1/hooks/"
JSON = {"content-type": "application/json"}
DRIFT = "evidently/v07_datadrift_drift_psi_js_share03_tests.json"
NO_DRIFT = "evidently/v07_datadrift_nodrift_tests.json"
VALIDATION = "great_expectations/validation_result_complete_to_json_dict.json"
SENT = [
    pytest.param("evidently", DRIFT, id="evidently"),
    pytest.param("great-expectations", VALIDATION, id="great-expectations"),
    pytest.param("nannyml", "other/nannyml_univariate_drift_records.json", id="nannyml"),
    pytest.param("alibi-detect", "other/alibi_detect_ksdrift_batch.json", id="alibi-detect"),
    pytest.param("whylogs", "other/whylogs_constraints_report.json", id="whylogs"),
]
TOOLS = ("evidently", "great-expectations", "nannyml", "alibi-detect", "deepchecks", "whylogs", "mlflow", "grafana")


async def post(client: Client, where: str, content: bytes, **headers: str) -> Any:
    return await client.post(HOOKS + where, content=content, headers={**JSON, **headers})


async def open_incidents(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/api/v1/incidents?status=open")).json()["items"]
    return found


@pytest.mark.parametrize(("tool", "file"), SENT)
async def test_a_report_says_what_became_of_each_finding(client: Client, tool: str, file: str) -> None:
    foreseen = await post(client, f"{tool}?model=churn&dry_run=true", raw(file))
    assert (foreseen.status_code, await open_incidents(client)) == (200, [])
    reply = await post(client, f"{tool}?model=churn", raw(file))
    assert reply.status_code == 202
    answer = reply.json()
    assert answer["accepted"] == answer["new"] == len(answer["items"]) == len(foreseen.json()["items"])
    assert answer["rejected"] == answer["deployments"] == 0
    assert "firing" in {item["state"] for item in answer["items"]}
    (incident,) = await open_incidents(client)
    assert incident["labels"]["model"] == "churn"


async def test_every_recorded_report_is_taken(client: Client) -> None:
    for file in (name for name in EXPECTED if name.startswith("evidently/")):
        whole = await post(client, "evidently?model=churn", raw(file))
        split = await post(client, "evidently?model=churn&split=feature", raw(file))
        assert whole.status_code == split.status_code == 202, file
        assert whole.json()["rejected"] == split.json()["rejected"] == 0, file


async def test_what_passes_ends_what_failed(client: Client) -> None:
    bad = (await post(client, "evidently?model=churn", raw(DRIFT))).json()
    good = (await post(client, "evidently?model=churn", raw(NO_DRIFT))).json()
    assert [item["state"] for item in (*bad["items"], *good["items"])] == ["firing", "resolved"]
    assert await open_incidents(client) == []


async def test_numbers_that_are_none_are_taken_and_alert(client: Client) -> None:
    reply = await post(client, "evidently?model=churn", raw("evidently/v07_nan_values_not_strict_json.json"))
    assert reply.status_code == 202
    (item,) = reply.json()["items"]
    assert (item["state"], item["decided_by"]) == ("firing", "no_value")


async def test_a_report_without_a_verdict_says_so(client: Client) -> None:
    answer = (await post(client, "evidently?model=c", raw("evidently/v04_report_dataquality_drift_json.json"))).json()
    assert ([item["state"] for item in answer["items"]], answer["recorded"]) == (["recorded"], 1)
    assert "include_tests=True" in answer["notes"][0]


async def test_five_hundred_columns_that_drift_are_one_incident_and_one_message(
    database_url: str, recorder: Recorder
) -> None:
    at_once = replace(rules().root, deliver={**DELIVER, Severity.WARNING: Deliver.IMMEDIATE})
    async with with_tuning(database_url, recorder, root=at_once) as client:
        await five_hundred_columns_drift(client)


async def five_hundred_columns_drift(client: Client) -> None:
    config = {"type": "evidently:metric_v2:ValueDrift", "method": "psi", "threshold": 0.1}
    share = {"type": "evidently:metric_v2:DriftedColumnsCount", "drift_share": 0.5}
    metrics: list[dict[str, Any]] = [
        {"id": str(n), "metric_name": f"ValueDrift({n})", "config": {**config, "column": f"f{n}"}, "value": 0.4}
        for n in range(500)
    ]
    whole = {
        "id": "all",
        "metric_name": "DriftedColumnsCount()",
        "config": share,
        "value": {"count": 500, "share": 1.0},
    }
    body = json.dumps({"metrics": [whole, *metrics], "tests": []}).encode()
    answer = (await post(client, "evidently?model=churn&split=feature", body)).json()
    assert (answer["new"], answer["incident_count"], len(answer["items"])) == (501, 1, 501)
    (incident,) = await open_incidents(client)
    told = (await client.get(f"/api/v1/incidents/{incident['number']}/notifications")).json()["items"]
    assert [each["reason"] for each in told] == ["opened"]
    sent = (await client.get(f"/api/v1/incidents/{incident['number']}/deliveries")).json()["items"]
    assert len(sent) == 1


async def test_without_a_model_it_is_said_where_that_goes(client: Client) -> None:
    reply = await post(client, "evidently", raw(DRIFT))
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "model")
    assert "?model=" in reply.json()["detail"]
    around = json.dumps({"model": "churn", "report": json.loads(raw(DRIFT))}).encode()
    assert (await post(client, "evidently", around)).status_code == 202
    dumped = raw("evidently/v07_snapshot_dumps_datadrift_drift_widgets_emptied.json")
    assert (await post(client, "evidently", dumped)).json()["items"][0]["state"] == "ok"


async def test_a_slip_in_the_address_is_named(client: Client) -> None:
    reply = await post(client, "evidently?model=churn&enviroment=staging", raw(DRIFT))
    assert (reply.status_code, "environment" in reply.json()["detail"]) == (400, True)


async def test_a_time_in_the_future_is_refused_like_that_of_an_event(client: Client) -> None:
    reply = await post(client, "evidently?model=churn&observed_at=2199-01-01T00:00:00Z", raw(DRIFT))
    assert (reply.status_code, "future" in reply.json()["detail"]) == (422, True)


async def test_a_report_of_an_unknown_shape_is_kept_until_it_can_be_read(client: Client) -> None:
    unknown = b'{"metrics": "of version 99", "model": 1}'
    reply = await post(client, "evidently?model=churn&run_id=r1", unknown)
    assert (reply.status_code, reply.json()["type"]) == (422, "urn:alertsvc:problem:unknown-report")
    assert "snapshot.json()" in reply.json()["detail"]
    (item,) = (await client.get("/api/v1/quarantine")).json()["items"]
    assert (item["source"], item["form"]) == ("evidently", "item")
    context = {"model": "churn", "run_id": "r1"}
    assert json.loads(item["raw"]) == {"context": context, "report": json.loads(unknown)}
    again = await client.post(f"/api/v1/quarantine/{item['id']}/replay")
    assert (again.status_code, "still cannot be read" in again.json()["detail"]) == (409, True)
    foreseen = await post(client, "evidently?model=churn&dry_run=true", unknown)
    assert (foreseen.status_code, len((await client.get("/api/v1/quarantine")).json()["items"])) == (422, 1)


async def test_a_finding_that_cannot_be_used_waits_in_the_quarantine_beside_its_neighbours(client: Client) -> None:
    answer = (await post(client, "evidently?model=churn&split=feature&expect_next_within=soon", raw(NO_DRIFT))).json()
    assert [answer[name] for name in ("accepted", "new", "quarantined", "rejected")] == [8, 8 - 1, 1, 1]
    assert [item["index"] for item in answer["items"] if item["state"] == "rejected"] == [0]
    (item,) = (await client.get("/api/v1/quarantine")).json()["items"]
    assert (item["source"], item["position"], "expect_next_within" in item["reason"]) == ("evidently", 0, True)
    finding = json.loads(item["raw"])["finding"]
    assert (finding["model"], finding["metric"], finding["expect_next_within"]) == ("churn", "drift_share", "soon")
    again = await client.post(f"/api/v1/quarantine/{item['id']}/replay")
    assert (again.status_code, "still cannot be read: expect_next_within" in again.json()["detail"]) == (409, True)


async def keep_instead(client: Client, database_url: str, kept: dict[str, Any]) -> None:
    """Put into the quarantine what a later version can read of what is there."""
    change = update(quarantine).values(raw=json.dumps(kept).encode())
    service: Service = client.app.dependencies["service"].dependency()
    is_alone = (
        service.database.dialect == "sqlite"
    )  # which is open once; PostgreSQL's belongs to the loop of its service
    database = service.database if is_alone else open_database(database_url)
    await database.transaction(lambda conn: conn.execute(change) and None)
    if not is_alone:
        await database.close()


async def test_a_report_that_can_be_read_by_now_comes_out_of_the_quarantine(client: Client, database_url: str) -> None:
    await post(client, "evidently?model=churn", b'{"unknown": 1}')
    (item,) = (await client.get("/api/v1/quarantine")).json()["items"]
    await keep_instead(client, database_url, {"context": {"model": "churn"}, "report": json.loads(raw(DRIFT))})
    replayed = await client.post(f"/api/v1/quarantine/{item['id']}/replay")
    assert (replayed.status_code, replayed.json()["new"]) == (200, 1)
    assert (await client.get("/api/v1/quarantine")).json()["items"] == []


async def test_a_webhook_of_grafana_comes_out_of_the_quarantine_too(client: Client, database_url: str) -> None:
    reply = await post(client, "grafana", b'{"text": "a template of our own"}')
    assert (reply.status_code, "custom payload" in reply.json()["detail"]) == (422, True)
    (item,) = (await client.get("/api/v1/quarantine")).json()["items"]
    assert (await client.post(f"/api/v1/quarantine/{item['id']}/replay")).status_code == 409
    await keep_instead(client, database_url, {"context": {}, "report": grafana("firing")})
    assert (await client.post(f"/api/v1/quarantine/{item['id']}/replay")).json()["new"] == 1


async def test_a_door_is_only_for_posts(client: Client) -> None:
    for path in (HOOKS + tool + end for tool in TOOLS for end in ("", "/")):
        assert (await client.get(path, follow_redirects=False)).status_code == 405, path


HOSTILE: dict[str, tuple[bytes, int | None]] = {
    "empty": (b"", 400),
    "not-json": (b"{", 400),
    "bad-utf-8": (b"\xff\xfe", 400),
    "100k-deep": (b"[" * 100_000, 400),
    "100k-deep-objects": (b'{"x":' * 100_000, 400),
    "too-large": (b" " * (2 * 1024 * 1024 + 1), 413),
    "null": (b"null", 422),
    "empty-list": (b"[]", 422),
    "nan": (b'{"metrics": NaN}', 422),
    "half-a-character": (b'{"x": "\\ud800"}', 422),
    "a-number-of-5000-digits": (b'{"x": ' + b"9" * 5000 + b"}", None),
    "400-deep": (b'{"x": ' + b"[" * 400 + b"]" * 400 + b"}", 422),
}


@pytest.mark.parametrize("tool", TOOLS)
async def test_whatever_comes_is_never_our_fault(client: Client, tool: str) -> None:
    for name, (content, status) in HOSTILE.items():
        reply = await post(client, tool, content)
        assert reply.status_code in ({status} if status else {400, 422}), name
        assert reply.headers["content-type"].startswith("application/problem+json"), name


async def test_a_request_of_a_type_nobody_reads_is_refused(client: Client) -> None:
    reply = await client.post(HOOKS + "evidently", content=b"{}", headers={"content-type": "text/plain"})
    assert reply.status_code == 415


async def test_an_idempotency_key_is_good_for_one_report(client: Client) -> None:
    first = await post(client, "evidently?model=churn", raw(DRIFT), **{"Idempotency-Key": "k"})
    again = await post(client, "evidently?model=churn", raw(DRIFT), **{"Idempotency-Key": "k"})
    other = await post(client, "evidently?model=churn", raw(NO_DRIFT), **{"Idempotency-Key": "k"})
    assert (first.json()["new"], again.json()["duplicate"], other.status_code) == (1, 1, 422)


async def kept_deployments(client: Client) -> list[str]:
    found = (await client.get("/api/v1/deployments")).json()["items"]
    return [f"{each['action']} {each['model_version'] or each['alias']}" for each in found]


async def test_what_happens_to_a_model_is_kept_and_raises_nothing(client: Client) -> None:
    (request, *_) = [each for each in mlflow_requests("webhook_requests_real") if each["body"]["data"].get("alias")]
    headers = {"X-MLflow-Delivery-Id": "one"}
    first = await post(client, "mlflow", request["body_raw"].encode(), **headers)
    again = await post(client, "mlflow", request["body_raw"].encode(), **headers)
    assert (first.status_code, first.json()["deployments"], first.json()["items"]) == (202, 1, [])
    assert again.status_code == 202
    assert await kept_deployments(client) == ["created 2"]
    assert await open_incidents(client) == []


async def test_a_delivery_is_taken_once(client: Client) -> None:
    data = {"name": "churn", "version": "2", "key": "validation_status", "value": "failed"}
    body = {"entity": "model_version_tag", "action": "set", "timestamp": "2026-11-23T11:46:13Z", "data": data}
    headers = {"X-MLflow-Delivery-Id": "two"}
    first = await post(client, "mlflow", json.dumps(body).encode(), **headers)
    again = await post(client, "mlflow", json.dumps(body).encode(), **headers)
    assert ([first.json()["items"][0][name] for name in ("state", "duplicate")], again.json()["duplicate"]) == (
        ["firing", False],
        1,
    )
    assert await kept_deployments(client) == ["tagged 2"]


async def test_the_test_of_a_webhook_is_recorded(client: Client) -> None:
    for request in mlflow_requests("webhook_requests_test_button"):
        reply = await post(client, "mlflow", request["body_raw"].encode())
        assert (reply.status_code, reply.json()["recorded"]) == (202, 1)
    assert (await open_incidents(client), await kept_deployments(client)) == ([], [])


def with_alert(file: str, **changes: Any) -> bytes:
    webhook = grafana(file)
    webhook["alerts"] = [{**alert, **changes} for alert in webhook["alerts"]]
    return json.dumps(webhook).encode()


async def alerts_of(client: Client, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/api/v1/incidents/{number}/alerts")).json()["items"]
    return found


async def test_a_series_that_vanished_keeps_its_incident_open_until_it_recovers(client: Client) -> None:
    opened = await post(client, "grafana", with_alert("firing"))
    number = opened.json()["incidents"][0]["number"]
    reason = {"summary": "Accuracy under 0.85", "grafana_state_reason": "MissingSeries"}
    gone = await post(client, "grafana", with_alert("resolved", annotations=reason))
    assert (gone.status_code, gone.json()["updated"]) == (202, 1)
    (alert,) = await alerts_of(client, number)
    assert alert["state"] == AlertState.FIRING
    assert "ended without a recovery in Grafana (MissingSeries)" in alert["annotations"]["summary"]
    assert len(await open_incidents(client)) == 1
    await post(client, "grafana", with_alert("resolved"))
    assert await open_incidents(client) == []
    await post(client, "grafana", with_alert("resolved", annotations=reason))
    assert await open_incidents(client) == []  # what has recovered does not fire again because nobody looks


async def test_rules_without_data_are_incidents_of_their_own(database_url: str, recorder: Recorder) -> None:
    async with with_tuning(database_url, recorder, correlate=MODEL_RULES) as client:
        for name, number in (("A", 1), ("B", 2), ("A", 3)):
            labels = {"alertname": "DatasourceNoData", "rulename": name, "ref_id": str(number)}
            await post(client, "grafana", with_alert("nodata", labels=labels, fingerprint=f"{number:016x}"))
        assert sorted(each["alert_count"] for each in await open_incidents(client)) == [1, 2]


def with_tuning(
    database_url: str, recorder: Recorder, signing: Mapping[str, Signing] | None = None, **changes: Any
) -> Client:
    outlets = Outlets(rules(**changes), {"team/chat": Outlet("team/chat", "chat", recorder)})
    tuning = Tuning(tokens_required=signing is not None, signing=signing or {})
    service = Service(Parts(open_database(database_url), outlets, Metrics("test"), tuning))
    return client_of(service)


SECRET = Secret("secret", SecretStr("ação"))
SIGNING = {
    "mlflow": Signing((SECRET,), MLFLOW_HEADER),
    "grafana": Signing((SECRET,), GRAFANA_HEADER),
}


@pytest.fixture
async def guarded(database_url: str, recorder: Recorder) -> AsyncIterator[Client]:
    """A client of a service that wants tokens, and signatures where there can be some."""
    async with with_tuning(database_url, recorder, SIGNING) as found:
        yield found


def of_mlflow(body: bytes, *, key: str = "ação", age: int = 0) -> dict[str, str]:
    stamp = str(int(time.time()) - age)
    made = hmac.digest(key.encode(), b"d1." + stamp.encode() + b"." + body, hashlib.sha256)
    signature = "v1," + base64.b64encode(made).decode()
    return {"X-MLflow-Delivery-Id": "d1", "X-MLflow-Timestamp": stamp, "X-MLflow-Signature": signature}


CREATED = mlflow_requests("webhook_requests_real")[4]["body_raw"].encode()  # not in ASCII


async def test_a_signature_stands_for_a_token_that_mlflow_cannot_send(guarded: Client) -> None:
    reply = await post(guarded, "mlflow", CREATED, **of_mlflow(CREATED))
    assert (reply.status_code, reply.json()["deployments"]) == (202, 1)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="unsigned"),
        pytest.param(of_mlflow(CREATED, key="wrong"), id="another-secret"),
        pytest.param(of_mlflow(CREATED + b" "), id="another-body"),
        pytest.param(of_mlflow(CREATED, age=400), id="an-old-copy"),
        pytest.param({"Authorization": "Bearer als_x"}, id="a-token-instead"),
    ],
)
async def test_what_is_not_signed_is_refused(guarded: Client, headers: dict[str, str]) -> None:
    reply = await post(guarded, "mlflow", CREATED, **headers)
    assert (reply.status_code, reply.json()["type"]) == (401, "urn:alertsvc:problem:bad-signature")


async def test_grafana_signs_its_body(guarded: Client) -> None:
    body = with_alert("firing")
    signature = hmac.digest("ação".encode(), body, hashlib.sha256).hex()
    signed = await post(guarded, "grafana", body, **{"X-Grafana-Alerting-Signature": signature})
    changed = await post(guarded, "grafana", body + b" ", **{"X-Grafana-Alerting-Signature": signature})
    unsigned = await post(guarded, "grafana", body)
    assert [each.status_code for each in (signed, changed, unsigned)] == [202, 401, 401]


async def test_a_signature_opens_no_other_door(guarded: Client) -> None:
    for tool in ("evidently", "alertmanager"):
        reply = await post(guarded, tool, CREATED, **of_mlflow(CREATED))
        assert (reply.status_code, reply.json()["type"]) == (401, "urn:alertsvc:problem:unauthenticated")


async def test_a_secret_that_cannot_be_read_is_our_fault_and_to_come_again(
    database_url: str, recorder: Recorder
) -> None:
    lost = {"mlflow": Signing((Secret("secret", env="NO_SUCH_VARIABLE_HERE"),), MLFLOW_HEADER)}
    async with with_tuning(database_url, recorder, lost) as client:
        reply = await post(client, "mlflow", CREATED, **of_mlflow(CREATED))
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "30")
        assert "NO_SUCH" not in reply.text


REQUESTS = json.loads(raw("other/cloudevents_requests.json"))


async def test_cloudevents_of_all_modes_are_one_event(client: Client) -> None:
    answers = []
    for mode in ("structured", "binary", "batched_hand_written_per_spec"):
        request = REQUESTS[mode]
        reply = await client.post("/api/v1/events", content=request["body"].encode(), headers=request["headers"])
        assert reply.status_code == 202, reply.text
        answers.append(reply.json()["items"][0])
    assert [each["duplicate"] for each in answers] == [False, True, True]
    assert len({each["fingerprint"] for each in answers}) == len({each["event_id"] for each in answers}) == 1


async def test_the_request_of_a_custom_action_is_taken_as_it_is(client: Client) -> None:
    body = report("great_expectations/custom_action_request.json")
    answer = (await post(client, "great-expectations?environment=production&model=churn-xgb", body)).json()
    assert [item["severity"] for item in answer["items"]] == ["critical", "warning"]


async def test_what_mlflow_tells_stands_in_the_timeline_of_the_models_incident(client: Client) -> None:
    number = (await post(client, "evidently?model=churn-xgb", raw(DRIFT))).json()["items"][0]["incident"]["number"]
    alias = next(each for each in mlflow_requests("webhook_requests_real") if each["body"]["data"].get("alias"))
    await post(client, "mlflow", alias["body_raw"].encode())
    lines = (await client.get(f"/api/v1/incidents/{number}/history")).json()["items"]
    assert "champion -> v2" in json.dumps(lines)


async def test_a_monitor_that_crashed_is_told_of_beside_the_drift_and_ends_by_itself(client: Client) -> None:
    report_ = json.loads(raw(NO_DRIFT))
    report_["tests"][1]["status"] = "ERROR"
    for content, alerts in ((raw(DRIFT), 1), (json.dumps(report_).encode(), 2)):
        await post(client, "evidently?model=churn", content)
        assert sum(each["firing_count"] for each in await open_incidents(client)) == alerts
    await post(client, "evidently?model=churn", raw(NO_DRIFT))
    async with asyncio.timeout(20):  # a loop of the service finds that there is a value again
        while await open_incidents(client):
            await asyncio.sleep(0.1)
