"""What people do through the API: acts, versions, lists, failures."""

import json
from typing import Any

import pytest

from alertsvc.channels.outcome import Fault, Rejected
from tests.ingest.test_alertmanager import alert, body
from tests.web.conftest import Client
from tests.world import Recorder

JSON = {"content-type": "application/json"}
CRITICAL = {"alertname": "Drift", "model": "churn", "severity": "critical"}


async def opened(client: Client, **labels: str) -> dict[str, Any]:
    reply = await client.post(
        "/api/v1/hooks/alertmanager", content=body(alert(labels={**CRITICAL, **labels})), headers=JSON
    )
    found: dict[str, Any] = (await client.get(f"/api/v1/incidents/{reply.json()['incidents'][0]['id']}")).json()
    return found


async def act(client: Client, number: int, what: str, **about: Any) -> Any:
    return await client.post(f"/api/v1/incidents/{number}/{what}", **about)


async def test_acts_are_idempotent_and_impossible_ones_conflict(client: Client) -> None:
    number = (await opened(client))["number"]
    taken = await act(client, number, "acknowledge", json={"by": "ann", "comment": "on it"})
    again = await act(client, number, "acknowledge", json={"by": "bob"})
    assert (taken.status_code, taken.json()["status"], taken.json()["acknowledged_by"]) == (200, "acknowledged", "ann")
    assert (again.status_code, again.json()["acknowledged_by"], again.json()["version"]) == (200, "ann", 2)
    assert (await act(client, number, "unacknowledge")).json()["status"] == "firing"
    assert (await act(client, number, "resolve")).json()["status"] == "resolved"
    assert (await act(client, number, "resolve")).status_code == 200
    refused = await act(client, number, "acknowledge")
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert (await act(client, number, "reopen")).json()["status"] == "firing"


async def test_what_did_not_change_is_not_sent_again(client: Client) -> None:
    number = (await opened(client))["number"]
    path = f"/api/v1/incidents/{number}"
    etag = (await client.get(path)).headers["etag"]
    for known in (etag, f"W/{etag}", f'"77", {etag}', "*"):
        same = await client.get(path, headers={"If-None-Match": known})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    for other in ('"77"', "junk", "", etag.strip('"')):
        assert (await client.get(path, headers={"If-None-Match": other})).status_code == 200
    await act(client, number, "acknowledge")
    changed = await client.get(path, headers={"If-None-Match": etag})
    assert (changed.status_code, changed.json()["status"]) == (200, "acknowledged")
    assert changed.headers["etag"] != etag


async def test_a_reopened_incident_may_not_stand_beside_another(client: Client) -> None:
    first = (await opened(client))["number"]
    await act(client, first, "resolve")
    await opened(client, feature="other")
    assert (await act(client, first, "reopen")).status_code == 409


async def test_a_stale_version_is_refused(client: Client) -> None:
    incident = await opened(client)
    number, etag = incident["number"], f'"{incident["version"]}"'
    assert (await act(client, number, "acknowledge", headers={"If-Match": etag})).status_code == 200
    assert (await act(client, number, "resolve", headers={"If-Match": etag})).status_code == 412
    assert (await act(client, number, "resolve", headers={"If-Match": "junk"})).status_code == 400
    shown = await client.get(f"/api/v1/incidents/{number}")
    assert shown.headers["etag"] == '"2"'


async def test_a_misspelt_field_of_a_command_is_refused(client: Client) -> None:
    number = (await opened(client))["number"]
    assert (await act(client, number, "acknowledge", json={"coment": "x"})).status_code == 422


@pytest.mark.parametrize("reference", ["99", "00000000-0000-0000-0000-000000000000", "nonsense", "9" * 40, "¹²"])
async def test_an_unknown_incident_is_not_found(client: Client, reference: str) -> None:
    assert (await client.get(f"/api/v1/incidents/{reference}")).status_code == 404
    assert (await act(client, reference, "acknowledge")).status_code == 404  # type: ignore[arg-type]
    assert (await client.get(f"/api/v1/incidents/{reference}/history")).status_code == 404


async def test_the_timeline_tells_who_did_what(client: Client) -> None:
    number = (await opened(client))["number"]
    await act(client, number, "acknowledge", json={"by": "ann", "comment": "on it"})
    await act(client, number, "comments", json={"by": "bob", "comment": "it is the new schema"})
    lines = (await client.get(f"/api/v1/incidents/{number}/history")).json()["items"]
    told = [(line["kind"], line["actor"], line["detail"]) for line in lines if line["kind"] != "delivered"]
    assert told[1:] == [("acknowledged", "ann", "on it"), ("comment", "bob", "it is the new schema")]
    assert told[0][0] == "opened"
    (alert,) = (await client.get(f"/api/v1/incidents/{number}/alerts")).json()["items"]
    assert [each["fingerprint"] for each in lines[0]["facts"]["alerts"]] == [alert["fingerprint"]]
    assert alert["fingerprint"] in told[0][2]


