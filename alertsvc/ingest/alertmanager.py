"""Alertmanager's webhook, version 4, and Grafana's superset of it."""

import re
from collections.abc import Callable, Sized
from dataclasses import replace
from datetime import datetime

import msgspec

from alertsvc.core.alerts import NO_DATA
from alertsvc.core.model import AlertState, Event, Link
from alertsvc.core.severity import SeverityRule
from alertsvc.ingest.clean import (
    MAX_VALUE_BYTES,
    BadFieldError,
    clean_annotations,
    clean_instant,
    clean_labels,
    clean_text,
    mend_surrogates,
)
from alertsvc.ingest.complaint import BYTE_ORDER_MARK, UNREADABLE, complaint
from alertsvc.ingest.fingerprint import fingerprint, is_fingerprint
from alertsvc.ingest.links import links_of
from alertsvc.ingest.parsed import BadItem, BadPayloadError, Parsed

SOURCE = "alertmanager"
NO_VALUE_MARK = "grafana_state_reason"
"""With this annotation Grafana had no measurement: what stands in `values` (-1) is none, and an end no recovery."""
MOST_ALERTS = 30_000
"""As many as 16 MiB hold of what Alertmanager sends, at 560 bytes each: a group is refused for its size before this.

They are stored in one transaction. Many more, which are tiny, would keep the database from everything else for minutes.
"""
MAX_SENDER_BYTES = 500
MAX_RECEIVER_BYTES = 500
MAX_GROUP_KEY_BYTES = 4 * 1024
MOST_TRUNCATED = 1_000_000_000

_STATES = {"firing": AlertState.FIRING, "resolved": AlertState.RESOLVED}
_ESCAPED = re.compile(r"\\([\\.+*?()|\[\]{}^$])")


