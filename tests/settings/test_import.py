"""Taking over Alertmanager's file: it decides the same, passes our own check, and names what did not come over."""

import random
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from alertsvc.channels import CHANNELS
from alertsvc.cli import main
from alertsvc.core.decide import correlation_for
from alertsvc.core.inhibition import inhibitors, sources_of
from alertsvc.core.model import Deliver, Reason
from alertsvc.core.mutes import timed_by
from alertsvc.settings import ConfigError, load_text
from alertsvc.settings.alertmanager import import_text
from tests.programs import binary
from tests.settings.test_amtool import asked
from tests.world import event

FILES = sorted((Path(__file__).parent / "alertmanager").glob("*.yml"))
SMALL = "route: {receiver: a}\nreceivers:\n  - name: a\n"


def taken(text):
    imported = import_text(text, "alertmanager.yml", CHANNELS)
    return load_text(imported.text, "alertsvc.yaml", CHANNELS), imported


def notes(text):
    return [note.headline for note in taken(text)[1].notes]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_alertmanagers_own_files_pass_our_check(path):
    text = path.read_text()
    loaded, imported = taken(text)
    assert set(loaded.rules.receivers) == set(re.findall(r"^\s*- name: ['\"]?([\w-]+)", text, re.MULTILINE))
    for note in imported.notes:
        assert note.line
        assert "not carried over" in note.message


@pytest.mark.parametrize("name", ["simple.yml", "conf.good.yml", "conf.routing.yml"])
def test_amtool_finds_the_same_receivers(name, tmp_path):
    (text,) = [path.read_text() for path in FILES if path.name == name]
    text = text.partition("\ntracing:")[0] + "\n"  # a section that Debian's amtool is too old for
    path = tmp_path / "alertmanager.yml"
    path.write_text(text)
    routing = taken(text)[0].rules.routing
    chance = random.Random(name)
    values = re.findall(r"[\w-]+", " ".join(re.findall(r'=~?\s*"?([^\'"\n]+)', text)))
    names = sorted(set(re.findall(r"(\w+)\s*=~?", text)))
    for _ in range(20):
        labels = {each: chance.choice(values) for each in names if chance.random() < 0.7}
        assert asked(path, labels) == [route.receiver for route in routing.routes_for(labels)], labels


def test_what_alertmanager_means_where_nothing_is_said_is_written_out():
    loaded, imported = taken(
        "global: {smtp_smarthost: 'a:25', smtp_from: a@example.com, slack_api_url: 'https://a.example/'}\n"
        + SMALL
        + "    email_configs: [{to: a@example.com}]\n    slack_configs: [{channel: '#a'}]\n"
        "    webhook_configs: [{url: 'https://b.example/'}]\n"
    )
    root = loaded.rules.root
    assert (root.timing.group_wait, root.timing.group_interval) == (timedelta(seconds=30), timedelta(minutes=5))
    assert root.timing.repeat_interval == timedelta(hours=4)
    assert set(root.deliver.values()) == {Deliver.IMMEDIATE}
    hears = {each.kind: Reason.RESOLVED in each.hears for each in loaded.rules.receivers["a"]}
    assert hears == {"email": False, "slack": False, "webhook": True}
    assert imported.notes == ()


@pytest.mark.parametrize(
    ("group_by", "same", "other"),
    [
        pytest.param("", ({"a": "1"}, {"a": "2"}), None, id="nothing-said-is-one-group"),
        pytest.param("group_by: [a]", ({"a": "1", "b": "1"}, {"a": "1", "b": "2"}), {"a": "2"}, id="by-a-label"),
        pytest.param("group_by: ['...']", ({"a": "1"}, {"a": "1"}), {"a": "1", "b": "2"}, id="by-all-labels"),
    ],
)
def test_one_group_of_alertmanagers_is_one_incident(group_by, same, other):
    rules = taken(SMALL.replace("receiver: a", f"receiver: a, {group_by}"))[0].rules

    first, second, third = (incident_of(rules, labels) for labels in (*same, other or {"model": "fraud"}))
    assert first == second
    assert (third == first) is (other is None)


