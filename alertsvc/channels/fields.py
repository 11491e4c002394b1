"""The kinds of values that the channels' configurations share."""

import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainValidator, SecretStr, WithJsonSchema

GO_TEMPLATE = (
    "Go templates are not carried over: leave this out, or put a Jinja template such as title.txt.j2 under `templates:`"
)
_ALERTMANAGERS_OWN = re.compile(r'\{\{ ?template "\w+\.default\.\w+" \. ?\}\}')
"""What Alertmanager fills in by itself and prints with its configuration: as good as nothing."""
_SPAN = re.compile(r"(?:(\d{1,4})m)?(?:(\d{1,5})s)?(?:(\d{1,7})ms)?", re.ASCII)


def _constant(text: str | None) -> str | None:
    if not text or _ALERTMANAGERS_OWN.fullmatch(text):
        return None
    if "{{" in text:
        raise ValueError(GO_TEMPLATE)
    if len(text) > 1000:
        raise ValueError("at most 1000 characters are allowed here")
    return text


def _web_address(url: str) -> str:
    if "{{" in url:
        raise ValueError(GO_TEMPLATE)
    if not is_web_address(url):
        raise ValueError("an address that begins with https:// or http:// is needed")
    return url


def _maybe_web_address(url: str | None) -> str | None:
    known = None if url and _ALERTMANAGERS_OWN.fullmatch(url) else url
    return _web_address(known) if known else None


def _no_template(value: object) -> object:
    if isinstance(value, str) and "{{" in value:
        raise ValueError(GO_TEMPLATE)
    return value


def _secret_web_address(url: SecretStr) -> SecretStr:
    _web_address(url.get_secret_value().strip())
    return url


def _span(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _SPAN.fullmatch(value)
    if found is None or not value:
        raise ValueError("a span of time is needed, such as 10s or 1m30s")
    minutes, seconds, milliseconds = (int(count or 0) for count in found.groups())
    return timedelta(minutes=minutes, seconds=seconds, milliseconds=milliseconds)


def _timeout(span: timedelta) -> timedelta:
    if not timedelta(milliseconds=100) <= span <= timedelta(minutes=1):
        raise ValueError("a request may take between 100ms and 1m")
    return span


_OWN_LAYOUT = "this part of Alertmanager's own layout has no counterpart here"


def _no_counterpart(value: object) -> None:
    if not value or (isinstance(value, str) and _ALERTMANAGERS_OWN.fullmatch(value)):
        return
    if "{{" in str(value):
        raise ValueError(GO_TEMPLATE)
    raise ValueError(f"{_OWN_LAYOUT}: leave it out")


def _no_actions(value: object) -> None:
    if value:
        buttons = "the links of the alerts (`runbook_url`, `dashboard_url`, the source) are the buttons"
        raise ValueError(f"{_OWN_LAYOUT}: leave it out; {buttons}")


def is_web_address(url: str) -> bool:
    """Whether `url` can be asked for over http or https."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises on a port that is none
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"[\s\x00-\x20\x7f]", url)


Constant = Annotated[str | None, AfterValidator(_constant)]
"""A text that is used as it stands; None when nothing is said."""

WebAddress = Annotated[str, AfterValidator(_web_address)]

MaybeWebAddress = Annotated[str | None, AfterValidator(_maybe_web_address)]

NoTemplate = BeforeValidator(_no_template)
"""For choices: a template is refused as one, not as a wrong word."""

SecretWebAddress = Annotated[SecretStr, AfterValidator(_secret_web_address)]
"""An address whose path or query is a credential."""

Timeout = Annotated[
    timedelta,
    BeforeValidator(_span),
    AfterValidator(_timeout),
    WithJsonSchema({"type": "string", "pattern": r"^(?=.)(\d+m)?(\d+s)?(\d+ms)?$", "examples": ["10s"]}),
]
"""How long one request may take as a whole."""

NoCounterpart = Annotated[None, PlainValidator(_no_counterpart), WithJsonSchema({"not": {}})]
"""A key of Alertmanager's whose place is taken by a layout of our own."""

NoActions = Annotated[None, PlainValidator(_no_actions), WithJsonSchema({"not": {}})]
"""The same for its buttons."""
