"""Direct events: what each field means, and how a slip is answered."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertsvc.core.model import Event, Window
from alertsvc.core.severity import SeverityRule
from alertsvc.ingest.event_fields import ALIASES, FIELDS
from alertsvc.ingest.events import parse
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.ingest.parsed import BadPayloadError

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORDS = SeverityRule()


def sent(**fields: Any) -> dict[str, Any]:
    return {"model": "churn", "metric": "psi", **fields}


def read(**fields: Any) -> Event:
    parsed = parse(json.dumps(sent(**fields)).encode(), NOW, WORDS)
    assert parsed.refused == ()
    return parsed.events[0][1]


def refusal(item: Any) -> str:
    parsed = parse(json.dumps([item]).encode(), NOW, WORDS)
    assert parsed.events == ()
    return parsed.refused[0].reason


IDENTITY = {"alertname": "psi", "model": "churn", "environment": "production", "kind": "data_drift"}


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        pytest.param({}, {}, id="the-least"),
        pytest.param({"metric": " PSI "}, {}, id="metric-in-lower-case"),
        pytest.param({"model": " churn "}, {}, id="model-without-spaces-around"),
        pytest.param({"feature": "age"}, {"feature": "age"}, id="feature"),
        pytest.param({"column": "age"}, {"feature": "age"}, id="column-is-feature"),
        pytest.param({"dataset": "loans"}, {"dataset": "loans"}, id="dataset"),
        pytest.param({"environment": "staging"}, {"environment": "staging"}, id="environment"),
        pytest.param({"model_version": "7"}, {"model_version": "7"}, id="version-only-when-given"),
        pytest.param({"test": "PSI"}, {"test": "PSI"}, id="test"),
        pytest.param({"kind": "custom"}, {"kind": "custom"}, id="kind"),
        pytest.param({"segment": {"country": "BR"}}, {"segment_country": "BR"}, id="segment"),
        pytest.param({"labels": {"team": "ml", "empty": ""}}, {"team": "ml"}, id="own-labels"),
        pytest.param(
            {"feature": None, "segment": None, "labels": None, "environment": None}, {}, id="null-is-not-given"
        ),
        pytest.param({"feature": "", "dataset": ""}, {}, id="empty-is-no-label"),
        pytest.param({"feature": "a\x00"}, {"feature": "a\ufffd"}, id="cleaned"),
        pytest.param({"feature": "f" * 5000}, {"feature": "f" * 4087 + " …[cut]"}, id="cut-with-a-mark"),
    ],
)
def test_the_labels_say_what_the_event_is_about(fields: dict[str, Any], labels: dict[str, str]) -> None:
    assert read(**fields).labels == {**IDENTITY, **labels}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        pytest.param({"value": 0.1, "breached": True}, {"value": 0.9, "breached": False}, True, id="not-the-value"),
        pytest.param({"severity": "info"}, {"severity": "critical"}, True, id="not-the-severity"),
        pytest.param({"run_id": "1"}, {"run_id": "2"}, True, id="not-the-run"),
        pytest.param({"feature": "age"}, {"feature": "income"}, False, id="the-feature"),
        pytest.param({"model_version": "1"}, {"model_version": "2"}, False, id="the-version"),
        pytest.param({"segment": {"a": "1"}}, {"segment": {"a": "2"}}, False, id="the-segment"),
        pytest.param({"test": "psi"}, {}, False, id="the-test"),
        pytest.param({"feature": "f" * 5000 + "a"}, {"feature": "f" * 5000 + "b"}, False, id="also-what-is-cut"),
        pytest.param({"dedup_key": "k", "feature": "a"}, {"dedup_key": "k", "feature": "b"}, True, id="own-key"),
        pytest.param({"dedup_key": "k"}, {"dedup_key": "l"}, False, id="another-own-key"),
    ],
)
def test_identity_is_the_labels_or_the_senders_key(one: dict[str, Any], other: dict[str, Any], is_same: bool) -> None:
    assert (read(**one).fingerprint == read(**other).fingerprint) is is_same


def test_identity_is_computed_as_alertmanager_does() -> None:
    assert read().fingerprint == fingerprint(IDENTITY)


@pytest.mark.parametrize(
    ("observed_at", "expected"),
    [
        pytest.param(None, NOW, id="as-it-arrived"),
        pytest.param("2026-03-01T00:00:00Z", datetime(2026, 3, 1, tzinfo=UTC), id="utc"),
        pytest.param("2026-03-02T06:00:00+05:30", datetime(2026, 3, 2, 0, 30, tzinfo=UTC), id="offset"),
        pytest.param("2026-03-02T09:05:00Z", datetime(2026, 3, 2, 9, 5, tzinfo=UTC), id="five-minutes-ahead"),
    ],
)
def test_an_observation_has_its_time(observed_at: str | None, expected: datetime) -> None:
    assert read(observed_at=observed_at).observed_at == expected


@pytest.mark.parametrize(
    ("sent_as", "hours"),
    [("26h", 26.0), ("1d2h", 26.0), ("P1DT2H", 26.0), ("PT90M", 1.5), ("P1W", 168.0), (None, None)],
)
def test_a_sender_says_when_the_next_observation_is_expected(sent_as: str | None, hours: float | None) -> None:
    observation = read(expect_next_within=sent_as).observation
    assert observation is not None
    assert observation.expect_next_within == (None if hours is None else timedelta(hours=hours))


def test_a_window_is_kept_and_judges_nothing() -> None:
    window = {"start": "2026-03-01T00:00:00+01:00", "end": None, "n_reference": 800, "n_current": 3}
    event = read(window=window, value=0.4, threshold=0.2)
    assert event.window == Window(datetime(2026, 2, 28, 23, tzinfo=UTC), None, 800, 3)
    assert event.decided_by == "request.threshold"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        pytest.param({"description": "why\x00"}, {"description": "why\ufffd"}, id="description"),
        pytest.param({"run_id": "r1", "experiment_id": "e1"}, {"run_id": "r1", "experiment_id": "e1"}, id="run"),
        pytest.param({"details": {"top": ["age"], "n": 3}}, {"details": '{"top":["age"],"n":3}'}, id="details"),
        pytest.param({"details": {}}, {}, id="no-details"),
        pytest.param({"details": {"x": float("nan")}}, {"details": '{"x":null}'}, id="nan-in-details"),
        pytest.param({"expect_next_within": None}, {}, id="nothing-expected"),
    ],
)
def test_the_rest_is_shown(fields: dict[str, Any], shown: dict[str, str]) -> None:
    annotations = dict(read(**fields).annotations)
    assert annotations.pop("summary")
    assert annotations == shown


def test_links_must_be_web_addresses() -> None:
    links = [{"url": "javascript:alert(1)"}, {"url": "https://mlflow.example/run/1", "title": "Run"}]
    assert [(link.title, link.url) for link in read(links=links).links] == [("Run", "https://mlflow.example/run/1")]


@pytest.mark.parametrize("text", ["e", "e" * 255, "ação/1"], ids=["short", "255", "any-text"])
def test_an_event_id_is_kept(text: str) -> None:
    assert read(event_id=text).event_id == text


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        pytest.param(sent(treshold=1), "treshold: unknown field; did you mean 'threshold'?", id="slip"),
        pytest.param(sent(Value=1), "Value: unknown field; did you mean 'value'?", id="case"),
        pytest.param(sent(kolumn="a"), "kolumn: unknown field; did you mean 'column'?", id="slip-of-an-alias"),
        pytest.param(sent(xyzzy=1), "xyzzy: unknown field; free content goes into labels or details", id="unknown"),
        pytest.param(sent(**{"a\x00" * 100: 1}), "a\ufffda\ufffd", id="hostile-name-is-cleaned"),
        pytest.param(sent(feature="a", column="b"), "column: means the same as another field", id="alias-and-name"),
        pytest.param(sent(value=1, score=1), "score: means the same", id="score-and-value"),
        pytest.param({"metric": "psi"}, "model: missing; every event names its model and its metric", id="no-model"),
        pytest.param({"model": "m"}, "metric: missing", id="no-metric"),
        pytest.param(sent(model=None), "model: missing", id="null-model"),
        pytest.param(sent(metric={}), "metric: expected `str`, got `object`", id="object-metric"),
        pytest.param(sent(model=" "), "model: must not be empty", id="blank-model"),
        pytest.param(sent(metric=""), "metric: must not be empty", id="empty-metric"),
        pytest.param(
            sent(value="0.3"), "value: expected `float | null`, got `str`; send a JSON number", id="text-value"
        ),
        pytest.param(
            sent(value=True), "value: expected `float | null`, got `bool`; send a JSON number", id="true-value"
        ),
        pytest.param(sent(value=10**400), "value: number out of range", id="huge-value"),
        pytest.param(sent(breached="yes"), "breached: expected `bool | null`, got `str`; send true or false", id="yes"),
        pytest.param(sent(kind="bug"), "kind: 'bug' is none of data_drift, target_drift", id="unknown-kind"),
        pytest.param(sent(kind="data-drift"), "did you mean 'data_drift'?", id="slip-of-a-kind"),
        pytest.param(sent(direction="up"), "direction: 'up' is none of above, below, outside", id="direction"),
        pytest.param(sent(status="ok"), "status: 'ok' is none of firing, resolved", id="status"),
        pytest.param(sent(score_type="x"), "score_type: 'x' is none of p_value, distance", id="score-type"),
        pytest.param(sent(observed_at="2026-03-02T09:00:00"), "observed_at: give a time zone", id="no-zone"),
        pytest.param(
            sent(observed_at="yesterday"), "observed_at: invalid RFC3339 encoded datetime; send", id="no-time"
        ),
        pytest.param(sent(observed_at=1772442000), "observed_at: expected `datetime | null`", id="unix-time"),
        pytest.param(sent(observed_at="2026-03-02T09:05:01Z"), "observed_at: lies more than 5 minutes", id="future"),
        pytest.param(sent(observed_at="1969-03-02T09:05:01Z"), "observed_at: must be a time from 1970", id="past"),
        pytest.param(sent(window={"start": "2026-03-02T09:00:00"}), "window.start: give a time zone", id="window-zone"),
        pytest.param(sent(window={"n_current": -1}), "window.n_current: expected `int` >= 0", id="less-than-no-rows"),
        pytest.param(sent(window={"rows": 1}), "window: object contains unknown field `rows`", id="window-field"),
        pytest.param(sent(event_id=""), "event_id: 1 to 255", id="empty-event-id"),
        pytest.param(sent(event_id="a\x00"), "event_id: 1 to 255", id="nul-in-event-id"),
        pytest.param(sent(dedup_key="k" * 256), "dedup_key: 1 to 255", id="long-dedup-key"),
        pytest.param(sent(details={"x": "y" * 70_000}), "details: more than 64 KiB", id="large-details"),
        pytest.param(sent(details=[1]), "details: expected `object`, got `array`", id="details-list"),
        pytest.param(sent(labels={"model": "x"}), "labels: 'model' is made from", id="label-clash"),
        pytest.param(sent(labels={"severity": "x"}), "labels: 'severity' is made from", id="severity-is-a-field"),
        pytest.param(
            sent(labels={"segment_a": "x"}, segment={"a": "y"}), "labels: 'segment_a' is made", id="segment-clash"
        ),
        pytest.param(sent(labels={"n": 1}), "labels: expected `str`, got `int`; names and values", id="number-label"),
        pytest.param(sent(labels={"n" * 257: "x"}), "labels: the name", id="long-label-name"),
        pytest.param(sent(labels={f"l{n}": "v" for n in range(65)}), "labels: 69 of them", id="too-many-labels"),
        pytest.param(sent(segment={"a": None}), "segment: expected `str`, got `null`", id="null-segment"),
        pytest.param(
            sent(links=["https://a.example"]), "links[0]: expected `object`, got `str`; send [{", id="bare-link"
        ),
        pytest.param(sent(links=[{"title": "Run"}]), "links[0].url: missing", id="link-without-url"),
        pytest.param(sent(model_version=7), "model_version: expected `str | null`, got `int`", id="number-version"),
        pytest.param(sent(expect_next_within="soon"), "expect_next_within: a duration such as 30s", id="no-duration"),
        pytest.param(sent(expect_next_within=""), "expect_next_within: a duration such as 30s", id="empty-duration"),
        pytest.param(sent(expect_next_within=26), 'send a duration such as "26h"', id="a-number-of-what"),
        pytest.param(sent(expect_next_within="1s"), "expect_next_within: from 10s to 400d", id="too-soon"),
        pytest.param(sent(expect_next_within="P9999W"), "expect_next_within: from 10s to 400d", id="too-late"),
        pytest.param(sent(expect_next_within="P"), "expect_next_within: a duration such as 30s", id="no-iso-8601"),
        pytest.param(sent(feature="\ud800"), "feature: has half a character", id="half-a-character"),
        pytest.param(sent(details={"\udc00": 1}), "details: has half a character", id="half-a-character-inside"),
        pytest.param([], "an event is an object", id="list"),
        pytest.param(None, "an event is an object", id="null"),
    ],
)
def test_a_slip_is_refused_naming_field_and_fix(item: Any, reason: str) -> None:
    assert reason.lower() in refusal(item).lower()


@pytest.mark.parametrize("field", [*FIELDS, *ALIASES])
def test_a_slip_in_any_field_leads_to_it(field: str) -> None:
    assert f"did you mean {field!r}?" in refusal(sent(**{field + field[-1]: "x"}))


@pytest.mark.parametrize(
    ("raw", "count"),
    [
        pytest.param(sent(), 1, id="one"),
        pytest.param([sent(), sent(feature="age")], 2, id="list"),
        pytest.param({"events": [sent()]}, 1, id="wrapped"),
        pytest.param([], 0, id="none"),
        pytest.param([sent()] * 1000, 1000, id="a-thousand"),
    ],
)
def test_three_shapes_are_taken(raw: Any, count: int) -> None:
    parsed = parse(json.dumps(raw).encode(), NOW, WORDS)
    assert len(parsed.events) == count


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        pytest.param(sent(value="high"), "/value", id="type"),
        pytest.param(sent(severity="mild"), "/severity", id="word"),
        pytest.param(sent(nope=1), "/nope", id="unknown"),
        pytest.param({**sent(), "a/b~c.d": 1}, "/a~1b~0c.d", id="unknown-with-signs"),
        pytest.param({"metric": "psi"}, "/model", id="missing"),
        pytest.param(sent(links=[{"url": "http://a"}, {"url": 1}]), "/links/1/url", id="nested"),
        pytest.param(sent(links=[{}]), "/links/0/url", id="missing-within"),
        pytest.param(sent(window={"start": "2026-01-31T09:00:00"}), "/window/start", id="no-zone"),
        pytest.param({"model": "m", "metric": "psi", "score": "x"}, "/score", id="by-its-other-name"),
        pytest.param({"model": "m", "metric": "odd", "value": 1, "threshold": 2}, "/threshold", id="verdict"),
        pytest.param(sent(labels={"model": "x"}), "/labels", id="labels"),
        pytest.param(7, "", id="no-object"),
    ],
)
def test_what_is_refused_is_pointed_at_in_the_shape_of_the_body(bad: Any, place: str) -> None:
    shapes = [(bad, place), ([sent(), bad], f"/1{place}"), ({"events": [sent(), bad]}, f"/events/1{place}")]
    for raw, pointer in shapes if isinstance(bad, dict) else shapes[1:]:
        (refused,) = parse(json.dumps(raw).encode(), NOW, WORDS).refused
        assert (refused.pointer, bool(refused.reason)) == (pointer, True)


def test_good_items_are_taken_beside_bad_ones_and_each_is_accounted_for() -> None:
    parsed = parse(json.dumps([sent(), sent(nope=1), sent(feature="age"), 7]).encode(), NOW, WORDS)
    assert [index for index, _ in parsed.events] == [0, 2]
    assert [item.index for item in parsed.refused] == [1, 3]


@pytest.mark.parametrize(
    ("raw", "count"),
    [
        pytest.param(b'\xef\xbb\xbf{"model":"m","metric":"psi"}', 1, id="byte-order-mark"),
        pytest.param(b'[{"model":"m","metric":"psi","value":NaN},{"model":"m","metric":"psi"}]', 2, id="nan"),
        pytest.param(b'{"model":"m","metric":"psi","value":1e999}', 1, id="more-than-a-number"),
        pytest.param(b'{"model":"m","metric":"psi","metric":"ks"}', 1, id="the-last-of-two-keys-counts"),
        pytest.param(b'[{"model":"\\ud800","metric":"psi"},{"model":"m","metric":"psi"}]', 1, id="half-a-character"),
    ],
)
def test_odd_notation_costs_no_good_event(raw: bytes, count: int) -> None:
    assert len(parse(raw, NOW, WORDS).events) == count


@pytest.mark.parametrize(
    ("raw", "field", "said"),
    [
        pytest.param(b"", "", "not JSON", id="empty"),
        pytest.param(b"nonsense", "", "not JSON", id="nonsense"),
        pytest.param(b"1", "", "send one event", id="number"),
        pytest.param(b"NaN", "", "send one event", id="nan"),
        pytest.param(b'"x"', "", "send one event", id="text"),
        pytest.param(b'{"events": 1}', "events", "events: a list of events", id="events-is-no-list"),
        pytest.param(
            b'{"events": [], "model": "m"}', "model", "model: unknown field beside events", id="beside-events"
        ),
        pytest.param(b"[" * 100_000, "", "nested too deeply", id="100k-deep"),
        pytest.param(b'{"details":' * 100_000, "", "nested too deeply", id="100k-deep-objects"),
        pytest.param(b"[NaN," + b"[" * 100_000, "", "not JSON", id="100k-deep-after-nan"),
        pytest.param(b"\xff", "", "not JSON", id="bad-bytes"),
        pytest.param(b'{"model":"\xff","metric":"psi"}', "", "not UTF-8", id="bad-bytes-in-a-text"),
        pytest.param('{"model":"m","metric":"psi"}'.encode("utf-16"), "", "not JSON", id="utf-16"),
        pytest.param(b'{"model":"m","metric":"psi"} {}', "", "trailing", id="trailing-data"),
        pytest.param(b'{"model":"m","metric":"psi","value":' + b"9" * 5000 + b"}", "", "range", id="5000-digits"),
        pytest.param(json.dumps([sent()] * 1001).encode(), "events", "1001 in one request; at most 1000", id="1001"),
    ],
)
def test_what_is_none_of_the_shapes_is_refused(raw: bytes, field: str, said: str) -> None:
    with pytest.raises(BadPayloadError) as refused:
        parse(raw, NOW, WORDS)
    assert (refused.value.field, said in str(refused.value)) == (field, True), str(refused.value)


def test_an_observation_has_only_names_that_can_be_stored() -> None:
    sent = {"model": "churn\0", "metric": "psi", "value": 0.1, "feature": "a\0ge" + "x" * 10_000, "dataset": "\0"}
    ((_, event),) = parse(json.dumps(sent).encode(), NOW, SeverityRule()).events
    assert event.observation is not None
    assert (event.observation.model, event.observation.feature) == (event.labels["model"], event.labels["feature"])
    assert event.observation.dataset == event.labels["dataset"]