def incident_of(rules, labels):
    """The correlation of an alert, decided as for one that comes in."""
    assert rules.correlate == ()
    return correlation_for(rules, event(**labels)).key


@pytest.mark.parametrize(
    ("text", "note"),
    [
        pytest.param(
            SMALL + "    discord_configs: [{webhook_url: 'https://CANARY'}]\n",
            "4:5: receivers[0].discord_configs: not carried over: there is no channel 'discord' here",
            id="a-kind-we-lack",
        ),
        pytest.param(
            SMALL + "    msteams_configs: [{webhook_url: 'https://CANARY'}]\n", "msteamsv2_configs", id="retired-teams"
        ),
        pytest.param(
            SMALL + "    webhook_configs:\n      - url: 'https://a.example/{{ .CANARY }}'\n",
            "5:14: receivers[0].webhook_configs[0].url: not carried over: a Go template",
            id="a-template-in-an-address",
        ),
        pytest.param(
            SMALL + "    webhook_configs: [{url: 'https://a.example/', http_config: {proxy_url: CANARY}}]\n",
            "4:51: receivers[0].webhook_configs[0].http_config: not carried over: channels here have no proxies",
            id="a-key-without-counterpart",
        ),
        pytest.param(
            "templates: ['*.tmpl']\n" + SMALL, "1:13: templates[0]: not carried over: a file of Go", id="templates"
        ),
        pytest.param("tracing: {endpoint: CANARY}\n" + SMALL, "1:1: tracing: not carried over", id="a-section"),
        pytest.param("nonsense: CANARY\n" + SMALL, "1:1: nonsense: not carried over: 'nonsense' has no", id="unknown"),
        pytest.param(
            SMALL.replace(
                "receiver: a",
                "receiver: a, group_by: [x], routes: [{continue: true, group_by: [y]}, {match: {b: '1'}}]",
            ),
            "1:47: route.routes[0].continue: it goes on here too, but the next routes group by other labels",
            id="groups-that-differ",
        ),
    ],
)
def test_what_does_not_come_over_is_named_with_its_place(text, note):
    (found,) = [each for each in notes(text) if note in each]
    assert found.startswith("alertmanager.yml:")
    assert "CANARY" not in "".join(notes(text))


def test_a_receiver_that_lost_a_channel_prints_and_says_why():
    loaded, imported = taken(SMALL + "    discord_configs: [{webhook_url: 'https://CANARY'}]\n")
    assert [each.kind for each in loaded.rules.receivers["a"]] == ["console"]
    assert "  # discord_configs is not carried over: there is no channel 'discord' here" in imported.text
    assert "CANARY" not in imported.text


def test_what_alertmanager_fills_in_by_itself_is_no_loss():
    text = SMALL + "    webhook_configs: [{url: 'https://a.example/'}]\n"
    slack = "    slack_configs: [{api_url: 'https://a.example/', title: '{{ template \"slack.default.title\" . }}'}]\n"
    assert notes(text + slack) == []


