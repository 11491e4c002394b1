"""CloudEvents 1.0 around direct events: all three modes come to the same."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from alertsvc.core.severity import SeverityRule
from alertsvc.ingest.cloudevents import MAX_ID_CHARS, attributes_in
from alertsvc.ingest.events import ParsedEvents, parse
from tests.ingest.ml_captures import raw

NOW = datetime(2026, 7, 2, 9, 0, tzinfo=UTC)
WORDS = SeverityRule()
REQUESTS: dict[str, Any] = json.loads(raw("other/cloudevents_requests.json"))
MODES = ("binary", "structured", "batched_hand_written_per_spec")
DATA: dict[str, Any] = json.loads(REQUESTS["binary"]["body"])
ENVELOPE: dict[str, Any] = json.loads(REQUESTS["structured"]["body"])


def read(mode: str) -> ParsedEvents:
    request = REQUESTS[mode]
    return parse(request["body"].encode(), NOW, WORDS, attributes_in(request["headers"]))


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_equals_the_plain_event(mode: str) -> None:
    name = "/jobs/churn-drift#3f0c7f1e-6a0e-4a57-9f0a-0b6f6f2f5a11"
    about = {"event_id": name, "observed_at": "2026-07-01T06:00:00Z"}
    plain = parse(json.dumps({**DATA, **about}).encode(), NOW, WORDS)
    assert read(mode) == plain
    assert plain.events[0][1].observed_at == datetime(2026, 7, 1, 6, tzinfo=UTC)


def in_envelope(**changes: Any) -> ParsedEvents:
    found = {name: value for name, value in {**ENVELOPE, **changes}.items() if value is not ...}
    return parse(json.dumps(found).encode(), NOW, WORDS)


def test_what_the_event_says_itself_beats_its_envelope() -> None:
    parsed = in_envelope(data={**DATA, "event_id": "own", "observed_at": "2026-06-30T00:00:00Z"})
    (_, event), *_ = parsed.events
    assert (event.event_id, event.observed_at) == ("own", datetime(2026, 6, 30, tzinfo=UTC))


def test_data_may_be_in_base64() -> None:
    packed = base64.b64encode(json.dumps(DATA).encode()).decode()
    assert in_envelope(data=..., data_base64=packed) == read("structured")


def test_a_long_name_is_still_one_name() -> None:
    one, other = (in_envelope(id="x" * 300 + end).events[0][1].event_id for end in ("a", "b"))
    assert one is not None
    assert one != other
    assert len(one) <= MAX_ID_CHARS


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"specversion": "0.3"}, "specversion", id="another-version"),
        pytest.param({"id": ...}, "id", id="no-id"),
        pytest.param({"source": ""}, "source", id="empty-source"),
        pytest.param({"type": 1}, "type", id="type-is-no-text"),
        pytest.param({"data": ...}, "data", id="no-data"),
        pytest.param({"data": "text"}, "data", id="data-is-no-object"),
        pytest.param({"data": ..., "data_base64": "???"}, "data_base64", id="no-base64"),
        pytest.param({"data": {**DATA, "treshold": 1}}, "treshold", id="a-slip-in-the-data"),
        pytest.param({"time": "yesterday"}, "observed_at", id="time-is-none"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], complaint: str) -> None:
    parsed = in_envelope(**changes)
    assert parsed.events == ()
    assert parsed.refused[0].reason.startswith(complaint)


def test_one_bad_envelope_of_a_batch_takes_no_other_with_it() -> None:
    parsed = parse(json.dumps([ENVELOPE, {**ENVELOPE, "id": ""}]).encode(), NOW, WORDS)
    assert ([index for index, _ in parsed.events], [each.index for each in parsed.refused]) == ([0], [1])
