"""Every class of mistake, with its words and its place."""

from pathlib import Path

import pytest

from alertsvc.settings import ConfigError, load_text
from tests.settings.kinds import KINDS

GOLDEN = Path(__file__).parent / "golden"
ROUTE = "route: {receiver: a}\n"
RECEIVERS = "receivers: [{name: a}]\n"


def mistakes(text):
    with pytest.raises(ConfigError) as caught:
        load_text(text, "alertsvc.yaml", KINDS)
    return [str(problem).splitlines()[0].removeprefix("alertsvc.yaml:") for problem in caught.value.problems]


def test_all_mistakes_of_a_file_are_reported_at_once():
    text = (GOLDEN / "many_mistakes.yaml").read_text()
    with pytest.raises(ConfigError) as caught:
        load_text(text, "many_mistakes.yaml", KINDS)
    assert str(caught.value) == (GOLDEN / "many_mistakes.txt").read_text().rstrip("\n")


@pytest.mark.parametrize(
    ("route", "mistake"),
    [
        pytest.param("{}", "1:8: route: the root route needs a receiver", id="root-needs-a-receiver"),
        pytest.param(
            "{receiver: a, continue: true}",
            "1:22: route.continue: the root route has nothing to continue with",
            id="root-does-not-continue",
        ),
        pytest.param(
            "{receiver: a, match: {x: y}}",
            "1:22: route.match: the root route takes every alert and so has no matchers",
            id="root-has-no-match",
        ),
        pytest.param(
            "{receiver: a, match_re: {x: y}}",
            "1:22: route.match_re: the root route takes every alert and so has no matchers",
            id="root-has-no-match-re",
        ),
        pytest.param("{receiver: b}", "1:19: route.receiver: there is no receiver 'b'", id="undefined-receiver"),
        pytest.param(
            "{receiver: 12}",
            "1:19: route.receiver: text is needed, got a number; write it in quotes",
            id="number-for-text",
        ),
        pytest.param(
            "{receiver: a, digest: daily}", "1:30: route.digest: there is no digest 'daily'", id="undefined-digest"
        ),
        pytest.param(
            "{receiver: a, group_interval: 0s}",
            "1:38: route.group_interval: must not be zero",
            id="group-interval-zero",
        ),
        pytest.param(
            "{receiver: a, repeat_interval: 0}",
            "1:39: route.repeat_interval: must not be zero",
            id="repeat-interval-zero",
        ),
        pytest.param(
            "{receiver: a, group_wait: soon}",
            "1:34: route.group_wait: a duration such as 30s, 5m, 1h30m or 7d is needed, got 'soon'",
            id="no-duration",
        ),
        pytest.param(
            "{receiver: a, group_wait: [1m]}",
            "1:34: route.group_wait: a duration such as 30s, 5m, 1h30m or 7d is needed",
            id="list-for-duration",
        ),
        pytest.param(
            "{receiver: a, group_by: ['...', b]}",
            "1:32: route.group_by: '...' means every label and must stand alone",
            id="all-labels-and-one",
        ),
        pytest.param(
            "{receiver: a, group_by: [b, b]}", "1:32: route.group_by: the label 'b' is named twice", id="label-twice"
        ),
        pytest.param(
            "{receiver: a, group_by: b}", "1:32: route.group_by: a list is needed, got text", id="text-for-list"
        ),
        pytest.param(
            "{receiver: a, group_by: ['']}",
            "1:33: route.group_by[0]: a label name has 1 to 256 characters",
            id="empty-label",
        ),
        pytest.param(
            "{receiver: a, deliver: later}",
            "1:31: route.deliver: must be 'immediate', 'digest' or 'none'",
            id="unknown-delivery",
        ),
        pytest.param(
            "{receiver: a, deliver: [digest]}",
            "1:31: route.deliver: a mapping of keys to values is needed, got a list",
            id="list-for-table",
        ),
        pytest.param(
            "{receiver: a, routes: [{name: x/y}]}",
            "1:38: route.routes[0].name: a name has 1 to 100 letters, digits, spaces, or the signs . : _ -",
            id="slash-in-name",
        ),
        pytest.param(
            "{receiver: a, routes: [{name: x}, {name: x}]}",
            "1:49: route.routes[1].name: there is already a route 'x' (line 1)",
            id="route-twice",
        ),
        pytest.param(
            "{receiver: a, routes: [{matchers: ['x=~\"[\"']}]}",
            "1:47: route.routes[0].matchers[0]: not a regular expression that RE2 takes: missing ]: [",
            id="bad-regex",
        ),
        pytest.param(
            "{receiver: a, routes: [{matchers: [x]}]}",
            "1:44: route.routes[0].matchers[0]: one of = != =~ !~ is needed after 'x'",
            id="no-operator",
        ),
        pytest.param(
            "{receiver: a, routes: [{matchers: [{x: y}]}]}",
            "1:43: route.routes[0].matchers[0]: a matcher is one text, not a mapping: write 'severity=\"critical\"'",
            id="mapping-for-matcher",
        ),
        pytest.param(
            "{receiver: a, routes: [{matchers: 'x=\"y'}]}",
            "1:45: route.routes[0].matchers: the value that begins here has no closing quote",
            id="matcher-without-list",
        ),
        pytest.param(
            "{receiver: a, routes: [{matchers: 7}]}",
            "1:42: route.routes[0].matchers: a list is needed, got a number",
            id="number-for-matchers",
        ),
        pytest.param(
            "{receiver: a, routes: [{match: {x: 1}}]}",
            "1:43: route.routes[0].match.x: text is needed, got a number; write it in quotes",
            id="number-for-label-value",
        ),
        pytest.param(
            "{receiver: a, routes: [{match: {x: }}]}",
            '1:40: route.routes[0].match.x: a value is missing; write "" for an empty text',
            id="nothing-for-label-value",
        ),
        pytest.param(
            "{receiver: a, routes: [{continue: on}]}",
            "1:42: route.routes[0].continue: true or false is needed, 'on' is text",
            id="old-word-for-true",
        ),
        pytest.param(
            "{receiver: a, routes: [{continue: 1}]}",
            "1:42: route.routes[0].continue: true or false is needed, got a number",
            id="number-for-true",
        ),
        pytest.param(
            "{receiver: a, routs: []}",
            "1:22: route.routs: unknown key 'routs'; did you mean 'routes'?",
            id="slip-in-a-key",
        ),
        pytest.param(
            "{receiver: a, routs: }",
            "1:22: route.routs: unknown key 'routs'; did you mean 'routes'?",
            id="slip-in-an-empty-key",
        ),
        pytest.param("{receiver: a, zzz: 1}", "1:22: route.zzz: unknown key 'zzz'", id="unknown-key"),
        pytest.param(
            "{recver: a}",
            "1:9: route.recver: unknown key 'recver'; did you mean 'receiver'?",
            id="slip-in-a-needed-key",
        ),
        pytest.param(
            "{receiver: a, escalate: [{after: 15m}]}",
            "1:22: route.escalate: this version does not support it yet",
            id="escalate",
        ),
        pytest.param(
            "{receiver: a, routes: [{mute_time_intervals: [x]}]}",
            "1:54: route.routes[0].mute_time_intervals[0]: there is no time interval 'x'",
            id="undefined-mute-time",
        ),
        pytest.param(
            "{receiver: a, routes: [{routes: [{active_time_intervals: [x]}]}]}",
            "1:66: route.routes[0].routes[0].active_time_intervals[0]: there is no time interval 'x'",
            id="undefined-active-time",
        ),
        pytest.param(
            "{receiver: a, mute_time_intervals: [x]}\ntime_intervals: [{name: x}]",
            "1:22: route.mute_time_intervals: the root route is never muted; put this on the routes below it",
            id="root-is-never-muted",
        ),
        pytest.param(
            "{receiver: a, active_time_intervals: [x]}\ntime_intervals: [{name: x}]",
            "1:22: route.active_time_intervals: the root route is always active; put this on the routes below it",
            id="root-is-always-active",
        ),
        pytest.param(
            "{receiver: a, routes: [{mute_time_intervals: x}]}\ntime_intervals: [{name: x}]",
            "1:53: route.routes[0].mute_time_intervals: a list is needed, got text",
            id="text-for-intervals",
        ),
        pytest.param(
            "{receiver: a, routes: [{mute_time_intervals: [nihgts]}]}\ntime_intervals: [{name: nights}]",
            "1:54: route.routes[0].mute_time_intervals[0]: there is no time interval 'nihgts'; did you mean 'nights'?",
            id="slip-in-an-interval",
        ),
        pytest.param("[a]", "1:8: route: a mapping of keys to values is needed, got a list", id="list-for-route"),
        pytest.param("", "1:1: route: a value is missing", id="empty-section"),
    ],
)
def test_a_route_follows_the_rules(route, mistake):
    assert mistakes(f"route: {route}\n{RECEIVERS}") == [mistake]


