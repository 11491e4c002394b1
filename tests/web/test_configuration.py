"""POST /-/reload: what changed, or every mistake with its place."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar.testing import AsyncTestClient

from alertsvc.app import create_app
from alertsvc.channels import CHANNELS
from alertsvc.engine.opening import open_outlets
from alertsvc.engine.reload import Reloader
from alertsvc.engine.service import Parts, Service
from alertsvc.engine.tuning import tuning_of
from alertsvc.observe.metrics import Metrics
from alertsvc.settings import ConfigError, load_config
from alertsvc.settings.source import ConfigSource
from alertsvc.store.connect import open_database
from tests.web.conftest import Client
from tests.web.test_access import bearer, make

GOOD = "route: {receiver: a}\nreceivers:\n  - {name: a, console_configs: [{}]}\n"
BAD = "route: {receiver: b, group_wait: soon}\nreceivers:\n  - {name: a, console_confgs: [{}]}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file behind the service."""
    found = tmp_path / "alertsvc.yaml"
    found.write_text(GOOD)
    return found


@pytest.fixture
async def configured(database_url: str, path: Path) -> AsyncIterator[Client]:
    """A client of a service that runs on a file."""
    source = ConfigSource(path, CHANNELS, environment={})
    loaded = source.read()
    parts = Parts(open_database(database_url), open_outlets(loaded), Metrics("test"), tuning_of(loaded.settings))
    service = Service(parts)
    reloader = Reloader(service, loaded, source.read, log_as=lambda _: None)
    async with AsyncTestClient(create_app(service, reloader), base_url="http://127.0.0.1") as opened:
        yield opened


async def test_a_reload_says_what_changed(configured: Client, path: Path) -> None:
    path.write_text(f"{GOOD}server: {{listen: ':1', max_body_bytes: 2048}}\n")
    reply = await configured.post("/-/reload")
    assert reply.status_code == 200
    assert reply.json()["changed"] == [{"what": "server.max_body_bytes", "how": "changed"}]
    assert reply.json()["needs_restart"] == ["server.listen"]


async def test_a_bad_file_is_answered_with_what_check_config_says(configured: Client, path: Path) -> None:
    path.write_text(BAD)
    reply = await configured.post("/-/reload")
    with pytest.raises(ConfigError) as caught:
        load_config(path, CHANNELS)
    assert (reply.status_code, reply.headers["content-type"]) == (400, "application/problem+json")
    errors = [{key: value for key, value in each.items() if key != "pointer"} for each in reply.json()["errors"]]
    assert errors == caught.value.as_json()
    assert f"{path}:1:34: route.group_wait: a duration such as" in reply.json()["detail"]
    assert "alertsvc_config_last_reload_successful 0.0" in (await configured.get("/metrics")).text
    health = (await configured.get("/health")).json()
    assert (health["status"], health["destinations"]) == ("degraded", ["a/console:stdout"])
    assert (await configured.get("/-/ready")).status_code == 200


async def test_tokens_may_be_asked_for_from_one_request_to_the_next(configured: Client, path: Path) -> None:
    path.write_text(f"{GOOD}auth: {{tokens_required: true}}\n")
    assert (await configured.get("/api/v1/receivers")).status_code == 200
    assert (await configured.post("/-/reload")).status_code == 200
    assert (await configured.get("/api/v1/receivers")).status_code == 401


async def test_only_an_administrator_may_reload(configured: Client) -> None:
    admin = bearer((await make(configured, "admin"))["token"])
    assert (await configured.post("/-/reload")).status_code == 401
    for scope in ("ingest", "read", "act"):
        token = (await make(configured, scope, headers=admin))["token"]
        assert (await configured.post("/-/reload", headers=bearer(token))).status_code == 403
    assert (await configured.post("/-/reload", headers=admin)).status_code == 200


async def test_a_service_without_a_file_says_so(client: Client) -> None:
    assert (await client.post("/-/reload")).status_code == 409
