"""Prometheus and amtool, the real ones, speak to this service as if it were Alertmanager."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from tests.programs import Program, alertsvc, asked, binary, eventually, free_port, prometheus

CONFIG = """
global: {resolve_timeout: 3s}
correlate: [{name: alert, by: [alertname, model]}]
route:
  receiver: team
  group_by: [alertname, model]
  routes:
    - {matchers: ['team="fraud"', 'env=~"prod|live"'], receiver: fraud, continue: true}
    - {matchers: ['severity="critical"'], receiver: on-call}
receivers:
  - {name: team, console_configs: [{}]}
  - {name: fraud}
  - {name: on-call, webhook_configs: [{url: "https://hooks.example.com/a-secret-path"}]}
"""
RULES = """
groups:
  - name: ml
    rules:
      - alert: DataDriftDetected
        expr: data_drift_score > 0.3
        labels: {severity: warning}
        annotations: {summary: "Drift of {{ $labels.feature }}"}
"""


def prometheus_yml(target: str, exporter_port: int, token: str) -> str:
    return f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["{target}"]}}]
      basic_auth: {{username: prometheus, password: {token}}}
scrape_configs: [{{job_name: ml, static_configs: [{{targets: ["127.0.0.1:{exporter_port}"]}}]}}]
"""


@dataclass
class Stage:
    """The service, with an admin's token and one that may do what the test is about."""

    service: Program
    admin: str
    token: str

    async def get(self, path: str) -> Any:
        """What the API answers to the admin."""
        reply = await asked("GET", self.service.url + path, headers={"Authorization": f"Bearer {self.admin}"})
        assert reply.status == 200, reply.body
        return reply.json()

    async def incidents(self, status: str) -> list[Any]:
        """The incidents of a status."""
        return list((await self.get(f"/api/v1/incidents?status={status}"))["items"])

    async def ended_by(self, incident: Any) -> list[str]:
        """What ended the alerts of an incident."""
        listed = (await self.get(f"/api/v1/incidents/{incident['number']}/alerts"))["items"]
        return [each["closed_by"] for each in listed]


async def new_token(service: Program, admin: str | None, *scopes: str) -> str:
    headers = {"Authorization": f"Bearer {admin}"} if admin else {}
    reply = await asked("POST", f"{service.url}/api/v1/tokens", {"name": "t", "scopes": list(scopes)}, headers)
    assert reply.status == 201, reply.body
    return str(reply.json()["token"])


ON_ONE_DATABASE = pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
"""Adding, finding and listing without the program in front is shown on both."""


@pytest.fixture
async def stage(tmp_path: Path, empty_database_url: str) -> AsyncIterator[Stage]:
    config = tmp_path / "alertsvc.yaml"
    config.write_text(CONFIG)
    async with alertsvc(config, database=empty_database_url) as service:
        admin = await new_token(service, None, "admin")
        yield Stage(service, admin, await new_token(service, admin, "ingest", "read", "act"))


@pytest.fixture
def drift() -> Iterator[tuple[Gauge, int]]:
    """A metric, and the port where it is exported."""
    registry = CollectorRegistry()
    gauge = Gauge("data_drift_score", "Drift", ["model", "feature"], registry=registry)
    gauge.labels("churn", "age").set(0.6)
    port = free_port()
    exporter, thread = start_http_server(port, "127.0.0.1", registry)
    yield gauge, port
    exporter.shutdown()
    exporter.server_close()
    thread.join()


async def test_prometheus_delivers_without_alertmanager_and_its_silence_is_an_end(
    stage: Stage, drift: tuple[Gauge, int], tmp_path: Path
) -> None:
    gauge, exporter_port = drift
    target = stage.service.url.removeprefix("http://")
    configuration = prometheus_yml(target, exporter_port, stage.token)
    async with prometheus(tmp_path / "prom", configuration, RULES) as program:
        (first,) = await eventually(lambda: stage.incidents("open"), 15)
        assert first["labels"] == {"alertname": "DataDriftDetected", "model": "churn"}
        gauge.labels("churn", "age").set(0.1)
        await eventually(lambda: stage.incidents("resolved"), 10)
        assert await stage.ended_by(first) == ["source"]

        gauge.labels("churn", "age").set(0.6)
        (second,) = await eventually(lambda: stage.incidents("open"), 10)
        await asyncio.sleep(5)  # for longer than one post is valid: it goes on because it is repeated
        assert [each["number"] for each in await stage.incidents("open")] == [second["number"]]
        await program.end(signal.SIGKILL)
        await eventually(lambda: _none_open(stage), 8)
        assert await stage.ended_by(second) == ["expired"]