def test_old_words_and_numbers_mean_what_they_mean_there():
    text = SMALL.replace("receiver: a", "receiver: a, routes: [{match: {code: 0123, on: off}, continue: yes}]")
    loaded, imported = taken(text)
    (route,) = loaded.rules.root.routes
    assert (route.goes_on, [str(matcher) for matcher in route.matchers]) == (True, ['code="0123"', 'on="off"'])
    assert imported.notes == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("groups: []\n", id="rules-of-prometheus"),
        pytest.param("- a\n", id="a-list"),
        pytest.param("", id="empty"),
        pytest.param("route: [\n", id="no-yaml"),
        pytest.param("route: {receiver: b}\nreceivers: [{name: a}]\n", id="a-receiver-that-is-not-there"),
        pytest.param("route: {}\nreceivers: [{name: a}]\n", id="a-root-without-a-receiver"),
        pytest.param("route: {receiver: a}\nreceivers: [{name: a}, {name: a}]\n", id="a-name-twice"),
    ],
)
def test_what_alertmanager_would_not_start_with_is_refused(text):
    with pytest.raises(ConfigError):
        import_text(text, "alertmanager.yml", CHANNELS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(SMALL, 0, id="all-came-over"),
        pytest.param(SMALL + "    sns_configs: [{}]\n", 1, id="not-all"),
        pytest.param("groups: []\n", 3, id="another-file"),
    ],
)
def test_the_exit_code_says_whether_everything_came_over(tmp_path, text, code):
    path = tmp_path / "alertmanager.yml"
    path.write_text(text)
    done = CliRunner().invoke(main, ["config", "import", str(path)])
    assert done.exit_code == code
    assert bool(done.stderr) == (code != 0)
    assert bool(done.stdout) == (code != 3)


QUIET = """
route:
  receiver: a
  routes:
    - {receiver: a, match: {team: ops}, mute_time_intervals: [nights, month-end]}
    - {receiver: a, match: {team: ml}, active_time_intervals: [office]}
receivers:
  - name: a
inhibit_rules:
  - source_match: {severity: critical}
    target_match_re: {severity: warning|info}
    equal: [model, region]
  - source_matchers: ['alertname = ClusterDown', 'env =~ prod.*']
    target_matchers: ['alertname != ClusterDown']
    equal: [cluster]
  - source_match_re: {alertname: Down|Gone}
    target_match: {team: ops}
mute_time_intervals:
  - name: nights
    time_intervals:
      - times: [{start_time: '22:00', end_time: '24:00'}, {start_time: '00:00', end_time: '06:00'}]
        location: Europe/Berlin
time_intervals:
  - name: month-end
    time_intervals: [{days_of_month: ['-2:-1'], months: ['february', '6:7'], years: ['2026:2027']}]
  - name: office
    time_intervals:
      - {weekdays: ['monday:thursday'], times: [{start_time: '09:00', end_time: '17:00'}]}
      - {weekdays: [friday], times: [{start_time: '09:00', end_time: '13:00'}]}
"""


@pytest.fixture(scope="module")
def quiet():
    """The rules of `QUIET`, which came over whole."""
    loaded, imported = taken(QUIET)
    assert imported.notes == ()
    return loaded.rules


def test_alertmanager_itself_takes_what_the_next_tests_take_over(tmp_path):
    path = tmp_path / "alertmanager.yml"
    path.write_text(QUIET)
    command = [binary("amtool"), "check-config", path]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert checked.returncode == 0, checked.stdout + checked.stderr


CRITICAL, WARNING = {"severity": "critical", "model": "churn"}, {"severity": "warning", "model": "churn"}
CLUSTER = {"alertname": "ClusterDown", "env": "production", "cluster": "c1", "severity": "error"}


