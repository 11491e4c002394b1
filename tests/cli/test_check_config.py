"""`check-config` reports every mistake of every file, for people and for machines."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Run
from tests.programs import ROOT

TWO_MISTAKES = """
route: {receiver: team, digest: weekly}
receivers:
  - name: team
    slack_configs: [{api_url: "https://hooks.slack.com/services/CANARY", chann: x}]
"""
Write = Callable[..., Path]


def test_a_good_file_is_said_to_be_good(run: Run, write: Write) -> None:
    file = write()
    checked = run("check-config", file)
    assert (checked.exit_code, checked.stdout, checked.stderr) == (0, f"{file}: OK\n", "")


def test_every_mistake_is_shown_with_its_place_and_no_secret(run: Run, write: Write) -> None:
    file = write(TWO_MISTAKES)
    checked = run("check-config", file)
    assert (checked.exit_code, checked.stdout) == (3, "")
    assert f"{file}:2:33: route.digest: there is no digest 'weekly'" in checked.stderr
    assert f"{file}:5:" in checked.stderr
    assert "did you mean 'channel'" in checked.stderr
    assert "CANARY" not in checked.stderr


def test_a_good_file_beside_a_bad_one_is_still_said_to_be_good(run: Run, write: Write) -> None:
    good, bad, worse = write(), write(TWO_MISTAKES, "bad.yaml"), write("route: [", "worse.yaml")
    checked = run("check-config", bad, good, worse)
    assert (checked.exit_code, checked.stdout) == (3, f"{good}: OK\n")
    assert f"{bad}:" in checked.stderr
    assert f"{worse}:" in checked.stderr


def test_machines_get_the_mistakes_of_all_files_as_one_list(run: Run, write: Write) -> None:
    good, bad, worse = write(), write(TWO_MISTAKES, "bad.yaml"), write("route: [", "worse.yaml")
    checked = run("check-config", "--json", good, bad, worse)
    problems = json.loads(checked.stdout)
    assert (checked.exit_code, checked.stderr) == (3, "")
    assert [problem["file"] for problem in problems] == [str(bad), str(bad), str(worse)]
    assert problems[0] == {
        "file": str(bad),
        "line": 2,
        "column": 33,
        "path": "route.digest",
        "message": problems[0]["message"],
        "level": "error",
    }
    assert "CANARY" not in checked.stdout


def test_machines_get_an_empty_list_when_all_is_well(run: Run, write: Write) -> None:
    checked = run("check-config", "--json", write())
    assert (checked.exit_code, json.loads(checked.stdout)) == (0, [])


def test_a_file_that_is_not_there_is_a_mistake(run: Run, tmp_path: Path) -> None:
    checked = run("check-config", tmp_path / "none.yaml")
    assert checked.exit_code == 3
    assert "none.yaml" in checked.stderr


def test_without_a_name_the_file_that_serve_would_use_is_meant(run: Run, write: Write, tmp_path: Path) -> None:
    assert run("check-config").stdout == f"{ROOT / 'config' / 'alertsvc.yaml'}: OK\n"
    write()
    assert run("check-config", folder=tmp_path).stdout == "alertsvc.yaml: OK\n"
    other = write(name="other.yaml")
    by_variable = run("check-config", folder=tmp_path, environment={"ALERTSVC_CONFIG": str(other)})
    assert by_variable.stdout == f"{other}: OK\n"