async def _none_open(stage: Stage) -> bool:
    return not await stage.incidents("open")


@dataclass
class Amtool:
    """The real amtool against the service."""

    url: str
    http_config: Path

    async def __call__(self, *words: str, status: int = 0) -> str:
        """What it writes."""
        flags = [f"--alertmanager.url={self.url}", f"--http.config.file={self.http_config}", "--no-version-check"]
        process = await asyncio.create_subprocess_exec(
            binary("amtool"), *flags, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await process.communicate()
        assert process.returncode == status, out.decode()
        return out.decode()

    async def json(self, *words: str) -> Any:
        """What it writes, as JSON."""
        return json.loads(await self("--output=json", *words))


@pytest.fixture
def amtool(stage: Stage, tmp_path: Path) -> Amtool:
    http_config = tmp_path / "amtool.yml"
    http_config.write_text(f"basic_auth: {{username: ann, password: {stage.token}}}\n")
    return Amtool(stage.service.url, http_config)


@ON_ONE_DATABASE
async def test_amtool_adds_and_finds_alerts(stage: Stage, amtool: Amtool) -> None:
    await amtool("alert", "add", "Drift", "model=churn", "severity=critical", "--annotation=summary=s")
    await amtool("alert", "add", "alertname=Other", "model=fraud", "--end=2099-01-01T00:00:00Z")
    found = await amtool.json("alert", "query")
    assert {each["labels"]["alertname"] for each in found} == {"Drift", "Other"}
    (drift,) = await amtool.json("alert", "query", "model=churn")
    assert (drift["annotations"], drift["status"]["state"]) == ({"summary": "s"}, "active")
    assert [each["name"] for each in drift["receivers"]] == ["on-call"]
    assert "Other" in await amtool("--output=extended", "alert", "query", "model=~fr.*")
    await eventually(lambda: _ended(stage), 10)  # nobody repeats it, and resolve_timeout is three seconds
    assert [each["labels"]["alertname"] for each in await amtool.json("alert", "query")] == ["Other"]


async def _ended(stage: Stage) -> list[Any]:
    return [each for each in await stage.incidents("resolved") if each["labels"]["model"] == "churn"]


async def test_amtool_makes_changes_and_ends_silences(stage: Stage, amtool: Amtool) -> None:
    await amtool("alert", "add", "Drift", "model=churn", "--end=2099-01-01T00:00:00Z")
    name = (await amtool("silence", "add", "model=churn", "env!=dev", "--comment=we know", "--author=ann")).strip()
    assert (await amtool("silence", "query", "--quiet")).split() == [name]
    (found,) = await amtool.json("silence", "query", "model=churn")
    assert (found["comment"], found["createdBy"], found["status"]["state"]) == ("we know", "ann", "active")
    assert await amtool.json("alert", "query") == []
    (muted,) = await amtool.json("alert", "query", "--silenced")
    assert muted["status"]["silencedBy"] == [name]
    await amtool("silence", "update", "--duration=5h", "--comment=longer", name)
    (found,) = await amtool.json("silence", "query")
    assert (found["id"], found["comment"]) == (name, "longer")
    await amtool("silence", "expire", name)
    assert await amtool.json("silence", "query") == []
    (found,) = await amtool.json("silence", "query", "--expired")
    assert found["id"] == name
    assert [each["labels"]["model"] for each in await amtool.json("alert", "query")] == ["churn"]
    unknown = "00000000-0000-7000-8000-000000000000"
    assert "getSilenceNotFound" in await amtool("silence", "update", "--comment=x", unknown, status=1)
    assert "must not fit an empty label" in await amtool("silence", "add", "a=~.*", "--comment=x", status=1)


@ON_ONE_DATABASE
async def test_amtool_reads_the_routes(amtool: Amtool) -> None:
    assert "hooks.example.com" not in await amtool("config", "show")
    tree = await amtool("config", "routes", "show")
    assert '{env=~"prod|live",team="fraud"}  continue: true  receiver: fraud' in tree
    for labels, receivers in [
        (["team=fraud", "env=prod"], "fraud"),
        (["severity=critical"], "on-call"),
        (["team=fraud", "env=live", "severity=critical"], "fraud,on-call"),
        (["severity=info"], "team"),
    ]:
        assert (await amtool("config", "routes", "test", *labels)).strip() == receivers
    assert "disabled" in await amtool("cluster", "show")
