"""The fields of a direct event: their names, their types, and what is said about one that is wrong."""

import difflib
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, cast, get_args

import msgspec

from alertsvc.ingest.clean import BadFieldError, clean_text
from alertsvc.ingest.complaint import Complaint, complaint
from alertsvc.ingest.metrics import YES_OR_NO, Direction, Kind

ALIASES = {"column": "feature", "score": "value"}
MAX_SHOWN_CHARS = 60

ScoreType = Literal["p_value", "distance", "rate", "score"]
Status = Literal["firing", "resolved"]
Rows = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A count of rows, in whole numbers that every database and JSON reader keeps."""


class LinkIn(msgspec.Struct, forbid_unknown_fields=True):
    """A link of a direct event."""

    url: str
    title: str = "Link"


class LimitsIn(msgspec.Struct, forbid_unknown_fields=True):
    """A threshold with two sides."""

    lower: float | None = None
    upper: float | None = None


class WindowIn(msgspec.Struct, forbid_unknown_fields=True):
    """The data an observation was made over."""

    start: datetime | None = None
    end: datetime | None = None
    n_reference: Rows | None = None
    n_current: Rows | None = None


class EventIn(msgspec.Struct):
    """A direct event as it is sent. A field that is null is one that was not given, but for `value`."""

    model: str
    metric: str
    value: float | msgspec.UnsetType | None = msgspec.UNSET
    kind: Kind | None = None
    threshold: float | LimitsIn | None = None
    direction: Direction | None = None
    test: str | None = None
    score_type: ScoreType | None = None
    breached: bool | None = None
    status: Status | None = None
    severity: str | None = None
    model_version: str | None = None
    environment: str = "production"
    feature: str | None = None
    dataset: str | None = None
    segment: dict[str, str] = {}
    run_id: str | None = None
    experiment_id: str | None = None
    links: list[LinkIn] = []
    window: WindowIn | None = None
    observed_at: datetime | None = None
    summary: str | None = None
    description: str | None = None
    labels: dict[str, str] = {}
    details: dict[str, Any] = {}
    dedup_key: str | None = None
    event_id: str | None = None
    expect_next_within: str | None = None


FIELDS = tuple(field.name for field in msgspec.structs.fields(EventIn))
CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": tuple(kind.value for kind in Kind),
    "direction": tuple(direction.value for direction in Direction),
    "score_type": get_args(ScoreType),
    "status": get_args(Status),
}
FIXES: Mapping[str, str] = {
    "model": "every event names its model and its metric",
    "metric": "every event names its model and its metric",
    "value": "send a JSON number, such as float(x), or null when there is none",
    "threshold": 'send a JSON number, such as float(x), or {"lower": 0.1, "upper": 0.9}',
    "labels": "names and values are text",
    "segment": "names and values are text",
    "links": 'send [{"title": "Run", "url": "https://mlflow.example/run/1"}]',
    "window": 'send {"start": "2026-01-31T09:00:00Z", "end": …, "n_reference": 800, "n_current": 800}',
    "observed_at": "send RFC 3339 with a time zone, such as 2026-01-31T09:00:00Z",
    "breached": "send true or false",
    "dedup_key": "send a text of your own, or the dedup_key of an answer",
    "expect_next_within": 'send a duration such as "26h" or "1d12h"',
}
_NOT_CHOSEN = re.compile(r"Invalid enum value '(.*)'\Z", re.DOTALL)


def read_fields(item: object) -> EventIn:
    """The fields of one event, with aliases renamed, the metric in lower case and nothing judged yet.

    Raises:
        BadFieldError: It is no object, or a field is unknown, missing, given twice or of a wrong type.
    """
    if not isinstance(item, dict):
        raise BadFieldError("", 'an event is an object, such as {"model": "churn", "metric": "psi", "value": 0.3}')
    given = _renamed(cast(dict[str, object], item))
    metric = given.get("metric")
    if isinstance(metric, str):
        given["metric"] = metric.strip().lower()
        if given["metric"] in YES_OR_NO and isinstance(given.get("value"), bool):
            given["value"] = float(given["value"] is True)
    try:
        sent = msgspec.convert(given, EventIn)
    except msgspec.ValidationError as fault:
        said = _with_fix(complaint(fault))
        raise BadFieldError(_as_sent(said.field, cast(dict[str, object], item)), said.what) from None
    sent.model = sent.model.strip()
    return sent


def nearest(name: str, known: tuple[str, ...]) -> str | None:
    """The one of `known` that `name` most likely is a slip of."""
    return _nearest(name[:MAX_SHOWN_CHARS], known)


@lru_cache(maxsize=256)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    """Remembered: a list repeats the slip of its writer in every item."""
    return next(iter(difflib.get_close_matches(name.lower(), known, 1, 0.6)), None)


def _renamed(given: dict[str, object]) -> dict[str, object]:
    """The fields by their own names, without those that are null."""
    found: dict[str, object] = {}
    for sent_as, value in given.items():
        name = ALIASES.get(sent_as, sent_as)
        if name not in FIELDS:
            raise _unknown(sent_as)
        _refuse_half_characters(sent_as, value)
        if value is None and name != "value":
            continue
        if name in found:
            raise BadFieldError(sent_as, "means the same as another field of this event; send one of them")
        found[name] = value
    return found


def _as_sent(field: str, item: Mapping[str, object]) -> str:
    """A field by the name that the sender gave it."""
    return next((alias for alias, name in ALIASES.items() if name == field and alias in item), field)


def _unknown(name: str) -> BadFieldError:
    near = nearest(name, (*FIELDS, *ALIASES))
    hint = f"did you mean {near!r}?" if near else "free content goes into labels or details"
    shown = clean_text(name[:MAX_SHOWN_CHARS], 4 * MAX_SHOWN_CHARS)
    return BadFieldError(shown, f"unknown field; {hint}", "/" + shown.replace("~", "~0").replace("/", "~1"))


def _refuse_half_characters(name: str, value: object) -> None:
    """Refuse what JSON can spell and nothing can store.

    Raises:
        BadFieldError: A surrogate stands without its pair.
    """
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise BadFieldError(name, "has half a character (a surrogate without its pair); send whole text") from None


def _with_fix(said: Complaint) -> Complaint:
    """The complaint, and what to send instead."""
    name = re.split(r"[.\[]", said.field, maxsplit=1)[0]
    wrong = _NOT_CHOSEN.match(said.what)
    if wrong and name in CHOICES:
        near = nearest(wrong[1], CHOICES[name])
        hint = f"; did you mean {near!r}?" if near else ""
        return Complaint(name, f"{wrong[1][:MAX_SHOWN_CHARS]!r} is none of {', '.join(CHOICES[name])}{hint}")
    return Complaint(said.field, f"{said.what}; {FIXES[name]}") if name in FIXES else said
