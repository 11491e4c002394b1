"""`alertsvc routes`: what it prints and how it exits, beside amtool where amtool can be asked the same."""

import json
import random
import re
import subprocess

import pytest
import yaml
from click.testing import CliRunner

from alertsvc.cli import main
from alertsvc.settings.routing import RouteNode
from tests.programs import binary

CONFIGURATION = """
severities: {warning: {deliver: digest}}
correlate: [{name: model, matchers: ['model!=""'], by: [model]}]
route:
  receiver: ml
  routes:
    - {name: audit, matchers: ['audit="yes"'], receiver: audit, continue: true}
    - name: fraud
      matchers: ['team="fraud"', 'env=~"prod|live"']
      receiver: fraud
      deliver: {warning: immediate}
      group_wait: 30s
    - {matchers: ['team!="sales"'], receiver: late}
receivers:
  - {name: ml, console_configs: [{}]}
  - {name: audit, console_configs: [{}]}
  - {name: fraud, console_configs: [{}]}
  - {name: late, console_configs: [{}]}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "alertsvc.yaml"
    path.write_text(CONFIGURATION)
    return path


def run(*arguments):
    return CliRunner().invoke(main, ["routes", *map(str, arguments)])


def amtool(*arguments):
    said = subprocess.run(
        [binary("amtool"), "config", "routes", *arguments], capture_output=True, text=True, check=False, timeout=20
    )
    return said.stdout, said.returncode


# Showing


def test_show_draws_the_tree_with_what_each_route_says_of_its_own(config):
    lines = run("show", "-c", config).stdout.splitlines()
    assert lines[:2] == ["Routing tree:", "."]
    assert lines[2].startswith("└── default-route  receiver: ml  deliver: critical=immediate,error=immediate,")
    assert "repeat_interval: 4h" in lines[2]
    assert lines[3:] == [
        '    ├── {audit="yes"}  continue: true  receiver: audit  name: audit',
        '    ├── {env=~"prod|live",team="fraud"}  receiver: fraud  name: fraud  deliver: warning=immediate'
        "  group_wait: 30s",
        '    └── {team!="sales"}  receiver: late',
    ]


EVERYTHING = """
digests: [{name: hourly, every: 1h}, {name: late, every: 2h}]
time_intervals:
  - {name: nights, time_intervals: []}
  - {name: lunch, time_intervals: []}
  - {name: work, time_intervals: []}
route:
  receiver: ml
  routes:
    - name: fraud
      matchers: ['team="fraud"']
      continue: true
      receiver: fraud
      deliver: {info: digest}
      digest: late
      group_by: [team]
      group_wait: 30s
      group_interval: 1m
      repeat_interval: 2h
      mute_time_intervals: [nights, lunch]
      active_time_intervals: [work]
      routes: [{matchers: ['a="b"']}]
