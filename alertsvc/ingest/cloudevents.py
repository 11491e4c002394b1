"""CloudEvents 1.0: an envelope around direct events, in its three modes.

`source` and `id` name the event once and for all, `time` says when it was observed; what else stands around the data
is the sender's own.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import binascii
import hashlib
from base64 import b64decode
from collections.abc import Mapping
from typing import cast
from urllib.parse import unquote

from alertsvc.ingest.clean import BadFieldError
from alertsvc.ingest.decoding import Json, decode
from alertsvc.ingest.parsed import BadPayloadError

VERSION = "1.0"
HEADER_PREFIX = "ce-"
MAX_ID_CHARS = 255
_REQUIRED = ("id", "source", "type")


def attributes_in(headers: Mapping[str, str]) -> dict[str, str] | None:
    """The attributes of binary mode, by their names; None when the headers carry none."""
    if "ce-specversion" not in headers:
        return None
    prefix = len(HEADER_PREFIX)
    return {name[prefix:]: unquote(text) for name, text in headers.items() if name.startswith(HEADER_PREFIX)}


def unwrapped(item: object) -> object:
    """The direct event in an envelope, with what the envelope says of it. What is in none comes back as it is.

    Raises:
        BadFieldError: It is an envelope of another version, without what every one has, or without an event in it.
    """
    if not isinstance(item, dict) or "specversion" not in item:
        return cast(object, item)
    envelope = cast(Json, item)
    if envelope["specversion"] != VERSION:
        raise BadFieldError("specversion", f'only CloudEvents "{VERSION}" are taken')
    for name in _REQUIRED:
        if not isinstance(envelope.get(name), str) or not envelope[name]:
            raise BadFieldError(name, "every CloudEvent has one, a text that is not empty")
    event = _data(envelope)
    event.setdefault("event_id", _id_of(envelope["source"], envelope["id"]))
    if envelope.get("time") is not None:
        event.setdefault("observed_at", envelope["time"])
    return event


def _data(envelope: Json) -> Json:
    data = envelope.get("data")
    if data is None and isinstance(envelope.get("data_base64"), str):
        try:
            data = decode(b64decode(envelope["data_base64"], validate=True))
        except (binascii.Error, ValueError, BadPayloadError):
            raise BadFieldError("data_base64", "is not JSON in base64") from None
    if not isinstance(data, dict):
        raise BadFieldError("data", 'is a direct event, such as {"model": "churn", "metric": "psi", "value": 0.3}')
    return {name: value for name, value in cast(Json, data).items() if value is not None or name in {"value", "score"}}


def _id_of(source: str, given: str) -> str:
    """One name for what a source calls `given`; a long one is hashed."""
    name = f"{source}#{given}"
    if len(name) <= MAX_ID_CHARS:
        return name
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
