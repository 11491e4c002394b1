"""The recipes of config/recipes, called as the tools' documentation says that they call.

`python -m tests.recipes` runs those of Evidently, Great Expectations, scikit-learn and MLflow with the real tools.
"""

import importlib.util
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from alertsvc.client import AlertClient
from alertsvc.client.testing import FakeAlertsvc, fake_client
from tests.client.test_testing import DRIFTED

RECIPES = Path(__file__).parents[2] / "config" / "recipes"


def recipe(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"recipe_{name}", RECIPES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def faked() -> Iterator[tuple[AlertClient, FakeAlertsvc]]:
    with fake_client() as both:
        yield both


Faked = tuple[AlertClient, FakeAlertsvc]


def test_a_score_alerts_at_its_limit_and_ends_above_it(faked: Faked) -> None:
    client, fake = faked
    report_score = recipe("scikit_learn").report_score
    rows, states = [[0.0]] * 4, []
    for score in (0.95, 0.8, math.nan, 0.9):
        estimator = SimpleNamespace(score=lambda _x, _y, score=score: score)
        states.append(report_score(client, "churn", estimator, rows, rows, at_least=0.8).item.state)
    assert states == ["ok", "firing", "firing", "resolved"]
    assert fake.events[0]["window"] == {"n_current": 4}
    assert fake.open_incidents() == []


def test_an_airflow_task_alerts_when_it_fails_and_ends_with_its_next_success(faked: Faked) -> None:
    client, fake = faked
    callbacks = recipe("airflow_callback").alert_callbacks(model="churn", client=client)
    task = SimpleNamespace(dag_id="nightly", task_id="drift", log_url="https://airflow.example/log")
    context = {"task_instance": task, "ti": task, "run_id": "scheduled__2026-03-02", "exception": ValueError("no rows")}
    callbacks["on_failure_callback"](context)
    (incident,) = fake.open_incidents()
    assert (incident.severity, fake.events[0]["summary"]) == ("critical", "nightly.drift: ValueError: no rows")
    assert fake.events[0]["links"] == [{"url": "https://airflow.example/log"}]
    other = SimpleNamespace(dag_id="nightly", task_id="train", log_url=None)
    callbacks["on_success_callback"]({"task_instance": other, "run_id": "1"})
    assert len(fake.open_incidents()) == 1
    callbacks["on_success_callback"]({"task_instance": task, "run_id": "2"})
    assert fake.open_incidents() == []


def test_of_a_mapped_airflow_task_no_instance_ends_what_another_opened(faked: Faked) -> None:
    client, fake = faked
    callbacks = recipe("airflow_callback").alert_callbacks(model="churn", client=client)

    def instance(index: int) -> dict[str, Any]:
        task = SimpleNamespace(dag_id="nightly", task_id="drift", log_url=None, map_index=index)
        return {"task_instance": task, "run_id": "1"}

    callbacks["on_failure_callback"](instance(0))
    callbacks["on_success_callback"](instance(1))
    assert len(fake.open_incidents()) == 1
    callbacks["on_success_callback"](instance(0))
    assert fake.open_incidents() == []


@pytest.mark.parametrize("name", ["Failed", "Crashed"])
def test_a_prefect_flow_alerts_when_it_fails_and_ends_with_its_next_completed_run(faked: Faked, name: str) -> None:
    client, fake = faked
    tell = recipe("prefect_hook").hook(model="churn", client=client, severity="warning")
    flow, run = SimpleNamespace(name="nightly"), SimpleNamespace(id=7, name="tan-hare")
    tell(flow, run, SimpleNamespace(name=name, message="no rows", is_completed=lambda: False))
    (incident,) = fake.open_incidents()
    assert (incident.severity, fake.events[0]["summary"]) == ("warning", f"nightly: {name}: no rows")
    tell(flow, run, SimpleNamespace(name="Completed", message=None, is_completed=lambda: True))
    assert fake.open_incidents() == []


def test_a_report_of_evidently_is_sent_as_it_is(faked: Faked) -> None:
    client, fake = faked
    text = json.dumps(DRIFTED)
    snapshot = SimpleNamespace(json=lambda: text)
    assert recipe("evidently_report").send(client, snapshot, model="churn", split="feature").ok
    assert len(fake.open_incidents()) == 1
    ((tool, context, body),) = fake.reports
    assert (tool, body) == ("evidently", DRIFTED)
    assert context == {"model": "churn", "dataset": "daily", "split": "feature"}


def standing_in(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    """A module of a tool that is not installed here."""
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def test_an_action_of_great_expectations_sends_every_result_and_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeAlertsvc()
    standing_in(monkeypatch, "great_expectations")
    standing_in(monkeypatch, "great_expectations.checkpoint", ValidationAction=object)
    module = recipe("great_expectations_action")
    monkeypatch.setattr(module, "AlertClient", fake.client)
    action = module.AlertsvcAction()
    action.model = "churn"
    found = {"success": False, "results": [], "statistics": {"evaluated_expectations": 1}, "meta": {}}
    results = {"a": SimpleNamespace(to_json_dict=lambda: found)}
    checkpoint = SimpleNamespace(name="nightly", success=False, run_results=results)
    assert action.run(checkpoint) == {"ok": True, "error": ""}
    ((tool, context, body),) = fake.reports
    assert (tool, context) == ("great-expectations", {"model": "churn"})
    assert body == {"checkpoint": "nightly", "success": False, "results": [found]}
    fake.fail(401)
    assert action.run(checkpoint)["ok"] is False
    checkpoint.run_results = {"a": SimpleNamespace(to_json_dict=lambda: json.dumps(object()))}
    assert action.run(checkpoint)["error"].startswith("TypeError")


def test_a_webhook_of_mlflow_has_the_address_of_its_door(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def create_webhook(**fields: Any) -> Any:
        asked.update(fields)
        return SimpleNamespace(webhook_id="70d8")

    standing_in(monkeypatch, "mlflow", MlflowClient=object)
    connect = recipe("mlflow_webhook").connect
    client = SimpleNamespace(create_webhook=create_webhook)
    assert connect("https://alerts.example/", "secret", client) == "70d8"
    assert (asked["url"], asked["secret"]) == ("https://alerts.example/api/v1/hooks/mlflow", "secret")
    assert "model_version_alias.created" in asked["events"]
