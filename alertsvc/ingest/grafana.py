"""Grafana's alerting webhook: Alertmanager's, with numbers, pictures, and ends that are no recoveries.

Grafana says "resolved" too when a series has vanished, a rule was paused or deleted, or there is no data. Nothing has
recovered then: the alert goes on firing, and says what is known. Its end is the next "resolved" without such a reason,
or a person's.

Source: `receivers/webhook/v1` and `templates/template_data.go` of grafana/alerting; Alertmanager's fields as there
"""

import json
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from alertsvc.core.model import Event, Link
from alertsvc.core.severity import SeverityRule
from alertsvc.ingest.alertmanager import NO_VALUE_MARK, WebhookAlertIn, one_by_one, read_alert
from alertsvc.ingest.clean import BadFieldError, clean_url
from alertsvc.ingest.complaint import UNREADABLE, complaint
from alertsvc.ingest.decoding import as_number, as_object, decode
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.ingest.parsed import BadPayloadError, Parsed
from alertsvc.ingest.tools.context import UnknownShapeError

SOURCE = "grafana"
VALUE_MARK = "alertsvc_value"
"""The annotation that names the number (`A`) which is the alert's value, where there are several."""
HINT = "no webhook of Grafana's alerting: a contact point with a custom payload sends something else; leave that out"
MODEL_LABEL = "model_name"


class GrafanaAlertIn(WebhookAlertIn, gc=False):
    """An alert of Grafana's webhook, as it is sent. Unknown fields are ignored."""

    silenceURL: str | None = None  # noqa: N815  # the sender's name
    imageURL: str | None = None  # noqa: N815
    orgId: int | None = None  # noqa: N815


_ONE = msgspec.json.Decoder(GrafanaAlertIn)


def parse(body: bytes, severities: SeverityRule) -> Parsed:
    """Turn one webhook call into events, one per alert, in the order of `alerts`.

    Raises:
        UnknownShapeError: It is JSON and no webhook at all: a custom payload.
        BadPayloadError: It is not JSON, or has too many alerts.
    """
    if not isinstance(as_object(decode(body)).get("alerts"), list):
        raise UnknownShapeError(HINT, "alerts")
    return one_by_one(body, lambda raw, group_key: _event(_ONE.decode(raw), severities, group_key))


def parse_kept(raw: bytes, severities: SeverityRule) -> tuple[Event, ...]:
    """What the quarantine has: one alert, or a whole webhook that was none when it came.

    Raises:
        BadPayloadError: It still cannot be read.
    """
    kept = as_object(decode(raw))
    if "report" not in kept:
        return (parse_one(raw, severities),)
    parsed = parse(json.dumps(kept["report"]).encode(), severities)
    if parsed.bad:
        raise BadPayloadError(parsed.bad[0].reason)
    return parsed.events


def parse_one(raw: bytes, severities: SeverityRule) -> Event:
    """One alert of a webhook.

    Raises:
        BadPayloadError: It still cannot be read.
    """
    try:
        return _event(_ONE.decode(raw), severities, None)
    except (*UNREADABLE, BadFieldError) as fault:
        said = complaint(fault)
        raise BadPayloadError(str(said), said.field) from None


def _event(alert: GrafanaAlertIn, severities: SeverityRule, group_key: str | None) -> Event:
    found = read_alert(alert, severities, group_key)
    labels = dict(found.labels)
    if MODEL_LABEL in labels:
        labels.setdefault("model", labels[MODEL_LABEL])  # what drift jobs call it: one model is one incident
    return replace(
        found,
        source=SOURCE,
        fingerprint=fingerprint({"dedup_key": f"{SOURCE}:{alert.orgId or ''}:{found.fingerprint}"}),
        labels=labels,
        value=_value(alert.values or {}, found.annotations),
        links=_links(alert, found.links),
    )


def _value(values: Mapping[str, float | None], annotations: Mapping[str, str]) -> float | None:
    """The number that was measured: the only one, or the one that an annotation names."""
    if NO_VALUE_MARK in annotations:  # -1 stands there then
        return None
    named = annotations.get(VALUE_MARK)
    if named is not None:
        return as_number(values.get(named.strip()))
    return as_number(next(iter(values.values()))) if len(values) == 1 else None


def _links(alert: GrafanaAlertIn, known: tuple[Link, ...]) -> tuple[Link, ...]:
    found = {link.url: link for link in known}
    for title, address in (("Silence in Grafana", alert.silenceURL), ("Picture", alert.imageURL)):
        url = clean_url(address)
        if url:
            found.setdefault(url, Link(title, url))
    return tuple(found.values())