@pytest.mark.parametrize(
    ("receivers", "expected"),
    [
        pytest.param(
            "[]",
            ["2:12: receivers: must have at least 1 item", "1:19: route.receiver: there is no receiver 'a'"],
            id="none",
        ),
        pytest.param(
            "[{name: a}, {name: a}]", ["2:31: receivers[1].name: there is already a receiver 'a' (line 2)"], id="twice"
        ),
        pytest.param("[{name: a}, {}]", ["2:24: receivers[1]: 'name' is missing"], id="no-name"),
        pytest.param(
            "[{name: a}, {name: ''}]",
            ["2:31: receivers[1].name: a receiver's name has 1 to 200 printable characters"],
            id="empty-name",
        ),
        pytest.param(
            "[{name: a, slack_configs: [{}]}]",
            ["2:39: receivers[0].slack_configs[0]: 'channel' is missing"],
            id="needed-key",
        ),
        pytest.param(
            "[{name: a, slack_configs: {channel: x}}]",
            ["2:38: receivers[0].slack_configs: a list is needed, got a mapping"],
            id="mapping-for-list",
        ),
        pytest.param(
            "[{name: a, slack_config: []}]",
            ["2:23: receivers[0].slack_config: unknown key 'slack_config'; did you mean 'slack_configs'?"],
            id="slip",
        ),
        pytest.param(
            "[{name: a, slack_configs: [{channel: x, api_url: y, api_url_env: Z}]}]",
            ["2:64: receivers[0].slack_configs[0].api_url_env: give only one of api_url, api_url_file and api_url_env"],
            id="secret-given-twice",
        ),
        pytest.param(
            "[{name: a, slack_configs: [{channel: x, send_resolved: no}]}]",
            ["2:67: receivers[0].slack_configs[0].send_resolved: true or false is needed, 'no' is text"],
            id="old-word-for-false",
        ),
        pytest.param(
            "[{name: a, slack_configs: [{channel: x, retries: 012}]}]",
            ["2:61: receivers[0].slack_configs[0].retries: a whole number is needed, got text"],
            id="leading-zero",
        ),
        pytest.param(
            "[{name: a, slack_configs: [{channel: x, retries: 1_000}]}]",
            ["2:61: receivers[0].slack_configs[0].retries: a whole number is needed, got text"],
            id="underscore",
        ),
        pytest.param(
            "[{name: a, slack_configs: [{channel: x, retries: true}]}]",
            ["2:61: receivers[0].slack_configs[0].retries: a whole number is needed, got true"],
            id="true-for-number",
        ),
    ],
)
def test_a_receiver_follows_the_rules(receivers, expected):
    assert sorted(mistakes(f"{ROUTE}receivers: {receivers}\n")) == sorted(expected)