class WebhookAlertIn(msgspec.Struct, gc=False):
    """An alert of a webhook, as it is sent. Unknown fields are ignored."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    startsAt: datetime | None = None  # noqa: N815  # the sender's name
    endsAt: datetime | None = None  # noqa: N815
    generatorURL: str | None = None  # noqa: N815
    fingerprint: str | None = None
    dashboardURL: str | None = None  # noqa: N815
    panelURL: str | None = None  # noqa: N815
    values: dict[str, float | None] | None = None


class _Group(msgspec.Struct, gc=False):
    """What stands around the alerts."""

    receiver: str | None = None
    groupKey: str | None = None  # noqa: N815
    externalURL: str | None = None  # noqa: N815
    truncatedAlerts: int | None = None  # noqa: N815


class WebhookIn(_Group, kw_only=True, gc=False):
    """A webhook of version 4, as it is sent. Unknown fields are ignored."""

    alerts: list[WebhookAlertIn]


class _Envelope(msgspec.Struct, gc=False):
    """Only what a body cannot do without: its alerts, each still unread."""

    alerts: list[msgspec.Raw]


_WHOLE = msgspec.json.Decoder(WebhookIn)
_LOOSE = msgspec.json.Decoder(_Envelope)
_ONE = msgspec.json.Decoder(WebhookAlertIn)
_GROUP = msgspec.json.Decoder(_Group)


def parse(body: bytes, severities: SeverityRule) -> Parsed:
    """Turn one webhook call into events, one per alert, in the order of `alerts`.

    Args:
        body: JSON of version "4", in UTF-8, as the request carried it. Unknown keys are ignored.
        severities: Reads the label `severity`.

    Returns:
        The events, and the alerts that could not be read. An alert that is absent says nothing: groups are truncated.
        An alert without a usable `startsAt` or `endsAt` has None there: year 1, a year nobody means, no time zone.

    Raises:
        BadPayloadError: `body` is not of that shape at all, or has too many alerts; the message names the field.

    Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """
    try:
        payload = _WHOLE.decode(body)
        _check_count(payload.alerts)
        group_key = _group_key(payload)
        events = tuple([read_alert(alert, severities, group_key) for alert in payload.alerts])
    except (*UNREADABLE, BadFieldError):
        return one_by_one(body, lambda raw, group_key: read_alert(_ONE.decode(raw), severities, group_key))
    return _parsed(events, (), payload)


def parse_one(raw: bytes, severities: SeverityRule) -> Event:
    """One alert of a payload, from the quarantine.

    Raises:
        BadPayloadError: It still cannot be read.
    """
    try:
        return read_alert(_ONE.decode(raw), severities, None)
    except (*UNREADABLE, BadFieldError) as fault:
        said = complaint(fault)
        raise BadPayloadError(str(said), said.field) from None


def one_by_one(body: bytes, read: Callable[[msgspec.Raw, str | None], Event]) -> Parsed:
    """The slow road: each alert for itself, so that a bad one takes no other with it.

    `read` makes an event of an alert and the key of its group; it may raise what is `UNREADABLE`, or `BadFieldError`.

    Raises:
        BadPayloadError: `body` is no webhook at all, or has too many alerts.
    """
    body = mend_surrogates(body.removeprefix(BYTE_ORDER_MARK))
    try:
        listed = _LOOSE.decode(body).alerts
    except UNREADABLE as fault:
        raise _no_webhook(fault) from None
    _check_count(listed)
    group = _group(body)
    group_key = _group_key(group)
    events: list[Event] = []
    bad: list[BadItem] = []
    for index, raw in enumerate(listed):
        try:
            events.append(read(raw, group_key))
        except (*UNREADABLE, BadFieldError) as fault:
            bad.append(BadItem(index, str(complaint(fault)), bytes(raw)))
    return _parsed(tuple(events), tuple(bad), group)


def _check_count(alerts: Sized) -> None:
    if len(alerts) > MOST_ALERTS:
        fix = "set max_alerts in Alertmanager's webhook_configs, or group by more labels"
        raise BadPayloadError(f"alerts: {len(alerts)} in one request; at most {MOST_ALERTS} are taken; {fix}", "alerts")


def _no_webhook(fault: Exception) -> BadPayloadError:
    said = complaint(fault)
    hint = "; a receiver with a `payload` of its own sends something else: leave it out" if said.field else ""
    return BadPayloadError(f"not an Alertmanager webhook (version 4): {said}{hint}", said.field)


def _group(body: bytes) -> _Group:
    """What stands around the alerts, or nothing when it cannot be read: the alerts matter more."""
    try:
        return _GROUP.decode(body)
    except UNREADABLE:
        return _Group()


def _parsed(events: tuple[Event, ...], bad: tuple[BadItem, ...], group: _Group) -> Parsed:
    receiver = group.receiver or ""
    if "\\" in receiver:  # its name arrives escaped, as a regular expression
        receiver = _ESCAPED.sub(r"\1", receiver)
    return Parsed(
        events,
        bad,
        sender=clean_text(group.externalURL or "", MAX_SENDER_BYTES) or None,
        receiver=clean_text(receiver, MAX_RECEIVER_BYTES) or None,
        group_key=_group_key(group),
        truncated_count=max(0, min(group.truncatedAlerts or 0, MOST_TRUNCATED)),
    )


def _group_key(group: _Group) -> str | None:
    return clean_text(group.groupKey or "", MAX_GROUP_KEY_BYTES) or None


def read_alert(alert: WebhookAlertIn, severities: SeverityRule, group_key: str | None) -> Event:
    """The event that an alert of a webhook is.

    Raises:
        BadFieldError: Its state or its labels are not what an alert has.
    """
    state = _STATES.get(alert.status)
    if state is None:
        raise BadFieldError("status", f"{alert.status[:40]!r} is neither firing nor resolved")
    known = alert.fingerprint
    labels = clean_labels(alert.labels)
    annotations = clean_annotations(alert.annotations) if alert.annotations else {}
    event = Event(
        source=SOURCE,
        fingerprint=known if known and is_fingerprint(known) else fingerprint(alert.labels),
        state=state,
        severity=severities.read(alert.labels.get("severity")),
        labels=labels,
        annotations=annotations,
        starts_at=clean_instant(alert.startsAt),
        ends_at=clean_instant(alert.endsAt),
        value=_value(alert.values, annotations) if alert.values else None,
        links=_links(alert, annotations),
        group_key=group_key,
    )
    if state is AlertState.RESOLVED and NO_VALUE_MARK in annotations:
        return _unrecovered(event, annotations[NO_VALUE_MARK])
    return event


def _unrecovered(event: Event, reason: str) -> Event:
    """Grafana's end that says nothing of the condition: it fires until something says that it does not."""
    before = event.annotations.get("summary")
    words = f"ended without a recovery in Grafana ({reason}): nobody measures it" + (f". {before}" if before else "")
    annotations = {**event.annotations, "summary": clean_text(words, MAX_VALUE_BYTES)}
    return replace(event, state=AlertState.FIRING, annotations=annotations, ends_at=None, decided_by=NO_DATA)


def _value(values: dict[str, float | None], annotations: dict[str, str]) -> float | None:
    """Grafana's number, when there is exactly one and it was measured."""
    if len(values) != 1 or NO_VALUE_MARK in annotations:
        return None
    return next(iter(values.values()))


def _links(alert: WebhookAlertIn, annotations: dict[str, str]) -> tuple[Link, ...]:
    grafana = (("Dashboard", alert.dashboardURL), ("Panel", alert.panelURL))
    return links_of(alert.generatorURL, annotations, [(title, url) for title, url in grafana if url])
