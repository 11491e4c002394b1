"""The files for Prometheus and Alertmanager that people copy, in the real programs."""

import subprocess
from pathlib import Path

import pytest

from alertsvc.resources import data_dir
from tests.programs import alertmanager, alertsvc, asked, binary, eventually

CONFIG = data_dir("config")
RULES = CONFIG / "prometheus" / "models.yaml"
TESTS_OF_RULES = CONFIG / "prometheus" / "models.test.yaml"
ALERTMANAGER = CONFIG / "alertmanager" / "alertmanager.yml"
ADDRESS = "http://127.0.0.1:8080"


def said(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_promtool_takes_the_rules() -> None:
    code, text = said(binary("promtool"), "check", "rules", RULES)
    assert code == 0, text
    assert "7 rules found" in text


def test_each_rule_fires_and_ends_when_it_should() -> None:
    code, text = said(binary("promtool"), "test", "rules", TESTS_OF_RULES)
    assert code == 0, text


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        pytest.param("model_accuracy < 0.85", "model_accuracy < 0.75", id="accuracy"),
        pytest.param("data_drift_score > 0.3", "data_drift_score > 0.5", id="drift"),
        pytest.param("model_accuracy != model_accuracy", "model_accuracy > 2", id="accuracy-that-is-no-number"),
        pytest.param("data_drift_score != data_drift_score", "data_drift_score > 2", id="drift-that-is-no-number"),
        pytest.param("absent_over_time(model_accuracy[1d])", "model_accuracy > 2", id="no-accuracy-at-all"),
        pytest.param("absent_over_time(data_drift_score[1d])", "data_drift_score > 2", id="no-drift-at-all"),
        pytest.param(
            "[1d])) unless max by (model, environment) (", "[1m])) unless max by (model, environment) (", id="gone"
        ),
    ],
)
def test_the_tests_of_the_rules_notice_a_change(rule: str, changed: str, tmp_path: Path) -> None:
    text = RULES.read_text()
    assert rule in text
    (tmp_path / RULES.name).write_text(text.replace(rule, changed))
    (tmp_path / TESTS_OF_RULES.name).write_text(TESTS_OF_RULES.read_text())
    code, text = said(binary("promtool"), "test", "rules", tmp_path / TESTS_OF_RULES.name)
    assert code == 1, text


def test_amtool_takes_the_alertmanager_file() -> None:
    code, text = said(binary("amtool"), "check-config", ALERTMANAGER)
    assert code == 0, text
    assert "2 receivers" in text


@pytest.mark.parametrize(
    ("label", "receiver"), [("alertname=Watchdog", "watchdog"), ("alertname=DataDriftDetected", "alertsvc")]
)
def test_the_watchdog_has_a_way_of_its_own(label: str, receiver: str) -> None:
    code, text = said(binary("amtool"), "config", "routes", "test", f"--config.file={ALERTMANAGER}", label)
    assert (code, text.splitlines()[0]) == (0, receiver)


async def test_alertmanager_brings_alertsvc_all_alerts_of_a_model_and_they_are_one_incident(tmp_path: Path) -> None:
    config = tmp_path / "alertsvc.yaml"
    config.write_text((CONFIG / "alertsvc.yaml").read_text())
    drift = {"alertname": "DataDriftDetected", "model": "churn", "environment": "production", "severity": "critical"}
    accuracy = {**drift, "alertname": "ModelAccuracyDrop", "severity": "warning"}
    sent = [{**drift, "feature": each} for each in ("age", "plan")] + [accuracy, {"alertname": "Watchdog"}]
    async with alertsvc(config, database=f"sqlite:///{tmp_path / 'alertsvc.db'}") as service:
        shipped = ALERTMANAGER.read_text()
        assert ADDRESS in shipped
        async with alertmanager(tmp_path / "alertmanager", shipped.replace(ADDRESS, service.url)) as sender:
            await asked("POST", f"{sender.url}/api/v2/alerts", [{"labels": labels} for labels in sent])

            async def alert_counts() -> list[int]:
                counts = []
                for each in (await asked("GET", f"{service.url}/api/v1/incidents")).json()["items"]:
                    alerts = await asked("GET", f"{service.url}/api/v1/incidents/{each['number']}/alerts")
                    counts.append(len(alerts.json()["items"]))
                return sorted(counts) if sum(counts) == len(sent) else []

            assert await eventually(alert_counts) == [1, 3]