receivers: [{name: ml, console_configs: [{}]}, {name: fraud, console_configs: [{}]}]
"""


def test_show_names_every_option_that_a_route_sets_and_none_that_it_inherits(tmp_path):
    path = tmp_path / "alertsvc.yaml"
    path.write_text(EVERYTHING)
    *_, fraud, below = run("show", "-c", path).stdout.splitlines()
    assert fraud == (
        '    └── {team="fraud"}  continue: true  receiver: fraud  name: fraud  deliver: info=digest  digest: late'
        "  group_by: [team]  group_wait: 30s  group_interval: 1m  repeat_interval: 2h"
        "  mute_time_intervals: [nights, lunch]  active_time_intervals: [work]"
    )
    assert below == '        └── {a="b"}  receiver: fraud'
    told_otherwise = {"matchers", "match", "match_re", "routes", "escalate"}  # the latter is refused for now
    shown = {field.alias or name for name, field in RouteNode.model_fields.items()} - told_otherwise
    assert {name for name in shown if f"  {name}: " not in fraud} == set()


def tree(chance, names, depth=0):
    matchers = [
        chance.choice(('{}="a"', '{}!="b"', '{}=~"a|b"', '{}!~".+"', r'{}="a\"b"')).format(chance.choice("xyz"))
        for _ in range(chance.randint(0, 3) if depth else 0)
    ]
    below = [tree(chance, names, depth + 1) for _ in range(chance.randint(0, 3) if depth < 3 else 0)]
    route = {"receiver": chance.choice(names), "matchers": matchers, "routes": below}
    return route | ({"continue": True} if depth and chance.random() < 0.4 else {})


@pytest.mark.parametrize("seed", range(8))
def test_show_draws_the_tree_that_amtool_draws(seed, tmp_path):
    chance = random.Random(seed)
    path = tmp_path / "alertmanager.yml"
    receivers = [{"name": name} for name in ("one", "two words", "three")]
    path.write_text(
        yaml.safe_dump({"route": tree(chance, [each["name"] for each in receivers]), "receivers": receivers})
    )
    theirs, _ = amtool("show", f"--config.file={path}")
    ours = run("show", "-c", path).stdout
    without_our_own = re.sub(r"  deliver: .*", "", ours)  # only the root says more
    assert without_our_own.rstrip() == theirs.replace("\N{NO-BREAK SPACE}", " ").rstrip()


# Trying one alert


@pytest.mark.parametrize(
    ("arguments", "receivers"),
    [
        pytest.param([], "late", id="no-labels"),
        pytest.param(["team=sales"], "ml", id="nobody-else"),
        pytest.param(["team=fraud", "env=prod"], "fraud", id="several-labels"),
        pytest.param(['team="fraud"', "env=live", "audit=yes"], "audit,fraud", id="several-receivers-in-order"),
        pytest.param(["team=sales", "team=fraud", "env=prod"], "fraud", id="the-last-of-a-name-counts"),
        pytest.param(["team=a,b"], "late", id="a-comma-in-a-value"),
    ],
)
def test_the_first_line_is_what_amtool_prints(arguments, receivers, config, tmp_path):
    result = run("test", *arguments, "-c", config)
    assert (result.stdout, result.exit_code) == (f"{receivers}\n", 0)
    theirs = yaml.safe_load(CONFIGURATION)
    foreign = tmp_path / "alertmanager.yml"
    for route in theirs["route"]["routes"]:
        route.pop("name", None)
        route.pop("deliver", None)
    names = [{"name": each["name"]} for each in theirs["receivers"]]
    foreign.write_text(yaml.safe_dump({"route": theirs["route"], "receivers": names}))
    assert amtool("test", f"--config.file={foreign}", *arguments) == (result.stdout, 0)


@pytest.mark.parametrize(
    ("expected", "code", "said"),
    [
        pytest.param("audit,fraud", 0, "", id="as-expected"),
        pytest.param("audit, fraud", 0, "", id="spaces-do-not-matter"),
        pytest.param("fraud,audit", 1, "expected fraud,audit, got audit,fraud; the order differs\n", id="order"),
        pytest.param("audit", 1, "expected audit, got audit,fraud\n", id="too-few"),
        pytest.param("", 0, "", id="nothing-is-expected"),
        pytest.param(
            "audit,fruad",
            1,
            "expected audit,fruad, got audit,fraud; there is no receiver 'fruad'; did you mean 'fraud'?\n",
            id="no-such-receiver",
        ),
    ],
)
@pytest.mark.parametrize("option", ["--verify-receivers", "--verify.receivers"])
def test_receivers_can_be_verified(option, expected, code, said, config):
    result = run("test", "audit=yes", "team=fraud", "env=prod", option, expected, "-c", config)
    assert (result.stdout, result.stderr, result.exit_code) == ("audit,fraud\n", said, code)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["team"], "a label such as team=fraud is needed, got 'team'", id="no-label"),
        pytest.param(["team=a", "--at", "noon"], "such as 2026-03-02T09:00:00Z", id="no-instant"),
        pytest.param(["team=a", "--at", "2026-03-02T09:00:00"], "an instant with its zone is needed", id="no-zone"),
        pytest.param(["team=a", "--cases", "cases.yaml"], "--cases goes with neither", id="cases-and-labels"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, config):
    result = run("test", *arguments, "-c", config)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_broken_configuration_is_told(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("route: {receiver: nobody}\nreceivers: [{name: a}]\n")
    result = run("test", "-c", path)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "there is no receiver 'nobody'" in result.stderr


# Why


def test_explain_says_why_of_each_route(config):
    labels = ["team=fraud", "env=prod", "model=churn"]
    assert (
        run("test", *labels, "--explain", "-c", config).stdout
        == """\
fraud

labels: team="fraud" env="prod" model="churn"
severity: warning
incident: model="churn" (rule model: by model)

root  fits
├── root/audit  does not fit: audit="yes", and there is no label audit
├── root/fraud  takes it, receiver fraud; it does not continue, so the search ends here
└── root/routes[2]  not looked at: root/fraud took it and does not continue

fraud (root/fraud)
  warning: at once
  destinations: DESTINATION
  timing: group_wait 30s, group_interval 5m, repeat_interval 4h
""".replace("DESTINATION", destination(config, "fraud"))
    )


def destination(config, receiver):
    (taking,) = json.loads(run("test", "team=fraud", "env=prod", "--json", "-c", config).stdout)["taken"]
    assert taking["receiver"] == receiver
    return taking["destinations"][0]


def test_explain_names_the_value_that_does_not_fit(config):
    said = run("test", "team=sales", "severity=info", "--explain", "-c", config).stdout
    assert 'root/fraud  does not fit: team="fraud", and it is "sales"' in said
    assert "root  takes it, receiver ml" in said
    assert "info: not sent, kept in the history" in said


def test_the_reasoning_as_json(config):
    at = "2026-03-02T09:00:00Z"
    found = json.loads(run("test", "team=fraud", "env=test", "--json", "--at", at, "-c", config).stdout)
    assert (found["receivers"], found["severity"], found["at"], found["mutes"]) == (["late"], "warning", at, [])
    assert found["labels"] == {"team": "fraud", "env": "test"}
    assert found["tree"]["standing"] == "leads"
    assert [(each["route"], each["standing"]) for each in found["tree"]["routes"]] == [
        ("root/audit", "fails"),
        ("root/fraud", "fails"),
        ("root/routes[2]", "takes"),
    ]
    assert found["tree"]["routes"][1]["misfit"] == {"matcher": 'env=~"prod|live"', "label": "env", "found": "test"}
    (taking,) = found["taken"]
    assert (taking["deliver"], taking["digest"], taking["repeat_interval_seconds"]) == ("digest", "hourly", 14400)
    assert taking["deliver_by_severity"]["critical"] == "immediate"


# At an instant

BY_NIGHT = (
    CONFIGURATION.replace("group_wait: 30s", "group_wait: 30s\n      mute_time_intervals: [nights]")
    + """
