"""The main job with everything real but the three providers whose servers cannot be reached: Prometheus evaluates the
rules over an exporter, Alertmanager delivers, mail goes through a real SMTP server, and people acknowledge by REST."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from tests.fakes.pagerduty import PagerDuty
from tests.fakes.provider import Answer, Asked, Mood, Provider
from tests.fakes.slack import Slack
from tests.fakes.teams import Teams
from tests.programs import Program, alertmanager, alertsvc, ask, asked, eventually, free_port, prometheus
from tests.smtp_server import Behaviour, SmtpServer

KEY = "0123456789abcdef0123456789abcdef"

RULES = """
groups:
  - name: ml
    rules:
      - alert: ModelAccuracyDrop
        expr: model_accuracy < 0.85
        for: 1s
        labels: {severity: warning}
        annotations:
          summary: "Model accuracy dropped below 85%"
          description: "Model {{ $labels.model }} has accuracy {{ $value | humanizePercentage }}"
      - alert: DataDriftDetected
        expr: data_drift_score > 0.3
        for: 1s
        labels: {severity: critical}
        annotations:
          summary: "Data drift detected on feature {{ $labels.feature }}"
"""


def configuration(slack: Slack, teams: Teams, pagerduty: PagerDuty, smarthost: str) -> str:
    """The service's file: critical at once to four channels, warnings in a digest every few seconds."""
    return f"""
global:
  smtp_smarthost: {smarthost}
  smtp_from: alerts@example.com
  smtp_require_tls: false
  pagerduty_url: {pagerduty.url}/v2/enqueue
storm: {{messages: 0, pages: 0}}
correlate:
  - {{name: model, matchers: ['model!=""'], by: [model, alertname]}}
digests:
  - {{name: quick, every: 6s}}
route:
  receiver: team
  group_interval: 1s
  repeat_interval: 4s
  digest: quick
receivers:
  - name: team
    slack_configs: [{{api_url: "{slack.hook_url}"}}]
    msteamsv2_configs: [{{webhook_url: "{teams.hook_url}"}}]
    pagerduty_configs: [{{routing_key: "{KEY}"}}]
    email_configs: [{{to: ml@example.com}}]
"""


def alertmanager_yml(service: str) -> str:
    return f"""
route: {{receiver: alertsvc, group_by: [alertname, model], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: alertsvc
    webhook_configs: [{{url: "{service}/api/v1/hooks/alertmanager"}}]
"""


def prometheus_yml(alertmanager_port: str, exporter_port: int) -> str:
    return f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alertmanager_port}"]}}]}}]}}
scrape_configs: [{{job_name: ml-monitor, static_configs: [{{targets: ["127.0.0.1:{exporter_port}"]}}]}}]
"""


class Gate(Provider):
    """Stands before the service, and answers 503 while it is shut."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.shut = False
        self.refused = 0
        self._target = target

    def answer(self, asked_for: Asked) -> Answer:
        """See `Provider`."""
        if self.shut:
            self.refused += 1
            return Answer(503, b"shut")
        reply = ask(asked_for.method, self._target + asked_for.path, asked_for.body)
        return Answer(reply.status, reply.body)


@dataclass
class Stage:
    """Everything that plays along."""

    service: Program
    gate: Gate
    accuracy: Gauge
    drift: Gauge
    slack: Slack
    teams: Teams
    pagerduty: PagerDuty
    mail: SmtpServer

    def mails(self, word: str) -> list[Any]:
        """The mails whose subject has `word`."""
        return [each for each in self.mail.received() if word in str(each.parsed()["Subject"])]

    def has_arrived_everywhere(self, *words: str) -> bool:
        """Whether Slack, Teams and a mail each have a message with all these words."""
        mails = (str(each.parsed()) for each in self.mail.received())
        listed = ((str(each.content) for each in self.slack.messages), map(str, self.teams.cards), mails)
        return all(any(all(word in text for word in words) for text in texts) for texts in listed)

    async def incidents(self, query: str = "") -> list[Any]:
        """What the API lists."""
        return list((await asked("GET", f"{self.service.url}/api/v1/incidents{query}")).json()["items"])


