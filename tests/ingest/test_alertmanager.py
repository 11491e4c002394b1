"""Alertmanager's webhook becomes events; what cannot be read takes nothing else with it."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertsvc.core.model import AlertState, Severity
from alertsvc.core.severity import SeverityRule
from alertsvc.ingest.alertmanager import MOST_ALERTS, parse, parse_one
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.ingest.parsed import BadPayloadError, Parsed
from tests.ingest.expected_captures import CAPTURES, FOLDER, Capture
from tests.programs import ROOT

WORDS = SeverityRule()


def alert(**changes: Any) -> dict[str, Any]:
    """An alert as it is sent."""
    sent = {
        "status": "firing",
        "labels": {"alertname": "Drift", "model": "churn"},
        "annotations": {"summary": "s"},
        "startsAt": "2026-03-02T09:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
    }
    return {**sent, **changes}


def body(*alerts: Any, **changes: Any) -> bytes:
    """A webhook as it is sent."""
    return json.dumps({"version": "4", "receiver": "r", "alerts": list(alerts), **changes}).encode()


def read(*alerts: Any, **changes: Any) -> Parsed:
    return parse(body(*alerts, **changes), WORDS)


def test_every_recording_has_an_expectation() -> None:
    files = {path.name for path in FOLDER.glob("[0-9]*.json")}
    assert files == {capture.file for capture in CAPTURES}


def test_the_expectations_agree_with_the_index_of_the_recordings() -> None:
    index = {entry["file"]: entry for entry in json.loads((FOLDER / "INDEX.json").read_text())}
    for capture in CAPTURES:
        entry = index.pop(capture.file)
        assert (capture.firing, capture.firing + capture.resolved) == (entry["firing"], entry["alerts"])
        receiver = re.sub(r"\\(.)", r"\1", entry["receiver"])
        assert (capture.truncated, capture.receiver) == (entry["truncatedAlerts"], receiver)
    assert index == {}


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.file)
def test_a_recording_is_read_whole(capture: Capture) -> None:
    parsed = parse(capture.body, WORDS)
    sent = capture.load()["body"]
    states = [event.state for event in parsed.events]
    assert parsed.bad == ()
    assert (parsed.receiver, parsed.truncated_count) == (capture.receiver, capture.truncated)
    assert (states.count(AlertState.FIRING), states.count(AlertState.RESOLVED)) == (capture.firing, capture.resolved)
    assert (parsed.group_key, parsed.sender) == (sent["groupKey"], sent["externalURL"])
    assert parsed.received_count == len(sent["alerts"])


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.file)
def test_an_alert_of_a_recording_keeps_all_that_was_said(capture: Capture) -> None:
    body_sent = capture.load()["body"]
    for event, sent in zip(parse(capture.body, WORDS).events, body_sent["alerts"], strict=True):
        assert (event.fingerprint, event.labels, event.annotations) == (
            sent["fingerprint"],
            sent["labels"],
            sent["annotations"],
        )
        assert (event.state, event.group_key) == (sent["status"], body_sent["groupKey"])
        assert event.starts_at is not None
        assert abs(event.starts_at - datetime.fromisoformat(sent["startsAt"])) < timedelta(microseconds=2)
        assert (event.ends_at is None) is (event.state is AlertState.FIRING)
        assert [link.url for link in event.links if link.title == "Source"] == [
            url for url in [sent["generatorURL"]] if url
        ]


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.file)
def test_a_recording_reads_the_same_beside_a_bad_alert(capture: Capture) -> None:
    alone = parse(capture.body, WORDS)
    beside = parse(capture.body.replace(b'"alerts":[', b'"alerts":[{"status":1},', 1), WORDS)
    assert beside.events == alone.events
    assert [(item.index, item.raw) for item in beside.bad] == [(0, b'{"status":1}')]
    assert (beside.receiver, beside.sender, beside.group_key, beside.truncated_count) == (
        alone.receiver,
        alone.sender,
        alone.group_key,
        alone.truncated_count,
    )


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param("0001-01-01T00:00:00Z", None, id="year-1-means-none"),
        pytest.param("2026-11-23T12:05:12.116Z", datetime(2026, 11, 23, 12, 5, 12, 116000, UTC), id="milliseconds"),
        pytest.param(
            "2026-11-23T12:05:12.123456789+05:30",
            datetime(2026, 11, 23, 6, 35, 12, 123457, UTC),
            id="nanoseconds-offset",
        ),
        pytest.param("9999-01-01T00:00:00Z", None, id="a-year-nobody-means"),
        pytest.param("1969-12-31T23:59:59Z", None, id="before-1970"),
        pytest.param("2026-11-23T12:05:12", None, id="no-zone-says-nothing"),
        pytest.param(None, None, id="null"),
    ],
)
def test_a_start_is_an_instant_in_utc_or_none(sent: str | None, expected: datetime | None) -> None:
    (event,) = read(alert(startsAt=sent)).events
    assert event.starts_at == expected


def test_an_end_in_the_future_is_kept() -> None:
    (event,) = read(alert(status="resolved", endsAt="2099-01-01T00:00:00+01:00")).events
    assert event.ends_at == datetime(2098, 12, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "receiver"),
    [
        pytest.param("team\\.ml/alertsvc \\(a\\)", "team.ml/alertsvc (a)", id="quoted"),
        pytest.param("a\\\\b", "a\\b", id="quoted-backslash"),
        pytest.param("\\d", "\\d", id="what-is-never-quoted"),
        pytest.param("a\x00b", "a\ufffdb", id="nul"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="null"),
    ],
)
def test_a_receiver_is_named_as_in_its_configuration(sent: str | None, receiver: str | None) -> None:
    assert read(alert(), receiver=sent).receiver == receiver


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        pytest.param({"truncatedAlerts": 7}, (None, None, 7), id="truncated"),
        pytest.param({"truncatedAlerts": -1}, (None, None, 0), id="less-than-none-truncated"),
        pytest.param({"truncatedAlerts": None}, (None, None, 0), id="null-truncated"),
        pytest.param({"groupKey": "k", "externalURL": "http://am"}, ("k", "http://am", 0), id="group-and-sender"),
        pytest.param({"groupKey": "k" * 9000}, ("k" * 4087 + " …[cut]", None, 0), id="long-group-key"),
        pytest.param({"groupKey": 1, "externalURL": []}, (None, None, 0), id="wrong-types-cost-no-alert"),
        pytest.param({"version": 4}, (None, None, 0), id="version-as-a-number"),
        pytest.param({"version": "1", "orgId": 1}, (None, None, 0), id="another-version"),
        pytest.param({"version": None, "notification_reason": [], "routeLabels": {}}, (None, None, 0), id="new-keys"),
        pytest.param({"status": "resolved"}, (None, None, 0), id="the-group-s-status-is-not-the-alert-s"),
    ],
)
def test_what_stands_around_the_alerts_is_attributes_only(around: dict[str, Any], expected: Any) -> None:
    parsed = read(alert(), **around)
    assert (parsed.group_key, parsed.sender, parsed.truncated_count) == expected
    assert [event.state for event in parsed.events] == [AlertState.FIRING]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"annotations": None}, id="annotations"),
        pytest.param({"generatorURL": None}, id="generator"),
        pytest.param({"fingerprint": None}, id="fingerprint"),
        pytest.param({"endsAt": None}, id="end"),
        pytest.param({"values": None, "dashboardURL": None, "panelURL": None}, id="grafanas"),
    ],
)
def test_null_means_not_given(changes: dict[str, None]) -> None:
    (event,) = read(alert(**changes)).events
    assert event.fingerprint == fingerprint(alert()["labels"])


def test_only_status_and_labels_are_needed() -> None:
    (event,) = read({"status": "firing", "labels": {"model": "churn"}}).events
    assert (event.starts_at, event.annotations, event.links, event.severity) == (None, {}, (), Severity.WARNING)


def test_empty_labels_are_dropped_and_empty_annotations_kept() -> None:
    (event,) = read(alert(labels={"a": "1", "b": ""}, annotations={"summary": ""})).events
    assert (event.labels, event.annotations) == ({"a": "1"}, {"summary": ""})
    assert event.fingerprint == fingerprint({"a": "1"})


def test_an_operators_own_word_beats_the_known_ones() -> None:
    (event,) = parse(body(alert(labels={"severity": "sev1"})), SeverityRule({"sev1": Severity.CRITICAL})).events
    assert event.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        pytest.param({"severity": "critical"}, Severity.CRITICAL, id="critical"),
        pytest.param({"severity": "page"}, Severity.CRITICAL, id="page"),
        pytest.param({"severity": "WARN"}, Severity.WARNING, id="any-case"),
        pytest.param({}, Severity.WARNING, id="missing"),
        pytest.param({"severity": "purple"}, Severity.WARNING, id="unknown"),
        pytest.param({"severity": "none"}, Severity.INFO, id="watchdogs-none"),
    ],
)
def test_the_severity_label_is_read_as_people_write_it(changes: dict[str, str], severity: Severity) -> None:
    (event,) = read(alert(labels={"alertname": "x", **changes})).events
    assert event.severity is severity


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(alert(labels={"a": 1}), "labels", id="number-label"),
        pytest.param(alert(labels={"a": None}), "labels: expected `str`, got `null`", id="null-label"),
        pytest.param(alert(labels={"severity": ["critical"]}), "labels: expected `str`", id="list-label"),
        pytest.param(alert(labels={}), "labels", id="no-labels"),
        pytest.param(alert(labels={"a": ""}), "labels", id="only-empty-labels"),
        pytest.param({"status": "firing"}, "labels: missing", id="labels-missing"),
        pytest.param(alert(annotations={"a": 1}), "annotations: expected `str`", id="number-annotation"),
        pytest.param(alert(labels=None), "labels", id="null-labels"),
        pytest.param(alert(status="bogus"), "status", id="status"),
        pytest.param({"labels": {"a": "b"}}, "status", id="no-status"),
        pytest.param(alert(startsAt="yesterday"), "startsAt", id="start"),
        pytest.param("text", "object", id="not-an-object"),
        pytest.param(None, "object", id="null"),
        pytest.param(alert(startsAt=1772442000), "startsAt", id="start-as-a-number"),
        pytest.param(alert(values={"A": "high"}), "values", id="text-value"),
        pytest.param(alert(labels={f"l{n}": "v" for n in range(65)}), "at most 64", id="65-labels"),
        pytest.param(alert(labels={"n" * 300: "v"}), "too long", id="long-name"),
    ],
)
def test_a_bad_alert_is_set_aside_and_its_neighbours_live(bad: Any, reason: str) -> None:
    parsed = read(alert(), bad, alert(labels={"alertname": "Other"}))
    assert [event.labels["alertname"] for event in parsed.events] == ["Drift", "Other"]
    (item,) = parsed.bad
    assert item.index == 1
    assert reason in item.reason
    with pytest.raises(BadPayloadError):
        parse_one(item.raw, WORDS)


@pytest.mark.parametrize(
    ("raw", "field", "said"),
    [
        pytest.param(b"", "", "truncated", id="empty"),
        pytest.param(b"[]", "", "expected `object`, got `array`", id="list"),
        pytest.param(b'"text"', "", "expected `object`, got `str`", id="text"),
        pytest.param(b"12", "", "expected `object`, got `int`", id="number"),
        pytest.param(b"null", "", "expected `object`, got `null`", id="null"),
        pytest.param(b"{}", "alerts", "alerts: missing", id="no-alerts"),
        pytest.param(b'{"text": "Model {{ .x }} drifts"}', "alerts", "leave it out", id="a-payload-of-its-own"),
        pytest.param(b'{"alerts":null}', "alerts", "alerts: expected `array`, got `null`", id="null-alerts"),
        pytest.param(b'{"alerts":{"firing":[]}}', "alerts", "got `object`", id="alerts-by-state"),
        pytest.param(b'{"alerts":[],}', "", "malformed", id="trailing-comma"),
        pytest.param(b'{"alerts":[{"status":NaN}]}', "", "malformed", id="nan"),
        pytest.param(b'\xff{"alerts":[]}', "", "malformed", id="not-utf-8"),
        pytest.param('{"alerts":[]}'.encode("utf-16"), "", "malformed", id="utf-16"),
        pytest.param(b"[" * 100_000, "", "got `array`", id="100k-deep"),
        pytest.param(b'{"x":' + b"[" * 100_000, "", "nested too deeply", id="100k-deep-beside"),
        pytest.param(b'{"alerts":[' + b'{"labels":' * 100_000, "", "nested too deeply", id="100k-deep-inside"),
        pytest.param(b"\xef\xbb\xbf{}", "alerts", "alerts: missing", id="byte-order-mark-before-nothing"),
        pytest.param(b'{"alerts":[]} {}', "", "trailing characters", id="trailing-data"),
    ],
)
def test_what_is_no_webhook_is_refused_naming_the_field(raw: bytes, field: str, said: str) -> None:
    with pytest.raises(BadPayloadError, match="not an Alertmanager webhook") as refused:
        parse(raw, WORDS)
    assert refused.value.field == field
    assert said.lower() in str(refused.value).lower()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"alerts":[]}\n', id="line-end"),
        pytest.param(b'\xef\xbb\xbf{"alerts":[]}', id="byte-order-mark"),
        pytest.param(b'{"alerts":[{}],"alerts":[]}', id="the-last-of-two-keys-counts"),
        pytest.param(b'{"alerts":[],"note":"\xff"}', id="bad-bytes-in-an-unknown-key"),
        pytest.param(b'{"alerts":[],"groupKey":"\xff"}', id="bad-bytes-in-an-attribute"),
    ],
)
def test_a_webhook_without_alerts_is_read(raw: bytes) -> None:
    assert parse(raw, WORDS).received_count == 0


def test_bytes_that_are_not_utf_8_cost_their_own_alert_only() -> None:
    broken = b'{"status":"firing","labels":{"a":"\xe9t\xe9"}}'
    parsed = parse(b'{"alerts":[' + broken + b',{"status":"firing","labels":{"a":"b"}}]}', WORDS)
    assert [event.labels for event in parsed.events] == [{"a": "b"}]
    assert [(item.index, item.reason, item.raw) for item in parsed.bad] == [(0, "the text is not UTF-8", broken)]


def test_what_is_set_aside_is_kept_byte_for_byte() -> None:
    odd = b'{ "status": "firing",  "labels": {"a": ""}, "unknown": [1e2, "\\u00e9"] }'
    (item,) = parse(b'{"alerts":[' + odd + b"]}", WORDS).bad
    assert item.raw == odd


def test_half_a_character_costs_no_alert() -> None:
    half = b'{"status":"firing","labels":{"a":"x\\ud800y"}}'
    whole = b'{"status":"firing","labels":{"a":"\\ud83d\\ude00"}}'
    parsed = parse(b'{"alerts":[' + half + b"," + whole + b"]}", WORDS)
    assert [event.labels["a"] for event in parsed.events] == ["x\ufffdy", "😀"]


def test_controls_are_replaced_and_long_texts_are_cut_with_a_mark() -> None:
    sent = alert(
        labels={"alertname": "a\x00b", "long": "v" * 9000}, annotations={"summary": "x" * 40_000, "nul": "\x00"}
    )
    (event,) = read(sent).events
    assert event.labels["alertname"] == "a\ufffdb"
    assert len(event.labels["long"].encode()) == 4096
    assert event.fingerprint == fingerprint(sent["labels"])
    assert event.labels["long"].endswith("[cut]")
    assert event.annotations["summary"].endswith("[cut]")
    assert event.annotations["nul"] == "\ufffd"


GENERATOR = ("Source", "http://prometheus.example/graph")


@pytest.mark.parametrize(
    ("changes", "links"),
    [
        pytest.param({}, [GENERATOR], id="source"),
        pytest.param({"generatorURL": "javascript:alert(1)"}, [], id="web-addresses-only"),
        pytest.param({"generatorURL": "http://p.example/" + "x" * 3000}, [], id="a-cut-address-leads-nowhere"),
        pytest.param(
            {"annotations": {"runbook_url": "https://w.example/r"}},
            [GENERATOR, ("Runbook", "https://w.example/r")],
            id="runbook",
        ),
        pytest.param(
            {"annotations": {"dashboard_url": "https://g.example/d", "panel_url": "https://g.example/p"}},
            [GENERATOR, ("Dashboard", "https://g.example/d"), ("Panel", "https://g.example/p")],
            id="dashboard-and-panel",
        ),
        pytest.param(
            {"annotations": {"dashboard_url": "https://g.example/d"}, "dashboardURL": "https://g.example/d"},
            [GENERATOR, ("Dashboard", "https://g.example/d")],
            id="each-address-once",
        ),
        pytest.param({"annotations": {"runbook_url": "see the wiki"}}, [GENERATOR], id="a-sentence-is-no-link"),
    ],
)
def test_links_lead_to_web_addresses(changes: dict[str, Any], links: list[tuple[str, str]]) -> None:
    (event,) = read(alert(**changes)).events
    assert [(link.title, link.url) for link in event.links] == links


def test_a_supplied_fingerprint_is_kept_when_it_is_one() -> None:
    (given,) = read(alert(fingerprint="00000000000000ab")).events
    (made,) = read(alert(fingerprint="../../etc")).events
    assert given.fingerprint == "00000000000000ab"
    assert made.fingerprint == fingerprint({"alertname": "Drift", "model": "churn"})


def test_five_thousand_alerts_are_read() -> None:
    parsed = read(*(alert(labels={"alertname": "Bulk", "n": str(n)}) for n in range(5000)))
    assert len(parsed.events) == 5000


@pytest.mark.parametrize("last", [alert(), 1], ids=["good", "bad"])
def test_thirty_thousand_alerts_are_the_most(last: Any) -> None:
    assert read(*[alert()] * 29_999, last).received_count == MOST_ALERTS == 30_000
    with pytest.raises(BadPayloadError, match=r"alerts: 30001 in one request; .* max_alerts"):
        read(*[alert()] * 30_000, last)


@pytest.mark.parametrize("file", ["README.md", "config/alertsvc.full.yaml"])
def test_how_many_alerts_are_taken_at_once_is_said_where_people_look(file: str) -> None:
    assert f"{MOST_ALERTS:,} alerts" in (ROOT / file).read_text()


def test_grafanas_superset_is_read() -> None:
    sent = alert(
        values={"B": 0.41},
        dashboardURL="https://g.example/d/1",
        panelURL="",
        silenceURL="https://g.example/s",
        imageURL="",
        valueString="x",
        orgId=1,
    )
    (event,) = read(sent, orgId=1, title="t", state="alerting", message="m", version="1").events
    assert event.value == 0.41
    assert [link.url for link in event.links] == ["http://prometheus.example/graph", "https://g.example/d/1"]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        pytest.param({"annotations": {"grafana_state_reason": "MissingSeries"}}, AlertState.FIRING, id="no-data"),
        pytest.param({}, AlertState.RESOLVED, id="a-recovery"),
    ],
)
def test_what_grafana_ended_for_want_of_data_has_not_recovered(changes: dict[str, Any], state: AlertState) -> None:
    """By this door, too: it is Alertmanager's, and takes what Grafana sends to one."""
    (event,) = read(alert(status="resolved", endsAt="2026-03-02T09:00:00Z", **changes)).events
    assert event.state is state


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        pytest.param({"values": {"A": 0.5}}, 0.5, id="the-only-one"),
        pytest.param({"values": {"A": 0.5, "C": 1}}, None, id="one-of-two-is-not-known"),
        pytest.param({"values": {"A": None}}, None, id="null"),
        pytest.param({"values": {}}, None, id="none"),
        pytest.param(
            {"values": {"A": -1}, "annotations": {"grafana_state_reason": "NoData"}}, None, id="no-data-is-no-value"
        ),
    ],
)
def test_grafanas_value_is_taken_when_there_is_one(changes: dict[str, Any], value: float | None) -> None:
    (event,) = read(alert(**changes)).events
    assert event.value == value
