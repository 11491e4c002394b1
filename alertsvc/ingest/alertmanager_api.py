"""What is posted to Alertmanager's own API: by Prometheus, by amtool, by anybody who speaks to Alertmanager."""

from collections.abc import Sized
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from alertsvc.core.model import AlertState, Event
from alertsvc.core.severity import SeverityRule
from alertsvc.ingest.clean import (
    LAST,
    BadFieldError,
    clean_annotations,
    clean_instant,
    clean_labels,
    mend_surrogates,
)
from alertsvc.ingest.complaint import BYTE_ORDER_MARK, UNREADABLE, complaint
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.ingest.links import links_of
from alertsvc.ingest.parsed import BadItem, BadPayloadError, Parsed

SOURCE = "alertmanager_api"
MOST_ALERTS = 10_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What is not in the body: when it arrived, and for how long an alert fires whose sender did not say."""

    received_at: datetime
    resolve_timeout: timedelta
    severities: SeverityRule


class _Alert(msgspec.Struct, gc=False):
    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    startsAt: datetime | None = None  # noqa: N815  # the sender's name
    endsAt: datetime | None = None  # noqa: N815
    generatorURL: str | None = None  # noqa: N815


_WHOLE = msgspec.json.Decoder(list[_Alert])
_LOOSE = msgspec.json.Decoder(list[msgspec.Raw])
_ONE = msgspec.json.Decoder(_Alert)


def parse(body: bytes, reading: Reading) -> Parsed:
    """Turn one `POST /api/v2/alerts` into events, one per alert, in their order.

    An alert fires until its `endsAt`, and has ended when that has passed; without one it fires for `resolve_timeout`.
    One without a `startsAt` names no episode: it began when it was first seen.

    Raises:
        BadPayloadError: `body` is no list at all, or too long; the message says so.

    Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/api.go (`postAlertsHandler`)
    """
    try:
        alerts = _WHOLE.decode(body)
        _check_count(alerts)
        return Parsed(tuple([_event(alert, reading) for alert in alerts]))
    except (*UNREADABLE, BadFieldError):
        return _one_by_one(body, reading)


def parse_one(raw: bytes, reading: Reading) -> Event:
    """One alert of a request, from the quarantine.

    Raises:
        BadPayloadError: It still cannot be read.
    """
    try:
        return _event(_ONE.decode(raw), reading)
    except (*UNREADABLE, BadFieldError) as fault:
        said = complaint(fault)
        raise BadPayloadError(str(said), said.field) from None


def _one_by_one(body: bytes, reading: Reading) -> Parsed:
    """The slow road: each alert for itself, so that a bad one takes no other with it."""
    body = mend_surrogates(body.removeprefix(BYTE_ORDER_MARK))
    try:
        listed = _LOOSE.decode(body)
    except UNREADABLE as fault:
        said = complaint(fault)
        raise BadPayloadError(f"not a list of alerts: {said}", said.field) from None
    _check_count(listed)
    events: list[Event] = []
    bad: list[BadItem] = []
    for index, raw in enumerate(listed):
        try:
            events.append(_event(_ONE.decode(raw), reading))
        except (*UNREADABLE, BadFieldError) as fault:
            bad.append(BadItem(index, str(complaint(fault)), bytes(raw)))
    return Parsed(tuple(events), tuple(bad))


def _check_count(alerts: Sized) -> None:
    if len(alerts) > MOST_ALERTS:
        raise BadPayloadError(f"{len(alerts)} alerts in one request; at most {MOST_ALERTS} are taken")


def _event(alert: _Alert, reading: Reading) -> Event:
    starts_at, ends_at = clean_instant(alert.startsAt), clean_instant(alert.endsAt)
    if starts_at is not None and ends_at is not None and ends_at < starts_at:
        raise BadFieldError("startsAt", "lies after endsAt")
    fires = ends_at is None or ends_at > reading.received_at
    annotations = clean_annotations(alert.annotations) if alert.annotations else {}
    return Event(
        source=SOURCE,
        fingerprint=fingerprint(alert.labels),
        state=AlertState.FIRING if fires else AlertState.RESOLVED,
        severity=reading.severities.read(alert.labels.get("severity")),
        labels=clean_labels(alert.labels),
        annotations=annotations,
        starts_at=starts_at,
        ends_at=None if fires else ends_at,
        expires_at=(ends_at or _unsaid_end(alert, reading)) if fires else None,
        links=links_of(alert.generatorURL, annotations),
    )


def _unsaid_end(alert: _Alert, reading: Reading) -> datetime | None:
    """Until when an alert fires whose end is no usable instant: for ever if that is what a far one means."""
    given = alert.endsAt
    if given is not None and given.tzinfo is None:
        raise BadFieldError("endsAt", "has no time zone")
    if given is not None and given >= LAST:
        return None
    return reading.received_at + reading.resolve_timeout