@pytest.mark.parametrize(
    ("source", "target", "muted"),
    [
        pytest.param(CRITICAL, WARNING, True, id="old-maps"),
        pytest.param(CRITICAL, {**WARNING, "severity": "info"}, True, id="a-map-of-regular-expressions"),
        pytest.param(CRITICAL, {**WARNING, "model": "fraud"}, False, id="not-equal"),
        pytest.param(CRITICAL, {**WARNING, "region": "eu"}, False, id="missing-in-the-source"),
        pytest.param(WARNING, WARNING, False, id="no-source"),
        pytest.param(CLUSTER, {"alertname": "Slow", "cluster": "c1"}, True, id="matchers"),
        pytest.param({**CLUSTER, "env": "test"}, {"alertname": "Slow", "cluster": "c1"}, False, id="env-test"),
        pytest.param(CLUSTER, CLUSTER, False, id="never-itself"),
        pytest.param({"alertname": "Gone"}, {"alertname": "X", "team": "ops"}, True, id="without-equal"),
        pytest.param({"alertname": "GoneBy"}, {"alertname": "X", "team": "ops"}, False, id="anchored"),
        pytest.param(CRITICAL, {**WARNING, "severity": "error"}, False, id="no-target-by-a-regular-expression"),
        pytest.param({"alertname": "Gone"}, {"alertname": "X", "team": "ml"}, False, id="no-target-by-a-map"),
        pytest.param(CLUSTER, {**CLUSTER, "env": "test"}, False, id="no-target-by-matchers"),
    ],
)
def test_inhibit_rules_inhibit_the_same_here(quiet, source, target, muted):
    sources = {each.place: (each,) for each in sources_of(quiet.inhibit, "source", source)}
    assert bool(inhibitors(quiet.inhibit, target, sources)) is muted


@pytest.mark.parametrize(
    ("team", "instant", "muted"),
    [
        pytest.param("ops", "2026-01-15T20:59:00Z", False, id="before-ten-in-berlin"),
        pytest.param("ops", "2026-01-15T21:00:00Z", True, id="ten-in-berlin"),
        pytest.param("ops", "2026-07-15T20:00:00Z", True, id="ten-in-berlin-in-summer"),
        pytest.param("ops", "2026-01-15T04:59:00Z", True, id="before-six-in-berlin"),
        pytest.param("ops", "2026-01-15T05:00:00Z", False, id="six-in-berlin"),
        pytest.param("ops", "2026-02-26T12:00:00Z", False, id="the-last-but-two"),
        pytest.param("ops", "2026-02-27T12:00:00Z", True, id="the-last-but-one"),
        pytest.param("ops", "2026-06-30T12:00:00Z", True, id="the-last-of-june"),
        pytest.param("ops", "2026-08-31T12:00:00Z", False, id="another-month"),
        pytest.param("ops", "2028-06-30T12:00:00Z", False, id="another-year"),
        pytest.param("ml", "2026-11-26T16:59:00Z", False, id="thursday-in-the-afternoon"),
        pytest.param("ml", "2026-11-26T17:00:00Z", True, id="thursday-in-the-evening"),
        pytest.param("ml", "2026-11-27T12:59:00Z", False, id="friday-at-noon"),
        pytest.param("ml", "2026-11-27T13:00:00Z", True, id="friday-in-the-afternoon"),
        pytest.param("ml", "2026-11-28T10:00:00Z", True, id="saturday"),
    ],
)
def test_time_intervals_mute_at_the_same_times_here(quiet, team, instant, muted):
    (route,) = quiet.routing.routes_for({"team": team})
    assert bool(timed_by(quiet.intervals)(route, datetime.fromisoformat(instant))) is muted


def with_rule(source):
    """A file with one inhibit rule, whose source side is `source`."""
    return SMALL + f"inhibit_rules:\n  - {{{source}, target_match: {{severity: warning}}, equal: [model]}}\n"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("source_match: {alertname: '{{ x }}'}", id="an-old-map"),
        pytest.param("source_matchers: ['alertname = \"{{ x }}\"']", id="a-matcher"),
    ],
)
def test_braces_are_no_template_where_alertmanager_has_none(source, tmp_path):
    text = with_rule(source).replace("receiver: a", "receiver: a, routes: [{match: {team: '{{ x }}'}}]")
    path = tmp_path / "alertmanager.yml"
    path.write_text(text)
    subprocess.run([binary("amtool"), "check-config", path], capture_output=True, check=True, timeout=20)
    loaded, imported = taken(text)
    assert imported.notes == ()
    (rule,) = loaded.rules.inhibit
    assert [rule.is_source({"alertname": each}) for each in ("{{ x }}", "Other")] == [True, False]
    (child,) = loaded.rules.root.routes
    assert [str(matcher) for matcher in child.matchers] == ['team="{{ x }}"']


