"""Whatever comes: it is read or refused, every item is accounted for, and it takes no long time."""

import contextlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alertsvc.core.severity import SeverityRule
from alertsvc.ingest import SOURCES, alertmanager, events, grafana
from alertsvc.ingest.clean import has_controls
from alertsvc.ingest.event_fields import FIELDS
from alertsvc.ingest.parsed import BadPayloadError
from alertsvc.ingest.tools import reading
from alertsvc.ingest.tools.context import Context
from tests.ingest.expected_captures import CAPTURES
from tests.ingest.ml_captures import raw as recorded

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORDS = SeverityRule()
MANY = settings(max_examples=150, deadline=None)
SECONDS_FOR_A_MEGABYTE = 2.0

Door = Callable[[bytes], object]


def hook(raw: bytes) -> object:
    return alertmanager.parse(raw, WORDS)


def direct(raw: bytes) -> object:
    return events.parse(raw, NOW, WORDS)


def tool(source: str) -> Door:
    def door(raw: bytes) -> object:
        return reading.parse(source, raw, Context(model="m"), NOW, WORDS)

    door.__name__ = source
    return door


def panels(raw: bytes) -> object:
    return grafana.parse(raw, WORDS)


TOOLS = [tool(source) for source in reading.READERS]
DOORS = pytest.mark.parametrize("door", [hook, direct, panels, *TOOLS], ids=lambda door: door.__name__)
ANY_CHARACTER = st.characters(exclude_categories=())
TEXT = st.text(ANY_CHARACTER, max_size=12)


def json_values(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | numbers | TEXT,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
        max_leaves=10,
    )


STRICT_JSON = json_values(st.floats(allow_nan=False, allow_infinity=False))
PYTHONS_JSON = json_values(st.floats())


def test_every_source_has_its_reader() -> None:
    assert SOURCES["alertmanager"] is alertmanager.parse
    assert SOURCES["grafana"] is grafana.parse


