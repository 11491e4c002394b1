"""`alertsvc thresholds test`: what it prints and how it exits."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

BANDS = """
defaults: {clear_after: 2, min_samples: 100}
metrics:
  accuracy: {warning: 0.85, critical: 0.80}
models:
  churn: {accuracy: {adaptive: ewma}}
"""


@pytest.fixture
def limits(tmp_path: Path) -> Path:
    """A file of thresholds."""
    file = tmp_path / "thresholds.yaml"
    file.write_text(BANDS)
    return file


def test_each_value_is_shown_with_what_it_comes_to_and_which_entry_decides(run: Run, limits: Path) -> None:
    tried = run("thresholds", "test", "fraud", "accuracy", "0.9", "0.84", "0.8", "0.9", "0.9", "--file", limits)
    assert tried.exit_code == 0
    assert tried.stdout == (
        "0.9   ok        -         metrics.accuracy.warning\n"
        "0.84  firing    warning   metrics.accuracy.warning\n"
        "0.8   firing    critical  metrics.accuracy.critical\n"
        "0.9   firing    critical  defaults.clear_after: 1 of 2 good values in a row: it fires until then\n"
        "0.9   resolved  -         metrics.accuracy.warning\n"
    )


def test_too_few_rows_show(run: Run, limits: Path) -> None:
    tried = run("thresholds", "test", "fraud", "accuracy", "0.1", "--rows", "9", "--file", limits)
    reason = "defaults.min_samples: 9 rows are fewer than the 100 that are needed"
    assert tried.stdout == f"0.1  recorded  -  {reason}\n"


def test_a_history_is_what_a_series_is_compared_with(run: Run, limits: Path, tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    days = [f"2026-02-{day:02}T09:00:00Z,{0.95 + day % 3 / 1000}" for day in range(20, 0, -1)]
    history.write_text("\n".join(["observed_at,value", *days]))
    asked = ("thresholds", "test", "churn", "accuracy", "0.951", "0.9", "--file", limits, "--json")
    alone, compared = (json.loads(run(*asked, *more).stdout) for more in ((), ("--history", history)))
    assert [(each["state"], each["decided_by"]) for each in alone] == [("ok", "thresholds.yaml")] * 2
    assert alone[1]["because"] == "warming up (1/15)"
    assert [(each["state"], each["decided_by"]) for each in compared] == [
        ("ok", "thresholds.yaml"),
        ("firing", "adaptive"),
    ]
    assert compared[1]["rule"] == "models.churn.accuracy.adaptive"


def test_a_stream_is_tried_after_a_history_that_it_learns_from(run: Run, tmp_path: Path) -> None:
    file, history = tmp_path / "streams.yaml", tmp_path / "history.csv"
    file.write_text("metrics: {queue_length: {adaptive: stream, clear_after: 2}}")
    history.write_text("\n".join(["value", *(str(10 + each % 2) for each in range(160))]))
    values = ["831.2", "830", *["10", "11"] * 6]
    asked = ("thresholds", "test", "churn", "queue_length", *values, "--file", file, "--json")
    alone, compared = (json.loads(run(*asked, *more).stdout) for more in ((), ("--history", history)))
    assert {(each["state"], each["decided_by"]) for each in alone} == {("recorded", "adaptive")}
    assert alone[1]["because"] == "warming up (1/150)"
    assert [each["state"] for each in compared[:3]] == ["firing"] * 3
    assert [each["state"] for each in compared[-3:]] == ["ok"] * 3
    assert [each["state"] for each in compared].count("resolved") == 1
    assert (compared[0]["rule"], compared[0]["because"]) == (
        "metrics.queue_length.adaptive",
        "new: 831.2; the last 160 values were 10 to 11",
    )


@pytest.mark.parametrize(("expected", "exit_code"), [("firing", 0), ("ok", 1)])
def test_the_last_value_may_be_expected_to_come_to_something(
    run: Run, limits: Path, expected: str, exit_code: int
) -> None:
    tried = run("thresholds", "test", "m", "accuracy", "0.9", "0.8", "--file", limits, "--expect", expected)
    assert tried.exit_code == exit_code
    assert ("expected ok, got firing" in tried.stderr) == bool(exit_code)


def test_without_a_file_those_of_the_configuration_are_tried(run: Run, limits: Path) -> None:
    config = limits.with_name("alertsvc.yaml")
    config.write_text("route: {receiver: a}\nreceivers: [{name: a}]\nthresholds_file: thresholds.yaml\n")
    tried = run("thresholds", "test", "m", "accuracy", "0.8", "--config", config)
    assert (tried.exit_code, tried.stdout) == (0, "0.8  firing  critical  metrics.accuracy.critical\n")


@pytest.mark.parametrize(
    ("history", "message"),
    [
        pytest.param("a,b\n1,2\n", ":1:1: the first line must name the columns", id="no-columns"),
        pytest.param("value\nhigh\n", ":2:1: a number is needed, got 'high'", id="no-number"),
        pytest.param(
            "value,observed_at\n1,soon\n", ":2:1: a time such as 2026-03-02T09:00:00Z is needed", id="no-time"
        ),
    ],
)
def test_mistakes_of_a_history_are_told_with_their_place(
    run: Run, limits: Path, tmp_path: Path, history: str, message: str
) -> None:
    file = tmp_path / "history.csv"
    file.write_text(history)
    tried = run("thresholds", "test", "m", "accuracy", "1", "--file", limits, "--history", file)
    assert tried.exit_code == 3
    assert f"{file}{message}" in tried.stderr


def test_mistakes_of_the_thresholds_are_those_of_the_configuration(run: Run, limits: Path) -> None:
    limits.write_text("metrics: {psi: {waning: 1}}")
    config = limits.with_name("alertsvc.yaml")
    config.write_text("route: {receiver: a}\nreceivers: [{name: a}]\nthresholds_file: thresholds.yaml\n")
    slip = f"{limits}:1:17: metrics.psi.waning: unknown key 'waning'; did you mean 'warning'?"
    for asked in (("check-config", config), ("thresholds", "test", "m", "psi", "1", "--file", limits)):
        told = run(*asked)
        assert told.exit_code == 3
        assert slip in told.stderr
