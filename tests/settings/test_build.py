"""What decisions are given: inheritance, defaults, and the identity of destinations."""

from datetime import UTC, datetime, timedelta

import pytest

from alertsvc.core.correlate import correlation_of
from alertsvc.core.model import Deliver, Reason, Severity
from alertsvc.core.routing_table import RoutingTable
from alertsvc.settings import load_text
from tests.settings.kinds import KINDS, ChatGlobals, MailGlobals

RECEIVERS = "receivers: [{name: a}, {name: b}]\n"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def load(text):
    return load_text(text, "alertsvc.yaml", KINDS)


def tree(text):
    return load(f"{RECEIVERS}{text}").rules.root


def test_a_file_of_two_lines_has_all_the_defaults():
    loaded = load("route: {receiver: a}\nreceivers: [{name: a}]\n")
    root = loaded.rules.root
    assert (root.path, root.receiver, root.digest, root.group_by) == ("root", "a", "hourly", ())
    assert (root.timing.group_wait, root.timing.group_interval) == (timedelta(0), 5 * MINUTE)
    assert root.timing.repeat_interval == 4 * HOUR
    assert {severity.word: str(deliver) for severity, deliver in root.deliver.items()} == {
        "critical": "immediate",
        "error": "immediate",
        "warning": "digest",
        "info": "none",
    }
    assert loaded.rules.digests["hourly"].schedule.next_after(datetime(2026, 11, 24, 8, 30, tzinfo=UTC)).hour == 9
    assert loaded.rules.receivers == {"a": ()}
    assert str(loaded.settings.server.listen) == "127.0.0.1:8080"
    assert loaded.settings.database.secret.reveal() == "sqlite:///alertsvc.db"
    assert loaded.settings.resolve_timeout == 5 * MINUTE


def test_a_child_inherits_what_it_does_not_say():
    root = tree("""
route:
  receiver: a
  group_by: [x]
  group_wait: 30s
  group_interval: 1m
  repeat_interval: 1h
  deliver: {warning: immediate}
  digest: daily
  routes:
    - name: same
    - name: other
      receiver: b
      group_by: ['...']
      group_wait: 0s
      group_interval: 2m
      repeat_interval: 2h
      deliver: {info: digest}
      digest: hourly
      routes: [{}]
digests: [{name: hourly, every: 1h}, {name: daily, schedule: "@daily"}]
""")
    same, other = root.routes
    assert (same.receiver, same.group_by, same.timing, same.deliver, same.digest) == (
        root.receiver,
        root.group_by,
        root.timing,
        root.deliver,
        root.digest,
    )
    assert (other.receiver, other.group_by, other.digest) == ("b", ("...",), "hourly")
    assert other.timing.group_wait == timedelta(0)
    assert other.timing.repeat_interval == 2 * HOUR
    assert other.deliver[Severity.WARNING] is Deliver.IMMEDIATE
    assert other.deliver[Severity.INFO] is Deliver.DIGEST
    assert other.routes[0].receiver == "b"
    assert other.routes[0].deliver == other.deliver


