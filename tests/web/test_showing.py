"""What can be looked at: an incident from every side, receivers, how the service is, and the description of the API."""

import asyncio
import re
from typing import Any

from sqlalchemy import CheckConstraint, Table

from alertsvc.store.tables import delivery, outbox
from tests.web.conftest import Client
from tests.web.test_acting import opened
from tests.world import Recorder


async def shown(client: Client, path: str) -> Any:
    reply = await client.get(path)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def told(client: Client, recorder: Recorder) -> dict[str, Any]:
    """An incident that was told."""
    found = await opened(client, feature="age")
    for _ in range(100):
        items = (await shown(client, f"/api/v1/incidents/{found['number']}/deliveries"))["items"]
        if [each["state"] for each in items] == ["accepted"]:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"it was not told: {items}")


async def test_an_incident_is_shown_with_its_alerts_and_who_was_told_why(client: Client, recorder: Recorder) -> None:
    number = (await told(client, recorder))["number"]
    (alert,) = (await shown(client, f"/api/v1/incidents/{number}/alerts"))["items"]
    assert (alert["state"], alert["severity"], alert["labels"]["feature"]) == ("firing", "critical", "age")
    (notification,) = (await shown(client, f"/api/v1/incidents/{number}/notifications"))["items"]
    assert (notification["destination"], notification["reason"], notification["state"]) == (
        "team/chat",
        "opened",
        "delivered",
    )
    assert notification["why"] == "route root: critical is delivered immediately"
    (delivery,) = (await shown(client, f"/api/v1/incidents/{number}/deliveries"))["items"]
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["accepted"]
    assert await shown(client, f"/api/v1/deliveries/{delivery['id']}") == delivery
    unknown = await client.get("/api/v1/deliveries/00000000-0000-7000-8000-000000000000")
    assert (unknown.status_code, unknown.json()["detail"][:18]) == (404, "there is no delive")
    kinds = [line["kind"] for line in (await shown(client, f"/api/v1/incidents/{number}/history"))["items"]]
    assert kinds == ["opened", "delivered"]


def words_of(table: Table, column: str) -> list[str]:
    """What a column may say, as the database checks it."""
    (rule,) = (
        each for each in table.constraints if isinstance(each, CheckConstraint) and f"{column} IN" in str(each.sqltext)
    )
    return re.findall(r"'(\w+)'", str(rule.sqltext))


async def test_deliveries_are_listed_by_every_state_and_every_end(client: Client) -> None:
    for word in (*words_of(outbox, "state"), *words_of(delivery, "outcome")):
        assert (await shown(client, f"/api/v1/deliveries?state={word}"))["items"] == []
    refused = await client.get("/api/v1/deliveries?state=sent")
    assert (refused.status_code, "suppressed" in refused.json()["detail"]) == (400, True)


async def test_an_incident_is_found_by_its_number_and_by_its_identity(client: Client) -> None:
    incident = await opened(client)
    assert await shown(client, f"/api/v1/incidents/{incident['id']}") == incident
    assert await shown(client, f"/api/v1/incidents/{incident['number']}") == incident
    assert incident["deployment"] is None


async def test_receivers_are_listed_with_what_their_channels_carry(client: Client) -> None:
    (receiver,) = (await shown(client, "/api/v1/receivers"))["items"]
    assert receiver["name"] == "team"
    (listed,) = receiver["destinations"]
    assert (listed["id"], listed["kind"]) == ("team/chat", "chat")
    assert {"opened", "resolved", "acknowledged"} <= set(listed["hears"])


async def test_how_the_service_is_is_shown_to_people_and_to_machines(client: Client, recorder: Recorder) -> None:
    await told(client, recorder)
    health = await shown(client, "/health")
    assert (health["status"], health["causes"]) == ("ok", [])
    assert health["schema"]["current"] == health["schema"]["needed"]
    counts = [health["incidents_open"], health["messages_pending"], health["quarantined"]]
    assert (counts, {type(each) for each in counts}) == ([1, 0, 0], {int})
    assert health["destinations"] == ["team/chat"]
    assert await shown(client, "/-/ready") == {"ready": True, "causes": [], "notes": []}


async def test_metrics_count_what_came_and_what_left(client: Client, recorder: Recorder) -> None:
    await told(client, recorder)
    lines = (await client.get("/metrics")).text.splitlines()
    for wanted in (
        'alertsvc_ingest_requests_total{code="202",source="alertmanager"} 1.0',
        'alertsvc_ingest_events_total{result="new",source="alertmanager"} 1.0',
        'alertsvc_attempts_total{destination="team/chat",outcome="accepted"} 1.0',
        'alertsvc_deliveries_total{destination="team/chat",state="accepted"} 1.0',
        'alertsvc_notification_latency_seconds_count{severity="critical"} 1.0',
        'alertsvc_incidents_open{severity="critical",status="firing"} 1.0',
        "alertsvc_database_up 1.0",
    ):
        assert wanted in lines


async def test_a_service_that_drains_is_not_ready_and_takes_nothing_new(client: Client) -> None:
    service = client.app.dependencies["service"].dependency()
    service.drain()
    reply = await client.get("/-/ready")
    assert (reply.status_code, [each["code"] for each in reply.json()["causes"]]) == (503, ["draining"])
    refused = await client.post("/api/v1/events", json={"model": "m", "metric": "psi", "value": 1})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (await client.get("/-/healthy")).status_code == 200


async def test_the_description_of_the_api_names_every_door(client: Client) -> None:
    for path in ("/schema", "/schema/openapi.json"):
        schema = await shown(client, path)
        assert schema["openapi"].startswith("3.")
        assert schema["info"]["title"] == "alertsvc"
    paths = set(schema["paths"])
    assert {
        "/api/v1/hooks/alertmanager",
        "/api/v1/events",
        "/api/v1/incidents",
        "/api/v1/incidents/{reference}/acknowledge",
        "/api/v1/deliveries/{delivery_id}/retry",
        "/api/v1/digests/{digest_id}/preview",
        "/api/v1/receivers/{name}/test",
        "/api/v1/quarantine/{item_id}/replay",
        "/api/v1/tokens",
        "/api/v1/explain",
        "/api/v1/incidents/{reference}/explain",
        "/api/v1/notifications/{notification_id}/explain",
    } <= paths