@pytest.mark.parametrize(
    ("query", "models"),
    [
        pytest.param("", ["c", "b", "a"], id="newest-first"),
        pytest.param("?status=resolved", ["a"], id="status"),
        pytest.param("?status=open", ["c", "b"], id="open"),
        pytest.param("?severity=warning", ["c"], id="severity"),
        pytest.param("?model=b", ["b"], id="model"),
        pytest.param("?filter=model%3D%22b%22", ["b"], id="matcher"),
        pytest.param("?filter=model%3D~%22a%7Cc%22", ["c", "a"], id="regular-expression"),
        pytest.param("?filter=model!%3D%22b%22", ["c", "a"], id="not-equal"),
        pytest.param("?filter=model%3D%22b%22&filter=severity%3D%22warning%22", [], id="all-must-fit"),
        pytest.param("?q=DRIFT", ["c", "b", "a"], id="words"),
        pytest.param("?q=100%25", [], id="words-are-literal"),
        pytest.param("?since=2000-01-01T00:00:00Z&until=2000-01-02T00:00:00Z", [], id="time"),
    ],
)
async def test_lists_are_filtered(client: Client, query: str, models: list[str]) -> None:
    first = (await opened(client, model="a"))["number"]
    await opened(client, model="b")
    await opened(client, model="c", severity="warning")
    await act(client, first, "resolve")
    reply = await client.get("/api/v1/incidents" + query)
    assert [item["labels"]["model"] for item in reply.json()["items"]] == models


@pytest.mark.parametrize(
    "query",
    [
        "?status=bogus",
        "?severity=huge",
        "?limit=0",
        "?limit=501",
        "?cursor=!!",
        "?filter=nonsense",
        "?filter=",
        "?since=2026-01-01",
    ],
)
async def test_a_bad_question_is_answered_with_what_is_wrong(client: Client, query: str) -> None:
    reply = await client.get("/api/v1/incidents" + query)
    assert reply.status_code in {400, 422}
    assert reply.headers["content-type"] == "application/problem+json"


async def test_a_label_is_found_whatever_its_name_is(client: Client) -> None:
    other = (await opened(client, model="other"))["number"]
    names = ['we"ird', "back\\slash", "ta\tb", "ünï", "dotted.name", "$['x']", '"', "\\", "#-1", "0"]
    number = (await opened(client, **dict.fromkeys(names, "x")))["number"]
    for name in names:
        as_written = json.dumps(name, ensure_ascii=False)
        for condition, numbers in (('="x"', [number]), ('="y"', []), ('!="x"', [other])):
            reply = await client.get("/api/v1/incidents", params={"filter": f"{{{as_written}{condition}}}"})
            assert [item["number"] for item in reply.json()["items"]] == numbers, (name, condition)


async def test_a_bad_filter_is_answered_with_the_character(client: Client) -> None:
    reply = await client.get("/api/v1/incidents?filter=model%3D%3D%22a%22")
    assert reply.json()["detail"] == (
        """filter: 'model=="a"': == is no operator; did you mean model="a"? (at character 6)"""
    )


async def test_pages_follow_each_other_without_gaps(client: Client) -> None:
    for number in range(7):
        await opened(client, model=f"m{number}")
    seen: list[int] = []
    cursor = ""
    while True:
        page = (await client.get(f"/api/v1/incidents?limit=3{cursor}")).json()
        seen += [item["number"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_what_failed_is_listed_and_can_be_retried(client: Client, recorder: Recorder) -> None:
    recorder.answers = [Rejected(Fault.CLIENT_ERROR, "no such channel", 404)]
    await opened(client)
    failed = await eventually_failed(client)
    assert (failed["detail"], failed["attempts"][0]["status_code"]) == ("no such channel", 404)
    reply = await client.post(f"/api/v1/deliveries/{failed['id']}/retry")
    assert reply.status_code == 202
    assert (await client.post(f"/api/v1/deliveries/{failed['id'][:-4]}0000/retry")).status_code == 404


async def eventually_failed(client: Client) -> dict[str, Any]:
    import asyncio

    for _ in range(100):
        items = (await client.get("/api/v1/deliveries?state=failed")).json()["items"]
        if items:
            return dict(items[0])
        await asyncio.sleep(0.05)
    raise AssertionError("nothing failed")


async def test_a_receiver_can_be_tested(client: Client, recorder: Recorder) -> None:
    (result,) = (await client.post("/api/v1/receivers/team/test")).json()["items"]
    assert (result["destination"], result["outcome"]) == ("team/chat", "accepted")
    assert recorder.reasons == ["test"]
    assert (await client.post("/api/v1/receivers/nobody/test")).status_code == 404


async def test_a_digest_can_be_previewed(client: Client) -> None:
    await opened(client, severity="warning")
    (window,) = (await client.get("/api/v1/digests?state=open")).json()["items"]
    preview = (await client.get(f"/api/v1/digests/{window['id']}/preview")).json()
    assert [item["title"] for item in preview["destinations"]["team/chat"]] == ["churn: Drift"]


async def test_a_filter_with_a_control_character_is_refused(client: Client) -> None:
    doors = ("/v1/incidents", "/v1/silences", "/v2/alerts", "/v2/alerts/groups", "/v2/silences")
    for door in doors:
        for matcher in (r'{"a\u0000b"="z"}', r'{"a"="x\x00"}', r'{"a"!="\u0000"}', r'{"a"=~"\001"}'):
            reply = await client.get(f"/api{door}", params={"filter": matcher})
            assert (reply.status_code, "control character" in reply.text) == (400, True), (door, matcher)


async def test_the_one_matcher_with_a_control_character_is_pointed_at(client: Client) -> None:
    reply = await client.get("/api/v1/incidents", params={"filter": r'{a="b", "c"="\u0000"}'})
    assert reply.json()["detail"].endswith("no label has one (at character 9)")
