"""Silences through our own API: made, foreseen, changed, ended, listed, and refused field by field."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.programs import eventually
from tests.web.conftest import Client
from tests.web.test_access import bearer, make
from tests.web.test_acting import opened
from tests.world import Recorder

URL = "/api/v1/silences"
BOTH_WAYS = {"name": "a", "value": "b", "op": "=", "isRegex": False}
ALL = {"comment", "matchers.0", "ends_at"}
HOUR = timedelta(hours=1)
UNKNOWN = "00000000-0000-7000-8000-000000000000"


def asked(**changes: Any) -> dict[str, Any]:
    return {"matchers": ['model="churn"'], "duration": "2h", "comment": "we know", **changes}


async def made(client: Client, **changes: Any) -> dict[str, Any]:
    reply = await client.post(URL, json=asked(**changes))
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_silence_begins_now_and_is_signed_with_the_name_of_the_token(client: Client) -> None:
    admin = (await make(client, "admin"))["token"]
    token = (await make(client, "act", "read", headers=bearer(admin)))["token"]
    reply = await client.post(URL, json=asked(), headers=bearer(token))
    silence = reply.json()
    assert (reply.status_code, silence["created_by"], silence["state"]) == (201, "act-read", "active")
    assert abs(when(silence["starts_at"]) - now()) < timedelta(seconds=30)
    lasts = when(silence["ends_at"]) - when(silence["starts_at"])
    assert abs(lasts - 2 * HOUR) < timedelta(seconds=1)
    assert silence["mutes_until"] == silence["ends_at"]


@pytest.mark.parametrize(
    "matcher",
    [
        pytest.param('model=~"ch.*"', id="text"),
        pytest.param({"name": "model", "op": "=~", "value": "ch.*"}, id="operator"),
        pytest.param({"name": "model", "value": "ch.*", "isRegex": True}, id="alertmanager"),
        pytest.param({"name": "model", "value": "ch.*", "isRegex": True, "isEqual": True}, id="alertmanager-whole"),
    ],
)
async def test_a_matcher_is_text_or_an_object(client: Client, matcher: Any) -> None:
    silence = await made(client, matchers=[matcher, '{feature!="age",env!~"dev"}'])
    assert silence["matchers"] == ['model=~"ch.*"', 'feature!="age"', 'env!~"dev"']


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        pytest.param({"matchers": []}, {"matchers"}, id="no-matcher"),
        pytest.param({"matchers": ['model=~".*"']}, {"matchers"}, id="fits-everything"),
        pytest.param({"matchers": ["model"]}, {"matchers.0"}, id="no-operator"),
        pytest.param({"matchers": ['a="b"', 'model=~"("']}, {"matchers.1"}, id="bad-expression"),
        pytest.param({"matchers": [{"name": "a", "value": "b", "bogus": 1}]}, {"matchers.0.bogus"}, id="slip"),
        pytest.param(
            {"matchers": [{"name": "a", "value": "b", "op": "="} | {"isRegex": True}]}, {"matchers.0"}, id="2"
        ),
        pytest.param({"matchers": [{"name": "a", "value": "\0"}]}, {"matchers.0.value"}, id="nul"),
        pytest.param({"comment": " "}, {"comment"}, id="no-comment"),
        pytest.param({"duration": None}, {"ends_at"}, id="no-end"),
        pytest.param({"duration": "soon"}, {"duration"}, id="no-duration"),
        pytest.param({"duration": "0s"}, {"duration"}, id="empty-duration"),
        pytest.param({"ends_at": "2099-01-01T00:00:00Z"}, {"duration"}, id="two-ends"),
        pytest.param({"duration": None, "ends_at": "2001-01-01T00:00:00Z"}, {"ends_at"}, id="in-the-past"),
        pytest.param({"duration": None, "ends_at": "2099-01-01T00:00:00"}, {"ends_at"}, id="no-time-zone"),
        pytest.param({"duration": None, "ends_at": "9999-12-31T23:00:00-12:00"}, {"ends_at"}, id="end-of-time"),
        pytest.param({"timezone": "Europe/Lisbon"}, {"timezone"}, id="zone-without-schedule"),
        pytest.param({"schedule": "0 2 * *"}, {"schedule"}, id="no-cron"),
        pytest.param({"schedule": "0 2 * * *", "timezone": "Lisbon"}, {"timezone"}, id="no-zone"),
        pytest.param({"schedule": "0 2 * * *", "duration": None}, {"duration"}, id="schedule-without-duration"),
        pytest.param(
            {"comment": "", "matchers": ["a"], "duration": None}, {"comment", "matchers.0", "ends_at"}, id="all"
        ),
        pytest.param({"coment": "x"}, {"coment"}, id="unknown-field"),
        pytest.param({"created_by": "a\x07"}, {"created_by"}, id="control-character"),
        pytest.param({"annotations": {"a": "b\0"}}, {"annotations"}, id="control-character-in-an-annotation"),
    ],
)
async def test_what_is_wrong_is_said_field_by_field(client: Client, changes: dict[str, Any], fields: set[str]) -> None:
    for query in ("", "?dry_run=true"):
        reply = await client.post(URL + query, json=asked(**changes))
        assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
        named = [error["pointer"] for error in reply.json()["errors"]]
        assert sorted(named) == sorted("/" + field.replace(".", "/") for field in fields)
    assert (await client.get(URL)).json()["items"] == []


async def test_what_it_would_hide_is_foreseen_and_nothing_is_made(client: Client) -> None:
    await opened(client, model="fraud")
    first = await opened(client)
    await opened(client, alertname="Other", severity="warning")
    preview = await client.post(f"{URL}/preview", json={"matchers": ['model="churn"']})
    dry = await client.post(f"{URL}?dry_run=true", json=asked())
    assert (preview.status_code, dry.status_code) == (200, 200)
    assert preview.json() == dry.json()
    assert preview.json() | {"incidents": []} == {
        "alert_count": 2,
        "incident_count": 1,
        "hides_critical": True,
        "highest_severity": "critical",
        "incidents": [],
    }
    assert [(each["number"], each["title"]) for each in dry.json()["incidents"]] == [(first["number"], first["title"])]
    calm = await client.post(f"{URL}/preview", json={"matchers": ['severity="warning"']})
    assert (calm.json()["hides_critical"], calm.json()["highest_severity"]) == (False, "warning")
    nothing = await client.post(f"{URL}/preview", json={"matchers": ['model="other"']})
    assert (nothing.json()["alert_count"], nothing.json()["highest_severity"]) == (0, None)
    assert (await client.post(f"{URL}/preview", json={"matchers": ['a!="b"']})).status_code == 422
    assert (await client.get(URL)).json()["items"] == []


async def test_what_it_hid_is_shown(client: Client, recorder: Recorder) -> None:
    silence = await made(client)
    incident = await opened(client)

    async def hidden() -> Any:
        shown = (await client.get(f"{URL}/{silence['id']}")).json()
        return shown if shown["suppressed_count"] else None

    shown = await eventually(hidden)
    assert [each["number"] for each in shown["hidden_incidents"]] == [incident["number"]]
    assert recorder.sent == []


async def test_an_edit_keeps_the_silence_or_puts_another_in_its_place(client: Client) -> None:
    silence = await made(client, created_by="ann")
    path = f"{URL}/{silence['id']}"
    longer = (await client.put(path, json=asked(duration="5h", comment="still"))).json()
    assert (longer["id"], longer["comment"], longer["created_by"]) == (silence["id"], "still", "ann")
    assert longer["annotations"] == {"changed_by": "local"}
    assert longer["starts_at"] == silence["starts_at"]
    other = (await client.put(path, json=asked(matchers=['model="fraud"']))).json()
    assert other["id"] != silence["id"]
    states = {each["id"]: each["state"] for each in (await client.get(URL)).json()["items"]}
    assert states == {silence["id"]: "expired", other["id"]: "active"}
    assert (await client.put(path, json=asked(comment=""))).status_code == 422
    assert (await client.put(f"{URL}/{UNKNOWN}", json=asked())).status_code == 404


async def test_it_is_extended_and_says_by_whom(client: Client) -> None:
    silence = await made(client)
    reply = await client.post(f"{URL}/{silence['id']}/extend", json={"duration": "1h", "by": "bob"})
    assert reply.status_code == 200
    assert when(reply.json()["ends_at"]) - when(silence["ends_at"]) == HOUR
    assert reply.json()["annotations"] == {"changed_by": "bob"}
    assert (await client.post(f"{URL}/{silence['id']}/extend", json={"duration": "x"})).status_code == 422
    assert (await client.post(f"{URL}/{UNKNOWN}/extend", json={"duration": "1h"})).status_code == 404


async def test_it_is_ended_once_however_often_it_is_asked_for(client: Client) -> None:
    silence = await made(client)
    path = f"{URL}/{silence['id']}"
    first = await client.post(f"{path}/expire", json={"by": "bob"})
    again = [await client.post(f"{path}/expire"), await client.delete(path)]
    assert (first.status_code, first.json()["state"]) == (200, "expired")
    assert first.json()["annotations"] == {"changed_by": "bob"}
    assert [(each.status_code, each.json()) for each in again] == [(200, first.json())] * 2
    assert (await client.post(f"{path}/extend", json={"duration": "1h"})).status_code == 409
    assert (await client.delete(f"{URL}/{UNKNOWN}")).status_code == 404
    assert (await client.post(f"{path}/expire", json={"bye": "bob"})).status_code == 422


async def test_one_that_comes_again_says_when(client: Client) -> None:
    begins = (now() - timedelta(minutes=5)).strftime("%M %H * * *")
    active = await made(client, schedule=begins, timezone="UTC")
    assert (active["state"], active["schedule"], active["duration"]) == ("active", begins, "2h")
    assert active["ends_at"] is None
    assert when(active["mutes_next_at"]) - when(active["starts_at"]) > 23 * HOUR
    pending = await made(client, schedule=(now() + 3 * HOUR).strftime("%M %H * * *"), timezone="UTC")
    assert (pending["state"], pending["mutes_until"]) == ("pending", None)
    assert (await client.post(f"{URL}/{pending['id']}/extend", json={"duration": "1h"})).status_code == 409


@pytest.mark.parametrize(
    ("query", "comments"),
    [
        pytest.param("", ["later", "gone", "now"], id="newest-first"),
        pytest.param("?state=active", ["now"], id="active"),
        pytest.param("?state=pending", ["later"], id="pending"),
        pytest.param("?state=expired", ["gone"], id="expired"),
        pytest.param("?state=pending&state=active", ["later", "now"], id="two-states"),
        pytest.param("?filter=model%3D%22churn%22", ["gone", "now"], id="has-the-matcher"),
        pytest.param("?filter=model%3D~%22churn%22", [], id="another-operator"),
    ],
)
async def test_lists_are_filtered(client: Client, query: str, comments: list[str]) -> None:
    await made(client, comment="now")
    gone = await made(client, comment="gone")
    await client.delete(f"{URL}/{gone['id']}")
    starts = {"starts_at": (now() + HOUR).isoformat()}
    await made(client, comment="later", matchers=['model="fraud"'], **starts)
    reply = await client.get(URL + query)
    assert [each["comment"] for each in reply.json()["items"]] == comments


async def test_pages_follow_each_other_without_gaps(client: Client) -> None:
    for number in range(5):
        await made(client, comment=f"{number}")
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await client.get(f"{URL}?limit=2&state=active{cursor}")).json()
        seen += [each["comment"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("query", ["?state=open", "?filter=model", "?limit=0", "?cursor=!"])
async def test_a_bad_question_is_answered_with_what_is_wrong(client: Client, query: str) -> None:
    assert (await client.get(URL + query)).status_code == 400


async def test_a_matcher_with_a_control_character_is_refused_however_it_is_spelt(client: Client) -> None:
    spellings = [r'{"a\u0000b"="z"}', {"name": "a\x00b", "value": "z"}, {"name": "a", "value": "\x00"}]
    for path in (URL, f"{URL}/preview"):
        for matcher in spellings:
            reply = await client.post(path, json=asked(matchers=[matcher]))
            assert (reply.status_code, "control character" in reply.text) == (422, True), (path, matcher)


async def test_a_longest_silence_can_be_set(client: Client) -> None:
    service = await _service(client)
    service.tuning = replace(service.tuning, longest_silence=24 * HOUR)
    refused = await client.post(URL, json=asked(duration="25h"))
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/ends_at"]
    silence = await made(client, duration="23h")
    refused = await client.post(f"{URL}/{silence['id']}/extend", json={"duration": "2h"})
    assert refused.status_code == 422


async def _service(client: Client) -> Any:
    return await client.app.dependencies["service"]()


async def test_what_a_silence_keeps_back_is_counted(client: Client) -> None:
    await made(client)
    await opened(client)
    await opened(client, model="other", severity="info")
    metrics = (await client.get("/metrics")).text
    assert 'alertsvc_notifications_suppressed_total{reason="silence"} 1.0' in metrics
    assert 'alertsvc_notifications_suppressed_total{reason="decision"} 1.0' in metrics
