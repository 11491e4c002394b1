"""`check-config` reports every mistake of every file, for people and for machines."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

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


PASTED = """
global:
  http_config: {proxy_url: "http://proxy.example:3128"}
route: {receiver: team}
receivers:
  - name: team
    slack_configs:
      - api_url: https://hooks.slack.com/services/CANARY
        actions: [{type: button, text: Runbook, url: "{{ .CommonAnnotations.runbook_url }}"}]
    webhook_configs:
      - url: https://hooks.example.com/CANARY
        http_config: {basic_auth: {username: a, password: CANARY}}
"""


def test_what_was_pasted_from_alertmanager_and_has_no_place_says_what_to_do(run: Run, write: Write) -> None:
    file = write(PASTED)
    checked = run("check-config", file)
    assert checked.exit_code == 3
    for place in ("3:3: global.http_config", "12:9: receivers[0].webhook_configs[0].http_config"):
        told = "channels here have no proxies, client certificates or credentials beside their own keys: leave it out"
        assert f"{file}:{place}: {told} (`alertsvc config import` takes over the rest" in checked.stderr
    assert "slack_configs[0].actions: this part of Alertmanager's own layout has no counterpart" in checked.stderr
    assert "leave it out; the links of the alerts (`runbook_url`" in checked.stderr
    assert "CANARY" not in checked.stderr


HOOKED = """
route: {{receiver: team}}
receivers:
  - name: team
    console_configs: [{{}}]
    webhook_configs:
      - url: https://hooks.example.com/x
      - {entry}
"""


@pytest.mark.parametrize(
    ("entry", "is_doubtful"),
    [
        pytest.param("{url: http://10.0.0.7/CANARY}", True, id="another-machine"),
        pytest.param("{url: http://hooks.example.com/CANARY}", True, id="by-name"),
        pytest.param("{url: http://10.0.0.7/x, hmac_secret: a-long-enough-secret}", False, id="signed"),
        pytest.param("{url: http://127.0.0.1:9/x}", False, id="this-machine"),
        pytest.param('{url: "http://[::1]:9/x"}', False, id="this-machine-by-its-other-address"),
        pytest.param("{url: http://localhost/x}", False, id="this-machine-by-name"),
        pytest.param("{url: https://10.0.0.7/x}", False, id="encrypted"),
        pytest.param("{url_env: HOOK}", False, id="unknown"),
    ],
)
def test_an_unsigned_webhook_in_the_clear_is_doubtful(run: Run, write: Write, entry: str, is_doubtful: bool) -> None:
    file = write(HOOKED.format(entry=entry))
    checked = run("check-config", file)
    assert (checked.exit_code, checked.stdout) == (0, f"{file}: OK\n")
    said = f"{file}:8:15: warning: receivers[0].webhook_configs[1].url: this goes over plain http to another machine"
    assert (said in checked.stderr) is is_doubtful
    assert bool(checked.stderr) is is_doubtful
    assert "CANARY" not in checked.stderr
