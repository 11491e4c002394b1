"""Events as the service takes them, from what callers give."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import uuid4

from alertsvc.client.errors import BadValueError
from alertsvc.client.plain import JSON, encoded, instant, limits, measured, plain, texts, word
from alertsvc.client.settings import Defaults

MOST_EVENTS = 1000
"""As many as the service takes in one request."""
MOST_BYTES = 4 * 1024 * 1024
VALUES = frozenset({"value", "score"})
"""What the service calls a value."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event, and its position in the call."""

    place: int
    text: bytes


def event_of(fields: Mapping[str, object], defaults: Defaults) -> dict[str, JSON]:
    """One event. A field that is None was not given, but for `value` (or `score`, which is the same): None is "no
    value", which is an alert.

    It gets an `event_id` if it has none, so that the service knows it again when it is sent twice.

    Raises:
        BadValueError: It is no mapping, or a value cannot be sent.
    """
    if not isinstance(cast(object, fields), Mapping):
        raise BadValueError("", f"an event is a mapping of fields, and this is of the type {type(fields).__name__}")
    event = {name: _field(name, value) for name, value in fields.items() if value is not None or name in VALUES}
    if defaults.model is not None:
        event.setdefault("model", word("model", defaults.model))
    if defaults.environment is not None:
        event.setdefault("environment", word("environment", defaults.environment))
    if defaults.labels:
        own = cast(dict[str, JSON], event.get("labels", {}))
        event["labels"] = {**cast(dict[str, JSON], texts("labels", defaults.labels)), **own}
    event.setdefault("event_id", uuid4().hex)
    return event


def _field(name: str, value: object) -> JSON:
    if not isinstance(cast(object, name), str):
        raise BadValueError(str(name)[:60], "names of fields are texts")
    return _READERS.get(name, plain)(name, value)


def span(name: str, value: object) -> JSON:
    """A span of time as the service reads it.

    Raises:
        BadValueError: It is neither one nor a text.
    """
    return f"{max(1, round(value.total_seconds()))}s" if isinstance(value, timedelta) else plain(name, value)


def _window(_name: str, value: object) -> JSON:
    if not isinstance(value, Mapping):
        raise BadValueError("window", 'send a mapping, such as {"n_current": 800}')
    entries = cast(Mapping[str, object], value).items()
    given = {name: each for name, each in entries if each is not None}
    return {
        name: (instant if name in {"start", "end"} else plain)(f"window.{name}", each) for name, each in given.items()
    }


def _links(_name: str, value: object) -> JSON:
    listed = plain("links", value)
    if not isinstance(listed, list):
        raise BadValueError("links", 'send a list, such as [{"title": "Run", "url": "https://mlflow.example/run/1"}]')
    return [{"url": each} if isinstance(each, str) else each for each in listed]


_READERS: Mapping[str, Callable[[str, object], JSON]] = {
    "value": measured,
    "score": measured,
    "threshold": limits,
    "observed_at": instant,
    "labels": texts,
    "segment": texts,
    "window": _window,
    "links": _links,
    "expect_next_within": span,
    "model_version": word,
    "run_id": word,
    "experiment_id": word,
}
"""How a field is read. The others are as plain as they are."""


def bodies(events: Iterable[Encoded]) -> Iterator[tuple[bytes, list[int]]]:
    """Requests as few as the service allows: each a JSON list, and the positions of the events in it."""
    texts_of: list[bytes] = []
    places: list[int] = []
    size = 0
    for each in events:
        if places and (len(places) >= MOST_EVENTS or size + len(each.text) > MOST_BYTES):
            yield _listed(texts_of), places
            texts_of, places, size = [], [], 0
        texts_of.append(each.text)
        places.append(each.place)
        size += len(each.text) + 1
    if places:
        yield _listed(texts_of), places


def _listed(of: list[bytes]) -> bytes:
    return b"[" + b",".join(of) + b"]"


def encoded_event(place: int, fields: Mapping[str, object], defaults: Defaults) -> Encoded:
    """An event as text.

    Raises:
        BadValueError: As `event_of`.
    """
    return Encoded(place, encoded(event_of(fields, defaults)))
