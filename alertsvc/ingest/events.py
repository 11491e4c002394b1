"""Direct events: what people post from their own code. An event is an observation; the service judges it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import msgspec

from alertsvc.core.model import AlertState, Event, Link, Window
from alertsvc.core.observation import Observation, Trouble
from alertsvc.core.severity import SeverityRule
from alertsvc.core.thresholds.policy import Policy, Thresholds
from alertsvc.core.thresholds.ruling import Measured, Ruling, rule_on
from alertsvc.core.thresholds.words import told
from alertsvc.ingest.clean import (
    MAX_ANNOTATION_BYTES,
    MAX_VALUE_BYTES,
    BadFieldError,
    clean_instant,
    clean_labels,
    clean_text,
    clean_url,
    has_controls,
)
from alertsvc.ingest.cloudevents import unwrapped
from alertsvc.ingest.complaint import complaint
from alertsvc.ingest.decoding import decode, encode
from alertsvc.ingest.event_fields import EventIn, WindowIn, read_fields
from alertsvc.ingest.event_verdict import (
    SAID_OF_TROUBLE,
    check_threshold,
    direction_for,
    severity_for,
    summary_of,
    threshold_of,
    value_of,
    verdict,
)
from alertsvc.ingest.fingerprint import fingerprint, fingerprint_behind, key_to
from alertsvc.ingest.metrics import BY_SCORE_TYPE, Kind, kind_of
from alertsvc.ingest.monitoring import about_monitoring
from alertsvc.ingest.parsed import BadItem, BadPayloadError
from alertsvc.ingest.spans import read_span

SOURCE = "events"
MOST_ITEMS = 1000
NO_THRESHOLDS = Thresholds()
MOST_AHEAD = timedelta(minutes=5)
MAX_DETAILS_BYTES = 64 * 1024
MAX_KEY_CHARS = 255
MAX_TITLE_BYTES = 200
OWN_LABELS = frozenset(
    {"alertname", "model", "environment", "feature", "dataset", "kind", "test", "model_version", "severity"}
)


@dataclass(frozen=True, slots=True)
class ParsedEvents:
    """A body, taken apart: each item is an event at its position, or refused with the reason and its place.

    `keys` lead to the alerts of `events`, in their order: sent as `dedup_key`, each reaches the same alert again.
    """

    events: tuple[tuple[int, Event], ...]
    refused: tuple[BadItem, ...]
    keys: tuple[str, ...] = ()


def parse(
    body: bytes,
    received_at: datetime,
    severities: SeverityRule,
    attributes: Mapping[str, str] | None = None,
    *,
    thresholds: Thresholds = NO_THRESHOLDS,
) -> ParsedEvents:
    """Turn a direct post into events: one object, a list of them, or `{"events": [...]}`; each may be a CloudEvent.

    Args:
        body: JSON, in UTF-8. NaN and infinities are taken as "no value", which is a condition of its own.
        received_at: When it arrived: `observed_at` when the event gives none.
        severities: Its words are taken beside the known ones; its default is what nobody graded.
        attributes: Those of a CloudEvent in binary mode, whose data `body` is.
        thresholds: They judge what its sender does not.

    Raises:
        BadPayloadError: Not JSON, or none of the three shapes.
    """
    found = decode(body)
    items, place = ([{**attributes, "data": found}], "") if attributes is not None else _items(found)
    if len(items) > MOST_ITEMS:
        raise BadPayloadError(f"events: {len(items)} in one request; at most {MOST_ITEMS} are taken", "events")
    return read_all(items, received_at, severities, place=place, thresholds=thresholds)


def read_all(
    items: Sequence[object],
    received_at: datetime,
    severities: SeverityRule,
    *,
    source: str = SOURCE,
    place: str = "",
    thresholds: Thresholds = NO_THRESHOLDS,
) -> ParsedEvents:
    """Each of `items` as an event of `source`, or refused. `place` is where the one of an index stands, as a format."""
    events: list[tuple[int, Event]] = []
    keys: list[str] = []
    refused: list[BadItem] = []
    for index, item in enumerate(items):
        try:
            event, key = read_event(unwrapped(item), received_at, severities, source, thresholds=thresholds)
            events.append((index, event))
            keys.append(key)
        except (BadFieldError, RecursionError) as fault:
            pointer = fault.pointer if isinstance(fault, BadFieldError) else ""
            refused.append(BadItem(index, str(complaint(fault)), _raw(item), place.format(index) + pointer))
    return ParsedEvents(tuple(events), tuple(refused), tuple(keys))


def _raw(item: object) -> bytes:
    try:
        return encode(item)
    except RecursionError:
        return b""


def read_kept(
    raw: bytes,
    arrived_at: datetime,
    now: datetime,
    severities: SeverityRule,
    source: str = SOURCE,
    *,
    thresholds: Thresholds = NO_THRESHOLDS,
) -> Event:
    """An item that was refused when it arrived, read again now. It was observed then, if it does not say when.

    Raises:
        BadPayloadError: It still cannot be read.
    """
    try:
        item = unwrapped(decode(raw))
        if isinstance(item, dict):
            given = cast(dict[str, object], item)
            item = {**given, "observed_at": given.get("observed_at") or arrived_at.isoformat()}
        return read_event(item, now, severities, source, thresholds=thresholds)[0]
    except (BadFieldError, RecursionError) as fault:
        raise BadPayloadError(str(complaint(fault))) from None


def _items(found: object) -> tuple[list[object], str]:
    """The events of a body, and where the one of an index stands in it, as a format."""
    if isinstance(found, list):
        return cast(list[object], found), "/{}"
    if not isinstance(found, dict):
        raise BadPayloadError('send one event, a list of events, or {"events": [...]}')
    given = cast(dict[str, object], found)
    if "events" not in given:
        return [given], ""
    beside = sorted(given.keys() - {"events"})
    if beside:
        name = clean_text(beside[0], MAX_KEY_CHARS)
        raise BadPayloadError(f"{name}: unknown field beside events; put it into each event", name)
    listed = given["events"]
    if not isinstance(listed, list):
        raise BadPayloadError("events: a list of events", "events")
    return cast(list[object], listed), "/events/{}"


def read_event(
    item: object,
    received_at: datetime,
    severities: SeverityRule,
    source: str = SOURCE,
    *,
    thresholds: Thresholds = NO_THRESHOLDS,
) -> tuple[Event, str]:
    """One event of `source` from its JSON, and the key that leads to its alert: the sender's own, else one made for it.

    Raises:
        BadFieldError: A field is unknown, missing or wrong; the text names it, and what to send instead.
    """
    sent = read_fields(item)
    _check(sent, received_at)
    kind = sent.kind or kind_of(sent.metric)
    state, decided_by = verdict(sent, kind)
    policy = thresholds.policy(sent.model, sent.metric, sent.environment, sent.feature)
    ruling = _rule_on(sent, state, decided_by, policy)
    labels = _labels(sent, kind)
    known = fingerprint_behind(sent.dedup_key) if sent.dedup_key else fingerprint(labels)
    event = Event(
        source=source,
        fingerprint=known,
        state=ruling.state,
        severity=severity_for(sent, kind, severities, ruling.severity),
        labels=clean_labels(labels),
        annotations=_annotations(sent, ruling),
        observed_at=clean_instant(sent.observed_at) or received_at,
        value=value_of(sent),
        threshold=threshold_of(sent) if ruling.limit is None else ruling.limit,
        window=_window(sent.window),
        links=tuple(
            Link(clean_text(each.title, MAX_TITLE_BYTES), url) for each in sent.links if (url := clean_url(each.url))
        ),
        event_id=sent.event_id,
        decided_by=ruling.decided_by,
        observation=_observation(sent, kind, decided_by, policy),
    )
    event = told(event, ruling.rule, ruling.why)
    if decided_by in SAID_OF_TROUBLE:
        event = about_monitoring(event, Trouble(decided_by))
    return event, sent.dedup_key or key_to(known)


def _rule_on(sent: EventIn, state: AlertState | None, decided_by: str, policy: Policy) -> Ruling:
    """What it comes to by itself: as its sender says, else as the file of thresholds does."""
    side = sent.direction or BY_SCORE_TYPE.get(sent.score_type or "")
    row_count = sent.window.n_current if sent.window else None
    return rule_on(Measured(value_of(sent), state, decided_by, row_count, side), policy)


def _observation(sent: EventIn, kind: Kind, decided_by: str, policy: Policy) -> Observation:
    return Observation(
        model=_name(sent.model),
        metric=_name(sent.metric),
        kind=str(kind),
        environment=_name(sent.environment),
        feature=_name(sent.feature) if sent.feature else None,
        dataset=_name(sent.dataset) if sent.dataset else None,
        test=_name(sent.test) if sent.test else None,
        model_version=_name(sent.model_version) if sent.model_version else None,
        score_type=sent.score_type,
        direction=direction_for(sent),
        is_graded=sent.severity is not None,
        has_value=sent.value is msgspec.UNSET or value_of(sent) is not None,
        is_settled=decided_by != "none",
        row_count=sent.window.n_current if sent.window else None,
        expect_next_within=policy.expect_next_within
        if sent.expect_next_within is None
        else read_span(sent.expect_next_within),
    )


def _name(text: str) -> str:
    """As it can be stored: the same that stands in the labels."""
    return clean_text(text, MAX_VALUE_BYTES)


def _check(sent: EventIn, received_at: datetime) -> None:
    """What types alone do not say.

    Raises:
        BadFieldError: Something is empty, too long, without a zone, in the future, or cannot be judged.
    """
    for name, text in (("model", sent.model), ("metric", sent.metric)):
        if not text:
            raise BadFieldError(name, "must not be empty")
    for name, text in (("dedup_key", sent.dedup_key), ("event_id", sent.event_id)):
        if text is not None and (not 1 <= len(text) <= MAX_KEY_CHARS or has_controls(text)):
            raise BadFieldError(name, f"1 to {MAX_KEY_CHARS} characters, none of them a control character")
    if len(msgspec.json.encode(sent.details)) > MAX_DETAILS_BYTES:
        raise BadFieldError("details", "more than 64 KiB; keep the report where it is and send a link")
    _check_times(sent, received_at)
    _check_labels(sent)
    check_threshold(sent)


def _check_times(sent: EventIn, received_at: datetime) -> None:
    window = sent.window or WindowIn()
    given = (("observed_at", sent.observed_at), ("window.start", window.start), ("window.end", window.end))
    for name, moment in given:
        if moment is None:
            continue
        if moment.tzinfo is None:
            raise BadFieldError(name, "give a time zone, such as 2026-01-31T09:00:00Z")
        if clean_instant(moment) is None:
            raise BadFieldError(name, "must be a time from 1970 to 2200")
    if sent.observed_at is not None and sent.observed_at > received_at + MOST_AHEAD:
        raise BadFieldError("observed_at", "lies more than 5 minutes in the future; set the clock, or leave it out")


def _check_labels(sent: EventIn) -> None:
    clash = sent.labels.keys() & (OWN_LABELS | {_segment(name) for name in sent.segment})
    if clash:
        raise BadFieldError("labels", f"{min(clash)!r} is made from the event's own field; leave it out")


def _labels(sent: EventIn, kind: Kind) -> dict[str, str]:
    """What the alert is known by. Nothing is cut yet: two long names are two alerts."""
    own = {
        "alertname": sent.metric,
        "model": sent.model,
        "environment": sent.environment,
        "feature": sent.feature,
        "dataset": sent.dataset,
        "kind": str(kind),
        "test": sent.test,
        "model_version": sent.model_version,
    }
    segments = {_segment(name): value for name, value in sent.segment.items()}
    return {**sent.labels, **segments, **{name: value for name, value in own.items() if value}}


def _segment(name: str) -> str:
    """The label of a part of the data; not `segment.name`, which classic matchers could not spell."""
    return f"segment_{name}"


def _annotations(sent: EventIn, ruling: Ruling) -> dict[str, str]:
    written = clean_text(sent.summary, MAX_VALUE_BYTES) if sent.summary else ""
    found = {"summary": written or summary_of(sent, ruling.decided_by, ruling.limit, ruling.side)}
    if sent.description:
        found["description"] = clean_text(sent.description, MAX_ANNOTATION_BYTES)
    for name, text in (("run_id", sent.run_id), ("experiment_id", sent.experiment_id)):
        if text:
            found[name] = clean_text(text, MAX_VALUE_BYTES)
    if sent.details:
        found["details"] = clean_text(msgspec.json.encode(sent.details).decode(), MAX_ANNOTATION_BYTES)
    return found


def _window(sent: WindowIn | None) -> Window | None:
    if sent is None:
        return None
    return Window(clean_instant(sent.start), clean_instant(sent.end), sent.n_reference, sent.n_current)
