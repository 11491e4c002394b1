"""Alertmanager's own API: its shapes, by its own definitions, and what its parameters mean."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator, FormatChecker

from alertsvc.core.route import Route
from alertsvc.core.severity import SeverityRule
from alertsvc.engine.standing import Standing
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.settings import load_text
from alertsvc.store.firing import ListedAlert
from alertsvc.web.alertmanager_api.configuration import as_alertmanager_yaml
from alertsvc.web.alertmanager_api.groups import Groups
from tests.ingest.test_alertmanager import alert, body
from tests.settings.kinds import KINDS
from tests.web.conftest import Client
from tests.web.test_access import bearer, make
from tests.world import DELIVER, START, TIMING

JSON = {"content-type": "application/json"}
DEFINITIONS = json.loads(Path(__file__).with_name("alertmanager_definitions.json").read_text())
HOUR = timedelta(hours=1)
UNKNOWN = "00000000-0000-7000-8000-000000000000"

instants = FormatChecker(formats=())


@instants.checks("date-time", raises=ValueError)
def _is_instant(text: object) -> bool:
    return isinstance(text, str) and text.endswith("Z") and datetime.fromisoformat(text).year > 1970


def fits(found: Any, definition: str) -> Any:
    """`found`, once it is of the shape that Alertmanager's definitions give."""
    schema = {**DEFINITIONS, "$ref": f"#/definitions/{definition}"}
    Draft4Validator(schema, format_checker=instants).validate(found)
    return found


def at(span: timedelta) -> str:
    return (datetime.now(UTC) + span).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def posted(ends: timedelta | None = HOUR, **labels: str) -> dict[str, Any]:
    sent = {
        "labels": {"alertname": "Drift", "model": "churn", "severity": "critical", **labels},
        "annotations": {"summary": "s"},
        "startsAt": at(-HOUR),
        "generatorURL": "http://prometheus.example/graph",
    }
    return sent if ends is None else {**sent, "endsAt": at(ends)}


async def post(client: Client, *alerts: Any) -> Any:
    return await client.post("/api/v2/alerts", content=json.dumps(alerts), headers=JSON)


async def listed(client: Client, query: str = "") -> list[Any]:
    reply = await client.get(f"/api/v2/alerts{query}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    return list(fits(reply.json(), "gettableAlerts"))


async def silence(client: Client, *, matcher: dict[str, Any] | None = None, **changes: Any) -> Any:
    asked = {
        "matchers": [matcher or {"name": "model", "value": "churn", "isRegex": False}],
        "startsAt": at(timedelta(0)),
        "endsAt": at(HOUR),
        "createdBy": "ann",
        "comment": "we know",
        **changes,
    }
    return await client.post("/api/v2/silences", content=json.dumps(asked), headers=JSON)


async def test_an_alert_that_is_posted_is_stored_and_listed(client: Client) -> None:
    reply = await post(client, posted(empty=""))
    assert (reply.status_code, reply.content) == (200, b"")
    (shown,) = await listed(client)
    sent = posted()
    assert (shown["labels"], shown["annotations"]) == (sent["labels"], sent["annotations"])
    assert shown["generatorURL"] == sent["generatorURL"]
    assert shown["fingerprint"] == fingerprint(sent["labels"])
    assert shown["receivers"] == [{"name": "team"}]
    assert shown["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
    assert shown["startsAt"] < shown["updatedAt"] < shown["endsAt"]
    (incident,) = (await client.get("/api/v1/incidents")).json()["items"]
    assert (incident["status"], incident["severity"]) == ("firing", "critical")


async def test_what_ends_in_the_past_has_ended(client: Client) -> None:
    await post(client, posted())
    assert (await post(client, posted(-timedelta(seconds=1)))).status_code == 200
    assert await listed(client) == []
    (incident,) = (await client.get("/api/v1/incidents")).json()["items"]
    assert incident["status"] == "resolved"


async def test_without_an_end_it_fires_for_the_resolve_timeout(client: Client) -> None:
    await post(client, posted(None))
    (shown,) = await listed(client)
    left = datetime.fromisoformat(shown["endsAt"]) - datetime.now(UTC)
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)


async def test_the_valid_alerts_of_a_batch_are_stored_and_the_others_are_told_and_set_aside(client: Client) -> None:
    reply = await post(client, posted(), {"labels": {}}, posted(alertname="Other"))
    assert (reply.status_code, reply.headers["content-type"]) == (400, "application/json")
    assert reply.json().startswith("alert 1: labels")
    assert {each["labels"]["alertname"] for each in await listed(client)} == {"Drift", "Other"}
    (item,) = (await client.get("/api/v1/quarantine")).json()["items"]
    assert (item["source"], item["position"]) == ("alertmanager_api", 1)
    replayed = await client.post(f"/api/v1/quarantine/{item['id']}/replay")
    assert replayed.status_code == 409


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        pytest.param(b"{}", JSON, 400, id="no-list"),
        pytest.param(b"[", JSON, 400, id="not-json"),
        pytest.param(b"[]", {"content-type": "text/plain"}, 415, id="text"),
        pytest.param(b" " * (2 * 1024 * 1024 + 1), JSON, 413, id="too-large"),
        pytest.param(b"[]", JSON, 200, id="no-alerts"),
    ],
)
async def test_errors_are_json_strings(client: Client, content: bytes, headers: dict[str, str], status: int) -> None:
    reply = await client.post("/api/v2/alerts", content=content, headers=headers)
    assert reply.status_code == status
    if status != 200:
        assert reply.headers["content-type"] == "application/json"
        assert isinstance(reply.json(), str)