@pytest.mark.parametrize(
    ("above", "own", "expected"),
    [
        pytest.param("receiver: a", "", "a", id="receiver"),
        pytest.param("receiver: a", "receiver: b", "b", id="receiver-of-its-own"),
        pytest.param("group_by: [x]", "", ("x",), id="group_by"),
        pytest.param("group_by: [x]", "group_by: [y]", ("y",), id="group_by-of-its-own-is-not-added"),
        pytest.param("group_by: [x]", "group_by: []", (), id="group_by-none-is-one-of-its-own"),
        pytest.param("group_by: [x]", "group_by: ", ("x",), id="group_by-without-a-value-says-nothing"),
        pytest.param("group_by: ['...']", "", ("...",), id="group_by-every-label"),
        pytest.param("group_by: ['...']", "group_by: [y]", ("y",), id="group_by-below-every-label"),
        pytest.param("group_by: [x]", "group_by: ['...']", ("...",), id="group_by-every-label-of-its-own"),
        pytest.param("group_wait: 30s", "", timedelta(seconds=30), id="group_wait"),
        pytest.param("group_wait: 30s", "group_wait: 0s", timedelta(0), id="group_wait-of-its-own"),
        pytest.param("group_interval: 7m", "", 7 * MINUTE, id="group_interval"),
        pytest.param("group_interval: 7m", "group_interval: 1m", MINUTE, id="group_interval-of-its-own"),
        pytest.param("repeat_interval: 7h", "", 7 * HOUR, id="repeat_interval"),
        pytest.param("repeat_interval: 7h", "repeat_interval: 1h", HOUR, id="repeat_interval-of-its-own"),
    ],
)
def test_an_option_comes_from_the_route_above_as_in_alertmanager(above, own, expected):
    receiver = "" if "receiver" in above else "receiver: a, "
    root = tree(f"route: {{{receiver}{above}, routes: [{{{own}}}]}}\n")
    option = above.partition(":")[0]
    (child,) = root.routes
    holder = child.timing if hasattr(child.timing, option) else child
    assert getattr(holder, option) == expected


def test_matchers_continue_and_time_are_not_inherited():
    root = tree("route: {receiver: a, routes: [{matchers: ['x=\"y\"'], continue: true, routes: [{}]}]}")
    assert root.routes[0].goes_on
    assert not root.routes[0].routes[0].goes_on
    assert root.routes[0].routes[0].matchers == ()


def test_a_path_has_names_where_there_are_names():
    root = tree("route: {receiver: a, routes: [{name: fraud, routes: [{}, {name: deep}]}, {}]}")
    paths = [route.path for route in (*root.routes, *root.routes[0].routes)]
    assert paths == ["root/fraud", "root/routes[1]", "root/fraud/routes[0]", "root/fraud/deep"]


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        pytest.param("", "immediate digest none immediate", id="severities-say"),
        pytest.param("deliver: digest", "digest digest digest digest", id="one-word-for-all"),
        pytest.param("deliver: {critical: none}", "none digest none immediate", id="one-of-them"),
        pytest.param("deliver: {}", "immediate digest none immediate", id="nothing"),
        pytest.param("deliver: {info: digest, error: digest}", "immediate digest digest digest", id="two-of-them"),
    ],
)
def test_delivery_is_laid_over_what_severities_say(route, expected):
    section = "severities: {warning: {deliver: digest}, error: {deliver: immediate}, info: {deliver: none}}"
    root = tree(f"route: {{receiver: a, routes: [{{{route}}}]}}\n{section}\n")
    order = (Severity.CRITICAL, Severity.WARNING, Severity.INFO, Severity.ERROR)
    assert " ".join(root.routes[0].deliver[severity] for severity in order) == expected


def test_all_three_ways_to_match_hold_together():
    root = tree("""
route:
  receiver: a
  routes:
    - match: {team: ml}
      match_re: {env: "prod|live"}
      matchers: ['{x="1",y!="2"}', 'z=~".+"']
""")
    fits = {"team": "ml", "env": "live", "x": "1", "z": "3"}
    assert [route.path for route in RoutingTable(root).routes_for(fits)] == ["root/routes[0]"]
    for missing in fits:
        labels = {name: value for name, value in fits.items() if name != missing}
        assert [route.path for route in RoutingTable(root).routes_for(labels)] == ["root"]


@pytest.mark.parametrize(
    ("text", "by"),
    [
        pytest.param("route: {receiver: a}", ("model", ["environment", "model"]), id="built-in-rules"),
        pytest.param("route: {receiver: a, group_by: [x]}", None, id="group-by-decides"),
        pytest.param("route: {receiver: a, routes: [{group_by: [x]}]}", None, id="group-by-of-any-route-decides"),
        pytest.param("route: {receiver: a, group_by: []}", None, id="an-empty-group-by-decides"),
        pytest.param(
            "route: {receiver: a, group_by: [x]}\ncorrelate: [{name: r, by: [team]}]",
            ("r", ["team"]),
            id="rules-decide",
        ),
        pytest.param("route: {receiver: a, group_by: [x]}\ncorrelate: []", None, id="no-rules-are-none"),
    ],
)
def test_what_makes_one_incident(text, by):
    found = load(f"{RECEIVERS}{text}\n").rules.correlating.rule_for({"model": "churn", "alertname": "Drift"})
    assert (found and (found.name, sorted(found.by))) == by


