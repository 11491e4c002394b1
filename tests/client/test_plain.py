"""Values of other people's libraries as JSON, without importing any of them."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from alertsvc.client.compose import event_of
from alertsvc.client.errors import BadValueError
from alertsvc.client.plain import MOST_DEEP, encoded, plain
from alertsvc.client.settings import Defaults


@dataclass
class Scalar:
    """As a scalar of numpy, or an array of it or a tensor without dimensions: `item()` is the Python value."""

    holds: Any
    shape: tuple[int, ...] = ()

    def item(self) -> Any:
        return self.holds


class Array:
    """As an array of numpy: it has a shape, and lists."""

    def __init__(self, *rows: Any) -> None:
        self.rows = rows
        self.shape = (len(rows),)

    def tolist(self) -> list[Any]:
        return list(self.rows)


class Masked(Scalar):
    """As numpy's `ma.masked`: nothing is there, and `item()` is 0.0 all the same."""

    def tolist(self) -> None:
        return None


class NAType:
    """As pandas' `NA`."""


class NaTType(datetime):
    """As pandas' `NaT`, which is a datetime."""


class Level(Enum):
    HIGH = "critical"


class Team(StrEnum):
    GROWTH = "growth"


NAIVE = datetime(2026, 3, 2)  # noqa: DTZ001  # what people send by mistake
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param(0.41, 0.41, id="float"),
        pytest.param(3, 3, id="int"),
        pytest.param(Scalar(0.5), 0.5, id="numpy.float32"),
        pytest.param(Scalar(7), 7, id="numpy.int64"),
        pytest.param(Scalar(True), 1, id="numpy.bool_"),
        pytest.param(Scalar(math.nan), None, id="numpy.nan"),
        pytest.param(Masked(0.0), None, id="numpy.ma.masked"),
        pytest.param(NAType(), None, id="pandas.NA"),
        pytest.param(NaTType(2026, 3, 2), None, id="pandas.NaT"),
        pytest.param(True, 1, id="bool"),
        pytest.param(Decimal("0.25"), 0.25, id="decimal"),
        pytest.param(Decimal("sNaN"), None, id="decimal-that-signals"),
        pytest.param(Fraction(1, 4), 0.25, id="fraction"),
        pytest.param(Fraction(10**400), None, id="too-large-for-a-float"),
        pytest.param(math.nan, None, id="nan"),
        pytest.param(-math.inf, None, id="infinity"),
        pytest.param(None, None, id="none"),
        pytest.param("0.41", "0.41", id="a-text-is-for-the-service-to-refuse"),
    ],
)
def test_what_was_measured_is_a_number_or_no_value(given: Any, sent: Any) -> None:
    made = event_of({"model": "churn", "metric": "psi", "value": given}, Defaults())
    assert made["value"] == sent
    assert type(made["value"]) is type(sent)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param({"a": Scalar(1.5), "b": [Scalar(2)]}, {"a": 1.5, "b": [2]}, id="scalars-inside"),
        pytest.param({"a": Array(1, math.nan)}, {"a": [1, None]}, id="array"),
        pytest.param({1: "x", 2.5: "y"}, {"1": "x", "2.5": "y"}, id="keys-are-texts"),
        pytest.param({"a": (1, 2), "b": frozenset({3})}, {"a": [1, 2], "b": [3]}, id="tuples-and-sets"),
        pytest.param(
            {"a": AT, "b": date(2026, 3, 2)}, {"a": "2026-03-02T09:30:00+00:00", "b": "2026-03-02"}, id="times"
        ),
        pytest.param({"a": Level.HIGH, "b": Team.GROWTH}, {"a": "critical", "b": "growth"}, id="enums"),
        pytest.param(
            {"a": Path("/tmp/x"), "b": UUID(int=1)}, {"a": "/tmp/x", "b": str(UUID(int=1))}, id="paths-and-ids"
        ),
    ],
)
def test_details_become_plain(given: Any, sent: Any) -> None:
    assert json.loads(encoded(plain("details", given))) == sent


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        pytest.param({"value": [1]}, "value", "list is no number", id="a-list"),
        pytest.param({"value": Array(1)}, "value", "Array is no number", id="an-array"),
        pytest.param({"threshold": math.nan}, "threshold", "finite", id="a-threshold-that-never-alerts"),
        pytest.param({"threshold": {"upper": math.inf}}, "threshold.upper", "finite", id="one-side-of-it"),
        pytest.param({"observed_at": NAIVE}, "observed_at", "has no time zone", id="naive"),
        pytest.param({"observed_at": 1772444000}, "observed_at", "is no time", id="seconds"),
        pytest.param({"window": {"start": NAIVE}}, "window.start", "has no time zone", id="naive-window"),
        pytest.param({"window": 5}, "window", "send a mapping", id="window"),
        pytest.param({"details": {"at": NAIVE}}, "details.at", "has no time zone", id="naive-detail"),
        pytest.param({"details": {"f": [object()]}}, "details.f[0]", "object cannot be sent", id="an-object"),
        pytest.param({"labels": "x"}, "labels", "send a mapping", id="labels"),
        pytest.param({"labels": {"team": ["a"]}}, "labels.team", "must be a text", id="a-label-with-parts"),
        pytest.param({"links": "https://x.example"}, "links", "send a list", id="links"),
        pytest.param({"model": b"churn"}, "model", "bytes cannot be sent", id="bytes"),
    ],
)
def test_what_cannot_be_sent_is_named(fields: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(BadValueError, match=says) as refused:
        event_of({"model": "churn", "metric": "psi", **fields}, Defaults())
    assert refused.value.field == field


def test_what_contains_itself_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(BadValueError, match=f"more than {MOST_DEEP} levels"):
        plain("details", loop)


def test_a_number_of_too_many_digits_is_refused_and_not_written() -> None:
    with pytest.raises(BadValueError, match="cannot be written"):
        encoded(10**5000)


def test_none_is_not_given_but_for_a_value() -> None:
    made = event_of({"model": "m", "metric": "psi", "value": None, "feature": None}, Defaults())
    assert made["value"] is None
    assert "feature" not in made


def test_defaults_are_joined_and_beaten() -> None:
    defaults = Defaults("churn", "staging", {"team": "growth", "tier": 1})
    made = event_of({"metric": "psi", "environment": "production", "labels": {"tier": 2, "none": None}}, defaults)
    assert (made["model"], made["environment"]) == ("churn", "production")
    assert made["labels"] == {"team": "growth", "tier": "2"}


def test_spans_links_and_versions_are_written_as_the_service_reads_them() -> None:
    fields = {
        "expect_next_within": timedelta(hours=26),
        "links": ["https://x.example/1", {"url": "https://x.example/2", "title": "Run"}],
        "model_version": 7,
        "observed_at": AT.astimezone(timezone(timedelta(hours=1))),
    }
    made = event_of(fields, Defaults())
    assert made["expect_next_within"] == "93600s"
    assert made["links"] == [{"url": "https://x.example/1"}, {"url": "https://x.example/2", "title": "Run"}]
    assert made["model_version"] == "7"
    assert made["observed_at"] == "2026-03-02T10:30:00+01:00"


def test_every_event_has_a_name_of_its_own() -> None:
    first, second = (event_of({"metric": "psi"}, Defaults())["event_id"] for _ in range(2))
    assert first != second
    assert event_of({"metric": "psi", "event_id": "mine"}, Defaults())["event_id"] == "mine"