async def test_overload_is_503_and_refused_credentials_are_told(client: Client) -> None:
    service = await client.app.dependencies["service"]()
    service.drain()
    reply = await post(client, posted())
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert isinstance(reply.json(), str)
    foreign = await client.get("/api/v2/alerts", headers={"host": "evil.example"})
    assert foreign.status_code == 401
    assert "token" in foreign.json()
    assert "www-authenticate" in foreign.headers


async def test_basic_auth_takes_the_token_as_password(client: Client) -> None:
    admin = (await make(client, "admin"))["token"]
    token = (await make(client, "ingest", headers=bearer(admin)))["token"]
    basic = {"authorization": "Basic " + base64.b64encode(f"prometheus:{token}".encode()).decode()}
    reply = await client.post("/api/v2/alerts", content=json.dumps([posted()]), headers={**JSON, **basic})
    assert reply.status_code == 200
    assert (await client.get("/api/v2/alerts", headers=basic)).status_code == 403


@pytest.mark.parametrize("path", ["alerts", "alerts/groups", "silences", "receivers", "status"])
async def test_nothing_is_redirected(client: Client, path: str) -> None:
    for end in ("", "/"):
        assert (await client.get(f"/api/v2/{path}{end}", follow_redirects=False)).status_code == 200
    assert (await client.post("/api/v2/alerts/", content="[]", headers=JSON, follow_redirects=False)).status_code == 200


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("", ["Drift", "Hook", "Muted"], id="everything"),
        pytest.param("?filter=alertname%3DDrift", ["Drift"], id="matcher"),
        pytest.param("?filter=alertname%3D~%22D.*%7CM.*%22&filter=model!%3D%22churn%22", ["Muted"], id="all-must-fit"),
        pytest.param("?filter=team%3D%22%22", ["Drift", "Hook", "Muted"], id="a-missing-label-is-empty"),
        pytest.param("?silenced=false", ["Drift", "Hook"], id="not-the-silenced"),
        pytest.param("?active=false", ["Muted"], id="not-the-active"),
        pytest.param("?active=false&silenced=false", [], id="neither"),
        pytest.param("?inhibited=false&unprocessed=false", ["Drift", "Hook", "Muted"], id="flags-of-amtool"),
        pytest.param("?receiver=t..m", ["Drift", "Hook", "Muted"], id="receiver"),
        pytest.param("?receiver=tea", [], id="receiver-is-anchored"),
        pytest.param("?receiver_matchers=owner%3Da", [], id="receivers-have-no-labels"),
    ],
)
async def test_alerts_are_filtered(client: Client, query: str, names: list[str]) -> None:
    await client.post("/api/v1/hooks/alertmanager", content=body(alert(labels={"alertname": "Hook"})), headers=JSON)
    await post(client, posted(), posted(alertname="Muted", model="fraud"))
    made = await silence(client, matcher={"name": "model", "value": "fr.*", "isRegex": True})
    shown = await listed(client, query)
    assert sorted(each["labels"]["alertname"] for each in shown) == names
    assert [each["fingerprint"] for each in shown] == sorted(each["fingerprint"] for each in shown)
    for each in shown:
        muted = each["labels"]["alertname"] == "Muted"
        assert each["status"]["state"] == ("suppressed" if muted else "active")
        assert each["status"]["silencedBy"] == ([made.json()["silenceID"]] if muted else [])