@pytest.mark.parametrize(
    ("source", "place"),
    [
        pytest.param("sources: [{matchers: [a=b]}]", "inhibit_rules[0].sources", id="a-key-without-counterpart"),
        pytest.param(
            "source_matchers: ['a=b', 'c=~\"\\C\"']", "inhibit_rules[0].source_matchers[1]", id="one-is-refused"
        ),
    ],
)
def test_an_inhibit_rule_that_would_inhibit_more_stays_away_whole(source, place):
    loaded, imported = taken(with_rule(source))
    assert loaded.rules.inhibit == ()
    said = [note.headline for note in imported.notes]
    assert len(said) == 2
    assert all(any(f" {each}: not carried over: " in line for line in said) for each in (place, "inhibit_rules[0]"))


ROUTES = r"""
route:
  receiver: a
  routes:
    - receiver: b
      {condition}
      routes:
        - {{receiver: a, matchers: [inner=yes]}}
    - receiver: c
      matchers: [dc=x]
      routes:
        - receiver: b
          {condition}
          continue: true
        - {{receiver: b, matchers: [kept=yes]}}
receivers: [{{name: a}}, {{name: b}}, {{name: c}}]
"""


@pytest.mark.parametrize(
    ("condition", "inside"),
    [
        pytest.param("matchers: ['env = prod', 'team =~ \"\\C\"']", ".matchers[1]", id="one-of-two-matchers"),
        pytest.param("matchers: 'team'", ".matchers", id="one-text"),
        pytest.param("match_re: {team: '(', env: prod}", ".match_re.team", id="an-old-map-of-expressions"),
        pytest.param("match: [a]", ".match", id="no-map"),
    ],
)
def test_a_route_that_would_take_more_stays_away_with_what_is_below_it(condition, inside):
    loaded, imported = taken(ROUTES.format(condition=condition))
    (kept,) = loaded.rules.root.routes
    assert [str(each) for each in kept.matchers] == ['dc="x"']
    assert [[str(each) for each in below.matchers] for below in kept.routes] == [['kept="yes"']]
    said = [note.headline for note in imported.notes]
    for place, at in (("route.routes[0]", "5:7"), ("route.routes[1].routes[0]", "12:11")):
        (whole,) = [each for each in said if f" {place}: " in each]
        assert f":{at}: {place}: not carried over: without the condition that is missing it would take more" in whole
        assert [each for each in said if f" {place}{inside}: not carried over: " in each]


def test_an_entry_that_fits_no_time_does_not_come_to_fit_all(tmp_path):
    text = SMALL.replace("receiver: a", "receiver: a, routes: [{mute_time_intervals: [x]}]")
    text += "time_intervals: [{name: x, time_intervals: [{weekdays: []}, {weekdays: [sunday]}]}]\n"
    path = tmp_path / "alertmanager.yml"
    path.write_text(text)
    subprocess.run([binary("amtool"), "check-config", path], capture_output=True, check=True, timeout=20)
    rules = taken(text)[0].rules
    sunday, monday = datetime.fromisoformat("2026-03-01T12:00Z"), datetime.fromisoformat("2026-03-02T12:00Z")
    assert [rules.intervals["x"].contains(each) for each in (sunday, monday)] == [True, False]


def test_what_is_quiet_is_the_same_as_if_the_file_were_read_as_it_is(quiet):
    """Our loader reads Alertmanager's file too; `test_same_decisions.py` compares that with Alertmanager itself."""
    direct = load_text(QUIET, "alertmanager.yml", CHANNELS).rules
    assert (quiet.inhibit, quiet.intervals) == (direct.inhibit, direct.intervals)
    assert on_routes(quiet) == on_routes(direct) == [(("nights", "month-end"), ()), ((), ("office",))]


def on_routes(rules):
    return [(each.mute_intervals, each.active_intervals) for each in rules.root.routes]