def test_a_channel_that_cannot_be_opened_is_a_mistake_beside_the_others():
    assert mistakes(
        "route: {receiver: b}\nreceivers: [{name: a, slack_configs: [{channel: x}, {channel: closed}]}]\n"
    ) == [
        "1:19: route.receiver: there is no receiver 'b'",
        "2:53: receivers[0].slack_configs[1]: no way in: None None",
    ]


@pytest.mark.parametrize("kind", ["opsgenie", "telegram", "sns", "victorops", "msteams", "webex"])
def test_a_channel_that_only_alertmanager_has_is_called_that(kind):
    assert mistakes(f"{ROUTE}receivers: [{{name: a, {kind}_configs: []}}]\n") == [
        f"2:23: receivers[0].{kind}_configs: this version has no channel '{kind}'; there are console, email, slack"
    ]


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        pytest.param("version: 2", "version: must be 1", id="version"),
        pytest.param(
            "server: {listen: '8080'}",
            "server.listen: an address and a port are needed, such as 127.0.0.1:8080 or :8080",
            id="listen",
        ),
        pytest.param(
            "server: {external_url: alerts.example.com}",
            "server.external_url: an address that begins with https:// or http:// is needed",
            id="external-url",
        ),
        pytest.param(
            "server: {external_url: 'https://a.example.com/?x=1'}",
            "server.external_url: an address without ? and # is needed",
            id="external-url-query",
        ),
        pytest.param(
            "server: {max_body_bytes: 1k}", "server.max_body_bytes: a whole number is needed, got text", id="size"
        ),
        pytest.param(
            "database: {url: 'mysql://x'}",
            "database.url: a database is sqlite:///file.db or postgresql://user@host/name",
            id="database",
        ),
        pytest.param(
            "database: {url_env: X, url_file: y}",
            "database.url_file: give only one of url, url_file and url_env",
            id="database-twice",
        ),
        pytest.param(
            "logging: {level: verbose}", "logging.level: must be 'debug', 'info', 'warning' or 'error'", id="level"
        ),
        pytest.param("logging: {format: JSON}", "logging.format: must be 'auto', 'console' or 'json'", id="format"),
        pytest.param(
            "retention: {incidents: forever}",
            "retention.incidents: a duration such as 30s, 5m, 1h30m or 7d is needed, got 'forever'",
            id="retention",
        ),
        pytest.param(
            "delivery: {concurrency: 0}", "delivery.concurrency: must be greater than or equal to 1", id="concurrency"
        ),
        pytest.param(
            "severities: {warn: {deliver: digest}}",
            "severities.warn: unknown key 'warn'; did you mean 'warning'?",
            id="severity",
        ),
        pytest.param(
            "severities: {info: {also: [Critical]}}",
            "severities.info.also[0]: 'Critical' is a severity itself",
            id="word-of-a-severity",
        ),
        pytest.param(
            "severities: {info: {also: [x]}, error: {also: [X]}}",
            "severities.info.also[0]: 'x' already means error",
            id="word-twice",
        ),
        pytest.param("correlate: [{name: x}]", "correlate[0]: 'by' is missing", id="rule-without-labels"),
        pytest.param(
            "digests: [{name: x}]",
            "digests[0]: give one of 'every' and 'schedule', such as every: 1h",
            id="digest-without-rhythm",
        ),
        pytest.param(
            "digests: [{name: x, schedule: 0 9 * * *, timezone: Europe/Rom}]",
            "digests[0].timezone: 'Europe/Rom' is no time zone such as Europe/Lisbon; did you mean 'Europe/Rome'?",
            id="zone",
        ),
        pytest.param(
            "digests: [{name: x, every: 1h, timezone: ../../etc/passwd}]",
            "digests[0].timezone: '../../etc/passwd' is no time zone such as Europe/Lisbon",
            id="zone-path",
        ),
        pytest.param(
            "digests: [{name: x, every: 1h, urgent_after: 2.5}]",
            "digests[0].urgent_after: a whole number is needed, got a number",
            id="fraction",
        ),
        pytest.param(
            "watchdogs: [{name: Watchdog, within: 1m}]",
            "watchdogs[0].within: at least 2m: what is repeated is noticed twice a minute, and looked for as often",
            id="a-watch-that-is-too-short",
        ),
        pytest.param(
            "models: [{name: x, expect_event_every: 0s}]",
            "models[0].expect_event_every: must not be zero",
            id="expect-event",
        ),
        pytest.param(
            "models: [{name: x, thresholds: {psi: 1}}]",
            "models[0].thresholds: this version does not support it yet",
            id="model-thresholds",
        ),
        pytest.param(
            "inhibit_rules: [{source_matcher: ['a=b']}]",
            "inhibit_rules[0].source_matcher: unknown key 'source_matcher'; did you mean 'source_matchers'?",
            id="inhibition",
        ),
        pytest.param(
            "inhibit_rules: [{target_matchers: ['a']}]",
            "inhibit_rules[0].target_matchers[0]: one of = != =~ !~ is needed after 'a'",
            id="inhibition-matcher",
        ),
        pytest.param("flapping: {changes: -1}", "flapping.changes: must be greater than or equal to 0", id="flapping"),
        pytest.param(
            "thresholds_file: x.yaml",
            "thresholds_file: x.yaml: cannot be read: no such file or directory",
            id="thresholds",
        ),
        pytest.param(
            "global: {smtp_smarthost: 25}",
            "global.smtp_smarthost: text is needed, got a number; write it in quotes",
            id="global",
        ),
        pytest.param(
            "global: {smtp_smart_host: x}",
            "global.smtp_smart_host: unknown key 'smtp_smart_host'; did you mean 'smtp_smarthost'?",
            id="global-slip",
        ),
        pytest.param(
            "self_alerts: {receiver: b}", "self_alerts.receiver: there is no receiver 'b'", id="self-alerts-to-nobody"
        ),
        pytest.param(
            "deadman: {url: ftp://x.example.com/}",
            "deadman.url: an address that begins with https:// or http:// is needed",
            id="deadman",
        ),
        pytest.param(
            "deadman: {url_env: X, url_file: y}",
            "deadman.url_file: give only one of url, url_file and url_env",
            id="deadman-twice",
        ),
        pytest.param("deadman: {interval: 0s}", "deadman.interval: must not be zero", id="deadman-without-a-rest"),
        pytest.param("globals: {}", "globals: unknown key 'globals'; did you mean 'global'?", id="section-slip"),
    ],
)
def test_a_section_follows_the_rules(section, mistake):
    (found,) = mistakes(f"{ROUTE}{RECEIVERS}{section}\n")
    assert found.split(": ", 1)[1] == mistake
    assert found.startswith("3:")


def test_a_missing_section_is_named_once():
    assert mistakes("{}") == ["1:1: 'receivers' is missing", "1:1: 'route' is missing"]


def test_a_slip_in_a_section_is_not_also_a_missing_one():
    assert mistakes(f"{ROUTE}recvers: [{{name: a}}]\n") == [
        "2:1: recvers: unknown key 'recvers'; did you mean 'receivers'?"
    ]


def test_the_caret_stands_below_the_place():
    with pytest.raises(ConfigError) as caught:
        load_text(f"{RECEIVERS}route:\n  receiver: a\n  contnue: true\n", "alertsvc.yaml", KINDS)
    assert str(caught.value) == (
        "alertsvc.yaml:4:3: route.contnue: unknown key 'contnue'; did you mean 'continue'?\n  contnue: true\n  ^"
    )


def test_a_thousand_mistakes_are_counted():
    text = ROUTE + RECEIVERS + "models:\n" + "  - {nme: x}\n" * 1000
    found = mistakes(text)
    assert len(found) == 101
    assert found[-1] == "103:6: ~: and 900 more"