@pytest.mark.parametrize(
    "query", ["alerts?filter=a", "alerts?receiver=(", "alerts/groups?filter=a", "silences?filter=a", "alerts?active=so"]
)
async def test_a_bad_question_is_answered_with_a_json_string(client: Client, query: str) -> None:
    reply = await client.get(f"/api/v2/{query}")
    assert reply.status_code in {400, 422}
    assert isinstance(reply.json(), str)


async def test_a_long_list_is_whole(client: Client) -> None:
    await post(client, *(posted(feature=f"f{number}") for number in range(1203)))
    shown = await listed(client)
    assert len({each["fingerprint"] for each in shown}) == len(shown) == 1203


async def test_karma_finds_groups_silences_and_a_version(client: Client) -> None:
    await post(client, posted(), posted(feature="age"))
    made = await silence(client, matcher={"name": "feature", "value": "age", "isRegex": False})
    groups = fits((await client.get("/api/v2/alerts/groups")).json(), "alertGroups")
    ((group),) = groups
    assert (group["receiver"], group["labels"], group["routeLabels"]) == ({"name": "team"}, {"model": "churn"}, {})
    states = {each["labels"].get("feature"): each["status"]["state"] for each in group["alerts"]}
    assert states == {None: "active", "age": "suppressed"}
    only = (await client.get("/api/v2/alerts/groups?silenced=false&receiver=team")).json()
    assert [len(each["alerts"]) for each in only] == [1]
    assert (await client.get("/api/v2/alerts/groups?receiver=other")).json() == []
    silences = fits((await client.get("/api/v2/silences")).json(), "gettableSilences")
    assert [each["id"] for each in silences] == [made.json()["silenceID"]]
    assert 'alertmanager_build_info{version="0.31.0"} 1.0' in (await client.get("/metrics")).text


def standing(name: str, route: Route) -> Standing:
    labels = {"alertname": name, "model": name[0]}
    known = ListedAlert(
        fingerprint(labels), "alertmanager", labels, {}, (), SeverityRule().read("critical"), START, START, None
    )
    return Standing(known, (route,), (), (), {"root": "nights"})


def test_groups_are_by_the_labels_of_the_route_and_have_a_limit() -> None:
    by_model = Route("root", "team", TIMING, DELIVER, "hourly", group_by=("model", "none"))
    groups = Groups(lambda route: route.receiver == "team", most=3)
    groups.add([standing(name, by_model) for name in ("b1", "a1")])
    assert not groups.is_cut
    groups.add([standing(name, by_model) for name in ("b2", "b3")])
    assert groups.is_cut
    shown = [(dict(each.labels), [one.alert.labels["alertname"] for one in each.alerts]) for each in groups]
    assert shown == [({"model": "a"}, ["a1"]), ({"model": "b"}, ["b1", "b2"])]
    assert [each.timed_by for each in groups] == ["nights", "nights"]
    every = Groups(lambda route: True)
    every.add([standing("a1", Route("root", "team", TIMING, DELIVER, "hourly", group_by=("...",)))])
    assert [dict(each.labels) for each in every] == [{"alertname": "a1", "model": "a"}]


