"""Whatever is given as the fields of an event, a client returns a result, and sends JSON that every reader takes."""

import json
from datetime import date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alertsvc.client import Result
from alertsvc.client.fields import EventFields
from alertsvc.client.testing import FakeAlertsvc

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.text(st.characters()),
    st.text(st.characters(categories=["Cs", "L"])),
    st.binary(),
    st.datetimes(),
    st.dates(),
    st.uuids(),
    st.builds(object),
)
KEYS = st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.uuids())


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)


VALUES = st.recursive(SCALARS, nested, max_leaves=6)
NAMES = st.sampled_from(sorted(EventFields.__annotations__)) | st.text(max_size=12)
REPORTED = FakeAlertsvc()
CLIENT = REPORTED.client(model="churn", retries=0, timeout=30)


def strict(text: bytes) -> Any:
    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is no JSON")

    return json.loads(text, parse_constant=refuse)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4) | VALUES, max_size=4))
def test_any_events_end_with_a_result(events: Any) -> None:
    before = len(REPORTED.requests)
    result = CLIENT.events(events)
    assert isinstance(result, Result)
    assert result.ok == (result.error is None)
    assert "the client failed" not in str(result.error)
    for request in REPORTED.requests[before:]:
        strict(request.content)
    if result.attempts:
        assert len(result.items) == len(events), "each event has its item"


@settings(deadline=None, max_examples=100)
@given(VALUES, st.dictionaries(st.sampled_from(["threshold", "labels", "details", "window", "links"]), VALUES))
def test_any_measurement_ends_with_a_result(value: Any, fields: dict[str, Any]) -> None:
    assert "the client failed" not in str(CLIENT.metric("churn", "psi", value, **fields).error)


def test_dates_are_no_instants() -> None:
    assert not CLIENT.event(metric="psi", observed_at=date(2026, 3, 2)).ok  # type: ignore[typeddict-item]  # by mistake
    assert CLIENT.event(metric="psi", details={"day": date(2026, 3, 2), "at": datetime.now().astimezone()}).ok