time_intervals:
  - name: nights
    time_intervals: [{times: [{start_time: "22:00", end_time: "24:00"}, {start_time: "00:00", end_time: "06:00"}]}]
"""
)


@pytest.mark.parametrize(
    ("at", "labels", "expected"),
    [
        pytest.param("12:00", [], ("now", "opened", "2026-03-02T12:00:00Z"), id="critical-at-once"),
        pytest.param("12:00", ["severity=error"], ("later", "opened", "2026-03-02T12:00:30Z"), id="group-wait"),
        pytest.param("23:00", [], ("muted", "opened", None), id="muted-by-the-clock"),
        pytest.param(
            "12:00", ["team=x", "severity=warning"], ("digest", "opened", "2026-03-02T13:00:00Z"), id="digest"
        ),
        pytest.param("23:00", ["team=x", "severity=info"], ("not told", "opened", None), id="never"),
    ],
)
def test_at_an_instant_it_is_said_who_is_told_when(at, labels, expected, config):
    config.write_text(BY_NIGHT)
    given = ["team=fraud", "env=prod", "severity=critical", *labels, "--at", f"2026-03-02T{at}:00Z", "-c", config]
    (outcome,) = json.loads(run("test", *given, "--json").stdout)["outcomes"]
    assert (outcome["way"], outcome["reason"], outcome["due_at"]) == expected


def test_what_mutes_at_an_instant_is_told_with_its_end(config):
    config.write_text(BY_NIGHT)
    given = ["test", "team=fraud", "env=prod", "severity=critical", "--explain", "-c", config]
    lines = run(*given, "--at", "2026-03-02T23:00:00+01:00").stdout.splitlines()
    name = destination(config, "fraud")
    assert lines[5:8] == [
        "if it begins to fire at 2026-03-02 22:00:00 UTC:",
        f"  {name}: muted (opened): muted by the time interval nights",
        "muted: muted by the time interval nights, until 2026-03-03 06:00:00 UTC",
    ]
    assert lines[-2:] == ["  muted during: nights", "  muted now: muted by the time interval nights"]
    without = run(*given).stdout
    assert "muted during: nights" in without
    assert "muted now" not in without


def test_an_instant_alone_is_told_below_the_receivers(config):
    config.write_text(BY_NIGHT)
    given = ["test", "team=fraud", "env=prod", "severity=critical", "-c", config]
    name = destination(config, "fraud")
    assert run(*given, "--at", "2026-03-02T22:00:00Z").stdout.splitlines() == [
        "fraud",
        "if it begins to fire at 2026-03-02 22:00:00 UTC:",
        f"  {name}: muted (opened): muted by the time interval nights",
        "muted: muted by the time interval nights, until 2026-03-03 06:00:00 UTC",
    ]
    assert run(*given).stdout == "fraud\n"


# Many cases

CASES = """
- {labels: {team: fraud, env: prod}, receivers: [fraud]}
- name: auditors see it too
  labels: {audit: "yes", team: sales}
  receivers: [audit]
"""


def test_cases_that_hold_are_counted(config, tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(CASES)
    result = run("test", "--cases", path, "-c", config)
    assert (result.stdout, result.stderr, result.exit_code) == ("2 cases: OK\n", "", 0)


def test_a_case_that_does_not_hold_is_named_with_the_difference(config, tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(CASES.replace("[audit]", "[audit, ml]").replace("[fraud]", "[ml]"))
    result = run("test", "--cases", path, "-c", config)
    assert (result.stdout, result.exit_code) == ("2 of 2 cases failed\n", 1)
    assert result.stderr.splitlines() == [
        f"{path}:2: case 1: expected ml, got fraud",
        f"{path}:3: case 'auditors see it too': expected audit,ml, got audit",
    ]
    as_json = run("test", "--cases", path, "--json", "-c", config)
    assert as_json.exit_code == 1
    assert [(each["case"], each["ok"], each["receivers"]) for each in json.loads(as_json.stdout)] == [
        (1, False, ["fraud"]),
        ("auditors see it too", False, ["audit"]),
    ]


def test_mistakes_in_the_cases_are_told(config, tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text("- {labels: {}}\n")
    result = run("test", "--cases", path, "-c", config)
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"{path}:1:3: [0]: 'receivers' is missing" in result.stderr