async def test_groups_are_by_what_makes_the_incident(client: Client) -> None:
    by_model = [posted(), posted(feature="age"), posted(model="fraud")]
    without = [{**posted(), "labels": {"alertname": name, "host": host}} for name in ("A", "B") for host in "12"]
    await post(client, *by_model, *without)
    groups = (await client.get("/api/v2/alerts/groups")).json()
    shown = sorted((sorted(each["labels"].items()), len(each["alerts"])) for each in groups)
    assert shown == [
        ([("alertname", "A")], 2),
        ([("alertname", "B")], 2),
        ([("model", "churn")], 2),
        ([("model", "fraud")], 1),
    ]
    incidents = (await client.get("/api/v1/incidents")).json()["items"]
    assert len(incidents) == len(groups)


async def test_a_silence_is_made_changed_replaced_and_ended(client: Client) -> None:
    made = await silence(client)
    assert made.status_code == 200
    name = made.json()["silenceID"]
    shown = fits((await client.get(f"/api/v2/silence/{name}")).json(), "gettableSilence")
    assert shown["matchers"] == [{"name": "model", "value": "churn", "isRegex": False, "isEqual": True}]
    assert (shown["status"]["state"], shown["createdBy"], shown["comment"]) == ("active", "ann", "we know")
    longer = await silence(client, id=name, startsAt=shown["startsAt"], endsAt=at(5 * HOUR), comment="longer")
    assert longer.json() == {"silenceID": name}
    others = [
        {"name": f"{regex}{equal}", "value": "x", "isRegex": regex, "isEqual": equal}
        for regex in (True, False)
        for equal in (True, False)
    ]
    other = await silence(client, id=name, matchers=others)
    assert other.json()["silenceID"] != name
    assert (await client.get(f"/api/v2/silence/{other.json()['silenceID']}")).json()["matchers"] == others
    found = fits((await client.get("/api/v2/silences")).json(), "gettableSilences")
    assert [(each["id"], each["status"]["state"]) for each in found] == [
        (other.json()["silenceID"], "active"),
        (name, "expired"),
    ]
    for _ in range(2):
        ended = await client.delete(f"/api/v2/silence/{other.json()['silenceID']}")
        assert ended.status_code == 200
    states = [each["status"]["state"] for each in (await client.get("/api/v2/silences?active=true")).json()]
    assert states == ["expired", "expired"]
    assert (await client.get("/api/v2/silences?expired=false")).json() == []


async def test_silences_are_listed_in_alertmanagers_order_and_found_by_their_matchers(client: Client) -> None:
    for comment, starts, ends in [
        ("ends-last", timedelta(0), 3 * HOUR),
        ("begins-last", 2 * HOUR, 3 * HOUR),
        ("ends-next", timedelta(0), HOUR),
        ("begins-next", HOUR, 3 * HOUR),
    ]:
        assert (await silence(client, comment=comment, startsAt=at(starts), endsAt=at(ends))).status_code == 200
    found = (await client.get("/api/v2/silences?filter=model%3Dchurn")).json()
    assert [each["comment"] for each in found] == ["ends-next", "ends-last", "begins-next", "begins-last"]
    assert (await client.get("/api/v2/silences?filter=model%3Dfraud")).json() == []
    assert len((await client.get("/api/v2/silences?active=false")).json()) == 2


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        pytest.param({"id": UNKNOWN}, 404, "there is no silence", id="unknown"),
        pytest.param({"id": "x"}, 404, "there is no silence", id="no-id"),
        pytest.param({"matchers": []}, 400, "matchers", id="no-matcher"),
        pytest.param({"matchers": [{"name": "a", "value": ".*", "isRegex": True}]}, 400, "empty label", id="all"),
        pytest.param({"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, 400, "matchers.0", id="expression"),
        pytest.param({"matchers": [{"name": "a", "value": "b"}]}, 400, "isRegex", id="no-flag"),
        pytest.param({"endsAt": "2001-01-01T00:00:00Z"}, 400, "ends_at", id="ended"),
        pytest.param({"endsAt": "soon"}, 400, "endsAt", id="no-instant"),
        pytest.param({"comment": ""}, 400, "comment", id="no-comment"),
    ],
)
async def test_a_silence_that_cannot_be_is_refused(
    client: Client, changes: dict[str, Any], status: int, said: str
) -> None:
    reply = await silence(client, **changes)
    assert reply.status_code == status
    assert said in reply.json()