@DOORS
@given(raw=st.binary(max_size=300) | TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(raw=b'{"alerts":[{"status":"firing","labels":{"a":"\xff"}}]}')
@MANY
def test_any_bytes_are_read_or_refused(door: Door, raw: bytes) -> None:
    with contextlib.suppress(BadPayloadError):
        door(raw)


@DOORS
@given(value=PYTHONS_JSON | st.fixed_dictionaries({"alerts": PYTHONS_JSON, "events": PYTHONS_JSON}))
@MANY
def test_any_json_is_read_or_refused(door: Door, value: Any) -> None:
    with contextlib.suppress(BadPayloadError):
        door(json.dumps(value).encode())


RECORDED = {capture.file: json.loads(capture.body) for capture in CAPTURES if capture.firing + capture.resolved < 5}
ALERT_FIELDS = ("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint", "values")


@given(st.data())
@MANY
def test_a_changed_alert_is_accounted_for_and_its_neighbours_are_untouched(data: st.DataObject) -> None:
    original = RECORDED[data.draw(st.sampled_from(sorted(RECORDED)))]
    alerts: list[Any] = list(original["alerts"])
    index = data.draw(st.integers(0, len(alerts) - 1))
    field = data.draw(st.sampled_from(ALERT_FIELDS))
    changed = {**alerts[index], field: data.draw(STRICT_JSON)}
    if data.draw(st.booleans()):
        del changed[field]
    alerts[index] = data.draw(st.just(changed) | STRICT_JSON)
    parsed = alertmanager.parse(json.dumps({**original, "alerts": alerts}).encode(), WORDS)
    untouched = list(alertmanager.parse(json.dumps(original).encode(), WORDS).events)
    del untouched[index]
    assert parsed.received_count == len(alerts)
    assert [item.index for item in parsed.bad] in ([], [index])
    assert all(event in parsed.events for event in untouched)


@given(st.data())
@MANY
def test_what_stands_around_the_alerts_never_costs_one(data: st.DataObject) -> None:
    original = RECORDED["12-group-partially-resolved.json"]
    keys = [key for key in original if key != "alerts"] + ["unknown"]
    around = data.draw(st.dictionaries(st.sampled_from(keys), STRICT_JSON, max_size=5))
    parsed = alertmanager.parse(json.dumps({**original, **around}).encode(), WORDS)
    assert (len(parsed.events), parsed.bad) == (4, ())


@given(st.data())
@MANY
def test_changed_bytes_of_a_recording_are_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(CAPTURES[11].body)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(BadPayloadError):
        assert alertmanager.parse(bytes(raw), WORDS).received_count <= 5


@given(st.lists(st.dictionaries(st.sampled_from([*FIELDS, "column", "score"]), PYTHONS_JSON, max_size=6), max_size=4))
@MANY
def test_every_direct_event_is_taken_or_refused_with_a_reason(changes: list[dict[str, Any]]) -> None:
    items = [{"model": "churn", "metric": "psi", "value": 0.3, "threshold": 0.2, **change} for change in changes]
    parsed = events.parse(json.dumps(items).encode(), NOW, WORDS)
    taken = [index for index, _ in parsed.events]
    refused = [item.index for item in parsed.refused]
    assert sorted(taken + refused) == list(range(len(items)))
    assert all(item.reason and not has_controls(item.reason) for item in parsed.refused)


REPORTS = {
    "evidently": ("evidently/v07_explicit_tests.json", "evidently/v04_testsuite_error_drift_json.json"),
    "great_expectations": ("great_expectations/custom_action_request.json",),
    "nannyml": ("other/nannyml_cbpe_estimated_performance_records.json",),
    "alibi_detect": ("other/alibi_detect_ksdrift_feature.json",),
    "whylogs": ("other/whylogs_constraints_report.json",),
}
PLACES = [(source, file) for source, files in REPORTS.items() for file in files]


def changed_somewhere(value: Any, data: st.DataObject, depth: int = 0) -> Any:
    """`value` with something else in one place of it."""
    if isinstance(value, dict | list) and value and (depth < 2 or data.draw(st.integers(0, 3))):
        places = sorted(value) if isinstance(value, dict) else range(len(value))
        at = data.draw(st.sampled_from(places))
        found: Any = dict(value) if isinstance(value, dict) else list(value)
        found[at] = changed_somewhere(value[at], data, depth + 1)
        return found
    return data.draw(PYTHONS_JSON)


@pytest.mark.parametrize(("source", "file"), PLACES)
@given(data=st.data())
@MANY
def test_a_report_with_anything_in_any_place_is_read_or_refused(source: str, file: str, data: st.DataObject) -> None:
    report = json.loads(recorded(file))
    body = json.dumps(changed_somewhere(report.get("body", report) if isinstance(report, dict) else report, data))
    for split in (None, {"evidently": "feature", "great_expectations": "expectation"}.get(source)):
        with contextlib.suppress(BadPayloadError):
            parsed = reading.parse(source, body.encode(), Context(model="m", split=split), NOW, WORDS)
            assert all(each.reason and not has_controls(each.reason) for each in parsed.events.refused)


MEGABYTE = 1024 * 1024
FIRING = '{"status":"firing","labels":{"a":"b"}'


def in_alert(rest: str) -> bytes:
    return ('{"alerts":[' + FIRING + rest + "}]}").encode()


def in_event(rest: str) -> bytes:
    return ('{"model":"m","metric":"psi"' + rest + "}").encode()


@pytest.mark.parametrize(
    ("door", "raw"),
    [
        pytest.param(hook, in_alert(',"x":' + "[" * MEGABYTE), id="deep"),
        pytest.param(hook, in_alert(',"generatorURL":"http://' + "a" * MEGABYTE + '"'), id="long-address"),
        pytest.param(hook, in_alert(',"fingerprint":"' + "0" * MEGABYTE + '"'), id="long-fingerprint"),
        pytest.param(hook, in_alert(',"startsAt":"' + "2" * MEGABYTE + '"'), id="long-time"),
        pytest.param(hook, in_alert(',"x":' + "9" * MEGABYTE), id="long-number"),
        pytest.param(hook, in_alert(',"annotations":{"s":"' + "\\u0000" * (MEGABYTE // 6) + '"}'), id="controls"),
        pytest.param(
            hook, in_alert(',"annotations":{"s":"' + "\\ud800" * (MEGABYTE // 6) + '"}'), id="half-characters"
        ),
        pytest.param(
            hook, in_alert(',"annotations":{"s":"' + "\\\\" * (MEGABYTE // 2) + '\\ud800"}'), id="backslashes"
        ),
        pytest.param(
            hook,
            in_alert(',"annotations":{' + ",".join(f'"{n}":"v"' for n in range(100_000)) + "}"),
            id="100k-annotations",
        ),
        pytest.param(
            hook,
            (
                '{"alerts":[{"status":"firing","labels":{' + ",".join(f'"{n}":"v"' for n in range(100_000)) + "}}]}"
            ).encode(),
            id="100k-labels",
        ),
        pytest.param(
            hook, ('{"alerts":[{"status":"firing","labels":{"a":"' + "v" * MEGABYTE + '"}}]}').encode(), id="long-label"
        ),
        pytest.param(
            hook, ('{"alerts":[],"receiver":"' + "\\\\." * (MEGABYTE // 3) + '"}').encode(), id="receiver-of-escapes"
        ),
        pytest.param(hook, ('{"alerts":[' + ",".join(["1"] * 500_000) + "]}").encode(), id="500k-numbers-for-alerts"),
        pytest.param(direct, in_event(',"' + "treshold" * (MEGABYTE // 8) + '":1'), id="long-unknown-field"),
        pytest.param(
            direct, ("[" + ",".join([in_event(',"kolumn":"a"').decode()] * 1000) + "]").encode(), id="1000-slips"
        ),
        pytest.param(
            direct,
            ("[" + ",".join(in_event(f',"kolumn{n:x}":"a"').decode() for n in range(1000)) + "]").encode(),
            id="1000-different-slips",
        ),
        pytest.param(
            tool("evidently"),
            b'{"metrics":[' + b",".join([b'{"metric_name":"A(b=c,d=e)"}'] * 30_000) + b"]}",
            id="30k-metrics",
        ),
        pytest.param(
            tool("evidently"), b'{"metrics":[{"metric_id":"A(' + b"a=," * (MEGABYTE // 3) + b')"}]}', id="long-id"
        ),
        pytest.param(tool("great_expectations"), b'{"results":[' * 300 + b"]}" * 300, id="nested-results"),
        pytest.param(
            tool("nannyml"), b"[{" + b",".join(b'"a%d_alert":1' % n for n in range(60_000)) + b"}]", id="60k-alerts"
        ),
        pytest.param(direct, in_event(',"value":' + "9" * MEGABYTE), id="long-value"),
        pytest.param(direct, in_event(',"feature":"' + "f" * MEGABYTE + '"'), id="long-feature"),
        pytest.param(direct, in_event(',"kind":"' + "k" * MEGABYTE + '"'), id="long-kind"),
        pytest.param(direct, in_event(',"details":{"x":NaN,"y":' + "[" * MEGABYTE), id="deep-after-nan"),
    ],
)
def test_a_megabyte_of_malice_takes_no_long_time(door: Door, raw: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(BadPayloadError):
        door(raw)
    assert time.process_time() - began < SECONDS_FOR_A_MEGABYTE