def test_an_alert_without_a_model_is_correlated_by_its_name():
    rules = load(f"{RECEIVERS}route: {{receiver: a}}\n").rules
    labels = {"alertname": "DiskFull", "instance": "db-1"}
    assert correlation_of(rules.correlating.rule_for(labels), labels).labels == {"alertname": "DiskFull"}


def test_a_rule_keeps_all_that_it_says():
    (rule,) = load(f"""
{RECEIVERS}route: {{receiver: a}}
correlate: [{{name: model, matchers: ['model!=""', 'a="b"'], by: [model, environment], reopen_within: 30m}}]
""").rules.correlate
    assert (rule.name, rule.by, rule.reopen_within) == ("model", ("model", "environment"), 30 * MINUTE)
    assert [str(matcher) for matcher in rule.matchers] == ['model!=""', 'a="b"']


def test_a_kind_of_trouble_has_a_severity_where_nothing_is_said_of_it():
    severities = load(f"""
{RECEIVERS}route: {{receiver: a}}
severities: {{kinds: {{performance: error, data_drift: info}}, default: warning}}
""").rules.severities
    assert {name: level.word for name, level in severities.kinds.items()} == {
        "performance": "error",
        "data_drift": "info",
    }


def test_foreign_words_mean_severities_in_any_case():
    severities = load(f"""
{RECEIVERS}route: {{receiver: a}}
severities: {{critical: {{also: [Sev1, page]}}, info: {{also: [trivial]}}, default: error}}
""").rules.severities
    words = ("sev1", "SEV1", "page", "trivial", "warning", "no-such-word", None)
    assert [severities.read(word).word for word in words] == [
        "critical",
        "critical",
        "critical",
        "info",
        "warning",
        "error",
        "error",
    ]


def test_digests_are_as_they_are_said():
    rules = load(f"""
{RECEIVERS}route: {{receiver: a}}
digests:
  - {{name: morning, schedule: "0 9 * * mon-fri", timezone: Europe/Lisbon, max_items: 50, urgent_after: 25}}
  - {{name: often, every: 90s}}
""").rules
    morning, often = rules.digests["morning"], rules.digests["often"]
    saturday = datetime(2026, 11, 28, tzinfo=UTC)
    assert morning.schedule.next_after(saturday) == datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert (morning.timezone, morning.max_items, morning.urgent_after) == ("Europe/Lisbon", 50, 25)
    assert often.schedule.next_after(saturday) == saturday + timedelta(seconds=90)
    assert rules.root.digest == "morning"  # the first, where none is called hourly


def test_what_is_known_of_models_is_kept():
    models = load(f"""
{RECEIVERS}route: {{receiver: a}}
models: [{{name: churn, owner: growth@example.com, runbook_url: "https://wiki.example.com/churn"}}]
""").rules.models
    assert (models["churn"].owner, models["churn"].runbook_url) == (
        "growth@example.com",
        "https://wiki.example.com/churn",
    )


def test_a_destination_is_known_by_what_it_says():
    loaded = load("""
route: {receiver: team}
receivers:
  - name: team
    slack_configs:
      - {channel: "#ml"}
      - {channel: "#ml", update_message: true}
      - {channel: "#ml", name: loud, send_resolved: false}
      - {channel: "#ml-2"}
      - {channel: "#ml"}
    email_configs: [{to: ml@example.com}]
  - name: other
    slack_configs: [{channel: "#ml"}]
""")
    assert [destination.id for destination in loaded.rules.receivers["team"]] == [
        "team/email:ml@example.com",
        "team/slack:#ml",
        "team/slack:#ml-2",
        "team/slack:loud",
        "team/slack:#ml-2-2",
        "team/slack:#ml-3",
    ]
    assert [destination.id for destination in loaded.rules.receivers["other"]] == ["other/slack:#ml"]
    assert set(loaded.channels) == {d.id for ds in loaded.rules.receivers.values() for d in ds}
    loud = next(d for d in loaded.rules.receivers["team"] if d.id == "team/slack:loud")
    assert (loud.receiver, loud.kind, Reason.RESOLVED in loud.hears) == ("team", "slack", False)