@pytest.mark.parametrize("name", [UNKNOWN, "x"])
async def test_an_unknown_silence_is_not_found(client: Client, name: str) -> None:
    assert (await client.get(f"/api/v2/silence/{name}")).status_code == 404
    assert (await client.delete(f"/api/v2/silence/{name}")).status_code == 404


async def test_one_that_comes_again_is_shown_and_not_changed_unawares(client: Client) -> None:
    begins = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%M %H * * *")
    asked = {"matchers": ["a=b"], "schedule": begins, "duration": "2h", "comment": "window"}
    made = (await client.post("/api/v1/silences", json=asked)).json()
    shown = fits((await client.get(f"/api/v2/silence/{made['id']}")).json(), "gettableSilence")
    assert shown["status"] == {"state": "active"}
    left = datetime.fromisoformat(shown["endsAt"]) - datetime.now(UTC)
    assert timedelta(0) < left < 2 * HOUR
    refused = await silence(client, id=made["id"])
    assert refused.status_code == 400
    assert "/api/v1/silences/" in refused.json()


async def test_status_and_receivers_have_their_shapes(client: Client) -> None:
    status = fits((await client.get("/api/v2/status")).json(), "alertmanagerStatus")
    assert status["cluster"]["status"] == "disabled"
    assert yaml.safe_load(status["config"]["original"])["route"]["receiver"] == "team"
    receivers = (await client.get("/api/v2/receivers")).json()
    assert [fits(each, "receiver") for each in receivers] == [{"name": "team", "labels": {}}]


SECRET = "https://hooks.slack.example/services/T0/B0/secret"
OURS = f"""
severities: {{warning: {{deliver: digest}}}}
correlate: [{{name: all, by: [alertname]}}]
route:
  receiver: root
  group_by: [alertname, model]
  repeat_interval: 1d2h
  routes:
    - name: named
      matchers: ['team="ä \\"b\\" \\\\ c"', 'model=~"a|b"']
      receiver: 'second: "one"'
      continue: true
      deliver: immediate
      routes: [{{match: {{env: prod}}, group_by: ['...'], group_wait: 90s}}]
receivers:
  - name: root
    slack_configs: [{{api_url: "{SECRET}", channel: "#x"}}]
  - name: 'second: "one"'
"""


def test_the_configuration_that_is_shown_routes_alike_and_has_no_secret() -> None:
    rules = load_text(OURS, "alertsvc.yaml", KINDS).rules
    shown = as_alertmanager_yaml(rules)
    assert "secret" not in shown
    tree = yaml.safe_load(shown)
    assert set(tree) == {"route", "receivers", "templates"}
    again = load_text(shown.replace("templates: []", ""), "alertmanager.yml", KINDS).rules
    assert as_alertmanager_yaml(again) == shown
    assert tree["route"]["repeat_interval"] == "1d2h"
    (named,) = tree["route"]["routes"]
    assert named["continue"] is True
    assert named["matchers"] == ['team="ä \\"b\\" \\\\ c"', 'model=~"a|b"']
    assert named["routes"] == [
        {"receiver": 'second: "one"', "group_by": ["..."], "matchers": ['env="prod"'], "group_wait": "1m30s"}
    ]
