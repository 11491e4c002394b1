"""What a process says of itself that takes requests and leaves sending to others."""

import pytest

from alertsvc.engine.lookout import MISSED_AFTER_SECONDS, Lookout
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.service import Parts, Service
from alertsvc.observe.metrics import Metrics
from alertsvc.settings.process import Role
from alertsvc.store.connect import open_database
from alertsvc.store.presence import session_name
from tests.programs import eventually
from tests.web.conftest import client_of
from tests.world import Recorder, rules


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_api_says_that_nobody_sends_and_is_ready_all_the_same(database_url: str) -> None:
    now = [0.0]
    recorder = Recorder()
    outlets = Outlets(rules(), {"team/chat": Outlet("team/chat", "chat", recorder)})
    database = open_database(database_url, application=session_name("api"))
    service = Service(Parts(database, outlets, Metrics("test"), role=Role.API))
    service.lookout = Lookout(database, lambda: now[0])
    async with client_of(service) as client:
        event = {"model": "churn", "metric": "psi", "value": 0.9, "threshold": 0.2, "severity": "critical"}
        assert (await client.post("/api/v1/events", json=event)).status_code == 202
        assert (await client.get("/health")).json()["status"] == "ok"
        now[0] = MISSED_AFTER_SECONDS

        async def is_missed() -> bool:
            return (await client.get("/health")).json()["causes"] != []

        await eventually(is_missed)
        health = (await client.get("/health")).json()
        assert (health["role"], health["status"]) == ("api", "degraded")
        assert [each["code"] for each in health["causes"]] == ["nobody_sends"]
        assert health["messages_pending"] == 1
        assert (await client.get("/-/ready")).status_code == 200, "it still takes alerts, which are stored"
        metrics = (await client.get("/metrics")).text
        assert "alertsvc_breaker_state{" not in metrics, "it knows nothing of how sending goes"
    assert recorder.reasons == []