@pytest.fixture
async def stage(tmp_path: Path, empty_database_url: str) -> AsyncIterator[Stage]:
    registry = CollectorRegistry()
    accuracy = Gauge("model_accuracy", "Share of right answers", ["model"], registry=registry)
    drift = Gauge("data_drift_score", "Drift", ["model", "feature"], registry=registry)
    accuracy.labels("churn").set(0.95)
    drift.labels("churn", "age").set(0.1)
    exporter_port = free_port()
    exporter, thread = start_http_server(exporter_port, "127.0.0.1", registry)
    async with AsyncExitStack() as stack:
        slack, teams, pagerduty = Slack(), Teams(), PagerDuty()
        for provider in (slack, teams, pagerduty):
            await stack.enter_async_context(provider)
        mail = stack.enter_context(SmtpServer(tmp_path / "mail", Behaviour()))
        config = tmp_path / "alertsvc.yaml"
        config.write_text(configuration(slack, teams, pagerduty, mail.smarthost))
        service = await stack.enter_async_context(alertsvc(config, database=empty_database_url))
        gate = Gate(service.url)
        await stack.enter_async_context(gate)
        manager = await stack.enter_async_context(alertmanager(tmp_path / "am", alertmanager_yml(gate.url)))
        target = manager.url.removeprefix("http://")
        await stack.enter_async_context(prometheus(tmp_path / "prom", prometheus_yml(target, exporter_port), RULES))
        yield Stage(service, gate, accuracy, drift, slack, teams, pagerduty, mail)
        assert slack.faults == teams.faults == pagerduty.faults == []
    exporter.shutdown()
    exporter.server_close()
    thread.join()


async def test_from_a_bad_metric_to_people_and_back(stage: Stage) -> None:
    stage.drift.labels("churn", "age").set(0.6)
    await eventually(
        lambda: stage.slack.messages and stage.teams.cards and stage.pagerduty.alerts and stage.mails("Drift")
    )
    (alert,) = stage.pagerduty.alerts
    assert "DataDriftDetected" in alert.summary

    stage.accuracy.labels("churn").set(0.70)
    await eventually(lambda: any("ModelAccuracyDrop" in str(each.content) for each in stage.slack.messages))
    (warning,) = await stage.incidents("?severity=warning")
    await eventually(lambda: stage.mails("igest"))
    deliveries = (await asked("GET", f"{stage.service.url}/api/v1/incidents/{warning['number']}/deliveries")).json()
    assert all(each["digest_id"] for each in (await notifications(stage, warning)))
    assert deliveries["items"] == []

    (critical,) = await stage.incidents("?severity=critical")

    def of_the_critical() -> list[Any]:
        return [each for each in stage.slack.messages if "DataDriftDetected" in str(each.content)]

    await eventually(lambda: len(of_the_critical()) >= 2)  # it is repeated
    reply = await asked("POST", f"{stage.service.url}/api/v1/incidents/{critical['number']}/acknowledge", {"by": "ann"})
    assert (reply.status, reply.json()["acknowledged_by"]) == (200, "ann")
    await eventually(lambda: alert.state == "acknowledged")
    told = len(of_the_critical())
    await asyncio.sleep(6)
    assert len(of_the_critical()) == told

    stage.drift.labels("churn", "age").set(0.1)
    stage.accuracy.labels("churn").set(0.95)
    await eventually(lambda: alert.state == "resolved")

    async def all_resolved() -> bool:
        return not await stage.incidents("?status=open")

    await eventually(all_resolved)
    await eventually(lambda: stage.has_arrived_everywhere("DataDriftDetected", "Resolved"))
    await eventually(lambda: stage.has_arrived_everywhere("ModelAccuracyDrop", "esolved", "igest"))
    assert stage.pagerduty.pages == 1
    assert stage.pagerduty.dropped == []
    history = (await asked("GET", f"{stage.service.url}/api/v1/incidents/{critical['number']}/history")).json()
    kinds = [line["kind"] for line in history["items"]]
    assert [kind for kind in kinds if kind in {"opened", "acknowledged", "resolved"}] == [
        "opened",
        "acknowledged",
        "resolved",
    ]


async def notifications(stage: Stage, incident: Any) -> list[Any]:
    url = f"{stage.service.url}/api/v1/incidents/{incident['number']}/notifications"
    return list((await asked("GET", url)).json()["items"])


ON_ONE_DATABASE = pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
"""What happens before or behind the service is the same on both."""


@ON_ONE_DATABASE
async def test_a_slack_outage_delays_only_slack(stage: Stage) -> None:
    stage.slack.mood = Mood.ERROR
    stage.drift.labels("churn", "age").set(0.6)
    await eventually(lambda: stage.pagerduty.alerts and stage.teams.cards)
    assert stage.slack.messages == []
    stage.slack.mood = Mood.NORMAL
    await eventually(lambda: stage.slack.messages)


@ON_ONE_DATABASE
async def test_three_seconds_of_503_lose_nothing_and_double_nothing(stage: Stage) -> None:
    stage.gate.shut = True
    stage.drift.labels("churn", "age").set(0.6)
    await eventually(lambda: stage.gate.refused)
    await asyncio.sleep(3)
    assert stage.pagerduty.alerts == []
    stage.gate.shut = False
    await eventually(lambda: stage.pagerduty.alerts and stage.slack.messages)
    await asyncio.sleep(2)
    assert stage.pagerduty.pages == 1
    await eventually(lambda: stage.teams.cards and stage.mails("Drift"))
    for told in (stage.slack.messages, stage.teams.cards, stage.mails("Drift")):
        assert len(told) == 1
    assert len(await stage.incidents()) == 1