def test_a_channel_is_given_the_globals_of_its_kind():
    loaded = load("""
global: {slack_api_url: "https://hooks.example.com/x", smtp_smarthost: "smtp.example.com:587", resolve_timeout: 15m}
route: {receiver: a}
receivers:
  - name: a
    slack_configs: [{channel: "#ml"}]
    email_configs: [{to: ml@example.com}]
    console_configs: [{}]
""")
    chat, mail, printer = (
        loaded.channels[f"a/{name}"] for name in ("slack:#ml", "email:ml@example.com", "console:out")
    )
    assert isinstance(chat.globals, ChatGlobals)
    assert isinstance(mail.globals, MailGlobals)
    assert mail.globals.smtp_smarthost == "smtp.example.com:587"
    assert printer.globals is None
    assert (printer.kind, printer.config.label()) == ("console", "out")
    assert loaded.settings.resolve_timeout == 15 * MINUTE


def test_anchors_and_merges_work_in_a_configuration():
    root = tree("""
route:
  receiver: a
  routes:
    - &quiet {matchers: ['x="1"'], repeat_interval: 12h, deliver: digest}
    - {<<: *quiet, matchers: ['x="2"']}
""")
    assert [str(route.matchers[0]) for route in root.routes] == ['x="1"', 'x="2"']
    assert root.routes[1].timing.repeat_interval == 12 * HOUR


def test_a_block_of_alertmanagers_works_as_it_is():
    root = tree("""
global: {resolve_timeout: 5m}
templates: []
route:
  receiver: a
  group_by: ['alertname', 'cluster']
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 3h
  routes:
  - matchers:
    - service=~"foo1|foo2|baz"
    receiver: b
    routes:
    - matchers:
      - severity="critical"
      continue: true
      receiver: a
  - match_re:
      service: ^(foo|bar)$
    receiver: b
    group_wait: 0
""")
    assert root.routes[0].routes[0].goes_on
    assert root.routes[1].timing.group_wait == timedelta(0)
    assert [route.path for route in RoutingTable(root).routes_for({"service": "bar"})] == ["root/routes[1]"]


def test_what_the_service_says_of_itself_goes_where_it_is_to_go_before_any_route():
    route = "route: {receiver: a, routes: [{matchers: ['service=\"alertsvc\"'], receiver: a}]}\n"
    own = {"alertname": "AlertsvcAuditMismatch", "service": "alertsvc", "check": "due", "severity": "critical"}
    for section, expected in (("", ["root/routes[0]"]), ("self_alerts: {receiver: b}\n", ["root/[self_alerts]"])):
        rules = load(RECEIVERS + route + section).rules
        assert [found.path for found in rules.routing.routes_for(own)] == expected
        for other in ({"alertname": "AlertsvcDown", "service": "alertsvc"}, {"service": "alertsvc"}):
            assert [found.path for found in rules.routing.routes_for(other)] == ["root/routes[0]"]
    assert rules.root.routes[0].receiver == "b"


def test_the_switch_of_a_dead_man_is_off_unless_it_has_an_address():
    small = "route: {receiver: a}\nreceivers: [{name: a}]\n"
    assert load(small).settings.deadman.address is None
    given = load(f"{small}deadman: {{url: 'https://hc.example.com/CANARY', interval: 5m}}\n").settings.deadman
    assert (str(given.address), given.interval) == ("<secret>", 5 * MINUTE)
    assert "CANARY" not in repr(given)
